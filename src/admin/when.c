/* SPDX-License-Identifier: ISC */
/* See when.h. */
#include "when.h"

#include "clock.h"
#include "number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define YEAR_9999_END UINT64_C(253402300799)

static uint64_t rounded(uint64_t seconds, uint64_t unit)
{
    return seconds / unit + (seconds % unit >= unit / 2 ? 1 : 0);
}

void when_format_span(uint64_t seconds, char text[static WHEN_TEXT_LEN])
{
    /* Rounded first, compared then: a day that began a second ago is 1 d, and not 24 h. */
    if (seconds < MINUTE)
        snprintf(text, WHEN_TEXT_LEN, "%" PRIu64 " s", seconds);
    else if (rounded(seconds, MINUTE) < HOUR / MINUTE)
        snprintf(text, WHEN_TEXT_LEN, "%" PRIu64 " min", rounded(seconds, MINUTE));
    else if (rounded(seconds, HOUR) < DAY / HOUR)
        snprintf(text, WHEN_TEXT_LEN, "%" PRIu64 " h", rounded(seconds, HOUR));
    else
        snprintf(text, WHEN_TEXT_LEN, "%" PRIu64 " d", rounded(seconds, DAY));
}

void when_format_past(uint64_t now, uint64_t moment, char text[static WHEN_TEXT_LEN])
{
    char span[WHEN_TEXT_LEN];

    if (moment > now) {
        snprintf(text, WHEN_TEXT_LEN, "in the future");
    } else if (moment == now) {
        snprintf(text, WHEN_TEXT_LEN, "just now");
    } else {
        when_format_span(now - moment, span);
        snprintf(text, WHEN_TEXT_LEN, "%.40s ago", span);
    }
}

static uint64_t within_calendar(uint64_t moment)
{
    return moment > YEAR_9999_END ? YEAR_9999_END : moment;
}

void when_format_utc(uint64_t moment, char text[static WHEN_TEXT_LEN])
{
    clock_format_utc(within_calendar(moment), text);
}

void when_format_local(uint64_t moment, char text[static WHEN_TEXT_LEN])
{
    const time_t seconds = (time_t)within_calendar(moment);
    struct tm local;

    localtime_r(&seconds, &local);
    strftime(text, WHEN_TEXT_LEN, "%Y-%m-%d %H:%M:%S", &local);
}

/* Every 0 in the pattern is a digit, everything else stands for itself. */
static int fits(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return 0;
    return *text == '\0';
}

/* The number in the digits from *at on; moves *at to the next group of digits. */
static int next_number(const char **at)
{
    int number = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++)
        number = number * 10 + (**at - '0');
    if (**at != '\0')
        (*at)++;
    return number;
}

static int parse_calendar(const char *text, uint64_t *moment)
{
    struct tm given = {.tm_isdst = -1};
    struct tm normal;
    time_t seconds;

    if (!fits(text, "0000-00-00") && !fits(text, "0000-00-00 00:00") && !fits(text, "0000-00-00 00:00:00"))
        return -1;
    given.tm_year = next_number(&text) - 1900;
    given.tm_mon = next_number(&text) - 1;
    given.tm_mday = next_number(&text);
    given.tm_hour = next_number(&text);
    given.tm_min = next_number(&text);
    given.tm_sec = next_number(&text);
    normal = given;
    seconds = mktime(&normal);
    /* mktime takes the 31st of November for the 1st of December; a day too many always changes the month. */
    if (seconds < 0 || normal.tm_mon != given.tm_mon || normal.tm_hour != given.tm_hour ||
        normal.tm_min != given.tm_min || normal.tm_sec != given.tm_sec)
        return -1;
    *moment = (uint64_t)seconds;
    return 0;
}

int when_parse_since(const char *text, uint64_t now, uint64_t *moment)
{
    uint64_t ago;

    if (number_parse_time(text, (struct number_range){0, now}, &ago) == NUMBER_OK) {
        *moment = now - ago;
        return 0;
    }
    return parse_calendar(text, moment);
}
