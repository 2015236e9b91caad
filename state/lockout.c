/* SPDX-License-Identifier: ISC */
/* See lockout.h; FORMAT.md has the order of writes, and the reason for each, under "Crash". */
#include "lockout.h"

#include "buckets.h"
#include "closed.h"
#include "networks.h"
#include "pace.h"
#include "slot.h"

#include <errno.h>
#include <stddef.h>

/* One call: what it was asked, and what the table says about it. */
struct visit {
    struct store *store;
    const struct source *source;
    const struct moment *moment;
    bool exempt;
    uint64_t now; /* table time, s */
    uint64_t judging_ms;
    enum lockout_answer answer;
    struct networks networks;
    struct buckets buckets;
    struct record_slot *network; /* the network that bars the source, or NULL */
    struct record_slot *slot;    /* the source's own, or NULL */
};

/* Sums stay at the end of their range: a count that wrapped would be forgiveness. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void count_up(uint32_t *count)
{
    if (*count < UINT32_MAX)
        (*count)++;
}

/* Take the lock. After a fault nothing is held. visit is not initialised as a whole: its records are large. */
static enum store_fault visit_begin(struct visit *visit, struct store *store, const struct lockout_visitor *visitor,
                                    enum hold_way way)
{
    const enum store_fault fault = store_hold(store, way, &visitor->now);

    visit->store = store;
    visit->source = visitor->source;
    visit->moment = &visitor->now;
    visit->exempt = visitor->exempt;
    visit->now = store->now;
    visit->answer = LOCKOUT_REFUSED_LOCKED;
    visit->network = NULL;
    visit->slot = NULL;
    visit->buckets.damaged = 0;
    return fault;
}

static uint64_t wall(const struct visit *visit, uint64_t time)
{
    return moment_wall(&visit->store->counters.mark, time);
}

static enum store_fault find_slot(struct visit *visit)
{
    const enum store_fault fault = buckets_read(visit->store, visit->source, &visit->buckets);

    if (fault == STORE_OK)
        visit->slot = visit->buckets.own;
    return fault;
}

/* With the lock held: is it closed, or promised to be? */
static enum store_fault look_whether_closed(const struct store *store, bool *closed)
{
    const enum doors door = store->options.door;
    const enum store_fault fault = closed_look(store->dir_fd, door, closed);

    *closed |=
        store->counters.closing != LOCKOUT_NOT_CLOSED || store->counters.doors[door].closing != LOCKOUT_NOT_CLOSED;
    return fault;
}

/* With the lock held: closed, locked, or free to go on (ADMITTED)? Reads alone. */
static enum store_fault inspect(struct visit *visit)
{
    enum store_fault fault;
    bool closed;

    fault = look_whether_closed(visit->store, &closed);
    if (fault != STORE_OK)
        return fault;
    if (closed) {
        visit->answer = LOCKOUT_REFUSED_CLOSED;
        return STORE_OK;
    }
    if (visit->store->counters.networks != 0) {
        fault = networks_read(visit->store, &visit->networks);
        if (fault != STORE_OK)
            return fault;
        visit->network = networks_find(&visit->networks, visit->source, visit->now);
    }
    fault = find_slot(visit);
    if (fault != STORE_OK)
        return fault;
    if (visit->network == NULL && (visit->slot == NULL || !slot_binds(visit->slot, visit->exempt, visit->now)))
        visit->answer = LOCKOUT_ADMITTED;
    return STORE_OK;
}

/*
 * Do what the counters promise, for every door or for this one. Only the one who found the door open reports it; an
 * order was reported by who gave it.
 */
static enum store_fault keep_promise(const struct visit *visit, enum lockout_closure *closure)
{
    const struct store *store = visit->store;
    const enum lockout_closure every = (enum lockout_closure)store->counters.closing;
    const enum doors door = every != LOCKOUT_NOT_CLOSED ? DOOR_EVERY : store->options.door;
    const enum lockout_closure promised =
        every != LOCKOUT_NOT_CLOSED ? every : (enum lockout_closure)store->counters.doors[door].closing;
    const struct closed_because closing = {lockout_closure_text(promised), visit->moment->wall_ms,
                                           store->options.patience_ms};
    enum store_fault fault;
    bool was_open;

    if (promised == LOCKOUT_NOT_CLOSED)
        return STORE_OK;
    fault = closed_write(store->dir_fd, door, &closing, &was_open);
    if (fault == STORE_OK && was_open && promised != LOCKOUT_CLOSED_BY_ORDER)
        *closure = promised;
    return fault;
}

/*
 * One more error at this door, of this slot where there is one; promises to close this door, and no other, where a
 * limit is reached. In memory.
 */
static void count_error(struct store *store, const struct lockout_policy *policy, struct record_slot *slot)
{
    struct record_counters *counters = &store->counters;
    struct record_door *door = &counters->doors[store->options.door];

    counters->total_errors = add(counters->total_errors, 1);
    count_up(&door->errors);
    if (policy->max_total_errs != 0 && door->errors >= policy->max_total_errs)
        door->closing = LOCKOUT_CLOSED_TOTAL_ERRS;
    if (slot == NULL)
        return;
    if (slot->epoch != counters->epoch) {
        slot->epoch = counters->epoch;
        slot->errors = 0;
    }
    count_up(&slot->errors);
    if (policy->max_single_errs != 0 && slot->errors >= policy->max_single_errs)
        door->closing = LOCKOUT_CLOSED_SINGLE_ERRS;
}

/*
 * Write down that a locked source has come. That is an error, but not while the strike that locked it has not been
 * judged: it may be a rightful user's, who must not close the door by knocking twice at once. A network is not a single
 * source: its errors count to the total alone.
 */
static enum store_fault count_refusal(struct visit *visit, const struct lockout_policy *policy, uint64_t *locked_until,
                                      enum lockout_closure *closure)
{
    struct store *store = visit->store;
    struct record_slot *slot = visit->network != NULL ? visit->network : visit->slot;
    enum store_fault fault = STORE_OK;

    slot_refresh(slot, policy->strike_time, visit->now);
    *locked_until = wall(visit, slot->locked_until);
    slot->last_seen = visit->now;
    count_up(&slot->refusals);
    if (!visit->exempt && slot->judged) {
        count_error(store, policy, visit->network != NULL ? NULL : slot);
        fault = store_write_counters(store);
    }
    if (fault == STORE_OK)
        fault = visit->network != NULL ? networks_write(store, &visit->networks, slot)
                                       : buckets_write(store, &visit->buckets, slot);
    return fault == STORE_OK ? keep_promise(visit, closure) : fault;
}

/* What admit and charge have in common: write down what inspect has found, where that is a refusal. */
static enum store_fault count_refused(struct visit *visit, const struct lockout_policy *policy, uint64_t *locked_until,
                                      enum lockout_closure *closure)
{
    enum store_fault fault = STORE_OK;

    if (visit->answer == LOCKOUT_REFUSED_CLOSED)
        fault = keep_promise(visit, closure);
    else if (visit->answer == LOCKOUT_REFUSED_LOCKED)
        fault = count_refusal(visit, policy, locked_until, closure);
    if (fault == STORE_OK && visit->buckets.damaged > 0)
        fault = buckets_clean(visit->store, &visit->buckets);
    return fault;
}

/* The source's slot, up to date or new. None to be had: the door is closed, and the answer is CLOSED. */
static enum store_fault take_slot(struct visit *visit, const struct lockout_policy *policy,
                                  enum lockout_closure *closure)
{
    struct record_counters *counters = &visit->store->counters;
    const struct buckets_age age = {.now = visit->now, .strike_time = policy->strike_time};
    enum store_fault fault;
    uint64_t generation;

    if (visit->slot == NULL) {
        fault = store_new_generation(visit->store, &generation);
        if (fault != STORE_OK)
            return fault;
        visit->slot = buckets_make(&visit->buckets, visit->source, age, !policy->close_when_full, generation);
    }
    if (visit->slot != NULL) {
        slot_refresh(visit->slot, policy->strike_time, visit->now);
        visit->slot->last_seen = visit->now;
        return STORE_OK;
    }
    visit->answer = LOCKOUT_REFUSED_CLOSED;
    counters->doors[visit->store->options.door].closing = LOCKOUT_CLOSED_FULL;
    fault = store_write_counters(visit->store);
    return fault == STORE_OK ? keep_promise(visit, closure) : fault;
}

static struct pace_rule pace_rule(const struct lockout_policy *policy)
{
    return (struct pace_rule){.delay_ms = policy->delay * 1000, .longest_ms = policy->delay_max_wait * 1000};
}

/*
 * The next place in the pace, which may be one of all sources together: then the source's own holds it as well. In
 * memory. False: it would be too long a wait, or the source has too many waiting already.
 */
static bool take_place(const struct visit *visit, const struct lockout_policy *policy, struct record_pace *own,
                       struct record_pace *all, uint64_t *place_ms)
{
    const uint64_t now_ms = visit->store->now_ms;
    const struct pace_rule rule = pace_rule(policy);
    const unsigned waiting = pace_waiting(own, &rule, now_ms);

    if (!pace_take(policy->delay_all ? all : own, &rule, now_ms, place_ms))
        return false;
    if (policy->delay_all)
        pace_hold(own, &rule, now_ms, *place_ms);
    return *place_ms <= now_ms || waiting < policy->waiting_max;
}

/* A visitor who is neither locked nor at a closed door: pace and seed number. Counters are written before the number is
 * given out. */
static enum store_fault let_in(struct visit *visit, const struct lockout_policy *policy,
                               struct lockout_admission *admission)
{
    struct store *store = visit->store;
    struct record_pace own = visit->slot != NULL ? visit->slot->pace : (struct record_pace){0};
    struct record_pace all = store->counters.pace;
    enum store_fault fault;

    if (!take_place(visit, policy, &own, &all, &admission->place_ms)) {
        visit->answer = LOCKOUT_REFUSED_TOO_SOON;
        return STORE_OK;
    }
    fault = take_slot(visit, policy, &admission->closure);
    if (fault != STORE_OK || visit->answer != LOCKOUT_ADMITTED)
        return fault;
    visit->slot->pace = own;
    store->counters.pace = all;
    store->counters.seed++;
    admission->seed_number = store->counters.seed;
    admission->wait_ms = admission->place_ms - store->now_ms;
    fault = store_write_counters(store);
    return fault == STORE_OK ? buckets_write(store, &visit->buckets, visit->slot) : fault;
}

enum store_fault lockout_admit(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, struct lockout_admission *admission)
{
    struct visit visit;
    enum store_fault fault;

    *admission = (struct lockout_admission){.answer = LOCKOUT_REFUSED_LOCKED};
    fault = visit_begin(&visit, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = inspect(&visit);
    if (fault == STORE_OK)
        fault = count_refused(&visit, policy, &admission->locked_until, &admission->closure);
    if (fault == STORE_OK && visit.answer == LOCKOUT_ADMITTED)
        fault = let_in(&visit, policy, admission);
    store_release(store);
    admission->damaged_slots = visit.buckets.damaged + store->lost;
    store->lost = 0;
    if (fault == STORE_OK)
        admission->answer = visit.answer;
    return fault;
}

static enum store_fault give_back(struct visit *visit, const struct lockout_policy *policy, uint64_t place_ms)
{
    const struct pace_rule rule = pace_rule(policy);
    struct record_counters *counters = &visit->store->counters;
    enum store_fault fault = find_slot(visit);

    if (fault == STORE_OK && policy->delay_all) {
        pace_leave(&counters->pace, &rule, place_ms);
        fault = store_write_counters(visit->store);
    }
    if (fault != STORE_OK || visit->slot == NULL)
        return fault;
    pace_leave(&visit->slot->pace, &rule, place_ms);
    return buckets_write(visit->store, &visit->buckets, visit->slot);
}

enum store_fault lockout_leave(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, const struct lockout_admission *admission)
{
    struct visit visit;
    enum store_fault fault;

    if (admission->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    fault = visit_begin(&visit, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = give_back(&visit, policy, admission->place_ms);
    store_release(store);
    return fault;
}

enum store_fault lockout_look(struct store *store, const struct lockout_visitor *visitor, enum lockout_answer *answer)
{
    struct visit visit;
    enum store_fault fault;

    *answer = LOCKOUT_REFUSED_LOCKED;
    fault = visit_begin(&visit, store, visitor, HOLD_SHARED);
    if (fault != STORE_OK)
        return fault;
    fault = inspect(&visit);
    store_release(store);
    if (fault == STORE_OK)
        *answer = visit.answer;
    return fault;
}

static uint64_t lock_end(const struct lockout_policy *policy, uint64_t now)
{
    const uint64_t end = add(now, policy->lockout_time);

    return policy->lockout_time == 0 || end > RECORD_TIME_MAX ? LOCKOUT_FOREVER : end;
}

/* Would this visitor be let in, or not be locked by his strike, were all strikes found right that have not been judged?
 */
static bool hangs_on_others(const struct visit *visit, const struct lockout_policy *policy)
{
    const struct record_slot *slot = visit->slot;
    uint64_t strikes;
    unsigned unjudged;

    if (visit->exempt || slot == NULL || visit->network != NULL)
        return false;
    strikes = slot_strikes(slot, policy->strike_time, visit->now);
    unjudged = slot_unjudged(slot, visit->store->now_ms);
    if (visit->answer == LOCKOUT_REFUSED_LOCKED)
        return unjudged > 0 && !slot->by_hand && !slot->judged;
    return strikes + 1 >= policy->max_bad_conns && strikes + 1 < policy->max_bad_conns + unjudged;
}

/* The strike, and the lock if it is the last one that is borne: one record, one write. */
static enum store_fault strike(struct visit *visit, const struct lockout_policy *policy, struct lockout_charge *charge)
{
    struct record_slot *slot;
    enum store_fault fault;

    fault = take_slot(visit, policy, &charge->closure);
    if (fault != STORE_OK || visit->answer != LOCKOUT_ADMITTED)
        return fault;
    slot = visit->slot;
    charge->undo.generation = slot->generation;
    charge->undo.previous_strike = slot->last_strike;
    charge->undo.last_strike = visit->now;
    count_up(&slot->strikes);
    slot->last_strike = visit->now;
    charge->strikes = slot->strikes;
    if (!visit->exempt) {
        slot_await(slot, visit->store->now_ms, add(visit->store->now_ms, visit->judging_ms));
        charge->undo.unjudged = true;
    }
    if (!visit->exempt && slot->strikes >= policy->max_bad_conns) {
        slot->locked = true;
        slot->by_hand = false;
        slot->locked_until = lock_end(policy, visit->now);
        charge->locks = true;
        charge->locked_until = wall(visit, slot->locked_until);
        charge->undo.locked_until = slot->locked_until;
    }
    fault = buckets_write(visit->store, &visit->buckets, slot);
    charge->locks &= fault == STORE_OK; /* what is not in the file locks nobody */
    return fault;
}

enum store_fault lockout_charge(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge)
{
    struct visit visit;
    enum store_fault fault;

    *charge = (struct lockout_charge){.answer = LOCKOUT_REFUSED_LOCKED};
    fault = visit_begin(&visit, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    visit.judging_ms = visitor->judging_ms;
    fault = inspect(&visit);
    if (fault == STORE_OK && visitor->patient && visit.answer != LOCKOUT_REFUSED_CLOSED &&
        hangs_on_others(&visit, policy))
        visit.answer = LOCKOUT_NOT_YET;
    else if (fault == STORE_OK)
        fault = count_refused(&visit, policy, &charge->locked_until, &charge->closure);
    if (fault == STORE_OK && visit.answer == LOCKOUT_ADMITTED)
        fault = strike(&visit, policy, charge);
    store_release(store);
    charge->damaged_slots = visit.buckets.damaged;
    if (fault == STORE_OK)
        charge->answer = visit.answer;
    return fault;
}

/*
 * Take back what undo says, from a slot in which it still stands. While a source is locked nobody else can strike,
 * but those who struck before may take theirs back, so the number of strikes says nothing about whose lock it is.
 */
static void take_back(struct record_slot *slot, struct lockout_charge *charge)
{
    if (slot->locked && !slot->by_hand && slot->locked_until == charge->undo.locked_until) {
        slot->locked = false;
        slot->locked_until = 0;
    }
    if (!slot->locked && slot->strikes == charge->strikes && slot->last_strike == charge->undo.last_strike)
        slot->last_strike = charge->undo.previous_strike;
    slot->strikes--;
}

/* This strike is judged: those that wait for it may go on. */
static void judge(struct record_slot *slot, const struct lockout_charge *charge)
{
    if (charge->undo.unjudged && slot->generation == charge->undo.generation)
        slot_judge(slot);
}

enum store_fault lockout_forgive(struct store *store, const struct source *source, struct lockout_charge *charge)
{
    struct buckets buckets;
    enum store_fault fault;
    bool closed = true;

    if (charge->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    fault = store_hold(store, HOLD_ALONE, NULL);
    if (fault != STORE_OK)
        return fault;
    fault = buckets_read(store, source, &buckets);
    if (fault == STORE_OK && buckets.own != NULL && buckets.own->generation == charge->undo.generation &&
        buckets.own->strikes > 0) {
        take_back(buckets.own, charge);
        judge(buckets.own, charge);
        fault = buckets_write(store, &buckets, buckets.own);
        charge->locks &= fault != STORE_OK;
    }
    if (fault == STORE_OK)
        fault = look_whether_closed(store, &closed);
    store_release(store);
    if (fault == STORE_OK && closed)
        charge->answer = LOCKOUT_REFUSED_CLOSED;
    return fault;
}

static enum store_fault settle_error(struct visit *visit, const struct lockout_policy *policy,
                                     struct lockout_charge *charge)
{
    enum store_fault fault = find_slot(visit);

    if (fault != STORE_OK)
        return fault;
    count_error(visit->store, policy, visit->slot);
    /* Where the owner has lifted that lock meanwhile, whatever locks next has not been judged by it. */
    if (visit->slot != NULL && charge->locks && visit->slot->generation == charge->undo.generation)
        visit->slot->judged = true;
    if (visit->slot != NULL)
        judge(visit->slot, charge);
    fault = store_write_counters(visit->store);
    if (fault == STORE_OK && visit->slot != NULL)
        fault = buckets_write(visit->store, &visit->buckets, visit->slot);
    return fault == STORE_OK ? keep_promise(visit, &charge->closure) : fault;
}

enum store_fault lockout_settle(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge)
{
    struct visit visit;
    enum store_fault fault = STORE_OK;

    if (charge->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    if (!visitor->exempt) {
        fault = visit_begin(&visit, store, visitor, HOLD_ALONE);
        if (fault != STORE_OK)
            return fault;
        fault = settle_error(&visit, policy, charge);
        store_release(store);
    }
    if (charge->locks) {
        const enum store_fault sync_fault = store_sync(store); /* the lock stands, whatever became of the error */

        fault = fault == STORE_OK ? sync_fault : fault;
    }
    return fault;
}

/* The promise in the counters comes first: it needs no room on the disk, and binds those who are charged already. */
static enum store_fault promise_to_close(struct store *store)
{
    store->counters.closing = LOCKOUT_CLOSED_BY_ORDER;
    return store_write_counters(store);
}

enum store_fault lockout_close(struct store *store, const char *reason, const struct moment *now, bool *was_open)
{
    enum store_fault promise = store_hold(store, HOLD_ALONE, now);
    const bool was_promised = promise == STORE_OK && store->counters.closing != LOCKOUT_NOT_CLOSED;
    const struct closed_because closing = {reason, now->wall_ms, store->options.patience_ms};
    enum store_fault fault;
    bool did_close = false;

    if (promise == STORE_OK && !was_promised)
        promise = promise_to_close(store);
    fault = store_act(store); /* without the lock too */
    if (fault == STORE_OK)
        fault = closed_write(store->dir_fd, DOOR_EVERY, &closing, &did_close);
    const int error = errno; /* of what kept the door open, if anything did */
    if (promise == STORE_OK && fault != STORE_OK)
        promise = store_sync(store); /* it is all there is, so it must outlast a power failure */
    store_release(store);
    errno = error;
    if (was_open != NULL)
        *was_open = !was_promised && (did_close || (promise == STORE_OK && fault != STORE_OK));
    return promise == STORE_OK ? STORE_OK : fault;
}

const char *lockout_closure_text(enum lockout_closure closure)
{
    switch (closure) {
    case LOCKOUT_NOT_CLOSED:
        break;
    case LOCKOUT_CLOSED_SINGLE_ERRS:
        return "max-single-errs";
    case LOCKOUT_CLOSED_TOTAL_ERRS:
        return "max-total-errs";
    case LOCKOUT_CLOSED_FULL:
        return "table-full";
    case LOCKOUT_CLOSED_BY_ORDER:
        return "by-order";
    }
    return "";
}
