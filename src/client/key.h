/* SPDX-License-Identifier: ISC */
/*
 * Where the secret comes from: a file, a credential, a descriptor, a command, or the
 * terminal. What is wrong is said here, with its remedy.
 */
#ifndef OSTIARY_KEY_H
#define OSTIARY_KEY_H

#include "codes.h"
#include "locked.h"
#include "replier.h"
#include "secret.h"
#include "status.h"
#include "usage.h"
#include "voice.h"

#include <stdint.h>

/* The one-time code at the end of a secret, and what another one can be made of: see code.h. */
struct key_code {
    size_t len;        /* 0: there is none */
    int64_t asked_ms;  /* of one that was asked for: when, by clock_now_ms */
    struct locked key; /* of one that is made: its key, of key_len bytes */
    size_t key_len;
    struct codes_way way;
    uint64_t step;
};

/* A secret that is wiped with its memory; all zero: there is none. */
struct key {
    struct locked memory;
    struct secret secret;
    struct key_code code;
};

/*
 * Fetch it from where the options say. *deadline_ms (clock_now_ms) is that of the first knock; it is set anew where the
 * time that this takes is not counted. The caller frees the key, whatever the status.
 */
enum exit_status key_fetch(const struct options *options, const struct voice *voice, int64_t *deadline_ms,
                           struct key *key);

/* Wipe it, and give it back. Of nothing, it does nothing. */
void key_free(struct key *key);

/* Of --reply-command, for which key_fetch has nothing to fetch: the command, and its limits. */
struct replier_command key_command(const struct options *options);

/*
 * Can the secret that key_fetch has fetched be used, or the command of --reply-command, which answers a challenge? Says
 * so in one line on standard output, or what is wrong as key_fetch does.
 */
enum exit_status key_check(const struct options *options, const struct voice *voice, const struct key *key);

#endif
