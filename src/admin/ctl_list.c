/* SPDX-License-Identifier: ISC */
/* ostiaryctl list: who is in the table, for people and for programs. It only reads. See ctl.h. */
#include "address.h"
#include "ctl.h"
#include "enclosing.h"
#include "json.h"
#include "slot.h"
#include "when.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One record, as it is now. */
struct row {
    struct source source;
    bool network;
    bool locked;
    bool by_hand;
    bool spares_known; /* the lock does */
    uint64_t until;    /* s, or LOCKOUT_FOREVER; 0 when not locked */
    uint64_t strikes;
    uint64_t refused;
    uint64_t last_seen; /* s; 0: never */
};

struct list {
    const struct ctl *ctl;
    struct moment moment;
    uint64_t now; /* of the wall clock, s */
    bool limited; /* to what has to do with this: */
    struct source limit;
    struct row *rows;
    size_t count;
    size_t room;
    size_t locked;
    size_t with_strikes;
    struct manage_totals totals;
    struct ctl_closings doors;
};

static bool is_ipv4(const struct source *source)
{
    struct address first;

    memcpy(first.bytes, source->address, sizeof(first.bytes));
    return address_is_ipv4(&first);
}

/* IPv4 is written within ::/64, but the source of that name is ::1 and its like alone. */
static bool has_to_do_with(const struct source *limit, const struct source *source)
{
    if (address_covers(limit, source))
        return true;
    return address_covers(source, limit) && is_ipv4(source) == is_ipv4(limit);
}

static bool add(void *context, const struct manage_entry *entry)
{
    struct list *list = context;
    const struct record_slot *slot = entry->slot;
    const struct config *config = &list->ctl->config;
    const bool locked = slot_in_force(slot, list->now);
    const uint64_t strike_time = slot->source.is_network
                                     ? enclosing_strike_time(config->strike_time, config->lockout_time)
                                     : config->strike_time;
    const struct row row = {
        .source = slot->source,
        .network = entry->network,
        .locked = locked,
        .by_hand = locked && slot->by_hand,
        .spares_known = locked && !slot->by_hand && enclosing_spares_known(&slot->source),
        .until = locked ? slot->locked_until : 0,
        .strikes = slot_strikes(slot, strike_time, list->now),
        .refused = slot->refusals,
        .last_seen = slot->last_seen,
    };

    if (list->limited ? !has_to_do_with(&list->limit, &row.source) : ctl_is_free_network(entry, list->now))
        return true;
    if (list->count == list->room) {
        list->room = list->room == 0 ? 64 : 2 * list->room;
        list->rows = reallocarray(list->rows, list->room, sizeof(*list->rows));
        if (list->rows == NULL)
            err(CTL_OS, "no memory for %zu sources", list->room);
    }
    list->rows[list->count++] = row;
    list->locked += row.locked ? 1 : 0;
    list->with_strikes += row.strikes != 0 && !row.source.is_network ? 1 : 0;
    return true;
}

/* The longest lock first, then the most strikes, then who was seen last. */
static int order(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;

    if (a->until != b->until)
        return a->until > b->until ? -1 : 1;
    if (a->strikes != b->strikes)
        return a->strikes > b->strikes ? -1 : 1;
    if (a->last_seen != b->last_seen)
        return a->last_seen > b->last_seen ? -1 : 1;
    return memcmp(a->source.address, b->source.address, sizeof(a->source.address));
}

static void print_row(const struct list *list, const struct row *row, int width)
{
    char source[ADDRESS_TEXT_LEN];
    char seen[WHEN_TEXT_LEN] = "-";
    char left[WHEN_TEXT_LEN];
    char locked[WHEN_TEXT_LEN + 32] = "-";
    const char *whom = row->spares_known ? ", for new sources" : "";

    address_format_source(&row->source, source);
    if (row->last_seen != 0)
        when_format_past(list->now, row->last_seen, seen);
    if (row->locked && row->until == LOCKOUT_FOREVER) {
        snprintf(locked, sizeof(locked), "until unlocked%s", whom);
    } else if (row->locked) {
        when_format_span(row->until - list->now, left);
        snprintf(locked, sizeof(locked), "%s left%s", left, whom);
    }
    printf("%-*s  %7" PRIu64 "  %7" PRIu64 "  %-13s  %s\n", width, source, row->strikes, row->refused, seen, locked);
}

static void print_closed(const char *name, const struct ctl_closed *door)
{
    if (door->closed)
        printf("; %s is closed%s%s: %s", name, door->has_since ? " since " : "", door->since, ctl_closed_reason(door));
}

static void print_totals(const struct list *list)
{
    if (list->count == 0)
        fputs(list->limited ? "no such source" : "no sources", stdout);
    else
        printf("%zu %s, %zu locked", list->count, list->count == 1 ? "source" : "sources", list->locked);
    print_closed("the door", &list->doors.own);
    for (enum doors door = 0; door < DOOR_EVERY; door++) {
        char name[64];

        snprintf(name, sizeof(name), "the %s door", ctl_door_name(door));
        print_closed(name, &list->doors.others[door]);
    }
    putchar('\n');
}

static void print_people(const struct list *list)
{
    size_t width = strlen("SOURCE");

    for (size_t i = 0; i < list->count; i++) {
        char source[ADDRESS_TEXT_LEN];

        address_format_source(&list->rows[i].source, source);
        if (strlen(source) > width)
            width = strlen(source);
    }
    if (list->count != 0)
        printf("%-*s  STRIKES  REFUSED  %-13s  LOCKED\n", (int)width, "SOURCE", "LAST SEEN");
    for (size_t i = 0; i < list->count; i++)
        print_row(list, &list->rows[i], (int)width);
    print_totals(list);
}

static void json_moment(struct json *json, const char *name, bool known, uint64_t moment)
{
    char text[WHEN_TEXT_LEN];

    if (known)
        when_format_utc(moment, text);
    json_text(json, name, known ? text : NULL);
}

static void print_json_row(struct json *json, const struct row *row)
{
    char source[ADDRESS_TEXT_LEN];

    address_format_source(&row->source, source);
    json_open_object(json, NULL);
    json_text(json, "source", source);
    json_bool(json, "network", row->network);
    json_number(json, "strikes", row->strikes);
    json_number(json, "refused", row->refused);
    json_moment(json, "last_seen", row->last_seen != 0, row->last_seen);
    json_bool(json, "locked", row->locked);
    json_moment(json, "locked_until", row->locked && row->until != LOCKOUT_FOREVER, row->until);
    json_bool(json, "by_hand", row->by_hand);
    json_close_object(json);
}

static void print_json(const struct list *list)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_open_array(&json, "sources");
    for (size_t i = 0; i < list->count; i++)
        print_json_row(&json, &list->rows[i]);
    json_close_array(&json);
    json_open_object(&json, "totals");
    json_number(&json, "sources", list->count);
    json_number(&json, "locked", list->locked);
    json_number(&json, "with_strikes", list->with_strikes);
    json_number(&json, "errors", list->totals.total_errors);
    json_number(&json, "places", list->totals.places);
    json_number(&json, "used", list->totals.used);
    json_number(&json, "damaged", list->totals.damaged);
    json_close_object(&json);
    ctl_closings_json(&json, &list->doors);
    json_close_object(&json);
    json_end(&json);
}

/* Everything that is known, into the list. */
static void read_all(struct ctl *ctl, struct list *list)
{
    const enum doors door = which_door(ctl->config_path);
    enum store_fault fault;
    const int dir_fd = ctl_open_directory(ctl);

    fault = ctl_read_closings(dir_fd, door, &list->doors);
    if (fault == STORE_OK && ctl_open_table(ctl, true)) {
        fault = ctl_read_promises(ctl, door, &list->doors);
        if (fault == STORE_OK)
            fault = manage_each(&ctl->store, &list->moment, add, list, &list->totals);
    }
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    if (list->count != 0)
        qsort(list->rows, list->count, sizeof(*list->rows), order);
}

enum ctl_status ctl_list(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"codes", no_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"secrets", no_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    struct list list = {.ctl = ctl, .moment = ctl_now()};
    bool as_json = false;
    char **arguments;
    int option, what = 0;

    while ((option = ctl_option(argc, argv, ":", options)) != -1) {
        as_json |= option == 'j';
        if (option != 'j' && what != 0)
            ctl_usage("--codes and --secrets exclude each other");
        if (option != 'j')
            what = option;
    }
    arguments = ctl_arguments(argc, argv, 0, what == 0 ? 1 : 0);
    if (what != 0)
        return ctl_list_used(ctl, what == 'c', as_json);
    list.now = list.moment.wall_ms / 1000;
    list.limited = arguments[0] != NULL;
    if (list.limited)
        ctl_parse_network(arguments[0], &list.limit);

    ctl_load(ctl);
    read_all(ctl, &list);
    if (as_json)
        print_json(&list);
    else
        print_people(&list);
    if (list.totals.damaged != 0)
        warnx("%s: %" PRIu64 " places are damaged: run '%s verify'", ctl->config.state_dir, list.totals.damaged,
              ctl->self);
    free(list.rows);
    return CTL_OK;
}
