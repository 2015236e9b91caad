/* SPDX-License-Identifier: ISC */
/*
 * The whole test framework: numbered TAP lines, a plan at the end, an exit status.
 * A failed check says what it saw and goes on; check_end() closes the run.
 */
#ifndef OSTIARY_CHECK_H
#define OSTIARY_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned check_count;
static unsigned check_failures;

/* One property, said in words: check(ok, "what is true"). Returns ok. */
__attribute__((format(printf, 2, 3))) static inline bool check(bool ok, const char *format, ...)
{
    va_list arguments;

    printf("%sok %u - ", ok ? "" : "not ", ++check_count);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    if (!ok)
        check_failures++;
    return ok;
}

static inline void check_number(uint64_t got, uint64_t want, const char *what)
{
    if (!check(got == want, "%s", what))
        printf("# got %ju, want %ju\n", (uintmax_t)got, (uintmax_t)want);
}

/* A value as a comment, which TAP wants marked on each of its lines. */
static inline void check_show(const char *name, const char *value)
{
    printf("# %s '", name);
    for (; *value != '\0'; value++) {
        putchar(*value);
        if (*value == '\n')
            printf("#   ");
    }
    printf("'\n");
}

static inline void check_text(const char *got, const char *want, const char *what)
{
    if (check(strcmp(got, want) == 0, "%s", what))
        return;
    check_show("got", got);
    check_show("want", want);
}

/* The bytes as lower-case hexadecimal digits. */
static inline void check_hex(const uint8_t *got, size_t len, const char *want, const char *what)
{
    char text[2 * 256 + 1] = "";

    for (size_t i = 0; i < len && i < 256; i++)
        snprintf(text + 2 * i, 3, "%02x", got[i]);
    check_text(text, want, what);
}

/* Read hexadecimal digits into bytes; returns how many bytes. */
static inline size_t check_unhex(const char *hex, uint8_t *bytes, size_t room)
{
    size_t len = 0;
    unsigned value;

    for (; len < room && sscanf(hex + 2 * len, "%2x", &value) == 1; len++)
        bytes[len] = (uint8_t)value;
    return len;
}

static inline int check_end(void)
{
    printf("1..%u\n", check_count);
    return check_failures == 0 ? 0 : 1;
}

#endif
