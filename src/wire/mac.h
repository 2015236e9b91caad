/* SPDX-License-Identifier: ISC */
/*
 * The cryptography of a knock: reply, receipt and one-time codes. It never sees a socket, a file or an option.
 *
 * All of it is SHA-256 (FIPS 180-4) and HMAC (RFC 2104), and for codes HMAC with SHA-1 or SHA-512 too, from libgcrypt.
 * mac_init() comes first and once. Functions that can fail return 0, or -1 when libgcrypt refused; the output is then
 * all zero and must not be used.
 */
#ifndef OSTIARY_MAC_H
#define OSTIARY_MAC_H

#include "codes.h"
#include "secret.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Make libgcrypt ready. Needs libgcrypt 1.8; allocates its locked memory for keys. In a program that is linked with
 * mac_loader.c in place of mac.c, this loads it first. On -1 nothing else here but mac_problem() may be called.
 */
int mac_init(void);

/* Why mac_init() gave -1, and what to do about it: a sentence without its full stop. Valid for ever. */
const char *mac_problem(void);

/*
 * What is called when libgcrypt is about to end the process, for want of memory: text says what it could not do. It
 * must not return; without it libgcrypt says so on standard error, and aborts. Comes before mac_init().
 */
void mac_on_fatal(void (*end)(void *context, int code, const char *text), void *context);

/* reply = HMAC-SHA256(key = secret, message = seed). Time depends on the length of the secret alone. */
int mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN]);

/* receipt = HMAC-SHA256(key = secret, message = "ostiary receipt" | seed | reply). */
int mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                uint8_t receipt[static RECEIPT_LEN]);

/*
 * A secret made ready: computing with it needs nothing more, and so cannot fail. For the client, whom a seed that it
 * cannot answer costs a strike. All of it is in libgcrypt's locked memory, until mac_key_free.
 */
struct mac_key {
    struct gcry_md_handle *md; /* NULL: there is none */
};

/* Tried out before it is given; on -1 there is nothing to be freed. */
int mac_key_new(struct secret secret, struct mac_key *key);

/*
 * For who tries many secrets: a key without a secret, which takes one after another. Making a key costs more than the
 * HMAC. Returns 0, or -1 and nothing to be freed.
 */
int mac_key_empty(struct mac_key *key);

/*
 * As mac_reply, with a key that is there already and then has this secret. What this leaves on the stack is wiped by
 * mac_key_free, once for all of them.
 */
int mac_key_try(const struct mac_key *key, struct secret secret, const uint8_t seed[static SEED_LEN],
                uint8_t reply[static REPLY_LEN]);

/* As mac_reply and mac_receipt. */
void mac_key_reply(const struct mac_key *key, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN]);
void mac_key_receipt(const struct mac_key *key, const uint8_t seed[static SEED_LEN],
                     const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN]);

/* Wipe it and the stack, and give it back. Of nothing, it does nothing. */
void mac_key_free(struct mac_key *key);

/*
 * The HMAC that a one-time code is made of (codes.h). *len is 20, 32 or 64, and the rest of digest zero. On -1 *len is
 * 20 and digest all zero, so that a code can be made of it all the same.
 */
int mac_code(struct secret key, enum codes_hash hash, const uint8_t message[static CODES_MESSAGE_LEN],
             uint8_t digest[static CODES_DIGEST_MAX], size_t *len);

/* All ones when the 32 bytes are the same, else 0: a mask, made without a branch, in constant time. */
uint32_t mac_same(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN]);

#endif
