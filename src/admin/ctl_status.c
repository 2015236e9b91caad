/* SPDX-License-Identifier: ISC */
/* ostiaryctl status: is anybody served, and if not, why. See ctl.h. */
#include "ctl.h"
#include "ctl_used.h"
#include "json.h"
#include "slot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct status {
    const struct ctl *ctl;
    struct moment moment;
    uint64_t now; /* of the wall clock, s */

    struct ctl_listeners listeners;
    bool deaf[CTL_LAYOUTS];

    bool has_config;
    bool no_door;
    bool broken; /* what is wrong with it keeps somebody out */
    struct ctl_findings findings;

    struct ctl_gates gates;

    enum store_fault fault; /* of door and table; ABSENT: no table yet */
    char fault_text[CTL_FAULT_LEN];
    struct ctl_closings doors;
    struct manage_totals totals;
    uint64_t sources;
    uint64_t locked;
    uint64_t with_strikes;
};

static bool count(void *context, const struct manage_entry *entry)
{
    struct status *status = context;

    if (ctl_is_free_network(entry, status->now))
        return true;
    status->sources++;
    if (slot_in_force(entry->slot, status->now))
        status->locked++;
    if (!entry->slot->source.is_network && slot_strikes(entry->slot, status->ctl->config.strike_time, status->now) != 0)
        status->with_strikes++;
    return true;
}

static void read_state(struct ctl *ctl, struct status *status)
{
    int dir_fd;

    status->fault = STORE_OK;
    if (ctl_layout_of(&status->listeners, ctl->config_path, ctl->config.state_dir) == CTL_ORDINARY)
        status->fault = ctl_prove_private(ctl);
    if (status->fault == STORE_OK)
        status->fault = ctl_try_directory(ctl, &dir_fd);
    if (status->fault == STORE_OK) {
        status->fault = ctl_read_closings(dir_fd, which_door(ctl->config_path), &status->doors);
        if (status->fault == STORE_OK)
            status->fault = ctl_prove_table(dir_fd);
        const int error = errno;
        close(dir_fd);
        errno = error;
    }
    if (status->fault == STORE_OK)
        status->fault = ctl_try_table(ctl, true);
    if (status->fault == STORE_OK)
        status->fault = ctl_read_promises(ctl, which_door(ctl->config_path), &status->doors);
    if (status->fault == STORE_OK)
        status->fault = manage_each(&ctl->store, &status->moment, count, status, &status->totals);
    ctl_fault_text(ctl, status->fault, status->fault_text);
}

static bool state_is_known(const struct status *status)
{
    return status->has_config &&
           (status->fault == STORE_OK || status->fault == STORE_ABSENT || status->fault == STORE_OLD);
}

/*
 * Is this socket one of this configuration's door? Without a configuration that can be read, each may be. One that
 * nobody has ever set up is not: it is installed with the other one, and would be shown with the other one's port.
 */
static bool concerns(const struct status *status, enum ctl_layout layout)
{
    const struct units_socket *socket = &status->listeners.sockets[layout];

    return ctl_is_set_up(&status->listeners, status->ctl->config_path, layout) &&
           (status->has_config ? units_is_at(socket, status->ctl->config.state_dir) : socket->installed);
}

/* Is it this configuration's own door? Others may share its table. Where that cannot be told, each may be. */
static bool is_own(const struct status *status, enum ctl_layout layout)
{
    enum ctl_layout own = CTL_LAYOUT_UNKNOWN;

    if (status->has_config)
        own = ctl_layout_of(&status->listeners, status->ctl->config_path, status->ctl->config.state_dir);
    return own == CTL_LAYOUT_UNKNOWN || own == layout;
}

/* Who knocks where the configuration says is not heard elsewhere. */
static bool is_misplaced(const struct status *status, enum ctl_layout layout)
{
    const struct units_socket *socket = &status->listeners.sockets[layout];

    return status->has_config && socket->active && is_own(status, layout) &&
           !ctl_listens_as_written(&status->ctl->config, socket);
}

/* Nothing that can be seen here keeps everybody out, at this configuration's door: another may share its table. */
static bool is_serving(const struct status *status)
{
    bool serving = status->has_config && !status->broken && state_is_known(status) && !status->doors.own.closed;

    for (size_t i = 0; i < CTL_LAYOUTS; i++) {
        const struct units_socket *socket = &status->listeners.sockets[i];

        if (concerns(status, (enum ctl_layout)i) && is_own(status, (enum ctl_layout)i))
            serving &=
                (!socket->enabled || socket->active) && !status->deaf[i] && !is_misplaced(status, (enum ctl_layout)i);
    }
    return serving;
}

/* ---- for people ------------------------------------------------------------------------------------------------ */

static void print_socket(const struct status *status, enum ctl_layout layout)
{
    const struct units_socket *socket = &status->listeners.sockets[layout];
    const char *name = ctl_socket_names[layout];

    printf("%-21s  ", name);
    if (status->deaf[layout])
        fputs("not listening, though systemd takes it for active, on", stdout);
    else if (socket->active)
        fputs("listening on", stdout);
    else
        printf("not listening (%s, %s), on", socket->state, socket->enabled ? "enabled" : "not enabled");
    for (size_t i = 0; i < socket->listen_count; i++)
        printf("%s %s", i == 0 ? "" : ",", socket->listen[i]);
    if (socket->active && !status->deaf[layout])
        printf(": %" PRIu32 " accepted, %" PRIu32 " connected, %" PRIu32 " refused", socket->accepted,
               socket->connected, socket->refused);
    putchar('\n');
    if (is_misplaced(status, layout))
        printf("%-21s  not where PORT and LOCAL_IP say: run 'systemctl daemon-reload && systemctl restart %s'\n", "",
               name);
    else if (status->deaf[layout])
        printf("%-21s  run 'systemctl restart %s'\n", "", name);
    else if (strcmp(socket->state, "failed") == 0)
        printf("%-21s  'systemctl status %s' says why\n", "", name);
}

static void print_listener(const struct status *status)
{
    bool any = false;

    for (size_t i = 0; i < CTL_LAYOUTS; i++) {
        if (!concerns(status, (enum ctl_layout)i))
            continue;
        print_socket(status, (enum ctl_layout)i);
        any = true;
    }
    if (status->listeners.fault == UNITS_NO_SYSTEMD)
        printf("%-21s  unknown: systemd does not run here\n", "listener");
    else if (status->listeners.fault != UNITS_OK)
        printf("%-21s  unknown: systemd cannot be asked: %s\n", "listener", status->listeners.problem);
    else if (!any)
        printf("%-21s  unknown: no socket unit heeds this door\n", "listener");
}

static void print_closed(const char *name, const struct ctl_closed *door)
{
    printf("%-21s  closed%s%s: %s\n", name, door->has_since ? " since " : "", door->since, ctl_closed_reason(door));
}

/* Of the other doors on the table there is something to say where one of them is closed by itself. */
static void print_doors(const struct ctl_closings *doors)
{
    if (doors->own.closed)
        print_closed("door", &doors->own);
    else
        printf("%-21s  open\n", "door");
    for (enum doors door = 0; door < DOOR_EVERY; door++) {
        char name[64];

        snprintf(name, sizeof(name), "%s door", ctl_door_name(door));
        if (doors->others[door].closed)
            print_closed(name, &doors->others[door]);
    }
}

static void print_state(const struct status *status)
{
    if (!status->has_config) {
        printf("%-21s  %s\n", "door",
               status->no_door ? "none: there are gates alone" : "unknown: the configuration has errors");
        return;
    }
    if (!state_is_known(status)) {
        printf("%-21s  nobody gets in: %s\n", "door", status->fault_text);
        return;
    }
    print_doors(&status->doors);
    if (status->fault == STORE_OLD) {
        printf("%-21s  %s\n", "table", status->fault_text);
        return;
    }
    printf("%-21s  %" PRIu64 " %s, %" PRIu64 " locked, %" PRIu64 " with strikes\n", "table", status->sources,
           status->sources == 1 ? "source" : "sources", status->locked, status->with_strikes);
}

static void print_count(const struct ctl_findings *findings, const char *self)
{
    printf("%u %s, %u %s: run '%s check'", findings->errors, findings->errors == 1 ? "error" : "errors",
           findings->warnings, findings->warnings == 1 ? "warning" : "warnings", self);
}

static void print_gates(const struct ctl_gates *gates, const char *self)
{
    if (!gates->there)
        return;
    printf("%-21s  ", "gates");
    if (gates->list_status == CTL_OK)
        printf("%zu %s, %u %s open", gates->count, gates->count == 1 ? "gate" : "gates", gates->open,
               gates->open == 1 ? "grant" : "grants");
    else if (gates->list_status == CTL_NOT_PERMITTED)
        fputs("unknown: root alone can see the firewall", stdout);
    else
        fputs("what is open cannot be said", stdout);
    if (gates->others != 0)
        printf(", %u not: run '%s grants'", gates->others, self);
    if (gates->findings.errors != 0 || gates->findings.warnings != 0) {
        fputs("; ", stdout);
        print_count(&gates->findings, self);
    }
    putchar('\n');
}

static void print_people(const struct status *status)
{
    const struct ctl_findings *findings = &status->findings;

    print_listener(status);
    print_state(status);
    print_gates(&status->gates, status->ctl->self);
    printf("%-21s  %s: ", "configuration", status->ctl->config_path);
    if (findings->errors != 0 || findings->warnings != 0)
        print_count(findings, status->ctl->self);
    else
        fputs(status->no_door ? "not there" : "good", stdout);
    putchar('\n');
}

/* ---- for programs ---------------------------------------------------------------------------------------------- */

static void json_socket(struct json *json, const struct status *status, enum ctl_layout layout)
{
    const struct units_socket *socket = &status->listeners.sockets[layout];

    json_open_object(json, NULL);
    json_text(json, "unit", ctl_socket_names[layout]);
    json_bool(json, "enabled", socket->enabled);
    json_bool(json, "active", socket->active);
    json_text(json, "state", socket->state);
    json_open_array(json, "listen");
    for (size_t i = 0; i < socket->listen_count; i++)
        json_text(json, NULL, socket->listen[i]);
    json_close_array(json);
    json_bool(json, "heard", socket->active && !status->deaf[layout]);
    json_bool(json, "as_written", !is_misplaced(status, layout));
    json_number(json, "accepted", socket->accepted);
    json_number(json, "connected", socket->connected);
    json_number(json, "refused", socket->refused);
    json_close_object(json);
}

static void json_state(struct json *json, const struct status *status)
{
    if (!state_is_known(status)) {
        json_null(json, "closed");
        json_null(json, "others_closed");
        json_null(json, "table");
        json_text(json, "fault", status->has_config ? status->fault_text : NULL);
        return;
    }
    ctl_closings_json(json, &status->doors);
    if (status->fault == STORE_OLD) {
        json_null(json, "table");
        json_text(json, "fault", status->fault_text);
        return;
    }
    json_open_object(json, "table");
    json_number(json, "sources", status->sources);
    json_number(json, "locked", status->locked);
    json_number(json, "with_strikes", status->with_strikes);
    json_number(json, "errors", status->totals.total_errors);
    json_number(json, "places", status->totals.places);
    json_number(json, "used", status->totals.used);
    json_number(json, "damaged", status->totals.damaged);
    json_close_object(json);
    json_null(json, "fault");
}

static void json_gates(struct json *json, const struct ctl_gates *gates)
{
    if (!gates->there) {
        json_null(json, "gates");
        return;
    }
    json_open_object(json, "gates");
    json_number(json, "count", gates->count);
    if (gates->list_status == CTL_OK) {
        json_number(json, "open", gates->open);
        json_number(json, "others", gates->others);
    } else {
        json_null(json, "open");
        json_null(json, "others");
    }
    json_number(json, "errors", gates->findings.errors);
    json_number(json, "warnings", gates->findings.warnings);
    json_close_object(json);
}

static void print_json(const struct status *status)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_bool(&json, "serving", is_serving(status));
    json_bool(&json, "systemd", status->listeners.fault != UNITS_NO_SYSTEMD);
    json_text(&json, "systemd_problem",
              status->listeners.fault == UNITS_NO_BUS || status->listeners.fault == UNITS_FAILED
                  ? status->listeners.problem
                  : NULL);
    json_open_array(&json, "listeners");
    for (size_t i = 0; i < CTL_LAYOUTS; i++)
        if (concerns(status, (enum ctl_layout)i))
            json_socket(&json, status, (enum ctl_layout)i);
    json_close_array(&json);
    json_state(&json, status);
    json_gates(&json, &status->gates);
    json_open_object(&json, "configuration");
    json_text(&json, "file", status->ctl->config_path);
    json_bool(&json, "good", status->findings.errors == 0);
    json_number(&json, "errors", status->findings.errors);
    json_number(&json, "warnings", status->findings.warnings);
    json_close_object(&json);
    json_close_object(&json);
    json_end(&json);
}

enum ctl_status ctl_status(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct status status = {.ctl = ctl, .moment = ctl_now()};
    bool as_json = false;

    while (ctl_option(argc, argv, ":", options) != -1)
        as_json = true;
    ctl_arguments(argc, argv, 0, 0);
    status.now = status.moment.wall_ms / 1000;
    /* As root first, and the table last: its owner may be somebody else. */
    ctl_read_listeners(&status.listeners);
    for (size_t i = 0; i < CTL_LAYOUTS; i++)
        status.deaf[i] = ctl_is_deaf(&status.listeners.sockets[i]);
    status.no_door = ctl_has_no_door(ctl);
    status.has_config = ctl_examine(ctl, &status.listeners, &status.findings);
    status.broken = status.findings.errors != 0;
    ctl_read_gates(ctl, &status.gates);
    if (status.has_config) {
        /* Two who want to listen at one place: the first to come is served. */
        ctl_check_listeners(ctl, &status.listeners, &status.findings);
        ctl_used_check(ctl, &status.findings);
        read_state(ctl, &status);
    }
    if (as_json)
        print_json(&status);
    else
        print_people(&status);
    return (is_serving(&status) || status.no_door) && ctl_gates_are_well(&status.gates) ? CTL_OK : CTL_NOT_SO;
}
