/* SPDX-License-Identifier: ISC */
/* See manage.h. */
#include "manage.h"

#include "buckets.h"
#include "closed.h"
#include "networks.h"
#include "slot.h"

#include <stddef.h>
#include <string.h>

#define PAGE_LEN    4096
#define PAGE_SLOTS  (PAGE_LEN / RECORD_LEN)
#define CHUNK_LEN   65536
#define CHUNK_SLOTS (CHUNK_LEN / RECORD_LEN)

/* Strikes do not age here: how long they count is the handler's configuration. */
#define NO_AGE UINT64_MAX

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void lock_slot(struct record_slot *slot, uint64_t until, uint64_t now)
{
    slot->locked = true;
    slot->by_hand = true;
    slot->lock_judged = true;
    slot->last_strike = now;
    slot->locked_until = until > RECORD_TIME_MAX ? RECORD_FOREVER : until;
}

/* The source's own slot, which is made where there is none, as it stands now. */
static enum store_fault own_slot(struct store *store, const struct source *source, struct buckets *buckets,
                                 struct record_slot **slot)
{
    const struct buckets_age age = {.now = store->now, .strike_time = NO_AGE};
    enum store_fault fault = buckets_read(store, source, buckets);
    uint64_t generation;

    if (fault == STORE_OK && buckets->own == NULL)
        fault = store_new_generation(store, &generation);
    if (fault != STORE_OK)
        return fault;
    *slot = buckets->own != NULL ? buckets->own : buckets_make(buckets, source, age, true, generation);
    slot_refresh(*slot, NO_AGE, store->now);
    return STORE_OK;
}

static enum store_fault lock_source(struct store *store, const struct source *source, uint64_t until, uint64_t now)
{
    struct record_slot *slot;
    struct buckets buckets;
    const enum store_fault fault = own_slot(store, source, &buckets, &slot);

    if (fault != STORE_OK)
        return fault;
    lock_slot(slot, until, now);
    return buckets_write(store, &buckets, slot);
}

/* The record of exactly this network, or NULL. */
static struct record_slot *find_network(struct networks *networks, const struct source *source)
{
    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        if (networks->used[i] && slot_is(&networks->slots[i], source))
            return &networks->slots[i];
    return NULL;
}

static struct record_slot *make_network(struct networks *networks, const struct source *source, uint64_t now)
{
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (networks->used[i] && slot_in_force(&networks->slots[i], now))
            continue;
        networks->used[i] = true;
        networks->slots[i] = (struct record_slot){.source = *source};
        return &networks->slots[i];
    }
    return NULL;
}

/* The slot of exactly this network, which is made where there is none, in networks, which are read. */
static enum store_fault own_network(const struct store *store, const struct source *source, struct networks *networks,
                                    struct record_slot **slot)
{
    const enum store_fault fault = networks_read(store, networks);

    if (fault != STORE_OK)
        return fault;
    *slot = find_network(networks, source);
    if (*slot == NULL)
        *slot = make_network(networks, source, store->now);
    return *slot != NULL ? STORE_OK : STORE_NETWORKS_FULL;
}

static enum store_fault lock_network(struct store *store, const struct source *source, uint64_t until, uint64_t now)
{
    struct networks networks;
    struct record_slot *slot;
    const enum store_fault fault = own_network(store, source, &networks, &slot);

    if (fault != STORE_OK)
        return fault;
    lock_slot(slot, until, now);
    return networks_write(store, &networks, slot);
}

enum store_fault manage_lock(struct store *store, const struct manage_target *target, uint64_t until,
                             const struct moment *now)
{
    enum store_fault fault = store_hold(store, HOLD_ALONE, now);

    if (fault != STORE_OK)
        return fault;
    until = moment_table(&store->counters.mark, until);
    fault = target->network ? lock_network(store, &target->source, until, store->now)
                            : lock_source(store, &target->source, until, store->now);
    if (fault == STORE_OK)
        fault = store_write_counters(store); /* the mark: a reboot may follow before anybody comes */
    if (fault == STORE_OK)
        fault = store_sync(store);
    store_release(store);
    return fault;
}

/* What is taken over, in this table's time. */
static void take_lock(struct record_slot *slot, const struct record_slot *lock, const struct store *store)
{
    const uint64_t until = moment_table(&store->counters.mark, lock->locked_until);
    const bool by_hand = lock->by_hand || (slot_in_force(slot, store->now) && slot->by_hand);

    if (!slot_in_force(slot, store->now) || slot->locked_until < until) {
        lock_slot(slot, until, store->now);
        slot->strikes = slot->strikes > lock->strikes ? slot->strikes : lock->strikes;
    }
    slot->by_hand = by_hand;
}

static enum store_fault take_source(struct store *store, const struct record_slot *lock)
{
    struct record_slot *slot;
    struct buckets buckets;
    const enum store_fault fault = own_slot(store, &lock->source, &buckets, &slot);

    if (fault != STORE_OK)
        return fault;
    take_lock(slot, lock, store);
    return buckets_write(store, &buckets, slot);
}

static enum store_fault take_network(struct store *store, const struct record_slot *lock)
{
    struct networks networks;
    struct record_slot *slot;
    const enum store_fault fault = own_network(store, &lock->source, &networks, &slot);

    if (fault != STORE_OK)
        return fault;
    take_lock(slot, lock, store);
    return networks_write(store, &networks, slot);
}

enum store_fault manage_take(struct store *store, const struct record_slot *lock, bool network,
                             const struct moment *now)
{
    enum store_fault fault = store_hold(store, HOLD_ALONE, now);

    if (fault != STORE_OK)
        return fault;
    fault = network && !lock->source.is_network ? take_network(store, lock) : take_source(store, lock);
    if (fault == STORE_OK)
        fault = store_write_counters(store);
    if (fault == STORE_OK)
        fault = store_sync(store);
    store_release(store);
    return fault;
}

static enum store_fault unlock_source(struct store *store, const struct source *source, uint64_t now, bool *found)
{
    struct record_slot *slot;
    struct buckets buckets;
    enum store_fault fault;

    fault = buckets_read(store, source, &buckets);
    if (fault != STORE_OK)
        return fault;
    slot = buckets.own;
    if (slot == NULL)
        return STORE_OK;
    *found |= slot_in_force(slot, now) || slot_strikes(slot, NO_AGE, now) > 0;
    slot_absolve(slot);
    return buckets_write(store, &buckets, slot);
}

static enum store_fault unlock_network(struct store *store, const struct source *source, uint64_t now, bool *found)
{
    struct networks networks;
    struct record_slot *slot;
    enum store_fault fault;

    fault = networks_read(store, &networks);
    if (fault != STORE_OK)
        return fault;
    slot = find_network(&networks, source);
    if (slot == NULL)
        return STORE_OK;
    *found |= slot_in_force(slot, now);
    networks.used[slot - networks.slots] = false;
    return networks_drop(store, &networks);
}

enum store_fault manage_unlock(struct store *store, const struct source *source, const struct moment *now, bool *found)
{
    enum store_fault fault = store_hold(store, HOLD_ALONE, now);
    struct source single = *source, network = *source;

    *found = false;
    if (fault != STORE_OK)
        return fault;
    single.is_network = false;
    network.is_network = true;
    fault = unlock_network(store, &single, store->now, found);
    if (fault == STORE_OK)
        fault = unlock_source(store, &single, store->now, found);
    if (fault == STORE_OK)
        fault = unlock_source(store, &network, store->now, found);
    if (fault == STORE_OK)
        fault = store_sync(store);
    store_release(store);
    return fault;
}

enum sweep_result { SWEEP_KEEP, SWEEP_CHANGED, SWEEP_REMOVE };

/* A walk over all records. judge says what to do with each; it may change the record, and counts what the caller asks.
 */
struct sweep {
    enum sweep_result (*judge)(struct sweep *sweep, struct record_slot *slot);
    const struct moment *moment;
    uint64_t now; /* table time, s */
    uint64_t count;
};

struct page {
    uint8_t bytes[PAGE_LEN];
    uint64_t first; /* place */
    unsigned slots;
};

static bool sweep_page(const struct store *store, struct sweep *sweep, struct page *page)
{
    struct record_slot slot;
    bool changed = false;

    for (unsigned i = 0; i < page->slots; i++) {
        uint8_t *bytes = page->bytes + i * RECORD_LEN;

        if (record_decode_slot(bytes, store->header.key, page->first + i, &slot) != RECORD_WHOLE)
            continue;
        switch (sweep->judge(sweep, &slot)) {
        case SWEEP_KEEP:
            continue;
        case SWEEP_CHANGED:
            record_encode_slot(&slot, store->header.key, page->first + i, bytes);
            break;
        case SWEEP_REMOVE:
            memset(bytes, 0, RECORD_LEN);
            break;
        }
        changed = true;
    }
    return changed;
}

/* Page by page, writing those that changed: a hole in the file stays one. */
static enum store_fault sweep_table(const struct store *store, struct sweep *sweep)
{
    struct page page;
    enum store_fault fault;

    for (page.first = 0; page.first < store->header.places; page.first += PAGE_SLOTS) {
        page.slots = (unsigned)lesser(store->header.places - page.first, PAGE_SLOTS);
        fault = store_read(store, store_slot_at(page.first), page.bytes, (size_t)page.slots * RECORD_LEN);
        if (fault == STORE_OK && sweep_page(store, sweep, &page))
            fault = store_write(store, store_slot_at(page.first), page.bytes, (size_t)page.slots * RECORD_LEN);
        if (fault != STORE_OK)
            return fault;
    }
    return STORE_OK;
}

static enum store_fault sweep_networks(struct store *store, struct sweep *sweep)
{
    struct networks networks;
    bool changed = false;
    const enum store_fault fault = networks_read(store, &networks);

    if (fault != STORE_OK)
        return fault;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (!networks.used[i] || sweep->judge(sweep, &networks.slots[i]) == SWEEP_KEEP)
            continue;
        networks.used[i] = false; /* a network that locks nobody says nothing */
        changed = true;
    }
    return changed ? networks_drop(store, &networks) : STORE_OK;
}

static enum store_fault sweep_all(struct store *store, struct sweep *sweep)
{
    enum store_fault fault = store_hold(store, HOLD_ALONE, sweep->moment);

    if (fault != STORE_OK)
        return fault;
    sweep->now = store->now;
    fault = sweep_networks(store, sweep);
    if (fault == STORE_OK)
        fault = sweep_table(store, sweep);
    if (fault == STORE_OK)
        fault = store_sync(store);
    store_release(store);
    return fault;
}

static enum sweep_result unlock_one(struct sweep *sweep, struct record_slot *slot)
{
    if (!slot->locked)
        return SWEEP_KEEP;
    sweep->count += slot_in_force(slot, sweep->now);
    slot_absolve(slot);
    return SWEEP_CHANGED;
}

enum store_fault manage_unlock_all(struct store *store, const struct moment *now, uint64_t *count)
{
    struct sweep sweep = {.judge = unlock_one, .moment = now};
    const enum store_fault fault = sweep_all(store, &sweep);

    *count = sweep.count;
    return fault;
}

static enum sweep_result flush_one(struct sweep *sweep, struct record_slot *slot)
{
    if (slot_in_force(slot, sweep->now))
        return SWEEP_KEEP;
    if (slot_is_known(slot, sweep->now)) {
        *slot = (struct record_slot){
            .source = slot->source,
            .generation = slot->generation + 1,
            .last_seen = slot->last_seen,
            .accepted = slot->accepted,
        };
        return SWEEP_CHANGED;
    }
    sweep->count++;
    return SWEEP_REMOVE;
}

enum store_fault manage_flush(struct store *store, const struct moment *now, uint64_t *count)
{
    struct sweep sweep = {.judge = flush_one, .moment = now};
    const enum store_fault fault = sweep_all(store, &sweep);

    *count = sweep.count;
    return fault;
}

/* Is any door closed, or promised to be? */
static enum store_fault look_whether_any_closed(const struct store *store, bool *closed)
{
    *closed = store->counters.closing != LOCKOUT_NOT_CLOSED;
    for (unsigned door = 0; door < DOOR_EVERY; door++) {
        bool this_one;
        const enum store_fault fault = closed_look(store->dir_fd, (enum doors)door, &this_one);

        if (fault != STORE_OK)
            return fault;
        *closed |= this_one || store->counters.doors[door].closing != LOCKOUT_NOT_CLOSED;
    }
    return STORE_OK;
}

enum store_fault manage_open(struct store *store, bool *was_closed)
{
    enum store_fault fault = store_hold(store, HOLD_ALONE, NULL);

    *was_closed = false;
    if (fault != STORE_OK)
        return fault;
    fault = look_whether_any_closed(store, was_closed);
    if (fault == STORE_OK) {
        store->counters.epoch++;
        store->counters.total_errors = 0;
        store->counters.closing = LOCKOUT_NOT_CLOSED;
        memset(store->counters.doors, 0, sizeof store->counters.doors);
        fault = store_write_counters(store);
    }
    if (fault == STORE_OK)
        fault = store_sync(store);
    if (fault == STORE_OK)
        fault = closed_remove(store->dir_fd);
    store_release(store);
    return fault;
}

enum store_fault manage_promise(struct store *store, enum doors door, enum lockout_closure *promised)
{
    const enum store_fault fault = store_hold(store, HOLD_SHARED, NULL);

    *promised = LOCKOUT_NOT_CLOSED;
    if (fault != STORE_OK)
        return fault;
    *promised = (enum lockout_closure)store->counters.closing;
    if (*promised == LOCKOUT_NOT_CLOSED && door != DOOR_EVERY)
        *promised = (enum lockout_closure)store->counters.doors[door].closing;
    store_release(store);
    return STORE_OK;
}

/* A list under way. */
struct listing {
    struct store *store;
    const struct moment *now;
    bool (*each)(void *context, const struct manage_entry *entry);
    void *context;
    struct manage_totals totals;
};

static bool list_one(struct listing *listing, const struct record_slot *slot, bool network)
{
    const struct record_mark *mark = &listing->store->counters.mark;
    struct record_slot shown = *slot;
    const struct manage_entry entry = {
        .slot = &shown,
        .network = network || slot->source.is_network,
        .errors = slot->epoch == listing->store->counters.epoch ? slot->errors : 0,
    };

    shown.last_seen = moment_wall(mark, slot->last_seen);
    shown.last_strike = moment_wall(mark, slot->last_strike);
    shown.locked_until = moment_wall(mark, slot->locked_until);
    shown.accepted = moment_wall(mark, slot->accepted);
    return listing->each(listing->context, &entry);
}

static enum store_fault list_networks(struct listing *listing, bool *go_on)
{
    struct store *store = listing->store;
    struct networks networks;
    enum store_fault fault;

    fault = store_hold(store, HOLD_SHARED, listing->now);
    if (fault != STORE_OK)
        return fault;
    fault = networks_read(store, &networks);
    store_release(store);
    if (fault != STORE_OK)
        return fault;
    listing->totals.places = store->header.places;
    listing->totals.total_errors = store->counters.total_errors;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        listing->totals.networks += networks.used[i];
    for (unsigned i = 0; i < RECORD_NETWORKS && *go_on; i++)
        if (networks.used[i])
            *go_on = list_one(listing, &networks.slots[i], true);
    return STORE_OK;
}

static enum store_fault list_chunk(struct listing *listing, uint64_t first, bool *go_on)
{
    struct store *store = listing->store;
    uint8_t bytes[CHUNK_LEN];
    struct record_slot slot;
    uint64_t slots = 0;
    enum store_fault fault;

    fault = store_hold(store, HOLD_SHARED, listing->now);
    if (fault != STORE_OK)
        return fault;
    if (first < store->header.places)
        slots = lesser(store->header.places - first, CHUNK_SLOTS);
    fault = store_read(store, store_slot_at(first), bytes, (size_t)slots * RECORD_LEN);
    store_release(store);
    for (uint64_t i = 0; fault == STORE_OK && i < slots && *go_on; i++) {
        switch (record_decode_slot(bytes + i * RECORD_LEN, store->header.key, first + i, &slot)) {
        case RECORD_WHOLE:
            listing->totals.used++;
            *go_on = list_one(listing, &slot, false);
            break;
        case RECORD_DAMAGED:
        case RECORD_OLD:
        case RECORD_FOREIGN:
            listing->totals.damaged++;
            break;
        case RECORD_EMPTY:
            break;
        }
    }
    return fault;
}

enum store_fault manage_each(struct store *store, const struct moment *now,
                             bool (*each)(void *context, const struct manage_entry *entry), void *context,
                             struct manage_totals *totals)
{
    struct listing listing = {.store = store, .now = now, .each = each, .context = context};
    bool go_on = true;
    enum store_fault fault = list_networks(&listing, &go_on);

    for (uint64_t first = 0; fault == STORE_OK && go_on && first < store->header.places; first += CHUNK_SLOTS)
        fault = list_chunk(&listing, first, &go_on);
    if (totals != NULL)
        *totals = listing.totals;
    return fault;
}
