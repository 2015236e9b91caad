/* SPDX-License-Identifier: ISC */
/*
 * words.h: every word that the page says is there, and each of them is said. Here the page is built with a mark without
 * letters in place of each text (tools/marked_words.py), and what it is told of has no letter but that of a gate's
 * name.
 */
#include "answer.h"
#include "check.h"
#include "page.h"
#include "words.h"

#include <ctype.h>
#include <stdlib.h>

#define NOW         UINT64_C(1795293540) /* 2026-11-21 20:39:00 UTC */
#define NAME_LETTER 'q'

static struct answer answer;
static bool is_said[WORDS_MARKS + 1];

/* ---- What people see, or hear, of a page ---- */

static void take_marks(const char *html)
{
    for (const char *at = strchr(html, '['); at != NULL; at = strchr(at + 1, '[')) {
        const unsigned long number = strtoul(at + 1, NULL, 10);

        if (number >= 1 && number <= WORDS_MARKS)
            is_said[number] = true;
    }
}

/* A word in len bytes of text, or NULL. An entity is a character; letters beside those of ASCII begin at U+00C0. */
static const char *find_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '&')
            i += strcspn(text + i, ";");
        else if ((isalpha((unsigned char)text[i]) && text[i] != NAME_LETTER) || (unsigned char)text[i] >= 0xc3)
            return text + i;
    }
    return NULL;
}

/* One in an attribute that is shown or read out, of a tag from behind "<" on. */
static const char *find_word_in_tag(const char *tag, size_t len)
{
    static const char *const shown[] = {
        " aria-label=\"", " aria-description=\"", " aria-valuetext=\"", " aria-placeholder=\"", " title=\"",
        " alt=\"",        " placeholder=\"",      " label=\"",          " summary=\""};

    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const char *at = memmem(tag, len, shown[i], strlen(shown[i]));
        const char *word;

        if (at == NULL)
            continue;
        at += strlen(shown[i]);
        word = find_word(at, strcspn(at, "\""));
        if (word != NULL)
            return word;
    }
    return NULL;
}

static const char *find_word_in_page(const char *html)
{
    const char *word = NULL;

    while (word == NULL && *html != '\0') {
        const size_t text_len = strcspn(html, "<");
        size_t tag_len;

        word = find_word(html, text_len);
        html += text_len;
        if (word != NULL || *html == '\0')
            break;
        tag_len = strcspn(html, ">");
        word = find_word_in_tag(html + 1, tag_len);
        html += strncmp(html, "<style>", 7) == 0 ? (size_t)(strstr(html, "</style>") - html) : tag_len + 1;
    }
    return word;
}

static void show(const struct page *page, const char *what)
{
    struct text html = {0};
    const char *word;

    page_write(&html, page);
    if (check(!html.failed && html.bytes != NULL, "%s is written", what)) {
        take_marks(html.bytes);
        word = find_word_in_page(html.bytes);
        if (!check(word == NULL, "%s has no word that is not in words.h", what))
            printf("# it says: %.*s\n", (int)strcspn(word, "<\n"), word);
    }
    text_free(&html);
}

/* ---- Pages ---- */

static const struct visitor somebody = {.user = "7", .seen = "192.0.2.7"};

static struct page page_of(const struct visitor *visitor, const char *lines)
{
    struct text text = {0};

    text_add(&text, "%stoken value=123\nok\n", lines);
    check(answer_parse(text.bytes, text.len, &answer) == 0, "an answer is read");
    text_free(&text);
    return (struct page){.visitor = visitor, .answer = &answer, .now_s = NOW};
}

#define GATE "gate name=q lifetime=90000 most=180000 network=192.0.2.7 admin=no renew="
#define OWN  "grant gate=q network=192.0.2.7 user=7 packets=0 mine=yes "

static void test_gates(void)
{
    static const char *const lines[] = {
        "",
        GATE "asking\n",
        GATE "asking\n" OWN "left=8640 state=open\n",
        GATE "no\n" OWN "left=90 state=open\n",
        GATE "use\n" OWN "left=200000 state=open\n",
        GATE "asking\n" OWN "left=10 state=opening\n",
        GATE "asking\n" OWN "left=0 state=closing\n",
        GATE "asking\n" OWN "left=10 state=waiting\n",
        GATE "asking\n" OWN "left=10 state=missing\n",
        GATE "asking\ngrant gate=q network=198.51.100.1 user=7 left=90 packets=0 state=open mine=yes\n",
        "gate name=q lifetime=60 most=60 renew=no network=2001:4::/64 admin=no\n",
        "gate name=q lifetime=60 most=60 renew=no network=- admin=no\n",
    };
    const struct visitor here = {.user = "7", .seen = "127.0.0.1", .is_here = true};
    struct page page;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        page = page_of(&somebody, lines[i]);
        show(&page, "a page of a user");
    }
    page = page_of(&here, GATE "asking\n");
    show(&page, "the page on the machine itself");
}

static void test_admin(void)
{
    static const char gate[] = "gate name=q lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=yes\n"
                               "admin value=yes\n";
    static const char grants[] = "gate name=q lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=yes\n"
                                 "grant gate=q network=2001:4::1 user=8 left=200000 packets=1 state=open mine=no\n"
                                 "grant gate=q network=0.0.0.0/0 user=9 left=10 packets=12 state=open mine=no\n"
                                 "count gate=q shut=4711\nadmin value=yes\n";
    struct page page = page_of(&somebody, gate);

    show(&page, "the page of an admin, with nothing open");
    page = page_of(&somebody, grants);
    answer.left_out = 3;
    show(&page, "the page of an admin");
}

static void test_done(void)
{
    struct page page = page_of(&somebody, GATE "asking\n");

    page.is_done = true;
    page.done_gate[0] = NAME_LETTER;
    for (unsigned deed = WISH_OPEN; deed <= WISH_OTHERS; deed++) {
        page.done = (enum wish_deed)deed;
        show(&page, "a page of what was done");
    }
}

static void test_refusals(void)
{
    const struct visitor nobody = {0};
    struct page page = page_of(&nobody, GATE "asking\n");

    page.answer = NULL;
    for (enum refusal refusal = REFUSAL_NONE + 1; refusal <= REFUSAL_MEMORY; refusal++) {
        page.refusal = refusal;
        show(&page, "a page of what was not done");
    }
}

static void test_all_said(void)
{
    for (unsigned number = 1; number <= WORDS_MARKS; number++)
        if (!is_said[number])
            printf("# no page says the text of number %u in words.h\n", number);
    check(memchr(is_said + 1, false, WORDS_MARKS) == NULL, "each text of words.h is said");
}

int main(void)
{
    test_gates();
    test_admin();
    test_done();
    test_refusals();
    test_all_said();
    return check_end();
}
