/* SPDX-License-Identifier: ISC */
/*
 * Where the secret comes from: a file, a credential, a descriptor, a command, or the
 * terminal. What is wrong is said here, with its remedy.
 */
#ifndef OSTIARY_KEY_H
#define OSTIARY_KEY_H

#include "locked.h"
#include "replier.h"
#include "secret.h"
#include "status.h"
#include "usage.h"
#include "voice.h"

#include <stdint.h>

/* A secret that is wiped with its memory. */
struct key {
    struct locked memory;
    struct secret secret;
    size_t code_len; /* of the one-time code at its end; 0: there is none */
};

/*
 * Fetch it from where the options say. *deadline_ms (clock_now_ms) is that of the first knock; it is set anew where the
 * time that this takes is not counted. The caller frees key->memory, whatever the status.
 */
enum exit_status key_fetch(const struct options *options, const struct voice *voice, int64_t *deadline_ms,
                           struct key *key);

/* Of --reply-command, for which key_fetch has nothing to fetch: the command, and its limits. */
struct replier_command key_command(const struct options *options);

/*
 * Can the secret that key_fetch has fetched be used, or the command of --reply-command, which answers a challenge? Says
 * so in one line on standard output, or what is wrong as key_fetch does.
 */
enum exit_status key_check(const struct options *options, const struct voice *voice, const struct key *key);

#endif
