/* SPDX-License-Identifier: ISC */
/*
 * From a table of version 1 to one of today, losing nothing: the new one is built beside it, and takes its name in one
 * step while the old one is held. Killed at any instruction, the name belongs to a whole table of either version.
 * Whoever waited for the old one's lock finds that it has no name any more, and opens the new one (FORMAT.md,
 * "Version 1"). Called by store.c, and by repair.c for a table that is not whole.
 */
#ifndef OSTIARY_CONVERT_H
#define OSTIARY_CONVERT_H

#include "store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Convert the table that was found to be of version 1, or find that somebody else has. Takes the lock for it, and holds
 * nothing afterwards. store->lost says how many slots were damaged. STORE_DAMAGED: it takes a repair.
 */
enum store_fault convert_table(struct store *store);

struct convert_report {
    uint64_t kept;
    uint64_t damaged;
    uint64_t dropped;
    uint64_t places;
    bool counters_lost;
};

/*
 * The same for whatever is whole, with the lock held. places: 0: as many as it has, or more where they would not be
 * enough. Where an earlier version's repair was interrupted behind its mark, the records are taken from
 * `lockout.rebuild`. STORE_KEY_LOST: neither header is whole and of version 1.
 */
enum store_fault convert_salvage(struct store *store, uint64_t places, struct convert_report *report);

#endif
