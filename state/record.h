/* SPDX-License-Identifier: ISC */
/*
 * The records of the lockout table as bytes: header, counters, slot. FORMAT.md is the byte by byte description; this is
 * the only code that knows it. Pure functions: no file, no clock, nothing can fail but a check.
 */
#ifndef OSTIARY_RECORD_H
#define OSTIARY_RECORD_H

#include "siphash.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_LEN            64
#define RECORD_BUCKET_SLOTS   8
#define RECORD_BUCKET_LEN     (RECORD_BUCKET_SLOTS * RECORD_LEN)
#define RECORD_NETWORKS       56
#define RECORD_HEAD_LEN       4096 /* header, counters, copy of the header, networks */
#define RECORD_COUNTERS_AT    64
#define RECORD_HEADER_COPY_AT 448
#define RECORD_NETWORKS_AT    512
#define RECORD_PLACES_MIN     64
#define RECORD_PLACES_MAX     16777216

/* A time that never comes: in locked_until, until somebody unlocks. */
#define RECORD_FOREVER UINT64_MAX

/* The latest time that a slot can hold, s or ms. */
#define RECORD_TIME_MAX UINT64_C(0xfffffffffffe)

#define RECORD_CLOSING_MAX 4

struct record_header {
    uint64_t places;              /* a multiple of RECORD_BUCKET_SLOTS within RECORD_PLACES_MIN and _MAX */
    uint8_t key[SIPHASH_KEY_LEN]; /* random; the check of everything else */
    uint64_t rebuild;             /* 0: in use; else the number of a repair that has not ended */
};

struct record_counters {
    uint64_t seed;         /* the number of the last seed given out */
    uint64_t total_errors; /* since the door was last opened */
    uint64_t next_ms;      /* DELAY_SCOPE=all */
    uint16_t epoch;        /* slot errors of another epoch are 0 */
    uint16_t networks;     /* in use, of RECORD_NETWORKS */
    uint8_t closing;       /* enum lockout_closure, 0 to RECORD_CLOSING_MAX */
};

struct record_slot {
    struct source source;
    bool locked;
    bool by_hand;          /* locked by an administrator */
    bool judged;           /* the strike that locked it was found to be one: its refusals are errors */
    uint8_t run;           /* 0 to 15: changes when strikes are forgotten wholesale */
    uint64_t last_seen;    /* s */
    uint64_t last_strike;  /* s; of a locked slot: since when */
    uint64_t locked_until; /* s, or RECORD_FOREVER; 0 when not locked */
    uint64_t next_ms;      /* ms */
    uint16_t epoch;
    uint32_t strikes;
    uint32_t refusals;
    uint32_t errors;
};

enum record_state {
    RECORD_DAMAGED, /* fails its check, or holds what no encoder here writes */
    RECORD_EMPTY,   /* a slot of zeros */
    RECORD_WHOLE,
    RECORD_FOREIGN /* a header that passes its check, of another version or geometry */
};

/* Where a record is kept is part of its check: a slot's index, or one of these. */
#define RECORD_WHERE_NETWORKS (UINT64_C(1) << 32) /* + the network's number */
#define RECORD_WHERE_COUNTERS (UINT64_C(1) << 33)

void record_encode_header(const struct record_header *header, uint8_t bytes[static RECORD_LEN]);

/* WHOLE, FOREIGN or DAMAGED; *header is set when WHOLE alone. */
enum record_state record_decode_header(const uint8_t bytes[static RECORD_LEN], struct record_header *header);

void record_encode_counters(const struct record_counters *counters, const uint8_t key[static SIPHASH_KEY_LEN],
                            uint8_t bytes[static RECORD_LEN]);

/* WHOLE or DAMAGED; *counters is set when WHOLE. */
enum record_state record_decode_counters(const uint8_t bytes[static RECORD_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], struct record_counters *counters);

/* Numbers too large for their field are written as the largest that fits. A run counts modulo 16. */
void record_encode_slot(const struct record_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where,
                        uint8_t bytes[static RECORD_LEN]);

/* WHOLE, EMPTY or DAMAGED; *slot is all zero unless WHOLE. */
enum record_state record_decode_slot(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                     uint64_t where, struct record_slot *slot);

/* The index of the first slot of the source's bucket. */
uint64_t record_bucket(const struct record_header *header, const struct source *source);

/* The length of the whole file. */
uint64_t record_file_len(uint64_t places);

/* Does a slot's record bear this source's name? It says nothing about whether the record is whole. */
bool record_slot_names(const uint8_t bytes[static RECORD_LEN], const struct source *source);

/* Are these bytes all zero? As those of an empty slot and the unused ones of the head are. */
bool record_is_zero(const uint8_t *bytes, size_t len);

#endif
