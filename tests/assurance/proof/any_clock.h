/* SPDX-License-Identifier: ISC */
/* Any time of any clock, within what a kernel keeps in 64 bits of nanoseconds; and any calendar. */
#ifndef OSTIARY_PROOF_ANY_CLOCK_H
#define OSTIARY_PROOF_ANY_CLOCK_H

#include "any.h"

#include <time.h>

#define UPTIME_MAX (INT64_C(1) << 40) /* s: more than 30,000 years */
#define WALL_MAX   (INT64_C(1) << 33) /* s: as nanoseconds, until 2242, they are a number of 64 bits */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    now->tv_sec =
        clock == CLOCK_REALTIME ? Frama_C_long_interval(-WALL_MAX, WALL_MAX) : Frama_C_long_interval(0, UPTIME_MAX);
    now->tv_nsec = Frama_C_long_interval(0, 999999999);
    return 0;
}

/* Which has no such year, perhaps. */
struct tm *gmtime_r(const time_t *moment, struct tm *utc)
{
    //@ assert moment_is_readable: \initialized(moment);
    (void)moment;
    if (any_bool())
        return NULL;
    any_bytes(utc, sizeof(*utc));
    return utc;
}

/* 0: it does not fit. */
size_t strftime(char *text, size_t size, const char *format, const struct tm *utc)
{
    const size_t len = any_size(0, size - 1);

    //@ assert format_is_a_string: valid_read_string(format);
    //@ split len;
    (void)utc;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)Frama_C_char_interval('-', 'z');
    text[len] = '\0';
    return len;
}

#endif
