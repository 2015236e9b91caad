/* SPDX-License-Identifier: ISC */
/*
 * The end of a knock that something comes of: this process becomes the action, or tells the action's socket. "accepted"
 * is logged, and the receipt sent, when all that can be known beforehand to stop it has been looked at (I12). Of a gate
 * the receipt is sent when it is open: by ostgrant, which this process becomes, or when ostgrant has said so.
 */
#ifndef OSTIARY_START_H
#define OSTIARY_START_H

#include "account.h"
#include "config.h"
#include "harden.h"
#include "visit.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

struct start {
    bool wanted;                      /* entry is to be started */
    const struct config_entry *entry; /* what the reply fitted, or LOCKOUT_ACTION; belongs to its configuration */
    const char *config_path;          /* where entry stands, for the log */
    struct harden_limits limits;      /* what the launcher had set, for the action */
    const uint8_t *receipt;           /* RECEIPT_LEN bytes, for a peer that is accepted */
    struct account account;           /* as whom the command runs, ostgrant too: by start_action */
    int relay_fd;                     /* connected to the entry's socket, where it has one: by start_action */
};

/* Nothing to start, and nothing to free. */
#define START_NONE ((struct start){.relay_fd = -1})

/*
 * Start it. Returns, but for a command that could be run, the status to exit with; the connection has then ended, and
 * what was in the way is in the log.
 */
int start_action(struct start *start, struct visit *visit);

/* Give its memory back. */
void start_free(struct start *start);

#endif
