/* SPDX-License-Identifier: ISC */
/*
 * The last steps: this process becomes the action. Nothing of the handler is left in it: not a descriptor, a right, a
 * key, a terminal, a signal setting or a variable (I7). There is no shell.
 *
 * action_detach, then whatever has to be looked at or logged with the handler's rights, then action_take_on and
 * action_start. The receipt goes out when nothing is left but execve(2) itself (I12).
 */
#ifndef OSTIARY_ACTION_H
#define OSTIARY_ACTION_H

#include "account.h"
#include "harden.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTION_CANNOT_RUN 126 /* exit status: the command exists, or the identity could not be taken on */
#define ACTION_NOT_FOUND  127 /* exit status: there is no such command */

#define ACTION_ENVIRONMENT_MAX 13 /* what the environment lists, and the NULL behind it */

#define ACTION_PEER_FD 3 /* of a command that sends the receipt itself */

struct action {
    const char *const *arguments; /* its absolute path first, and NULL behind the last */
    const char *name;             /* for OSTIARY_ACTION */
    const char *address;          /* of the peer: OSTIARY_ADDRESS */
    const char *interface; /* of a link-local peer: OSTIARY_INTERFACE; "" for all others, who have no such variable */
    uint16_t port;         /* of the peer: OSTIARY_PORT */
    struct harden_limits limits;
    const struct account *account;
    unsigned timeout_s;     /* after which SIGALRM ends the command, and none of its children; 0: never */
    const uint8_t *receipt; /* for the peer; NULL: the connection has ended already */
    size_t receipt_len;
    /*
     * The command is ostgrant: it reads the receipt from fd 0 and sends it to the connection, its ACTION_PEER_FD; and
     * it logs under its own name, not into the stream that systemd has given this process.
     */
    bool sends_receipt;

    /* By action_take_on: */
    int peer_fd; /* where the peer is since fd 0 is something else; -1 before */
    char *environment[ACTION_ENVIRONMENT_MAX];
};

/* What went wrong, in the order of the steps; errno says why where action_fault_has_errno is true. */
enum action_fault {
    ACTION_OK,
    ACTION_FAULT_KEYRING,
    ACTION_FAULT_TERMINAL,
    ACTION_FAULT_CAPABILITIES,
    ACTION_FAULT_DESCRIPTORS,
    ACTION_FAULT_IDENTITY,  /* "needs root", or the kernel did not do as told */
    ACTION_FAULT_PROCESSES, /* execve(2) would fail: its user has too many processes */
    ACTION_FAULT_STATE,     /* signals, limits, directory, environment */
    ACTION_FAULT_LATE,      /* for the caller: not from here */
    ACTION_FAULT_EXEC
};

/* Let go of the launcher's session keyring, controlling terminal and inheritable capabilities. */
enum action_fault action_detach(void);

/* Take on the identity for good, and all else that an action starts with. Needs fds 1 and 2 that are not the peer. */
enum action_fault action_take_on(struct action *action);

/* Send the receipt and end the connection, where the command does not, and become it. Returns only on a fault. */
enum action_fault action_start(const struct action *action);

/* Give back what action_take_on has allocated. */
void action_free(struct action *action);

/* What could not be done, in the log's words. */
const char *action_fault_text(enum action_fault fault);
bool action_fault_has_errno(enum action_fault fault);

#endif
