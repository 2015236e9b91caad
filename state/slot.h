/* SPDX-License-Identifier: ISC */
/*
 * What time does to one record, and whom it concerns. Pure functions; FORMAT.md, "Time", has the rules. now: table
 * time in seconds. It may stand a little before a time in the record: processes read their clocks in another order than
 * they get the lock.
 */
#ifndef OSTIARY_SLOT_H
#define OSTIARY_SLOT_H

#include "record.h"

#include <stdbool.h>
#include <stdint.h>

/* Is its lock in force? */
bool slot_in_force(const struct record_slot *slot, uint64_t now);

/* Is that lock one that holds for this source? An exempt one is bound by locks made by hand alone. */
bool slot_binds(const struct record_slot *slot, bool exempt, uint64_t now);

/* The strikes that still count, after STRIKE_TIME and the end of a lock. */
uint64_t slot_strikes(const struct record_slot *slot, uint64_t strike_time, uint64_t now);

/* Bring it up to date before a change: ended locks and old strikes go. */
void slot_refresh(struct record_slot *slot, uint64_t strike_time, uint64_t now);

/* How many of the strikes may still be found right? now_ms: table time. */
unsigned slot_unjudged(const struct record_slot *slot, uint64_t now_ms);

/* By what rule a strike is counted. Times are table time in s, but for those in ms. */
struct slot_rule {
    uint64_t now, now_ms;
    bool locks;            /* at the limit; and the strike is one that others have to wait for */
    uint64_t limit;        /* of strikes */
    uint64_t locked_until; /* s */
    uint64_t judged_by_ms;
    bool in_windows; /* strikes are forgotten STRIKE_TIME after the first of them, and not after the last */
};

/* What a strike found and left in a slot: by it that strike is taken back or judged, and no other. Table time. */
struct slot_strike {
    uint64_t strikes; /* this one counted */
    bool locks;       /* it has locked the slot */
    uint64_t last_strike, previous_strike, locked_until;
    uint64_t generation;
    bool unjudged; /* the slot awaits a judgement of it, */
    uint8_t round; /* in this round */
};

/* One more strike, in a slot that is up to date and not locked. */
void slot_strike(struct record_slot *slot, const struct slot_rule *rule, struct slot_strike *strike);

/* Take it back, from a slot in which it still stands: of its generation, and with strikes. */
void slot_take_back(struct record_slot *slot, const struct slot_strike *strike);

/* It was found right or wrong: those that wait for that may go on. */
void slot_judge_strike(struct record_slot *slot, const struct slot_strike *strike);

/*
 * Would this strike not lock, or is there no lock, were all strikes found right that have not been judged? False where
 * it would not lock, or there is no lock, anyhow.
 */
bool slot_hangs(const struct record_slot *slot, const struct slot_rule *rule, uint64_t strike_time);

/* How long somebody who was accepted is known. */
#define SLOT_KNOWN_TIME (UINT64_C(30) * 86400)
bool slot_is_known(const struct record_slot *slot, uint64_t now);

/* Take the lock and every strike away; a new generation begins. */
void slot_absolve(struct record_slot *slot);

/* The same address and prefix? */
bool slot_is(const struct record_slot *slot, const struct source *source);

/* Is the source within this slot's network (or the same)? */
bool slot_covers(const struct record_slot *slot, const struct source *source);

#endif
