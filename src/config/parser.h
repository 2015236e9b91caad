/* SPDX-License-Identifier: ISC */
/*
 * One run over the text of ostiary.cfg: where it is, what it has found, and the memory for what is kept.
 * Shared by config.c (lines and settings) and entry.c (actions and secrets) and by nobody else.
 */
#ifndef OSTIARY_PARSER_H
#define OSTIARY_PARSER_H

#include "config.h"
#include "seen.h"

#include <stdbool.h>
#include <stddef.h>

struct parser {
    const struct config_reader *reader;
    struct config *config;
    unsigned line;       /* the line that findings are about; 0: the file as a whole */
    const char *keyword; /* put before the text of a finding; NULL: nothing */

    const char *default_user;  /* never NULL */
    const char *default_group; /* NULL: none is written, so that it is the user's own */
    unsigned default_line;     /* of a DEFAULT_UID or DEFAULT_GID that no entry has followed yet; 0: none */
    unsigned kill_line;        /* 0: no KILL yet */
    unsigned port_line;        /* of the last PORT that is another one than those before */
    bool has_entry;            /* a line with ACTION or KILL, right or wrong */
    size_t lines_max;          /* no more entries, exemptions or secrets can come */
    struct seen seen;

    char *strings; /* free room in config->memory */
    size_t strings_left;

    size_t errors;   /* all, shown or not */
    size_t findings; /* errors, warnings and notes, likewise */
};

/*
 * Make room for all that a text of len bytes can say, and set parser->lines_max. Returns 0, or -1 after reporting an
 * error.
 */
int parser_begin(struct parser *parser, const char *text, size_t len);

/* Report how much was not shown, and give back what only the run needed. */
void parser_end(struct parser *parser);

/* True once findings are no longer shown: no hint needs to be made up. */
bool parser_is_mute(const struct parser *parser);

/* Report a finding about parser->line. No argument may come from the text that is read. */
void parser_error(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
void parser_warn(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
void parser_note(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A copy of len bytes with a NUL behind them, which lives as long as the config. Never of a secret. */
char *parser_keep(struct parser *parser, const char *text, size_t len);

#endif
