/* SPDX-License-Identifier: ISC */
/*
 * The networks locked by hand: up to RECORD_NETWORKS records in the head, each wider than a source. Read only
 * when the counters say that there are any. The store must be held.
 */
#ifndef OSTIARY_NETWORKS_H
#define OSTIARY_NETWORKS_H

#include "store.h"

struct networks {
    struct record_slot slots[RECORD_NETWORKS];
    bool used[RECORD_NETWORKS];
};

/* All that are in use. One that is damaged is STORE_DAMAGED: it may be the one that matters. */
enum store_fault networks_read(const struct store *store, struct networks *networks);

/* The network in force that binds this source, or NULL; it points into networks. */
struct record_slot *networks_find(struct networks *networks, const struct source *source, uint64_t now);

/* Write one of them, and then the counters where they did not say yet that it is in use. */
enum store_fault networks_write(struct store *store, const struct networks *networks, const struct record_slot *slot);

/* Write the counters without those that are not used any more, and then zeros in their places. */
enum store_fault networks_drop(struct store *store, const struct networks *networks);

#endif
