/* SPDX-License-Identifier: ISC */
/* See clock.h. */
#include "clock.h"

#include <limits.h>
#include <time.h>

static struct timespec read_clock(clockid_t clock)
{
    struct timespec time = {0};

    clock_gettime(clock, &time);
    return time;
}

static int64_t in_ms(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return in_ms(read_clock(CLOCK_MONOTONIC));
}

int clock_left_ms(int64_t deadline_ms)
{
    const int64_t left = deadline_ms - clock_now_ms();

    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

int64_t clock_boot_ms(void)
{
    return in_ms(read_clock(CLOCK_BOOTTIME));
}

int64_t clock_wall_ms(void)
{
    return in_ms(read_clock(CLOCK_REALTIME));
}

int64_t clock_wall_ns(void)
{
    const struct timespec time = read_clock(CLOCK_REALTIME);

    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int clock_format_utc(uint64_t seconds, char text[static CLOCK_UTC_LEN])
{
    const time_t moment = (time_t)seconds;
    struct tm utc;

    if (gmtime_r(&moment, &utc) != NULL && strftime(text, CLOCK_UTC_LEN, "%Y-%m-%dT%H:%M:%SZ", &utc) != 0)
        return 0;
    text[0] = '\0';
    return -1;
}
