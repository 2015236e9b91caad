/* SPDX-License-Identifier: ISC */
/*
 * mac.h for a program that is not linked with libgcrypt: mac_init() loads mac.so, which is, and everything else goes
 * through what that exports. Used by the handler, which so meets libgcrypt for those peers alone that may reply.
 *
 * The object is opened by the absolute path that was chosen when this was built. Whoever sets the environment of the
 * launcher, and so where libgcrypt is looked for, decided which code runs before the first instruction here.
 */
#include "mac_module.h"

#include "module.h"

#include <stddef.h>

static const struct mac_functions *loaded; /* NULL: nothing yet */
static char load_problem[MODULE_PROBLEM_LEN];

/* What mac_on_fatal() was given, until there is a libgcrypt to be told. */
static struct {
    void (*end)(void *context, int code, const char *text);
    void *context;
} fatal;

int mac_init(void)
{
    if (loaded == NULL)
        loaded = module_load(OSTIARY_MAC_MODULE, MAC_MODULE_SYMBOL, "libgcrypt", load_problem);
    if (loaded == NULL)
        return -1;
    if (fatal.end != NULL)
        loaded->on_fatal(fatal.end, fatal.context);
    return loaded->init();
}

const char *mac_problem(void)
{
    return loaded == NULL ? load_problem : loaded->problem();
}

void mac_on_fatal(void (*end)(void *context, int code, const char *text), void *context)
{
    fatal.end = end;
    fatal.context = context;
}

int mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN])
{
    return loaded->reply(secret, seed, reply);
}

int mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                uint8_t receipt[static RECEIPT_LEN])
{
    return loaded->receipt(secret, seed, reply, receipt);
}

int mac_key_empty(struct mac_key *key)
{
    return loaded->key_empty(key);
}

int mac_key_try(const struct mac_key *key, struct secret secret, const uint8_t seed[static SEED_LEN],
                uint8_t reply[static REPLY_LEN])
{
    return loaded->key_try(key, secret, seed, reply);
}

void mac_key_free(struct mac_key *key)
{
    loaded->key_free(key);
}

int mac_code(struct secret key, enum codes_hash hash, const uint8_t message[static CODES_MESSAGE_LEN],
             uint8_t digest[static CODES_DIGEST_MAX], size_t *len)
{
    return loaded->code(key, hash, message, digest, len);
}
