/* SPDX-License-Identifier: ISC */
/*
 * What every door does alike with whom it is visited by: who is it, may it have anything, and what the table remembers
 * of it afterwards. Plain steps, which the main() of each door calls in this order, with its own between them:
 *
 *     visit_open · (settings) · visit_obey · visit_admit · (what the door says and hears) · visit_charge ·
 *     (a comparison) · visit_forgive or visit_settle · (the outcome) · visit_end
 *
 * A step that returns bool says by false that the visit goes no further, and has by then written down why: in
 * visit->end, and in the log. Each step needs all those before it to have returned true. No step here knows a secret.
 */
#ifndef OSTIARY_VISIT_H
#define OSTIARY_VISIT_H

#include "address.h"
#include "config.h"
#include "lockout.h"
#include "private.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define VISIT_PEER_FD STDIN_FILENO /* where a launcher puts the connection */

/*
 * How long a step may take before the process is ended (I13). What is usual takes a thousandth of it; the limits are
 * for disks, services and libraries that hang.
 */
#define VISIT_SETTINGS_MS  10000
#define VISIT_ADMISSION_MS (STORE_PATIENCE_MS + 20000) /* hosts.allow may ask name servers */
#define VISIT_TABLE_MS     (STORE_PATIENCE_MS + 5000)
#define VISIT_SETTLING_MS  20000 /* what a strike leads to: nobody waits for it */

#define VISIT_WHAT_LEN 160

/* How a visit ends. It starts as a refusal and stays one until a step has found a reason for something else. */
enum visit_outcome {
    VISIT_REFUSED,  /* nothing was judged: no chance, no right, or no answer from the table */
    VISIT_REJECTED, /* what the peer has said, or not said, was judged to be wrong: the strike stands */
    VISIT_ACCEPTED  /* the peer is authenticated, and its strike has been taken back */
};

/* Who it is. By visit_open. */
struct visit_peer {
    struct address address;
    uint16_t port;
    char text[ADDRESS_TEXT_LEN];  /* the address, for people; a link-local one with its interface */
    struct sockaddr_storage name; /* as the socket has it */
};

/* What the table is asked, and what it has said. By visit_obey, visit_admit and visit_charge. */
struct visit_table {
    const char *state_dir; /* belongs to the settings */
    enum doors door;
    uint64_t table_size;
    struct lockout_policy policy;
    struct source source;
    struct lockout_visitor visitor; /* the source, at the time of the last look at the clocks */
    struct store store;
    struct lockout_admission admission;
    struct private_seed next_seed; /* once admitted: what a seed is made with */
    struct lockout_charge charge;
};

/* What will be said of it. */
struct visit_end {
    enum visit_outcome outcome;
    const char *reason; /* of a refusal or rejection. NULL: no line, for the peer vanished or the line is written */
    char what[VISIT_WHAT_LEN]; /* " action=NAME label=LABEL" for which there was a right reply; else "" */
    uint64_t locked_until;     /* where it is refused because it is locked; else 0 */
    struct lockout_bar bar;    /* and with which network, if it is one */
    int status;                /* to exit with */
};

struct visit {
    struct visit_peer peer;
    struct visit_table table;
    struct visit_end end;
};

/* No visitor yet, and nothing to free. */
#define VISIT_NONE ((struct visit){.table.store = {.dir_fd = -1, .table_fd = -1}})

/*
 * Who is it? From here on the process ends at a deadline, which each step moves, and with a line in the log. A peer
 * that has gone before it could be identified is nobody: false, and no line.
 */
bool visit_open(struct visit *visit);

/* Stand at this door, and take its policy from the settings, which must outlive the visit. */
void visit_obey(struct visit *visit, enum doors door, const struct config *settings);

/* Ask the table whether the source may have a seed, or a door's first bytes, and wait for its place if it has to. */
bool visit_admit(struct visit *visit);

/* It has left before it was sent anything: its place in the pace is free for who is next. Always false. */
bool visit_leave(struct visit *visit);

/* Write the strike. Without it in the file nothing is compared (I1). */
bool visit_charge(struct visit *visit);

/*
 * What the peer said was right: take the strike back, and no other. True: it is accepted, unless the door has a reason
 * against it, and says by comes_in that it has none; only then the source is known from now on.
 */
bool visit_forgive(struct visit *visit, bool comes_in);

/*
 * It was rejected: end the connection, let the strike stand, and say so. charge.locks says afterwards whether it was
 * this strike that locked the source. A network that it locked has a line of its own.
 */
void visit_settle(struct visit *visit);

/* The KILL secret was given: close every door, and say so. False: they may be open still, which the log says as well.
 */
bool visit_kill(struct visit *visit);

/* Log a refusal, if it is one that has a reason, and end the connection. */
void visit_end(struct visit *visit);

/* Let go of the table. */
void visit_forget(struct visit *visit);

/* ---- For the steps of the doors themselves ---- */

/* There was a right reply, for this action: for the log. label is that of the secret, or NULL. */
void visit_name(struct visit *visit, const char *action, const char *label);

/* Refuse, for this reason, and exit with this status. Always false. */
bool visit_refuse(struct visit *visit, const char *reason, int status);

/* A step begins: should the process be ended in it, the log says that it was there. */
void visit_begin(const struct visit *visit, const char *step);

/* And it may take so long from now on, where it does not have to keep to the deadline of the one before. */
void visit_begin_timed(const struct visit *visit, const char *step, int64_t limit_ms);

#endif
