/* SPDX-License-Identifier: ISC */
/* Values about which nothing is known but a range: what the drivers feed to the code that is proved. */
#ifndef OSTIARY_PROOF_ANY_H
#define OSTIARY_PROOF_ANY_H

#include <__fc_builtin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool any_bool(void)
{
    return Frama_C_interval(0, 1) == 1;
}

static inline size_t any_size(size_t low, size_t high)
{
    return Frama_C_size_t_interval(low, high);
}

static inline uint64_t any_number(void)
{
    return Frama_C_unsigned_long_interval(0, UINT64_MAX);
}

static inline void any_bytes(void *bytes, size_t len)
{
    Frama_C_make_unknown((char *)bytes, len);
}

/*
 * A string of any length up to the size of the room, in any bytes. It ends where the room ends, so that one step behind
 * its NUL is an alarm; every length is a state of its own, and a byte of it may be an earlier NUL as well.
 */
static inline char *any_string(char *room, size_t size)
{
    const size_t len = any_size(0, size - 1);
    //@ split len;
    char *text = room + size - 1 - len;

    any_bytes(text, len);
    text[len] = '\0';
    return text;
}

#endif
