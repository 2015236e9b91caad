/* SPDX-License-Identifier: ISC */
/*
 * The record of used codes and secrets, for the commands of ostiaryctl that read, change, verify and mend it; and the
 * configuration with the keys that it is about.
 */
#ifndef OSTIARY_CTL_USED_H
#define OSTIARY_CTL_USED_H

#include "ctl.h"
#include "spend.h"

/* Say what is wrong with the record and what to do about it, and exit. errno as the fault left it. */
_Noreturn void ctl_used_fault(const struct ctl *ctl, enum used_fault fault);

/*
 * Open it and take its lock. False: there is none yet, and *used is closed, which only a read-only opening says. Exits
 * when it cannot be used. Until used_close root may work as the owner of STATE_DIR.
 */
bool ctl_used_hold(const struct ctl *ctl, bool read_only, struct used *used);

/* While it is held: up to where the codes of this key are used up from now on. Exits when it cannot be written. */
void ctl_used_set(const struct ctl *ctl, struct used *used, const struct config_codes *codes,
                  const struct used_mark *mark);

/*
 * The record begins with this key: next is the lowest step or counter that is not used up. Of a key that is in it
 * already, nothing that has been used is good again. Exits when it cannot be written.
 */
void ctl_used_begin(const struct ctl *ctl, const struct config_codes *codes, uint64_t next);

/* As root. Prints what is wrong with it, and is false then. */
bool ctl_used_verify(const struct ctl *ctl);

/* As root; exits where it cannot be mended. With give_up a record of which nothing can be kept begins anew. */
void ctl_used_repair(const struct ctl *ctl, bool give_up);

/* After ctl_examine: whether it is such that those who need a code get in. */
void ctl_used_check(const struct ctl *ctl, struct ctl_findings *findings);

/*
 * Read the configuration with its keys and secrets, as whoever the handler is, without a word about its errors.
 * Credentials are the unit's. Returns CTL_OK; CTL_CONFIG where it has errors; or CTL_OS with errno, where root cannot
 * be that user. The caller frees *config where it is CTL_OK.
 */
enum ctl_status ctl_read_keys(const struct ctl *ctl, struct config *config);

/* Has this entry codes at all? */
bool ctl_has_codes(const struct config_entry *entry);

#endif
