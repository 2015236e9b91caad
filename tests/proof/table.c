/* SPDX-License-Identifier: ISC */
/*
 * Buckets, slots and networks of any table: whatever is read may be any bytes, each read and write may fail in any
 * way, and a bucket in memory may hold anything.
 */
#include "any_record.h"
#include "bucket.h"
#include "networks.h"
#include "slot.h"

static enum store_fault any_fault(void)
{
    return (enum store_fault)Frama_C_interval(STORE_OK, STORE_NETWORKS_FULL);
}

enum store_fault store_read(const struct store *store, uint64_t offset, uint8_t *bytes, size_t len)
{
    //@ assert within_the_table: offset + len <= RECORD_HEAD_LEN + RECORD_PLACES_MAX * RECORD_LEN;
    (void)store;
    if (any_bool())
        return (enum store_fault)Frama_C_interval(STORE_OK + 1, STORE_NETWORKS_FULL);
    any_bytes(bytes, len);
    return STORE_OK;
}

enum store_fault store_write(const struct store *store, uint64_t offset, const uint8_t *bytes, size_t len)
{
    //@ assert within_the_table: offset + len <= RECORD_HEAD_LEN + RECORD_PLACES_MAX * RECORD_LEN;
    //@ assert every_byte_is_set: \initialized(bytes + (0 .. len - 1));
    (void)store;
    return any_fault();
}

uint64_t store_slot_at(uint64_t index)
{
    return RECORD_HEAD_LEN + index * RECORD_LEN;
}

void store_encode_head(const struct record_header *header, const struct record_counters *counters,
                       uint8_t head[static RECORD_NETWORKS_AT])
{
    (void)header;
    (void)counters;
    any_bytes(head, RECORD_NETWORKS_AT);
}

static struct bucket any_bucket(void)
{
    struct bucket bucket = {.first = RECORD_BUCKET_SLOTS * any_size(0, RECORD_PLACES_MAX / RECORD_BUCKET_SLOTS - 1)};

    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        bucket.slots[i] = any_slot();
        bucket.states[i] = (enum record_state)Frama_C_interval(RECORD_DAMAGED, RECORD_FOREIGN);
    }
    return bucket;
}

static void write_slot(const struct store *store, const struct bucket *bucket, const struct record_slot *slot)
{
    if (slot != NULL)
        bucket_write(store, bucket, slot);
}

static void change_bucket(const struct store *store, const struct source *source)
{
    struct bucket bucket = any_bucket();
    const struct bucket_age age = {.now = any_number(), .strike_time = any_number()};
    const struct record_slot record = any_slot();
    bool pushed_out;

    if (any_bool())
        write_slot(store, &bucket, bucket_make(&bucket, source, age, any_bool(), (uint8_t)any_size(0, UINT8_MAX)));
    else
        write_slot(store, &bucket, bucket_put(&bucket, &record, age, &pushed_out));
}

/* What is not read holds anything; which of the eight is the source's own, the analysis does not keep apart. */
static void read_bucket(const struct store *store, const struct source *source)
{
    struct bucket bucket = any_bucket();

    if (bucket_read(store, source, &bucket) != STORE_OK)
        return;
    if (bucket.own != NULL)
        bucket_write(store, &bucket, bucket.own);
    else
        bucket_clean(store, &bucket);
}

static void read_networks(struct store *store, const struct source *source)
{
    struct networks networks;
    const struct record_slot *found;

    if (networks_read(store, &networks) != STORE_OK)
        return;
    found = networks_find(&networks, source, any_number());
    if (found != NULL)
        networks_write_one(store, &networks, found);
    networks_write_all(store, &networks);
}

/* Those that only lockout.c calls. */
static void change_slot(const struct source *source)
{
    struct record_slot slot = any_slot();
    const uint64_t now = any_number();

    slot_binds(&slot, any_bool(), now);
    slot_refresh(&slot, any_number(), now);
    slot_covers(&slot, source);
}

int main(void)
{
    struct store store = {.header = any_header(), .counters = any_counters()};
    const struct source source = any_source();

    switch (Frama_C_interval(0, 3)) {
    case 0:
        change_bucket(&store, &source);
        break;
    case 1:
        read_bucket(&store, &source);
        break;
    case 2:
        read_networks(&store, &source);
        break;
    default:
        change_slot(&source);
        break;
    }
    return 0;
}
