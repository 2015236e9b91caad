/* SPDX-License-Identifier: ISC */
/* The part of the page that admins have: opening for others, all that is open, and what was shut out. */
#include "markup.h"
#include "page_parts.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- For somebody else ---- */

static bool has_gate(const struct answer *answer)
{
    for (size_t i = 0; i < answer->gate_count; i++)
        if (answer->gates[i].admin)
            return true;
    return false;
}

static void write_choice(struct text *html, const struct page *page)
{
    text_add(html, "<p class=\"field wide\"><label for=\"for-gate\">");
    markup_say(html, WORDS_GATE);
    text_add(html, "</label> <select id=\"for-gate\" name=\"" WISH_FIELD_GATE "\">");
    for (size_t i = 0; i < page->answer->gate_count; i++) {
        const struct answer_gate *gate = &page->answer->gates[i];

        if (!gate->admin)
            continue;
        text_add(html, "<option%s>", strcmp(page_typed(page, WISH_FIELD_GATE), gate->name) == 0 ? " selected" : "");
        markup_say(html, "%s", gate->name);
        text_add(html, "</option>");
    }
    text_add(html, "</select></p>\n");
}

struct input {
    const char *name;
    const char *label;
    const char *hint;
    const char *attributes; /* of the element, as they are */
};

/* What was typed before is shown again, where it was typed into this form and not that of a gate. */
static void write_input(struct text *html, const struct page *page, const struct input *input)
{
    const bool is_ours = page->typed != NULL && form_value(page->typed, WISH_FIELD_ADDRESS) != NULL;

    text_add(html, "<p class=\"field wide\"><label for=\"for-%s\">", input->name);
    markup_say(html, "%s", input->label);
    text_add(html, "</label> <input id=\"for-%s\" name=\"%s\" aria-describedby=\"hint-%s\" %s value=\"", input->name,
             input->name, input->name, input->attributes);
    markup_say(html, "%s", is_ours ? page_typed(page, input->name) : "");
    text_add(html, "\"> <small id=\"hint-%s\">", input->name);
    markup_say(html, "%s", input->hint);
    text_add(html, "</small></p>\n");
}

static void write_for_others(struct text *html, const struct page *page)
{
    static const char plain[] = "autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\" maxlength=\"64\"";
    const struct input address = {WISH_FIELD_ADDRESS, WORDS_WHICH_ADDRESS, WORDS_LIKE_ADDRESS, plain};
    const struct input user = {WISH_FIELD_USER, WORDS_WHICH_USER, WORDS_LIKE_USER, plain};
    const struct input hours = {WISH_FIELD_HOURS, WORDS_HOURS, WORDS_LIKE_HOURS,
                                "inputmode=\"decimal\" maxlength=\"12\""};
    const struct page_button open = {WISH_OPEN, WORDS_BUTTON_OPEN, "main"};

    text_add(html, "<section class=\"card\">\n<h2>");
    markup_say(html, WORDS_FOR_OTHERS);
    text_add(html, "</h2>\n");
    page_begin_form(html, page, NULL);
    text_add(html, "\n");
    write_choice(html, page);
    write_input(html, page, &address);
    write_input(html, page, &user);
    write_input(html, page, &hours);
    text_add(html, "<p class=\"buttons\">");
    page_button(html, &open);
    text_add(html, "</p>\n</form>\n</section>\n");
}

/* ---- All that is open ---- */

static void write_packets(struct text *html, uint64_t packets)
{
    char number[24];

    snprintf(number, sizeof(number), "%" PRIu64, packets);
    if (packets == 1)
        markup_say(html, WORDS_ONE_PACKET);
    else
        markup_say(html, WORDS_PACKETS, number);
}

/* An IPv6 host of the list is that address alone, and not the network that a gate opens for one. */
static void hide_network(struct text *html, const char *network)
{
    char exact[ADDRESS_TEXT_LEN + 4];
    const bool is_host = strchr(network, ':') != NULL && strchr(network, '/') == NULL;

    snprintf(exact, sizeof(exact), "%s%s", network, is_host ? "/128" : "");
    page_hide(html, WISH_FIELD_ADDRESS, exact);
}

/* Its button says to whom who does not see the page what is closed. */
static void write_close(struct text *html, const struct page *page, const struct answer_grant *grant)
{
    page_begin_form(html, page, grant->gate);
    hide_network(html, grant->network);
    if (grant->user[0] != '\0')
        page_hide(html, WISH_FIELD_USER, grant->user);
    text_add(html, "<button name=\"" WISH_FIELD_DEED "\" value=\"%s\" aria-label=\"", wish_deed_word(WISH_CLOSE));
    markup_say(html, WORDS_BUTTON_CLOSE_OF, grant->gate, grant->network, grant->user);
    text_add(html, "\">");
    markup_say(html, WORDS_BUTTON_CLOSE);
    text_add(html, "</button></form>");
}

static void write_grant(struct text *html, const struct page *page, const struct answer_grant *grant)
{
    text_add(html, "<li><div><span class=\"network\">");
    markup_say(html, "%s", grant->network);
    text_add(html, "</span> <strong>");
    markup_say(html, "%s", grant->user);
    text_add(html, "</strong><br><span class=\"soft\">");
    markup_say(html, "%s · ", grant->gate);
    write_packets(html, grant->packets);
    text_add(html, "<br>");
    page_left(html, page, grant);
    text_add(html, "</span></div>");
    write_close(html, page, grant);
    text_add(html, "</li>\n");
}

static void write_all(struct text *html, const struct page *page)
{
    const struct answer *answer = page->answer;

    text_add(html, "<section class=\"card\">\n<h2>");
    markup_say(html, WORDS_ALL);
    text_add(html, "</h2>\n");
    if (answer->grant_count == 0) {
        text_add(html, "<p class=\"soft\">");
        markup_say(html, WORDS_NOTHING);
        text_add(html, "</p>\n");
    }
    text_add(html, "<ul class=\"all\">\n");
    for (size_t i = 0; i < answer->grant_count; i++)
        write_grant(html, page, &answer->grants[i]);
    text_add(html, "</ul>\n");
    if (answer->left_out > 0) {
        text_add(html, "<p class=\"soft\">");
        markup_say(html, WORDS_MORE, (unsigned long long)answer->left_out);
        text_add(html, "</p>\n");
    }
    text_add(html, "</section>\n");
}

/* ---- What was shut out ---- */

static void write_counts(struct text *html, const struct answer *answer)
{
    if (answer->count_count == 0)
        return;
    text_add(html, "<section class=\"card\">\n<h2>");
    markup_say(html, WORDS_COUNTS);
    text_add(html, "</h2>\n<dl>\n");
    for (size_t i = 0; i < answer->count_count; i++) {
        text_add(html, "<div><dt>");
        markup_say(html, "%s", answer->counts[i].gate);
        text_add(html, "</dt><dd>%" PRIu64 "</dd></div>\n", answer->counts[i].shut);
    }
    text_add(html, "</dl>\n</section>\n");
}

void page_write_admin(struct text *html, const struct page *page)
{
    if (has_gate(page->answer))
        write_for_others(html, page);
    write_all(html, page);
    write_counts(html, page->answer);
}
