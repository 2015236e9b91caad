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

/* A time in seconds, with an optional unit s, m, h or d: "600", "10m", "12h", "7d". The range is in seconds. */
enum number_result number_parse_time(const char *text, struct number_range range, uint64_t *seconds);

#endif
