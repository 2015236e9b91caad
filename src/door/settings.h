/* SPDX-License-Identifier: ISC */
/*
 * A handler's reading of its configuration. What is wrong with it goes to the log: the first error alone, one cause,
 * precisely, and how to see all of them.
 */
#ifndef OSTIARY_SETTINGS_H
#define OSTIARY_SETTINGS_H

#include "config.h"

#include <stdbool.h>

/*
 * As config_load, with or without the secrets. A file that is replaced while it is read is read again: 'ostiaryctl
 * remove' replaces the configuration, and then takes away a secret that the old one still names; an error of a
 * configuration that is not in force any more is nobody's business. Returns 0, or -1: it has been logged, and *config
 * is empty. The caller frees it.
 */
int settings_load(const char *path, bool with_secrets, struct config *config);

#endif
