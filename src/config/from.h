/* SPDX-License-Identifier: ISC */
/* from=: the networks from which a secret is taken, as text, with commas between them. */
#ifndef OSTIARY_FROM_H
#define OSTIARY_FROM_H

#include "address.h"

#include <stdbool.h>

#define FROM_TEXT_MAX 2000 /* bytes */

/*
 * One network after the other: *rest is the text, and becomes what is behind it; NULL behind the last. False where that
 * is no host and no network without bits behind its prefix; *rest then begins with it.
 */
bool from_next(const char **rest, struct source *network);

/* Does this address lie in one of them? NULL: from anywhere. The text is one of which each is a network. */
bool from_has(const char *text, const struct address *address);

#endif
