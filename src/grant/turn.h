/* SPDX-License-Identifier: ISC */
/*
 * One at a time: reading all that the firewall has takes seconds of a processor where much is open, and who looks at
 * the form may do so as often as he likes. It is a lock on the directory of the record, and keeps nobody from changing
 * anything.
 */
#ifndef OSTIARY_TURN_H
#define OSTIARY_TURN_H

/* Wait for it. Gives a descriptor, with which it ends when that is closed; or -1: not within the limit. */
int turn_take(const char *state_dir, unsigned limit_ms);

#endif
