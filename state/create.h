/* SPDX-License-Identifier: ISC */
/*
 * Making a table that is not there yet. Safe with any number of processes at once, and under SIGKILL at any
 * instruction: the name `lockout` never belongs to anything but a whole table. Called by store.c, and in part by
 * rebuild.c and repair.c.
 */
#ifndef OSTIARY_CREATE_H
#define OSTIARY_CREATE_H

#include "fault.h"
#include "moment.h"

#include <stddef.h>
#include <stdint.h>

#define CREATE_TABLE_NAME "lockout" /* in the state directory */

/* What a new table is to be like. */
struct create_order {
    uint64_t places;      /* rounded up to whole buckets, within RECORD_PLACES_MIN and RECORD_PLACES_MAX */
    struct moment now;    /* where its time starts */
    unsigned patience_ms; /* for the lock on the directory */
};

/* Make an empty table under its name, or find that somebody else has: both are STORE_OK. */
enum store_fault create_table(int dir_fd, const struct create_order *order);

/* A new private file under this name, in place of any leftover. The caller closes *fd. */
enum store_fault create_file(int dir_fd, const char *name, int *fd);

/* len random bytes. STORE_OK or STORE_NO_RANDOM. */
enum store_fault create_random(void *bytes, size_t len);

/* The seed number that a new table begins with. */
uint64_t create_first_seed(void);

uint64_t create_round_places(uint64_t places);

#endif
