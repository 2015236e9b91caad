/* SPDX-License-Identifier: ISC */
/* See networks.h. */
#include "networks.h"

#include "slot.h"

#include <string.h>

#define NETWORKS_LEN (RECORD_NETWORKS * RECORD_LEN)

static bool is_used(const struct store *store, unsigned number)
{
    return (store->counters.networks >> number & 1) != 0;
}

enum store_fault networks_read(const struct store *store, struct networks *networks)
{
    uint8_t bytes[NETWORKS_LEN];
    enum store_fault fault;

    memset(networks, 0, sizeof *networks);
    if (store->counters.networks == 0)
        return STORE_OK;
    fault = store_read(store, RECORD_NETWORKS_AT, bytes, sizeof bytes);
    if (fault != STORE_OK)
        return fault;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (!is_used(store, i))
            continue;
        if (record_decode_slot(bytes + i * RECORD_LEN, store->header.key, RECORD_WHERE_NETWORKS + i,
                               &networks->slots[i]) != RECORD_WHOLE)
            return STORE_DAMAGED;
        networks->used[i] = true;
    }
    return STORE_OK;
}

struct record_slot *networks_find(struct networks *networks, const struct source *source, uint64_t now)
{
    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        if (networks->used[i] && slot_in_force(&networks->slots[i], now) && slot_covers(&networks->slots[i], source))
            return &networks->slots[i];
    return NULL;
}

static uint64_t network_at(unsigned number)
{
    return RECORD_NETWORKS_AT + (uint64_t)number * RECORD_LEN;
}

enum store_fault networks_write(struct store *store, const struct networks *networks, const struct record_slot *slot)
{
    const unsigned number = (unsigned)(slot - networks->slots);
    uint8_t bytes[RECORD_LEN];
    enum store_fault fault;

    record_encode_slot(slot, store->header.key, RECORD_WHERE_NETWORKS + number, bytes);
    fault = store_write(store, network_at(number), bytes, sizeof bytes);
    if (fault != STORE_OK || is_used(store, number))
        return fault;
    store->counters.networks |= UINT64_C(1) << number;
    return store_write_counters(store);
}

enum store_fault networks_drop(struct store *store, const struct networks *networks)
{
    static const uint8_t empty[RECORD_LEN];
    const uint64_t before = store->counters.networks;
    enum store_fault fault;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        if (!networks->used[i])
            store->counters.networks &= ~(UINT64_C(1) << i);
    fault = store_write_counters(store);
    for (unsigned i = 0; fault == STORE_OK && i < RECORD_NETWORKS; i++)
        if ((before >> i & 1) != 0 && !is_used(store, i))
            fault = store_write(store, network_at(i), empty, sizeof empty);
    return fault;
}
