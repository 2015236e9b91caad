/* SPDX-License-Identifier: ISC */
/* The memory and the findings of a run of the parser: texts of up to TEXT_MAX bytes, strings of any length. */
#include "parser.h"

#include "any.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX    24
#define ROOM_LEN    512 /* TEXT_LEN of parser.c */
#define KEYWORD_MAX 22  /* KEYWORD_LEN_MAX of keyword.h */
#define FOUND_MAX   1000
#define ERRNO_LAST  133
#define OWN_MAX     64

static void report(void *context, const struct config_finding *finding)
{
    (void)context;
    //@ assert finding_is_a_string: valid_read_string(finding->text);
}

bool scan_is_utf_16(const char *text, size_t len)
{
    //@ assert text_is_readable: len == 0 || \initialized(text + (0 .. len - 1));
    return any_bool() && len >= 2;
}

const char *file_fault_text(enum file_fault fault)
{
    (void)fault;
    return "any";
}

char *strerror(int error)
{
    (void)error;
    return "any";
}

/*
 * What is formatted here is a keyword, and its name is no longer than that; and behind it an option, the shortest or
 * the longest.
 */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    const size_t len = size == ROOM_LEN ? any_size(0, KEYWORD_MAX + 2) : any_bool() ? 3 : KEYWORD_MAX + 2;
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

/* Any text of these lengths, and one that is too long to be looked at; with some memory for the file, or none. */
static void begin_and_keep(struct parser *parser)
{
    static const size_t lens[] = {0, 8, TEXT_MAX, CONFIG_SIZE_MAX + 1};
    const int which = Frama_C_interval(0, 3);
    const size_t own = any_bool() ? OWN_MAX : 0;
    char text[TEXT_MAX + 1];
    //@ split which;
    //@ split own;

    any_bytes(text, sizeof(text));
    if (parser_begin(parser, text, lens[which], own) != NULL)
        keep(parser, text);
}

int main(void)
{
    const struct config_reader reader = {.path = "ostiary.cfg", .report = report};
    struct parser parser = {.reader = &reader, .line = (unsigned)any_size(0, UINT32_MAX)};

    if (any_bool())
        parser.keyword = "KILL";
    if (any_bool())
        parser.option = "size";
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
        errno = Frama_C_interval(1, ERRNO_LAST);
        parser_error_file(&parser, "file", (enum file_fault)Frama_C_interval(FILE_OK, FILE_NO_MEMORY), ": make it");
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
