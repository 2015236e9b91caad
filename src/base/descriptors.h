/* SPDX-License-Identifier: ISC */
/*
 * Room for descriptors. libgcrypt, for one, ends the process without a word of ours where it cannot open a file.
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

#endif
