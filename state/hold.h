/* SPDX-License-Identifier: ISC */
/*
 * flock(2) with a time limit. It waits in the kernel, not in a loop: with many processes at one table polling would
 * starve somebody. The limit needs SIGALRM and ITIMER_REAL while it waits; handler, mask and timer are as before when
 * it returns.
 */
#ifndef OSTIARY_HOLD_H
#define OSTIARY_HOLD_H

enum hold_way { HOLD_SHARED, HOLD_ALONE };

enum hold_result {
    HOLD_FAILED, /* errno says why */
    HOLD_BUSY,   /* not within the limit */
    HOLD_HELD
};

enum hold_result hold_file(int fd, enum hold_way way, unsigned limit_ms);

/* Give the lock back. errno stays as it was. */
void hold_release(int fd);

#endif
