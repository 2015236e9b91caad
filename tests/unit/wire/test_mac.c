/* SPDX-License-Identifier: ISC */
/*
 * mac.h: the vectors of the wire protocol and of RFC 4231. The file itself is included, for RFC 4231's messages have
 * other lengths than a seed, and the function that takes them is not exported.
 */
#include <gcrypt.h>
#include <string.h>

/* The step at which libgcrypt fails, by its name; NULL: none. */
static const char *broken;

/* Is libgcrypt as it is before anybody has made it ready? */
static int is_new;

static int is_broken(const char *name)
{
    return broken != NULL && strcmp(broken, name) == 0;
}

static int is_command(const char *text, const char *command)
{
    return strncmp(text, command, strlen(command)) == 0 && strchr(",", text[strlen(command)]) != NULL;
}

/* text is a command with its arguments. Two may be answered without libgcrypt: the broken one, and whether it is ready.
 */
static int is_answered(const char *text)
{
    return (broken != NULL && is_command(text, broken)) ||
           (is_new && is_command(text, "GCRYCTL_INITIALIZATION_FINISHED_P"));
}

static unsigned answer(const char *text)
{
    return !is_command(text, "GCRYCTL_INITIALIZATION_FINISHED_P");
}

/* What mac.c and crypt_start.c call for libgcrypt from here on. */
#define gcry_check_version(version)  (is_broken("check_version") ? NULL : gcry_check_version(version))
#define gcry_control(...)            (is_answered(#__VA_ARGS__) ? answer(#__VA_ARGS__) : gcry_control(__VA_ARGS__))
#define gcry_md_open(md, kind, how)  (is_broken("open") ? 1u : gcry_md_open(md, kind, how))
#define gcry_md_setkey(md, key, len) (is_broken("setkey") ? 1u : gcry_md_setkey(md, key, len))
#undef gcry_md_read
#define gcry_md_read(md, kind) (is_broken("read") ? NULL : gcry_md_read(md, kind))

#include "../../../src/crypt/crypt_start.c"
#include "../../../src/wire/mac.c"

#include "check.h"

#define MESSAGE_MAX 256

/* RFC 4231, section 4. A key or data that is one byte many times has repeat > 0. */
struct vector {
    const char *what;
    const char *key;
    size_t key_repeat;
    const char *data;
    size_t data_repeat;
    const char *mac; /* test case 5 shows only the first 16 bytes */
};

static const struct vector rfc4231[] = {
    {"test case 1", "0b", 20, "4869205468657265", 1,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"test case 2: a key shorter than the digest", "4a656665", 1,
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f", 1,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"test case 3", "aa", 20, "dd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"test case 4", "0102030405060708090a0b0c0d0e0f10111213141516171819", 1, "cd", 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"test case 5: truncated", "0c", 20, "546573742057697468205472756e636174696f6e", 1,
     "a3b6167473100ee06e0c796c2955552b"},
    {"test case 6: a key longer than a block", "aa", 131,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374", 1,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"test case 7: key and data longer than a block", "aa", 131,
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e642061206"
     "c"
     "6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f2062652068617368656420"
     "6265666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e",
     1, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static size_t expand(const char *hex, size_t repeat, uint8_t bytes[static MESSAGE_MAX])
{
    const size_t len = check_unhex(hex, bytes, MESSAGE_MAX);

    if (repeat > 1)
        memset(bytes, bytes[0], repeat);
    return repeat > 1 ? repeat : len;
}

static void test_rfc4231(void)
{
    for (size_t i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++) {
        uint8_t key[MESSAGE_MAX];
        uint8_t data[MESSAGE_MAX];
        uint8_t mac[REPLY_LEN];
        const struct secret secret = {key, expand(rfc4231[i].key, rfc4231[i].key_repeat, key)};
        const gcry_buffer_t pieces[] = {piece(data, expand(rfc4231[i].data, rfc4231[i].data_repeat, data))};

        check(hmac(secret, pieces, 1, mac) == 0, "RFC 4231 %s is computed", rfc4231[i].what);
        check_hex(mac, strlen(rfc4231[i].mac) / 2, rfc4231[i].mac, "and its MAC is right");
    }
}

static struct secret text_secret(const char *text)
{
    return (struct secret){(const uint8_t *)text, strlen(text)};
}

struct knock {
    const char *what, *secret, *seed, *reply;
    const char *receipt; /* computed with Python's hmac; NULL: not checked */
};

static const struct knock knocks[] = {
    {"the 4.0 client", "The", "7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d",
     "cc21c31b860d32571f72ab21f9688d99bbbb85e7d1bf1a7f9a54f42820892e56",
     "b4c37f765d46974be8b1cd47b2a49156ea379a8b410428514eeebadfbf4b9656"},
    {"pyostiary", "The", "9aa9907b6b8cf42a4b9ecaf2c7441d91c3f43a105f60badfb9f30cb5f6b81c46",
     "98d8041a1c83dc15457b61f0a671b2459ea57c0a3db9eef886028c3f261dc1d1", NULL},
    {"the 4.0 client, a long secret", "correct horse battery staple",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "56b06bb5232be4a6d34999fc2225c6fa8e85259a45d586e0fb9465171fb34a74",
     "68a491ab161ca1fe891769004d56cdd620effa43f4a63f9c2b82afb3ebfcb790"},
};

static void test_knocks(void)
{
    for (size_t i = 0; i < sizeof(knocks) / sizeof(knocks[0]); i++) {
        const struct secret secret = text_secret(knocks[i].secret);
        uint8_t seed[SEED_LEN];
        uint8_t reply[REPLY_LEN];
        uint8_t receipt[RECEIPT_LEN];

        check_unhex(knocks[i].seed, seed, sizeof(seed));
        check(mac_reply(secret, seed, reply) == 0, "%s: the reply is computed", knocks[i].what);
        check_hex(reply, sizeof(reply), knocks[i].reply, "and is the one that was captured");
        check(mac_receipt(secret, seed, reply, receipt) == 0, "%s: the receipt is computed", knocks[i].what);
        if (knocks[i].receipt != NULL)
            check_hex(receipt, sizeof(receipt), knocks[i].receipt, "and is HMAC(secret, context | seed | reply)");
    }
}

/* HMAC(aa aa ..., 00 01 ... 1f) by Python's hmac: around the block size and at both ends of what a secret may be. */
static void test_key_lengths(void)
{
    static const struct {
        size_t len;
        const char *reply;
    } lengths[] = {
        {1, "d7c6f7319c775136db9a9cff45dfd7dea5c18dc2c5637cddf89fe1304e1cdb79"},
        {63, "cf8f532ccb6f23b8075bcbac4c96bd5b5bd9179845f99c427e3c30f6d8024921"},
        {64, "39db1f87a8aa2195b1091e15ce09a67e97f0e19470b18d94945dd594edaad912"},
        {65, "79a70406309237b32917a8fbdfe6e00f386afbe25bc354dadeae89fc12b3ba8a"},
        {131, "4a489dd55d0eb7a9c0029f5bdbe92a41b2f5e9a20c3f19de982a6ab59f127bc9"},
        {SECRET_MAX, "f1918a8734cc72dc1b4836120fcda05b0c1e7e41fccb7299971087e1b4a1635e"},
    };
    uint8_t key[SECRET_MAX];
    uint8_t seed[SEED_LEN];

    memset(key, 0xaa, sizeof(key));
    for (size_t i = 0; i < sizeof(seed); i++)
        seed[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t reply[REPLY_LEN];

        check(mac_reply((struct secret){key, lengths[i].len}, seed, reply) == 0, "a secret of %zu bytes",
              lengths[i].len);
        check_hex(reply, sizeof(reply), lengths[i].reply, "gives the right reply");
    }
}

static void test_same(void)
{
    uint8_t a[REPLY_LEN] = {0};
    uint8_t b[REPLY_LEN] = {0};
    unsigned wrong = 0;

    memset(a, 0x5a, sizeof(a));
    memset(b, 0x5a, sizeof(b));
    check(mac_same(a, b) == UINT32_MAX, "I6: the same bytes give all ones");
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        wrong += mac_same(a, b) != 0;
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    check_number(wrong, 0, "I6: any one bit that differs gives 0");
    memset(b, 0xa5, sizeof(b));
    check(mac_same(a, b) == 0, "I6: 32 bytes that differ in every bit give 0");
}

/* I8: whatever libgcrypt does not do, it is said, and there is no reply to compare with. */
static void test_failures(void)
{
    static const char *const steps[] = {"open", "setkey", "read"};
    static const char *const starts[] = {"check_version", "GCRYCTL_INIT_SECMEM", "GCRYCTL_INITIALIZATION_FINISHED"};
    static const uint8_t nothing[REPLY_LEN];
    const struct secret secret = {(const uint8_t *)"The", 3};
    uint8_t reply[REPLY_LEN];
    uint8_t seed[SEED_LEN] = {1};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        broken = steps[i];
        memset(reply, 7, sizeof(reply));
        check(mac_reply(secret, seed, reply) != 0 && memcmp(reply, nothing, sizeof(reply)) == 0,
              "I8: libgcrypt fails to %s: no reply, and said so", steps[i]);
        memset(reply, 7, sizeof(reply));
        check(mac_receipt(secret, seed, seed, reply) != 0 && memcmp(reply, nothing, sizeof(reply)) == 0,
              "nor a receipt");
    }
    is_new = 1;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        broken = starts[i];
        check(mac_init() != 0, "I8: it fails at %s: said so", starts[i]);
    }
    is_new = 0;
    broken = "GCRYCTL_INIT_SECMEM";
    check(mac_init() == 0, "what has been made ready is not made ready anew");
    broken = NULL;
}

/* A key that is ready gives what the secret gives, any number of times, and needs no more of libgcrypt. */
static void test_keys(void)
{
    static const char *const steps[] = {"open", "setkey", "read"};
    uint8_t text[SECRET_MAX], seed[SEED_LEN], reply[REPLY_LEN], expected[REPLY_LEN], receipt[RECEIPT_LEN];
    struct mac_key key;
    unsigned wrong = 0;

    memset(text, 'k', sizeof(text));
    for (size_t len = 1; len <= sizeof(text); len++) {
        const struct secret secret = {text, len};

        wrong += mac_key_new(secret, &key) != 0;
        broken = "open";
        for (uint8_t i = 0; i < 2; i++) {
            memset(seed, i + 1, sizeof(seed));
            mac_key_reply(&key, seed, reply);
            mac_key_receipt(&key, seed, reply, receipt);
            broken = NULL;
            wrong += mac_reply(secret, seed, expected) != 0 || memcmp(reply, expected, sizeof(reply)) != 0;
            wrong += mac_receipt(secret, seed, reply, expected) != 0 || memcmp(receipt, expected, sizeof(receipt)) != 0;
        }
        mac_key_free(&key);
        wrong += key.md != NULL;
    }
    check_number(wrong, 0, "a key of each length gives the reply and the receipt of its secret");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        broken = steps[i];
        check(mac_key_new((struct secret){text, 3}, &key) != 0 && key.md == NULL,
              "a key that could not be used is not given: libgcrypt fails to %s", steps[i]);
    }
    broken = NULL;
    mac_key_free(&key);
}

/* One key for many secrets: each gives what it gives by itself, whatever was tried before it, and no key is made anew.
 */
static void test_tries(void)
{
    static const char *const steps[] = {"setkey", "read"};
    static const uint8_t nothing[REPLY_LEN];
    uint8_t text[SECRET_MAX], seed[SEED_LEN] = {1}, reply[REPLY_LEN], expected[REPLY_LEN];
    struct mac_key key;
    unsigned wrong = 0;

    memset(text, 't', sizeof(text));
    check(mac_key_empty(&key) == 0, "a key without a secret is made");
    for (size_t i = 0; i < sizeof(text); i++) {
        /* A long one, a short one, and so on. */
        const struct secret secret = {text, i % 2 == 0 ? sizeof(text) - i : i};

        wrong += mac_reply(secret, seed, expected) != 0;
        broken = "open";
        wrong += mac_key_try(&key, secret, seed, reply) != 0 || memcmp(reply, expected, sizeof(reply)) != 0;
        broken = NULL;
    }
    check_number(wrong, 0, "and gives the reply of each secret in turn");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        broken = steps[i];
        memset(reply, 7, sizeof(reply));
        check(mac_key_try(&key, (struct secret){text, 3}, seed, reply) != 0 &&
                  memcmp(reply, nothing, sizeof(reply)) == 0,
              "I8: libgcrypt fails to %s: no reply of the secret before, and said so", steps[i]);
    }
    broken = NULL;
    mac_key_free(&key);
    check(key.md == NULL, "and is given back");
    broken = "open";
    check(mac_key_empty(&key) != 0 && key.md == NULL, "I8: libgcrypt fails to open: there is no key, and said so");
    broken = NULL;
    mac_key_free(&key);
}

int main(void)
{
    check(mac_init() == 0, "libgcrypt is ready");
    test_rfc4231();
    test_knocks();
    test_key_lengths();
    test_same();
    test_failures();
    test_keys();
    test_tries();
    return check_end();
}
