/* SPDX-License-Identifier: ISC */
/* See stretch.h. The only file here that knows libgcrypt, which it makes ready unless mac_init (src/wire) has done so.
 */
#include "stretch.h"

#include "crypt_start.h"
#include "wipe.h"

#include <gcrypt.h>
#include <stdbool.h>
#include <string.h>

#define LIBGCRYPT_LEAST "1.10.0" /* the first that has Argon2 */
#define SECURE_MEMORY   16384    /* bytes: as in mac.c, for one of the two makes room for both */
#define KEY_LEN         32
#define SALT_LEN        16
#define SCRYPT_R        8
#define FIPS_SHORTEST   14 /* bytes of a passphrase that libgcrypt takes for PBKDF2 in FIPS mode */
#define KIB_OF_MIB      1024

_Static_assert((KEY_LEN * 8 + 5) / 6 == STRETCH_SECRET_LEN, "six bits a character");
_Static_assert(STRETCH_SECRET_LEN <= SECRET_MAX_LEGACY, "a 4.0 client can send it");

/* What the name stands behind, so that no other use of SHA-256 gives the same salt. */
static const char context[] = "ostiary-stretch-v1:";

/* RFC 4648, section 5: nothing in it has to be quoted, anywhere. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* So many characters of these bytes' base64url; behind the last bytes there are zeros. */
static void base64url(const uint8_t *bytes, size_t len, uint8_t *text, size_t text_len)
{
    for (size_t i = 0; i < text_len; i++) {
        const size_t bit = 6 * i;
        const unsigned first = bytes[bit / 8];
        const unsigned second = bit / 8 + 1 < len ? bytes[bit / 8 + 1] : 0;

        text[i] = (uint8_t)alphabet[(first << 8 | second) >> (10 - bit % 8) & 63];
    }
}

static void make_salt(const char *name, uint8_t salt[static SALT_LEN])
{
    char text[sizeof(context) + STRETCH_NAME_MAX];
    uint8_t digest[32];

    snprintf(text, sizeof(text), "%s%s", context, name);
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, text, strlen(text));
    base64url(digest, sizeof(digest), salt, SALT_LEN);
}

/* One lane: libgcrypt computes more of them one after the other, which the attacker's machine does not. */
static gcry_error_t argon2id(const struct stretch_label *label, struct secret passphrase, const uint8_t *salt,
                             uint8_t *key)
{
    const unsigned long costs[] = {KEY_LEN, label->passes, (unsigned long)label->memory_mib * KIB_OF_MIB, 1};
    gcry_kdf_hd_t kdf;
    gcry_error_t error = gcry_kdf_open(&kdf, GCRY_KDF_ARGON2, GCRY_KDF_ARGON2ID, costs, 4, passphrase.bytes,
                                       passphrase.len, salt, SALT_LEN, NULL, 0, NULL, 0);

    if (error != 0)
        return error;
    error = gcry_kdf_compute(kdf, NULL);
    if (error == 0)
        error = gcry_kdf_final(kdf, KEY_LEN, key);
    gcry_kdf_close(kdf);
    return error;
}

static gcry_error_t derive(const struct stretch_label *label, struct secret passphrase, const uint8_t *salt,
                           uint8_t *key)
{
    switch (label->kind) {
    case STRETCH_ARGON2ID:
        return argon2id(label, passphrase, salt, key);
    case STRETCH_SCRYPT:
        return gcry_kdf_derive(passphrase.bytes, passphrase.len, GCRY_KDF_SCRYPT, (int)label->blocks, salt, SALT_LEN,
                               label->rounds, KEY_LEN, key);
    case STRETCH_PBKDF2:
        break;
    }
    return gcry_kdf_derive(passphrase.bytes, passphrase.len, GCRY_KDF_PBKDF2, GCRY_MD_SHA256, salt, SALT_LEN,
                           label->iterations, KEY_LEN, key);
}

/*
 * libgcrypt 1.10 computes in FIPS mode what is not approved as well, but for short passphrases, and other versions may
 * not: whoever has chosen this mode gets what is approved, and the same from each version.
 */
static enum stretch_fault fips_fault(enum stretch_kind kind, size_t passphrase_len)
{
    if (gcry_fips_mode_active() == 0)
        return STRETCH_OK;
    if (kind != STRETCH_PBKDF2)
        return STRETCH_FIPS_KIND;
    return passphrase_len < FIPS_SHORTEST ? STRETCH_FIPS_SHORT : STRETCH_OK;
}

static enum stretch_fault fault_of(gcry_error_t error)
{
    if (error == 0)
        return STRETCH_OK;
    return gcry_err_code(error) == GPG_ERR_ENOMEM ? STRETCH_NO_MEMORY : STRETCH_FAILED;
}

/* The key is in libgcrypt's locked memory: then what it keeps the key's parts in meanwhile is there too, and wiped. */
static enum stretch_fault make_secret(const struct stretch_label *label, struct secret passphrase,
                                      uint8_t secret[static STRETCH_SECRET_LEN])
{
    uint8_t *key = gcry_malloc_secure(KEY_LEN);
    uint8_t salt[SALT_LEN];
    enum stretch_fault fault;

    if (key == NULL)
        return STRETCH_NO_MEMORY;
    make_salt(label->name, salt);
    fault = fault_of(derive(label, passphrase, salt, key));
    if (fault == STRETCH_OK)
        base64url(key, KEY_LEN, secret, STRETCH_SECRET_LEN);
    gcry_free(key);
    wipe_stack();
    return fault;
}

enum stretch_fault stretch_run(const struct stretch_label *label, struct secret passphrase,
                               uint8_t secret[static STRETCH_SECRET_LEN])
{
    enum stretch_fault fault;

    memset(secret, 0, STRETCH_SECRET_LEN);
    if (crypt_start(LIBGCRYPT_LEAST, SECURE_MEMORY) != 0)
        return STRETCH_NO_LIBRARY;
    fault = fips_fault(label->kind, passphrase.len);
    return fault != STRETCH_OK ? fault : make_secret(label, passphrase, secret);
}

const char *stretch_problem(void)
{
    return "libgcrypt cannot be initialised: it must be 1.10 or later, which has Argon2, and at least 64 KiB of memory "
           "must be lockable (ulimit -l)";
}
