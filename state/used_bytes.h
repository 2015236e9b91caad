/* SPDX-License-Identifier: ISC */
/*
 * The record of used codes and secrets as bytes: head and slot. FORMAT.md, "Used codes and secrets", is the byte by
 * byte description; this is the only code that knows it. Pure functions: no file, no clock, nothing can fail but a
 * check.
 */
#ifndef OSTIARY_USED_BYTES_H
#define OSTIARY_USED_BYTES_H

#include "record.h"
#include "used.h"

#define USED_BYTES_HEAD_LEN 128 /* the header twice */
#define USED_BYTES_SLOT_LEN 64

struct used_header {
    uint8_t key[SIPHASH_KEY_LEN];
    uint64_t slots;   /* how many the file has, at most USED_MAX */
    uint64_t floor_s; /* what was used before, s since 1970, may have been lost; 0: nothing has */
};

/* A slot in use. */
struct used_slot {
    uint64_t fingerprint; /* of the name, under the header's key */
    enum used_kind kind;
    struct used_mark mark;
};

/* Both copies. */
void used_bytes_encode_head(const struct used_header *header, uint8_t head[static USED_BYTES_HEAD_LEN]);

/*
 * WHOLE where one copy is; of two that differ the one with more slots, or the later floor, is the later. Else FOREIGN
 * or DAMAGED. *header is set when WHOLE alone, and then *one_damaged says whether the other copy is.
 */
enum record_state used_bytes_decode_head(const uint8_t head[static USED_BYTES_HEAD_LEN], struct used_header *header,
                                         bool *one_damaged);

void used_bytes_encode_slot(const struct used_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t number,
                            uint8_t bytes[static USED_BYTES_SLOT_LEN]);

/* WHOLE, EMPTY or DAMAGED; *slot is all zero unless WHOLE. */
enum record_state used_bytes_decode_slot(const uint8_t bytes[static USED_BYTES_SLOT_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], uint64_t number,
                                         struct used_slot *slot);

#endif
