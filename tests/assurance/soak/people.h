/* SPDX-License-Identifier: ISC */
/*
 * Who knocks in the soak test, and what the door has to think of each by now: so that for every connection it can be
 * said beforehand how it must end. Each person is a source: an IPv4 address, or, for every fourth, an IPv6 /64.
 *
 *   steady   has the secret, and never errs
 *   erring   is right at times and wrong at others, gets locked, comes while locked, and again when that is over
 *   hasty    is right, or is gone again at any moment. How many strikes that has cost cannot be known: so these are
 *            exempt, and must be accepted whatever happened before
 *
 * Nothing here touches the network. Times are in ms of the monotonic clock.
 */
#ifndef OSTIARY_SOAK_PEOPLE_H
#define OSTIARY_SOAK_PEOPLE_H

#include "address.h"
#include "config.h"
#include "kind.h"

#include <stdint.h>

#define PEOPLE_COUNT 4096

enum people_group { PEOPLE_STEADY, PEOPLE_ERRING, PEOPLE_HASTY, PEOPLE_GROUPS };

struct person {
    enum people_group group;
    uint32_t number;       /* within the group */
    bool busy;             /* has a connection */
    bool lost;             /* was not treated as expected: nothing can be said of it any more */
    int64_t last_start_ms; /* its last connection; far in the past: none yet */
    int64_t rest_until_ms;
    unsigned strikes;
    bool locked;
    int64_t locked_after_ms, locked_before_ms; /* the lock was made between these two */
};

/* Make them all, for a door with this configuration, which must exempt the hasty ones; ends the program if not. */
void people_make(const struct config *config);

/*
 * Who comes now, and how? may_linger: it may be one that keeps a handler until its deadline. NULL when all who could
 * come have to rest.
 */
struct person *people_choose(int64_t now_ms, bool may_linger, enum kind *kind);

/* An address of this person: for IPv6 another host of its /64 each time. */
struct address people_address(const struct person *person);

/* What became of a connection. */
struct people_news {
    enum kind kind;
    bool expected;    /* it ended as it had to */
    int64_t start_ms; /* of connecting */
    int64_t deed_ms;  /* of the last thing that the client did, or start_ms */
    int64_t end_ms;
};
void people_learn(struct person *person, const struct people_news *news);

/* A number below this one. */
uint32_t people_random(uint32_t below);

#endif
