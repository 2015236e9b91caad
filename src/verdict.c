/* SPDX-License-Identifier: ISC */
/* See verdict.h. */
#include "verdict.h"

#include <string.h>

const struct config_entry *verdict_choose(const struct config *config, const uint8_t seed[static SEED_LEN],
                                          const uint8_t reply[static REPLY_LEN])
{
    uint8_t expected[REPLY_LEN];
    size_t chosen = 0; /* 1 + the index of the entry that fits */
    int failed = 0;

    for (size_t i = 0; i < config->entry_count; i++) {
        failed |= mac_reply(config->entries[i].secret, seed, expected);
        chosen |= (size_t)(int32_t)mac_same(expected, reply) & (i + 1);
    }
    explicit_bzero(expected, sizeof(expected));
    if (failed != 0 || chosen == 0)
        return NULL;
    return &config->entries[chosen - 1];
}
