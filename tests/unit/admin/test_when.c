/* SPDX-License-Identifier: ISC */
/* Times for people: spans, moments, and what --since takes. */
#include "check.h"
#include "when.h"

#include <stdlib.h>
#include <time.h>

#define NOW UINT64_C(1795291200) /* 2026-11-21T20:00:00Z */

static void check_span(uint64_t seconds, const char *want)
{
    char text[WHEN_TEXT_LEN];

    when_format_span(seconds, text);
    check_text(text, want, want);
}

static void check_past(uint64_t moment, const char *want)
{
    char text[WHEN_TEXT_LEN];

    when_format_past(NOW, moment, text);
    check_text(text, want, want);
}

static void check_utc(uint64_t moment, const char *want)
{
    char text[WHEN_TEXT_LEN];

    when_format_utc(moment, text);
    check_text(text, want, want);
}

static void check_since(const char *text, uint64_t want)
{
    uint64_t moment = 0;

    check(when_parse_since(text, NOW, &moment) == 0, "'%s' is a time", text);
    check_number(moment, want, text);
}

static void check_no_time(const char *text)
{
    uint64_t moment = 7;

    check(when_parse_since(text, NOW, &moment) == -1 && moment == 7, "'%s' is none", text);
}

int main(void)
{
    char text[WHEN_TEXT_LEN];

    setenv("TZ", "Europe/Berlin", 1);
    tzset();

    check_span(0, "0 s");
    check_span(59, "59 s");
    check_span(60, "1 min");
    check_span(89, "1 min");
    check_span(90, "2 min");
    check_span(59 * 60 + 29, "59 min");
    check_span(59 * 60 + 30, "1 h");
    check_span(86399, "1 d");
    check_span(22 * 3600, "22 h");
    check_span(23 * 3600 + 1799, "23 h");
    check_span(36 * 3600, "2 d");
    check_span(UINT64_MAX, "213503982334601 d");

    check_past(NOW, "just now");
    check_past(NOW - 1, "1 s ago");
    check_past(NOW - 180, "3 min ago");
    check_past(0, "20779 d ago");
    check_past(NOW + 1, "in the future");

    check_utc(0, "1970-01-01T00:00:00Z");
    check_utc(NOW, "2026-11-21T20:00:00Z");
    check_utc(UINT64_MAX, "9999-12-31T23:59:59Z");
    when_format_local(NOW, text);
    check_text(text, "2026-11-21 21:00:00", "local time");

    check_since("10m", NOW - 600);
    check_since("2h", NOW - 7200);
    check_since("1d", NOW - 86400);
    check_since("30", NOW - 30);
    check_since("0", NOW);
    check_since("2026-11-21", NOW - 21 * 3600);
    check_since("2026-11-21 21:00", NOW);
    check_since("2026-11-21 20:59:58", NOW - 2);
    check_since("2024-02-29", 1709161200);
    check_since("2027-01-01", 1798758000);

    check_no_time("");
    check_no_time("yesterday");
    check_no_time("-10m");
    check_no_time("10 m");
    check_no_time("1w");
    check_no_time("99999999999999999999");
    check_no_time("2026-11-31");
    check_no_time("2026-02-29");
    check_no_time("2026-13-01");
    check_no_time("2026-00-10");
    check_no_time("2026-11-00");
    check_no_time("2026-03-29 02:30"); /* skipped by summer time */
    check_no_time("2026-11-21 24:00");
    check_no_time("2026-11-21 20:60");
    check_no_time("2026-11-21 20:00:60");
    check_no_time("2026-11-21T20:00");
    check_no_time("2026-11-21 20:00 ");
    check_no_time("26-11-21");
    check_no_time("1969-12-30");
    return check_end();
}
