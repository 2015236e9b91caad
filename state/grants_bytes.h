/* SPDX-License-Identifier: ISC */
/*
 * The record of grants as bytes: header and slot. FORMAT.md, "Grants", is the byte by byte description; this is the
 * only code that knows it. Pure functions: no file, no clock, nothing can fail but a check.
 */
#ifndef OSTIARY_GRANTS_BYTES_H
#define OSTIARY_GRANTS_BYTES_H

#include "grants.h"
#include "record.h"

#define GRANTS_BYTES_HEADER_LEN 512
#define GRANTS_BYTES_HEAD_LEN   1024 /* the header twice */
#define GRANTS_BYTES_SLOT_LEN   256

struct grants_header {
    uint8_t key[SIPHASH_KEY_LEN];
    uint64_t latest_ms;
};

/* Both copies. */
void grants_bytes_encode_head(const struct grants_header *header, uint8_t head[static GRANTS_BYTES_HEAD_LEN]);

/*
 * WHOLE where one copy is, EMPTY where all is zero, else FOREIGN or DAMAGED. *header is set when WHOLE alone, and then
 * *one_damaged says whether the other copy is.
 */
enum record_state grants_bytes_decode_head(const uint8_t head[static GRANTS_BYTES_HEAD_LEN],
                                           struct grants_header *header, bool *one_damaged);

/* Returns 0, or -1: what is in *grant cannot be written so that it would be read as the same. */
int grants_bytes_encode_slot(const struct grant *grant, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t slot,
                             uint8_t bytes[static GRANTS_BYTES_SLOT_LEN]);

/* WHOLE, EMPTY or DAMAGED; *grant is all zero unless WHOLE. */
enum record_state grants_bytes_decode_slot(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN],
                                           const uint8_t key[static SIPHASH_KEY_LEN], uint64_t slot,
                                           struct grant *grant);

/* Does a slot bear these names? It says nothing about whether it is whole. */
bool grants_bytes_slot_names(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN], const struct grants_key *key);

#endif
