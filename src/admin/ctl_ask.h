/* SPDX-License-Identifier: ISC */
/* A question at the terminal whose answer nobody else is to see: a passphrase, or a code. */
#ifndef OSTIARY_CTL_ASK_H
#define OSTIARY_CTL_ASK_H

#include "ctl.h"
#include "locked.h"

/*
 * Show the question, and read one line into room, without its newline, as prompt_ask does; what is how an error calls
 * the answer, "the passphrase". Says what went wrong. A signal ends the program, and everything is wiped before.
 */
enum ctl_status ctl_ask(const char *question, const char *what, const struct locked *room, size_t *len);

#endif
