/* SPDX-License-Identifier: ISC */
/*
 * How two sides of a pipe come to know each other: what each of them says, and what it makes of what the other has
 * said. No byte goes through here: the programs send and receive them.
 *
 *     client      handshake_begin · nonces exchanged · handshake_hello · hellos exchanged · handshake_judge ·
 * handshake_end server      handshake_begin · nonces exchanged · the client's hello · handshake_judge ·
 * handshake_hello, sent · handshake_end
 *
 * A server says nothing but its nonce to who has not shown that he has the key, and computes nothing large for him.
 */
#ifndef OSTIARY_HANDSHAKE_H
#define OSTIARY_HANDSHAKE_H

#include "locked.h"
#include "pipe_crypt.h"

#include <stdbool.h>

/* Whether what was said can be read by who gets the key later. */
enum handshake_secrecy {
    HANDSHAKE_PREFERRED, /* not where the other side wants it so, as spiped -f does */
    HANDSHAKE_REQUIRED,  /* never */
    HANDSHAKE_NONE       /* this side wants it so: two exponentiations less */
};

struct handshake {
    enum pipe_side side;
    enum handshake_secrecy secrecy;
    struct pipe_nonces nonces; /* this side's own, and when it has come the other's */
    bool has_value;
    uint8_t value[PIPE_VALUE_LEN]; /* this side's public value */
    struct locked secrets;         /* the exponent and the shared value */
};

/* Nothing has been begun, and there is nothing to free. */
#define HANDSHAKE_UNBEGUN ((struct handshake){0})

enum handshake_fault {
    HANDSHAKE_OK,
    HANDSHAKE_NO_RANDOM, /* errno says why */
    HANDSHAKE_NO_MEMORY, /* locked: errno says why */
    HANDSHAKE_REFUSED    /* by libgcrypt */
};

/* A nonce of its own, which may be sent at once, and room for secrets. */
enum handshake_fault handshake_begin(enum pipe_side side, enum handshake_secrecy secrecy, struct handshake *handshake);

/*
 * This side's public value, where it is wanted before the nonces are there: it needs none of them, and takes as long as
 * all else together.
 */
enum handshake_fault handshake_prepare(struct handshake *handshake);

/* What this side says to show that it has the key. Both nonces are there. */
enum handshake_fault handshake_hello(struct handshake *handshake, const struct pipe_key *key,
                                     uint8_t hello[static PIPE_HELLO_LEN]);

enum handshake_judgement {
    HANDSHAKE_KNOWN,       /* by the key that *index says */
    HANDSHAKE_STRANGER,    /* by none of the keys */
    HANDSHAKE_NO_SECRECY,  /* who has the key, and what he says could be read later, though it must not */
    HANDSHAKE_NO_NUMBER,   /* who has the key, and no honest side's public value */
    HANDSHAKE_UNDETERMINED /* libgcrypt refused */
};

/* What the other side has said. Which of several keys it is by is found in a time that tells nothing of it. */
enum handshake_judgement handshake_judge(const struct handshake *handshake, const struct pipe_key *keys, size_t count,
                                         const uint8_t hello[static PIPE_HELLO_LEN], size_t *index);

/* Of who is known: the session. Wipes the secrets. After a fault there is none. */
enum handshake_fault handshake_end(struct handshake *handshake, const struct pipe_key *key,
                                   const uint8_t hello[static PIPE_HELLO_LEN], struct pipe_session *session);

/* Wipe it, at whatever point it is. */
void handshake_free(struct handshake *handshake);

#endif
