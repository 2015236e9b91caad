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

/*
 * Who asks over a socket can do so as often as he likes. So no more than these are at a gate at once, waiting or at
 * work; and those who wait there are one behind the other, so that one of them at the most is in the way of all others:
 * of root's own, who do not queue.
 */
enum turn_queue { TURN_NO_QUEUE, TURN_SEALED_QUEUE, TURN_WEB_QUEUE };

#define TURN_SEALED_PLACES 48 /* a fleet that knocks at one moment */
#define TURN_WEB_PLACES    16
#define TURN_USER_PLACES   4 /* of a user of the form */

struct turn_order {
    const char *state_dir;
    const char *gate;
    unsigned limit_ms;
    enum turn_queue queue;
    const char *user; /* of TURN_WEB_QUEUE */
};

enum turn_result {
    TURN_TAKEN,
    TURN_BUSY,     /* not within the limit */
    TURN_NO_PLACE, /* all places are taken, or all of the user's */
    TURN_FAILED    /* errno; EPERM where the directory is not root's alone */
};

/* *fd is -1 unless this gives TURN_TAKEN. */
enum turn_result turn_take_gate(const struct turn_order *order, int *fd);

#endif
