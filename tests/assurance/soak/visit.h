/* SPDX-License-Identifier: ISC */
/*
 * One connection of a client of the soak test, from connecting to the end, judged by what came over the wire. It never
 * waits: the caller polls, and calls visit_turn when something has happened or act_ms has come.
 */
#ifndef OSTIARY_SOAK_VISIT_H
#define OSTIARY_SOAK_VISIT_H

#include "address.h"
#include "kind.h"
#include "mac.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>

#define VISIT_EXTRA_LEN 100                           /* bytes behind a reply */
#define VISIT_ROOM      (SEED_LEN + RECEIPT_LEN + 64) /* a door that says more than it should is found out */

/* The door, as all visits know it. */
struct visit_door {
    in_port_t port; /* on 127.0.0.1 and ::1 */
    int64_t delay_ms;
    int64_t timeout_ms;
    struct secret secret;        /* of the action that most are here for */
    struct secret linger_secret; /* of the one that goes on */
};

struct visit_plan {
    enum kind kind;
    struct address from;
    int64_t last_start_ms; /* of the source's last visit, at whose seed its pace begins */
};

struct visit {
    struct visit_plan plan;
    int fd; /* -1: the visit is over */
    bool connected;
    int64_t start_ms; /* all in ms of the monotonic clock */
    int64_t deed_ms;  /* the last thing that was done; start_ms: nothing */
    int64_t end_ms;
    int64_t act_ms; /* when visit_turn wants to be called if nothing has happened before */
    int64_t pause_ms;
    uint8_t out[REPLY_LEN + VISIT_EXTRA_LEN];
    size_t out_len, sent;
    uint8_t in[VISIT_ROOM];
    size_t got;
    const char *result; /* "ok", or in one word what was not as it should be */
};

int64_t visit_now_ms(void);

/* Connect. It may be over already when this returns, if that failed. */
void visit_begin(const struct visit_door *door, const struct visit_plan *plan, struct visit *visit);

/* What to poll for. */
short visit_events(const struct visit *visit);

/* Something has happened, or act_ms has come. */
void visit_turn(const struct visit_door *door, struct visit *visit, short events);

#endif
