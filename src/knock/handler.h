/* SPDX-License-Identifier: ISC */
/*
 * The steps of a knock that are the knock's own, in the order in which main() of ostiaryd.c calls them between those of
 * door/visit.h. What is said there of steps that return bool holds here too.
 */
#ifndef OSTIARY_HANDLER_H
#define OSTIARY_HANDLER_H

#include "config.h"
#include "harden.h"
#include "match.h"
#include "spend.h"
#include "start.h"
#include "visit.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the configuration is, and the two readings of it. */
struct handler_config {
    const char *path;       /* set by the caller */
    struct config settings; /* read before the exchange: no secrets */
    struct config secrets;  /* read after it */
};

/* What has gone over the wire, and what will. */
struct handler_exchange {
    uint8_t seed[SEED_LEN];
    bool replied; /* reply holds what the peer sent */
    uint8_t reply[REPLY_LEN];
    uint8_t receipt[RECEIPT_LEN]; /* for the peer, once its action is started */
};

/* What the reply has turned out to be. */
struct handler_reply {
    struct match match;    /* belongs to the secrets; all zero: it fits nothing */
    uint64_t now_s;        /* CLOCK_REALTIME when it was compared */
    const char *hindrance; /* the reason why nothing comes of it though it fits; NULL: there is none */
};

struct handler {
    struct visit visit;
    struct handler_config config;
    struct handler_exchange exchange;
    struct handler_reply reply;
    struct start start;
};

/* No connection yet, and nothing to free. */
#define HANDLER_NONE ((struct handler){.visit = VISIT_NONE, .start = START_NONE})

/* Read the configuration, without its secrets. */
bool handler_settings(struct handler *handler);

/*
 * Make the seed, send it, load libgcrypt while the peer computes, read the reply. True also when there is none: that is
 * a strike like a wrong one. False for a peer that had no chance to reply (I11).
 */
bool handler_exchange(struct handler *handler);

/* Read the configuration again, with its secrets, if there is a reply to compare. */
bool handler_secrets(struct handler *handler);

/* Compare. True: the reply fits, and the peer is authenticated. */
bool handler_match(struct handler *handler);

/*
 * Take what there is but once, before anything else comes of the reply. Where there was a code in it, use it up:
 * whoever is killed behind this leaves one that is good for nothing. Where the action has single=yes, nobody else
 * starts it while this process runs. No secret is in memory any more. Always true: what is in the way is for
 * handler_permit, for the reply is right, and its strike has to be taken back.
 */
bool handler_spend(struct handler *handler);

/* Take the strike back, and no other; who is to have nothing for his right reply is not known for it. */
bool handler_forgive(struct handler *handler);

/*
 * May it have what the reply asks for? Else that is a refusal, and no strike: the secret has expired, the code is used,
 * or the action runs already and has single=yes.
 */
bool handler_permit(struct handler *handler);

/*
 * What comes of it? KILL closes every door, and the peer hears of it. An action is to be started, the peer's or, where
 * its strike locked the source, LOCKOUT_ACTION: that is for handler_start. Everybody else's connection is ended.
 */
void handler_outcome(struct handler *handler);

/* Wipe what the reply and the secrets derive from, and let go of the table. */
void handler_forget(struct handler *handler);

/* Start the action, if there is one to start (start.h). Gives the status to exit with. */
int handler_start(struct handler *handler);

/* Give all memory back. */
void handler_free(struct handler *handler);

#endif
