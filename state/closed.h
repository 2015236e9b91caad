/* SPDX-License-Identifier: ISC */
/*
 * The closed door: STATE_DIR/closed exists while nobody may come in, and says since when and why in one line.
 * It needs the state directory alone (store_open_directory), so that a door can be closed when the table is beyond use.
 */
#ifndef OSTIARY_CLOSED_H
#define OSTIARY_CLOSED_H

#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOSED_LINE_LEN 256 /* with the NUL; longer reasons are cut */

/* Is it closed? Anything named "closed" closes it. Cannot be seen: STORE_CLOSED_UNKNOWN with errno, *closed true. */
enum store_fault closed_look(int dir_fd, bool *closed);

/*
 * Close it, durably. A door that is closed already stays closed for its first reason; *was_open says which it was
 * (NULL: who cares). In reason, bytes that are not printable ASCII become '?'. now_ms: CLOCK_REALTIME.
 */
enum store_fault closed_write(int dir_fd, const char *reason, uint64_t now_ms, unsigned patience_ms, bool *was_open);

/* Open it, durably. manage_open is what an administrator means. */
enum store_fault closed_remove(int dir_fd);

/* The line without its line feed; "" when the door is open, or closed by something that is not a readable file. */
enum store_fault closed_read(int dir_fd, bool *closed, char line[static CLOSED_LINE_LEN]);

#endif
