/* SPDX-License-Identifier: ISC */
/* See buckets.h. */
#include "buckets.h"

#include "slot.h"

#include <string.h>

/* The index in the table of a place among the source's buckets. */
static uint64_t index_of(const struct buckets *buckets, unsigned place)
{
    return buckets->firsts[place / RECORD_BUCKET_SLOTS] + place % RECORD_BUCKET_SLOTS;
}

static enum record_state decode(const struct store *store, const uint8_t *bytes, struct buckets *buckets,
                                unsigned place)
{
    return record_decode_slot(bytes + (size_t)place * RECORD_LEN, store->header.key, index_of(buckets, place),
                              &buckets->slots[place]);
}

/* The source's own slot alone, if there is a whole one in this bucket: checking all takes as long as the rest of a
 * look-up.
 */
static bool find_own(const struct store *store, const uint8_t *bytes, unsigned choice, const struct source *source,
                     struct buckets *buckets)
{
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        const unsigned place = choice * RECORD_BUCKET_SLOTS + i;

        if (record_slot_names(bytes + (size_t)place * RECORD_LEN, source) &&
            decode(store, bytes, buckets, place) == RECORD_WHOLE) {
            buckets->own = &buckets->slots[place];
            return true;
        }
    }
    return false;
}

/* Only as far as the bucket in which the source is found. */
static enum store_fault read_own(const struct store *store, const struct source *source, struct buckets *buckets,
                                 uint8_t bytes[static RECORD_CHOICES * RECORD_BUCKET_LEN])
{
    record_buckets(&store->header, source, buckets->firsts);
    buckets->own = NULL;
    buckets->spared = NULL;
    buckets->damaged = 0;
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++) {
        const enum store_fault fault = store_read(store, store_slot_at(buckets->firsts[choice]),
                                                  bytes + (size_t)choice * RECORD_BUCKET_LEN, RECORD_BUCKET_LEN);

        if (fault != STORE_OK || find_own(store, bytes, choice, source, buckets))
            return fault;
    }
    return STORE_OK;
}

enum store_fault buckets_find(const struct store *store, const struct source *source, struct buckets *buckets)
{
    uint8_t bytes[RECORD_CHOICES * RECORD_BUCKET_LEN];

    return read_own(store, source, buckets, bytes);
}

enum store_fault buckets_read(const struct store *store, const struct source *source, struct buckets *buckets)
{
    uint8_t bytes[RECORD_CHOICES * RECORD_BUCKET_LEN];
    const enum store_fault fault = read_own(store, source, buckets, bytes);

    if (fault != STORE_OK || buckets->own != NULL)
        return fault;
    for (unsigned place = 0; place < BUCKETS_SLOTS; place++) {
        buckets->states[place] = decode(store, bytes, buckets, place);
        if (buckets->states[place] == RECORD_DAMAGED)
            buckets->damaged++;
    }
    return STORE_OK;
}

enum store_fault buckets_clean(const struct store *store, struct buckets *buckets)
{
    static const uint8_t empty[RECORD_LEN];

    for (unsigned place = 0; place < BUCKETS_SLOTS; place++) {
        if (buckets->states[place] != RECORD_DAMAGED)
            continue;
        const enum store_fault fault = store_write(store, store_slot_at(index_of(buckets, place)), empty, sizeof empty);
        if (fault != STORE_OK)
            return fault;
        buckets->states[place] = RECORD_EMPTY;
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

enum rank { RANK_FREE, RANK_IDLE, RANK_STRIKES, RANK_KNOWN, RANK_LOCKED };

/*
 * Half of the places at the most are kept for sources that are known: who has one secret and many sources cannot have
 * all strikes forgotten.
 */
#define KNOWN_MAX (BUCKETS_SLOTS / 2)

static struct worth slot_worth(const struct record_slot *slot, struct buckets_age age, bool keep_known)
{
    const uint64_t strikes = slot_strikes(slot, age.strike_time, age.now);
    struct worth worth = {.rank = RANK_IDLE, .seen = slot->last_seen};

    if (slot_in_force(slot, age.now)) {
        worth.rank = RANK_LOCKED;
        worth.amount = slot->locked_until;
    } else if (strikes > 0) {
        worth.rank = RANK_STRIKES;
        worth.amount = strikes;
        worth.since = slot->last_strike;
    }
    if (keep_known && worth.rank != RANK_LOCKED && slot_is_known(slot, age.now))
        worth.rank = RANK_KNOWN;
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

/* How many records stand in the bucket to which the place belongs. */
static unsigned crowd(const struct buckets *buckets, unsigned place)
{
    const unsigned first = place - place % RECORD_BUCKET_SLOTS;
    unsigned count = 0;

    for (unsigned i = first; i < first + RECORD_BUCKET_SLOTS; i++)
        count += buckets->states[i] == RECORD_WHOLE;
    return count;
}

static bool has_few_known(const struct buckets *buckets, struct buckets_age age)
{
    unsigned known = 0;

    for (unsigned place = 0; place < BUCKETS_SLOTS; place++)
        known += buckets->states[place] == RECORD_WHOLE && slot_is_known(&buckets->slots[place], age.now);
    return known <= KNOWN_MAX;
}

void buckets_spare(const struct buckets *buckets, const struct record_slot *slot, struct buckets_spared *spared)
{
    if (spared->count < BUCKETS_SPARED)
        spared->indices[spared->count++] = index_of(buckets, (unsigned)(slot - buckets->slots));
}

static bool is_spared(const struct buckets *buckets, unsigned place)
{
    if (buckets->spared == NULL)
        return false;
    for (unsigned i = 0; i < buckets->spared->count; i++)
        if (buckets->spared->indices[i] == index_of(buckets, place))
            return true;
    return false;
}

/* The place that gives way first. Of empty ones that in the emptiest bucket, so that all buckets fill alike. */
static unsigned least_worthy(const struct buckets *buckets, struct buckets_age age, struct worth *least)
{
    const bool keep_known = has_few_known(buckets, age);
    bool is_first = true;
    unsigned chosen = 0;

    *least = (struct worth){.rank = RANK_LOCKED};
    for (unsigned place = 0; place < BUCKETS_SLOTS; place++) {
        struct worth worth = {.rank = RANK_FREE};

        if (is_spared(buckets, place))
            continue;
        if (buckets->states[place] == RECORD_WHOLE)
            worth = slot_worth(&buckets->slots[place], age, keep_known);
        else
            worth.amount = crowd(buckets, place);
        if (is_first || is_less(&worth, least)) {
            is_first = false;
            chosen = place;
            *least = worth;
        }
    }
    return chosen;
}

struct record_slot *buckets_make(struct buckets *buckets, const struct source *source, struct buckets_age age,
                                 bool evict_lock, uint64_t generation)
{
    struct worth least;
    const unsigned chosen = least_worthy(buckets, age, &least);

    if (least.rank == RANK_LOCKED && !evict_lock)
        return NULL;
    buckets->states[chosen] = RECORD_WHOLE;
    buckets->slots[chosen] = (struct record_slot){.source = *source, .generation = generation};
    return &buckets->slots[chosen];
}

struct record_slot *buckets_put(struct buckets *buckets, const struct record_slot *record, struct buckets_age age,
                                bool *pushed_out)
{
    const struct worth worth = slot_worth(record, age, true);
    struct record_slot *twin = buckets->own;
    struct worth least;

    *pushed_out = false;
    if (twin != NULL) {
        const struct worth other = slot_worth(twin, age, true);

        if (is_less(&other, &worth))
            *twin = *record;
        return twin;
    }

    const unsigned chosen = least_worthy(buckets, age, &least);
    if (!is_less(&least, &worth))
        return NULL;
    *pushed_out = least.rank != RANK_FREE;
    buckets->states[chosen] = RECORD_WHOLE;
    buckets->slots[chosen] = *record;
    return &buckets->slots[chosen];
}

enum store_fault buckets_drop(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    static const uint8_t empty[RECORD_LEN];

    return store_write(store, store_slot_at(index_of(buckets, (unsigned)(slot - buckets->slots))), empty, sizeof empty);
}

enum store_fault buckets_write(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    const uint64_t index = index_of(buckets, (unsigned)(slot - buckets->slots));
    uint8_t bytes[RECORD_LEN];

    record_encode_slot(slot, store->header.key, index, bytes);
    return store_write(store, store_slot_at(index), bytes, sizeof bytes);
}
