/* SPDX-License-Identifier: ISC */
/*
 * One at a time, without keeping anybody from the record. Each of these ends when the descriptor is closed, and all of
 * its duplicates in forks of this process; no program that is run has one.
 */
#ifndef OSTIARY_TURN_H
#define OSTIARY_TURN_H

#include "hold.h"
#include "roots.h"

/*
 * To read all that the firewall has: that takes seconds of a processor where much is open, and who looks at the form
 * may do so as often as he likes. It is a lock on the directory of the record. Gives a descriptor; or -1: not within
 * the limit.
 */
int turn_take(const char *state_dir, unsigned limit_ms);

/*
 * To run the commands of a gate, and to change what the record has of it: nobody else may do that meanwhile, and who is
 * at other gates does not wait for what these commands take. FORMAT.md, "Turns". It is taken before the record, never
 * by who holds that.
 */
#define TURN_NAME "turns" /* in STATE_DIR-root */

struct turn_order {
    const char *state_dir;
    const char *gate;
    unsigned limit_ms;
    unsigned places; /* of those who say so, no more than these are at the gate at once, waiting or at work; 0: any */
};

enum turn_result {
    TURN_TAKEN,
    TURN_BUSY,     /* not within the limit */
    TURN_NO_PLACE, /* all places are taken */
    TURN_FAILED    /* errno; EPERM where the directory is not root's alone */
};

#define TURN_PLACES_MAX 255

/* *fd is -1 unless this gives TURN_TAKEN. */
enum turn_result turn_take_gate(const struct turn_order *order, int *fd);

#endif
