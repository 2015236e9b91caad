/* SPDX-License-Identifier: ISC */
/* See number.h. */
#include "number.h"

#include <stdbool.h>
#include <stddef.h>

/* Read digits at *text and move it past them. A number that does not fit 64 bits reads as UINT64_MAX. */
static bool read_digits(const char **text, uint64_t *number)
{
    const char *at = *text;
    uint64_t value = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        const uint64_t digit = (uint64_t)(*at - '0');

        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *number = value;
    return true;
}

static enum number_result give(uint64_t value, struct number_range range, uint64_t *number)
{
    if (value < range.low || value > range.high)
        return NUMBER_OUT_OF_RANGE;
    *number = value;
    return NUMBER_OK;
}

enum number_result number_parse(const char *text, struct number_range range, uint64_t *number)
{
    uint64_t value;

    if (!read_digits(&text, &value) || *text != '\0')
        return NUMBER_MALFORMED;
    return give(value, range, number);
}

enum number_result number_parse_time(const char *text, struct number_range range, uint64_t *seconds)
{
    uint64_t value;
    uint64_t unit = 1;

    if (!read_digits(&text, &value))
        return NUMBER_MALFORMED;
    switch (*text) {
    case 'd':
        unit = 24 * 60 * 60;
        text++;
        break;
    case 'h':
        unit = 60 * 60;
        text++;
        break;
    case 'm':
        unit = 60;
        text++;
        break;
    case 's':
        text++;
        break;
    default:
        break;
    }
    if (*text != '\0')
        return NUMBER_MALFORMED;
    value = value > UINT64_MAX / unit ? UINT64_MAX : value * unit;
    return give(value, range, seconds);
}
