/* SPDX-License-Identifier: ISC */
/*
 * What the parser cannot see: whether the users, groups and commands of a configuration are there and may be used.
 * The handler checks the one entry that it is about to run, `ostiaryd -t` and `ostiaryctl check` check all.
 */
#ifndef OSTIARY_CHECK_H
#define OSTIARY_CHECK_H

#include "account.h"
#include "config.h"

#define CHECK_TEXT_LEN 5000

/*
 * Can this entry's command be run by this process, as its user? Gives the account, which the caller frees, and 0;
 * or -1, with problem saying what is wrong and what to do about it. For KILL, and where a socket is told instead, there
 * is no account.
 */
int check_entry(const struct config_entry *entry, struct account *account, char problem[static CHECK_TEXT_LEN]);

/*
 * Every entry of a configuration that was read with its secrets, LOCKOUT_ACTION too, and the strength of the secrets.
 * Findings go to reader->report. Returns 0, or -1 when there was an error.
 */
int check_config(const struct config_reader *reader, const struct config *config);

#endif
