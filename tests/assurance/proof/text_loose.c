/* SPDX-License-Identifier: ISC */
/*
 * As text.c, for code that looks at its texts in many ways: what has been seen of a text is forgotten at once, else
 * each look would double the states. What is known of it all the same, such as a constant or the NUL at its end, holds.
 */
#include "any.h"
#include "text_compare.h"

#include <string.h>

size_t strlen(const char *text)
{
    for (size_t len = 0;; len++) {
        const char byte = text[len];

        if (byte == '\0')
            return len;
    }
}

size_t strnlen(const char *text, size_t limit)
{
    size_t len = 0;

    for (; len < limit; len++) {
        const char byte = text[len];

        if (byte == '\0')
            break;
    }
    //@ split len;
    return len;
}

size_t strcspn(const char *text, const char *set)
{
    size_t len = 0;

    for (;; len++) {
        const char byte = text[len];

        if (byte == '\0')
            break;
        if (byte == set[0] && any_bool())
            break;
    }
    //@ split len;
    return len;
}

/* At any place of the text, or at none. */
char *strpbrk(const char *text, const char *set)
{
    const size_t len = strlen(text);

    (void)set;
    return any_bool() ? (char *)text + any_size(0, len) : NULL;
}

char *strchr(const char *text, int byte)
{
    (void)byte;
    return strpbrk(text, "");
}

/* At any place that may hold the byte: none only where none must. */
char *strrchr(const char *text, int byte)
{
    long place = -1;

    for (long i = 0;; i++) {
        const char found = text[i];

        if (found == (char)byte) {
            place = i;
            if (any_bool())
                break;
        }
        if (found == '\0')
            break;
    }
    //@ split place;
    return place >= 0 ? (char *)text + place : NULL;
}

void *memchr(const void *memory, int byte, size_t len)
{
    const char *bytes = memory;

    for (size_t i = 0; i < len; i++) {
        const char found = bytes[i];

        if (found == (char)byte)
            return (char *)memory + i;
    }
    return NULL;
}
