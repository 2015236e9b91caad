/* SPDX-License-Identifier: ISC */
/*
 * The gist of a rule (nft_compare.c), a line of text: its chain and the words that matter. Between nft_compare.c, which
 * makes it of what would be written, and nft_read.c, which makes it of what nft lists.
 */
#ifndef OSTIARY_NFT_GIST_H
#define OSTIARY_NFT_GIST_H

#include "place.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

#define GIST_PORTS 65536

/* Is this name of a field, key or verdict part of a gist? */
bool gist_keeps(const char *word, size_t len);

/* " 22-22 80-90", whatever they were made of. */
void gist_ports(struct text *gist, const bool ports[static GIST_PORTS]);

#endif
