/* SPDX-License-Identifier: ISC */
/* The seed: uniform where the generator is, never the same twice where it stands still, and not to be told beforehand.
 */
#include "check.h"
#include "seed.h"

#include <sys/random.h>

#define WORD_LEN 8
#define HASHED   (SEED_LEN - WORD_LEN) /* what the key has a part in */
#define TRIALS   1000

static const struct seed_parts some_parts = {
    .key = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .counter = UINT64_C(0x0102030405060708),
    .now = {.tv_sec = 1795299352, .tv_nsec = 123456789},
    .pid = 4711,
};

static unsigned bits_that_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++)
        bits += (unsigned)__builtin_popcount((unsigned)(a[i] ^ b[i]));
    return bits;
}

/* From an implementation of its own, in another language. */
static void test_vector(void)
{
    struct seed_parts parts = some_parts;
    uint8_t seed[SEED_LEN];

    seed_make(&parts, seed);
    check_hex(seed, sizeof(seed), "ca8d415c7f402f4723df8be2c8db09ef2b0ef061691a49b00807060504030201",
              "the seed of a generator that gives zeros");
    for (size_t i = 0; i < sizeof(parts.random); i++)
        parts.random[i] = (uint8_t)(100 + i);
    seed_make(&parts, seed);
    check_hex(seed, sizeof(seed), "aee8273b1729452c4fb2e58db8aa7b9c5f7b8616116333cb747a787a84828082",
              "and of one that gives 100, 101, 102 and so on");
}

/* What is uniform XOR something that does not depend on it is uniform. */
static void test_uniform(void)
{
    struct seed_parts parts = some_parts;
    uint8_t of_zeros[SEED_LEN], seed[SEED_LEN];
    unsigned wrong = 0;

    seed_make(&parts, of_zeros);
    for (unsigned i = 0; i < TRIALS; i++) {
        wrong += getrandom(parts.random, sizeof(parts.random), 0) != sizeof(parts.random);
        seed_make(&parts, seed);
        for (size_t k = 0; k < SEED_LEN; k++)
            wrong += (seed[k] ^ of_zeros[k]) != parts.random[k];
    }
    check_number(wrong, 0,
                 "each random bit turns one bit of the seed, and no other: a uniform generator's seeds are uniform");
}

/* The fourth word by itself: where clock, pid and generator stand still, and even if SipHash gave the same each time.
 */
static void test_never_twice(void)
{
    const uint64_t steps[] = {1, 2, 255, 256, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX};
    struct seed_parts parts = some_parts;
    uint8_t first[SEED_LEN], seed[SEED_LEN];
    unsigned repeated = 0;
    uint64_t turned;

    seed_make(&parts, first);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        parts.counter = some_parts.counter + steps[i];
        seed_make(&parts, seed);
        turned = 0;
        for (size_t k = 0; k < WORD_LEN; k++)
            turned |= (uint64_t)(uint8_t)(seed[HASHED + k] ^ first[HASHED + k]) << (8 * k);
        check_number(turned, some_parts.counter ^ parts.counter,
                     "I5: the fourth word tells two counters apart whatever the rest does");
    }
    for (uint64_t i = 1; i <= TRIALS; i++) {
        parts.counter = some_parts.counter + i;
        seed_make(&parts, seed);
        repeated += memcmp(seed + HASHED, first + HASHED, WORD_LEN) == 0;
    }
    check_number(repeated, 0, "I5: a thousand counters later no fourth word has come again");
}

/* About half of all bits: with 192 of them, fewer than 48 or more than 144 do not happen by chance. */
static bool looks_independent(const uint8_t *a, const uint8_t *b)
{
    const unsigned bits = bits_that_differ(a, b, HASHED);

    return bits > HASHED * 8 / 4 && bits < HASHED * 8 * 3 / 4;
}

static void test_not_foretold(void)
{
    static const char *const parts_text[] = {"second", "nanosecond", "pid", "counter", "bit of the key"};
    struct seed_parts changed[] = {some_parts, some_parts, some_parts, some_parts, some_parts};
    struct seed_parts mine = some_parts;
    uint8_t seed[SEED_LEN], next[SEED_LEN];
    unsigned alike = 0;

    changed[0].now.tv_sec++;
    changed[1].now.tv_nsec++;
    changed[2].pid++;
    changed[3].counter++;
    changed[4].key[15] ^= 0x80;
    seed_make(&some_parts, seed);
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        seed_make(&changed[i], next);
        check(looks_independent(seed, next), "the next %s makes another seed, in about half of its bits",
              parts_text[i]);
    }
    for (size_t at = 0; at < HASHED; at += WORD_LEN)
        for (size_t other = at + WORD_LEN; other < HASHED; other += WORD_LEN)
            alike += memcmp(seed + at, seed + other, WORD_LEN) == 0;
    check_number(alike, 0, "no word of a seed tells another one");

    /* Whoever knows all but the key, and has seen seeds, has no better than to guess keys. */
    alike = 0;
    for (unsigned i = 0; i < TRIALS; i++) {
        alike += getrandom(mine.key, sizeof(mine.key), 0) != sizeof(mine.key);
        seed_make(&mine, next);
        alike += !looks_independent(seed, next);
    }
    check_number(alike, 0, "who knows all but the key cannot tell the seed of a generator that stands still");
}

int main(void)
{
    test_vector();
    test_uniform();
    test_never_twice();
    test_not_foretold();
    return check_end();
}
