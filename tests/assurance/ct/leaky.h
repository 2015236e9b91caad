/* SPDX-License-Identifier: ISC */
/*
 * What match.c and mac.c must not do, done: each function here gives the same answer as its twin there, and lets it
 * out through a branch, through a place in memory, or through time. The tests of constant time have to find every one.
 */
#ifndef OSTIARY_LEAKY_H
#define OSTIARY_LEAKY_H

#include "match.h"

#include <stdint.h>
#include <string.h>

typedef int choose_function(const struct match_question *question, const uint8_t reply[static REPLY_LEN],
                            struct match *match);
typedef uint32_t same_function(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN]);

/* Stops at the first byte that differs. */
static inline uint32_t leaky_same_bytes(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN])
{
    for (size_t i = 0; i < REPLY_LEN; i++)
        if (a[i] != b[i])
            return 0;
    return UINT32_MAX;
}

/* As it is usually written. Some compilers make good code of it themselves: hence the pointer. */
static inline uint32_t leaky_same_memcmp(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN])
{
    int (*volatile compare)(const void *, const void *, size_t) = memcmp;

    return compare(a, b, REPLY_LEN) == 0 ? UINT32_MAX : 0;
}

/* No branch, but the place that is read depends on the bytes. */
static inline uint32_t leaky_same_table(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN])
{
    static const uint8_t same[256] = {[0] = 1};
    uint32_t all = 1;

    for (size_t i = 0; i < REPLY_LEN; i++)
        all &= ((const volatile uint8_t *)same)[a[i] ^ b[i]];
    return (uint32_t)0 - all;
}

/* Stops at the first entry that fits. */
static inline int leaky_choose_first(const struct match_question *question, const uint8_t reply[static REPLY_LEN],
                                     struct match *match)
{
    const struct config *config = question->config;
    uint8_t expected[REPLY_LEN];
    int failed = 0;

    *match = (struct match){0};
    for (size_t i = 0; i < config->entry_count && match->entry == NULL; i++) {
        failed |= mac_reply(config->entries[i].secrets->bytes, question->seed, expected);
        if (mac_same(expected, reply) != 0)
            match->entry = &config->entries[i];
    }
    explicit_bzero(expected, sizeof(expected));
    return failed;
}

/* Goes through all of them, and branches on what fits. */
static inline int leaky_choose_branch(const struct match_question *question, const uint8_t reply[static REPLY_LEN],
                                      struct match *match)
{
    const struct config_entry *volatile chosen = NULL;
    const struct config *config = question->config;
    uint8_t expected[REPLY_LEN];
    int failed = 0;

    for (size_t i = 0; i < config->entry_count; i++) {
        failed |= mac_reply(config->entries[i].secrets->bytes, question->seed, expected);
        if (mac_same(expected, reply) != 0)
            chosen = &config->entries[i];
    }
    explicit_bzero(expected, sizeof(expected));
    *match = (struct match){.entry = chosen};
    return failed;
}

#endif
