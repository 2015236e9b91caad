/* SPDX-License-Identifier: ISC */
/*
 * The secrets of ostiary.cfg: where those of a line are, which codes follow them, and at the end all of them in locked
 * memory. Called by entry.c alone; everything is reported through the parser, and nothing of a secret is.
 */
#ifndef OSTIARY_SECRETS_H
#define OSTIARY_SECRETS_H

#include "parser.h"
#include "scan.h"

#include <stdbool.h>
#include <stddef.h>

/* What the options of a line say of its secrets; all zero: nothing yet. */
struct secrets_given {
    size_t count; /* with secret-file= or credential=: behind those that config->secret_list has already */
    struct scan_field label, expires; /* in front of the first of them, and so of the secret in the first field */
    struct scan_field totp, hotp, code_alone;
};

/* Make the parser ready, for a file with so many lines. Returns 0, or -1 after reporting an error. */
int secrets_begin(struct parser *parser, size_t lines_max);

/* Is the field an option about secrets? Then it is taken. label= and expires= belong to the secret in front of them. */
bool secrets_take_option(struct parser *parser, const struct scan_field *field, struct secrets_given *given);

/* Has the line any such option? */
bool secrets_has(const struct secrets_given *given);

/*
 * The secrets and codes of an entry, from the first field and the options. Until secrets_finish a secret of the first
 * field is where the line is, in the text. They are config->secret_list's once config->secret_count counts them.
 */
void secrets_take(struct parser *parser, const struct scan_field *first, const struct secrets_given *given,
                  struct config_entry *entry);

/*
 * With reader->with_secrets, bring every secret and key into config->secrets, from the text and from files and
 * credentials. Without it, no entry has one afterwards.
 */
void secrets_finish(struct parser *parser);

/* Give back what only the run needed, whatever came of it. */
void secrets_end(struct parser *parser);

#endif
