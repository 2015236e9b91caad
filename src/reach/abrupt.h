/* SPDX-License-Identifier: ISC */
/*
 * Ends of a client that come unforeseen: from a signal handler, or from libgcrypt, which gets no context and takes no
 * answer. What is in locked memory (locked.h) is wiped before.
 */
#ifndef OSTIARY_ABRUPT_H
#define OSTIARY_ABRUPT_H

#include "status.h"

#include <stdbool.h>

/* What the program is called, and whether anything is to be said. Comes first. */
void abrupt_begin(const char *program, bool quiet);

/* Say it on standard error, behind that name, and end with this status. For signal handlers too. */
_Noreturn void abrupt_end(const char *text, enum exit_status status);

/* The name service was asked in this process and has not answered in time: too_late of resolve.h. */
_Noreturn void abrupt_end_lookup(const char *text);

/* What libgcrypt calls when it cannot go on: for mac_on_fatal, pipe_on_fatal. */
_Noreturn void abrupt_end_libgcrypt(void *context, int code, const char *text);

/* Make libgcrypt ready by this function, which may end in abort(3) where libgcrypt cannot read what it wants to. */
int abrupt_start_libgcrypt(int (*init)(void));

#endif
