/* SPDX-License-Identifier: ISC */
/* libgcrypt made ready, once for all in a process that use it. */
#ifndef OSTIARY_CRYPT_START_H
#define OSTIARY_CRYPT_START_H

#include <stddef.h>

/*
 * Needs libgcrypt of this version, as "1.10.0", and locks secure_len bytes of memory for what is secret in it, which is
 * all that it will ever lock. Where somebody else in this process has made it ready, that is as it is. Returns 0, or
 * -1: it is older, or RLIMIT_MEMLOCK is too small.
 */
int crypt_start(const char *least, size_t secure_len);

#endif
