/* SPDX-License-Identifier: ISC */
/*
 * The lockout table as a file: who may own it, how it comes into being, its lock, its bytes. Nothing here knows what a
 * strike is.
 *
 * Use: store_open once per process; then, for each step, store_hold, store_read and store_write, store_release;
 * store_close at the end. Every fault means: nobody gets in (I8). For the faults of which store_fault_has_errno is
 * true, errno says more.
 */
#ifndef OSTIARY_STORE_H
#define OSTIARY_STORE_H

#include "doors.h"
#include "fault.h"
#include "hold.h"
#include "moment.h"
#include "owner.h"
#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a handler waits for the lock: a hundred at once on a slow machine take seconds, each of which is a rightful
 * user's. */
#define STORE_PATIENCE_MS 20000

struct store_options {
    const char *directory; /* STATE_DIR */
    uint64_t places;       /* of a table that has to be created: rounded up to whole buckets */
    enum doors door;       /* at which door this process stands: not DOOR_EVERY */
    struct moment now;     /* where the time of such a table starts, or of one that has to be converted */
    unsigned patience_ms;  /* for each lock */
    bool read_only;        /* never creates, never writes, leaves even the access time alone */
    uid_t keeper;          /* of a process that is root: who else may own the directory, and as whom it then works on
                              what is in there (owner.h); 0: nobody */
};

/* The members are for the modules in state/. One process, one thread. */
struct store {
    int dir_fd;
    int table_fd;
    struct owner owner;
    uint64_t device, inode; /* of table_fd */
    struct store_options options;
    bool held;
    unsigned lost; /* slots that were damaged when the table was converted; set to 0 by who has reported them */
    /* Valid while held: */
    uint64_t file_len;
    struct record_header header;
    struct record_counters counters; /* with the mark that stands for now, where a time was given */
    uint64_t now_ms, now;            /* table time in ms and s, where a time was given; else 0 */
};

/* Open the directory and the table; make the table where there is none. After a fault *store is closed. */
enum store_fault store_open(const struct store_options *options, struct store *store);

/* Does nothing to one that is closed. */
void store_close(struct store *store);

/* Open a state directory of root's or the effective user's, and see that it is safe. The caller closes *dir_fd. */
enum store_fault store_open_directory(const char *directory, int *dir_fd);

/*
 * Take the lock; read and check header, counters and length, and see what time it is in the table. A table of version 1
 * is converted first. moment may be NULL where no time is needed. After a fault nothing is held.
 */
enum store_fault store_hold(struct store *store, enum hold_way way, const struct moment *moment);

/* As store_hold, but whatever the head holds: for verifying and repairing. Nothing but file_len is set. */
enum store_fault store_hold_unread(struct store *store, enum hold_way way);

/* Keeps errno. Does nothing when not held, but for ending what store_act has begun. */
void store_release(struct store *store);

/* Work as the directory's owner until store_release, as between store_hold and that, where there is no lock to be had.
 */
enum store_fault store_act(struct store *store);

/* All len bytes at offset, or a fault. */
enum store_fault store_read(const struct store *store, uint64_t offset, uint8_t *bytes, size_t len);
enum store_fault store_write(const struct store *store, uint64_t offset, const uint8_t *bytes, size_t len);

/* Write store->counters. */
enum store_fault store_write_counters(const struct store *store);

/* The generation of a slot made anew: none that this source has had. While held. STORE_OK or STORE_NO_RANDOM. */
enum store_fault store_new_generation(const struct store *store, uint64_t *generation);

/* What was written is on the disk when this returns STORE_OK. Needs no lock. */
enum store_fault store_sync(const struct store *store);

/* The offset of a slot in the file. */
uint64_t store_slot_at(uint64_t index);

#endif
