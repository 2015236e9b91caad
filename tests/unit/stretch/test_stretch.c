/* SPDX-License-Identifier: ISC */
/*
 * stretch.h: the vectors of RFC 9106, 7914 and 6070, of what libgcrypt is called for; the examples of ostclient(1),
 * which come from other implementations; and what is said where it fails. The file itself is included, so that each
 * call can fail. Arguments: "fips" where libgcrypt has been put into FIPS mode; "exhaustive" for what libgcrypt
 * computes, and for costs, which reach nothing of ours that one of each algorithm does not.
 */
#include <gcrypt.h>
#include <stdbool.h>
#include <string.h>

/* The call that fails, and how; NULL: none. */
static const char *broken;
static gcry_error_t broken_error;

static int is_broken(const char *name)
{
    return broken != NULL && strcmp(broken, name) == 0;
}

/* text is a command with its arguments. */
static int is_broken_at(const char *text)
{
    return broken != NULL && strncmp(text, broken, strlen(broken)) == 0 && text[strlen(broken)] == ',';
}

/* What stretch.c and crypt_start.c call for libgcrypt from here on. */
#define gcry_check_version(version) (is_broken("check_version") ? NULL : gcry_check_version(version))
#define gcry_control(...)           (is_broken_at(#__VA_ARGS__) ? 1u : gcry_control(__VA_ARGS__))
#define gcry_malloc_secure(len)     (is_broken("malloc_secure") ? NULL : gcry_malloc_secure(len))
#define gcry_kdf_open(kdf, ...)     (is_broken("open") ? broken_error : gcry_kdf_open(kdf, __VA_ARGS__))
#define gcry_kdf_compute(kdf, ops)  (is_broken("compute") ? broken_error : gcry_kdf_compute(kdf, ops))
#define gcry_kdf_final(kdf, ...)    (is_broken("final") ? broken_error : gcry_kdf_final(kdf, __VA_ARGS__))
#define gcry_kdf_derive(...)        (is_broken("derive") ? broken_error : gcry_kdf_derive(__VA_ARGS__))

#include "../../../src/crypt/crypt_start.c"
#include "../../../src/stretch/stretch.c"

#include "check.h"

#define NAME       "gate.example.org/alice"
#define PASSPHRASE "correct horse battery staple"

static struct secret text_secret(const char *text)
{
    return (struct secret){(const uint8_t *)text, strlen(text)};
}

/* ---- What the library computes ---- */

/* RFC 9106, section 5.3: four lanes, a key and associated data, of which a label has none. */
static void test_rfc9106(void)
{
    static const unsigned long costs[] = {32, 3, 32, 4};
    uint8_t password[32], salt[16], key[8], data[12], tag[32] = {0};
    gcry_kdf_hd_t kdf;

    memset(password, 1, sizeof(password));
    memset(salt, 2, sizeof(salt));
    memset(key, 3, sizeof(key));
    memset(data, 4, sizeof(data));
    if (!check(gcry_kdf_open(&kdf, GCRY_KDF_ARGON2, GCRY_KDF_ARGON2ID, costs, 4, password, sizeof(password), salt,
                             sizeof(salt), key, sizeof(key), data, sizeof(data)) == 0,
               "libgcrypt begins with Argon2id"))
        return;
    check(gcry_kdf_compute(kdf, NULL) == 0 && gcry_kdf_final(kdf, sizeof(tag), tag) == 0, "and ends it");
    gcry_kdf_close(kdf);
    check_hex(tag, sizeof(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
              "RFC 9106, section 5.3: Argon2id");
}

struct vector {
    const char *what;
    int algorithm, kind;
    const char *password, *salt;
    unsigned long iterations;
    const char *key;
};

/* RFC 6070 is PBKDF2 with HMAC-SHA1; RFC 7914 has the same with HMAC-SHA256, in section 11. */
static const struct vector vectors[] = {
    {"RFC 7914, section 12: scrypt, N=1024 p=16", GCRY_KDF_SCRYPT, 1024, "password", "NaCl", 16,
     "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
     "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
    {"RFC 7914, section 12: scrypt, N=16384 p=1", GCRY_KDF_SCRYPT, 16384, "pleaseletmein", "SodiumChloride", 1,
     "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
     "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    {"RFC 7914, section 11: PBKDF2-HMAC-SHA256, 1", GCRY_KDF_PBKDF2, GCRY_MD_SHA256, "passwd", "salt", 1,
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
    {"RFC 7914, section 11: PBKDF2-HMAC-SHA256, 80000", GCRY_KDF_PBKDF2, GCRY_MD_SHA256, "Password", "NaCl", 80000,
     "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
     "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"},
    {"PBKDF2-HMAC-SHA256, 4096", GCRY_KDF_PBKDF2, GCRY_MD_SHA256, "password", "salt", 4096,
     "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"},
    {"RFC 6070: PBKDF2-HMAC-SHA1, 1", GCRY_KDF_PBKDF2, GCRY_MD_SHA1, "password", "salt", 1,
     "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
    {"RFC 6070: PBKDF2-HMAC-SHA1, 2", GCRY_KDF_PBKDF2, GCRY_MD_SHA1, "password", "salt", 2,
     "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
    {"RFC 6070: PBKDF2-HMAC-SHA1, 4096", GCRY_KDF_PBKDF2, GCRY_MD_SHA1, "password", "salt", 4096,
     "4b007901b765489abead49d926f721d065a429c1"},
    {"RFC 6070: PBKDF2-HMAC-SHA1, 4096, 25 bytes", GCRY_KDF_PBKDF2, GCRY_MD_SHA1, "passwordPASSWORDpassword",
     "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        uint8_t key[64];
        const size_t len = strlen(vector->key) / 2;

        check(gcry_kdf_derive(vector->password, strlen(vector->password), vector->algorithm, vector->kind, vector->salt,
                              strlen(vector->salt), vector->iterations, len, key) == 0,
              "%s is computed", vector->what);
        check_hex(key, len, vector->key, "and is right");
    }
}

/* RFC 4648, section 10, and bytes that need the two characters in which base64url is not base64. */
static void test_base64url(void)
{
    static const struct {
        const char *hex, *text;
    } texts[] = {{"666f6f626172", "Zm9vYmFy"}, {"666f6f6261", "Zm9vYmE"}, {"666f6f62", "Zm9vYg"}, {"fbff", "-_8"}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t bytes[16], text[17] = {0};

        base64url(bytes, check_unhex(texts[i].hex, bytes, sizeof(bytes)), text, strlen(texts[i].text));
        check_text((const char *)text, texts[i].text, texts[i].hex);
    }
}

/* ---- What is made of it ---- */

struct example {
    const char *label, *secret;
    bool again; /* the same algorithm once more */
};

/* STRETCHED PASSPHRASES of ostclient(1), made with argon2(1) and Python's hashlib. */
static const struct example examples[] = {
    {NAME, "lzfjSziwayPyZJJHmSBoowX1P2DAJeNosWrNbBXLBHw", false},
    {"argon2id:v1:m=64MiB,t=3:" NAME, "lzfjSziwayPyZJJHmSBoowX1P2DAJeNosWrNbBXLBHw", true},
    {"argon2id:v1:m=128MiB,t=4:" NAME, "yzD8J06ZtU371suSm8t2PNbHLiC6o9cmnLK-avYtFys", true},
    {"scrypt:v1:" NAME, "KLoUR28svEqN2AM6MgHCnurpZ-YbxqSvQcR7DnGRcDY", false},
    {"pbkdf2-sha256:v1:" NAME, "G-ZwAjccmjG_VionJik2iiHTfC7zY18CeuC0ww5e-KY", false},
};

static enum stretch_fault run(const char *text, const char *passphrase, uint8_t secret[static STRETCH_SECRET_LEN + 1])
{
    struct stretch_label label;
    char problem[STRETCH_PROBLEM_LEN];

    memset(secret, 0, STRETCH_SECRET_LEN + 1);
    return stretch_label_parse(text, &label, problem) == 0 ? stretch_run(&label, text_secret(passphrase), secret)
                                                           : STRETCH_FAILED;
}

static void test_examples(bool exhaustive)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t secret[STRETCH_SECRET_LEN + 1];

        if (examples[i].again && !exhaustive)
            continue;
        check(run(examples[i].label, PASSPHRASE, secret) == STRETCH_OK, "a secret is made by %s", examples[i].label);
        check_text((const char *)secret, examples[i].secret, "and is what others make");
    }
}

/* Another name, another passphrase, another secret; and the salt of this name. */
static void test_salt(void)
{
    uint8_t salt[SALT_LEN + 1] = {0};

    make_salt(NAME, salt);
    check_text((const char *)salt, "n4Mge8V5B4OReKlZ", "the salt comes from the name");
    make_salt("gate.example.org/bob", salt);
    check(strcmp((const char *)salt, "n4Mge8V5B4OReKlZ") != 0, "another name gives another one");
}

/* ---- Where it fails ---- */

static void fails(const char *name, gcry_err_code_t code, const char *label, enum stretch_fault wanted)
{
    static const uint8_t nothing[STRETCH_SECRET_LEN];
    uint8_t secret[STRETCH_SECRET_LEN + 1];

    broken = name;
    broken_error = gcry_error(code);
    check(run(label, PASSPHRASE, secret) == wanted && memcmp(secret, nothing, sizeof(nothing)) == 0,
          "I8: %s fails with %d: said so, and there is no secret", name, (int)code);
    broken = NULL;
}

/* What libgcrypt keeps in its locked memory meanwhile has to have room there, however much the label may ask for. */
static void test_room(void)
{
    uint8_t secret[STRETCH_SECRET_LEN + 1];

    check(run("scrypt:v1:N=32768,p=8:" NAME, PASSPHRASE, secret) == STRETCH_OK,
          "there is room for the most passes of scrypt");
    check(run("argon2id:v1:m=64MiB,t=20:" NAME, PASSPHRASE, secret) == STRETCH_OK, "and for those of Argon2id");
}

static void test_failures(void)
{
    static const char *const steps[] = {"open", "compute", "final"};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        fails(steps[i], GPG_ERR_ENOMEM, NAME, STRETCH_NO_MEMORY);
        fails(steps[i], GPG_ERR_INV_VALUE, NAME, STRETCH_FAILED);
    }
    fails("derive", GPG_ERR_ENOMEM, "scrypt:v1:" NAME, STRETCH_NO_MEMORY);
    fails("derive", GPG_ERR_INV_VALUE, "scrypt:v1:" NAME, STRETCH_FAILED);
    fails("derive", GPG_ERR_ENOMEM, "pbkdf2-sha256:v1:" NAME, STRETCH_NO_MEMORY);
    fails("malloc_secure", 0, NAME, STRETCH_NO_MEMORY);
    fails("check_version", 0, NAME, STRETCH_NO_LIBRARY);
}

static void test_text(enum stretch_fault fault, const char *label_text, const char *said)
{
    struct stretch_label label;
    char text[STRETCH_TEXT_LEN], problem[STRETCH_PROBLEM_LEN];

    stretch_label_parse(label_text, &label, problem);
    stretch_text(fault, &label, text);
    if (!check(strstr(text, said) != NULL, "what is said has: %s", said))
        check_show("said", text);
}

static void test_texts(void)
{
    test_text(STRETCH_OK, NAME, "is made");
    test_text(STRETCH_NO_LIBRARY, NAME, "must be 1.10 or later");
    test_text(STRETCH_NO_MEMORY, NAME, "takes 65 MiB");
    test_text(STRETCH_FIPS_KIND, "scrypt:v1:" NAME, "use the label pbkdf2-sha256:v1:" NAME ", on both sides");
    test_text(STRETCH_FIPS_SHORT, "pbkdf2-sha256:v1:" NAME, "less than 14 bytes");
    test_text(STRETCH_FAILED, NAME, "failed to compute argon2id");
}

/* ---- In FIPS mode ---- */

static void test_fips(bool exhaustive)
{
    uint8_t secret[STRETCH_SECRET_LEN + 1];

    check(gcry_fips_mode_active() != 0, "libgcrypt is in FIPS mode");
    check(run("pbkdf2-sha256:v1:" NAME, PASSPHRASE, secret) == STRETCH_OK, "FIPS: PBKDF2 is computed");
    check_text((const char *)secret, "G-ZwAjccmjG_VionJik2iiHTfC7zY18CeuC0ww5e-KY", "and is the same as elsewhere");
    check(run("pbkdf2-sha256:v1:" NAME, "13 bytes long", secret) == STRETCH_FIPS_SHORT,
          "FIPS: not of a passphrase of 13 bytes");
    if (exhaustive)
        check(run("pbkdf2-sha256:v1:" NAME, "fourteen bytes", secret) == STRETCH_OK, "FIPS: of one of 14");
    check(run(NAME, PASSPHRASE, secret) == STRETCH_FIPS_KIND, "FIPS: Argon2id is refused");
    check(run("scrypt:v1:" NAME, PASSPHRASE, secret) == STRETCH_FIPS_KIND, "FIPS: scrypt is refused");
    check(secret[0] == 0, "and there is no secret");
}

int main(int argc, char **argv)
{
    const bool exhaustive = argc > 1 && strcmp(argv[argc - 1], "exhaustive") == 0;

    if (!check(gcry_check_version(NULL) != NULL, "there is libgcrypt %s", gcry_check_version(NULL)))
        return check_end();
    if (argc > 1 && strcmp(argv[1], "fips") == 0) {
        test_fips(exhaustive);
        return check_end();
    }
    fails("GCRYCTL_INIT_SECMEM", 0, NAME, STRETCH_NO_LIBRARY);
    fails("GCRYCTL_INITIALIZATION_FINISHED", 0, NAME, STRETCH_NO_LIBRARY);
    if (exhaustive) {
        test_rfc9106();
        test_vectors();
    }
    test_base64url();
    test_salt();
    test_examples(exhaustive);
    if (exhaustive)
        test_room();
    test_failures();
    test_texts();
    return check_end();
}
