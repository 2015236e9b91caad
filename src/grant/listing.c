/* SPDX-License-Identifier: ISC */
/* See listing.h. */
#include "listing.h"

#include "address.h"
#include "clock.h"
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

/* ---- Reading ---- */

static struct listing_row *add_row(struct listing *listing, size_t *room)
{
    if (listing->count == *room) {
        const size_t more = *room == 0 ? 64 : *room * 2;
        struct listing_row *rows = reallocarray(listing->rows, more, sizeof *rows);

        if (rows == NULL) {
            tell_wrong(LOG_ERR, "there is no memory for all grants");
            return NULL;
        }
        listing->rows = rows;
        *room = more;
    }
    return &listing->rows[listing->count++];
}

/* missing: the firewall says that it has it not. */
static const char *state_of(const struct listing_row *row, enum grant_time time, const struct gate *gate, bool missing)
{
    if (row->grant.step == GRANT_CLOSING)
        return "closing";
    if (time == GRANT_OVER)
        return "over";
    if (gate == NULL)
        return "nogate";
    if (time == GRANT_WAITS)
        return "waiting";
    if (row->grant.step == GRANT_OPENING)
        return "opening";
    return missing ? "missing" : "open";
}

/* seen: which holes some grant is for. */
static void fill_row(const struct deeds *deeds, const struct listing *listing, bool *seen, struct listing_row *row)
{
    const struct gate *gate = gates_find(deeds->wall.gates, row->grant.gate);
    const struct hole *hole = gate == NULL ? NULL : wall_find(&listing->view, gate, &row->grant.network);
    const enum grant_time time = grant_left(&row->grant, deeds->record.latest_ms, &deeds->now, &row->left_ms);
    struct grant counted = row->grant;

    if (time != GRANT_RUNS)
        row->left_ms = 0;
    if (hole != NULL) {
        deeds_count(&counted, hole->packets);
        seen[hole - listing->view.holes] = true;
    }
    row->packets = counted.packets;
    row->state =
        state_of(row, time, gate, gate != NULL && hole == NULL && wall_sees(&deeds->wall, &listing->view, gate));
}

static enum request_reason read_record(struct deeds *deeds, struct listing *listing, bool *seen, size_t *room)
{
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        struct listing_row *row = add_row(listing, room);

        if (row == NULL)
            return REQUEST_FAILED;
        *row = (struct listing_row){.grant = grant};
        fill_row(deeds, listing, seen, row);
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

/* What the firewall lets through for which there is no grant. */
static enum request_reason add_unrecorded(struct listing *listing, const bool *seen, size_t *room)
{
    for (size_t i = 0; i < listing->view.count; i++) {
        const struct hole *hole = &listing->view.holes[i];
        struct listing_row *row;

        if (seen[i])
            continue;
        row = add_row(listing, room);
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

enum request_reason listing_read(struct deeds *deeds, struct listing *listing)
{
    enum request_reason reason;
    size_t room = 0;
    bool *seen = NULL;

    *listing = (struct listing){0};
    reason = wall_look(&deeds->wall, &listing->view);
    if (reason == REQUEST_DONE) {
        seen = calloc(listing->view.count + 1, sizeof *seen);
        reason = seen == NULL ? REQUEST_FAILED : read_record(deeds, listing, seen, &room);
    }
    if (reason == REQUEST_DONE)
        reason = add_unrecorded(listing, seen, &room);
    free(seen);
    return reason;
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
