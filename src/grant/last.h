/* SPDX-License-Identifier: ISC */
/*
 * The configuration that was last loaded, kept beside the record. Where the present one has an error, the rules are
 * still those: a slip of the pen must not leave a port open at the next boot.
 */
#ifndef OSTIARY_LAST_H
#define OSTIARY_LAST_H

#include "gates.h"

#include <limits.h>
#include <stdbool.h>

/*
 * Keep a copy of the configuration that these gates were read from, whose rules have just been loaded. What cannot be
 * kept is told, and no fault; nothing is told where its directory cannot be used, for then the record cannot be either.
 * A file that has been changed since is not kept: its rules were never loaded.
 */
void last_keep(const struct gates *gates);

/* Forget it: its rules are taken away. */
void last_forget(const struct gates *gates);

/* Is that copy what these gates say? False where they have been changed since, or were never loaded. */
bool last_is(const struct gates *gates);

/* Read that copy. Returns 0, and the caller frees it; or -1: there is none that could be read. Nothing is told. */
int last_read(const struct gates *gates, struct gates *copy);

/* The path of the copy that belongs to this configuration. False: there is none, or none that could be named. */
bool last_find(const char *config_path, char path[static PATH_MAX]);

#endif
