/* SPDX-License-Identifier: ISC */
/*
 * Another firewall than nftables: the commands that a gate names. argv is the path, ADDRESS[/N], SECONDS and USER
 * (revoke= has no SECONDS: 0); no shell, an environment from a list, descriptors 0 and 1 /dev/null (list=: a pipe), 2
 * the log. Each has COMMANDS_LIMIT_S to end, and is then killed with its group; so is what it leaves running there when
 * it ends, and all of it when this process does, however that happens.
 *
 * It has nothing of ours. Locks that this process has are kept meanwhile by one that ends with the command, so that
 * nobody else is at the gate while a command of a killed process is; and whatever has left its group keeps nobody
 * waiting.
 */
#ifndef OSTIARY_COMMANDS_H
#define OSTIARY_COMMANDS_H

#include "gates.h"

#include <stddef.h>
#include <stdint.h>

#define COMMANDS_LIMIT_S 10

enum commands_result {
    COMMANDS_OK,
    COMMANDS_CANNOT_RUN, /* errno */
    COMMANDS_UNSAFE,     /* this process is root, and others could change the command; or it is none (file.h) */
    COMMANDS_STATUS,     /* *status: it exited with this, not 0 */
    COMMANDS_SIGNAL,     /* *status: a signal ended it */
    COMMANDS_TIME,       /* it did not end in time */
    COMMANDS_LINES       /* list=: what it printed are not such lines; nothing of it is believed */
};

struct commands_network {
    struct source network;
    uint64_t packets;
};

enum commands_result commands_grant(const struct gate *gate, const struct source *network, uint64_t seconds,
                                    const char *user, int *status);
enum commands_result commands_revoke(const struct gate *gate, const struct source *network, const char *user,
                                     int *status);
/* What is open there: at most max networks. The caller frees *list. */
enum commands_result commands_list(const struct gate *gate, size_t max, struct commands_network **list, size_t *count,
                                   int *status);

/* For "gate 'ssh': grant=/path TEXT"; of STATUS and SIGNAL the number is to follow. */
const char *commands_result_text(enum commands_result result);

#endif
