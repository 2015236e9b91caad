/* SPDX-License-Identifier: ISC */
/*
 * The clocks, how long poll(2) may wait until a time of one, and a time as people read it. Reading them cannot fail:
 * these clocks always exist.
 */
#ifndef OSTIARY_CLOCK_H
#define OSTIARY_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC, by which all deadlines go. */
int64_t clock_now_ms(void);

/* Milliseconds left until deadline_ms (clock_now_ms), as poll(2) takes them; 0 when it has passed. */
int clock_left_ms(int64_t deadline_ms);

/* Milliseconds since the machine was started, its sleep included (CLOCK_BOOTTIME). */
int64_t clock_boot_ms(void);

/* Milliseconds and nanoseconds since 1970 by the wall clock (CLOCK_REALTIME), which may be set to anything. */
int64_t clock_wall_ms(void);
int64_t clock_wall_ns(void);

#define CLOCK_UTC_LEN 48 /* with the NUL */

/* "2026-11-21T20:39:00Z", of seconds since 1970. Returns 0, or -1: no calendar has this time, and text is "". */
int clock_format_utc(uint64_t seconds, char text[static CLOCK_UTC_LEN]);

#endif
