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

/* One more strike is to be judged, by this time (ms); or one of them has been. */
void slot_await(struct record_slot *slot, uint64_t now_ms, uint64_t judged_by_ms);
void slot_judge(struct record_slot *slot);

/* Take the lock and every strike away; a new generation begins. */
void slot_absolve(struct record_slot *slot);

/* The same address and prefix? */
bool slot_is(const struct record_slot *slot, const struct source *source);

/* Is the source within this slot's network (or the same)? */
bool slot_covers(const struct record_slot *slot, const struct source *source);

#endif
