/* SPDX-License-Identifier: ISC */
/* Dates as text. */
#include "check.h"
#include "clock.h"

#include <stdint.h>
#include <string.h>

int main(void)
{
    char text[CLOCK_UTC_LEN];

    check(clock_format_utc(1795293540, text) == 0 && strcmp(text, "2026-11-21T20:39:00Z") == 0,
          "a time is a date and a time of day in UTC");
    check(clock_format_utc(253402300799, text) == 0 && strcmp(text, "9999-12-31T23:59:59Z") == 0,
          "until the end of 9999");
    check(clock_format_utc(INT64_MAX, text) == -1 && text[0] == '\0', "a time beyond all years is no text");
    return check_end();
}
