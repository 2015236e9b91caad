/* SPDX-License-Identifier: ISC */
/* See seed.h. Called by the handler, when a peer has been admitted. */
#include "seed.h"

#include "bytes.h"

#include <string.h>

#define WORD_LEN   8
#define WORDS      (SEED_LEN / WORD_LEN)
#define HASHED_LEN (5 * 8)

/*
 * What the random bytes of a word are XORed with, where the counter alone would be too easy to tell. What is kept on
 * disk is hashed under the same key; none of it is as long as these 40 bytes, so that no hash which is known from there
 * can be one of these.
 */
static uint64_t hash_parts(const struct seed_parts *parts, uint64_t word)
{
    uint8_t hashed[HASHED_LEN];

    bytes_put(hashed, 8, word);
    bytes_put(hashed + 8, 8, (uint64_t)parts->now.tv_sec);
    bytes_put(hashed + 16, 8, (uint64_t)parts->now.tv_nsec);
    bytes_put(hashed + 24, 8, (uint64_t)parts->pid);
    bytes_put(hashed + 32, 8, parts->counter);
    return siphash(parts->key, hashed, sizeof(hashed));
}

void seed_make(const struct seed_parts *parts, uint8_t seed[static SEED_LEN])
{
    for (size_t word = 1; word <= WORDS; word++) {
        const size_t at = (word - 1) * WORD_LEN;
        const uint64_t random = bytes_get(parts->random + at, WORD_LEN);
        const uint64_t mixed_in = word < WORDS ? hash_parts(parts, word) : parts->counter;

        bytes_put(seed + at, WORD_LEN, random ^ mixed_in);
    }
}
