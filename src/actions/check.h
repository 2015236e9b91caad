/* SPDX-License-Identifier: ISC */
/*
 * What the parser cannot see: whether the users, groups and commands of a configuration are there and may be used.
 * The handler checks the one entry that it is about to run; `ostiaryd -t`, `ostiaryd -T` and `ostiaryctl check` check
 * all.
 */
#ifndef OSTIARY_CHECK_H
#define OSTIARY_CHECK_H

#include "account.h"
#include "config.h"

#define CHECK_TEXT_LEN 5000

/*
 * Can this entry's command be run by this process, as its user? Gives the account, which the caller frees, and 0;
 * or -1, with problem saying what is wrong and what to do about it. config_path is where the entry stands. For KILL,
 * and where a socket is told instead, there is no account; where this process would become ostgrant, it is root's.
 */
int check_entry(const struct config_entry *entry, const char *config_path, struct account *account,
                char problem[static CHECK_TEXT_LEN]);

/* Print a finding as "file:line: error: text". context is the FILE to print to. */
void check_print(void *context, const struct config_finding *finding);

/* What is to be thought of a configuration as a whole. */
enum check_result {
    CHECK_UNUSABLE, /* it cannot be read, or means nothing: *config is empty */
    CHECK_USELESS,  /* it can, but nobody could be served */
    CHECK_FAULTY,   /* not everything in it can be used, but at least one action, or whom it asks is not there yet */
    CHECK_GOOD
};

/*
 * Read the file with its secrets and check all of it, as this process' user; the secrets are wiped again. Findings are
 * told. Credentials that only the unit has are warned of. The caller frees *config.
 */
enum check_result check_file(const char *path, void (*tell)(void *context, const struct config_finding *finding),
                             void *context, struct config *config);

/*
 * Every entry of a configuration that was read with its secrets, LOCKOUT_ACTION too, and the strength of the secrets.
 * Findings go to reader->report. Where the secrets were not read, an action counts as one that could be run.
 */
enum check_result check_config(const struct config_reader *reader, const struct config *config);

#endif
