/* SPDX-License-Identifier: ISC */
/*
 * The closed door: STATE_DIR/closed exists while nobody may come in at any door, closed-NAME while nobody may at that
 * one, and says since when and why in one line. It needs the state directory alone (store_open_directory), so that a
 * door can be closed when the table is beyond use.
 */
#ifndef OSTIARY_CLOSED_H
#define OSTIARY_CLOSED_H

#include "doors.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOSED_LINE_LEN 256 /* with the NUL; longer reasons are cut */

/* Why, and when. */
struct closed_because {
    const char *reason;
    uint64_t now_ms; /* CLOCK_REALTIME */
    unsigned patience_ms;
};

/*
 * Is it closed, by itself or with all others? Anything that has the name closes it. Cannot be seen:
 * STORE_CLOSED_UNKNOWN with errno, *closed true.
 */
enum store_fault closed_look(int dir_fd, enum doors door, bool *closed);

/*
 * Close one door, or every one, durably. A door that is closed already stays closed for its first reason; *was_open
 * says which it was (NULL: who cares). In reason, bytes that are not printable ASCII become '?'.
 */
enum store_fault closed_write(int dir_fd, enum doors door, const struct closed_because *closing, bool *was_open);

/* Open every door, durably. manage_open is what an administrator means. */
enum store_fault closed_remove(int dir_fd);

/* The line without its line feed, that of all doors before its own; "" when the door is open, or closed by something
 * that is not a readable file. */
enum store_fault closed_read(int dir_fd, enum doors door, bool *closed, char line[static CLOSED_LINE_LEN]);

#endif
