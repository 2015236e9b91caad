/* SPDX-License-Identifier: ISC */
/* Dates as text. */
#include "check.h"
#include "clock.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

/* What the C library says of the same time. */
static bool is_as_libc_says(uint64_t seconds)
{
    const time_t moment = (time_t)seconds;
    char text[CLOCK_UTC_LEN], want[CLOCK_UTC_LEN] = "";
    struct tm utc;

    return gmtime_r(&moment, &utc) != NULL && strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &utc) != 0 &&
           clock_format_utc(seconds, text) == 0 && strcmp(text, want) == 0;
}

static void test_days(void)
{
    unsigned wrong = 0;

    for (uint64_t day = 0; day < 2 * 146097; day += day < 3 * 1461 ? 1 : 11)
        wrong += !is_as_libc_says(day * 86400 + day % 86400);
    check_number(wrong, 0, "each day of twelve years, and each eleventh of 800, is the C library's");
    for (unsigned bit = 0; bit < 56; bit++)
        wrong += !is_as_libc_says((UINT64_C(1) << bit) - 1);
    check_number(wrong, 0, "and so are days of years to come");
}

int main(void)
{
    char text[CLOCK_UTC_LEN];

    check(clock_format_utc(1795293540, text) == 0 && strcmp(text, "2026-11-21T20:39:00Z") == 0,
          "a time is a date and a time of day in UTC");
    check(clock_format_utc(253402300799, text) == 0 && strcmp(text, "9999-12-31T23:59:59Z") == 0,
          "until the end of 9999");
    check(clock_format_utc(INT64_MAX, text) == -1 && text[0] == '\0', "a time beyond all years is no text");
    test_days();
    return check_end();
}
