/* SPDX-License-Identifier: ISC */
/*
 * Moments and spans of time as an administrator reads and writes them. All in whole seconds since 1970 (UTC); now is a
 * parameter.
 */
#ifndef OSTIARY_WHEN_H
#define OSTIARY_WHEN_H

#include <stdint.h>

#define WHEN_TEXT_LEN 48

/* "40 s", "3 min", "12 h" or "7 d": the largest unit of which there is at least one, rounded. */
void when_format_span(uint64_t seconds, char text[static WHEN_TEXT_LEN]);

/* "3 min ago", "just now"; "in the future" where the clock was set back meanwhile. */
void when_format_past(uint64_t now, uint64_t moment, char text[static WHEN_TEXT_LEN]);

/* RFC 3339 in UTC: "2026-11-21T20:39:00Z"; a year beyond 9999 reads as the last second of 9999. */
void when_format_utc(uint64_t moment, char text[static WHEN_TEXT_LEN]);

/* Local time: "2026-11-21 21:39:00". */
void when_format_local(uint64_t moment, char text[static WHEN_TEXT_LEN]);

/*
 * "10m", "2h", "1d" (that long before now), or local time as "2026-11-21", "2026-11-21 21:39" or "2026-11-21 21:39:00".
 * Returns 0, or -1 for everything else, days that no calendar has included.
 */
int when_parse_since(const char *text, uint64_t now, uint64_t *moment);

#endif
