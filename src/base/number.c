/* SPDX-License-Identifier: ISC */
/* See number.h. */
#include "number.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

/* The largest first. */
static const struct {
    char letter;
    uint64_t seconds;
} units[] = {{'d', 24 * 60 * 60}, {'h', 60 * 60}, {'m', 60}, {'s', 1}};

#define UNIT_COUNT (sizeof units / sizeof units[0])

static uint64_t add_up(uint64_t sum, uint64_t value, uint64_t unit)
{
    if (value > UINT64_MAX / unit || sum > UINT64_MAX - value * unit)
        return UINT64_MAX;
    return sum + value * unit;
}

enum number_result number_parse_time(const char *text, struct number_range range, uint64_t *seconds)
{
    uint64_t sum = 0;
    uint64_t value;
    size_t unit = 0;

    if (!read_digits(&text, &value))
        return NUMBER_MALFORMED;
    if (*text == '\0')
        return give(value, range, seconds);
    do {
        while (unit < UNIT_COUNT && units[unit].letter != *text)
            unit++;
        if (unit == UNIT_COUNT)
            return NUMBER_MALFORMED;
        sum = add_up(sum, value, units[unit++].seconds);
        text++;
    } while (read_digits(&text, &value));
    return *text == '\0' ? give(sum, range, seconds) : NUMBER_MALFORMED;
}

void number_format_time(uint64_t seconds, char text[static NUMBER_TIME_LEN])
{
    size_t len = 0;

    if (seconds == 0)
        snprintf(text, NUMBER_TIME_LEN, "0s");
    for (size_t i = seconds % units[0].seconds == 0 ? 0 : 1; i < UNIT_COUNT && seconds > 0; i++) {
        const uint64_t count = seconds / units[i].seconds;

        if (count > 0)
            len += (size_t)snprintf(text + len, NUMBER_TIME_LEN - len, "%" PRIu64 "%c", count, units[i].letter);
        seconds %= units[i].seconds;
    }
}
