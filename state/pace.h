/* SPDX-License-Identifier: ISC */
/*
 * The pace at which seeds are given out: places DELAY apart, of which each waiting connection holds one. Those of the
 * past end by themselves, whatever became of who held them. Pure functions on a record's pace; times are table time in
 * ms. FORMAT.md, "Pace".
 *
 * With DELAY_SCOPE=source the pace is a slot's. With DELAY_SCOPE=all it is that of the counters, and a slot's holds the
 * places of that source alone, so that they can be counted.
 */
#ifndef OSTIARY_PACE_H
#define OSTIARY_PACE_H

#include "record.h"

#include <stdbool.h>
#include <stdint.h>

#define PACE_PLACES 64 /* that a record can hold; the one in use need not be among them */

struct pace_rule {
    uint64_t delay_ms;   /* 0: there is no pace, and no place to hold */
    uint64_t longest_ms; /* that anybody may wait */
};

/* Take the first free place from now on. False: it would be too long a wait, and nothing is taken. */
bool pace_take(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms, uint64_t *place_ms);

/* Hold a place that was taken in another pace. */
void pace_hold(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms, uint64_t place_ms);

/* Give a place back, for who is next. Does nothing where it is not held (any more). */
void pace_leave(struct record_pace *pace, const struct pace_rule *rule, uint64_t place_ms);

/* How many places are held whose time has not come? */
unsigned pace_waiting(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms);

#endif
