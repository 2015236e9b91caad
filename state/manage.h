/* SPDX-License-Identifier: ISC */
/*
 * What an administrator does to the table: locking and unlocking by hand, forgetting, listing, opening the door.
 * Called by ostiaryctl. Faults as in lockout.h.
 */
#ifndef OSTIARY_MANAGE_H
#define OSTIARY_MANAGE_H

#include "lockout.h"

#include <stdbool.h>
#include <stdint.h>

/* What to lock. */
struct manage_target {
    struct source source;
    bool network; /* wider than one source: where it is locked by hand, it is one of RECORD_NETWORKS in the head */
};

/*
 * Lock until a time of the wall clock in seconds, or LOCKOUT_FOREVER; durable when it returns. One that is locked
 * already is locked by hand from now on. Where all places of a source hold locks, the one that ends first gives way.
 */
enum store_fault manage_lock(struct store *store, const struct manage_target *target, uint64_t until,
                             const struct moment *now);

/*
 * Take over a lock in force from another table, as manage_each gives it: whose it is, until when, by
 * hand or not. One that is there already and lasts longer stays. Durable.
 */
enum store_fault manage_take(struct store *store, const struct record_slot *lock, bool network,
                             const struct moment *now);

/*
 * Lift the lock and forget the strikes, durably, of all that the table has by this address and prefix: of a source, of
 * a network locked by hand, and of one of strikes. Which of them it is now by IPV6_PREFIX it may not have been before.
 * *found: there was a lock in force, or there were strikes.
 */
enum store_fault manage_unlock(struct store *store, const struct source *source, const struct moment *now, bool *found);

/* The same for everybody, networks too. *count: how many locks in force were lifted. */
enum store_fault manage_unlock_all(struct store *store, const struct moment *now, uint64_t *count);

/*
 * Forget everything but locks in force, and who is known: strikes, refusals, pacing. *count: how many places became
 * free.
 */
enum store_fault manage_flush(struct store *store, const struct moment *now, uint64_t *count);

/* Open every door, and forget the errors of all sources; durable. *was_closed: one was closed. */
enum store_fault manage_open(struct store *store, bool *was_closed);

/*
 * What for this door has to be closed, by itself or with every other, as the counters say; for DOOR_EVERY, with every
 * other alone. The file that closes it may be missing all the same: who was to write it was killed, or could not, and
 * the next visitor does. NOT_CLOSED: they say nothing of the kind, and the file alone decides. Reads alone, on a
 * read-only store too.
 */
enum store_fault manage_promise(struct store *store, enum doors door, enum lockout_closure *promised);

/* One record in a list. */
struct manage_entry {
    /* With times of the wall clock, so that slot_in_force and slot_strikes say what it means at one of those. */
    const struct record_slot *slot;
    bool network;    /* and no source: slot->source.is_network, or locked by hand */
    uint32_t errors; /* 0 where the slot's are of another epoch */
};

struct manage_totals {
    uint64_t places;
    uint64_t used;
    uint64_t damaged;
    uint64_t networks;
    uint64_t total_errors;
};

/*
 * Call each for every record, networks first, then in the table's order, until it returns false. The lock is shared,
 * held for one chunk at a time, and not during the calls. totals may be NULL. Works on a read-only store.
 */
enum store_fault manage_each(struct store *store, const struct moment *now,
                             bool (*each)(void *context, const struct manage_entry *entry), void *context,
                             struct manage_totals *totals);

#endif
