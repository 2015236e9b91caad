/* SPDX-License-Identifier: ISC */
/*
 * Memory for secrets: never swapped, never in a core file, not inherited by a child, wiped when given back.
 * Everything that holds a secret, the text of the configuration included, lives in one of these.
 */
#ifndef OSTIARY_LOCKED_H
#define OSTIARY_LOCKED_H

#include <stddef.h>
#include <stdint.h>

struct locked {
    uint8_t *bytes; /* NULL when there is none */
    size_t len;
};

/*
 * Give len bytes (1 or more), all zero. Returns 0, or -1 with errno: ENOMEM or EPERM or EAGAIN mean that
 * RLIMIT_MEMLOCK is too small; EPERM is also the answer of a container's filter. The caller gives it back with
 * locked_free.
 */
int locked_new(size_t len, struct locked *memory);

/* Wipe and give back; memory is then as before locked_new. Of nothing, it does nothing. */
void locked_free(struct locked *memory);

/*
 * What this process has in memory is for nobody else from now on: no core file, and no debugger of the same user.
 * Returns 0, or -1 with errno.
 */
int locked_hide_process(void);

/* Wipe all that has not been given back. For a signal handler that ends the process: nothing may be used afterwards. */
void locked_wipe_all(void);

#endif
