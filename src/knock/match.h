/* SPDX-License-Identifier: ISC */
/*
 * Which secret does the reply fit? Every secret is tried, every time, and nothing but the final answer depends on
 * what fitted: no early exit, no branch and no index (I6). It knows no socket, no file and no strike.
 */
#ifndef OSTIARY_MATCH_H
#define OSTIARY_MATCH_H

#include "config.h"
#include "mac.h"

#include <stddef.h>

/*
 * Compare the reply with what each entry's secret makes of the seed. Needs mac_init, and a configuration read with its
 * secrets, which are all different; of two that make the same HMAC key all the same, the later one counts. *entry is
 * the one that fits, or NULL. Returns 0, or -1 when libgcrypt failed on any: nothing is known then.
 */
int match_entry(const struct config *config, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                const struct config_entry **entry);

#endif
