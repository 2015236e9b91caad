/* SPDX-License-Identifier: ISC */
/* See networks.h. */
#include "networks.h"

#include "slot.h"

#include <string.h>

#define NETWORKS_LEN (RECORD_NETWORKS * RECORD_LEN)

enum store_fault networks_read(const struct store *store, struct networks *networks)
{
    uint8_t bytes[NETWORKS_LEN];
    unsigned whole = 0;
    enum store_fault fault;

    memset(networks, 0, sizeof *networks);
    if (store->counters.networks == 0)
        return STORE_OK;
    fault = store_read(store, RECORD_NETWORKS_AT, bytes, sizeof bytes);
    if (fault != STORE_OK)
        return fault;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        const enum record_state state = record_decode_slot(bytes + i * RECORD_LEN, store->header.key,
                                                           RECORD_WHERE_NETWORKS + i, &networks->slots[i]);

        if (state == RECORD_DAMAGED)
            return STORE_DAMAGED;
        networks->used[i] = state == RECORD_WHOLE;
        whole += networks->used[i];
    }
    return whole == store->counters.networks ? STORE_OK : STORE_DAMAGED;
}

struct record_slot *networks_find(struct networks *networks, const struct source *source, uint64_t now)
{
    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        if (networks->used[i] && slot_in_force(&networks->slots[i], now) && slot_covers(&networks->slots[i], source))
            return &networks->slots[i];
    return NULL;
}

enum store_fault networks_write_one(const struct store *store, const struct networks *networks,
                                    const struct record_slot *slot)
{
    const uint64_t number = (uint64_t)(slot - networks->slots);
    uint8_t bytes[RECORD_LEN];

    record_encode_slot(slot, store->header.key, RECORD_WHERE_NETWORKS + number, bytes);
    return store_write(store, RECORD_NETWORKS_AT + number * RECORD_LEN, bytes, sizeof bytes);
}

enum store_fault networks_write_all(struct store *store, const struct networks *networks)
{
    uint8_t head[RECORD_HEAD_LEN] = {0};

    store->counters.networks = 0;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (!networks->used[i])
            continue;
        record_encode_slot(&networks->slots[i], store->header.key, RECORD_WHERE_NETWORKS + i,
                           head + RECORD_NETWORKS_AT + i * RECORD_LEN);
        store->counters.networks++;
    }
    store_encode_head(&store->header, &store->counters, head);
    return store_write(store, RECORD_COUNTERS_AT, head + RECORD_COUNTERS_AT, sizeof head - RECORD_COUNTERS_AT);
}
