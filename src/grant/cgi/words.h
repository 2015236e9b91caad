/* SPDX-License-Identifier: ISC */
/*
 * Every word that the page says, in one language. To translate it, change what stands in quotes here, and build;
 * nothing else has to be touched. What each "%s" stands for is said behind it, and that order stays. No text is
 * HTML: the page escapes what has to be. In UTF-8.
 */
#ifndef OSTIARY_WORDS_H
#define OSTIARY_WORDS_H

#define WORDS_LANGUAGE "en" /* as in BCP 47 */

/* ---- The head ---- */
#define WORDS_TITLE     "Open a gate"
#define WORDS_SIGNED_IN "Signed in as %s" /* user */
#define WORDS_ADDRESS   "Your address"
#define WORDS_WHOLE     "Your provider has given you a whole network. What you open here is open to all of it."
#define WORDS_HERE                                                                                                     \
    "The web server says that you are on the machine itself, so there is nothing to open for you. If you are not, it " \
    "stands behind a proxy and has not been told so: tell who runs this machine, who finds how in ostgrant.cgi(8)."
#define WORDS_NOT_MINE "Not the address you mean?"
#define WORDS_FAMILIES                                                                                                 \
    "A gate opens to the address that this page sees. Some devices have two, one of IPv4 and one of IPv6, and use "    \
    "now "                                                                                                             \
    "this one, now that. Where a gate is open here and you still do not get through, open it for your other address "  \
    "as well: ask who runs this machine for the page's names of either kind."
#define WORDS_NO_GATES "There is no gate that you may open here. Ask who runs this machine."

/* ---- A gate ---- */
#define WORDS_OPEN          "Open"
#define WORDS_SHUT          "Shut"
#define WORDS_OPENING       "Opening"
#define WORDS_CLOSING       "Closing"
#define WORDS_WAITING       "Waiting"
#define WORDS_WAITS         "It opens again once this machine knows what time it is."
#define WORDS_UNSETTLED     "Unsettled"
#define WORDS_UNSETTLES     "The firewall is being put right. Look again in a minute."
#define WORDS_NOT_FOR_YOU   "It cannot be opened for your address."
#define WORDS_OPENS_FOR     "Opens for %s" /* network */
#define WORDS_IS_OPEN_FOR   "Open for %s"  /* network */
#define WORDS_LEFT          "%s left"      /* time */
#define WORDS_UNTIL         "until %s"     /* time */
#define WORDS_NO_RENEWAL    "It cannot be renewed while it is open."
#define WORDS_BY_USE        "It is renewed while you use it."
#define WORDS_HOURS         "Hours"
#define WORDS_AT_MOST       "at most %s" /* hours */
#define WORDS_CLOSE_OTHERS  "Close my other addresses"
#define WORDS_BUTTON_OPEN   "Open"
#define WORDS_BUTTON_RENEW  "Renew"
#define WORDS_BUTTON_CLOSE  "Close"
#define WORDS_BUTTON_OTHERS "Close my others"
#define WORDS_OTHERS        "Also open for you"

/* ---- Times ---- */
#define WORDS_DAYS          "%llu d %llu h"   /* days, hours */
#define WORDS_HOURS_MINUTES "%llu h %llu min" /* hours, minutes */
#define WORDS_MINUTES       "%llu min"
#define WORDS_MOMENT        "less than a minute"
#define WORDS_UTC           "%s UTC" /* "21:43" today, "2026-11-21 21:43" on another day */

/* ---- For admins ---- */
#define WORDS_FOR_OTHERS      "Open for somebody else"
#define WORDS_GATE            "Gate"
#define WORDS_WHICH_ADDRESS   "Address or network"
#define WORDS_LIKE_ADDRESS    "192.0.2.7, 192.0.2.0/24, 2001:db8::/64; 0.0.0.0/0 is everybody"
#define WORDS_WHICH_USER      "User"
#define WORDS_LIKE_USER       "empty: you"
#define WORDS_LIKE_HOURS      "empty: as long as the gate has it"
#define WORDS_ALL             "All that is open"
#define WORDS_NOTHING         "Nothing is open."
#define WORDS_MORE            "And %llu more, which ostiaryctl grants shows." /* number */
#define WORDS_PACKETS         "%s packets"                                    /* number */
#define WORDS_ONE_PACKET      "1 packet"
#define WORDS_BUTTON_CLOSE_OF "Close %s for %s, %s" /* gate, network, user: for screen readers */
#define WORDS_COUNTS          "Packets that were shut out"

/* ---- What was done ---- */
#define WORDS_DONE_OPENED  "%s is open." /* gate */
#define WORDS_DONE_RENEWED "%s has been renewed."
#define WORDS_DONE_CLOSED  "%s has been closed."
#define WORDS_DONE_OTHERS  "%s has been closed for your other addresses."

/* ---- What was not, and what to do ---- */
#define WORDS_NOT_DONE "That was not done"
#define WORDS_BACK     "Back to the page"
#define WORDS_REFUSAL_NO_USER                                                                                          \
    "The web server has not said who you are. Whoever runs it has to have it ask for a password or a certificate on "  \
    "this page, and pass on the name as REMOTE_USER: see ostgrant.cgi(8)."
#define WORDS_REFUSAL_TWICE                                                                                            \
    "The web server has said two things of who you are, or of where you come from. Whoever runs it has to pass on "    \
    "one: see ostgrant.cgi(8)."
#define WORDS_REFUSAL_NOBODY                                                                                           \
    "Your certificate has no name for you, or you were asked for neither a certificate nor a password. Ask who runs "  \
    "this machine: see ostgrant.cgi(8)."
#define WORDS_REFUSAL_USER                                                                                             \
    "Your name has characters that Ostiary does not take. Ask who runs this machine for one of letters, digits and "   \
    "the signs . _ @ + and -."
#define WORDS_REFUSAL_SEEN                                                                                             \
    "The web server has not said from which address you come. Whoever runs it has to pass on REMOTE_ADDR: see "        \
    "ostgrant.cgi(8)."
#define WORDS_REFUSAL_HTTPS                                                                                            \
    "This page has to be asked for with https://, for without it anybody on the way could read your password and "     \
    "change what you send."
#define WORDS_REFUSAL_METHOD "This page can only be looked at, and its form sent."
#define WORDS_REFUSAL_QUERY  "This address has something behind its ? that is not of this page. Leave that off."
#define WORDS_REFUSAL_SITE   "The form did not come from this page, but from another site. Nothing was changed."
#define WORDS_REFUSAL_FORM   "What was sent is not a form of this page. Go back to the page, and try again."
#define WORDS_REFUSAL_SIZE   "The form is too large to be one of this page. Go back to the page, and try again."
#define WORDS_REFUSAL_ADDRESS                                                                                          \
    "That is not an address or a network. Write one as 192.0.2.7, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/64; no "     \
    "names, and no bits behind the network's own."
#define WORDS_REFUSAL_WHOM          "That cannot be a user's name. Write letters, digits and the signs . _ @ + and -."
#define WORDS_REFUSAL_HOURS         "Write the hours as a number above 0, such as 8, 2.4 or 0.5. To end it, close it."
#define WORDS_REFUSAL_NOT_PERMITTED "You may not do this. Ask who runs this machine."
#define WORDS_REFUSAL_NO_GATE       "There is no such gate any more. Choose another one."
#define WORDS_REFUSAL_BAD_ADDRESS   "This gate cannot be opened for that address. Take another one."
#define WORDS_REFUSAL_LIFETIME      "That is longer than this gate may be open. Write fewer hours."
#define WORDS_REFUSAL_NOT_OPEN      "It was not open any more."
#define WORDS_REFUSAL_TOKEN         "This page was too old for that. It is new now: press the button again."
#define WORDS_REFUSAL_FULL          "The gate is full. Try again later, or ask who runs this machine."
#define WORDS_REFUSAL_BUSY          "There is much to do just now. Try again in a moment."
#define WORDS_REFUSAL_CONFIG                                                                                           \
    "The configuration of the gates has an error just now. Ask who runs this machine: its log says which."
#define WORDS_REFUSAL_FAILED "The firewall could not be changed. Ask who runs this machine: its log says why."
#define WORDS_REFUSAL_UNREACHABLE                                                                                      \
    "What opens the gates does not answer. Try again in a moment; if that does not help, ask who runs this machine."
#define WORDS_REFUSAL_MEMORY "There is no memory left just now. Try again in a moment."

#endif
