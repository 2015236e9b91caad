/* SPDX-License-Identifier: ISC */
/*
 * The networks that an IPv6 source is in. Whoever has one of them has all of its sources, so each has a slot of its own
 * among those of sources, in which their strikes are counted once more, and a limit that grows with its size. Pure
 * functions on copies of these slots. FORMAT.md, "Networks of strikes"; src/SECURITY.md has what the limits are worth.
 */
#ifndef OSTIARY_ENCLOSING_H
#define OSTIARY_ENCLOSING_H

#include "slot.h"

#include <stdbool.h>
#include <stdint.h>

#define ENCLOSING_MAX 3

/* The networks that count, the narrowest first. */
struct enclosing_rule {
    uint8_t prefix;
    uint32_t factor;   /* how many times MAX_BAD_CONNS it bears in its strike time */
    bool spares_known; /* a provider's: its lock binds those sources alone of which nobody is known */
};

extern const struct enclosing_rule enclosing_rules[ENCLOSING_MAX];

/* One of the networks that a source is in, as far as the table has it. */
struct enclosing {
    const struct enclosing_rule *rule;
    struct source source;
    bool found;
    struct record_slot slot; /* if found */
};

/* Which networks they are: those that are wider than the source. Gives how many; none is found yet. */
unsigned enclosing_of(const struct source *source, struct enclosing networks[static ENCLOSING_MAX]);

/*
 * How long after the first of them the strikes in a network are forgotten, in seconds; lockout_time 0: for ever. Not
 * later than a lock would end: so who is the cause of a lock is locked until then, in the network that is his, and
 * locks no wider one by coming again.
 */
uint64_t enclosing_strike_time(uint64_t strike_time, uint64_t lockout_time);

/* How many strikes lock it. */
uint64_t enclosing_limit(const struct enclosing *network, uint64_t max_bad_conns);

/* Does the lock of this network, as the table has it, spare sources that are known? */
bool enclosing_spares_known(const struct source *network);

/* Does the lock of one that was found bind a source that is known, or is not? */
bool enclosing_binds(const struct enclosing *network, bool known, uint64_t now);

#endif
