/* SPDX-License-Identifier: ISC */
/* The one-time code behind the secret: asked for (--code), or made of a key (--totp). What is wrong is said here. */
#ifndef OSTIARY_CODE_H
#define OSTIARY_CODE_H

#include "key.h"

/*
 * Put the code behind the secret, where the options want one; that is then the secret. Nothing may be connected yet.
 * Needs mac_init. The caller frees key->memory, whatever the status.
 */
enum exit_status code_add(const struct options *options, const struct voice *voice, struct key *key);

/* A while has passed: with --totp, put the code of now in the place of the one that code_add has put there. */
enum exit_status code_renew(const struct options *options, const struct voice *voice, struct key *key);

#endif
