/* SPDX-License-Identifier: ISC */
/*
 * The three buckets of eight slots among which a source has its place: reading, finding, and who gives way when all are
 * full (FORMAT.md, "Overflow"). The store must be held.
 */
#ifndef OSTIARY_BUCKETS_H
#define OSTIARY_BUCKETS_H

#include "store.h"

#define BUCKETS_SLOTS  (RECORD_CHOICES * RECORD_BUCKET_SLOTS)
#define BUCKETS_SPARED 4

/* Slots that do not give way to others of the same visit, by their index in the table. */
struct buckets_spared {
    unsigned count;
    uint64_t indices[BUCKETS_SPARED];
};

struct buckets {
    uint64_t firsts[RECORD_CHOICES]; /* index in the table of slots[0], slots[8], slots[16] */
    struct record_slot *own; /* the source's slot, one of slots; NULL: it has none, and only then the rest is filled */
    struct record_slot slots[BUCKETS_SLOTS];
    enum record_state states[BUCKETS_SLOTS];
    unsigned damaged;                    /* how many are; they count as empty */
    const struct buckets_spared *spared; /* by buckets_read and buckets_find: NULL, none */
};

/* Find the source's own slot, and nothing else: a look at all others takes longer than the rest of it. */
enum store_fault buckets_find(const struct store *store, const struct source *source, struct buckets *buckets);

enum store_fault buckets_read(const struct store *store, const struct source *source, struct buckets *buckets);

/* From now on this slot, one of slots, does not give way. */
void buckets_spare(const struct buckets *buckets, const struct record_slot *slot, struct buckets_spared *spared);

/* Overwrite damaged slots with empty ones, so that each is reported once. */
enum store_fault buckets_clean(const struct store *store, struct buckets *buckets);

struct buckets_age {
    uint64_t now; /* table time, s */
    uint64_t strike_time;
};

/*
 * A slot for a source that has none: the one that gives way, made anew for the source in memory, nothing written yet.
 * NULL when all are locked, unless evict_lock allows to drop the lock that ends first. generation is where it begins to
 * count.
 */
struct record_slot *buckets_make(struct buckets *buckets, const struct source *source, struct buckets_age age,
                                 bool evict_lock, uint64_t generation);

/*
 * A slot for a record from elsewhere, in memory. Of two records of one source the worthier stays; full buckets give way
 * only to a worthier one. NULL: there was no room for it. *pushed_out: another record had to go.
 */
struct record_slot *buckets_put(struct buckets *buckets, const struct record_slot *record, struct buckets_age age,
                                bool *pushed_out);

/* Write one of the slots, with one pwrite. */
enum store_fault buckets_write(const struct store *store, const struct buckets *buckets,
                               const struct record_slot *slot);

/* Empty the place of one of them. */
enum store_fault buckets_drop(const struct store *store, const struct buckets *buckets, const struct record_slot *slot);

#endif
