/* SPDX-License-Identifier: ISC */
/* See refusal.h. */
#include "refusal.h"

#include "words.h"

#include <stddef.h>

static const struct refusal_text texts[] = {
    [REFUSAL_NONE] = {200, NULL, NULL, "", false},

    [REFUSAL_TWICE] = {500, "twice",
                       "REMOTE_USER, REMOTE_ADDR or HTTPS is there twice, and differs: let the web server pass on one "
                       "of each",
                       WORDS_REFUSAL_TWICE, false},
    [REFUSAL_NO_USER] = {500, "no-user",
                         "REMOTE_USER is missing: let the web server ask for a password or a certificate, "
                         "and pass the name on",
                         WORDS_REFUSAL_NO_USER, false},
    [REFUSAL_NOBODY] = {403, "nobody",
                        "REMOTE_USER is empty: the certificate has no name that the web server takes, or it has asked "
                        "for neither that nor a password",
                        WORDS_REFUSAL_NOBODY, false},
    [REFUSAL_USER] = {403, "user",
                      "REMOTE_USER is no name that Ostiary takes: letters, digits and . _ @ + -, not "
                      "beginning with - or @",
                      WORDS_REFUSAL_USER, false},
    [REFUSAL_SEEN] = {500, "seen", "REMOTE_ADDR is missing, or no address: let the web server pass it on",
                      WORDS_REFUSAL_SEEN, false},
    [REFUSAL_HTTPS] = {403, "https",
                       "HTTPS is not \"on\": serve the page by TLS alone; where a proxy ends the TLS, set HTTPS "
                       "to on there",
                       WORDS_REFUSAL_HTTPS, false},

    [REFUSAL_HERE] = {403, "here",
                      "REMOTE_ADDR is the machine's own, so that it is no visitor's: where a proxy on this machine is "
                      "in front, let the web server put it right by mod_extforward, real_ip_module or mod_remoteip",
                      WORDS_HERE, true},

    [REFUSAL_METHOD] = {405, "method", "neither GET nor POST", WORDS_REFUSAL_METHOD, false},
    [REFUSAL_QUERY] = {400, "query", "there is something in the query that is not of this page", WORDS_REFUSAL_QUERY,
                       false},
    [REFUSAL_SITE] = {403, "site",
                      "Sec-Fetch-Site and Origin do not say that the form is of this page: it is another "
                      "site's, or the browser is too old to say",
                      WORDS_REFUSAL_SITE, false},
    [REFUSAL_TYPE] = {415, "type", "CONTENT_TYPE is not application/x-www-form-urlencoded", WORDS_REFUSAL_FORM, false},
    [REFUSAL_NO_BODY] = {411, "no-body", "CONTENT_LENGTH is missing or 0", WORDS_REFUSAL_FORM, false},
    [REFUSAL_LENGTH] = {400, "length", "CONTENT_LENGTH is no number", WORDS_REFUSAL_FORM, false},
    [REFUSAL_SIZE] = {413, "size", "the form has more than 4096 bytes", WORDS_REFUSAL_SIZE, false},
    [REFUSAL_SHORT] = {400, "short", "the form ended before CONTENT_LENGTH, or did not come in time",
                       WORDS_REFUSAL_FORM, false},
    [REFUSAL_FORM] = {400, "form", "it is not a form of this page", WORDS_REFUSAL_FORM, false},

    [REFUSAL_ADDRESS] = {400, "address", "what was typed is no address or network", WORDS_REFUSAL_ADDRESS, true},
    [REFUSAL_WHOM] = {400, "whom", "what was typed is no user's name", WORDS_REFUSAL_WHOM, true},
    [REFUSAL_HOURS] = {400, "hours", "what was typed is no number of hours", WORDS_REFUSAL_HOURS, true},

    [REFUSAL_MALFORMED] = {400, NULL, NULL, WORDS_REFUSAL_FORM, true},
    [REFUSAL_NOT_PERMITTED] = {403, NULL, NULL, WORDS_REFUSAL_NOT_PERMITTED, true},
    [REFUSAL_NO_GATE] = {400, NULL, NULL, WORDS_REFUSAL_NO_GATE, true},
    [REFUSAL_BAD_ADDRESS] = {400, NULL, NULL, WORDS_REFUSAL_BAD_ADDRESS, true},
    [REFUSAL_LIFETIME] = {400, NULL, NULL, WORDS_REFUSAL_LIFETIME, true},
    [REFUSAL_NOT_OPEN] = {409, NULL, NULL, WORDS_REFUSAL_NOT_OPEN, true},
    [REFUSAL_TOKEN] = {403, NULL, NULL, WORDS_REFUSAL_TOKEN, true},
    [REFUSAL_FULL] = {503, NULL, NULL, WORDS_REFUSAL_FULL, true},
    [REFUSAL_BUSY] = {503, NULL, NULL, WORDS_REFUSAL_BUSY, true},
    [REFUSAL_CONFIG] = {503, NULL, NULL, WORDS_REFUSAL_CONFIG, false},
    [REFUSAL_FAILED] = {500, NULL, NULL, WORDS_REFUSAL_FAILED, true},

    [REFUSAL_UNREACHABLE] = {503, "unreachable",
                             "ostgrant does not answer: is ostiary-grant-web.socket started, and is this "
                             "its user?",
                             WORDS_REFUSAL_UNREACHABLE, false},
    [REFUSAL_ANSWER] = {502, "answer", "ostgrant's answer is not understood: are both of one version?",
                        WORDS_REFUSAL_UNREACHABLE, false},
    [REFUSAL_MEMORY] = {500, "memory", "there is no memory", WORDS_REFUSAL_MEMORY, false},
};

const struct refusal_text *refusal_text(enum refusal refusal)
{
    return &texts[refusal];
}
