/* SPDX-License-Identifier: ISC */
/* See pipe_crypt.h. */
#include "pipe_crypt.h"

#include "crypt_start.h"
#include "mac.h"
#include "wipe.h"

#include <gcrypt.h>
#include <string.h>

#define LIBGCRYPT_LEAST "1.10.0"
/* An exponentiation with a secret exponent has tables of its own in there. */
#define SECURE_MEMORY 65536

#define DIGEST_LEN    32
#define SHARED_KEYS   4 /* cipher and MAC of each direction */
#define COUNTER_LEN   16
#define NUMBER_LEN    8
#define BITS_OF_X     256
#define FIXED_BIT     258 /* of the exponent, above those of x */
#define LENGTH_OFFSET PIPE_DATA_MAX

_Static_assert(PIPE_KEY_LEN == DIGEST_LEN && PIPE_PROOF_LEN == DIGEST_LEN, "each is one SHA-256 digest");
_Static_assert(REPLY_LEN == DIGEST_LEN, "mac_same compares two of them");
_Static_assert(PIPE_PACKET_LEN == PIPE_PLAIN_LEN + DIGEST_LEN, "a packet ends with one");
_Static_assert(PIPE_EXPONENT_LEN * 8 == BITS_OF_X, "x is below 2^256");

/* RFC 3526, section 3: 2^2048 - 2^1984 - 1 + 2^64 * (floor(2^1918 pi) + 124476). */
static const uint8_t prime[PIPE_VALUE_LEN] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x0f, 0xda, 0xa2, 0x21, 0x68, 0xc2, 0x34, 0xc4, 0xc6, 0x62,
    0x8b, 0x80, 0xdc, 0x1c, 0xd1, 0x29, 0x02, 0x4e, 0x08, 0x8a, 0x67, 0xcc, 0x74, 0x02, 0x0b, 0xbe, 0xa6, 0x3b, 0x13,
    0x9b, 0x22, 0x51, 0x4a, 0x08, 0x79, 0x8e, 0x34, 0x04, 0xdd, 0xef, 0x95, 0x19, 0xb3, 0xcd, 0x3a, 0x43, 0x1b, 0x30,
    0x2b, 0x0a, 0x6d, 0xf2, 0x5f, 0x14, 0x37, 0x4f, 0xe1, 0x35, 0x6d, 0x6d, 0x51, 0xc2, 0x45, 0xe4, 0x85, 0xb5, 0x76,
    0x62, 0x5e, 0x7e, 0xc6, 0xf4, 0x4c, 0x42, 0xe9, 0xa6, 0x37, 0xed, 0x6b, 0x0b, 0xff, 0x5c, 0xb6, 0xf4, 0x06, 0xb7,
    0xed, 0xee, 0x38, 0x6b, 0xfb, 0x5a, 0x89, 0x9f, 0xa5, 0xae, 0x9f, 0x24, 0x11, 0x7c, 0x4b, 0x1f, 0xe6, 0x49, 0x28,
    0x66, 0x51, 0xec, 0xe4, 0x5b, 0x3d, 0xc2, 0x00, 0x7c, 0xb8, 0xa1, 0x63, 0xbf, 0x05, 0x98, 0xda, 0x48, 0x36, 0x1c,
    0x55, 0xd3, 0x9a, 0x69, 0x16, 0x3f, 0xa8, 0xfd, 0x24, 0xcf, 0x5f, 0x83, 0x65, 0x5d, 0x23, 0xdc, 0xa3, 0xad, 0x96,
    0x1c, 0x62, 0xf3, 0x56, 0x20, 0x85, 0x52, 0xbb, 0x9e, 0xd5, 0x29, 0x07, 0x70, 0x96, 0x96, 0x6d, 0x67, 0x0c, 0x35,
    0x4e, 0x4a, 0xbc, 0x98, 0x04, 0xf1, 0x74, 0x6c, 0x08, 0xca, 0x18, 0x21, 0x7c, 0x32, 0x90, 0x5e, 0x46, 0x2e, 0x36,
    0xce, 0x3b, 0xe3, 0x9e, 0x77, 0x2c, 0x18, 0x0e, 0x86, 0x03, 0x9b, 0x27, 0x83, 0xa2, 0xec, 0x07, 0xa2, 0x8f, 0xb5,
    0xc5, 0x5d, 0xf0, 0x6f, 0x4c, 0x52, 0xc9, 0xde, 0x2b, 0xcb, 0xf6, 0x95, 0x58, 0x17, 0x18, 0x39, 0x95, 0x49, 0x7c,
    0xea, 0x95, 0x6a, 0xe5, 0x15, 0xd2, 0x26, 0x18, 0x98, 0xfa, 0x05, 0x10, 0x15, 0x72, 0x8e, 0x5a, 0x8a, 0xac, 0xaa,
    0x68, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

int pipe_init(void)
{
    return crypt_start(LIBGCRYPT_LEAST, SECURE_MEMORY);
}

const char *pipe_problem(void)
{
    return "libgcrypt cannot be initialised: it must be " LIBGCRYPT_LEAST
           " or later, and RLIMIT_MEMLOCK (LimitMEMLOCK=) at least 128 KiB";
}

void pipe_on_fatal(void (*end)(void *context, int code, const char *text), void *context)
{
    gcry_set_fatalerror_handler(end, context);
}

static void put_number(uint64_t number, size_t len, uint8_t *bytes)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number >> (8 * (len - 1 - i)));
}

/* ---- Who has the key --------------------------------------------------------------------------------------------- */

void pipe_key_make(const uint8_t *file, size_t len, struct pipe_key *key)
{
    gcry_md_hash_buffer(GCRY_MD_SHA256, key->bytes, file, len);
    wipe_stack();
}

/* A message in one piece or two. */
struct message {
    const uint8_t *bytes;
    size_t len;
    const uint8_t *more;
    size_t more_len;
};

/* With the key that md has. */
static int digest_of(gcry_md_hd_t md, struct message message, uint8_t digest[static DIGEST_LEN])
{
    const uint8_t *made;

    gcry_md_reset(md);
    gcry_md_write(md, message.bytes, message.len);
    if (message.more_len > 0)
        gcry_md_write(md, message.more, message.more_len);
    made = gcry_md_read(md, GCRY_MD_SHA256);
    if (made == NULL)
        return -1;
    memcpy(digest, made, DIGEST_LEN);
    return 0;
}

static int hmac_open(const uint8_t key[static DIGEST_LEN], gcry_md_hd_t *md)
{
    if (gcry_md_open(md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0)
        return -1;
    if (gcry_md_setkey(*md, key, DIGEST_LEN) == 0)
        return 0;
    gcry_md_close(*md);
    return -1;
}

/* PBKDF2-HMAC-SHA256 (RFC 8018) with one iteration: block number `block` of what it gives, from 1. */
static int derive(gcry_md_hd_t md, const uint8_t *salt, size_t len, unsigned block, uint8_t key[static DIGEST_LEN])
{
    uint8_t number[4];

    put_number(block, sizeof(number), number);
    return digest_of(md, (struct message){salt, len, number, sizeof(number)}, key);
}

/* md and its key are made for it, and there for the next one. */
static int prove(gcry_md_hd_t md, const struct pipe_key *key, const struct pipe_nonces *nonces, enum pipe_side side,
                 const uint8_t value[static PIPE_VALUE_LEN], uint8_t proof[static PIPE_PROOF_LEN])
{
    uint8_t salt[2 * PIPE_NONCE_LEN];
    uint8_t half[DIGEST_LEN];
    int status;

    memcpy(salt, nonces->client, PIPE_NONCE_LEN);
    memcpy(salt + PIPE_NONCE_LEN, nonces->server, PIPE_NONCE_LEN);
    status = gcry_md_setkey(md, key->bytes, PIPE_KEY_LEN) == 0 &&
                     derive(md, salt, sizeof(salt), side == PIPE_CLIENT ? 1 : 2, half) == 0 &&
                     gcry_md_setkey(md, half, sizeof(half)) == 0 &&
                     digest_of(md, (struct message){.bytes = value, .len = PIPE_VALUE_LEN}, proof) == 0
                 ? 0
                 : -1;
    explicit_bzero(half, sizeof(half));
    return status;
}

int pipe_proof(const struct pipe_key *key, const struct pipe_nonces *nonces, enum pipe_side side,
               const uint8_t value[static PIPE_VALUE_LEN], uint8_t proof[static PIPE_PROOF_LEN])
{
    gcry_md_hd_t md;
    int status;

    memset(proof, 0, PIPE_PROOF_LEN);
    if (hmac_open(key->bytes, &md) != 0)
        return -1;
    status = prove(md, key, nonces, side, value, proof);
    gcry_md_close(md);
    wipe_stack();
    return status;
}

int pipe_find_key(const struct pipe_key *keys, size_t count, const struct pipe_nonces *nonces, enum pipe_side side,
                  const uint8_t hello[static PIPE_HELLO_LEN], size_t *index)
{
    uint8_t proof[PIPE_PROOF_LEN] = {0};
    size_t found = count;
    gcry_md_hd_t md;
    int status = 0;

    *index = count;
    if (count == 0)
        return 0;
    if (hmac_open(keys[0].bytes, &md) != 0)
        return -1;
    for (size_t i = 0; i < count && status == 0; i++) {
        status = prove(md, &keys[i], nonces, side, hello, proof);
        const size_t is_this = (size_t)0 - (mac_same(proof, hello + PIPE_VALUE_LEN) & 1);

        found = (found & ~is_this) | (i & is_this);
    }
    gcry_md_close(md);
    wipe_stack();
    explicit_bzero(proof, sizeof(proof));
    if (status == 0)
        *index = found;
    return status;
}

/* ---- What both have in common ------------------------------------------------------------------------------------ */

static gcry_mpi_t read_value(const uint8_t value[static PIPE_VALUE_LEN])
{
    gcry_mpi_t number;

    return gcry_mpi_scan(&number, GCRYMPI_FMT_USG, value, PIPE_VALUE_LEN, NULL) == 0 ? number : NULL;
}

/* In libgcrypt's locked memory, so that it takes the way that tells nothing by its time. NULL where there is none. */
static gcry_mpi_t read_exponent(const uint8_t x[static PIPE_EXPONENT_LEN])
{
    uint8_t *bytes = gcry_malloc_secure(PIPE_EXPONENT_LEN);
    gcry_mpi_t exponent = NULL;

    if (bytes == NULL)
        return NULL;
    memcpy(bytes, x, PIPE_EXPONENT_LEN);
    if (gcry_mpi_scan(&exponent, GCRYMPI_FMT_USG, bytes, PIPE_EXPONENT_LEN, NULL) != 0)
        exponent = NULL;
    if (exponent != NULL)
        gcry_mpi_set_bit(exponent, FIXED_BIT);
    explicit_bzero(bytes, PIPE_EXPONENT_LEN);
    gcry_free(bytes);
    return exponent;
}

/* Padded with zeros in front. */
static int write_value(gcry_mpi_t number, uint8_t value[static PIPE_VALUE_LEN])
{
    size_t len = 0;

    if (gcry_mpi_print(GCRYMPI_FMT_USG, value, PIPE_VALUE_LEN, &len, number) != 0)
        return -1;
    memmove(value + PIPE_VALUE_LEN - len, value, len);
    memset(value, 0, PIPE_VALUE_LEN - len);
    return 0;
}

static int power(gcry_mpi_t base, const uint8_t x[static PIPE_EXPONENT_LEN], uint8_t value[static PIPE_VALUE_LEN])
{
    gcry_mpi_t exponent = read_exponent(x), modulus = read_value(prime), result = gcry_mpi_snew(8 * PIPE_VALUE_LEN);
    int status = -1;

    memset(value, 0, PIPE_VALUE_LEN);
    if (base != NULL && exponent != NULL && modulus != NULL && result != NULL) {
        gcry_mpi_powm(result, base, exponent, modulus);
        status = write_value(result, value);
    }
    gcry_mpi_release(exponent);
    gcry_mpi_release(modulus);
    gcry_mpi_release(result);
    gcry_mpi_release(base);
    wipe_stack();
    return status;
}

int pipe_public_value(const uint8_t x[static PIPE_EXPONENT_LEN], uint8_t value[static PIPE_VALUE_LEN])
{
    return power(gcry_mpi_set_ui(NULL, 2), x, value);
}

int pipe_shared_value(const uint8_t x[static PIPE_EXPONENT_LEN], const uint8_t theirs[static PIPE_VALUE_LEN],
                      uint8_t shared[static PIPE_VALUE_LEN])
{
    return power(read_value(theirs), x, shared);
}

static bool is_small(const uint8_t value[static PIPE_VALUE_LEN], uint8_t number)
{
    for (size_t i = 0; i < PIPE_VALUE_LEN - 1; i++)
        if (value[i] != 0)
            return false;
    return value[PIPE_VALUE_LEN - 1] == number;
}

enum pipe_value_kind pipe_value_kind(const uint8_t value[static PIPE_VALUE_LEN])
{
    if (memcmp(value, prime, PIPE_VALUE_LEN) >= 0)
        return PIPE_VALUE_TOO_LARGE;
    if (is_small(value, 1))
        return PIPE_VALUE_ONE;
    /* The prime ends in 255, so that what is one less differs in its last byte alone. */
    if (is_small(value, 0) ||
        (memcmp(value, prime, PIPE_VALUE_LEN - 1) == 0 && value[PIPE_VALUE_LEN - 1] == prime[PIPE_VALUE_LEN - 1] - 1))
        return PIPE_VALUE_WEAK;
    return PIPE_VALUE_STRONG;
}

void pipe_value_one(uint8_t value[static PIPE_VALUE_LEN])
{
    memset(value, 0, PIPE_VALUE_LEN);
    value[PIPE_VALUE_LEN - 1] = 1;
}

/* ---- Packets ----------------------------------------------------------------------------------------------------- */

static void close_direction(struct pipe_direction *direction)
{
    gcry_cipher_close(direction->cipher);
    gcry_md_close(direction->md);
    *direction = (struct pipe_direction){0};
}

static int open_direction(const uint8_t *keys, struct pipe_direction *direction)
{
    if (gcry_cipher_open(&direction->cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_CTR, GCRY_CIPHER_SECURE) != 0) {
        direction->cipher = NULL;
        return -1;
    }
    if (gcry_cipher_setkey(direction->cipher, keys, DIGEST_LEN) != 0)
        return -1;
    if (hmac_open(keys + DIGEST_LEN, &direction->md) == 0)
        return 0;
    direction->md = NULL;
    return -1;
}

/* All four keys, by PBKDF2 with one iteration of the key, the nonces and the shared value. */
static int derive_all(const struct pipe_key *key, const struct pipe_nonces *nonces,
                      const uint8_t shared[static PIPE_VALUE_LEN], uint8_t keys[static SHARED_KEYS * DIGEST_LEN])
{
    uint8_t *salt = gcry_malloc_secure(2 * PIPE_NONCE_LEN + PIPE_VALUE_LEN);
    gcry_md_hd_t md;
    int status;

    if (salt == NULL)
        return -1;
    status = hmac_open(key->bytes, &md);
    if (status == 0) {
        memcpy(salt, nonces->client, PIPE_NONCE_LEN);
        memcpy(salt + PIPE_NONCE_LEN, nonces->server, PIPE_NONCE_LEN);
        memcpy(salt + 2 * PIPE_NONCE_LEN, shared, PIPE_VALUE_LEN);
        for (unsigned i = 0; i < SHARED_KEYS && status == 0; i++)
            status = derive(md, salt, 2 * PIPE_NONCE_LEN + PIPE_VALUE_LEN, i + 1, keys + i * DIGEST_LEN);
        gcry_md_close(md);
    }
    explicit_bzero(salt, 2 * PIPE_NONCE_LEN + PIPE_VALUE_LEN);
    gcry_free(salt);
    return status;
}

int pipe_session_begin(const struct pipe_key *key, const struct pipe_nonces *nonces,
                       const uint8_t shared[static PIPE_VALUE_LEN], enum pipe_side side, struct pipe_session *session)
{
    uint8_t *keys = gcry_malloc_secure(SHARED_KEYS * DIGEST_LEN);
    int status = -1;

    *session = PIPE_SESSION_NONE;
    if (keys != NULL) {
        const uint8_t *of_client = keys, *of_server = keys + 2 * DIGEST_LEN;

        status = derive_all(key, nonces, shared, keys) == 0 &&
                         open_direction(side == PIPE_CLIENT ? of_client : of_server, &session->out) == 0 &&
                         open_direction(side == PIPE_CLIENT ? of_server : of_client, &session->in) == 0
                     ? 0
                     : -1;
        explicit_bzero(keys, SHARED_KEYS * DIGEST_LEN);
    }
    gcry_free(keys);
    wipe_stack();
    if (status != 0)
        pipe_session_free(session);
    return status;
}

void pipe_session_free(struct pipe_session *session)
{
    close_direction(&session->out);
    close_direction(&session->in);
    wipe_stack();
}

/* The counter's first half is the packet's number, the second counts blocks. */
static int crypt(const struct pipe_direction *direction, uint8_t plain[static PIPE_PLAIN_LEN])
{
    uint8_t counter[COUNTER_LEN] = {0};

    put_number(direction->number, NUMBER_LEN, counter);
    return gcry_cipher_setctr(direction->cipher, counter, sizeof(counter)) == 0 &&
                   gcry_cipher_encrypt(direction->cipher, plain, PIPE_PLAIN_LEN, NULL, 0) == 0
               ? 0
               : -1;
}

static int mac(const struct pipe_direction *direction, const uint8_t *cipher, uint8_t digest[static DIGEST_LEN])
{
    uint8_t number[NUMBER_LEN];

    put_number(direction->number, sizeof(number), number);
    return digest_of(direction->md, (struct message){cipher, PIPE_PLAIN_LEN, number, sizeof(number)}, digest);
}

int pipe_seal(struct pipe_direction *out, const uint8_t *data, size_t len, uint8_t packet[static PIPE_PACKET_LEN])
{
    memcpy(packet, data, len);
    memset(packet + len, 0, PIPE_DATA_MAX - len);
    put_number(len, PIPE_PLAIN_LEN - LENGTH_OFFSET, packet + LENGTH_OFFSET);
    if (crypt(out, packet) != 0 || mac(out, packet, packet + PIPE_PLAIN_LEN) != 0) {
        explicit_bzero(packet, PIPE_PACKET_LEN);
        return -1;
    }
    out->number++;
    return 0;
}

static size_t read_length(const uint8_t plain[static PIPE_PLAIN_LEN])
{
    size_t len = 0;

    for (size_t i = LENGTH_OFFSET; i < PIPE_PLAIN_LEN; i++)
        len = len << 8 | plain[i];
    return len;
}

enum pipe_opened pipe_open(struct pipe_direction *in, const uint8_t packet[static PIPE_PACKET_LEN],
                           uint8_t data[static PIPE_PLAIN_LEN], size_t *len)
{
    uint8_t digest[DIGEST_LEN];

    if (mac(in, packet, digest) != 0)
        return PIPE_FAILED;
    if (mac_same(digest, packet + PIPE_PLAIN_LEN) == 0)
        return PIPE_FORGED;
    memcpy(data, packet, PIPE_PLAIN_LEN);
    if (crypt(in, data) != 0)
        return PIPE_FAILED;
    *len = read_length(data);
    in->number++;
    return *len >= 1 && *len <= PIPE_DATA_MAX ? PIPE_OPENED : PIPE_ODD;
}
