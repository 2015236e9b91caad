/* SPDX-License-Identifier: ISC */
/* ostiaryctl close and open: the door for everybody. See ctl.h. */
#include "ctl.h"
#include "units.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void check_reason(const char *reason)
{
    if (*reason == '\0' || strlen(reason) >= CLOSED_LINE_LEN / 2)
        ctl_usage("close: a reason has 1 to %d characters", CLOSED_LINE_LEN / 2 - 1);
    for (const char *at = reason; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            ctl_usage("close: a reason is one line of printable ASCII");
}

/* Under the table's lock where there is a usable table; a door must close without one too. */
static enum store_fault shut(struct ctl *ctl, const char *reason, int dir_fd, bool *was_open)
{
    const struct moment now = ctl_now();
    const struct closed_because closing = {reason, now.wall_ms, CTL_PATIENCE_MS};

    if (ctl_try_table(ctl, false) == STORE_OK && lockout_close(&ctl->store, reason, &now, was_open) == STORE_OK)
        return STORE_OK;
    return closed_write(dir_fd, DOOR_EVERY, &closing, was_open);
}

enum ctl_status ctl_close(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const char *reason = "by-hand";
    struct ctl_closed door;
    enum store_fault fault;
    bool was_open = false;
    char **arguments;
    int dir_fd;

    ctl_option(argc, argv, ":", options);
    arguments = ctl_arguments(argc, argv, 0, 1);
    if (arguments[0] != NULL)
        reason = arguments[0];
    check_reason(reason);
    ctl_load(ctl);
    dir_fd = ctl_open_directory(ctl);
    fault = shut(ctl, reason, dir_fd, &was_open);
    if (fault == STORE_OK)
        fault = ctl_read_closed(dir_fd, DOOR_EVERY, &door);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    close(dir_fd);
    ctl_changed("the door %s closed since %s: %s; nobody is served until '%s open'",
                was_open ? "is" : "was and remains", door.has_since ? door.since : "an unknown time",
                door.closed ? ctl_closed_reason(&door) : reason, ctl->self);
    return CTL_OK;
}

/*
 * Start a socket of this door that is enabled; one that is not may be so because xinetd listens. One that is active may
 * be about to be stopped, for the closing that has just ended: to start it takes the place of that.
 */
static enum ctl_status start_enabled(const struct ctl *ctl, struct units *units, const char *name, bool *any)
{
    struct units_socket socket;

    if (units_read(units, name, &socket) != UNITS_OK) {
        warnx("%s: %s", name, units->problem);
        return CTL_UNAVAILABLE;
    }
    if (!socket.enabled || !units_is_at(&socket, ctl->config.state_dir))
        return CTL_OK;
    *any = true;
    if (units_start(units, name) != UNITS_OK) {
        warnx("%s is not started: %s: see 'systemctl status %s'", name, units->problem, name);
        return CTL_UNAVAILABLE;
    }
    if (socket.active && ctl_is_deaf(&socket)) {
        warnx("%s does not listen, though systemd takes it for active: run 'systemctl restart %s'", name, name);
        return CTL_UNAVAILABLE;
    }
    printf("%s is listening\n", name);
    return CTL_OK;
}

static enum ctl_status start_sockets(const struct ctl *ctl)
{
    struct units units;
    bool any = false;
    enum ctl_status status = CTL_OK;

    switch (units_open(&units)) {
    case UNITS_OK:
        units_await_closer(&units);
        status = start_enabled(ctl, &units, UNITS_SOCKET, &any);
        if (status == CTL_OK)
            status = start_enabled(ctl, &units, UNITS_SEALED_SOCKET, &any);
        if (status == CTL_OK && !any)
            printf("no enabled socket unit heeds %s/closed: there was none to start\n", ctl->config.state_dir);
        break;
    case UNITS_NO_SYSTEMD:
        puts("systemd does not run here: there was no socket unit to start");
        break;
    case UNITS_NO_BUS:
    case UNITS_FAILED:
        warnx("systemd cannot be asked to start the socket: %s", units.problem);
        status = CTL_UNAVAILABLE;
        break;
    }
    units_close(&units);
    return status;
}

enum ctl_status ctl_open(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    enum store_fault fault;
    bool was_closed;

    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    ctl_load(ctl);
    ctl_open_table(ctl, false);
    fault = manage_open(&ctl->store, &was_closed);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    ctl_changed("the door %s; the errors of all sources are forgotten", was_closed ? "is open" : "was open already");
    ctl_be_root();
    return start_sockets(ctl);
}
