/* SPDX-License-Identifier: ISC */
/*
 * A secret that is made of a passphrase, which is asked for at the terminal and kept nowhere: --stretch of add and
 * keygen. Each function says what went wrong, on standard error.
 */
#ifndef OSTIARY_CTL_PASSPHRASE_H
#define OSTIARY_CTL_PASSPHRASE_H

#include "ctl.h"
#include "locked.h"
#include "stretch.h"

/* Read the label that was given to this command; exits when it is none. */
void ctl_passphrase_label(const char *command, const char *text, struct stretch_label *label);

/*
 * Ask twice, and make the secret and a line feed behind it: CTL_PASSPHRASE_LINE bytes, which the caller frees. Says
 * also what could be better about the passphrase. Unless it is CTL_OK there is nothing to be freed.
 */
#define CTL_PASSPHRASE_LINE (STRETCH_SECRET_LEN + 1)
enum ctl_status ctl_passphrase_secret(const struct stretch_label *label, struct locked *line);

#endif
