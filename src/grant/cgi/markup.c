/* SPDX-License-Identifier: ISC */
/* See markup.h. */
#include "markup.h"

#include "clock.h"
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S    86400
#define HOUR_S   3600
#define MINUTE_S 60

/* A character that means something in HTML, as it is written there; NULL for any other. */
static const char *entity(char letter)
{
    switch (letter) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void add_escaped(struct text *html, const char *plain)
{
    while (*plain != '\0') {
        const size_t len = strcspn(plain, "&<>\"'");

        text_add(html, "%.*s", (int)len, plain);
        plain += len;
        if (*plain != '\0')
            text_add(html, "%s", entity(*plain++));
    }
}

void markup_say(struct text *html, const char *format, ...)
{
    va_list arguments;
    char *plain;
    int len;

    va_start(arguments, format);
    len = vasprintf(&plain, format, arguments);
    va_end(arguments);
    if (len < 0) {
        html->failed = true;
        return;
    }
    add_escaped(html, plain);
    free(plain);
}

void markup_span(uint64_t seconds, char span[static MARKUP_TIME_LEN])
{
    const unsigned long long minutes = seconds % HOUR_S / MINUTE_S, hours = seconds / HOUR_S;

    if (seconds < MINUTE_S)
        snprintf(span, MARKUP_TIME_LEN, WORDS_MOMENT);
    else if (seconds < HOUR_S)
        snprintf(span, MARKUP_TIME_LEN, WORDS_MINUTES, minutes);
    else if (seconds < 2 * DAY_S)
        snprintf(span, MARKUP_TIME_LEN, WORDS_HOURS_MINUTES, hours, minutes);
    else
        snprintf(span, MARKUP_TIME_LEN, WORDS_DAYS, hours / 24, hours % 24);
}

void markup_time(uint64_t moment_s, uint64_t now_s, char time[static MARKUP_TIME_LEN])
{
    char utc[CLOCK_UTC_LEN]; /* 2026-11-21T20:39:00Z */
    char shown[CLOCK_UTC_LEN];
    const char *letter_t;

    time[0] = '\0';
    if (clock_format_utc(moment_s, utc) != 0)
        return;
    letter_t = strchr(utc, 'T');
    if (letter_t == NULL)
        return;
    if (moment_s / DAY_S == now_s / DAY_S)
        snprintf(shown, sizeof(shown), "%.5s", letter_t + 1);
    else
        snprintf(shown, sizeof(shown), "%.*s %.5s", (int)(letter_t - utc), utc, letter_t + 1);
    snprintf(time, MARKUP_TIME_LEN, WORDS_UTC, shown);
}
