/* SPDX-License-Identifier: ISC */
/* See mac.h. Called by the handler between admission and outcome, and by the client. */
#include "mac.h"

#include "crypt_start.h"
#include "wipe.h"

#include <gcrypt.h>
#include <string.h>

/* Room for a few HMAC contexts; libgcrypt rounds it up to its own minimum. */
#define SECURE_MEMORY_LEN 16384

_Static_assert(SEED_LEN == 32 && REPLY_LEN == 32 && RECEIPT_LEN == 32, "each is one SHA-256 digest");

int mac_init(void)
{
    uint8_t digest[REPLY_LEN] = {0};

    if (crypt_start("1.8.0", SECURE_MEMORY_LEN) != 0)
        return -1;
    /* The first digest takes longer than all later ones: now, when nobody waits for it. */
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, digest, sizeof(digest));
    return 0;
}

const char *mac_problem(void)
{
    return "libgcrypt cannot be initialised: it must be 1.8 or later, and RLIMIT_MEMLOCK (LimitMEMLOCK=) at least 64 "
           "KiB";
}

void mac_on_fatal(void (*end)(void *context, int code, const char *text), void *context)
{
    gcry_set_fatalerror_handler(end, context);
}

int mac_key_empty(struct mac_key *key)
{
    key->md = NULL;
    return gcry_md_open(&key->md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) == 0 ? 0 : -1;
}

void mac_key_free(struct mac_key *key)
{
    if (key->md == NULL)
        return;
    gcry_md_close(key->md);
    key->md = NULL;
    /* A secret longer than a block is hashed to one that takes its place, and libgcrypt does that on the stack. */
    wipe_stack();
}

/* HMAC over up to three pieces. */
static int run_hmac(gcry_md_hd_t md, const gcry_buffer_t *pieces, size_t count, uint8_t out[static REPLY_LEN])
{
    const uint8_t *digest;

    for (size_t i = 0; i < count; i++)
        gcry_md_write(md, pieces[i].data, pieces[i].len);
    digest = gcry_md_read(md, GCRY_MD_SHA256);
    if (digest == NULL)
        return -1;
    memcpy(out, digest, REPLY_LEN);
    return 0;
}

/* With a secret that the key has not had before. The secret and all that derives from it stay in libgcrypt's locked
 * memory, or on the stack until it is wiped. */
static int run_secret(const struct mac_key *key, struct secret secret, const gcry_buffer_t *pieces, size_t count,
                      uint8_t out[static REPLY_LEN])
{
    memset(out, 0, REPLY_LEN);
    if (gcry_md_setkey(key->md, secret.bytes, secret.len) != 0)
        return -1;
    return run_hmac(key->md, pieces, count, out);
}

static int hmac(struct secret secret, const gcry_buffer_t *pieces, size_t count, uint8_t out[static REPLY_LEN])
{
    struct mac_key key;
    int status;

    memset(out, 0, REPLY_LEN);
    if (mac_key_empty(&key) != 0)
        return -1;
    status = run_secret(&key, secret, pieces, count, out);
    mac_key_free(&key);
    return status;
}

/* libgcrypt's buffers are not const, though it only reads them here. */
static gcry_buffer_t piece(const void *data, size_t len)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = data};
    return (gcry_buffer_t){.size = len, .len = len, .data = pointer.out};
}

int mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN])
{
    const gcry_buffer_t pieces[] = {piece(seed, SEED_LEN)};

    return hmac(secret, pieces, 1, reply);
}

static const char receipt_context[] = "ostiary receipt";

int mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                uint8_t receipt[static RECEIPT_LEN])
{
    const gcry_buffer_t pieces[] = {
        piece(receipt_context, sizeof(receipt_context) - 1),
        piece(seed, SEED_LEN),
        piece(reply, REPLY_LEN),
    };

    return hmac(secret, pieces, 3, receipt);
}

/* What the trial in mac_key_new did goes now as well: libgcrypt takes the room for it from its own, which is all there.
 */
static void run_key(const struct mac_key *key, const gcry_buffer_t *pieces, size_t count, uint8_t out[static REPLY_LEN])
{
    memset(out, 0, REPLY_LEN);
    gcry_md_reset(key->md);
    run_hmac(key->md, pieces, count, out);
}

int mac_key_try(const struct mac_key *key, struct secret secret, const uint8_t seed[static SEED_LEN],
                uint8_t reply[static REPLY_LEN])
{
    const gcry_buffer_t pieces[] = {piece(seed, SEED_LEN)};

    return run_secret(key, secret, pieces, 1, reply);
}

int mac_key_new(struct secret secret, struct mac_key *key)
{
    const uint8_t seed[SEED_LEN] = {0};
    uint8_t reply[REPLY_LEN];
    int status;

    if (mac_key_empty(key) != 0)
        return -1;
    status = mac_key_try(key, secret, seed, reply);
    explicit_bzero(reply, sizeof(reply));
    wipe_stack();
    if (status != 0)
        mac_key_free(key);
    return status;
}

void mac_key_reply(const struct mac_key *key, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN])
{
    const gcry_buffer_t pieces[] = {piece(seed, SEED_LEN)};

    run_key(key, pieces, 1, reply);
}

void mac_key_receipt(const struct mac_key *key, const uint8_t seed[static SEED_LEN],
                     const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN])
{
    const gcry_buffer_t pieces[] = {
        piece(receipt_context, sizeof(receipt_context) - 1),
        piece(seed, SEED_LEN),
        piece(reply, REPLY_LEN),
    };

    run_key(key, pieces, 3, receipt);
}

int mac_code(struct secret key, enum codes_hash hash, const uint8_t message[static CODES_MESSAGE_LEN],
             uint8_t digest[static CODES_DIGEST_MAX], size_t *len)
{
    static const struct {
        int number;
        size_t len;
    } algorithms[] = {[CODES_SHA1] = {GCRY_MD_SHA1, 20},
                      [CODES_SHA256] = {GCRY_MD_SHA256, 32},
                      [CODES_SHA512] = {GCRY_MD_SHA512, 64}};
    const int algorithm = algorithms[hash].number;
    const uint8_t *made = NULL;
    gcry_md_hd_t md = NULL;

    memset(digest, 0, CODES_DIGEST_MAX);
    *len = algorithms[CODES_SHA1].len;
    if (gcry_md_open(&md, algorithm, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0)
        return -1;
    if (gcry_md_setkey(md, key.bytes, key.len) == 0) {
        gcry_md_write(md, message, CODES_MESSAGE_LEN);
        made = gcry_md_read(md, algorithm);
    }
    if (made != NULL) {
        *len = algorithms[hash].len;
        memcpy(digest, made, 20);
        if (*len > 20)
            memcpy(digest + 20, made + 20, 12);
        if (*len > 32)
            memcpy(digest + 32, made + 32, 32);
    }
    gcry_md_close(md);
    wipe_stack();
    return made != NULL ? 0 : -1;
}
