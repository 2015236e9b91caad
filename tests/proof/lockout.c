/* SPDX-License-Identifier: ISC */
/*
 * The policy on any table. What it calls does whatever its header allows: any records are found, any call fails in any
 * way. Each call of the policy stands alone, for the next one finds any table again.
 */
#include "lockout.h"

#include "any_record.h"
#include "bucket.h"
#include "door.h"
#include "networks.h"

static enum store_fault any_fault(void)
{
    return (enum store_fault)Frama_C_interval(STORE_OK, STORE_NETWORKS_FULL);
}

/* What store_judge_head lets through. */
enum store_fault store_hold(struct store *store, enum hold_way way)
{
    const enum store_fault fault = any_fault();

    (void)way;
    if (fault != STORE_OK)
        return fault;
    store->held = true;
    store->header = any_header();
    store->counters = any_counters();
    store->counters.networks = (uint16_t)any_size(0, RECORD_NETWORKS);
    store->counters.closing = (uint8_t)any_size(0, RECORD_CLOSING_MAX);
    return STORE_OK;
}

void store_release(struct store *store)
{
    store->held = false;
}

enum store_fault store_write_counters(const struct store *store)
{
    (void)store;
    return any_fault();
}

enum store_fault store_sync(const struct store *store)
{
    (void)store;
    return any_fault();
}

enum store_fault bucket_read(const struct store *store, const struct source *source, struct bucket *bucket)
{
    const bool has_own = any_bool();

    //@ split has_own;
    (void)store;
    (void)source;
    bucket->first = RECORD_BUCKET_SLOTS * any_size(0, RECORD_PLACES_MAX / RECORD_BUCKET_SLOTS - 1);
    bucket->own = NULL;
    bucket->damaged = 0;
    if (has_own) {
        bucket->own = &bucket->slots[any_size(0, RECORD_BUCKET_SLOTS - 1)];
        *bucket->own = any_slot();
    } else {
        bucket->damaged = (unsigned)any_size(0, RECORD_BUCKET_SLOTS);
    }
    return any_fault();
}

enum store_fault bucket_clean(const struct store *store, struct bucket *bucket)
{
    (void)store;
    (void)bucket;
    return any_fault();
}

struct record_slot *bucket_make(struct bucket *bucket, const struct source *source, struct bucket_age age,
                                bool evict_lock, uint8_t run)
{
    struct record_slot *made = &bucket->slots[any_size(0, RECORD_BUCKET_SLOTS - 1)];

    (void)age;
    if (!evict_lock && any_bool())
        return NULL;
    *made = (struct record_slot){.source = *source, .run = run & 15};
    return made;
}

enum store_fault bucket_write(const struct store *store, const struct bucket *bucket, const struct record_slot *slot)
{
    const ptrdiff_t place = slot - bucket->slots;

    //@ assert slot_is_one_of_the_bucket: 0 <= place < RECORD_BUCKET_SLOTS;
    (void)store;
    return any_fault();
}

enum store_fault networks_read(const struct store *store, struct networks *networks)
{
    (void)store;
    (void)networks;
    return any_fault();
}

struct record_slot *networks_find(struct networks *networks, const struct source *source, uint64_t now)
{
    struct record_slot *found = &networks->slots[any_size(0, RECORD_NETWORKS - 1)];

    (void)source;
    (void)now;
    if (any_bool())
        return NULL;
    *found = any_slot();
    return found;
}

enum store_fault networks_write_one(const struct store *store, const struct networks *networks,
                                    const struct record_slot *slot)
{
    const ptrdiff_t place = slot - networks->slots;

    //@ assert slot_is_one_of_the_networks: 0 <= place < RECORD_NETWORKS;
    (void)store;
    return any_fault();
}

enum store_fault door_look(int dir_fd, bool *closed)
{
    (void)dir_fd;
    *closed = any_bool();
    return any_fault();
}

enum store_fault door_close(int dir_fd, const char *reason, uint64_t now_ms, unsigned patience_ms, bool *was_open)
{
    //@ assert reason_is_a_string: valid_read_string(reason);
    (void)dir_fd;
    (void)now_ms;
    (void)patience_ms;
    if (was_open != NULL)
        *was_open = any_bool();
    return any_fault();
}

static struct lockout_charge any_charge(void)
{
    struct lockout_charge charge = {
        .verdict = (enum lockout_verdict)Frama_C_interval(LOCKOUT_REFUSED_LOCKED, LOCKOUT_ADMITTED),
        .strikes = any_number(),
        .locks = any_bool(),
        .locked_until = any_number(),
        .closure = (enum lockout_closure)Frama_C_interval(LOCKOUT_NOT_CLOSED, LOCKOUT_CLOSED_BY_ORDER),
    };

    charge.mark.last_strike = any_number();
    charge.mark.previous_strike = any_number();
    charge.mark.locked_until = any_number();
    charge.mark.run = (uint8_t)any_size(0, UINT8_MAX);
    return charge;
}

static void visit(struct store *store, const struct lockout_policy *policy, const struct lockout_visitor *visitor)
{
    struct lockout_admission admission;
    struct lockout_charge charge = any_charge();
    enum lockout_verdict verdict;
    bool was_open;

    switch (Frama_C_interval(0, 5)) {
    case 0:
        lockout_admit(store, policy, visitor, &admission);
        break;
    case 1:
        lockout_look(store, visitor, &verdict);
        break;
    case 2:
        lockout_charge(store, policy, visitor, &charge);
        break;
    case 3:
        lockout_forgive(store, visitor->source, &charge);
        break;
    case 4:
        lockout_settle(store, policy, visitor, &charge);
        break;
    default:
        lockout_close(store, "any reason", visitor->now, any_bool() ? &was_open : NULL);
        lockout_closure_text(charge.closure);
        break;
    }
}

int main(void)
{
    const struct source source = any_source();
    const struct lockout_visitor visitor = {.source = &source, .exempt = any_bool(), .now = {.ms = any_number()}};
    const struct lockout_policy policy = {
        .delay = any_size(1, 3600),
        .delay_max_wait = any_size(0, 3600),
        .delay_all = any_bool(),
        .max_bad_conns = any_number(),
        .max_single_errs = any_number(),
        .max_total_errs = any_number(),
        .close_when_full = any_bool(),
        .lockout_time = any_number(),
        .strike_time = any_number(),
    };
    struct store store = {.dir_fd = 3, .table_fd = 4, .options = {.patience_ms = STORE_PATIENCE_MS}};

    visit(&store, &policy, &visitor);
    return 0;
}
