/* SPDX-License-Identifier: ISC */
/* See deeds.h: opening a gate, and renewing what is open. */
#include "deeds.h"

#include "deeds_log.h"
#include "steps.h"

#include <stdio.h>
#include <string.h>

#define MS 1000

/* What was there before a grant was opened. */
struct before {
    bool runs; /* grant is what is renewed */
    struct grant grant;
    uint64_t slot; /* GRANTS_MAX: none */
    uint64_t packets;
};

static enum request_reason look_before(struct deeds *deeds, const struct wish *wish, struct before *before)
{
    const struct grants_key key = {wish->gate->name, &wish->network, wish->user};
    enum request_reason reason = REQUEST_DONE;
    enum grants_fault fault;

    if (!wish->gate->by_commands)
        reason = steps_count_all(deeds, wish->gate, &wish->network, &before->packets);
    if (reason != REQUEST_DONE)
        return reason;
    fault = grants_find(&deeds->record, &key, &before->grant, &before->slot);
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    before->runs = before->slot != GRANTS_MAX && steps_left(deeds, &before->grant) > 0;
    return REQUEST_DONE;
}

/* A grant as it will be. */
static void set_grant(const struct deeds *deeds, const struct wish *wish, const struct before *before,
                      struct grant *grant)
{
    const struct grant_order order = {
        .lifetime_s = wish->lifetime_s != 0 ? wish->lifetime_s : wish->gate->lifetime_s,
        .most_s = wish->gate->most_s,
        .latest_ms = deeds->record.latest_ms,
    };
    const bool by_commands = wish->gate->by_commands || (before->slot != GRANTS_MAX && before->grant.by_commands);

    if (!before->runs) {
        *grant = (struct grant){
            .network = wish->network, .since_wall_ms = deeds->now.wall_ms, .last_packets = before->packets};
        snprintf(grant->gate, sizeof grant->gate, "%s", wish->gate->name);
        snprintf(grant->user, sizeof grant->user, "%s", wish->user);
    }
    grant->by = wish->by;
    grant->by_commands = by_commands;
    grant->step = GRANT_OPENING;
    grant->end = GRANT_NOT_ENDED;
    grant->lifetime_s = order.lifetime_s;
    grant_set_times(grant, &order, &deeds->now);
}

/* Shut what was never promised: without a word where that succeeds, else the record keeps it until it does. */
static void undo(struct deeds *deeds, struct grant *grant, uint64_t slot)
{
    const struct gate *gate = gates_find(deeds->wall.gates, grant->gate);
    enum grants_fault fault;

    /* Where somebody has given it up there is nothing to be written, and the command is run all the same. */
    if (deeds_is_there(deeds, grant, slot, &fault) &&
        steps_begin_end(deeds, grant, GRANT_REVOKED, slot) != REQUEST_DONE)
        return;
    if (steps_make_so(deeds, gate, &grant->network, grant->user) == REQUEST_DONE &&
        deeds_is_there(deeds, grant, slot, &fault))
        (void)grants_remove(&deeds->record, slot);
}

/*
 * The firewall did not do it: as it was before. A command that says so may have opened it all the same, so that it is
 * told to shut it.
 */
static void take_back(struct deeds *deeds, const struct before *before, struct grant *grant, uint64_t slot)
{
    const struct gate *gate = gates_find(deeds->wall.gates, grant->gate);

    if (!deeds->record.held)
        return;
    if (!before->runs && gate->by_commands && deeds->wall.ran) {
        undo(deeds, grant, slot);
        return;
    }

    enum grants_fault fault;

    if (deeds_is_there(deeds, grant, slot, &fault))
        fault = before->slot != GRANTS_MAX ? grants_put(&deeds->record, &before->grant, &slot)
                                           : grants_remove(&deeds->record, slot);
    if (fault != GRANTS_OK)
        (void)deeds_blame(deeds, fault);
}

/* With grant as it will be, in its slot or GRANTS_MAX. */
static enum request_reason carry_out(struct deeds *deeds, const struct wish *wish, struct grant *grant, uint64_t *slot)
{
    enum grants_fault fault = grants_put(&deeds->record, grant, slot);
    enum request_reason reason;

    if (fault == GRANTS_OK)
        fault = grants_sync(&deeds->record);
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    reason = steps_make_so(deeds, wish->gate, &grant->network, grant->user);
    return reason == REQUEST_DONE ? steps_finish_opening(deeds, grant, slot) : reason;
}

static enum request_reason open_anew(struct deeds *deeds, const struct wish *wish, const struct before *before,
                                     struct grant *grant)
{
    uint64_t slot = before->slot;
    enum request_reason reason;

    *grant = before->grant;
    set_grant(deeds, wish, before, grant);
    reason = carry_out(deeds, wish, grant, &slot);
    if (reason == REQUEST_DONE)
        deeds_log_grant(before->runs ? "renewed" : "granted", grant, grant->lifetime_s * MS);
    else if (slot != GRANTS_MAX)
        take_back(deeds, before, grant, slot);
    return reason;
}

static uint64_t most_of(const struct gate *gate)
{
    const uint64_t half = gate->by_commands ? DEEDS_USER_MOST : gate->size / 2;

    return half == 0 ? 1 : half < DEEDS_USER_MOST ? half : DEEDS_USER_MOST;
}

/* What a user has by himself at a gate. */
struct own {
    uint64_t count;
    struct grant first; /* which of them ends first, and its slot */
    uint64_t slot;
};

static enum request_reason count_own(struct deeds *deeds, const struct wish *wish, struct own *own)
{
    enum grants_fault fault = GRANTS_OK;
    uint64_t least_ms = UINT64_MAX;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *own = (struct own){.slot = GRANTS_MAX};
    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        const uint64_t left_ms = steps_left(deeds, &grant);

        if (grant.step == GRANT_CLOSING || grant.by == GRANT_BY_ADMIN || strcmp(grant.gate, wish->gate->name) != 0 ||
            strcmp(grant.user, wish->user) != 0)
            continue;
        own->count++;
        if (left_ms >= least_ms)
            continue;
        least_ms = left_ms;
        own->first = grant;
        own->slot = slot;
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* So that no user can fill a gate, and shut out all others. */
static enum request_reason make_room(struct deeds *deeds, const struct wish *wish)
{
    enum request_reason reason = REQUEST_DONE;
    struct own own;

    while (reason == REQUEST_DONE) {
        reason = count_own(deeds, wish, &own);
        if (reason != REQUEST_DONE || own.count < most_of(wish->gate))
            return reason;
        if (!wish->gate->by_commands)
            steps_count(&own.first, wall_packets(&deeds->wall, wish->gate, &own.first.network));
        reason = steps_begin_end(deeds, &own.first, GRANT_CLEARED, own.slot);
        if (reason == REQUEST_DONE)
            reason = steps_finish(deeds, &own.first, own.slot, &(struct steps_told){0});
    }
    return reason;
}

enum request_reason deeds_open(struct deeds *deeds, const struct wish *wish, struct grant *given)
{
    struct before before = {.slot = GRANTS_MAX};
    struct grant grant;
    enum request_reason reason = REQUEST_BAD_LIFETIME;

    if (wish->lifetime_s <= wish->gate->most_s)
        reason = steps_finish_all(deeds, wish->gate);
    if (reason == REQUEST_DONE)
        reason = look_before(deeds, wish, &before);
    if (reason == REQUEST_DONE && !before.runs && wish->by != GRANT_BY_ADMIN)
        reason = make_room(deeds, wish);
    grant = before.grant;
    if (reason == REQUEST_DONE && before.runs && wish->gate->renew == GATE_RENEW_NO)
        reason = wish->gate->by_commands ? REQUEST_DONE : steps_make_so(deeds, wish->gate, &wish->network, wish->user);
    else if (reason == REQUEST_DONE)
        reason = open_anew(deeds, wish, &before, &grant);
    if (reason != REQUEST_DONE)
        return deeds_refuse(wish, reason);
    if (given != NULL)
        *given = grant;
    return REQUEST_DONE;
}
