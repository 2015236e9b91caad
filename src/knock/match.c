/* SPDX-License-Identifier: ISC */
/* See match.h. */
#include "match.h"

#include <string.h>

int match_entry(const struct config *config, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                const struct config_entry **entry)
{
    uint8_t expected[REPLY_LEN];
    size_t chosen = 0; /* 1 + the index of the entry that fits */
    size_t fits;       /* all ones, or 0 */
    struct mac_key key;
    int failed = 0;

    *entry = NULL;
    if (mac_key_empty(&key) != 0)
        return -1;
    for (size_t i = 0; i < config->entry_count; i++) {
        failed |= mac_key_try(&key, config->entries[i].secret, seed, expected);
        fits = (size_t)(int32_t)mac_same(expected, reply);
        chosen = (chosen & ~fits) | ((i + 1) & fits);
    }
    mac_key_free(&key);
    explicit_bzero(expected, sizeof(expected));
    *entry = failed != 0 || chosen == 0 ? NULL : &config->entries[chosen - 1];
    return failed;
}
