/* SPDX-License-Identifier: ISC */
/* Numbers as little-endian bytes, of len bytes each (1 to 8). Used by the modules that know how a record is written. */
#ifndef OSTIARY_BYTES_H
#define OSTIARY_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* What of value does not fit into len bytes is dropped. */
static inline void bytes_put(uint8_t *bytes, size_t len, uint64_t value)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t bytes_get(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

#endif
