/* SPDX-License-Identifier: ISC */
/*
 * The steps of which deeds are made, and agreements: what is about to be done is put into the record, the firewall is
 * told, and the record takes note. The record is held (deeds.h).
 */
#ifndef OSTIARY_STEPS_H
#define OSTIARY_STEPS_H

#include "deeds.h"

#include <stdint.h>

/* The counter of the grant's hole stands at so many packets: what is new since it was read last counts. */
void steps_count(struct grant *grant, uint64_t packets);

/*
 * Take note of what has come through since the counter was read last, for all who have this network: the counter goes
 * on from there when the hole is made anew. *packets is where it stands; 0 where nobody has the network.
 */
enum request_reason steps_count_all(struct deeds *deeds, const struct gate *gate, const struct source *network,
                                    uint64_t *packets);

/* For how long it is to be open yet, in milliseconds; 0: not at all. */
uint64_t steps_left(const struct deeds *deeds, const struct grant *grant);

/*
 * Make the firewall have there what the record says: the longest of those who have this network, or nothing. user is
 * whom a command is told of where that is nothing. While a command runs the record is let go; where it could not be
 * held again, this fails, and deeds->record.held is false.
 */
enum request_reason steps_make_so(struct deeds *deeds, const struct gate *gate, const struct source *network,
                                  const char *user);

/* In the record: it is over. The firewall hears of it next. */
enum request_reason steps_begin_end(struct deeds *deeds, struct grant *grant, enum grant_end end, uint64_t slot);

/*
 * The firewall has opened it. Where somebody whose configuration has the gate no more has given it up meanwhile, it is
 * written anew, for it is open.
 */
enum request_reason steps_finish_opening(struct deeds *deeds, struct grant *grant, uint64_t *slot);

/* The network that the firewall was told of last: of those who have one together, it is told once. */
struct steps_told {
    bool any;
    struct source network;
};

/* What is begun in the record: by this process, or by one that was killed, or whose firewall failed. */
enum request_reason steps_finish(struct deeds *deeds, struct grant *grant, uint64_t slot, struct steps_told *told);

/*
 * Take the turn at the gate, and finish all that is begun there. What cannot be finished has been told, and is tried
 * again by the next process; this fails where the record, or the turn, cannot be had.
 */
enum request_reason steps_finish_all(struct deeds *deeds, const struct gate *gate);

#endif
