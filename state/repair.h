/* SPDX-License-Identifier: ISC */
/*
 * Finding damage in a table, and building it anew from what is whole. Called by ostiaryctl. FORMAT.md, "Crash" and
 * "Damage".
 */
#ifndef OSTIARY_REPAIR_H
#define OSTIARY_REPAIR_H

#include "store.h"

#include <stdbool.h>
#include <stdint.h>

/* What is in a table. */
struct repair_findings {
    enum store_fault head;    /* OK, DAMAGED, OLD, FOREIGN or REBUILDING; OLD and FOREIGN: nothing else was looked at */
    bool header_damaged;      /* the first header */
    bool header_copy_damaged; /* the second */
    bool counters_damaged;
    bool zeros_damaged; /* bytes of the head that must be zero are not */
    bool length_wrong;
    uint64_t places; /* 0 when both headers are damaged: nothing else could be checked then */
    uint64_t whole;
    uint64_t damaged; /* slots and networks; those in a bucket that is none of their source's too */
};

/* Nothing at all is wrong. */
bool repair_is_clean(const struct repair_findings *findings);

/*
 * Read every byte of the table, under the shared lock; changes nothing. For each damaged slot report is called with its
 * index (RECORD_WHERE_NETWORKS + i for a network); it may be NULL. Faults are those of reading and locking: damage is a
 * finding.
 */
enum store_fault repair_verify(struct store *store, void (*report)(void *context, uint64_t where), void *context,
                               struct repair_findings *findings);

struct repair_order {
    uint64_t places;      /* 0: as it is; else rounded up to whole buckets */
    bool give_up;         /* when both headers are damaged: start an empty table */
    struct moment moment; /* decides which locks give way where a smaller table has no room */
};

struct repair_report {
    bool finished_earlier; /* an interrupted repair was finished, and nothing else done; order.places did not count */
    uint64_t kept;
    uint64_t damaged; /* slots that were lost with their damage */
    uint64_t dropped; /* whole slots for which the new table had no room */
    uint64_t places;
    bool counters_lost;
};

/*
 * Rebuild the table in place (one of version 1 is converted instead), with everybody shut out meanwhile. Interrupted at
 * any instruction, a later call finishes it. STORE_KEY_LOST: it would take give_up; nothing was changed.
 */
enum store_fault repair_table(struct store *store, const struct repair_order *order, struct repair_report *report);

#endif
