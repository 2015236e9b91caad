/* SPDX-License-Identifier: ISC */
/* match.h: which entry fits, for every number of entries and every place. */
#include "check.h"

#include "../../../src/knock/match.c"

#include <gcrypt.h>

#define ENTRIES 9
#define NOW     1111111111

static const uint8_t seed[SEED_LEN] = {1, 2, 3};

static struct secret secret_of(const char *text)
{
    return (struct secret){.bytes = (const uint8_t *)text, .len = strlen(text)};
}

static struct match found; /* by the last choice */

/* Entries with one secret each, but where the test adds others. */
static struct config_secret secrets[2 * ENTRIES];
static struct config_entry entries[ENTRIES];

static void give(size_t number, struct secret secret)
{
    secrets[number] = (struct config_secret){.bytes = secret};
    entries[number] =
        (struct config_entry){.secrets = &secrets[number], .secret_count = 1, .codes.origin = CONFIG_SECRET_NONE};
}

/* The number of the entry that the reply made with this secret fits; -1 for none, -2 for a failure. */
static int choice(size_t count, struct secret secret)
{
    const struct config config = {.entries = entries, .entry_count = count};
    const struct match_question question = {&config, seed, NOW};
    uint8_t receipt[RECEIPT_LEN], expected[RECEIPT_LEN];
    uint8_t reply[REPLY_LEN];
    struct match match;

    if (mac_reply(secret, seed, reply) != 0 || match_reply(&question, reply, &match) != 0)
        return -2;
    if (match.entry == NULL)
        return -1;
    if (match_receipt(&question, &match, reply, receipt) != 0 || mac_receipt(secret, seed, reply, expected) != 0 ||
        memcmp(receipt, expected, sizeof(receipt)) != 0)
        return -3;
    found = match;
    return (int)(match.entry - entries);
}

static void test_each_place(void)
{
    static const char *const words[ENTRIES] = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    unsigned wrong = 0;

    for (size_t i = 0; i < ENTRIES; i++)
        give(i, secret_of(words[i]));
    for (size_t count = 0; count <= ENTRIES; count++)
        for (size_t i = 0; i < ENTRIES; i++)
            wrong += choice(count, secrets[i].bytes) != (i < count ? (int)i : -1);
    check_number(wrong, 0, "each secret fits its own entry, and none that is not there");
    check(choice(ENTRIES, secret_of("ten")) == -1, "another fits none");
}

/* Every bit of the reply counts. */
static void test_each_bit(void)
{
    const struct config config = {.entries = entries, .entry_count = 1};
    const struct match_question question = {&config, seed, NOW};
    struct match match;
    uint8_t reply[REPLY_LEN];
    unsigned wrong = 0;

    give(0, secret_of("one"));
    mac_reply(secrets[0].bytes, seed, reply);
    for (unsigned bit = 0; bit < 8 * REPLY_LEN; bit++) {
        reply[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        wrong += match_reply(&question, reply, &match) != 0 || match.entry != NULL;
        reply[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    check_number(wrong, 0, "a reply with any one bit wrong fits none");
}

/* RFC 2104: a key longer than a block is its hash. So two different secrets can be one key, and both fit. */
static void test_same_key(void)
{
    char longer[71];
    uint8_t hash[32];

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    gcry_md_hash_buffer(GCRY_MD_SHA256, hash, longer, strlen(longer));
    give(0, secret_of(longer));
    give(1, (struct secret){.bytes = hash, .len = sizeof(hash)});
    give(2, secret_of("three"));
    give(3, secret_of("four"));
    check(choice(4, secret_of(longer)) == 1, "of two that are the same key the later one counts");
}

/* The key of RFC 4226 and RFC 6238. */
static const struct secret key = {.bytes = (const uint8_t *)"12345678901234567890", .len = 20};

static void test_several(void)
{
    give(0, secret_of("one"));
    give(1, secret_of("two"));
    secrets[2] = (struct config_secret){.bytes = secret_of("three")};
    secrets[3] = (struct config_secret){.bytes = secret_of("four")};
    entries[1].secrets = &secrets[1];
    entries[1].secret_count = 3;
    check(choice(2, secret_of("one")) == 0 && found.secret == &secrets[0], "an entry with one secret");
    for (size_t i = 1; i < 4; i++)
        check(choice(2, secrets[i].bytes) == 1 && found.secret == &secrets[i], "each of several is found: %zu", i);
    check(choice(2, secret_of("five")) == -1, "and no other");
}

/* RFC 6238: 1111111111 is step 37037037, whose code of 8 digits is 14050471; the one before it is 07081804. */
static void test_totp(void)
{
    give(0, secret_of("one"));
    give(1, secret_of("two"));
    secrets[2] = (struct config_secret){.bytes = secret_of("three")};
    entries[1].secret_count = 2;
    entries[1].codes = (struct config_codes){.origin = CONFIG_SECRET_FILE, .way = codes_usual(CODES_TOTP), .key = key};
    entries[1].codes.way.digits = 8;
    check(choice(2, secret_of("two14050471")) == 1 && found.counter == 37037037 && found.secret == &secrets[1],
          "a secret with the code of the clock");
    check(choice(2, secret_of("three07081804")) == 1 && found.counter == 37037036 && found.secret == &secrets[2],
          "another, with the code of the step before it");
    check(choice(2, secret_of("two")) == -1, "not without a code");
    check(choice(2, secret_of("14050471")) == -1, "nor a code alone");
    check(choice(2, secret_of("14050471two")) == -1, "nor the other way round");
    check(choice(2, secret_of("two4050471")) == -1, "nor with a digit less");
    check(choice(2, secret_of("one14050471")) == -1, "nor behind the secret of an action that has no codes");
    check(choice(2, secret_of("one")) == 0, "which is as good as before");
    entries[1].codes.way.window = 0;
    check(choice(2, secret_of("three07081804")) == -1, "a window of 0 is the step of the clock alone");
    secrets[1] = (struct config_secret){.origin = CONFIG_SECRET_NONE};
    entries[1].secret_count = 1;
    check(choice(2, secret_of("14050471")) == 1, "a code alone, where that is enough");
}

/* RFC 4226: the codes of counters 0 to 9. */
static void test_hotp(void)
{
    static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
                                        "254676", "287922", "162583", "399871", "520489"};
    char text[16];
    bool all = true;

    give(0, secret_of("one"));
    entries[0].codes =
        (struct config_codes){.origin = CONFIG_SECRET_FILE, .way = codes_usual(CODES_HOTP), .key = key, .next = 5};
    entries[0].codes.way.window = 3;
    for (unsigned i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "one%s", codes[i]);
        all &= choice(1, secret_of(text)) == (i <= 8 ? 0 : -1) && (i > 8 || found.counter == i);
    }
    check(all, "HOTP: the window ahead of the counter, and what was used, which is for others to judge");
}

/* In FIPS mode libgcrypt takes no key shorter than 14 bytes: nothing is known then, not even that another fits. */
static void test_failure(void)
{
    give(0, secret_of("sixteen letters!"));
    give(1, secret_of("too short"));
    check(choice(1, secrets[0].bytes) == 0, "in FIPS mode a long secret fits");
    check(choice(2, secrets[0].bytes) == -2, "beside one that libgcrypt refuses, there is no answer");
}

/* The argument "fips": for a run with LIBGCRYPT_FORCE_FIPS_MODE set. */
int main(int argc, char **argv)
{
    if (!check(mac_init() == 0, "libgcrypt is ready"))
        return check_end();
    if (argc > 1 && strcmp(argv[1], "fips") == 0) {
        test_failure();
        return check_end();
    }
    test_each_place();
    test_each_bit();
    test_same_key();
    test_several();
    test_totp();
    test_hotp();
    return check_end();
}
