/* SPDX-License-Identifier: ISC */
/*
 * The limit of a process as a whole (I13): whatever a library, a disk or a service does, at the deadline it ends.
 *
 * A timer's signal ends it in good order. A second timer, DEADLINE_GRACE_MS later, kills it where the signal cannot
 * come through. Both run while the machine is suspended too, and exec(3) ends them: what this process becomes has no
 * deadline. SIGALRM and ITIMER_REAL are left alone.
 */
#ifndef OSTIARY_DEADLINE_H
#define OSTIARY_DEADLINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_SIGNAL   (SIGRTMIN + 1)
#define DEADLINE_GRACE_MS 2000

/*
 * Set the first deadline, so many milliseconds from now. At it end is called, in a signal handler: it does what can be
 * done there, and ends the process. Returns 0, or -1 with errno. Comes once, before anything that could take time.
 */
int deadline_start(int64_t limit_ms, void (*end)(void));

/* The deadline is so many milliseconds from now; at once where that is not positive. */
void deadline_set(int64_t limit_ms);

/* How many milliseconds are left until then; 0 when it has passed. */
int64_t deadline_left_ms(void);

/* Has it passed? For the moment before a step that must not be taken too late: the signal may be on its way. */
bool deadline_is_over(void);

#endif
