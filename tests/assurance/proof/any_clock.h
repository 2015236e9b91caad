/* SPDX-License-Identifier: ISC */
/* Any time of any clock, within what a kernel keeps in 64 bits of nanoseconds. */
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

#endif
