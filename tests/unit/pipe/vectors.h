/* SPDX-License-Identifier: ISC */
/* spiped's values (tests/data/pipe/vectors), by their names. */
#ifndef OSTIARY_VECTORS_H
#define OSTIARY_VECTORS_H

#include "pipe_wire.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *vectors_path;

static inline unsigned vectors_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

    if (found == NULL) {
        printf("Bail out! a digit in %s\n", vectors_path);
        exit(1);
    }
    return (unsigned)(found - digits);
}

/* The value of RUN.NAME. Gives its length; one that is not there, or longer than room, ends the test. */
static inline size_t vectors_read(const char *run, const char *name, uint8_t *bytes, size_t room)
{
    char wanted[128], line[2 * PIPE_PACKET_LEN + 80];
    FILE *file = fopen(vectors_path, "re");
    size_t len = 0;

    snprintf(wanted, sizeof(wanted), "%s%s%s ", run, *run != '\0' ? "." : "", name);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, wanted, strlen(wanted)) != 0)
            continue;
        for (const char *at = line + strlen(wanted); *at != '\n' && len < room; at += 2)
            bytes[len++] = (uint8_t)(vectors_digit(at[0]) << 4 | vectors_digit(at[1]));
        break;
    }
    if (file != NULL)
        fclose(file);
    if (len == 0) {
        printf("Bail out! no value %sin %s\n", wanted, vectors_path);
        exit(1);
    }
    return len;
}

#endif
