/* SPDX-License-Identifier: ISC */
/*
 * The last step: this process becomes the action. Nothing of the handler is left in it: not a descriptor, a right,
 * a signal setting or a variable (I7). There is no shell and no argument but the peer's address.
 */
#ifndef OSTIARY_ACTION_H
#define OSTIARY_ACTION_H

#include "account.h"

#include <stdint.h>
#include <sys/resource.h>

#define ACTION_CANNOT_RUN 126 /* exit status: the command exists, or the identity could not be taken on */
#define ACTION_NOT_FOUND  127 /* exit status: there is no such command */

struct action {
    const char *command;   /* absolute path */
    const char *name;      /* for OSTIARY_ACTION */
    const char *address;   /* of the peer: the argument, and OSTIARY_ADDRESS */
    const char *interface; /* of a link-local peer: OSTIARY_INTERFACE; "" for all others, who have no such variable */
    uint16_t port;         /* of the peer: OSTIARY_PORT */
    rlim_t core_limit;     /* soft limit for core files, as the launcher set it */
    const struct account *account;
};

/* What went wrong in action_become, in the order of the steps; errno says why. */
enum action_fault {
    ACTION_FAULT_DESCRIPTORS,
    ACTION_FAULT_IDENTITY, /* "needs root", or the kernel did not do as told */
    ACTION_FAULT_STATE,    /* signals, limits, directory */
    ACTION_FAULT_EXEC
};

/*
 * Become the action. Needs: the peer on fd 0, shut down; fds 1 and 2 not the peer; all secrets wiped.
 * Returns only on a fault. What runs before execve(2) may have been done by then: the caller logs and exits.
 */
enum action_fault action_become(const struct action *action);

/* What could not be done, in the log's words. */
const char *action_fault_text(enum action_fault fault);

#endif
