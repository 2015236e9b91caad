/* SPDX-License-Identifier: ISC */
/* Numbers as little-endian bytes, of len bytes each (1 to 8). Used by the modules that know how a record is written. */
#ifndef OSTIARY_BYTES_H
#define OSTIARY_BYTES_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What of value does not fit into len bytes is dropped. */
static inline void bytes_put(uint8_t *bytes, size_t len, uint64_t value)
{
    const uint64_t little = htole64(value);

    memcpy(bytes, &little, len);
}

static inline uint64_t bytes_get(const uint8_t *bytes, size_t len)
{
    uint64_t little = 0;

    memcpy(&little, bytes, len);
    return le64toh(little);
}

#endif
