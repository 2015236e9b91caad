/* SPDX-License-Identifier: ISC */
/*
 * What systemd knows of the socket units, and starting them: through its bus. Where there is no systemd that is a
 * result like any other. Nothing here prints.
 */
#ifndef OSTIARY_UNITS_H
#define OSTIARY_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define UNITS_TEXT_LEN   256
#define UNITS_LISTEN_MAX 32

/* The sockets that can be the listener. */
#define UNITS_SOCKET        "ostiary.socket"
#define UNITS_SEALED_SOCKET "ostiary-sealed.socket"

/* The service that has the gates shut at boot. */
#define UNITS_GATES "ostiary-grants.service"

/* The service that stops them when a door has been closed. */
#define UNITS_CLOSER "ostiary-closed.service"

enum units_fault {
    UNITS_OK,
    UNITS_NO_SYSTEMD, /* this machine was not booted with it */
    UNITS_NO_BUS,     /* it cannot be asked; problem says why */
    UNITS_FAILED      /* it answered, and not as was wished; problem says what */
};

struct units {
    sd_bus *bus;
    bool subscribed;              /* systemd tells this connection of the ends of jobs */
    char problem[UNITS_TEXT_LEN]; /* after NO_BUS and FAILED */
};

struct units_socket {
    bool installed;            /* else nothing below is set */
    bool enabled;              /* started at boot */
    bool active;               /* it listens */
    char door[UNITS_TEXT_LEN]; /* the file with which it stays shut with all others (ConditionPathExists=!); "" for none
                                */
    char state[UNITS_TEXT_LEN];   /* systemd's words: "active", "inactive", "failed" … */
    uint32_t accepted, connected; /* since it was started; now */
    uint32_t refused;
    size_t listen_count;
    char listen[UNITS_LISTEN_MAX][UNITS_TEXT_LEN]; /* what it listens on, or would: "[::]:5018", "[fe80::1%eth0]:22" */
};

/* Connect to systemd. units_close takes a struct units after every result. */
enum units_fault units_open(struct units *units);
void units_close(struct units *units);

/* Read a unit's properties. That there is no such unit is UNITS_OK and installed false. */
enum units_fault units_read(struct units *units, const char *name, struct units_socket *socket);

/* Is it started at boot? A unit that is not there is not enabled. */
enum units_fault units_ask_enabled(struct units *units, const char *name, bool *enabled);

/* Is it the port of this door: does it stay shut while STATE_DIR/closed is there? */
bool units_is_at(const struct units_socket *socket, const char *state_dir);

/*
 * Wait until the service that stops the ports of closed doors has ended, if it runs. It has looked for the files that
 * close a door when it began, and may stop a port that is open again by now; one that begins later finds them gone. A
 * service that is not there, or not to be waited for, is no fault.
 */
void units_await_closer(struct units *units);

/* Start a unit, and wait until systemd says what came of it. UNITS_OK: it is active. */
enum units_fault units_start(struct units *units, const char *name);

#endif
