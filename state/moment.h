/* SPDX-License-Identifier: ISC */
/*
 * Table time: the one clock by which everything in the table is written, in milliseconds. It stands still or goes
 * forward, whatever becomes of the machine's clocks (I14; FORMAT.md, "Time"):
 *
 * - while the machine is up it runs by CLOCK_BOOTTIME, which counts suspended time too and which nobody can set;
 * - over a reboot it goes on by as much as the wall clock has gone on, where that stands behind no time that it has
 *   shown before;
 * - else it goes on from where it stood, as if no time had passed, until there is a boot whose clock has caught up.
 *
 * A new table's time starts at the wall clock's; later the two may be apart by any amount, so what is shown to people
 * is converted (moment_wall). Pure functions, but for moment_read and moment_update.
 */
#ifndef OSTIARY_MOMENT_H
#define OSTIARY_MOMENT_H

#include "record.h"

#include <stdbool.h>
#include <stdint.h>

/* The clocks of the machine, read at one moment. A parameter everywhere, so that tests have their own. */
struct moment {
    uint8_t boot_id[RECORD_BOOT_ID_LEN]; /* of the running kernel; all zero: not known */
    uint64_t boot_ms;                    /* CLOCK_BOOTTIME */
    uint64_t wall_ms;                    /* CLOCK_REALTIME; 0 where that stands before 1970 */
};

/*
 * Where it says which kernel runs, for a process that does not see /proc/sys: 32 hexadecimal digits, with or without
 * hyphens. Whoever starts the process can set it, and is believed as for every other setting.
 */
#define MOMENT_BOOT_ID_VARIABLE "OSTIARY_BOOT_ID"

/* Read the clocks and the boot's identity. Nothing of it can fail: an identity that cannot be had is "not known". */
void moment_read(struct moment *moment);

/*
 * Read the clocks once more. The identity stays as it is, for no process outlives its boot, and to ask for it takes as
 * long as half a step in the table.
 */
void moment_update(struct moment *moment);

/* Does the wall clock stand behind a time that it has shown before, or was it never set? Then it is not believed. */
bool moment_is_behind(const struct moment *now, uint64_t latest_ms);

/* The mark of a new table: its time is the wall clock's. */
struct record_mark moment_first_mark(const struct moment *now);

/*
 * The mark that stands for now, by the one that was written last: what table time is now is its table_ms. *new_boot:
 * the last mark is of an earlier boot, so that this one must be written before any record that goes by it; else it
 * need not be.
 */
struct record_mark moment_next_mark(const struct record_mark *last, const struct moment *now, bool *new_boot);

/* A time of the table in seconds as the wall clock's, and back, by the mark that stands for now. RECORD_FOREVER, and 0,
 * stay. */
uint64_t moment_wall(const struct record_mark *mark, uint64_t table_s);
uint64_t moment_table(const struct record_mark *mark, uint64_t wall_s);

#endif
