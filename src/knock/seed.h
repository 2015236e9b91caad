/* SPDX-License-Identifier: ISC */
/*
 * The seed of a knock, made without any library: what has to be loaded for the reply can wait until the seed is on its
 * way. It draws no random bytes and reads no clock itself, so that each promise below can be tested by itself.
 *
 * Four words of 8 bytes. Each of the first three is 8 random bytes XOR SipHash(key; number of the word, time, pid,
 * counter), the fourth is 8 random bytes XOR the counter.
 *
 * - Where the random bytes are uniform, so is the seed: what they are XORed with does not depend on them.
 * - Where they stand still, no two counters give the same seed (I5), for the fourth word tells the counters apart.
 * - Where they stand still, whoever has seen one seed cannot tell the next, for he does not know the key. Else somebody
 *   who pretends to be this host could have a rightful client answer a seed beforehand that this host gives out later.
 */
#ifndef OSTIARY_SEED_H
#define OSTIARY_SEED_H

#include "siphash.h"
#include "wire.h"

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct seed_parts {
    uint8_t random[SEED_LEN];     /* getrandom(2) */
    uint8_t key[SIPHASH_KEY_LEN]; /* random as well, and known to nobody outside (private.h has both) */
    uint64_t counter;             /* never the same twice on one host */
    struct timespec now;          /* CLOCK_REALTIME */
    pid_t pid;
};

/* Any parts are good; nothing can fail. */
void seed_make(const struct seed_parts *parts, uint8_t seed[static SEED_LEN]);

#endif
