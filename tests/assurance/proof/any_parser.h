/* SPDX-License-Identifier: ISC */
/*
 * What the files of the configuration call in each other: findings, kept strings, numbers, files, locked memory. All
 * are subjects of their own, or system calls; here they do whatever their headers allow.
 */
#ifndef OSTIARY_PROOF_ANY_PARSER_H
#define OSTIARY_PROOF_ANY_PARSER_H

#include "any.h"
#include "file.h"
#include "locked.h"
#include "number.h"
#include "parser.h"
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX   270 /* more than a secret or a file name can have, and "credential=" before it */
#define LINES_MAX  1000000
#define ERRNO_LAST 133
#define FOUND_MAX  1000000

static char locked_room[3 * TEXT_MAX + 2 * 64 + 1025]; /* three secrets, two keys, and what a file may have more */

/* Of exactly that many bytes, at the end of a room of TEXT_MAX + 1. */
static char *any_text(char *room, size_t len)
{
    char *text = room + TEXT_MAX - len;

    any_bytes(text, len);
    text[len] = '\0';
    return text;
}

static void set_field(char *room, size_t len, struct scan_field *field)
{
    *field = (struct scan_field){.text = any_text(room, len), .len = len, .quoted = any_bool()};
}

/* A field with any bytes behind a name, or of any bytes alone. */
struct option {
    const char *name;
    size_t name_len;
    size_t len;
};
#define OPTION(name, len)                                                                                              \
    {                                                                                                                  \
        name, sizeof(name) - 1, len                                                                                    \
    }
#define ANY(len)                                                                                                       \
    {                                                                                                                  \
        "", 0, len                                                                                                     \
    }

static void set_option(const struct option *option, char *room, struct scan_field *field)
{
    set_field(room, option->name_len + option->len, field);
    memcpy((char *)field->text, option->name, option->name_len);
}

enum number_result number_parse(const char *text, struct number_range range, uint64_t *number)
{
    //@ assert text_is_a_string: valid_read_string(text);
    if (any_bool())
        return NUMBER_MALFORMED;
    *number = Frama_C_unsigned_long_interval(range.low, range.high);
    return NUMBER_OK;
}

enum number_result number_parse_time(const char *text, struct number_range range, uint64_t *seconds)
{
    return number_parse(text, range, seconds);
}

bool parser_is_mute(const struct parser *parser)
{
    (void)parser;
    return any_bool();
}

/* How many there are now is left open: whether there was one is all that is asked. */
void parser_error(struct parser *parser, const char *format, ...)
{
    (void)format;
    parser->errors = any_size(1, FOUND_MAX);
    parser->findings = any_size(1, FOUND_MAX);
}

void parser_warn(struct parser *parser, const char *format, ...)
{
    (void)format;
    parser->findings = any_size(1, FOUND_MAX);
}

void parser_note(struct parser *parser, const char *format, ...)
{
    (void)format;
    parser->findings = any_size(1, FOUND_MAX);
}

bool scan_has_mark(const char *text, size_t len)
{
    //@ assert text_is_readable: len == 0 || \initialized(text + (0 .. len - 1));
    return any_bool() && len >= SCAN_MARK_LEN;
}

bool scan_is_utf_16(const char *text, size_t len)
{
    //@ assert text_is_readable: len == 0 || \initialized(text + (0 .. len - 1));
    return any_bool() && len >= 2;
}

/* The copy is the text itself, cut off where the copy ends. */
char *parser_keep(struct parser *parser, const char *text, size_t len)
{
    char *kept = (char *)text;

    //@ assert text_is_readable: \valid(kept + (0 .. len)) && \initialized(kept + (0 .. len - 1));
    if (any_bool()) {
        parser_error(parser, "there is no room");
        return NULL;
    }
    kept[len] = '\0';
    return kept;
}

char *strerror(int error)
{
    (void)error;
    return "any";
}

void parser_error_file(struct parser *parser, const char *what, enum file_fault fault, const char *remedy)
{
    //@ assert texts_are_strings: valid_read_string(what) && valid_read_string(remedy);
    (void)fault;
    parser_error(parser, "any");
}

/* What is in it is any from the start, so that it is one state whatever comes into it. */
int locked_new(size_t len, struct locked *memory)
{
    //@ assert something_is_wanted: 0 < len <= sizeof(locked_room);
    if (any_bool()) {
        errno = Frama_C_interval(1, ERRNO_LAST);
        return -1;
    }
    any_bytes(locked_room, sizeof(locked_room));
    *memory = (struct locked){.bytes = (uint8_t *)locked_room + sizeof(locked_room) - len, .len = len};
    return 0;
}

void locked_free(struct locked *memory)
{
    if (memory->bytes != NULL)
        explicit_bzero(memory->bytes, memory->len);
    *memory = (struct locked){0};
}

int any_snprintf(char *text, size_t size, const char *format, ...)
{
    //@ assert there_is_room: size > 0 && \valid(text + (0 .. size - 1));
    any_bytes(text, size - 1);
    text[size - 1] = '\0';
    return Frama_C_interval(0, INT32_MAX);
}

static void report(void *context, const struct config_finding *finding)
{
    (void)context;
    (void)finding;
}

#endif
