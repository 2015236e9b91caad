/* SPDX-License-Identifier: ISC */
/*
 * Which secret does the reply fit? Every secret is tried, every time, and with codes each code that is known of it;
 * nothing but the final answer depends on what fitted: no early exit, no branch and no index (I6). It knows no socket,
 * no file and no strike.
 */
#ifndef OSTIARY_MATCH_H
#define OSTIARY_MATCH_H

#include "config.h"
#include "mac.h"

#include <stdint.h>

/* What a reply is compared with. */
struct match_question {
    const struct config *config; /* read with its secrets */
    const uint8_t *seed;         /* SEED_LEN bytes */
    uint64_t now_s;              /* CLOCK_REALTIME, s: which codes of TOTP there are */
};

/* What it fits; all zero: nothing. */
struct match {
    const struct config_entry *entry;
    const struct config_secret *secret; /* one of entry's */
    uint64_t counter;                   /* of the code behind it, where entry has codes */
};

/*
 * Compare the reply with what each secret makes of the seed. Needs mac_init. All secrets are different, and none is
 * another one with digits behind it where codes are; of two that make the same HMAC key all the same, the later one
 * counts. Returns 0, or -1 when libgcrypt failed on any, or there is no locked memory: nothing is known then.
 */
int match_reply(const struct match_question *question, const uint8_t reply[static REPLY_LEN], struct match *match);

/* The receipt for a reply that fitted. Returns 0 or -1. */
int match_receipt(const struct match_question *question, const struct match *match,
                  const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN]);

#endif
