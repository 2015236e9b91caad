/* SPDX-License-Identifier: ISC */
/*
 * The cryptography of a pipe: who has the key, what both then have in common, and the packets. It never sees a socket
 * or a file. The wire and every formula are spiped's; what is computed with is libgcrypt's.
 *
 * pipe_init() comes first and once. Functions that can fail return 0, or -1 when libgcrypt refused; the output is then
 * all zero and must not be used. Keys, exponents, shared values and sessions belong into locked memory (locked.h),
 * which the caller gives and wipes; what libgcrypt makes of them is in its own.
 */
#ifndef OSTIARY_PIPE_CRYPT_H
#define OSTIARY_PIPE_CRYPT_H

#include "pipe_wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make libgcrypt ready. On -1 nothing else here but pipe_problem() may be called. */
int pipe_init(void);

/* Why pipe_init() gave -1, and what to do about it: a sentence without its full stop. Valid for ever. */
const char *pipe_problem(void);

/* As mac_on_fatal (src/wire/mac.h). */
void pipe_on_fatal(void (*end)(void *context, int code, const char *text), void *context);

enum pipe_side { PIPE_CLIENT, PIPE_SERVER };

/* K = SHA-256(all of the key file). */
struct pipe_key {
    uint8_t bytes[PIPE_KEY_LEN];
};

void pipe_key_make(const uint8_t *file, size_t len, struct pipe_key *key);

struct pipe_nonces {
    uint8_t client[PIPE_NONCE_LEN];
    uint8_t server[PIPE_NONCE_LEN];
};

/*
 * By what this side shows that it has the key: HMAC-SHA256 of its public value, by its half of PBKDF2-HMAC-SHA256(K,
 * both nonces) with one iteration.
 */
int pipe_proof(const struct pipe_key *key, const struct pipe_nonces *nonces, enum pipe_side side,
               const uint8_t value[static PIPE_VALUE_LEN], uint8_t proof[static PIPE_PROOF_LEN]);

/*
 * Which of count keys the proof is by: its index, or count where it is none. The time depends on count alone. -1 when
 * libgcrypt refused.
 */
int pipe_find_key(const struct pipe_key *keys, size_t count, const struct pipe_nonces *nonces, enum pipe_side side,
                  const uint8_t hello[static PIPE_HELLO_LEN], size_t *index);

/*
 * The secret exponent of this connection is 2^258 + x, so that all are as long, as spiped's are; x are 32 random bytes
 * that the caller has got. The public value is 2 to that power, the shared one the other side's public value to it.
 */
#define PIPE_EXPONENT_LEN 32

int pipe_public_value(const uint8_t x[static PIPE_EXPONENT_LEN], uint8_t value[static PIPE_VALUE_LEN]);
int pipe_shared_value(const uint8_t x[static PIPE_EXPONENT_LEN], const uint8_t theirs[static PIPE_VALUE_LEN],
                      uint8_t shared[static PIPE_VALUE_LEN]);

/*
 * What a public value is worth. By a weak one both have a shared value that who has the key can know: 1, of a side that
 * wants it so (spiped -f), and 0 and p - 1, which no honest side has. No number of the group is p or above.
 */
enum pipe_value_kind { PIPE_VALUE_STRONG, PIPE_VALUE_ONE, PIPE_VALUE_WEAK, PIPE_VALUE_TOO_LARGE };

enum pipe_value_kind pipe_value_kind(const uint8_t value[static PIPE_VALUE_LEN]);

/* The public value of a side that does without forward secrecy, and what is then shared: 1. */
void pipe_value_one(uint8_t value[static PIPE_VALUE_LEN]);

/* One way, with its keys. Packets are numbered from 0. */
struct pipe_direction {
    struct gcry_cipher_handle *cipher; /* AES-256 in counter mode */
    struct gcry_md_handle *md;         /* HMAC-SHA256 */
    uint64_t number;                   /* of the next packet */
};

struct pipe_session {
    struct pipe_direction out;
    struct pipe_direction in;
};

/* No session yet, and nothing to free. */
#define PIPE_SESSION_NONE ((struct pipe_session){0})

/*
 * The keys of both ways: PBKDF2-HMAC-SHA256(K, both nonces and the shared value) with one iteration. All of it is in
 * libgcrypt's locked memory. On -1 there is nothing to free.
 */
int pipe_session_begin(const struct pipe_key *key, const struct pipe_nonces *nonces,
                       const uint8_t shared[static PIPE_VALUE_LEN], enum pipe_side side, struct pipe_session *session);
void pipe_session_free(struct pipe_session *session);

/* The next packet that this side sends, with 1 to PIPE_DATA_MAX bytes in it. */
int pipe_seal(struct pipe_direction *out, const uint8_t *data, size_t len, uint8_t packet[static PIPE_PACKET_LEN]);

enum pipe_opened {
    PIPE_OPENED,
    PIPE_FORGED, /* not by who has the keys, or not the next packet */
    PIPE_ODD,    /* authentic, and with a length that no packet has */
    PIPE_FAILED  /* libgcrypt refused */
};

/* The next packet that came. Only after OPENED there is something in data, of which len bytes count. */
enum pipe_opened pipe_open(struct pipe_direction *in, const uint8_t packet[static PIPE_PACKET_LEN],
                           uint8_t data[static PIPE_PLAIN_LEN], size_t *len);

#endif
