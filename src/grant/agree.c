/* SPDX-License-Identifier: ISC */
/*
 * See agree.h. First for all gates of nftables, then for each gate by commands, the rows of the record are read in the
 * order of the firewall's holes; each group of rows with one gate and network is compared with the hole that it should
 * have.
 */
#include "agree.h"

#include "address.h"
#include "deeds_log.h"
#include "lost.h"
#include "now.h"
#include "steps.h"
#include "tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MS           1000
#define UNKNOWN_USER "nobody" /* to the command that shuts what nobody was granted */
#define TURN_MS      25000    /* at a gate by commands: what those of two others may take, and a little more */
#define APART_MS     3000     /* the firewall's times are whole seconds, and some time has passed since it was asked */

struct row {
    struct grant grant;
    const struct gate *gate; /* NULL: the configuration has it no more */
    uint64_t slot;
    enum grant_time time;
    uint64_t left_ms;
    bool counted; /* packets have come: to be written */
    bool changed; /* more than that: to be on the disk before the firewall is told */
    bool renewed; /* by use: to be said when it is done */
    bool asks;    /* change says what the firewall is asked for */
    size_t change;
};

struct agreement {
    struct deeds *deeds;
    const struct gate *gate; /* by commands, whose rows and holes these are; NULL: those of all other gates */
    struct row *rows;
    size_t count;
    struct wall_view view;
    struct wall_change *changes;
    size_t change_count;
    struct nft_lengths *lengths; /* one for each gate */
};

/* ---- Reading ---- */

static bool add_row(struct agreement *all, const struct row *row, size_t *room)
{
    if (all->count == *room) {
        const size_t more = *room == 0 ? 64 : *room * 2;
        struct row *rows = reallocarray(all->rows, more, sizeof *rows);

        if (rows == NULL)
            return false;
        all->rows = rows;
        *room = more;
    }
    all->rows[all->count++] = *row;
    return true;
}

static enum request_reason read_rows(struct agreement *all)
{
    struct deeds *deeds = all->deeds;
    enum grants_fault fault = GRANTS_OK;
    struct row row = {0};
    uint64_t at = 0;
    size_t room = 0;

    while (grants_next(&deeds->record, &at, &row.grant, &row.slot, &fault)) {
        row.gate = gates_find(deeds->wall.gates, row.grant.gate);
        if (all->gate != (row.gate != NULL && row.gate->by_commands ? row.gate : NULL))
            continue;
        row.time = grant_left(&row.grant, deeds->record.latest_ms, &deeds->now, &row.left_ms);
        if (!add_row(all, &row, &room)) {
            tell_wrong(LOG_ERR, "there is no memory for all grants");
            return REQUEST_FAILED;
        }
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* In the order of the firewall's holes; of those with one hole, the longest first. */
static int compare_rows(const void *one, const void *other)
{
    const struct row *row = one;
    const struct row *next = other;
    const struct hole hole = {.gate = next->gate, .network = next->grant.network};
    const int order = wall_compare(row->gate, &row->grant.network, &hole);

    if (order != 0)
        return order;
    return row->left_ms == next->left_ms ? 0 : row->left_ms > next->left_ms ? -1 : 1;
}

/* ---- What each grant comes to ---- */

static void end_row(struct row *row)
{
    row->grant.step = GRANT_CLOSING;
    row->grant.end = GRANT_EXPIRED;
    row->left_ms = 0;
    row->changed = true;
}

/* What has come through since the last look renews it, where its gate says so. */
static void renew_by_use(const struct deeds *deeds, struct row *row)
{
    const struct grant_order order = {.lifetime_s = row->grant.lifetime_s, .latest_ms = deeds->record.latest_ms};
    const uint64_t before_ms = row->left_ms;

    grant_set_times(&row->grant, &order, &deeds->now);
    row->time = grant_left(&row->grant, deeds->record.latest_ms, &deeds->now, &row->left_ms);
    row->renewed = row->left_ms > before_ms + APART_MS;
    if (row->renewed) {
        row->grant.step = GRANT_OPENING;
        row->changed = true;
    }
}

static void judge_row(const struct agreement *all, struct row *row)
{
    const struct deeds *deeds = all->deeds;
    const struct hole *hole = row->gate == NULL ? NULL : wall_find(&all->view, row->gate, &row->grant.network);
    const uint64_t packets = row->grant.packets;

    if (row->grant.step == GRANT_CLOSING)
        row->left_ms = 0;
    else if (row->time == GRANT_OVER)
        end_row(row);
    if (row->grant.step == GRANT_CLOSING || row->time != GRANT_RUNS)
        return;
    /* A gate that was of nftables, or of which it is not known: its commands have not opened this one yet. */
    row->changed = row->gate != NULL && row->gate->by_commands && !row->grant.by_commands;
    if (row->changed) {
        row->grant.by_commands = true;
        row->grant.step = GRANT_OPENING;
    }
    row->changed |= grant_set_clocks(&row->grant, deeds->record.latest_ms, &deeds->now);
    if (hole == NULL)
        return;
    steps_count(&row->grant, hole->packets);
    row->counted = row->grant.packets != packets;
    if (row->counted && row->gate->renew == GATE_RENEW_USE)
        renew_by_use(deeds, row);
}

/* The first grant at a gate that is not in the configuration any more; NULL: there is none. */
static const struct grant *find_orphan(const struct agreement *all, bool by_commands)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].gate == NULL && all->rows[i].grant.step != GRANT_CLOSING &&
            all->rows[i].grant.by_commands == by_commands)
            return &all->rows[i].grant;
    return NULL;
}

/*
 * Such grants run out without a firewall to be told. Where commands had opened one somebody has to act, and hears of it
 * until he has; else nobody is let in by it, and it is said when the rules are loaded.
 */
static void say_orphans(const struct agreement *all, enum agree_way way)
{
    const struct grant *by_commands = find_orphan(all, true);
    const struct grant *by_nft = way == AGREE_LOAD ? find_orphan(all, false) : NULL;
    const char *path = all->deeds->wall.gates->path;

    if (by_commands != NULL)
        tell_wrong(
            LOG_WARNING,
            "the record has a grant at gate '%s', which %s has not: the other firewall lets it in until its time "
            "is up, or longer: put the gate back and run 'ostgrant revoke'",
            by_commands->gate, path);
    if (by_nft != NULL)
        tell_wrong(
            LOG_NOTICE,
            "the record has a grant at gate '%s', which %s has not: it lets nobody in, and is kept until its time "
            "is up",
            by_nft->gate, path);
}

/* ---- What the firewall needs ---- */

static void add_change(struct agreement *all, bool opens, const struct hole *hole)
{
    all->changes[all->change_count++] = (struct wall_change){.opens = opens, .hole = *hole};
}

static void use_length(struct agreement *all, const struct hole *hole)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct nft_lengths *lengths = &all->lengths[hole->gate - all->deeds->wall.gates->list];
    const struct source *network = &hole->network;

    if (network->prefix >= 96 && memcmp(network->address, mapped, sizeof mapped) == 0)
        lengths->ipv4[network->prefix - 96] = true;
    else
        lengths->ipv6[network->prefix] = true;
}

/* Is the hole as long as it has to be, give or take what asking takes? One by commands has no end that could be seen.
 */
static bool fits(const struct hole *has, const struct hole *wanted)
{
    if (has == NULL)
        return false;
    return has->gate->by_commands || (has->left_ms != 0 && has->left_ms < wanted->left_ms + APART_MS &&
                                      wanted->left_ms < has->left_ms + APART_MS);
}

/* The rows from first to behind have one hole. */
static void compare_group(struct agreement *all, size_t first, size_t behind)
{
    const struct row *row = &all->rows[first];
    struct hole wanted = {.gate = row->gate, .network = row->grant.network, .user = row->grant.user};
    const struct hole *has = wall_find(&all->view, row->gate, &row->grant.network);
    bool asks = false;

    for (size_t i = first; i < behind; i++) {
        const struct row *one = &all->rows[i];

        if (one->grant.last_packets > wanted.packets)
            wanted.packets = one->grant.last_packets;
        if (one->time == GRANT_RUNS && one->left_ms > wanted.left_ms) {
            wanted.left_ms = one->left_ms;
            wanted.user = one->grant.user;
        }
        asks |= one->grant.step != GRANT_OPEN;
    }
    if (wanted.left_ms > 0)
        use_length(all, &wanted);
    /* A gate whose commands cannot list is told of nothing but what has changed. */
    if (!wall_sees(&all->deeds->wall, &all->view, row->gate) && !asks)
        return;
    /* What the kernel has can be seen; of commands, whatever was begun is done once more. */
    if ((wanted.left_ms > 0 ? fits(has, &wanted) : has == NULL) && !(asks && row->gate->by_commands))
        return;
    for (size_t i = first; i < behind; i++) {
        all->rows[i].asks = true;
        all->rows[i].change = all->change_count;
    }
    add_change(all, wanted.left_ms > 0, &wanted);
}

static void compare_groups(struct agreement *all)
{
    size_t first = 0;

    while (first < all->count) {
        const struct row *row = &all->rows[first];
        const struct hole hole = {.gate = row->gate, .network = row->grant.network};
        size_t behind = first + 1;

        while (behind < all->count &&
               wall_compare(all->rows[behind].gate, &all->rows[behind].grant.network, &hole) == 0)
            behind++;
        if (row->gate != NULL)
            compare_group(all, first, behind);
        first = behind;
    }
}

static bool has_row(const struct agreement *all, const struct hole *hole)
{
    const struct row wanted = {.gate = hole->gate, .grant.network = hole->network, .left_ms = UINT64_MAX};
    size_t low = 0;
    size_t high = all->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare_rows(&all->rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < all->count && wall_compare(hole->gate, &hole->network,
                                            &(const struct hole){.gate = all->rows[low].gate,
                                                                 .network = all->rows[low].grant.network}) == 0;
}

/* What is open without a grant. */
static void shut_unrecorded(struct agreement *all)
{
    char network[ADDRESS_TEXT_LEN];

    for (size_t i = 0; i < all->view.count; i++) {
        struct hole hole = all->view.holes[i];

        if (has_row(all, &hole))
            continue;
        hole.user = UNKNOWN_USER;
        add_change(all, false, &hole);
        address_format_source(&hole.network, network);
        tell_done(LOG_WARNING, "ended gate=%s network=%s user=- reason=unrecorded packets=%" PRIu64, hole.gate->name,
                  network, hole.packets);
    }
}

/* ---- Writing ---- */

/* What is about to be done is in the record, and on the disk, first. What has merely been counted need not be. */
static enum request_reason write_ahead(struct agreement *all)
{
    struct deeds *deeds = all->deeds;
    enum grants_fault fault = GRANTS_OK;
    bool any = false;

    for (size_t i = 0; i < all->count && fault == GRANTS_OK; i++)
        if (all->rows[i].changed || all->rows[i].counted) {
            fault = grants_put(&deeds->record, &all->rows[i].grant, &all->rows[i].slot);
            any |= all->rows[i].changed;
        }
    if (fault == GRANTS_OK && any)
        fault = grants_sync(&deeds->record);
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* Is there something to be finished, and has the firewall done it? */
static bool is_done(const struct agreement *all, const struct row *row)
{
    if (row->grant.step == GRANT_OPEN || (row->grant.step == GRANT_OPENING && row->time != GRANT_RUNS))
        return false;
    return !row->asks || all->changes[row->change].done;
}

/* The firewall has it. */
static enum grants_fault finish_row(struct deeds *deeds, struct row *row)
{
    enum grants_fault fault;

    if (row->grant.step == GRANT_CLOSING) {
        fault = grants_remove(&deeds->record, row->slot);
        if (fault == GRANTS_OK)
            deeds_log_end(&row->grant);
        return fault;
    }
    row->grant.step = GRANT_OPEN;
    fault = grants_put(&deeds->record, &row->grant, &row->slot);
    if (fault == GRANTS_OK && row->renewed)
        deeds_log_renewal(&row->grant, row->left_ms);
    return fault;
}

static bool is_stranded(const struct agreement *all, const struct row *row)
{
    return row->grant.step == GRANT_CLOSING && lost_is_stranded(all->deeds->wall.gates, &row->grant);
}

/* What is over, and may be open where nobody can close it: it stays. */
static void say_stranded(const struct agreement *all)
{
    const struct row *first = NULL;
    uint64_t count = 0;

    for (size_t i = 0; i < all->count; i++)
        if (is_stranded(all, &all->rows[i]) && count++ == 0)
            first = &all->rows[i];
    if (first != NULL)
        lost_say_stranded(all->deeds, &first->grant, count - 1);
}

/* The record was let go while commands ran. */
static bool is_there(const struct agreement *all, const struct row *row, enum grants_fault *fault)
{
    return all->gate == NULL || deeds_is_there(all->deeds, &row->grant, row->slot, fault);
}

static enum request_reason finish_rows(struct agreement *all)
{
    enum grants_fault fault = GRANTS_OK;

    for (size_t i = 0; i < all->count && fault == GRANTS_OK; i++) {
        struct row *row = &all->rows[i];

        if (is_done(all, row) && !is_stranded(all, row) && is_there(all, row, &fault))
            fault = finish_row(all->deeds, row);
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(all->deeds, fault);
}

static enum request_reason allocate(struct agreement *all)
{
    all->changes = calloc(all->count + all->view.count + 1, sizeof *all->changes);
    all->lengths = calloc(all->deeds->wall.gates->count + 1, sizeof *all->lengths);
    if (all->changes != NULL && all->lengths != NULL)
        return REQUEST_DONE;
    tell_wrong(LOG_ERR, "there is no memory for all grants");
    return REQUEST_FAILED;
}

static enum request_reason compare(struct agreement *all, enum agree_way way)
{
    for (size_t i = 0; i < all->count; i++)
        judge_row(all, &all->rows[i]);
    if (all->count > 0)
        qsort(all->rows, all->count, sizeof *all->rows, compare_rows);
    say_orphans(all, way);
    say_stranded(all);
    compare_groups(all);
    shut_unrecorded(all);
    return write_ahead(all);
}

/* Commands keep nobody from the record. */
static enum request_reason apply(struct agreement *all, const struct wall_order *order)
{
    if (all->gate != NULL)
        deeds_let_go(all->deeds);
    return wall_apply(&all->deeds->wall, &all->view, order);
}

/* What could be done is taken note of, whatever else could not. */
static enum request_reason change_wall(struct agreement *all, enum agree_way way)
{
    struct wall_order order = {
        .load = all->gate == NULL && (way == AGREE_LOAD || !all->view.complete),
        .lengths = all->lengths,
        .changes = all->changes,
        .count = all->change_count,
    };
    enum request_reason reason = apply(all, &order);
    enum request_reason finished = REQUEST_DONE;

    if (way == AGREE_TICK && order.load)
        tell_wrong(LOG_WARNING, "the rules were not loaded: from now on what they shut is shut to all who have no "
                                "grant; 'systemctl enable --now ostiary-grants.service' keeps it so over a boot");
    if (reason == REQUEST_NOT_OPEN && !order.load) { /* a set for one of the lengths is missing */
        order.load = true;
        reason = wall_apply(&all->deeds->wall, &all->view, &order);
    }
    if (!all->deeds->record.held)
        finished = deeds_hold_again(all->deeds);
    if (finished == REQUEST_DONE)
        finished = finish_rows(all);
    return reason == REQUEST_DONE ? finished : reason;
}

/*
 * Whoever opens this gate, or shuts it, waits until we have done both: what list= has printed is compared with what the
 * record has of it then.
 */
static enum request_reason look_at_gate(struct agreement *all)
{
    struct deeds *deeds = all->deeds;
    enum request_reason reason;
    enum request_reason held;

    deeds_let_go(deeds);
    reason = deeds_take_turn(deeds, all->gate, TURN_MS);
    if (reason == REQUEST_DONE)
        wall_look_at_gate(&deeds->wall, all->gate, &all->view);
    held = deeds_hold_again(deeds);
    return reason == REQUEST_DONE ? held : reason;
}

static enum request_reason look(struct agreement *all)
{
    return all->gate == NULL ? wall_look_at_rules(&all->deeds->wall, &all->view) : look_at_gate(all);
}

static enum request_reason make_agree(struct agreement *all, enum agree_way way)
{
    enum request_reason reason = look(all);

    now_read(&all->deeds->now); /* it may have taken long */
    if (reason == REQUEST_DONE)
        reason = read_rows(all);
    if (reason == REQUEST_DONE)
        reason = allocate(all);
    if (reason == REQUEST_DONE)
        reason = compare(all, way);
    if (reason == REQUEST_DONE)
        reason = change_wall(all, way);
    return reason == REQUEST_DONE && all->view.unseen != 0 ? REQUEST_FAILED : reason;
}

static enum request_reason agree_at(struct deeds *deeds, const struct gate *gate, enum agree_way way)
{
    struct agreement all = {.deeds = deeds, .gate = gate};
    const enum request_reason reason = make_agree(&all, way);

    wall_free(&all.view);
    free(all.rows);
    free(all.changes);
    free(all.lengths);
    return reason;
}

enum request_reason agree_in_nft(struct deeds *deeds, enum agree_way way)
{
    return agree_at(deeds, NULL, way);
}

/* What fails at one gate keeps nothing from the others, unless it was the record that failed. */
enum request_reason agree(struct deeds *deeds, enum agree_way way)
{
    enum request_reason reason = agree_in_nft(deeds, way);

    for (size_t i = 0; i < deeds->wall.gates->count && !deeds->record_failed; i++) {
        const struct gate *gate = &deeds->wall.gates->list[i];
        const enum request_reason here = gate->by_commands ? agree_at(deeds, gate, way) : REQUEST_DONE;

        deeds_give_turn(deeds);
        if (reason == REQUEST_DONE)
            reason = here;
    }
    return reason;
}

enum request_reason agree_on_rules(struct deeds *deeds, enum agree_way way)
{
    struct agreement all = {.deeds = deeds};
    enum request_reason reason = wall_look_at_rules(&deeds->wall, &all.view);

    if (reason == REQUEST_DONE)
        reason = allocate(&all);
    if (reason == REQUEST_DONE && (way == AGREE_LOAD || !all.view.complete)) {
        const struct wall_order order = {.load = true, .lengths = all.lengths};

        for (size_t i = 0; i < all.view.count; i++)
            use_length(&all, &all.view.holes[i]);
        reason = wall_apply(&deeds->wall, &all.view, &order);
    }
    wall_free(&all.view);
    free(all.changes);
    free(all.lengths);
    return reason;
}
