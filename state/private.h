/* SPDX-License-Identifier: ISC */
/*
 * What only doors rest on whose handlers are root, where the state directory is not root's. Handlers without rights can
 * write the whole table, and one of them in wrong hands could set its seed counter back, or tell its key. So those
 * with root's rights take their seeds from a file of their own, in the directory STATE_DIR-root beside STATE_DIR: never
 * in it, for whose a directory is can rename what is in there. FORMAT.md, "STATE_DIR-root".
 */
#ifndef OSTIARY_PRIVATE_H
#define OSTIARY_PRIVATE_H

#include "siphash.h"
#include "store.h"

#include <stdint.h>

/* What makes the next seed another one than all before, and keeps it from being told beforehand. */
struct private_seed {
    uint64_t number; /* never given twice */
    uint8_t key[SIPHASH_KEY_LEN];
};

/*
 * The next seed number, used up when this returns STORE_OK. The table's and the table's key where the directory is
 * root's or the process is not root; else those of STATE_DIR-root, which is made where it is missing. table_number is
 * what lockout_admit gave.
 */
enum store_fault private_next_seed(const struct store *store, uint64_t table_number, struct private_seed *seed);

/*
 * Would a handler that is root get a number there, where the state directory is not root's? Reads alone: what is not
 * there yet is no fault.
 */
enum store_fault private_look(const char *state_dir, unsigned patience_ms);

#endif
