/* SPDX-License-Identifier: ISC */
/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash of 64 bits whose
 * values nobody without the key can aim at. It finds a source's bucket, checks each record, and tells equal
 * secrets apart without comparing them. Any key and any bytes are good; nothing can fail.
 */
#ifndef OSTIARY_SIPHASH_H
#define OSTIARY_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_LEN 16

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_LEN], const uint8_t *bytes, size_t len);

#endif
