/* SPDX-License-Identifier: ISC */
/*
 * Grants of gates that the configuration has no more, or has otherwise. What nftables let in by them it does so no
 * longer, as the gate's rules are gone. What commands have opened nobody can close without those commands.
 */
#ifndef OSTIARY_LOST_H
#define OSTIARY_LOST_H

#include "deeds.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Has it been opened by commands that its gate has no more, or is the gate gone? Then nobody can close it where it was
 * opened. Such a grant stays in the record, closing, until the gate has its commands again and revoke= has succeeded,
 * or somebody gives it up.
 */
bool lost_is_stranded(const struct gates *gates, const struct grant *grant);

/* Say that this one is stranded, and how many others are. */
void lost_say_stranded(const struct deeds *deeds, const struct grant *grant, uint64_t others);

/* Give up those that are stranded and closing; *count says how many there were. */
enum request_reason lost_give_up(struct deeds *deeds, uint64_t *count);

/*
 * Forget what the record has of a gate that the configuration has no more: of this network, and of a host whatever it
 * was opened with by whichever ipv6-prefix=; or, where network is NULL, all of this user. So it is not in force again
 * when somebody writes another gate of this name. What commands have opened stays (lost_is_stranded): REQUEST_FAILED,
 * which has been told. REQUEST_NOT_OPEN where there is nothing.
 */
struct lost {
    const char *gate;
    const struct source *network;
    const char *user;
};
enum request_reason lost_forget(struct deeds *deeds, const struct lost *lost);

#endif
