/* SPDX-License-Identifier: ISC */
/*
 * A secret made of a passphrase, so that each guess at the passphrase costs memory and time. It is done where a person
 * types: in the client at each knock, and once where the secret is stored. No handler is linked with it, for there
 * every stranger could ask for the work.
 *
 *     salt   = the first 16 characters of base64url(SHA-256("ostiary-stretch-v1:" | NAME of the label))
 *     secret = base64url(KDF(passphrase, salt, 32 bytes)), without "=": 43 characters
 *
 * with the KDF and its costs from the label: Argon2id (RFC 9106, one lane, no key, no associated data), scrypt
 * (RFC 7914, r = 8) or PBKDF2 (RFC 8018) with HMAC-SHA256. The salt is text of 16 bytes, for there are programs that
 * take one as an argument, and libraries that take just that length.
 */
#ifndef OSTIARY_STRETCH_H
#define OSTIARY_STRETCH_H

#include "secret.h"
#include "stretch_label.h"

#include <stdint.h>

#define STRETCH_SECRET_LEN 43 /* so that 4.0 clients can send it as well */

enum stretch_fault {
    STRETCH_OK,
    STRETCH_NO_LIBRARY, /* stretch_problem says why */
    STRETCH_NO_MEMORY,
    STRETCH_FIPS_KIND,  /* libgcrypt is in FIPS mode, in which PBKDF2 alone is approved */
    STRETCH_FIPS_SHORT, /* nor does it then take a passphrase as short as this */
    STRETCH_FAILED      /* for a reason that is not known */
};

/*
 * Make the secret. The passphrase has been found good (stretch_passphrase.h), and is in locked memory, as the secret
 * has to be; both are the caller's to wipe. What this leaves behind on the stack is wiped. The memory that it takes
 * meanwhile is not locked, and holds nothing of the passphrase. Unless it is STRETCH_OK the secret is all zero.
 *
 * In a program that is linked with stretch_loader.c in place of stretch.c, this loads libgcrypt first.
 */
enum stretch_fault stretch_run(const struct stretch_label *label, struct secret passphrase,
                               uint8_t secret[static STRETCH_SECRET_LEN]);

/* Why there is no library to do it, and what to do: a sentence without its full stop. Valid for ever. */
const char *stretch_problem(void);

/* What is wrong, and what to do or to use instead: a sentence without its full stop. */
#define STRETCH_TEXT_LEN 1200
void stretch_text(enum stretch_fault fault, const struct stretch_label *label, char text[static STRETCH_TEXT_LEN]);

#endif
