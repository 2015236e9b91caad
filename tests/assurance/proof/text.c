/* SPDX-License-Identifier: ISC */
/*
 * The functions of string.h that look for the end of something, as loose as their contracts allow and as precise as
 * the analysis needs: each place at which they may stop is a state of its own. They read what the real ones read, byte
 * for byte, so that a missing NUL is an alarm.
 */
#include "any.h"

#include <string.h>

size_t strlen(const char *text)
{
    size_t len = 0;

    while (text[len] != '\0')
        len++;
    //@ split len;
    return len;
}

static bool is_one_of(char byte, const char *set)
{
    for (; *set != '\0'; set++) {
        if (*set == byte)
            return true;
    }
    return false;
}

size_t strcspn(const char *text, const char *set)
{
    size_t len = 0;

    while (text[len] != '\0' && !is_one_of(text[len], set))
        len++;
    //@ split len;
    return len;
}

/* The place of a byte, or -1. */
static long place_of(const char *text, int byte)
{
    long place = 0;

    while (text[place] != (char)byte) {
        if (text[place] == '\0') {
            place = -1;
            break;
        }
        place++;
    }
    //@ split place;
    return place;
}

char *strchr(const char *text, int byte)
{
    const long place = place_of(text, byte);

    return place >= 0 ? (char *)text + place : NULL;
}

void *memchr(const void *memory, int byte, size_t len)
{
    const char *bytes = memory;
    size_t place = 0;

    while (place < len && bytes[place] != (char)byte)
        place++;
    //@ split place;
    return place < len ? (char *)memory + place : NULL;
}
