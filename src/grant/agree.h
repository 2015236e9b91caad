/* SPDX-License-Identifier: ISC */
/*
 * Record and firewall are made to agree: what is over is ended, what was used is renewed where its gate says so, what
 * is missing in the firewall is opened for the rest of its time, what is open there without a grant is shut. Boots,
 * reloads of the ruleset and the timer do this. The record has to be held (deeds.h), and is let go while commands run:
 * where it could not be held again, record_failed says so.
 *
 * The gates of nftables come first and by themselves, so that what their rules shut is shut, and what is granted there
 * is open, before a command of another firewall is waited for. Each gate by commands has a turn of its own.
 */
#ifndef OSTIARY_AGREE_H
#define OSTIARY_AGREE_H

#include "deeds.h"

enum agree_way {
    AGREE_TICK, /* loads the table only where something of it is missing */
    AGREE_LOAD  /* loads it in any case */
};

enum request_reason agree(struct deeds *deeds, enum agree_way way);

/* The same for the gates of nftables alone, and for what the record has of gates that are gone. No command is run. */
enum request_reason agree_in_nft(struct deeds *deeds, enum agree_way way);

/*
 * Load the rules where the record cannot be used, and so need not be held: what they shut has to be shut all the same.
 * What the firewall has stays as it is, and no command is run.
 */
enum request_reason agree_on_rules(struct deeds *deeds, enum agree_way way);

#endif
