/* SPDX-License-Identifier: ISC */
/* See deeds.h. What is held: the record, and the turn at a gate by commands. */
#include "deeds.h"

#include "now.h"
#include "tell.h"
#include "turn.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* ---- The record ---- */

enum request_reason deeds_blame(struct deeds *deeds, enum grants_fault fault)
{
    const char *cause = grants_fault_has_errno(fault) ? strerror(errno) : "";

    deeds->record_failed = true;
    deeds->record_no_right = *cause != '\0' && (errno == EACCES || errno == EPERM);
    tell_wrong(LOG_ERR, "%s-root/" GRANTS_NAME ": %s%s%s", deeds->wall.gates->state_dir, grants_fault_text(fault),
               *cause != '\0' ? ": " : "", cause);
    if (fault == GRANTS_BUSY)
        return REQUEST_BUSY;
    return fault == GRANTS_FULL ? REQUEST_FULL : REQUEST_FAILED;
}

/* Hold it, and take note of the time, which may have passed while that waited. */
static enum grants_fault hold(struct deeds *deeds, enum hold_way way)
{
    enum grants_fault fault;

    now_read(&deeds->now);
    fault = grants_hold(&deeds->record, way, &deeds->now);
    now_read(&deeds->now);
    return fault;
}

void deeds_let_go(struct deeds *deeds)
{
    grants_release(&deeds->record);
}

enum request_reason deeds_hold_again(struct deeds *deeds)
{
    const enum grants_fault fault = hold(deeds, HOLD_ALONE);

    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

static bool is_same(const struct grant *one, const struct grant *other)
{
    return strcmp(one->gate, other->gate) == 0 && strcmp(one->user, other->user) == 0 &&
           memcmp(&one->network, &other->network, sizeof one->network) == 0 &&
           one->since_wall_ms == other->since_wall_ms;
}

bool deeds_is_there(struct deeds *deeds, const struct grant *grant, uint64_t slot, enum grants_fault *fault)
{
    struct grant found;
    uint64_t at = slot;
    uint64_t found_at;

    return grants_next(&deeds->record, &at, &found, &found_at, fault) && found_at == slot && is_same(&found, grant);
}

/* ---- The turn at a gate by commands ---- */

static enum request_reason blame_turn(const struct deeds *deeds, const struct gate *gate, enum turn_result result)
{
    switch (result) {
    case TURN_TAKEN:
        return REQUEST_DONE;
    case TURN_BUSY:
        tell_wrong(LOG_ERR, "gate '%s': others were at work there for too long: its commands take long, or hang",
                   gate->name);
        return REQUEST_BUSY;
    case TURN_NO_PLACE:
        tell_wrong(LOG_ERR, "gate '%s': too many wait for its commands, which take long, or hang", gate->name);
        return REQUEST_BUSY;
    case TURN_FAILED:
        break;
    }
    tell_wrong(LOG_ERR, "%s-root/" TURN_NAME ": %s", deeds->wall.gates->state_dir, strerror(errno));
    return REQUEST_FAILED;
}

enum request_reason deeds_take_turn(struct deeds *deeds, const struct gate *gate, unsigned limit_ms)
{
    const struct turn_order order = {
        .state_dir = deeds->wall.gates->state_dir,
        .gate = gate->name,
        .limit_ms = limit_ms,
        .queue = deeds->queue,
        .user = deeds->user,
    };

    if (!gate->by_commands || deeds->turn_fd >= 0)
        return REQUEST_DONE;
    return blame_turn(deeds, gate, turn_take_gate(&order, &deeds->turn_fd));
}

void deeds_give_turn(struct deeds *deeds)
{
    if (deeds->turn_fd >= 0)
        close(deeds->turn_fd);
    deeds->turn_fd = -1;
}

/* ---- Beginning and ending ---- */

enum request_reason deeds_begin(struct deeds *deeds, const struct gates *gates, enum hold_way way)
{
    const struct grants_options options = {
        .state_dir = gates->state_dir,
        .patience_ms = DEEDS_PATIENCE_MS,
        .read_only = way == HOLD_SHARED,
    };
    enum grants_fault fault;

    deeds->wall.gates = gates;
    fault = grants_open(&options, &deeds->record);
    if (fault == GRANTS_ABSENT)
        return REQUEST_NOT_OPEN;
    if (fault == GRANTS_OK)
        fault = hold(deeds, way);
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

void deeds_end(struct deeds *deeds)
{
    wall_end(&deeds->wall);
    grants_release(&deeds->record);
    grants_close(&deeds->record);
    deeds_give_turn(deeds);
}
