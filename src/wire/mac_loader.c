/* SPDX-License-Identifier: ISC */
/*
 * mac.h for a program that is not linked with libgcrypt: mac_init() loads mac.so, which is, and everything else goes
 * through what that exports. Used by the handler, which so meets libgcrypt for those peers alone that may reply.
 *
 * The object is opened by the absolute path that was chosen when this was built. What it needs itself, libgcrypt, the
 * dynamic linker looks for by its name, as it has looked for libc: also where LD_LIBRARY_PATH says, if the launcher has
 * set that. Whoever can do so decided which code runs before the first instruction here.
 */
#include "mac_module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_LEN 1024

static const struct mac_functions *loaded; /* NULL: nothing yet */
static char load_problem[PROBLEM_LEN];

/* What mac_on_fatal() was given, until there is a libgcrypt to be told. */
static struct {
    void (*end)(void *context, int code, const char *text);
    void *context;
} fatal;

/* The object stays loaded, whether it can be used or not: this process makes no second attempt. */
static const struct mac_functions *load(void)
{
    void *object = dlopen(OSTIARY_MAC_MODULE, RTLD_NOW | RTLD_LOCAL);
    const struct mac_functions *functions = object != NULL ? dlsym(object, MAC_MODULE_SYMBOL) : NULL;

    if (functions == NULL) {
        snprintf(load_problem, sizeof(load_problem),
                 "libgcrypt cannot be loaded: %s: install Ostiary anew, or libgcrypt", dlerror());
        return NULL;
    }
    if (strcmp(functions->version, OSTIARY_VERSION) != 0) {
        snprintf(load_problem, sizeof(load_problem),
                 "libgcrypt cannot be loaded: %s is of version %s, and this is " OSTIARY_VERSION
                 ": install Ostiary anew",
                 OSTIARY_MAC_MODULE, functions->version);
        return NULL;
    }
    return functions;
}

int mac_init(void)
{
    if (loaded == NULL)
        loaded = load();
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
