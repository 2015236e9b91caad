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

/* One turn at the table: what was asked, and what it says. */
struct turn {
    struct store *store;
    const struct source *source;
    const struct moment *moment;
    bool exempt;
    uint64_t now; /* table time, s */
    uint64_t judging_ms;
    enum lockout_answer answer;
    struct networks networks;
    struct buckets buckets;
    struct record_slot *network; /* the network, locked by hand, that bars the source, or NULL */
    struct record_slot *slot;    /* the source's own, or NULL */
    bool enclosed;
    unsigned enclosing_count;
    struct enclosing enclosing[ENCLOSING_MAX];
    const struct enclosing *barring; /* the one of these that bars the source, or NULL */
    struct buckets around;           /* and where it stands: as around.own */
    struct buckets_spared spared;    /* the slots of this visit, while it is charged */
    unsigned damaged;                /* slots that were met and emptied */
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

/* Take the lock. After a fault nothing is held. turn is not initialised as a whole: its records are large. */
static enum store_fault turn_begin(struct turn *turn, struct store *store, const struct lockout_visitor *visitor,
                                   enum hold_way way)
{
    const enum store_fault fault = store_hold(store, way, &visitor->now);

    turn->store = store;
    turn->source = visitor->source;
    turn->moment = &visitor->now;
    turn->exempt = visitor->exempt;
    turn->now = store->now;
    turn->answer = LOCKOUT_REFUSED_LOCKED;
    turn->network = NULL;
    turn->slot = NULL;
    turn->enclosed = visitor->enclosed && !visitor->exempt;
    turn->enclosing_count = 0;
    turn->barring = NULL;
    turn->damaged = 0;
    turn->buckets.damaged = 0;
    return fault;
}

static uint64_t strike_time_of(const struct lockout_policy *policy, const struct source *source)
{
    return source->is_network ? enclosing_strike_time(policy->strike_time, policy->lockout_time) : policy->strike_time;
}

static uint64_t wall(const struct turn *turn, uint64_t time)
{
    return moment_wall(&turn->store->counters.mark, time);
}

static enum store_fault find_slot(struct turn *turn)
{
    const enum store_fault fault = buckets_read(turn->store, turn->source, &turn->buckets);

    if (fault == STORE_OK)
        turn->slot = turn->buckets.own;
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

/* The networks that the source is in, as they are in the table, up to the first that bars it. */
static enum store_fault look_around(struct turn *turn)
{
    const bool known = turn->slot != NULL && slot_is_known(turn->slot, turn->now);
    const unsigned count = enclosing_of(turn->source, turn->enclosing);

    while (turn->enclosing_count < count && turn->barring == NULL) {
        struct enclosing *network = &turn->enclosing[turn->enclosing_count++];
        const enum store_fault fault = buckets_find(turn->store, &network->source, &turn->around);

        if (fault != STORE_OK)
            return fault;
        if (turn->around.own == NULL)
            continue;
        network->found = true;
        network->slot = *turn->around.own;
        if (enclosing_binds(network, known, turn->now))
            turn->barring = network;
    }
    return STORE_OK;
}

/* With the lock held: closed, locked, or free to go on (ADMITTED)? Reads alone. */
static enum store_fault inspect(struct turn *turn)
{
    enum store_fault fault;
    bool closed;

    fault = look_whether_closed(turn->store, &closed);
    if (fault != STORE_OK)
        return fault;
    if (closed) {
        turn->answer = LOCKOUT_REFUSED_CLOSED;
        return STORE_OK;
    }
    if (turn->store->counters.networks != 0) {
        fault = networks_read(turn->store, &turn->networks);
        if (fault != STORE_OK)
            return fault;
        turn->network = networks_find(&turn->networks, turn->source, turn->now);
    }
    fault = find_slot(turn);
    if (fault != STORE_OK)
        return fault;
    if (turn->network != NULL || (turn->slot != NULL && slot_binds(turn->slot, turn->exempt, turn->now)))
        return STORE_OK;
    if (turn->enclosed)
        fault = look_around(turn);
    if (fault == STORE_OK && turn->barring == NULL)
        turn->answer = LOCKOUT_ADMITTED;
    return fault;
}

static struct lockout_bar bar_of(const struct turn *turn)
{
    if (turn->network != NULL)
        return (struct lockout_bar){.is_network = true, .network = turn->network->source};
    if (turn->barring != NULL)
        return (struct lockout_bar){.is_network = true, .network = turn->barring->source};
    return (struct lockout_bar){.is_network = false};
}

/*
 * Do what the counters promise, for every door or for this one. Only the one who found the door open reports it; an
 * order was reported by who gave it.
 */
static enum store_fault keep_promise(const struct turn *turn, enum lockout_closure *closure)
{
    const struct store *store = turn->store;
    const enum lockout_closure every = (enum lockout_closure)store->counters.closing;
    const enum doors door = every != LOCKOUT_NOT_CLOSED ? DOOR_EVERY : store->options.door;
    const enum lockout_closure promised =
        every != LOCKOUT_NOT_CLOSED ? every : (enum lockout_closure)store->counters.doors[door].closing;
    const struct closed_because closing = {lockout_closure_text(promised), turn->moment->wall_ms,
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
 * source: its errors count to the total alone; and who is refused with his provider may never have come before.
 */
static enum store_fault count_refusal(struct turn *turn, const struct lockout_policy *policy, uint64_t *locked_until,
                                      enum lockout_closure *closure)
{
    struct store *store = turn->store;
    const bool with_network = turn->network != NULL || turn->barring != NULL;
    const bool with_provider = turn->barring != NULL && turn->barring->rule->spares_known;
    const struct buckets *buckets = turn->barring != NULL ? &turn->around : &turn->buckets;
    struct record_slot *own = turn->barring != NULL ? turn->around.own : turn->slot;
    struct record_slot *slot = turn->network != NULL ? turn->network : own;
    enum store_fault fault = STORE_OK;

    slot_refresh(slot, strike_time_of(policy, &slot->source), turn->now);
    *locked_until = wall(turn, slot->locked_until);
    slot->last_seen = turn->now;
    count_up(&slot->refusals);
    if (!turn->exempt && slot->lock_judged && !with_provider) {
        count_error(store, policy, with_network ? NULL : slot);
        fault = store_write_counters(store);
    }
    if (fault == STORE_OK)
        fault =
            turn->network != NULL ? networks_write(store, &turn->networks, slot) : buckets_write(store, buckets, slot);
    return fault == STORE_OK ? keep_promise(turn, closure) : fault;
}

static enum store_fault clean_buckets(struct turn *turn)
{
    turn->damaged += turn->buckets.damaged;
    return turn->buckets.damaged > 0 ? buckets_clean(turn->store, &turn->buckets) : STORE_OK;
}

/* What admit and charge have in common: write down what inspect has found, where that is a refusal. */
static enum store_fault count_refused(struct turn *turn, const struct lockout_policy *policy, uint64_t *locked_until,
                                      enum lockout_closure *closure)
{
    enum store_fault fault = STORE_OK;

    if (turn->answer == LOCKOUT_REFUSED_CLOSED)
        fault = keep_promise(turn, closure);
    else if (turn->answer == LOCKOUT_REFUSED_LOCKED)
        fault = count_refusal(turn, policy, locked_until, closure);
    return fault == STORE_OK ? clean_buckets(turn) : fault;
}

/* The source's slot, up to date or new. None to be had: the door is closed, and the answer is CLOSED. */
static enum store_fault take_slot(struct turn *turn, const struct lockout_policy *policy, enum lockout_closure *closure)
{
    struct record_counters *counters = &turn->store->counters;
    const struct buckets_age age = {.now = turn->now, .strike_time = policy->strike_time};
    enum store_fault fault;
    uint64_t generation;

    if (turn->slot == NULL) {
        fault = store_new_generation(turn->store, &generation);
        if (fault != STORE_OK)
            return fault;
        turn->slot = buckets_make(&turn->buckets, turn->source, age, !policy->close_when_full, generation);
    }
    if (turn->slot != NULL) {
        slot_refresh(turn->slot, strike_time_of(policy, turn->source), turn->now);
        turn->slot->last_seen = turn->now;
        return STORE_OK;
    }
    turn->answer = LOCKOUT_REFUSED_CLOSED;
    counters->doors[turn->store->options.door].closing = LOCKOUT_CLOSED_FULL;
    fault = store_write_counters(turn->store);
    return fault == STORE_OK ? keep_promise(turn, closure) : fault;
}

static struct pace_rule pace_rule(const struct lockout_policy *policy)
{
    return (struct pace_rule){.delay_ms = policy->delay * 1000, .longest_ms = policy->delay_max_wait * 1000};
}

/*
 * The next place in the pace, which may be one of all sources together: then the source's own holds it as well. In
 * memory. False: it would be too long a wait, or the source has too many waiting already.
 */
static bool take_place(const struct turn *turn, const struct lockout_policy *policy, struct record_pace *own,
                       struct record_pace *all, uint64_t *place_ms)
{
    const uint64_t now_ms = turn->store->now_ms;
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
static enum store_fault let_in(struct turn *turn, const struct lockout_policy *policy,
                               struct lockout_admission *admission)
{
    struct store *store = turn->store;
    struct record_pace own = turn->slot != NULL ? turn->slot->pace : (struct record_pace){0};
    struct record_pace all = store->counters.pace;
    enum store_fault fault;

    if (!take_place(turn, policy, &own, &all, &admission->place_ms)) {
        turn->answer = LOCKOUT_REFUSED_TOO_SOON;
        return STORE_OK;
    }
    fault = take_slot(turn, policy, &admission->closure);
    if (fault != STORE_OK || turn->answer != LOCKOUT_ADMITTED)
        return fault;
    turn->slot->pace = own;
    store->counters.pace = all;
    store->counters.seed++;
    admission->seed_number = store->counters.seed;
    admission->wait_ms = admission->place_ms - store->now_ms;
    fault = store_write_counters(store);
    return fault == STORE_OK ? buckets_write(store, &turn->buckets, turn->slot) : fault;
}

enum store_fault lockout_admit(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, struct lockout_admission *admission)
{
    struct turn turn;
    enum store_fault fault;

    *admission = (struct lockout_admission){.answer = LOCKOUT_REFUSED_LOCKED};
    fault = turn_begin(&turn, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = inspect(&turn);
    if (fault == STORE_OK)
        fault = count_refused(&turn, policy, &admission->locked_until, &admission->closure);
    if (fault == STORE_OK && turn.answer == LOCKOUT_ADMITTED)
        fault = let_in(&turn, policy, admission);
    store_release(store);
    admission->damaged_slots = turn.damaged + store->lost;
    store->lost = 0;
    admission->bar = bar_of(&turn);
    if (fault == STORE_OK)
        admission->answer = turn.answer;
    return fault;
}

static enum store_fault give_back(struct turn *turn, const struct lockout_policy *policy, uint64_t place_ms)
{
    const struct pace_rule rule = pace_rule(policy);
    struct record_counters *counters = &turn->store->counters;
    enum store_fault fault = find_slot(turn);

    if (fault == STORE_OK && policy->delay_all) {
        pace_leave(&counters->pace, &rule, place_ms);
        fault = store_write_counters(turn->store);
    }
    if (fault != STORE_OK || turn->slot == NULL)
        return fault;
    pace_leave(&turn->slot->pace, &rule, place_ms);
    return buckets_write(turn->store, &turn->buckets, turn->slot);
}

enum store_fault lockout_leave(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, const struct lockout_admission *admission)
{
    struct turn turn;
    enum store_fault fault;

    if (admission->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    fault = turn_begin(&turn, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = give_back(&turn, policy, admission->place_ms);
    store_release(store);
    return fault;
}

enum store_fault lockout_look(struct store *store, const struct lockout_visitor *visitor, enum lockout_answer *answer,
                              struct lockout_bar *bar)
{
    struct turn turn;
    enum store_fault fault;

    *answer = LOCKOUT_REFUSED_LOCKED;
    fault = turn_begin(&turn, store, visitor, HOLD_SHARED);
    if (fault != STORE_OK)
        return fault;
    fault = inspect(&turn);
    store_release(store);
    if (fault == STORE_OK)
        *answer = turn.answer;
    if (fault == STORE_OK && bar != NULL)
        *bar = bar_of(&turn);
    return fault;
}

static uint64_t lock_end(const struct lockout_policy *policy, uint64_t now)
{
    const uint64_t end = add(now, policy->lockout_time);

    return policy->lockout_time == 0 || end > RECORD_TIME_MAX ? LOCKOUT_FOREVER : end;
}

static struct slot_rule rule_of(const struct turn *turn, const struct lockout_policy *policy)
{
    return (struct slot_rule){
        .now = turn->now,
        .now_ms = turn->store->now_ms,
        .locks = !turn->exempt,
        .limit = policy->max_bad_conns,
        .locked_until = lock_end(policy, turn->now),
        .judged_by_ms = add(turn->store->now_ms, turn->judging_ms),
    };
}

static struct slot_rule network_rule_of(const struct turn *turn, const struct lockout_policy *policy,
                                        const struct enclosing *network)
{
    struct slot_rule rule = rule_of(turn, policy);

    rule.limit = enclosing_limit(network, policy->max_bad_conns);
    rule.in_windows = true;
    return rule;
}

/*
 * Would this visitor be let in, or lock nothing by his strike, were all strikes found right that have not been judged?
 * A lock that spares him is none of his.
 */
static bool hangs_on_others(const struct turn *turn, const struct lockout_policy *policy)
{
    const struct slot_rule own = rule_of(turn, policy);
    bool hangs;

    if (turn->exempt || turn->network != NULL)
        return false;
    hangs = turn->slot != NULL && slot_hangs(turn->slot, &own, policy->strike_time);
    for (unsigned i = 0; i < turn->enclosing_count; i++) {
        const struct enclosing *network = &turn->enclosing[i];
        const struct slot_rule rule = network_rule_of(turn, policy, network);
        const bool this_hangs =
            network->found && slot_hangs(&network->slot, &rule, strike_time_of(policy, &network->source));

        if (network == turn->barring)
            return this_hangs;
        hangs |= this_hangs && !slot_in_force(&network->slot, turn->now);
    }
    return hangs;
}

/* From here on the slot and the buckets are those of a network that the source is in, or the source's own again. */
static enum store_fault turn_to(struct turn *turn, const struct source *source)
{
    enum store_fault fault;

    turn->source = source;
    turn->slot = NULL;
    fault = find_slot(turn);
    turn->buckets.spared = &turn->spared;
    return fault;
}

/* The strike in one of the networks that the source is in. A lock that spares the source is left as it is. */
static enum store_fault strike_network(struct turn *turn, const struct lockout_policy *policy,
                                       const struct enclosing *network, struct lockout_charge *charge)
{
    struct lockout_network *struck = &charge->networks[network - turn->enclosing];
    const struct slot_rule rule = network_rule_of(turn, policy, network);
    enum store_fault fault = turn_to(turn, &network->source);

    if (fault == STORE_OK)
        fault = clean_buckets(turn);
    if (fault != STORE_OK || (turn->slot != NULL && slot_in_force(turn->slot, turn->now)))
        return fault;
    fault = take_slot(turn, policy, &charge->closure);
    if (fault != STORE_OK || turn->answer != LOCKOUT_ADMITTED)
        return fault;
    slot_strike(turn->slot, &rule, &struck->strike);
    struck->struck = true;
    charge->networks_struck = true;
    struck->source = network->source;
    struck->locked_until = wall(turn, struck->strike.locked_until);
    buckets_spare(&turn->buckets, turn->slot, &turn->spared);
    return buckets_write(turn->store, &turn->buckets, turn->slot);
}

/*
 * One after the other, for their buckets may be the same; the source's own are read anew behind them. Where places are
 * short none of them takes that of another, nor the source's.
 */
static enum store_fault strike_networks(struct turn *turn, const struct lockout_policy *policy,
                                        struct lockout_charge *charge)
{
    const struct source *source = turn->source;
    enum store_fault fault = STORE_OK;

    turn->spared.count = 0;
    if (turn->slot != NULL)
        buckets_spare(&turn->buckets, turn->slot, &turn->spared);
    for (unsigned i = 0; i < turn->enclosing_count; i++) {
        fault = strike_network(turn, policy, &turn->enclosing[i], charge);
        if (fault != STORE_OK || turn->answer != LOCKOUT_ADMITTED)
            return fault;
    }
    return turn->enclosing_count > 0 ? turn_to(turn, source) : STORE_OK;
}

/* The strike, and the lock if it is the last one that is borne: one record, one write. */
static enum store_fault strike(struct turn *turn, const struct lockout_policy *policy, struct lockout_charge *charge)
{
    const struct slot_rule rule = rule_of(turn, policy);
    enum store_fault fault = strike_networks(turn, policy, charge);

    if (fault == STORE_OK && turn->answer == LOCKOUT_ADMITTED)
        fault = take_slot(turn, policy, &charge->closure);
    if (fault != STORE_OK || turn->answer != LOCKOUT_ADMITTED)
        return fault;
    slot_strike(turn->slot, &rule, &charge->undo);
    charge->strikes = charge->undo.strikes;
    charge->locked_until = wall(turn, charge->undo.locked_until);
    fault = buckets_write(turn->store, &turn->buckets, turn->slot);
    charge->locks = charge->undo.locks && fault == STORE_OK; /* what is not in the file locks nobody */
    return fault;
}

enum store_fault lockout_charge(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge)
{
    struct turn turn;
    enum store_fault fault;

    *charge = (struct lockout_charge){.answer = LOCKOUT_REFUSED_LOCKED};
    fault = turn_begin(&turn, store, visitor, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    charge->makes_known = turn.enclosed;
    turn.judging_ms = visitor->judging_ms;
    fault = inspect(&turn);
    if (fault == STORE_OK && visitor->patient && turn.answer != LOCKOUT_REFUSED_CLOSED &&
        hangs_on_others(&turn, policy))
        turn.answer = LOCKOUT_NOT_YET;
    else if (fault == STORE_OK)
        fault = count_refused(&turn, policy, &charge->locked_until, &charge->closure);
    if (fault == STORE_OK && turn.answer == LOCKOUT_ADMITTED)
        fault = strike(&turn, policy, charge);
    store_release(store);
    charge->damaged_slots = turn.damaged;
    charge->bar = bar_of(&turn);
    if (fault == STORE_OK)
        charge->answer = turn.answer;
    return fault;
}

/* In a network that the source is in. One that nobody strikes needs no place. */
static enum store_fault take_back_network(const struct store *store, struct lockout_network *struck)
{
    struct buckets buckets;
    enum store_fault fault = buckets_find(store, &struck->source, &buckets);
    struct record_slot *slot = buckets.own;

    if (fault == STORE_OK && slot != NULL && slot->generation == struck->strike.generation && slot->strikes > 0) {
        slot_take_back(slot, &struck->strike);
        slot_judge_strike(slot, &struck->strike);
        fault = slot->strikes == 0 && !slot->locked ? buckets_drop(store, &buckets, slot)
                                                    : buckets_write(store, &buckets, slot);
    }
    struck->strike.locks &= fault != STORE_OK;
    return fault;
}

static enum store_fault take_back(const struct store *store, const struct source *source, struct lockout_charge *charge)
{
    struct buckets buckets;
    enum store_fault fault = buckets_read(store, source, &buckets);
    struct record_slot *slot = buckets.own;
    bool undoes;

    if (fault == STORE_OK && slot != NULL) {
        undoes = slot->generation == charge->undo.generation && slot->strikes > 0;
        if (undoes) {
            slot_take_back(slot, &charge->undo);
            slot_judge_strike(slot, &charge->undo);
        }
        if (charge->makes_known)
            slot->accepted = charge->undo.last_strike;
        if (undoes || charge->makes_known)
            fault = buckets_write(store, &buckets, slot);
    }
    charge->locks &= fault != STORE_OK; /* it is taken back, or somebody has lifted it meanwhile */
    for (unsigned i = 0; fault == STORE_OK && i < ENCLOSING_MAX; i++)
        if (charge->networks[i].struck)
            fault = take_back_network(store, &charge->networks[i]);
    return fault;
}

enum store_fault lockout_forgive(struct store *store, const struct source *source, struct lockout_charge *charge)
{
    enum store_fault fault;
    bool closed = true;

    if (charge->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    fault = store_hold(store, HOLD_ALONE, NULL);
    if (fault != STORE_OK)
        return fault;
    fault = take_back(store, source, charge);
    if (fault == STORE_OK)
        fault = look_whether_closed(store, &closed);
    store_release(store);
    if (fault == STORE_OK && closed)
        charge->answer = LOCKOUT_REFUSED_CLOSED;
    return fault;
}

/* The strike in a network that the source is in: it stands. */
static enum store_fault settle_network(const struct store *store, const struct lockout_network *struck)
{
    struct buckets buckets;
    const enum store_fault fault = buckets_find(store, &struck->source, &buckets);
    struct record_slot *slot = buckets.own;

    if (fault != STORE_OK || slot == NULL || slot->generation != struck->strike.generation)
        return fault;
    slot->lock_judged |= struck->strike.locks;
    slot_judge_strike(slot, &struck->strike);
    return buckets_write(store, &buckets, slot);
}

static enum store_fault settle_error(struct turn *turn, const struct lockout_policy *policy,
                                     struct lockout_charge *charge)
{
    enum store_fault fault = find_slot(turn);

    if (fault != STORE_OK)
        return fault;
    count_error(turn->store, policy, turn->slot);
    /* Where the owner has lifted that lock meanwhile, whatever locks next has not been judged by it. */
    if (turn->slot != NULL && charge->locks && turn->slot->generation == charge->undo.generation)
        turn->slot->lock_judged = true;
    if (turn->slot != NULL)
        slot_judge_strike(turn->slot, &charge->undo);
    fault = store_write_counters(turn->store);
    if (fault == STORE_OK && turn->slot != NULL)
        fault = buckets_write(turn->store, &turn->buckets, turn->slot);
    return fault == STORE_OK ? keep_promise(turn, &charge->closure) : fault;
}

static bool locks_any(const struct lockout_charge *charge)
{
    bool locks = charge->locks;

    for (unsigned i = 0; i < ENCLOSING_MAX; i++)
        locks |= charge->networks[i].strike.locks;
    return locks;
}

enum store_fault lockout_settle(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge)
{
    struct turn turn;
    enum store_fault fault = STORE_OK;

    if (charge->answer != LOCKOUT_ADMITTED)
        return STORE_OK;
    if (!visitor->exempt) {
        fault = turn_begin(&turn, store, visitor, HOLD_ALONE);
        if (fault != STORE_OK)
            return fault;
        fault = settle_error(&turn, policy, charge);
        for (unsigned i = 0; fault == STORE_OK && i < ENCLOSING_MAX; i++)
            if (charge->networks[i].struck)
                fault = settle_network(store, &charge->networks[i]);
        store_release(store);
    }
    if (locks_any(charge)) {
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
