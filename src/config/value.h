/* SPDX-License-Identifier: ISC */
/*
 * From the fields of a line to what they mean, for all that more than one keyword has. What is not as it has to be is
 * reported, with what to write instead.
 */
#ifndef OSTIARY_VALUE_H
#define OSTIARY_VALUE_H

#include "keyword.h"
#include "source.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define VALUE_PATH_MAX (PATH_MAX - 1) /* bytes of a path, without its NUL */
#define VALUE_GATE_MAX 24             /* bytes of a gate's name */
#define VALUE_NAME_MAX 64

/* The text of a line that has exactly one value; else NULL. */
const char *value_only(struct parser *parser, const struct scan_line *line);

/* A whole number, or a time in seconds, within the keyword's range. */
bool value_number(struct parser *parser, const struct keyword *keyword, const struct scan_line *line, uint64_t *number);
bool value_time(struct parser *parser, const struct keyword *keyword, const struct scan_line *line, uint64_t *seconds);

/* One of a few words, by its place in the list, which ends with NULL; -1 where it is none. list is for people. */
int value_choice(struct parser *parser, const struct scan_line *line, const char *const *words, const char *list);

/* 1 for a yes, which a word alone is too, 0 for a no; -1 where it is neither. */
int value_flag(struct parser *parser, const struct scan_line *line);

/* A level of syslog(3), LOG_EMERG to LOG_DEBUG; -1 where it is none. */
int value_log_level(struct parser *parser, const struct scan_line *line);

/* An address that a socket can be bound to, as it was written, kept; else NULL. */
const char *value_address(struct parser *parser, const struct keyword *keyword, const struct scan_line *line);

/* A network, or one address. */
bool value_network(struct parser *parser, const struct keyword *keyword, const struct scan_line *line,
                   struct source *network);

/* The path of a state directory, kept; else NULL. */
const char *value_state_dir(struct parser *parser, const struct keyword *keyword, const struct scan_line *line);

/* Could the field be an absolute path? Nothing is reported. */
bool value_is_path(const struct scan_field *field);

/* Warn of a command's path that has a blank in it: it is not meant to be a path alone. */
void value_warn_of_blank(struct parser *parser, const struct scan_field *field);

/*
 * Is the field this prefix, such as "name=", and a value? Then that goes to *option, where none must be yet: a second
 * one is reported.
 */
bool value_option(struct parser *parser, const struct scan_field *field, const char *prefix, struct scan_field *option);

/* Could it be a name for logs: 1 to VALUE_NAME_MAX of A-Z a-z 0-9 _ . -? Nothing is reported. */
bool value_is_name(const struct scan_field *field);
static inline bool value_is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '.' || byte == '-';
}

/* "2026-12-31" is the end of that day, in UTC: s since 1970. False where no calendar has it. Nothing is reported. */
bool value_end_of_day(const char *text, uint64_t *seconds);

/* Could it be the name of a gate, [a-z][a-z0-9_-]*? Nothing is reported. */
bool value_is_gate(const char *text);

#endif
