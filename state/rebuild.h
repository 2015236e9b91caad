/* SPDX-License-Identifier: ISC */
/*
 * A table that is built under another name from the records of an old one, while that is held alone. Used by repair.c
 * and convert.c, which say what becomes of it.
 */
#ifndef OSTIARY_REBUILD_H
#define OSTIARY_REBUILD_H

#include "buckets.h"
#include "networks.h"
#include "store.h"

#include <stdint.h>

struct rebuild {
    struct store file; /* as far as reading and writing go; its header is what the table has */
    uint64_t now;      /* table time in s: decides which locks give way where there is no room for all */
    uint64_t kept;
    uint64_t dropped; /* whole records for which there was no room */
};

/* Nothing is open. */
#define REBUILD_NONE ((struct rebuild){.file = {.dir_fd = -1, .table_fd = -1}})

/* Make the file, in place of any leftover, with room for what rebuild->file.header says. */
enum store_fault rebuild_begin(struct rebuild *rebuild, int dir_fd, const char *name);

/* Put a record of the old table where it belongs in the new one. */
enum store_fault rebuild_keep(struct rebuild *rebuild, const struct record_slot *record);

/*
 * All slots are in it: make them durable, and then write the head with these counters and networks, and make that
 * durable, so that a file with a whole head is a whole file. Which networks are in use goes by networks.
 */
enum store_fault rebuild_end(struct rebuild *rebuild, const struct record_counters *counters,
                             const struct networks *networks);

/* Close the file. Does nothing where there is none. */
void rebuild_close(struct rebuild *rebuild);

#endif
