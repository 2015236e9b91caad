/* SPDX-License-Identifier: ISC */
/*
 * The lines of ostiary.cfg that name what is done: ACTION, KILL and LOCKOUT_ACTION. What they say of secrets is
 * secrets.c's. Called by config.c alone; everything is reported through the parser.
 */
#ifndef OSTIARY_ENTRY_H
#define OSTIARY_ENTRY_H

#include "parser.h"
#include "scan.h"
#include "seen.h"

#include <stdbool.h>
#include <stddef.h>

/* What is known of an ostiary.cfg while it is read: parser->file. Shared by config.c, entry.c and
 * secrets.c, and by nobody else. */
struct reading {
    struct config *config;
    const char *default_user;  /* never NULL after entry_begin */
    const char *default_group; /* NULL: none is written, so that it is the user's own */
    unsigned default_line;     /* of a DEFAULT_UID or DEFAULT_GID that no entry has followed yet; 0: none */
    unsigned kill_line;        /* 0: no KILL yet */
    size_t secrets_room;       /* of config->secret_list */
    unsigned code_alone_line;  /* 0: no code-alone=yes yet */
    unsigned port_line;        /* of the last PORT that is another one than those before */
    bool has_entry;            /* a line with ACTION or KILL, right or wrong */
    struct seen seen;
};

/*
 * Make the parser ready for at most lines_max entries, which fit into config->entries, after parser_begin. Returns 0,
 * or -1 after reporting an error.
 */
int entry_begin(struct parser *parser, size_t lines_max);

/* One line each, with at least one field. Until entry_finish a secret is where the line is, in the text. */
void entry_take_action(struct parser *parser, const struct scan_line *line);
void entry_take_kill(struct parser *parser, const struct scan_line *line);
void entry_take_lockout_action(struct parser *parser, const struct scan_line *line);

/* DEFAULT_UID and DEFAULT_GID, for the lines that follow. */
void entry_take_default_uid(struct parser *parser, const struct scan_line *line);
void entry_take_default_gid(struct parser *parser, const struct scan_line *line);

/*
 * What can only be said at the end; then, with reader->with_secrets, bring every secret into config->secrets, from
 * the text and from files and credentials. Without it, no entry has a secret afterwards.
 */
void entry_finish(struct parser *parser);

/* Give back what only the run needed, whatever came of it. */
void entry_end(struct parser *parser);

#endif
