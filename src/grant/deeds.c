/* SPDX-License-Identifier: ISC */
/* See deeds.h. */
#include "deeds.h"

#include "address.h"
#include "agree.h"
#include "now.h"
#include "tell.h"
#include "turn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MS 1000

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
        .places = deeds->places,
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

/* With the record held, which others have while this waits; and who is at another gate never does. */
static enum request_reason enter(struct deeds *deeds, const struct gate *gate)
{
    enum request_reason reason;

    if (!gate->by_commands || deeds->turn_fd >= 0)
        return REQUEST_DONE;
    deeds_let_go(deeds);
    reason = deeds_take_turn(deeds, gate, DEEDS_PATIENCE_MS);
    return reason == REQUEST_DONE ? deeds_hold_again(deeds) : reason;
}

/* ---- One network at one gate, for all who have it ---- */

void deeds_count(struct grant *grant, uint64_t packets)
{
    grant->packets += packets >= grant->last_packets ? packets - grant->last_packets : packets;
    grant->last_packets = packets;
}

static bool is_at(const struct grant *grant, const struct gate *gate, const struct source *network)
{
    return strcmp(grant->gate, gate->name) == 0 && memcmp(&grant->network, network, sizeof *network) == 0;
}

/*
 * Take note of what has come through since the counter was read last, for all who have this network: the counter goes
 * on from there when the hole is made anew. *packets is where it stands; 0 where nobody has the network.
 */
static enum request_reason count_all(struct deeds *deeds, const struct gate *gate, const struct source *network,
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
        deeds_count(&grant, *packets);
        put = grants_put(&deeds->record, &grant, &slot);
    }
    fault = fault == GRANTS_OK ? put : fault;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* For how long it is to be open yet, in milliseconds; 0: not at all. */
static uint64_t left_of(const struct deeds *deeds, const struct grant *grant)
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
        const uint64_t left_ms = left_of(deeds, &grant);

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

/* Make the firewall have it. A table that is not there, or has no set for it, is loaded, and has it then. */
static enum request_reason make_so(struct deeds *deeds, const struct gate *gate, const struct source *network,
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

/* ---- What is said ---- */

static void log_grant(const char *word, const struct grant *grant, uint64_t left_ms)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "%s gate=%s network=%s user=%s left=%" PRIu64 " by=%s", word, grant->gate, network,
              grant->user, left_ms / MS, grant_by_text(grant->by));
}

void deeds_log_renewal(const struct grant *grant, uint64_t left_ms)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "renewed gate=%s network=%s user=%s left=%" PRIu64 " by=use", grant->gate, network,
              grant->user, left_ms / MS);
}

void deeds_log_end(const struct grant *grant)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "ended gate=%s network=%s user=%s reason=%s packets=%" PRIu64, grant->gate, network,
              grant->user, grant_end_text(grant->end), grant->packets);
}

enum request_reason deeds_refuse(const struct wish *wish, enum request_reason reason)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&wish->network, network);
    tell_done(LOG_WARNING, "refused gate=%s network=%s user=%s reason=%s by=%s", wish->gate->name, network, wish->user,
              request_reason_word(reason), grant_by_text(wish->by));
    return reason;
}

bool deeds_is_needless(const struct wish *wish)
{
    char network[ADDRESS_TEXT_LEN];

    if (gates_has_hosts(&wish->network))
        return false;
    address_format_source(&wish->network, network);
    tell_done(LOG_NOTICE, "not needed gate=%s network=%s user=%s by=%s", wish->gate->name, network, wish->user,
              grant_by_text(wish->by));
    return true;
}

/* ---- Ending ---- */

bool deeds_is_stranded(const struct gates *gates, const struct grant *grant)
{
    const struct gate *gate = gates_find(gates, grant->gate);

    return grant->by_commands && (gate == NULL || !gate->by_commands);
}

void deeds_say_stranded(const struct deeds *deeds, const struct grant *grant, uint64_t others)
{
    char network[ADDRESS_TEXT_LEN];
    char more[64] = "";

    address_format_source(&grant->network, network);
    if (others > 0)
        snprintf(more, sizeof more, " (and %" PRIu64 " more: see 'ostgrant list')", others);
    tell_wrong(LOG_WARNING,
               "the other firewall may still let in %s at gate '%s'%s: %s has the commands no more by which it was "
               "opened; put the gate back with its revoke= and run 'ostgrant tick', or close it there by hand and run "
               "'ostgrant repair'",
               network, grant->gate, more, deeds->wall.gates->path);
}

enum request_reason deeds_give_up(struct deeds *deeds, uint64_t *count)
{
    enum grants_fault fault = GRANTS_OK;
    enum grants_fault removed = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *count = 0;
    while (removed == GRANTS_OK && grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        char network[ADDRESS_TEXT_LEN];

        if (grant.step != GRANT_CLOSING || !deeds_is_stranded(deeds->wall.gates, &grant))
            continue;
        removed = grants_remove(&deeds->record, slot);
        if (removed != GRANTS_OK)
            break;
        ++*count;
        address_format_source(&grant.network, network);
        tell_done(LOG_WARNING, "given up gate=%s network=%s user=%s: its revoke= was never run", grant.gate, network,
                  grant.user);
    }
    fault = fault == GRANTS_OK ? removed : fault;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* In the record: it is over. The firewall hears of it next. */
static enum request_reason begin_end(struct deeds *deeds, struct grant *grant, enum grant_end end, uint64_t slot)
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

/* The network that the firewall was told of last: of those who have one together, it is told once. */
struct told {
    bool any;
    struct source network;
};

static bool was_told(const struct told *told, const struct source *network)
{
    return told->any && memcmp(&told->network, network, sizeof *network) == 0;
}

/*
 * The firewall has opened it. Where somebody whose configuration has the gate no more has given it up meanwhile, it is
 * written anew, for it is open.
 */
static enum request_reason finish_opening(struct deeds *deeds, struct grant *grant, uint64_t *slot)
{
    enum grants_fault fault;

    if (!deeds_is_there(deeds, grant, *slot, &fault) && fault == GRANTS_OK)
        *slot = GRANTS_MAX;
    grant->step = GRANT_OPEN;
    if (fault == GRANTS_OK)
        fault = grants_put(&deeds->record, grant, slot);
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* What is begun in the record: by this process, or by one that was killed, or whose firewall failed. */
static enum request_reason finish(struct deeds *deeds, struct grant *grant, uint64_t slot, struct told *told)
{
    const struct gate *gate = gates_find(deeds->wall.gates, grant->gate);
    enum request_reason reason;

    if (gate == NULL)
        return REQUEST_DONE; /* agree says it */
    reason = was_told(told, &grant->network) ? REQUEST_DONE : make_so(deeds, gate, &grant->network, grant->user);
    if (reason != REQUEST_DONE)
        return reason;
    *told = (struct told){.any = true, .network = grant->network};
    if (grant->step == GRANT_CLOSING)
        return deeds_is_stranded(deeds->wall.gates, grant) ? REQUEST_DONE : finish_end(deeds, grant, slot);
    return finish_opening(deeds, grant, &slot);
}

/* What cannot be finished has been told, and is tried again by the next process. Fails where the record does. */
static enum request_reason finish_all(struct deeds *deeds, const struct gate *gate)
{
    enum grants_fault fault = GRANTS_OK;
    struct told told = {0};
    struct grant grant;
    enum request_reason reason = enter(deeds, gate);
    uint64_t at = 0;
    uint64_t slot;

    if (reason != REQUEST_DONE)
        return reason;
    while (deeds->record.held && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (grant.step != GRANT_OPEN && strcmp(grant.gate, gate->name) == 0)
            reason = finish(deeds, &grant, slot, &told);
    if (!deeds->record.held)
        return reason;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

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

/* ---- Opening ---- */

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
        reason = count_all(deeds, wish->gate, &wish->network, &before->packets);
    if (reason != REQUEST_DONE)
        return reason;
    fault = grants_find(&deeds->record, &key, &before->grant, &before->slot);
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    before->runs = before->slot != GRANTS_MAX && left_of(deeds, &before->grant) > 0;
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

    if (begin_end(deeds, grant, GRANT_REVOKED, slot) == REQUEST_DONE &&
        make_so(deeds, gate, &grant->network, grant->user) == REQUEST_DONE &&
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

    const enum grants_fault fault = before->slot != GRANTS_MAX ? grants_put(&deeds->record, &before->grant, &slot)
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
    reason = make_so(deeds, wish->gate, &grant->network, grant->user);
    return reason == REQUEST_DONE ? finish_opening(deeds, grant, slot) : reason;
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
        log_grant(before->runs ? "renewed" : "granted", grant, grant->lifetime_s * MS);
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
        const uint64_t left_ms = left_of(deeds, &grant);

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
            deeds_count(&own.first, wall_packets(&deeds->wall, wish->gate, &own.first.network));
        reason = begin_end(deeds, &own.first, GRANT_CLEARED, own.slot);
        if (reason == REQUEST_DONE)
            reason = finish(deeds, &own.first, own.slot, &(struct told){0});
    }
    return reason;
}

enum request_reason deeds_open(struct deeds *deeds, const struct wish *wish, struct grant *given)
{
    struct before before = {.slot = GRANTS_MAX};
    struct grant grant;
    enum request_reason reason = REQUEST_BAD_LIFETIME;

    if (wish->lifetime_s <= wish->gate->most_s)
        reason = finish_all(deeds, wish->gate);
    if (reason == REQUEST_DONE)
        reason = look_before(deeds, wish, &before);
    if (reason == REQUEST_DONE && !before.runs && wish->by != GRANT_BY_ADMIN)
        reason = make_room(deeds, wish);
    grant = before.grant;
    if (reason == REQUEST_DONE && before.runs && wish->gate->renew == GATE_RENEW_NO)
        reason = wish->gate->by_commands ? REQUEST_DONE : make_so(deeds, wish->gate, &wish->network, wish->user);
    else if (reason == REQUEST_DONE)
        reason = open_anew(deeds, wish, &before, &grant);
    if (reason != REQUEST_DONE)
        return deeds_refuse(wish, reason);
    if (given != NULL)
        *given = grant;
    return REQUEST_DONE;
}

/* ---- Closing ---- */

/* Whose grants are to be closed. */
struct closing {
    const struct wish *wish;
    enum grant_end end;
    bool others;     /* all of the user's but the network; else the network alone */
    bool everywhere; /* or all of the user's */
};

/*
 * Was it opened to the host that the wish is about, when ipv6-prefix= was another? An IPv4 host is opened to by itself,
 * so that what is wider was named by an administrator. A network of IPv6 that one has named in the form for this user
 * cannot be told from his own, and is closed as well.
 */
static bool is_of_host(const struct wish *wish, const struct grant *grant)
{
    const uint8_t prefix = wish->network.prefix;

    if (grant->by == GRANT_BY_ADMIN || grant->network.prefix < GATES_PREFIX_LEAST || gates_is_ipv4(&grant->network))
        return false;
    return gates_lies_within(&wish->network, &grant->network) ||
           (prefix == wish->gate->ipv6_prefix && gates_lies_within(&grant->network, &wish->network));
}

static bool is_meant(const struct closing *closing, const struct grant *grant)
{
    const struct wish *wish = closing->wish;
    const bool same = memcmp(&grant->network, &wish->network, sizeof grant->network) == 0;

    if (strcmp(grant->gate, wish->gate->name) != 0 || (wish->user != NULL && strcmp(grant->user, wish->user) != 0))
        return false;
    if (closing->everywhere)
        return true;
    /* His others are what he has opened himself. */
    if (closing->others)
        return !same && grant->by != GRANT_BY_ADMIN;
    return same || (wish->user != NULL && is_of_host(wish, grant));
}

/* All of them are over, in the record and on the disk. */
static enum request_reason begin_closing(struct deeds *deeds, const struct closing *closing, uint64_t *count)
{
    enum request_reason reason = REQUEST_DONE;
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *count = 0;
    while (reason == REQUEST_DONE && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (is_meant(closing, &grant) && grant.step != GRANT_CLOSING) {
            if (!closing->wish->gate->by_commands)
                deeds_count(&grant, wall_packets(&deeds->wall, closing->wish->gate, &grant.network));
            reason = begin_end(deeds, &grant, closing->end, slot);
            (*count)++;
        }
    if (reason == REQUEST_DONE && fault == GRANTS_OK && *count > 0)
        fault = grants_sync(&deeds->record);
    return fault == GRANTS_OK ? reason : deeds_blame(deeds, fault);
}

static enum request_reason close_all(struct deeds *deeds, const struct closing *closing)
{
    enum grants_fault fault = GRANTS_OK;
    struct told told = {0};
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;
    uint64_t count = 0;
    uint64_t stranded = 0;
    enum request_reason reason;

    reason = finish_all(deeds, closing->wish->gate);
    if (reason == REQUEST_DONE)
        reason = begin_closing(deeds, closing, &count);
    while (reason == REQUEST_DONE && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (is_meant(closing, &grant) && grant.step == GRANT_CLOSING) {
            reason = finish(deeds, &grant, slot, &told);
            if (deeds_is_stranded(deeds->wall.gates, &grant) && stranded++ == 0)
                deeds_say_stranded(deeds, &grant, 0);
        }
    if (fault != GRANTS_OK)
        reason = deeds_blame(deeds, fault);
    if (reason != REQUEST_DONE)
        return reason;
    return stranded > 0 ? REQUEST_FAILED : count == 0 ? REQUEST_NOT_OPEN : REQUEST_DONE;
}

static bool is_lost(const struct lost *lost, const struct grant *grant)
{
    if (strcmp(grant->gate, lost->gate) != 0)
        return false;
    if (lost->network == NULL)
        return strcmp(grant->user, lost->user) == 0;
    if (memcmp(&grant->network, lost->network, sizeof grant->network) == 0)
        return true;
    return lost->network->prefix == 128 && grant->network.prefix >= GATES_PREFIX_LEAST &&
           !gates_is_ipv4(&grant->network) && gates_lies_within(lost->network, &grant->network);
}

enum request_reason deeds_forget(struct deeds *deeds, const struct lost *lost)
{
    enum grants_fault fault = GRANTS_OK;
    enum grants_fault removed = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;
    bool any = false;
    bool kept = false;

    while (removed == GRANTS_OK && grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        if (!is_lost(lost, &grant))
            continue;
        if (grant.by_commands) {
            deeds_say_stranded(deeds, &grant, 0);
            kept = true;
            continue;
        }
        removed = grants_remove(&deeds->record, slot);
        grant.end = GRANT_REVOKED;
        if (removed == GRANTS_OK)
            deeds_log_end(&grant);
        any = true;
    }
    fault = fault == GRANTS_OK ? removed : fault;
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    return kept ? REQUEST_FAILED : any ? REQUEST_DONE : REQUEST_NOT_OPEN;
}

static bool is_always_let_in(const struct gates *gates, const struct wish *wish)
{
    for (size_t i = 0; i < gates->always_count && !wish->gate->by_commands; i++)
        if (gates_lies_within(&wish->network, &gates->always[i]))
            return true;
    return false;
}

/* What still lets the network in. */
static enum request_reason find_cover(struct deeds *deeds, const struct wish *wish)
{
    struct cover *cover = &deeds->cover;
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *cover = (struct cover){.always = is_always_let_in(deeds->wall.gates, wish)};
    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        const uint64_t left_ms = left_of(deeds, &grant);

        if (left_ms <= cover->left_ms || strcmp(grant.gate, wish->gate->name) != 0 ||
            !gates_lies_within(&wish->network, &grant.network))
            continue;
        cover->left_ms = left_ms;
        cover->network = grant.network;
        memcpy(cover->user, grant.user, sizeof cover->user);
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

static void log_cover(const struct wish *wish, const struct cover *cover)
{
    char network[ADDRESS_TEXT_LEN];
    char by[ADDRESS_TEXT_LEN];

    address_format_source(&wish->network, network);
    address_format_source(&cover->network, by);
    if (cover->always)
        tell_done(LOG_NOTICE, "still open gate=%s network=%s by=ALWAYS", wish->gate->name, network);
    else if (cover->left_ms > 0)
        tell_done(LOG_NOTICE, "still open gate=%s network=%s by=%s user=%s left=%" PRIu64, wish->gate->name, network,
                  by, cover->user, cover->left_ms / MS);
}

enum request_reason deeds_close(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_REVOKED};
    const enum request_reason reason = close_all(deeds, &closing);

    if ((reason == REQUEST_DONE || reason == REQUEST_NOT_OPEN) && find_cover(deeds, wish) == REQUEST_DONE)
        log_cover(wish, &deeds->cover);
    return reason;
}

enum request_reason deeds_close_user(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_REVOKED, .everywhere = true};

    return close_all(deeds, &closing);
}

enum request_reason deeds_close_others(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_CLEARED, .others = true};
    const enum request_reason reason = close_all(deeds, &closing);

    return reason == REQUEST_NOT_OPEN ? REQUEST_DONE : reason;
}
