/* SPDX-License-Identifier: ISC */
/* See steps.h. */
#include "steps.h"

#include "agree.h"
#include "deeds_log.h"
#include "lost.h"
#include "now.h"

#include <string.h>

/* ---- One network at one gate, for all who have it ---- */

void steps_count(struct grant *grant, uint64_t packets)
{
    grant->packets += packets >= grant->last_packets ? packets - grant->last_packets : packets;
    grant->last_packets = packets;
}

static bool is_at(const struct grant *grant, const struct gate *gate, const struct source *network)
{
    return strcmp(grant->gate, gate->name) == 0 && memcmp(&grant->network, network, sizeof *network) == 0;
}

enum request_reason steps_count_all(struct deeds *deeds, const struct gate *gate, const struct source *network,
                                    uint64_t *packets)
{
    enum grants_fault fault = GRANTS_OK;
    enum grants_fault put = GRANTS_OK;
    struct grant grant;
    bool known = false;
    uint64_t at = 0;
    uint64_t slot;

    *packets = 0;
    while (put == GRANTS_OK && grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        if (!is_at(&grant, gate, network))
            continue;
        if (!known)
            *packets = wall_packets(&deeds->wall, gate, network);
        known = true;
        steps_count(&grant, *packets);
        put = grants_put(&deeds->record, &grant, &slot);
    }
    fault = fault == GRANTS_OK ? put : fault;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

uint64_t steps_left(const struct deeds *deeds, const struct grant *grant)
{
    uint64_t left_ms = 0;

    if (grant->step == GRANT_CLOSING || grant_left(grant, deeds->record.latest_ms, &deeds->now, &left_ms) != GRANT_RUNS)
        return 0;
    return left_ms;
}

/* What the firewall has to have there: the longest of what the record grants. */
static enum request_reason gather(struct deeds *deeds, const struct gate *gate, const struct source *network,
                                  struct grant *longest, struct hole *hole)
{
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *hole = (struct hole){.gate = gate, .network = *network};
    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        const uint64_t left_ms = steps_left(deeds, &grant);

        if (!is_at(&grant, gate, network))
            continue;
        if (grant.last_packets > hole->packets)
            hole->packets = grant.last_packets;
        if (left_ms <= hole->left_ms)
            continue;
        *longest = grant;
        hole->left_ms = left_ms;
        hole->user = longest->user;
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

static enum request_reason tell_wall(struct deeds *deeds, const struct hole *hole)
{
    return hole->left_ms > 0 ? wall_open(&deeds->wall, hole) : wall_shut(&deeds->wall, hole);
}

/* Others can have the record while the command runs. What it has done counts for nothing if it cannot be written. */
static enum request_reason run_command(struct deeds *deeds, const struct hole *hole)
{
    enum request_reason reason;
    enum request_reason held;

    deeds_let_go(deeds);
    reason = tell_wall(deeds, hole);
    held = deeds_hold_again(deeds);
    return held == REQUEST_DONE ? reason : held;
}

enum request_reason steps_make_so(struct deeds *deeds, const struct gate *gate, const struct source *network,
                                  const char *user)
{
    struct grant longest;
    struct hole hole;
    enum request_reason reason;

    now_read(&deeds->now); /* a disk may have taken long */
    reason = gather(deeds, gate, network, &longest, &hole);
    if (reason != REQUEST_DONE)
        return reason;
    if (hole.left_ms == 0)
        hole.user = user;
    if (gate->by_commands)
        return run_command(deeds, &hole);
    reason = tell_wall(deeds, &hole);
    return reason == REQUEST_NOT_OPEN ? agree_in_nft(deeds, AGREE_LOAD) : reason;
}

/* ---- From one step to the next ---- */

enum request_reason steps_begin_end(struct deeds *deeds, struct grant *grant, enum grant_end end, uint64_t slot)
{
    enum grants_fault fault;

    grant->step = GRANT_CLOSING;
    grant->end = end;
    fault = grants_put(&deeds->record, grant, &slot);
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* The firewall has done it. */
static enum request_reason finish_end(struct deeds *deeds, const struct grant *grant, uint64_t slot)
{
    enum grants_fault fault;

    /* A table that had to be loaded has ended what was over, or somebody has given it up. */
    if (!deeds_is_there(deeds, grant, slot, &fault) && fault == GRANTS_OK)
        return REQUEST_DONE;
    if (fault == GRANTS_OK)
        fault = grants_remove(&deeds->record, slot);
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    deeds_log_end(grant);
    return REQUEST_DONE;
}

static bool was_told(const struct steps_told *told, const struct source *network)
{
    return told->any && memcmp(&told->network, network, sizeof *network) == 0;
}

enum request_reason steps_finish_opening(struct deeds *deeds, struct grant *grant, uint64_t *slot)
{
    enum grants_fault fault;

    if (!deeds_is_there(deeds, grant, *slot, &fault) && fault == GRANTS_OK)
        *slot = GRANTS_MAX;
    grant->step = GRANT_OPEN;
    if (fault == GRANTS_OK)
        fault = grants_put(&deeds->record, grant, slot);
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

enum request_reason steps_finish(struct deeds *deeds, struct grant *grant, uint64_t slot, struct steps_told *told)
{
    const struct gate *gate = gates_find(deeds->wall.gates, grant->gate);
    enum request_reason reason;

    if (gate == NULL)
        return REQUEST_DONE; /* agree says it */
    reason = was_told(told, &grant->network) ? REQUEST_DONE : steps_make_so(deeds, gate, &grant->network, grant->user);
    if (reason != REQUEST_DONE)
        return reason;
    *told = (struct steps_told){.any = true, .network = grant->network};
    if (grant->step == GRANT_CLOSING)
        return lost_is_stranded(deeds->wall.gates, grant) ? REQUEST_DONE : finish_end(deeds, grant, slot);
    return steps_finish_opening(deeds, grant, &slot);
}

/* With the record held, which others have while this waits; and who is at another gate never does. */
static enum request_reason enter(struct deeds *deeds, const struct gate *gate)
{
    enum request_reason reason;

    if (!gate->by_commands || deeds->turn_fd >= 0)
        return REQUEST_DONE;
    deeds_let_go(deeds);
    reason = deeds_take_turn(deeds, gate, deeds->patience_ms);
    return reason == REQUEST_DONE ? deeds_hold_again(deeds) : reason;
}

enum request_reason steps_finish_all(struct deeds *deeds, const struct gate *gate)
{
    enum grants_fault fault = GRANTS_OK;
    struct steps_told told = {0};
    struct grant grant;
    enum request_reason reason = enter(deeds, gate);
    uint64_t at = 0;
    uint64_t slot;

    if (reason != REQUEST_DONE)
        return reason;
    while (deeds->record.held && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (grant.step != GRANT_OPEN && strcmp(grant.gate, gate->name) == 0)
            reason = steps_finish(deeds, &grant, slot, &told);
    if (!deeds->record.held)
        return reason;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}
