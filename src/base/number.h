/* SPDX-License-Identifier: ISC */
/*
 * The only way from text to an integer: whole string, decimal digits alone, within a stated range.
 * No sign, no white space, no other base; nothing is written to the output unless the result is NUMBER_OK.
 */
#ifndef OSTIARY_NUMBER_H
#define OSTIARY_NUMBER_H

#include <stdint.h>

enum number_result {
    NUMBER_OK,
    NUMBER_MALFORMED,   /* not digits from the first to the last character, or empty */
    NUMBER_OUT_OF_RANGE /* below low or above high */
};

struct number_range {
    uint64_t low;
    uint64_t high;
};

/* A plain number: "3600". */
enum number_result number_parse(const char *text, struct number_range range, uint64_t *number);

/*
 * A time: seconds, "600", or numbers with the units d, h, m and s, the larger one first and each at most once: "10m",
 * "1h30m", "7d". The range is in seconds.
 */
enum number_result number_parse_time(const char *text, struct number_range range, uint64_t *seconds);

/* The same time as people write it, and as it can be read again: "2d", "25h", "1h30m", "45s". */
#define NUMBER_TIME_LEN 32 /* with the NUL */
void number_format_time(uint64_t seconds, char text[static NUMBER_TIME_LEN]);

#endif
