/* SPDX-License-Identifier: ISC */
/*
 * To a host by its name, before a deadline: looked up, and then its addresses one after the other until one answers. It
 * prints nothing: every step and fault goes to the caller's note function as a line of text.
 */
#ifndef OSTIARY_APPROACH_H
#define OSTIARY_APPROACH_H

#include "resolve.h"
#include "signals.h"

#include <netdb.h>

/* "ADDRESS%SCOPE port 65535" */
#define APPROACH_PLACE_LEN (NI_MAXHOST + sizeof(" port 65535"))

enum approach_result {
    APPROACH_GOES_ON, /* it has worked: of a note, that it tells of a step */
    APPROACH_UNKNOWN_HOST,
    APPROACH_NO_LOOKUP,     /* the name servers did not answer, or not to the point */
    APPROACH_NO_CONNECTION, /* to any of the addresses */
    APPROACH_INTERRUPTED    /* a signal came, and has not ended the process; nothing is noted */
};

struct approach_host {
    const char *name;
    uint16_t port;
    int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
};

struct approach_plan {
    struct approach_host host;
    const struct connect_address *source; /* to connect from; NULL: any */
    void (*note)(void *context, enum approach_result result, const char *text);
    void *context;
    void (*too_late)(const char *text); /* ends the process: see resolve.h */
};

/* Look it up. A fault is noted, with its remedy, before it is returned. */
enum approach_result approach_find(const struct approach_plan *plan, int64_t deadline_ms,
                                   struct resolve_answer *answer);

/* A connection, to the address that place says. */
struct approach {
    int server_fd; /* non-blocking, the caller's to close */
    char place[APPROACH_PLACE_LEN];
    struct signals held; /* from connecting on, until the caller releases them */
};

/*
 * Connect to the first address that answers; one after the other, for each connection is a visit to the server, even
 * one that is given up. Unless it has worked, no signal is held any more and nothing is open.
 */
enum approach_result approach_connect(const struct approach_plan *plan, const struct resolve_answer *answer,
                                      int64_t deadline_ms, struct approach *approach);

#endif
