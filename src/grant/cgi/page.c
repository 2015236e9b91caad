/* SPDX-License-Identifier: ISC */
/* See page.h. */
#include "page.h"

#include "hours.h"
#include "markup.h"
#include "page_parts.h"
#include "style.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

const char page_policy[] = "default-src 'none'; style-src '" STYLE_HASH "'; form-action 'self'; base-uri 'none'; "
                           "frame-ancestors 'none'";

/* ---- Parts ---- */

void page_hide(struct text *html, const char *name, const char *value)
{
    text_add(html, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    markup_say(html, "%s", value);
    text_add(html, "\">");
}

void page_begin_form(struct text *html, const struct page *page, const char *gate)
{
    /* To this very page, without what its address may have behind a "?". */
    text_add(html, "<form method=\"post\" action=\"?\" autocomplete=\"off\">");
    page_hide(html, WISH_FIELD_TOKEN, page->answer->token);
    if (gate != NULL)
        page_hide(html, WISH_FIELD_GATE, gate);
}

void page_button(struct text *html, const struct page_button *button)
{
    text_add(html, "<button name=\"" WISH_FIELD_DEED "\" value=\"%s\" class=\"%s\">", wish_deed_word(button->deed),
             button->class_name);
    markup_say(html, "%s", button->label);
    text_add(html, "</button>");
}

void page_left(struct text *html, const struct page *page, const struct answer_grant *grant)
{
    char span[MARKUP_TIME_LEN], until[MARKUP_TIME_LEN];

    if (grant->state == ANSWER_WAITING) {
        markup_say(html, WORDS_WAITS);
        return;
    }
    if (grant->state == ANSWER_UNSETTLED) {
        markup_say(html, WORDS_UNSETTLES);
        return;
    }
    markup_span(grant->left_s, span);
    markup_time(page->now_s + grant->left_s, page->now_s, until);
    markup_say(html, WORDS_LEFT, span);
    /* Where there is no room for both they stand in two lines, each whole. */
    text_add(html, " <span class=\"until\">");
    markup_say(html, WORDS_UNTIL, until);
    text_add(html, "</span>");
}

const char *page_typed(const struct page *page, const char *name)
{
    const char *value = page->typed != NULL ? form_value(page->typed, name) : NULL;

    return value != NULL ? value : "";
}

/* ---- The head ---- */

static void write_head(struct text *html, const struct page *page)
{
    text_add(
        html,
        "<!DOCTYPE html>\n<html lang=\"" WORDS_LANGUAGE "\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n<title>");
    markup_say(html, "%s", page->refusal != REFUSAL_NONE ? WORDS_NOT_DONE : WORDS_TITLE);
    text_add(html, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", STYLE_TEXT);
    markup_say(html, WORDS_TITLE);
    text_add(html, "</h1>\n");
    if (page->visitor->user[0] != '\0') {
        text_add(html, "<p>");
        markup_say(html, WORDS_SIGNED_IN, page->visitor->user);
        text_add(html, "</p>\n");
    }
    text_add(html, "</header>\n");
}

static void write_done(struct text *html, const struct page *page)
{
    text_add(html, "<p class=\"note good\" role=\"status\">");
    switch (page->done) {
    case WISH_OPEN:
        markup_say(html, WORDS_DONE_OPENED, page->done_gate);
        break;
    case WISH_RENEW:
        markup_say(html, WORDS_DONE_RENEWED, page->done_gate);
        break;
    case WISH_CLOSE:
        markup_say(html, WORDS_DONE_CLOSED, page->done_gate);
        break;
    case WISH_OTHERS:
        markup_say(html, WORDS_DONE_OTHERS, page->done_gate);
        break;
    }
    text_add(html, "</p>\n");
}

static void write_refusal(struct text *html, const struct page *page)
{
    text_add(html, "<div class=\"note bad\" role=\"alert\">\n<p><strong>");
    markup_say(html, WORDS_NOT_DONE);
    text_add(html, "</strong></p>\n<p>");
    markup_say(html, "%s", refusal_text(page->refusal)->said);
    text_add(html, "</p>\n</div>\n");
}

/* Is what is opened for this visitor more than his address? */
static bool opens_network(const struct answer *answer)
{
    for (size_t i = 0; i < answer->gate_count; i++)
        if (strchr(answer->gates[i].network, '/') != NULL)
            return true;
    return false;
}

static void write_address(struct text *html, const struct page *page)
{
    text_add(html, "<section class=\"card\">\n<h2>");
    markup_say(html, WORDS_ADDRESS);
    text_add(html, "</h2>\n<p class=\"address\">");
    markup_say(html, "%s", page->visitor->seen);
    text_add(html, "</p>\n");
    if (page->visitor->is_here || opens_network(page->answer)) {
        text_add(html, "<p class=\"soft\">");
        markup_say(html, "%s", page->visitor->is_here ? WORDS_HERE : WORDS_WHOLE);
        text_add(html, "</p>\n");
    }
    text_add(html, "<details>\n<summary>");
    markup_say(html, WORDS_NOT_MINE);
    text_add(html, "</summary>\n<p>");
    markup_say(html, WORDS_FAMILIES);
    text_add(html, "</p>\n</details>\n</section>\n");
}

/* ---- A gate ---- */

/* The visitor's own grant for the address that is seen; NULL: it is shut for him. */
static const struct answer_grant *find_own(const struct answer *answer, const struct answer_gate *gate)
{
    for (size_t i = 0; i < answer->grant_count; i++) {
        const struct answer_grant *grant = &answer->grants[i];

        if (grant->mine && strcmp(grant->gate, gate->name) == 0 && strcmp(grant->network, gate->network) == 0)
            return grant;
    }
    return NULL;
}

/* The next of his grants at this gate for another address, from *at on; NULL: there is none. */
static const struct answer_grant *next_other(const struct answer *answer, const struct answer_gate *gate, size_t *at)
{
    while (*at < answer->grant_count) {
        const struct answer_grant *grant = &answer->grants[(*at)++];

        if (grant->mine && strcmp(grant->gate, gate->name) == 0 && strcmp(grant->network, gate->network) != 0)
            return grant;
    }
    return NULL;
}

static const char *state_word(const struct answer_grant *own)
{
    static const char *const words[] = {WORDS_OPENING, WORDS_OPEN, WORDS_CLOSING, WORDS_WAITING, WORDS_UNSETTLED};

    return own != NULL ? words[own->state] : WORDS_SHUT;
}

static void write_state(struct text *html, const struct page *page, const struct answer_gate *gate,
                        const struct answer_grant *own)
{
    text_add(html, "<h2 class=\"gate\">");
    markup_say(html, "%s", gate->name);
    text_add(html, " <span class=\"state\">");
    markup_say(html, "%s", state_word(own));
    text_add(html, "</span></h2>\n");
    if (own != NULL) {
        text_add(html, "<p class=\"left\">");
        page_left(html, page, own);
        text_add(html, "</p>\n");
    }
    text_add(html, "<p class=\"soft\">");
    if (own != NULL)
        markup_say(html, WORDS_IS_OPEN_FOR, gate->network);
    else if (gate->network[0] == '\0')
        markup_say(html, WORDS_NOT_FOR_YOU);
    else
        markup_say(html, WORDS_OPENS_FOR, gate->network);
    if (own != NULL && gate->renew != GATE_RENEW_ASKING) {
        text_add(html, "<br>");
        markup_say(html, "%s", gate->renew == GATE_RENEW_NO ? WORDS_NO_RENEWAL : WORDS_BY_USE);
    }
    text_add(html, "</p>\n");
}

/* What stands in the field of the hours: what was typed there and was not good, or the gate's own lifetime. */
static void write_hours(struct text *html, const struct page *page, const struct answer_gate *gate)
{
    char hours[HOURS_TEXT_LEN], most[HOURS_TEXT_LEN];
    const bool is_typed = strcmp(page_typed(page, WISH_FIELD_GATE), gate->name) == 0 &&
                          form_value(page->typed, WISH_FIELD_ADDRESS) == NULL &&
                          form_value(page->typed, WISH_FIELD_HOURS) != NULL;

    hours_format(gate->lifetime_s, hours);
    hours_format(gate->most_s, most);
    text_add(html, "<p class=\"field\"><label for=\"hours-%s\">", gate->name);
    markup_say(html, WORDS_HOURS);
    text_add(html,
             "</label> <input id=\"hours-%s\" name=\"" WISH_FIELD_HOURS "\" inputmode=\"decimal\" maxlength=\"12\" "
             "aria-describedby=\"most-%s\" value=\"",
             gate->name, gate->name);
    markup_say(html, "%s", is_typed ? page_typed(page, WISH_FIELD_HOURS) : hours);
    text_add(html, "\"> <small id=\"most-%s\">", gate->name);
    markup_say(html, WORDS_AT_MOST, most);
    text_add(html, "</small></p>\n");
}

static void write_gate_form(struct text *html, const struct page *page, const struct answer_gate *gate, bool is_open)
{
    const bool may_open = !is_open || gate->renew != GATE_RENEW_NO;
    const struct page_button open = {WISH_OPEN, WORDS_BUTTON_OPEN, "main"};
    const struct page_button renew = {WISH_RENEW, WORDS_BUTTON_RENEW, "main"};
    const struct page_button close = {WISH_CLOSE, WORDS_BUTTON_CLOSE, ""};
    size_t at = 0;

    page_begin_form(html, page, gate->name);
    text_add(html, "\n");
    if (may_open)
        write_hours(html, page, gate);
    if (may_open && next_other(page->answer, gate, &at) != NULL) {
        text_add(html, "<p class=\"tick\"><label><input type=\"checkbox\" name=\"" WISH_FIELD_OTHERS
                       "\" value=\"" WISH_OTHERS_CLOSE "\"> ");
        markup_say(html, WORDS_CLOSE_OTHERS);
        text_add(html, "</label></p>\n");
    }
    text_add(html, "<p class=\"buttons\">");
    if (may_open)
        page_button(html, is_open ? &renew : &open);
    if (is_open)
        page_button(html, &close);
    text_add(html, "</p>\n</form>\n");
}

/* His other addresses at this gate, which he can close all together. */
static void write_others(struct text *html, const struct page *page, const struct answer_gate *gate)
{
    const struct page_button others = {WISH_OTHERS, WORDS_BUTTON_OTHERS, ""};
    const struct answer_grant *grant;
    char span[MARKUP_TIME_LEN];
    size_t at = 0;

    if (next_other(page->answer, gate, &at) == NULL)
        return;
    text_add(html, "<h3>");
    markup_say(html, WORDS_OTHERS);
    text_add(html, "</h3>\n<ul class=\"others\">\n");
    for (at = 0; (grant = next_other(page->answer, gate, &at)) != NULL;) {
        text_add(html, "<li><span class=\"network\">");
        markup_say(html, "%s", grant->network);
        text_add(html, "</span> <span class=\"soft\">");
        markup_span(grant->left_s, span);
        markup_say(html, WORDS_LEFT, span);
        text_add(html, "</span></li>\n");
    }
    text_add(html, "</ul>\n");
    page_begin_form(html, page, gate->name);
    text_add(html, "<p class=\"buttons\">");
    page_button(html, &others);
    text_add(html, "</p></form>\n");
}

static void write_gate(struct text *html, const struct page *page, const struct answer_gate *gate)
{
    const struct answer_grant *own = find_own(page->answer, gate);
    const bool is_open = own != NULL && own->state != ANSWER_CLOSING;

    text_add(html, "<section class=\"card%s\">\n", is_open ? " open" : "");
    write_state(html, page, gate, own);
    if (!page->visitor->is_here && gate->network[0] != '\0')
        write_gate_form(html, page, gate, is_open);
    write_others(html, page, gate);
    text_add(html, "</section>\n");
}

/* ---- All of it ---- */

static void write_gates(struct text *html, const struct page *page)
{
    for (size_t i = 0; i < page->answer->gate_count; i++)
        write_gate(html, page, &page->answer->gates[i]);
    if (page->answer->gate_count > 0)
        return;
    text_add(html, "<section class=\"card\"><p>");
    markup_say(html, WORDS_NO_GATES);
    text_add(html, "</p></section>\n");
}

static void write_way_back(struct text *html)
{
    text_add(html, "<p><a href=\"?\">");
    markup_say(html, WORDS_BACK);
    text_add(html, "</a></p>\n");
}

void page_write(struct text *html, const struct page *page)
{
    write_head(html, page);
    if (page->refusal != REFUSAL_NONE)
        write_refusal(html, page);
    else if (page->is_done)
        write_done(html, page);
    if (page->answer != NULL) {
        write_address(html, page);
        write_gates(html, page);
        if (page->answer->admin)
            page_write_admin(html, page);
    } else {
        write_way_back(html);
    }
    text_add(html, "</main>\n</body>\n</html>\n");
}
