/* SPDX-License-Identifier: ISC */
/* See listing.h. */
#include "listing.h"

#include "address.h"
#include "clock.h"
#include "lost.h"
#include "steps.h"
#include "tell.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MS     1000
#define MINUTE 60
#define HOUR   3600
#define DAY    86400

#define LEFT_LEN 32

/* ---- The record ---- */

static struct listing_row *add_row(struct listing *listing)
{
    if (listing->count == listing->room) {
        const size_t more = listing->room == 0 ? 64 : listing->room * 2;
        struct listing_row *rows = reallocarray(listing->rows, more, sizeof *rows);

        if (rows == NULL) {
            tell_wrong(LOG_ERR, "there is no memory for all grants");
            return NULL;
        }
        listing->rows = rows;
        listing->room = more;
    }
    return &listing->rows[listing->count++];
}

static const char *state_of(const struct gates *gates, const struct grant *grant, enum grant_time time)
{
    if (grant->step == GRANT_CLOSING)
        return lost_is_stranded(gates, grant) ? "stranded" : "closing";
    if (time == GRANT_OVER)
        return "over";
    if (gates_find(gates, grant->gate) == NULL)
        return "nogate";
    if (time == GRANT_WAITS)
        return "waiting";
    return grant->step == GRANT_OPENING ? "opening" : "open";
}

static void fill_row(const struct deeds *deeds, const struct grant *grant, struct listing_row *row)
{
    uint64_t left_ms = 0;
    const enum grant_time time = grant_left(grant, deeds->record.latest_ms, &deeds->now, &left_ms);

    *row = (struct listing_row){
        .grant = *grant,
        .left_ms = time == GRANT_RUNS ? left_ms : 0,
        .packets = grant->packets,
        .state = state_of(deeds->wall.gates, grant, time),
    };
}

enum request_reason listing_read(struct deeds *deeds, const char *user, struct listing *listing)
{
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *listing = (struct listing){0};
    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        struct listing_row *row;

        if (user != NULL && strcmp(grant.user, user) != 0)
            continue;
        row = add_row(listing);
        if (row == NULL)
            return REQUEST_FAILED;
        fill_row(deeds, &grant, row);
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* ---- The firewall ---- */

static void see_hole(struct listing_row *row, uint64_t packets)
{
    struct grant counted = row->grant;

    steps_count(&counted, packets);
    row->packets = counted.packets;
}

/* The firewall says that it has it not. */
static void miss_hole(struct listing_row *row)
{
    if (strcmp(row->state, "open") == 0)
        row->state = "missing";
}

/* seen: which holes some grant is for. */
static void compare_row(const struct deeds *deeds, const struct listing *listing, bool *seen, struct listing_row *row)
{
    const struct gate *gate = gates_find(deeds->wall.gates, row->grant.gate);
    const struct hole *hole = gate == NULL ? NULL : wall_find(&listing->view, gate, &row->grant.network);

    if (hole != NULL) {
        see_hole(row, hole->packets);
        seen[hole - listing->view.holes] = true;
    } else if (gate != NULL && wall_sees(&deeds->wall, &listing->view, gate)) {
        miss_hole(row);
    }
}

/* What the firewall lets through for which there is no grant. */
static enum request_reason add_unrecorded(struct listing *listing, const bool *seen)
{
    for (size_t i = 0; i < listing->view.count; i++) {
        const struct hole *hole = &listing->view.holes[i];
        struct listing_row *row;

        if (seen[i])
            continue;
        row = add_row(listing);
        if (row == NULL)
            return REQUEST_FAILED;
        *row = (struct listing_row){
            .grant.network = hole->network,
            .grant.user = "-",
            .left_ms = hole->left_ms,
            .packets = hole->packets,
            .state = "unrecorded",
        };
        snprintf(row->grant.gate, sizeof row->grant.gate, "%s", hole->gate->name);
    }
    return REQUEST_DONE;
}

/*
 * libnftables leaves out what it has no memory for, and does not say so. The first grant that seems to be missing is
 * asked for by itself.
 */
static bool is_believable(struct deeds *deeds, const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct listing_row *row = &listing->rows[i];
        const struct gate *gate = gates_find(deeds->wall.gates, row->grant.gate);
        uint64_t packets;

        if (gate == NULL || gate->by_commands || strcmp(row->state, "open") != 0)
            continue;
        if (wall_find(&listing->view, gate, &row->grant.network) == NULL)
            return wall_ask(&deeds->wall, gate, &row->grant.network, &packets) != WALL_HAS;
    }
    return true;
}

enum request_reason listing_look(struct deeds *deeds, struct listing *listing)
{
    enum request_reason reason = wall_look(&deeds->wall, &listing->view);
    bool *seen = NULL;

    if (reason == REQUEST_DONE && !is_believable(deeds, listing)) {
        wall_free(&listing->view);
        reason = wall_look(&deeds->wall, &listing->view);
    }
    if (reason == REQUEST_DONE) {
        seen = calloc(listing->view.count + 1, sizeof *seen);
        if (seen == NULL) {
            tell_wrong(LOG_ERR, "there is no memory for all that the firewall has");
            reason = REQUEST_FAILED;
        }
    }
    if (reason == REQUEST_DONE) {
        for (size_t i = 0; i < listing->count; i++)
            compare_row(deeds, listing, seen, &listing->rows[i]);
        reason = add_unrecorded(listing, seen);
    }
    free(seen);
    return reason;
}

void listing_look_at_each(struct deeds *deeds, struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct listing_row *row = &listing->rows[i];
        const struct gate *gate = gates_find(deeds->wall.gates, row->grant.gate);
        uint64_t packets = 0;

        if (gate == NULL)
            continue;
        switch (wall_ask(&deeds->wall, gate, &row->grant.network, &packets)) {
        case WALL_HAS:
            see_hole(row, packets);
            break;
        case WALL_HAS_NOT:
            miss_hole(row);
            break;
        case WALL_UNKNOWN:
            break;
        }
    }
}

void listing_free(struct listing *listing)
{
    wall_free(&listing->view);
    free(listing->rows);
    *listing = (struct listing){0};
}

/* ---- Printing ---- */

static bool is_of(const struct listing_row *row, const char *user)
{
    return user == NULL || strcmp(row->grant.user, user) == 0;
}

/* "24h 59m", "12m 5s", "3d 2h": the two largest units. */
static void format_left(const struct listing_row *row, char text[static LEFT_LEN])
{
    const uint64_t seconds = (row->left_ms + MS - 1) / MS;

    if (row->left_ms == 0)
        snprintf(text, LEFT_LEN, "%s", strcmp(row->state, "unrecorded") == 0 ? "no end" : "-");
    else if (seconds >= DAY)
        snprintf(text, LEFT_LEN, "%" PRIu64 "d %" PRIu64 "h", seconds / DAY, seconds % DAY / HOUR);
    else if (seconds >= HOUR)
        snprintf(text, LEFT_LEN, "%" PRIu64 "h %" PRIu64 "m", seconds / HOUR, seconds % HOUR / MINUTE);
    else if (seconds >= MINUTE)
        snprintf(text, LEFT_LEN, "%" PRIu64 "m %" PRIu64 "s", seconds / MINUTE, seconds % MINUTE);
    else
        snprintf(text, LEFT_LEN, "%" PRIu64 "s", seconds);
}

void listing_print(const struct listing *listing, const char *user, FILE *out)
{
    fprintf(out, "%-27s %-15s %-12s %-9s %8s  %s\n", "ADDRESS", "USER", "GATE", "LEFT", "USE", "STATE");
    for (size_t i = 0; i < listing->count; i++) {
        const struct listing_row *row = &listing->rows[i];
        char network[ADDRESS_TEXT_LEN];
        char left[LEFT_LEN];

        if (!is_of(row, user))
            continue;
        address_format_source(&row->grant.network, network);
        format_left(row, left);
        fprintf(out, "%-27s %-15s %-12s %-9s %8" PRIu64 "  %s\n", network, row->grant.user, row->grant.gate, left,
                row->packets, row->state);
    }
}

static json_t *row_json(const struct listing_row *row)
{
    char network[ADDRESS_TEXT_LEN];
    char since[CLOCK_UTC_LEN] = "";
    json_t *since_json = json_null();

    address_format_source(&row->grant.network, network);
    if (row->grant.since_wall_ms != 0 && clock_format_utc(row->grant.since_wall_ms / MS, since) == 0)
        since_json = json_string(since);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:s, s:s}", "gate", row->grant.gate, "network", network, "user",
                     row->grant.user, "left", (json_int_t)((row->left_ms + MS - 1) / MS), "since", since_json,
                     "packets", (json_int_t)row->packets, "state", row->state, "by", grant_by_text(row->grant.by));
}

int listing_print_json(const struct listing *listing, const char *user, FILE *out)
{
    json_t *rows = json_array();
    int result = rows == NULL ? -1 : 0;

    for (size_t i = 0; i < listing->count && result == 0; i++)
        if (is_of(&listing->rows[i], user))
            result = json_array_append_new(rows, row_json(&listing->rows[i]));
    if (result == 0)
        result = json_dumpf(rows, out, JSON_INDENT(2));
    if (result == 0)
        fputc('\n', out);
    json_decref(rows);
    return result;
}
