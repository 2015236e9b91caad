/* SPDX-License-Identifier: ISC */
/* See parser.h. */
#include "parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 100
#define TEXT_LEN     512

/* No line that adds an entry, an exemption or a secret is shorter: KILL="x" and its newline. */
#define LINE_MIN 9

/* A kept string has at least as many bytes in the text, its NUL's place included; a name may repeat its command. */
#define STRINGS_ROOM(len) (2 * (len) + 64)

/* How many lines can add something. What is wiped at the end is not larger than it has to be: each page of it costs. */
static size_t count_lines(const char *text, size_t len)
{
    const size_t most = len / LINE_MIN + 1;
    size_t start = 0;
    size_t count = 1;

    while (count < most && start < len) {
        const char *newline = memchr(text + start, '\n', len - start);

        if (newline == NULL)
            break;
        start = (size_t)(newline - text) + 1;
        count++;
    }
    return count;
}

int parser_begin(struct parser *parser, const char *text, size_t len)
{
    struct config *config = parser->config;
    const size_t lines_max = count_lines(text, len);

    parser->lines_max = lines_max;
    config->memory = calloc(1, lines_max * (sizeof(struct config_entry) + sizeof(struct source)) + STRINGS_ROOM(len));
    if (config->memory == NULL) {
        parser_error(parser, "there is no memory to read it");
        return -1;
    }
    config->entries = config->memory;
    config->exempt = (void *)(config->entries + lines_max);
    parser->strings = (void *)(config->exempt + lines_max);
    parser->strings_left = STRINGS_ROOM(len);
    return 0;
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
        vsnprintf(text + used, sizeof(text) - (size_t)used, format, arguments);
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

void parser_end(struct parser *parser)
{
    char text[TEXT_LEN];

    if (parser->findings > FINDINGS_MAX) {
        parser->line = 0;
        snprintf(text, sizeof(text), "and %zu more: mend these first", parser->findings - FINDINGS_MAX);
        show(parser, parser->errors > 0 ? CONFIG_ERROR : CONFIG_WARNING, text);
    }
    seen_free(&parser->seen);
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
