/* SPDX-License-Identifier: ISC */
/*
 * Which secrets have been seen, and in which line, without keeping one: a set of keyed hashes under a key of its own
 * that is fresh each time. Neither the place in memory nor the time of a look-up says anything about a secret
 * to anybody without that key.
 */
#ifndef OSTIARY_SEEN_H
#define OSTIARY_SEEN_H

#include "secret.h"
#include "siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_slot {
    uint64_t tag;
    unsigned line;
    bool used;
};

struct seen {
    uint8_t key[SIPHASH_KEY_LEN];
    struct seen_slot *slots; /* NULL: none */
    size_t slot_count;       /* a power of two, at least twice as many as will be added */
};

/* Make an empty set for at most limit secrets. Returns 0, or -1 without memory or random bytes. seen_free gives it
 * back. */
int seen_new(size_t limit, struct seen *seen);

/* Make room for so many. Returns 0, or -1 without memory; what is in it stays. */
int seen_reserve(struct seen *seen, size_t limit);

/* Add a secret. False when it was there already: *earlier then is the line it was added with. */
bool seen_add(struct seen *seen, struct secret secret, unsigned line, unsigned *earlier);

/* Wipe the set and give its memory back. Of an empty struct, it does nothing. */
void seen_free(struct seen *seen);

#endif
