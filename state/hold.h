/* SPDX-License-Identifier: ISC */
/*
 * Locks with a time limit: flock(2) of a whole file, and fcntl(2)'s of one byte. Both belong to the open file
 * description: a fork of the process has them too, and they end when the last descriptor of it is closed. It waits in
 * the kernel, not in a loop: with many processes at one table polling would starve somebody. The limit needs SIGALRM
 * and ITIMER_REAL while it waits; handler, mask and timer are as before when it returns.
 */
#ifndef OSTIARY_HOLD_H
#define OSTIARY_HOLD_H

#include <stdint.h>

enum hold_way { HOLD_SHARED, HOLD_ALONE };

enum hold_result {
    HOLD_FAILED, /* errno says why */
    HOLD_BUSY,   /* not within the limit */
    HOLD_HELD
};

enum hold_result hold_file(int fd, enum hold_way way, unsigned limit_ms);

/* This byte alone of a file that is open for writing: who holds others is in nobody's way. It need not have it. */
enum hold_result hold_byte(int fd, int64_t at, unsigned limit_ms);

/* Give the lock of the file back, or of the byte. errno stays as it was. */
void hold_release(int fd);
void hold_release_byte(int fd, int64_t at);

#endif
