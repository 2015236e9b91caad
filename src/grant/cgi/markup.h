/* SPDX-License-Identifier: ISC */
/*
 * Text within a page. What is HTML is written with text_add, as it stands in our sources; everything else goes through
 * markup_say, which escapes it for an element's content and for an attribute's value in double quotes.
 */
#ifndef OSTIARY_MARKUP_H
#define OSTIARY_MARKUP_H

#include "text.h"

#include <stdint.h>

#define MARKUP_TIME_LEN 96 /* with the NUL */

__attribute__((format(printf, 2, 3))) void markup_say(struct text *html, const char *format, ...);

/* How long that is, for people: "2 d 3 h", "3 h 12 min", "5 min". Parts of the last unit are left off. */
void markup_span(uint64_t seconds, char span[static MARKUP_TIME_LEN]);

/* When that is, by UTC: "21:43 UTC", and with the day before it where it is not today's. */
void markup_time(uint64_t moment_s, uint64_t now_s, char time[static MARKUP_TIME_LEN]);

#endif
