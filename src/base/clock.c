/* SPDX-License-Identifier: ISC */
/* See clock.h. */
#include "clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#define SECONDS_A_DAY 86400
#define LAST_SECOND   UINT64_C(67767976233532799) /* of the last year that time.h can name */

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

/*
 * The calendar, for days since 1970. It counts in eras of 400 years, and years that begin in March, so that the day of
 * a leap year comes last (Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
 */
static void find_date(uint64_t days, uint64_t *year, unsigned *month, unsigned *day)
{
    const uint64_t since_march_0 = days + 719468; /* from 0000-03-01 to 1970-01-01 */
    const uint64_t era = since_march_0 / 146097;
    const unsigned day_of_era = (unsigned)(since_march_0 % 146097);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned months_since_march = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    *month = months_since_march < 10 ? months_since_march + 3 : months_since_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Not by gmtime(3), which reads /etc/localtime for it: a tenth of what it costs to refuse a locked source. */
int clock_format_utc(uint64_t seconds, char text[static CLOCK_UTC_LEN])
{
    const unsigned second = (unsigned)(seconds % SECONDS_A_DAY);
    uint64_t year;
    unsigned month, day;

    text[0] = '\0';
    if (seconds > LAST_SECOND)
        return -1;
    find_date(seconds / SECONDS_A_DAY, &year, &month, &day);
    snprintf(text, CLOCK_UTC_LEN, "%04" PRIu64 "-%02u-%02uT%02u:%02u:%02uZ", year, month, day, second / 3600,
             second / 60 % 60, second % 60);
    return 0;
}
