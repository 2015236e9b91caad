/* SPDX-License-Identifier: ISC */
/* Secrets that functions leave behind on the stack. Locked memory wipes what is in it by itself (locked.h). */
#ifndef OSTIARY_WIPE_H
#define OSTIARY_WIPE_H

/*
 * Wipe what the functions that have just returned may have left on the stack below the caller: hashing a secret, or
 * making an HMAC key of one, puts pieces of it there.
 */
void wipe_stack(void);

#endif
