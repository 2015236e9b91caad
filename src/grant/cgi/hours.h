/* SPDX-License-Identifier: ISC */
/* Lifetimes as people write them: decimal hours, "25", "2.4", "2,4", ".5". */
#ifndef OSTIARY_HOURS_H
#define OSTIARY_HOURS_H

#include <stdint.h>

#define HOURS_TEXT_LEN 32 /* with the NUL */

/* To whole seconds, at least 1 and rounded. Returns 0, or -1: it is no such number, or as good as 0, or over 10 years.
 */
int hours_parse(const char *text, uint64_t *seconds);

/* With as many places as it takes for hours_parse to give the same seconds again. */
void hours_format(uint64_t seconds, char text[static HOURS_TEXT_LEN]);

#endif
