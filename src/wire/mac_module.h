/* SPDX-License-Identifier: ISC */
/*
 * What of mac.h needs libgcrypt, as a shared object of its own (mac.so): for a program that loads it when it is needed
 * and not when it starts. mac_module.c is the object's side, mac_loader.c the program's.
 */
#ifndef OSTIARY_MAC_MODULE_H
#define OSTIARY_MAC_MODULE_H

#include "mac.h"

/* The name by which mac.so exports its struct mac_functions. It exports nothing else. */
#define MAC_MODULE_SYMBOL "ostiary_mac"

struct mac_functions {
    const char *version; /* first, as module_load wants it */
    int (*init)(void);
    void (*on_fatal)(void (*end)(void *context, int code, const char *text), void *context);
    const char *(*problem)(void);
    int (*reply)(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN]);
    int (*receipt)(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                   uint8_t receipt[static RECEIPT_LEN]);
    int (*key_empty)(struct mac_key *key);
    int (*key_try)(const struct mac_key *key, struct secret secret, const uint8_t seed[static SEED_LEN],
                   uint8_t reply[static REPLY_LEN]);
    void (*key_free)(struct mac_key *key);
    int (*code)(struct secret key, enum codes_hash hash, const uint8_t message[static CODES_MESSAGE_LEN],
                uint8_t digest[static CODES_DIGEST_MAX], size_t *len);
};

#endif
