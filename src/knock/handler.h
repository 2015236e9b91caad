/* SPDX-License-Identifier: ISC */
/*
 * One connection, step by step, in the order in which main() of ostiaryd.c calls them.
 *
 * Each step needs all those before it to have returned true, says by false that the connection goes no further, and
 * has by then written down why. handler_outcome, handler_forget and handler_action always follow.
 */
#ifndef OSTIARY_HANDLER_H
#define OSTIARY_HANDLER_H

#include "account.h"
#include "address.h"
#include "config.h"
#include "harden.h"
#include "lockout.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

/* How the connection ends. It starts as a refusal and stays one until a step has found a reason for something else. */
enum handler_outcome { HANDLER_REFUSED, HANDLER_REJECTED, HANDLER_ACCEPTED };

struct handler {
    const char *config_path;     /* set by the caller, as are limits */
    struct harden_limits limits; /* what the launcher had set, for the action */

    struct config settings; /* read before the exchange: no secrets */
    struct config secrets;  /* read after it */
    struct lockout_policy policy;
    struct store store;

    struct address peer;
    uint16_t peer_port;
    char peer_text[ADDRESS_TEXT_LEN];  /* a link-local one with its interface */
    struct sockaddr_storage peer_name; /* as the socket has it */
    struct source source;
    struct lockout_visitor visitor; /* source, seen at the time of the last look at the clocks */
    struct lockout_admission admission;
    uint64_t locked_until; /* of a source that is refused because it is locked; else 0 */

    uint8_t seed[SEED_LEN];
    bool replied; /* reply holds what the peer sent */
    uint8_t reply[REPLY_LEN];
    uint8_t receipt[RECEIPT_LEN];

    struct lockout_charge charge;
    enum handler_outcome outcome;
    const char *reason;               /* of a refusal or rejection, for the log; NULL: leave without a word */
    const struct config_entry *entry; /* what the reply fitted, or LOCKOUT_ACTION: belongs to secrets or settings */
    struct account account;           /* as whom entry's command runs */
    int relay_fd;                     /* connected to entry's socket, where it has one */
    bool run;                         /* the outcome is that entry is run */
    int status;
};

/* No connection yet, and nothing to free. */
#define HANDLER_NONE ((struct handler){.store = {.dir_fd = -1, .table_fd = -1}, .relay_fd = -1})

/* From here on the process ends at a deadline, which each step moves, and with a line in the log (I13). */
bool handler_begin(struct handler *handler);

/* Who is it? A peer that has gone before it could be identified is nobody: false, without a word. */
bool handler_peer(struct handler *handler);

/* Read the configuration, without its secrets. */
bool handler_settings(struct handler *handler);

/* Ask the table whether the source may have a seed, and wait for its slot if it has to. */
bool handler_admit(struct handler *handler);

/*
 * Make the seed, send it, read the reply. True also when there is none: that is a strike like a wrong one. False for a
 * peer that had no chance to reply (I11).
 */
bool handler_exchange(struct handler *handler);

/* Read the configuration again, with its secrets, if there is a reply to compare. */
bool handler_secrets(struct handler *handler);

/* Write the strike. Without it in the file no reply is looked at. */
bool handler_charge(struct handler *handler);

/* Compare; on success take the strike back. True: the peer is authenticated. */
bool handler_verdict(struct handler *handler);

/*
 * Say what came of it, to the log, and end the connection; for KILL, close the door and say so to the peer. Where an
 * action is to be run for the peer, that is left to handler_action.
 */
void handler_outcome(struct handler *handler);

/* Wipe the secrets and all that derives from them but the receipt, and let go of the table. */
void handler_forget(struct handler *handler);

/*
 * Become the action, or tell its socket, where the outcome is one: "accepted" is logged, and the receipt sent, when all
 * that can be known beforehand to stop it has been looked at (I12). Returns, but for a command that could be run, the
 * status to exit with.
 */
int handler_action(struct handler *handler);

/* Give all memory back. */
void handler_free(struct handler *handler);

#endif
