/* SPDX-License-Identifier: ISC */
/*
 * Any answer of ostgrant's, and any form that was refused, as a page. The input: a byte for what the page is to say,
 * the form, a NUL, the answer. Whatever they are, the page has the elements of our own and no others, and nothing gets
 * out of the place that it has in it.
 */
#include "fuzz.h"
#include "page.h"

#define NOW UINT64_C(1795293540)

static struct answer answer;

static bool is_ours(const char *name, size_t len)
{
    static const char *const names[] = {
        "html",    "head",    "meta", "title", "style", "body",   "main",   "header", "h1", "h2", "h3",
        "p",       "section", "span", "form",  "input", "label",  "small",  "button", "ul", "li", "details",
        "summary", "strong",  "div",  "br",    "a",     "select", "option", "dl",     "dt", "dd", "!DOCTYPE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
            return true;
    return false;
}

/* From behind "<" to behind ">". */
static const char *demand_tag(const char *at)
{
    const char *name = at + (*at == '/' ? 1 : 0);
    bool quoted = false;

    DEMAND(is_ours(name, strcspn(name, " >")));
    for (; quoted || *at != '>'; at++) {
        DEMAND(*at != '\0' && *at != '<' && *at != '>' && *at != '\'');
        quoted ^= *at == '"';
    }
    return at + 1;
}

static void demand_html(const char *html)
{
    const char *style_end = strstr(html, "</style>");
    const char *at = html;

    DEMAND(style_end != NULL);
    while (*at != '\0') {
        if (*at == '<') {
            const bool is_style = strncmp(at, "<style>", 7) == 0;

            at = is_style ? style_end : demand_tag(at + 1);
            continue;
        }
        DEMAND(*at != '>' && *at != '"' && *at != '\'');
        at++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_input input = {bytes, len};
    const uint8_t what = fuzz_byte(&input);
    const uint8_t *nul = input.left > 0 ? memchr(input.bytes, '\0', input.left) : NULL;
    const size_t typed_len = nul != NULL ? (size_t)(nul - input.bytes) : 0;
    const struct visitor visitor = {.user = "alice", .seen = "192.0.2.7", .is_here = what == 255};
    struct page page = {.visitor = &visitor, .now_s = NOW};
    char *typed = malloc(typed_len + 1);
    struct text html = {0};
    struct form form;

    DEMAND(typed != NULL);
    fuzz_take(&input, (uint8_t *)typed, typed_len);
    typed[typed_len] = '\0';
    if (nul != NULL)
        fuzz_byte(&input);
    if (form_parse(typed, typed_len, &form) == 0)
        page.typed = &form;
    page.refusal = (enum refusal)(what % (REFUSAL_MEMORY + 1));
    page.is_done = what > 200;
    page.done = (enum wish_deed)(what % (WISH_OTHERS + 1));
    snprintf(page.done_gate, sizeof(page.done_gate), "ssh");
    if (answer_parse((const char *)input.bytes, input.left, &answer) == 0)
        page.answer = &answer;
    page_write(&html, &page);
    DEMAND(!html.failed);
    demand_html(html.bytes);
    text_free(&html);
    free(typed);
    return 0;
}
