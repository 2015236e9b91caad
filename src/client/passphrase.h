/* SPDX-License-Identifier: ISC */
/* Of what was typed or read as a passphrase, the secret (--stretch). What is wrong is said here, with its remedy. */
#ifndef OSTIARY_PASSPHRASE_H
#define OSTIARY_PASSPHRASE_H

#include "key.h"
#include "stretch_label.h"

/*
 * Put the secret in the place of the passphrase, which is wiped, whatever the status. It takes as long as the label
 * says; nothing may be connected yet. Needs mac_init. The caller frees key->memory.
 */
enum exit_status passphrase_stretch(const struct stretch_label *label, const struct voice *voice, struct key *key);

#endif
