/* SPDX-License-Identifier: ISC */
/* A secret as it is handed about: where its bytes are, and how many there may be. */
#ifndef OSTIARY_SECRET_H
#define OSTIARY_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define SECRET_MAX        255 /* longest secret, in bytes; the shortest is one byte */
#define SECRET_MAX_LEGACY 62  /* longest secret that every 4.0 client can send */

/* Borrowed from its owner: 1 to SECRET_MAX bytes, in locked memory (locked.h). */
struct secret {
    const uint8_t *bytes;
    size_t len;
};

#endif
