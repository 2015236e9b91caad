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

#define RECORD_LEN            128
#define RECORD_BUCKET_SLOTS   8
#define RECORD_BUCKET_LEN     (RECORD_BUCKET_SLOTS * RECORD_LEN)
#define RECORD_CHOICES        3 /* buckets in which a source may stand */
#define RECORD_NETWORKS       56
#define RECORD_HEAD_LEN       8192 /* header, counters, copy of the header, networks */
#define RECORD_COUNTERS_AT    128
#define RECORD_HEADER_COPY_AT 896
#define RECORD_NETWORKS_AT    1024
#define RECORD_PLACES_MIN     64
#define RECORD_PLACES_MAX     16777216
#define RECORD_BOOT_ID_LEN    16
#define RECORD_DOORS          4

/* A time that never comes: in locked_until, until somebody unlocks. */
#define RECORD_FOREVER UINT64_MAX

/* The latest time that a record can hold, s or ms. */
#define RECORD_TIME_MAX UINT64_C(0xfffffffffffe)

#define RECORD_CLOSING_MAX      4
#define RECORD_DOOR_CLOSING_MAX 3

struct record_header {
    uint64_t places;              /* a multiple of RECORD_BUCKET_SLOTS within RECORD_PLACES_MIN and _MAX */
    uint8_t key[SIPHASH_KEY_LEN]; /* random; the check of everything else */
    uint64_t rebuild;             /* 0: in use; else the number of a repair that has not ended */
};

/* Which moments of a pace are taken (pace.h). All zero: none. */
struct record_pace {
    uint64_t first_ms; /* table time of place 0 */
    uint64_t taken;    /* bit k: place k, which is k times DELAY behind place 0 */
};

/* What ties table time to the clocks of the machine (moment.h): all of it is of one moment. */
struct record_mark {
    uint8_t boot_id[RECORD_BOOT_ID_LEN]; /* of the kernel that was running; all zero: not known */
    uint64_t boot_ms;                    /* CLOCK_BOOTTIME */
    uint64_t wall_ms;                    /* CLOCK_REALTIME */
    uint64_t table_ms;                   /* table time */
    uint64_t latest_ms; /* the latest that CLOCK_REALTIME has ever been, gone on with CLOCK_BOOTTIME since */
    bool doubtful;      /* since this boot began, CLOCK_REALTIME has stood behind that */
};

/* What one door has by itself (doors.h). */
struct record_door {
    uint8_t closing; /* enum lockout_closure, 0 to RECORD_DOOR_CLOSING_MAX: why this door has to be closed */
    uint32_t errors; /* at this door, since it was last opened */
};

struct record_counters {
    uint64_t seed;           /* the number of the last seed given out */
    uint64_t total_errors;   /* at all doors, since they were last opened */
    struct record_pace pace; /* DELAY_SCOPE=all */
    struct record_mark mark;
    uint64_t networks; /* bit i: network i is in use */
    uint16_t epoch;    /* slot errors of another epoch are 0 */
    uint8_t closing;   /* enum lockout_closure, 0 to RECORD_CLOSING_MAX: why every door has to be closed */
    struct record_door doors[RECORD_DOORS];
};

/* Times are table time (moment.h). */
struct record_slot {
    struct source source;
    bool locked;
    bool by_hand;          /* locked by an administrator */
    bool lock_judged;      /* the strike that locked it was found to be wrong: only then are refusals errors */
    uint64_t generation;   /* changes when all strikes are forgotten at once: none from before can be taken back */
    uint64_t last_seen;    /* s */
    uint64_t last_strike;  /* s; of a locked slot: since when */
    uint64_t locked_until; /* s, or RECORD_FOREVER; 0 when not locked */
    struct record_pace pace;
    uint16_t epoch;
    uint16_t
        unjudged; /* of the strikes: not yet found to be right or wrong, and counted by judged_by_ms all the same */
    uint64_t judged_by_ms;
    uint8_t round; /* counts how often unjudged strikes were given up: a late judgement is of none that is waited for */
    uint32_t strikes;
    uint32_t refusals;
    uint32_t errors;
    uint64_t accepted; /* s: when a visitor was accepted last of whom this has to be known; 0: none */
};

enum record_state {
    RECORD_DAMAGED, /* fails its check, or holds what no encoder here writes */
    RECORD_EMPTY,   /* a slot of zeros */
    RECORD_WHOLE,
    RECORD_OLD,    /* a header that passes its check, of version 1 (form1.h) */
    RECORD_FOREIGN /* one of another version or geometry */
};

/* Where a record is kept is part of its check: a slot's index, or one of these. */
#define RECORD_WHERE_NETWORKS (UINT64_C(1) << 32) /* + the network's number */
#define RECORD_WHERE_COUNTERS (UINT64_C(1) << 33)

void record_encode_header(const struct record_header *header, uint8_t bytes[static RECORD_LEN]);

/* WHOLE, OLD, FOREIGN or DAMAGED; *header is set when WHOLE alone. */
enum record_state record_decode_header(const uint8_t bytes[static RECORD_LEN], struct record_header *header);

void record_encode_counters(const struct record_counters *counters, const uint8_t key[static SIPHASH_KEY_LEN],
                            uint8_t bytes[static RECORD_LEN]);

/* WHOLE or DAMAGED; *counters is set when WHOLE. */
enum record_state record_decode_counters(const uint8_t bytes[static RECORD_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], struct record_counters *counters);

void record_encode_slot(const struct record_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where,
                        uint8_t bytes[static RECORD_LEN]);

/* WHOLE, EMPTY or DAMAGED; *slot is all zero unless WHOLE. */
enum record_state record_decode_slot(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                     uint64_t where, struct record_slot *slot);

/* The indices of the first slots of the source's buckets: as many different ones as a source has choices. */
void record_buckets(const struct record_header *header, const struct source *source,
                    uint64_t firsts[static RECORD_CHOICES]);

/* The length of the whole file. */
uint64_t record_file_len(uint64_t places);

/* Does a slot's record bear this source's name? It says nothing about whether the record is whole. */
bool record_slot_names(const uint8_t bytes[static RECORD_LEN], const struct source *source);

/* Are these bytes all zero? As those of an empty slot and the unused ones of the head are. */
bool record_is_zero(const uint8_t *bytes, size_t len);

#endif
