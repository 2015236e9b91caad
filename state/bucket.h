/* SPDX-License-Identifier: ISC */
/*
 * The eight slots among which a source has its place: reading, finding, and who gives way when they are full
 * (FORMAT.md, "Overflow"). The store must be held.
 */
#ifndef OSTIARY_BUCKET_H
#define OSTIARY_BUCKET_H

#include "store.h"

struct bucket {
    uint64_t first;          /* index of slots[0] in the table */
    struct record_slot *own; /* the source's slot, one of slots; NULL: it has none, and only then the rest is filled */
    struct record_slot slots[RECORD_BUCKET_SLOTS];
    enum record_state states[RECORD_BUCKET_SLOTS];
    unsigned damaged; /* how many are; they count as empty */
};

enum store_fault bucket_read(const struct store *store, const struct source *source, struct bucket *bucket);

/* Overwrite damaged slots with empty ones, so that each is reported once. */
enum store_fault bucket_clean(const struct store *store, struct bucket *bucket);

struct bucket_age {
    uint64_t now; /* s */
    uint64_t strike_time;
};

/*
 * A slot for a source that has none: the one that gives way, made anew for the source in memory, nothing written yet.
 * NULL when all are locked, unless evict_lock allows to drop the lock that ends first. run is where its runs begin.
 */
struct record_slot *bucket_make(struct bucket *bucket, const struct source *source, struct bucket_age age,
                                bool evict_lock, uint8_t run);

/*
 * A slot for a record from elsewhere, in memory. Of two records of one source the worthier stays; a full bucket gives
 * way only to a worthier one. NULL: there was no room for it. *pushed_out: another record had to go.
 */
struct record_slot *bucket_put(struct bucket *bucket, const struct record_slot *record, struct bucket_age age,
                               bool *pushed_out);

/* Write one slot of the bucket, with one pwrite. */
enum store_fault bucket_write(const struct store *store, const struct bucket *bucket, const struct record_slot *slot);

#endif
