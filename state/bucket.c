/* SPDX-License-Identifier: ISC */
/* See bucket.h. */
#include "bucket.h"

#include "slot.h"

#include <string.h>

static enum record_state decode(const struct store *store, const uint8_t *bytes, struct bucket *bucket, unsigned place)
{
    return record_decode_slot(bytes + place * RECORD_LEN, store->header.key, bucket->first + place,
                              &bucket->slots[place]);
}

/* The source's own slot alone, if there is a whole one: checking eight takes as long as all the rest of a lookup. */
static bool read_own(const struct store *store, const uint8_t *bytes, const struct source *source,
                     struct bucket *bucket)
{
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        if (!record_slot_names(bytes + i * RECORD_LEN, source))
            continue;
        if (decode(store, bytes, bucket, i) == RECORD_WHOLE) {
            bucket->own = &bucket->slots[i];
            return true;
        }
    }
    return false;
}

enum store_fault bucket_read(const struct store *store, const struct source *source, struct bucket *bucket)
{
    uint8_t bytes[RECORD_BUCKET_LEN];
    enum store_fault fault;

    bucket->first = record_bucket(&store->header, source);
    bucket->own = NULL;
    bucket->damaged = 0;
    fault = store_read(store, store_slot_at(bucket->first), bytes, sizeof bytes);
    if (fault != STORE_OK || read_own(store, bytes, source, bucket))
        return fault;
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        bucket->states[i] = decode(store, bytes, bucket, i);
        if (bucket->states[i] == RECORD_DAMAGED)
            bucket->damaged++;
    }
    return STORE_OK;
}

enum store_fault bucket_clean(const struct store *store, struct bucket *bucket)
{
    static const uint8_t empty[RECORD_LEN];

    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        if (bucket->states[i] != RECORD_DAMAGED)
            continue;
        const enum store_fault fault = store_write(store, store_slot_at(bucket->first + i), empty, sizeof empty);
        if (fault != STORE_OK)
            return fault;
        bucket->states[i] = RECORD_EMPTY;
    }
    return STORE_OK;
}

/* How much a slot is worth keeping; compared from the first member to the last, smaller goes first. */
struct worth {
    uint64_t rank; /* of the four steps of FORMAT.md */
    uint64_t amount;
    uint64_t since;
    uint64_t seen;
};

enum rank { RANK_FREE, RANK_IDLE, RANK_STRIKES, RANK_LOCKED };

static struct worth slot_worth(const struct record_slot *slot, struct bucket_age age)
{
    const uint64_t strikes = slot_strikes(slot, age.strike_time, age.now);
    struct worth worth = {.rank = RANK_IDLE, .seen = slot->last_seen};

    if (slot_in_force(slot, age.now)) {
        worth.rank = RANK_LOCKED;
        worth.amount = slot_ends(slot, age.now);
    } else if (strikes > 0) {
        worth.rank = RANK_STRIKES;
        worth.amount = strikes;
        worth.since = slot->last_strike;
    }
    return worth;
}

static bool is_less(const struct worth *a, const struct worth *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->amount != b->amount)
        return a->amount < b->amount;
    if (a->since != b->since)
        return a->since < b->since;
    return a->seen < b->seen;
}

/* The place that gives way first. */
static unsigned least_worthy(const struct bucket *bucket, struct bucket_age age, struct worth *least)
{
    unsigned chosen = 0;

    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        struct worth worth = {.rank = RANK_FREE};

        if (bucket->states[i] == RECORD_WHOLE)
            worth = slot_worth(&bucket->slots[i], age);
        if (i == 0 || is_less(&worth, least)) {
            chosen = i;
            *least = worth;
        }
    }
    return chosen;
}

struct record_slot *bucket_make(struct bucket *bucket, const struct source *source, struct bucket_age age,
                                bool evict_lock, uint8_t run)
{
    struct worth least;
    const unsigned chosen = least_worthy(bucket, age, &least);

    if (least.rank == RANK_LOCKED && !evict_lock)
        return NULL;
    bucket->states[chosen] = RECORD_WHOLE;
    bucket->slots[chosen] = (struct record_slot){.source = *source, .run = run & 15};
    return &bucket->slots[chosen];
}

/* The slot of the same source, in a bucket that was filled slot by slot. */
static struct record_slot *find_twin(struct bucket *bucket, const struct source *source)
{
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++)
        if (bucket->states[i] == RECORD_WHOLE && slot_is(&bucket->slots[i], source))
            return &bucket->slots[i];
    return NULL;
}

struct record_slot *bucket_put(struct bucket *bucket, const struct record_slot *record, struct bucket_age age,
                               bool *pushed_out)
{
    const struct worth worth = slot_worth(record, age);
    struct record_slot *twin = find_twin(bucket, &record->source);
    struct worth least;

    *pushed_out = false;
    if (twin != NULL) {
        const struct worth other = slot_worth(twin, age);

        if (is_less(&other, &worth))
            *twin = *record;
        return twin;
    }

    const unsigned chosen = least_worthy(bucket, age, &least);
    if (!is_less(&least, &worth))
        return NULL;
    *pushed_out = least.rank != RANK_FREE;
    bucket->states[chosen] = RECORD_WHOLE;
    bucket->slots[chosen] = *record;
    return &bucket->slots[chosen];
}

enum store_fault bucket_write(const struct store *store, const struct bucket *bucket, const struct record_slot *slot)
{
    const uint64_t index = bucket->first + (uint64_t)(slot - bucket->slots);
    uint8_t bytes[RECORD_LEN];

    record_encode_slot(slot, store->header.key, index, bytes);
    return store_write(store, store_slot_at(index), bytes, sizeof bytes);
}
