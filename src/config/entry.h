/* SPDX-License-Identifier: ISC */
/*
 * The lines of ostiary.cfg that name a command or a secret: ACTION, KILL and LOCKOUT_ACTION, and where their
 * secrets come from. Called by config.c alone; everything is reported through the parser.
 */
#ifndef OSTIARY_ENTRY_H
#define OSTIARY_ENTRY_H

#include "parser.h"
#include "scan.h"

/* Make the parser ready for entries, after parser_begin. Returns 0, or -1 after reporting an error. */
int entry_begin(struct parser *parser);

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

#endif
