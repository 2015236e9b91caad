/* SPDX-License-Identifier: ISC */
/*
 * One knock: find the host, connect to one of its addresses, answer its seed, and if wished check the receipt. It
 * prints nothing: every step and fault goes to the caller's note function as a line of text, which never holds a byte
 * of the secret, the seed, the reply or the receipt.
 *
 * A seed that is left unanswered costs a strike. So all that can fail comes before the connection, and a command that
 * replies shows there that it can; from then on signals wait; a seed that has arrived is answered whatever the deadline
 * says; and who leaves without one makes sure that none has reached this machine. Nothing is noted in between, for a
 * note may have to wait for whoever reads it.
 */
#ifndef OSTIARY_KNOCK_H
#define OSTIARY_KNOCK_H

#include "approach.h"
#include "replier.h"

#include <stdbool.h>
#include <stdint.h>

enum knock_result {
    KNOCK_GOES_ON, /* nothing has been decided: of a note, that it tells of a step */
    KNOCK_SENT,
    KNOCK_ACCEPTED,
    KNOCK_UNKNOWN_HOST,
    KNOCK_NO_LOOKUP,     /* the name servers did not answer, or not to the point */
    KNOCK_NO_CONNECTION, /* to any of the addresses */
    KNOCK_NO_SEED,       /* connected, and not one byte came */
    KNOCK_BAD_PROTOCOL,  /* less or more than a seed, no way to send the reply, or a wrong receipt */
    KNOCK_NOT_ACCEPTED,  /* the reply was sent, and no whole receipt came */
    KNOCK_NO_RESOURCES,  /* on this machine */
    KNOCK_NO_REPLIER,    /* the command that is to reply failed, and nothing has been connected */
    KNOCK_NO_REPLY,      /* it failed when the seed was there, or could not compute the receipt */
    KNOCK_INTERRUPTED    /* a signal came before the seed, and has not ended the process; nothing is noted */
};

struct knock_plan {
    struct approach_host host;
    struct secret secret;
    bool (*refresh)(void *secret_of); /* NULL, or: the seed is there; true: secret's bytes are others by now, as many */
    void *secret_of;
    const struct replier_command *command; /* who replies in place of the secret; NULL: the secret is here */
    bool wait;                             /* for the receipt */
    void (*note)(void *context, enum knock_result result, const char *text);
    void *context;
    void (*too_late)(const char *text); /* ends the process: see resolve.h */
};

/*
 * Needs mac_init. A fault is noted at least once, with its remedy, before it is returned. Within the deadline it does
 * everything up to the seed, but for a command's trial, which is not counted; the reply has seconds of its own, and so
 * has the receipt, where the deadline has passed.
 */
enum knock_result knock_try(const struct knock_plan *plan, int64_t deadline_ms);

/* May the same knock be tried again? Only where no seed has arrived, for then nothing has been used up. */
bool knock_may_repeat(enum knock_result result);

#endif
