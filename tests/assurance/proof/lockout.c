/* SPDX-License-Identifier: ISC */
/*
 * The policy on any table. What it calls does whatever its header allows: any records are found, any call fails in any
 * way. Each call of the policy stands alone, for the next one finds any table again.
 */
#include "lockout.h"

#include "any_record.h"
#include "buckets.h"
#include "closed.h"
#include "networks.h"

static enum store_fault any_fault(void)
{
    return (enum store_fault)Frama_C_interval(STORE_OK, STORE_NETWORKS_FULL);
}

/* What head_judge lets through. */
enum store_fault store_hold(struct store *store, enum hold_way way, const struct moment *moment)
{
    const enum store_fault fault = any_fault();

    (void)way;
    (void)moment;
    if (fault != STORE_OK)
        return fault;
    store->held = true;
    store->header = any_header();
    store->counters = any_counters();
    store->now_ms = store->counters.mark.table_ms;
    store->now = store->now_ms / 1000;
    store->counters.closing = (uint8_t)any_size(0, RECORD_CLOSING_MAX);
    for (unsigned i = 0; i < RECORD_DOORS; i++)
        store->counters.doors[i].closing = (uint8_t)any_size(0, RECORD_DOOR_CLOSING_MAX);
    return STORE_OK;
}

enum store_fault store_act(struct store *store)
{
    (void)store;
    return any_fault();
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

/* Which of the slots is the source's own the analysis does not keep apart, so each holds anything. */
enum store_fault buckets_find(const struct store *store, const struct source *source, struct buckets *buckets)
{
    (void)store;
    (void)source;
    for (unsigned i = 0; i < BUCKETS_SLOTS; i++)
        buckets->slots[i] = any_slot();
    buckets->own = any_bool() ? &buckets->slots[any_size(0, BUCKETS_SLOTS - 1)] : NULL;
    buckets->spared = NULL;
    buckets->damaged = 0;
    return any_fault();
}

enum store_fault buckets_read(const struct store *store, const struct source *source, struct buckets *buckets)
{
    const enum store_fault fault = buckets_find(store, source, buckets);

    if (buckets->own == NULL)
        buckets->damaged = (unsigned)any_size(0, BUCKETS_SLOTS);
    return fault;
}

void buckets_spare(const struct buckets *buckets, const struct record_slot *slot, struct buckets_spared *spared)
{
    const ptrdiff_t place = slot - buckets->slots;

    //@ assert spared_is_one_of_the_buckets: 0 <= place < BUCKETS_SLOTS;
    if (spared->count < BUCKETS_SPARED)
        spared->indices[spared->count++] = any_number();
}

enum store_fault buckets_clean(const struct store *store, struct buckets *buckets)
{
    (void)store;
    (void)buckets;
    return any_fault();
}

enum store_fault store_new_generation(const struct store *store, uint64_t *generation)
{
    (void)store;
    *generation = any_number();
    return any_fault();
}

struct record_slot *buckets_make(struct buckets *buckets, const struct source *source, struct buckets_age age,
                                 bool evict_lock, uint64_t generation)
{
    struct record_slot *made = &buckets->slots[any_size(0, BUCKETS_SLOTS - 1)];

    (void)age;
    if (!evict_lock && any_bool())
        return NULL;
    *made = (struct record_slot){.source = *source, .generation = generation};
    return made;
}

enum store_fault buckets_drop(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    return buckets_write(store, buckets, slot);
}

enum store_fault buckets_write(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    const ptrdiff_t place = slot - buckets->slots;

    //@ assert slot_is_one_of_the_buckets: 0 <= place < BUCKETS_SLOTS;
    (void)store;
    return any_fault();
}

uint64_t moment_wall(const struct record_mark *mark, uint64_t table_s)
{
    (void)mark;
    (void)table_s;
    return any_number();
}

enum store_fault networks_read(const struct store *store, struct networks *networks)
{
    (void)store;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        networks->slots[i] = any_slot();
        networks->used[i] = any_bool();
    }
    return any_fault();
}

struct record_slot *networks_find(struct networks *networks, const struct source *source, uint64_t now)
{
    struct record_slot *found = &networks->slots[any_size(0, RECORD_NETWORKS - 1)];

    (void)source;
    (void)now;
    return any_bool() ? found : NULL;
}

enum store_fault networks_write(struct store *store, const struct networks *networks, const struct record_slot *slot)
{
    const ptrdiff_t place = slot - networks->slots;

    //@ assert slot_is_one_of_the_networks: 0 <= place < RECORD_NETWORKS;
    (void)store;
    return any_fault();
}

enum store_fault closed_look(int dir_fd, enum doors door, bool *closed)
{
    //@ assert this_door_is_one: 0 <= door <= DOOR_EVERY;
    (void)dir_fd;
    (void)door;
    *closed = any_bool();
    return any_fault();
}

enum store_fault closed_write(int dir_fd, enum doors door, const struct closed_because *closing, bool *was_open)
{
    //@ assert reason_is_a_string: valid_read_string(closing->reason);
    //@ assert door_is_one: 0 <= door <= DOOR_EVERY;
    (void)dir_fd;
    (void)door;
    (void)closing;
    if (was_open != NULL)
        *was_open = any_bool();
    return any_fault();
}

static struct lockout_charge any_charge(void)
{
    struct lockout_charge charge = {
        .answer = (enum lockout_answer)Frama_C_interval(LOCKOUT_REFUSED_LOCKED, LOCKOUT_ADMITTED),
        .strikes = any_number(),
        .locks = any_bool(),
        .locked_until = any_number(),
        .closure = (enum lockout_closure)Frama_C_interval(LOCKOUT_NOT_CLOSED, LOCKOUT_CLOSED_BY_ORDER),
    };

    charge.makes_known = any_bool();
    charge.undo = any_strike();
    for (unsigned i = 0; i < ENCLOSING_MAX; i++)
        charge.networks[i] = (struct lockout_network){
            .struck = any_bool(),
            .source = any_source(),
            .locked_until = any_number(),
            .strike = any_strike(),
        };
    return charge;
}

static void visit(struct store *store, const struct lockout_policy *policy, const struct lockout_visitor *visitor)
{
    struct lockout_admission admission;
    struct lockout_charge charge = any_charge();
    enum lockout_answer answer;
    struct lockout_bar bar;
    bool was_open;

    switch (Frama_C_interval(0, 6)) {
    case 0:
        lockout_admit(store, policy, visitor, &admission);
        break;
    case 1:
        lockout_look(store, visitor, &answer, any_bool() ? &bar : NULL);
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
    case 5:
        admission = (struct lockout_admission){
            .answer = (enum lockout_answer)Frama_C_interval(LOCKOUT_REFUSED_LOCKED, LOCKOUT_ADMITTED),
            .place_ms = any_number(),
        };
        lockout_leave(store, policy, visitor, &admission);
        break;
    default:
        lockout_close(store, "any reason", &visitor->now, any_bool() ? &was_open : NULL);
        lockout_closure_text(charge.closure);
        break;
    }
}

/* A source with a prefix of least to most bits: those have the same number of networks around them. */
static void visit_of(uint8_t least, uint8_t most)
{
    struct source source = any_source();
    const struct lockout_visitor visitor = {
        .source = &source,
        .exempt = any_bool(),
        .enclosed = any_bool(),
        .now = {.boot_ms = any_number(), .wall_ms = any_number()},
        .judging_ms = any_number(),
        .patient = any_bool(),
    };
    const struct lockout_policy policy = {
        .delay = any_size(0, 3600),
        .delay_max_wait = any_size(0, 3600),
        .delay_all = any_bool(),
        .waiting_max = any_number(),
        .max_bad_conns = any_number(),
        .max_single_errs = any_number(),
        .max_total_errs = any_number(),
        .close_when_full = any_bool(),
        .lockout_time = any_number(),
        .strike_time = any_number(),
    };
    struct store store = {.dir_fd = 3, .table_fd = 4, .options = {.patience_ms = STORE_PATIENCE_MS}};

    source.prefix = (uint8_t)any_size(least, most);
    store.options.door = (enum doors)Frama_C_interval(DOOR_KNOCK, DOOR_EVERY - 1);

    visit(&store, &policy, &visitor);
}

int main(void)
{
    switch (Frama_C_interval(0, 4)) {
    case 0:
        visit_of(0, 32);
        break;
    case 1:
        visit_of(33, 48);
        break;
    case 2:
        visit_of(49, 56);
        break;
    case 3:
        visit_of(57, UINT8_MAX);
        break;
    default: {
        const struct source network = any_source();

        enclosing_spares_known(&network);
        break;
    }
    }
    return 0;
}
