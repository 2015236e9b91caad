/* SPDX-License-Identifier: ISC */
/* match.h: which entry fits, for every number of entries and every place. */
#include "check.h"

#include "../../../src/knock/match.c"

#include <gcrypt.h>

#define ENTRIES 9

static const uint8_t seed[SEED_LEN] = {1, 2, 3};

static struct secret secret_of(const char *text)
{
    return (struct secret){.bytes = (const uint8_t *)text, .len = strlen(text)};
}

/* The number of the entry that the reply made with this secret fits; -1 for none, -2 for a failure. */
static int choice(struct config_entry *entries, size_t count, struct secret secret)
{
    const struct config config = {.entries = entries, .entry_count = count};
    const struct config_entry *entry = NULL;
    uint8_t reply[REPLY_LEN];

    if (mac_reply(secret, seed, reply) != 0 || match_entry(&config, seed, reply, &entry) != 0)
        return -2;
    return entry == NULL ? -1 : (int)(entry - entries);
}

static void test_each_place(void)
{
    static const char *const words[ENTRIES] = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    struct config_entry entries[ENTRIES] = {0};
    unsigned wrong = 0;

    for (size_t i = 0; i < ENTRIES; i++)
        entries[i].secret = secret_of(words[i]);
    for (size_t count = 0; count <= ENTRIES; count++)
        for (size_t i = 0; i < ENTRIES; i++)
            wrong += choice(entries, count, entries[i].secret) != (i < count ? (int)i : -1);
    check_number(wrong, 0, "each secret fits its own entry, and none that is not there");
    check(choice(entries, ENTRIES, secret_of("ten")) == -1, "another fits none");
}

/* Every bit of the reply counts. */
static void test_each_bit(void)
{
    struct config_entry entry = {.secret = secret_of("one")};
    const struct config config = {.entries = &entry, .entry_count = 1};
    const struct config_entry *chosen;
    uint8_t reply[REPLY_LEN];
    unsigned wrong = 0;

    mac_reply(entry.secret, seed, reply);
    for (unsigned bit = 0; bit < 8 * REPLY_LEN; bit++) {
        reply[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        wrong += match_entry(&config, seed, reply, &chosen) != 0 || chosen != NULL;
        reply[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    check_number(wrong, 0, "a reply with any one bit wrong fits none");
}

/* RFC 2104: a key longer than a block is its hash. So two different secrets can be one key, and both fit. */
static void test_same_key(void)
{
    char longer[71];
    uint8_t hash[32];
    struct config_entry entries[4] = {0};

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    gcry_md_hash_buffer(GCRY_MD_SHA256, hash, longer, strlen(longer));
    entries[0].secret = secret_of(longer);
    entries[1].secret = (struct secret){.bytes = hash, .len = sizeof(hash)};
    entries[2].secret = secret_of("three");
    entries[3].secret = secret_of("four");
    check(choice(entries, 4, secret_of(longer)) == 1, "of two that are the same key the later one counts");
}

/* In FIPS mode libgcrypt takes no key shorter than 14 bytes: nothing is known then, not even that another fits. */
static void test_failure(void)
{
    struct config_entry entries[2] = {{.secret = secret_of("sixteen letters!")}, {.secret = secret_of("too short")}};

    check(choice(entries, 1, entries[0].secret) == 0, "in FIPS mode a long secret fits");
    check(choice(entries, 2, entries[0].secret) == -2, "beside one that libgcrypt refuses, there is no answer");
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
    return check_end();
}
