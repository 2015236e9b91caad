/* SPDX-License-Identifier: ISC */
/* See handshake.h. */
#include "handshake.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* In locked memory. */
struct secrets {
    uint8_t x[PIPE_EXPONENT_LEN];
    uint8_t shared[PIPE_VALUE_LEN];
};

static struct secrets *secrets_of(const struct handshake *handshake)
{
    return (void *)handshake->secrets.bytes;
}

/* Without waiting: a machine that has just started must not keep anybody past his deadline. */
static int get_random(uint8_t *bytes, size_t len)
{
    const ssize_t got = getrandom(bytes, len, GRND_NONBLOCK);

    if (got == (ssize_t)len)
        return 0;
    if (got >= 0)
        errno = EAGAIN;
    return -1;
}

static uint8_t *nonce_of(struct pipe_nonces *nonces, enum pipe_side side)
{
    return side == PIPE_CLIENT ? nonces->client : nonces->server;
}

enum handshake_fault handshake_begin(enum pipe_side side, enum handshake_secrecy secrecy, struct handshake *handshake)
{
    *handshake = (struct handshake){.side = side, .secrecy = secrecy};
    if (get_random(nonce_of(&handshake->nonces, side), PIPE_NONCE_LEN) != 0)
        return HANDSHAKE_NO_RANDOM;
    return locked_new(sizeof(struct secrets), &handshake->secrets) == 0 ? HANDSHAKE_OK : HANDSHAKE_NO_MEMORY;
}

enum handshake_fault handshake_prepare(struct handshake *handshake)
{
    struct secrets *secrets = secrets_of(handshake);

    if (handshake->has_value)
        return HANDSHAKE_OK;
    if (handshake->secrecy == HANDSHAKE_NONE) {
        pipe_value_one(handshake->value);
    } else {
        if (get_random(secrets->x, sizeof(secrets->x)) != 0)
            return HANDSHAKE_NO_RANDOM;
        if (pipe_public_value(secrets->x, handshake->value) != 0)
            return HANDSHAKE_REFUSED;
    }
    handshake->has_value = true;
    return HANDSHAKE_OK;
}

enum handshake_fault handshake_hello(struct handshake *handshake, const struct pipe_key *key,
                                     uint8_t hello[static PIPE_HELLO_LEN])
{
    const enum handshake_fault fault = handshake_prepare(handshake);

    if (fault != HANDSHAKE_OK)
        return fault;
    memcpy(hello, handshake->value, PIPE_VALUE_LEN);
    return pipe_proof(key, &handshake->nonces, handshake->side, handshake->value, hello + PIPE_VALUE_LEN) == 0
               ? HANDSHAKE_OK
               : HANDSHAKE_REFUSED;
}

static enum pipe_side other(enum pipe_side side)
{
    return side == PIPE_CLIENT ? PIPE_SERVER : PIPE_CLIENT;
}

enum handshake_judgement handshake_judge(const struct handshake *handshake, const struct pipe_key *keys, size_t count,
                                         const uint8_t hello[static PIPE_HELLO_LEN], size_t *index)
{
    if (pipe_find_key(keys, count, &handshake->nonces, other(handshake->side), hello, index) != 0)
        return HANDSHAKE_UNDETERMINED;
    if (*index == count)
        return HANDSHAKE_STRANGER;
    switch (pipe_value_kind(hello)) {
    case PIPE_VALUE_STRONG:
        return HANDSHAKE_KNOWN;
    case PIPE_VALUE_ONE:
        return handshake->secrecy == HANDSHAKE_REQUIRED ? HANDSHAKE_NO_SECRECY : HANDSHAKE_KNOWN;
    case PIPE_VALUE_WEAK:
    case PIPE_VALUE_TOO_LARGE:
        break;
    }
    return HANDSHAKE_NO_NUMBER;
}

/* 1, where one side's public value is 1: nothing has to be computed for it. */
static int share(const struct handshake *handshake, const uint8_t theirs[static PIPE_VALUE_LEN])
{
    struct secrets *secrets = secrets_of(handshake);

    if (handshake->secrecy != HANDSHAKE_NONE && pipe_value_kind(theirs) != PIPE_VALUE_ONE)
        return pipe_shared_value(secrets->x, theirs, secrets->shared);
    pipe_value_one(secrets->shared);
    return 0;
}

enum handshake_fault handshake_end(struct handshake *handshake, const struct pipe_key *key,
                                   const uint8_t hello[static PIPE_HELLO_LEN], struct pipe_session *session)
{
    int status = share(handshake, hello);

    *session = PIPE_SESSION_NONE;
    if (status == 0)
        status = pipe_session_begin(key, &handshake->nonces, secrets_of(handshake)->shared, handshake->side, session);
    handshake_free(handshake);
    return status == 0 ? HANDSHAKE_OK : HANDSHAKE_REFUSED;
}

void handshake_free(struct handshake *handshake)
{
    locked_free(&handshake->secrets);
    *handshake = HANDSHAKE_UNBEGUN;
}
