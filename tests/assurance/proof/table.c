/* SPDX-License-Identifier: ISC */
/*
 * Buckets, slots and networks of any table: whatever is read may be any bytes, each read and write may fail in any
 * way, and buckets in memory may hold anything.
 */
#include "any_record.h"
#include "buckets.h"
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

enum store_fault store_write_counters(const struct store *store)
{
    (void)store;
    return any_fault();
}

static struct buckets any_buckets(void)
{
    struct buckets buckets;

    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++)
        buckets.firsts[choice] = RECORD_BUCKET_SLOTS * any_size(0, RECORD_PLACES_MAX / RECORD_BUCKET_SLOTS - 1);
    for (unsigned i = 0; i < BUCKETS_SLOTS; i++) {
        buckets.slots[i] = any_slot();
        buckets.states[i] = (enum record_state)Frama_C_interval(RECORD_DAMAGED, RECORD_FOREIGN);
    }
    buckets.own = NULL;
    buckets.spared = NULL;
    buckets.damaged = (unsigned)any_size(0, BUCKETS_SLOTS);
    return buckets;
}

static void write_slot(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    if (slot == NULL)
        return;
    if (any_bool())
        buckets_drop(store, buckets, slot);
    else
        buckets_write(store, buckets, slot);
}

static void change_buckets(const struct store *store, const struct source *source)
{
    struct buckets buckets = any_buckets();
    const struct buckets_age age = {.now = any_number(), .strike_time = any_number()};
    const struct record_slot record = any_slot();
    struct buckets_spared spared = {.count = (unsigned)any_size(0, BUCKETS_SPARED)};
    bool pushed_out;

    for (unsigned i = 0; i < BUCKETS_SPARED; i++)
        spared.indices[i] = any_number();
    if (any_bool()) {
        buckets_spare(&buckets, &buckets.slots[any_size(0, BUCKETS_SLOTS - 1)], &spared);
        buckets.spared = &spared;
    }
    if (any_bool())
        buckets.own = &buckets.slots[any_size(0, BUCKETS_SLOTS - 1)];
    if (any_bool())
        write_slot(store, &buckets, buckets_make(&buckets, source, age, any_bool(), any_number()));
    else
        write_slot(store, &buckets, buckets_put(&buckets, &record, age, &pushed_out));
}

/* What is not read holds anything; which of the slots is the source's own, the analysis does not keep apart. */
static void read_buckets(const struct store *store, const struct source *source)
{
    struct buckets buckets = any_buckets();

    if ((any_bool() ? buckets_find(store, source, &buckets) : buckets_read(store, source, &buckets)) != STORE_OK)
        return;
    if (buckets.own != NULL)
        buckets_write(store, &buckets, buckets.own);
    else
        buckets_clean(store, &buckets);
}

static void read_networks(struct store *store, const struct source *source)
{
    struct networks networks;
    const struct record_slot *found;

    if (networks_read(store, &networks) != STORE_OK)
        return;
    found = networks_find(&networks, source, any_number());
    if (found != NULL)
        networks_write(store, &networks, found);
    networks.used[any_size(0, RECORD_NETWORKS - 1)] = any_bool();
    networks_drop(store, &networks);
}

/* Those that only lockout.c calls. */
static void change_slot(const struct source *source)
{
    struct record_slot slot = any_slot();
    const uint64_t now = any_number();
    const struct slot_rule rule = any_rule();
    struct slot_strike strike = any_strike();

    slot_binds(&slot, any_bool(), now);
    slot_is(&slot, source);
    slot_refresh(&slot, any_number(), now);
    slot_covers(&slot, source);
    slot_unjudged(&slot, now);
    slot_hangs(&slot, &rule, any_number());
    slot_is_known(&slot, now);
    if (any_bool())
        slot_strike(&slot, &rule, &strike);
    else
        slot_judge_strike(&slot, &strike);
    slot_take_back(&slot, &strike);
}

int main(void)
{
    struct store store = {.header = any_header(), .counters = any_counters()};
    const struct source source = any_source();

    switch (Frama_C_interval(0, 3)) {
    case 0:
        change_buckets(&store, &source);
        break;
    case 1:
        read_buckets(&store, &source);
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
