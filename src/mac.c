/* SPDX-License-Identifier: ISC */
/* See mac.h. Called by the handler between admission and outcome, and by the client. */
#include "mac.h"

#include <gcrypt.h>
#include <string.h>

/* Room for a few HMAC contexts; libgcrypt rounds it up to its own minimum. */
#define SECURE_MEMORY_LEN 16384

_Static_assert(SEED_LEN == 32 && REPLY_LEN == 32 && RECEIPT_LEN == 32, "each is one SHA-256 digest");

int mac_init(void)
{
    if (gcry_check_version("1.8.0") == NULL)
        return -1;
    if (gcry_control(GCRYCTL_INIT_SECMEM, SECURE_MEMORY_LEN, 0) != 0)
        return -1;
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) != 0)
        return -1;
    return 0;
}

void mac_on_fatal(void (*end)(void *context, int code, const char *text), void *context)
{
    gcry_set_fatalerror_handler(end, context);
}

static void put_le64(uint8_t out[static 8], uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

void mac_seed(const struct mac_seed_parts *parts, uint8_t seed[static SEED_LEN])
{
    uint8_t message[sizeof(parts->random) + 4 * 8];
    uint8_t *at = message + sizeof(parts->random);

    memcpy(message, parts->random, sizeof(parts->random));
    put_le64(at, (uint64_t)parts->now.tv_sec);
    put_le64(at + 8, (uint64_t)parts->now.tv_nsec);
    put_le64(at + 16, (uint64_t)parts->pid);
    put_le64(at + 24, parts->counter);
    gcry_md_hash_buffer(GCRY_MD_SHA256, seed, message, sizeof(message));
}

/* HMAC over up to three pieces; the key and all that derives from it stay in libgcrypt's locked memory. */
static int hmac(struct secret secret, const gcry_buffer_t *pieces, size_t count, uint8_t out[static REPLY_LEN])
{
    gcry_md_hd_t md = NULL;
    int status = -1;

    memset(out, 0, REPLY_LEN);
    if (gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0)
        return -1;
    if (gcry_md_setkey(md, secret.bytes, secret.len) != 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        gcry_md_write(md, pieces[i].data, pieces[i].len);

    const uint8_t *digest = gcry_md_read(md, GCRY_MD_SHA256);
    if (digest == NULL)
        goto out;
    memcpy(out, digest, REPLY_LEN);
    status = 0;
out:
    gcry_md_close(md);
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

int mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                uint8_t receipt[static RECEIPT_LEN])
{
    static const char context[] = "ostiary receipt";
    const gcry_buffer_t pieces[] = {
        piece(context, sizeof(context) - 1),
        piece(seed, SEED_LEN),
        piece(reply, REPLY_LEN),
    };

    return hmac(secret, pieces, 3, receipt);
}

uint32_t mac_same(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN])
{
    uint32_t difference = 0;

    for (size_t i = 0; i < REPLY_LEN; i++)
        difference |= (uint32_t)(a[i] ^ b[i]);
    /* difference is 0 to 255: only 0 - 1 has its high bits set. */
    return (uint32_t)0 - ((difference - 1) >> 31);
}
