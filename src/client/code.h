/* SPDX-License-Identifier: ISC */
/* The one-time code behind the secret: asked for (--code), or made of a key (--totp). What is wrong is said here. */
#ifndef OSTIARY_CODE_H
#define OSTIARY_CODE_H

#include "key.h"

#include <stdbool.h>

/*
 * Put the code behind the secret, where the options want one; that is then the secret. Nothing may be connected yet.
 * Needs mac_init. The caller frees the key, whatever the status.
 */
enum exit_status code_add(const struct options *options, const struct voice *voice, struct key *key);

/* Before a further try: where a code was asked for so long ago that a server may not take it any more, ask anew. */
enum exit_status code_renew(const struct options *options, const struct voice *voice, struct key *key);

/*
 * A seed is there, perhaps long after the code was made. With --totp, put the code of now in its place. True: it is
 * another one, and key->secret as long as it was. It waits for nothing, and where it fails the code is the old one.
 */
bool code_refresh(struct key *key);

#endif
