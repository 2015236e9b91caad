/* SPDX-License-Identifier: ISC */
/*
 * Room for descriptors, and the first three of them. libgcrypt, for one, ends the process without a word of ours where
 * it cannot open a file.
 */
#ifndef OSTIARY_DESCRIPTORS_H
#define OSTIARY_DESCRIPTORS_H

#include <sys/resource.h>

#define DESCRIPTORS_WANTED 32 /* more than a handler, a client or the tool has open at one time, libraries included */

/* What is wrong where there is no room, and what to do about it. */
#define DESCRIPTORS_TOO_FEW                                                                                            \
    "the hard limit of descriptors (RLIMIT_NOFILE) is below 32: raise it (LimitNOFILE= in a unit, else ulimit -Hn)"

/*
 * Raise the soft limit where it is lower than what is wanted. *before is what it was, for who is started later. Returns
 * 0; or -1 with errno, which is EMFILE where the hard limit is too low.
 */
int descriptors_make_room(rlim_t *before);

/*
 * Where descriptor 0, 1 or 2 is closed it becomes /dev/null: else it would be given to a connection or a file, and what
 * is meant for a person would be written there. Returns 0, or -1 with errno.
 */
int descriptors_fill(void);

#endif
