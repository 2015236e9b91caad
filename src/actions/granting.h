/* SPDX-License-Identifier: ISC */
/*
 * An action that opens or closes a gate of ostiary-grants.cfg. ostgrant alone does that: a handler that is root becomes
 * it, as it becomes any command (action.h); one without rights asks for it over a socket (request.h).
 *
 * What ostgrant is run with then: -c ostiary-grants.cfg knock open|close GATE ADDRESS USER [others], the receipt to be
 * read from fd 0, and the connection of the peer, to whom it goes when the gate is open, as fd ACTION_PEER_FD.
 */
#ifndef OSTIARY_GRANTING_H
#define OSTIARY_GRANTING_H

#include "address.h"
#include "config.h"
#include "request.h"

#include <limits.h>
#include <stdbool.h>

#define GRANTING_ARGUMENTS_MAX 10

/* How ostgrant is run. It points into itself, so that it cannot be copied. */
struct granting {
    const char *arguments[GRANTING_ARGUMENTS_MAX]; /* with a NULL behind the last */
    char gates_path[PATH_MAX];
};

/* Would a handler with this configuration ask for it, rather than become ostgrant? So does each at the sealed door. */
bool granting_asks(const char *config_path);

/*
 * The absolute path of ostiary-grants.cfg, which lies beside this configuration. Returns 0, or -1 with errno: it is too
 * long, or the directory of this process is not known.
 */
int granting_gates_path(const char *config_path, char path[static PATH_MAX]);

/* Could a gate be opened for this address? Not for a link-local one. */
bool granting_can(const struct address *address);

/* How to run ostgrant for this entry, which has a gate, and this address. Returns 0, or -1 as granting_gates_path. */
int granting_prepare(const struct config_entry *entry, const char *config_path, const char *address,
                     struct granting *granting);

/*
 * Ask for it at GATES_SOCKET. REQUEST_DONE: it is done; REQUEST_UNREACHABLE: errno says why nobody has answered. It
 * takes REQUEST_LIMIT_MS at the most, or as long as the process has (deadline.h).
 */
enum request_reason granting_ask(const struct config_entry *entry, const char *address);

/* What a reason means, and what to do about it, for "gate 'ssh': TEXT". */
const char *granting_reason_text(enum request_reason reason);

#endif
