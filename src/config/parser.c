/* SPDX-License-Identifier: ISC */
/* See parser.h. */
#include "parser.h"

#include "scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 100
#define TEXT_LEN     512

/* A kept string has at least as many bytes in the text, its NUL's place included; a name may repeat its command. */
#define STRINGS_ROOM(len) (2 * (len) + 64)

void *parser_begin(struct parser *parser, const char *text, size_t len, size_t own)
{
    char *memory = NULL;

    if (len > CONFIG_SIZE_MAX) {
        parser_error(parser, "the file %s", file_fault_text(FILE_TOO_LARGE));
    } else if (scan_is_utf_16(text, len)) {
        parser_error(parser, "the file is in UTF-16, with a byte order mark: save it as UTF-8 without one");
    } else if ((memory = calloc(1, own + STRINGS_ROOM(len))) == NULL) {
        parser_error(parser, "there is no memory to read it");
    } else {
        parser->strings = memory + own;
        parser->strings_left = STRINGS_ROOM(len);
    }
    return memory;
}

bool parser_is_mute(const struct parser *parser)
{
    return parser->findings >= FINDINGS_MAX;
}

static void show(const struct parser *parser, enum config_severity severity, const char *text)
{
    const struct config_finding finding = {
        .file = parser->reader->path,
        .line = parser->line,
        .severity = severity,
        .text = text,
    };

    parser->reader->report(parser->reader->context, &finding);
}

__attribute__((format(printf, 3, 0))) static void find(struct parser *parser, enum config_severity severity,
                                                       const char *format, va_list arguments)
{
    char text[TEXT_LEN];
    int used = 0;

    if (!parser_is_mute(parser)) {
        if (parser->keyword != NULL)
            used = snprintf(text, sizeof(text), "%s: ", parser->keyword);
        if (parser->option != NULL)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%s= ", parser->option);
        used += vsnprintf(text + used, sizeof(text) - (size_t)used, format, arguments);
        if (parser->secret != 0 && used < TEXT_LEN)
            snprintf(text + used, sizeof(text) - (size_t)used, " (secret number %zu of this line)", parser->secret);
        show(parser, severity, text);
    }
    parser->findings++;
    parser->errors += severity == CONFIG_ERROR ? 1 : 0;
}

void parser_error(struct parser *parser, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(parser, CONFIG_ERROR, format, arguments);
    va_end(arguments);
}

void parser_warn(struct parser *parser, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(parser, CONFIG_WARNING, format, arguments);
    va_end(arguments);
}

void parser_note(struct parser *parser, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(parser, CONFIG_NOTE, format, arguments);
    va_end(arguments);
}

void parser_error_file(struct parser *parser, const char *what, enum file_fault fault, const char *remedy)
{
    const bool has_reason = fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ || fault == FILE_NO_MEMORY;
    const bool is_missing = fault == FILE_CANNOT_OPEN && errno == ENOENT;

    parser_error(parser, "the %s %s%s%s%s", what, file_fault_text(fault), has_reason ? ": " : "",
                 has_reason ? strerror(errno) : "", is_missing ? remedy : "");
}

void parser_end(struct parser *parser)
{
    char text[TEXT_LEN];

    if (parser->findings > FINDINGS_MAX) {
        parser->line = 0;
        snprintf(text, sizeof(text), "and %zu more: mend these first", parser->findings - FINDINGS_MAX);
        show(parser, parser->errors > 0 ? CONFIG_ERROR : CONFIG_WARNING, text);
    }
}

char *parser_keep(struct parser *parser, const char *text, size_t len)
{
    char *kept = parser->strings;

    if (len >= parser->strings_left) {
        parser_error(parser, "there is no memory to keep it");
        return NULL;
    }
    memcpy(kept, text, len);
    kept[len] = '\0';
    parser->strings += len + 1;
    parser->strings_left -= len + 1;
    return kept;
}
