/* SPDX-License-Identifier: ISC */
/* The memory and the findings of a run of the parser: texts of up to TEXT_MAX bytes, strings of any length. */
#include "parser.h"

#include "any.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX    24
#define KEYWORD_MAX 24 /* WORD_MAX of config.c */
#define FOUND_MAX   1000
#define LINES_MAX   3 /* more than fit into a text that is so short */

static void report(void *context, const struct config_finding *finding)
{
    (void)context;
    //@ assert finding_is_a_string: valid_read_string(finding->text);
}

void seen_free(struct seen *seen)
{
    (void)seen;
}

/* What is formatted here is a keyword, and its name is no longer than that. */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    const size_t len = any_size(0, KEYWORD_MAX + sizeof(": "));
    //@ split len;

    //@ assert there_is_room: len < size;
    any_bytes(text, len);
    text[len] = '\0';
    return (int)len;
}

int any_vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
    //@ assert there_is_room: size > 0 && \valid(text + (0 .. size - 1));
    any_bytes(text, size - 1);
    text[size - 1] = '\0';
    return (int)any_size(0, INT32_MAX);
}

/* Keep one more string, when there is room for it, just so, or no longer. */
static void keep(struct parser *parser, const char *text)
{
    const size_t left = any_size(0, TEXT_MAX + 2);
    //@ split left;
    const size_t used = parser->strings_left - left;
    const size_t len = any_size(0, TEXT_MAX);
    char *kept;

    parser->strings += used;
    parser->strings_left -= used;
    kept = parser_keep(parser, text, len);
    if (kept != NULL) {
        //@ assert room_is_what_is_left: \valid(parser->strings - 1);
    }
}

/* Any text of any length. Where its lines end is told apart for each length, not for each text. */
static void begin(struct parser *parser)
{
    const size_t len = any_size(0, TEXT_MAX);
    //@ split len;
    char text[TEXT_MAX + 1];

    any_bytes(text, sizeof(text));
    parser_begin(parser, text, len);
}

/* How many newlines are in any text the analysis knows no better than as a range. Here they are known. */
static void begin_and_keep(struct parser *parser)
{
    static const size_t lens[] = {0, 8, 9, TEXT_MAX};
    const int which = Frama_C_interval(0, 3);
    char text[TEXT_MAX + 1];
    const size_t newlines = any_size(0, LINES_MAX);
    //@ split which;
    //@ split newlines;

    memset(text, '\n', newlines);
    for (size_t i = newlines; i < sizeof(text); i++)
        text[i] = (char)Frama_C_char_interval('\n' + 1, CHAR_MAX);
    if (parser_begin(parser, text, lens[which]) == 0)
        keep(parser, text);
}

int main(void)
{
    const struct config_reader reader = {.path = "ostiary.cfg", .report = report};
    struct config config = {0};
    struct parser parser = {.reader = &reader, .config = &config, .line = (unsigned)any_size(0, UINT32_MAX)};

    if (any_bool())
        parser.keyword = "KILL";
    parser.errors = any_size(0, FOUND_MAX);
    parser.findings = any_size(0, FOUND_MAX);
    switch (Frama_C_interval(0, 5)) {
    case 0:
        parser_error(&parser, "takes one value, not %zu", any_size(0, TEXT_MAX));
        break;
    case 1:
        parser_warn(&parser, "has no effect: %s", "any reason");
        break;
    case 2:
        parser_note(&parser, "is as it was: %s", "any reason");
        break;
    case 3:
        begin(&parser);
        break;
    case 4:
        begin_and_keep(&parser);
        break;
    default:
        parser_end(&parser);
        break;
    }
    return 0;
}
