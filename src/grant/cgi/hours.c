/* SPDX-License-Identifier: ISC */
/* See hours.h. */
#include "hours.h"

#include "number.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HOUR_S      3600
#define PLACES      6
#define PART        1000000 /* 10 to the PLACES */
#define WHOLE_MAX   87600   /* ten years */
#define PLACES_SEEN 4       /* a place more tells less than a second apart */
#define PART_SEEN   10000

/* Digits behind the comma as so many millionths; what is behind the sixth is left out. False: they are none. */
static bool parse_part(const char *digits, uint64_t *part)
{
    const size_t len = strspn(digits, "0123456789");

    *part = 0;
    for (size_t i = 0; i < PLACES; i++)
        *part = *part * 10 + (i < len ? (uint64_t)(digits[i] - '0') : 0);
    return len > 0 && digits[len] == '\0';
}

int hours_parse(const char *text, uint64_t *seconds)
{
    const struct number_range range = {0, WHOLE_MAX};
    const size_t front = strcspn(text, ".,");
    uint64_t whole = 0, part = 0, sum;
    char digits[16];

    if (front >= sizeof(digits) || (text[front] != '\0' && !parse_part(text + front + 1, &part)))
        return -1;
    snprintf(digits, sizeof(digits), "%.*s", (int)front, text);
    if ((front > 0 || text[front] == '\0') && number_parse(digits, range, &whole) != NUMBER_OK)
        return -1;
    sum = whole * HOUR_S + (part * HOUR_S + PART / 2) / PART;
    if (sum == 0)
        return -1;
    *seconds = sum;
    return 0;
}

void hours_format(uint64_t seconds, char text[static HOURS_TEXT_LEN])
{
    const uint64_t part = (seconds % HOUR_S * PART_SEEN + HOUR_S / 2) / HOUR_S;
    size_t len;

    snprintf(text, HOURS_TEXT_LEN, "%ju.%0*ju", (uintmax_t)(seconds / HOUR_S), PLACES_SEEN, (uintmax_t)part);
    len = strlen(text);
    while (text[len - 1] == '0')
        text[--len] = '\0';
    if (text[len - 1] == '.')
        text[len - 1] = '\0';
}
