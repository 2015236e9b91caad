/* SPDX-License-Identifier: ISC */
/*
 * I6 by the clock: does the time say which secret a reply fits, or how many of its bytes are right? After Reparaz,
 * Balasch and Verbauwhede, "Dude, is my code constant time?" (2017): measure two or more kinds of input in random order
 * and compare their means by Welch's t-test, once for all measurements and once for each of some percentiles, for what
 * interrupts a measurement only ever makes it longer. 4.5 is the customary limit: without a difference, fewer than one
 * t in a hundred thousand is beyond it.
 *
 * Other programs on the machine are noise that hides differences and, rarely, makes one up; so what is clean in one of
 * a few attempts is clean. Code that leaks on purpose is measured in the same way and has to be found at each attempt.
 */
#include "../../unit/check.h"
#include "leaky.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#define T_LIMIT     4.5
#define T_LEAK      50 /* what a leak has to show at the least: "far above" */
#define ATTEMPTS    5
#define ENTRIES     3
#define POOL        512
#define CHOICES     1500000 /* any two of three kinds have 10^6 together */
#define COMPARISONS 1500000
#define LEAKS       100000

/* Which secret a reply was made with; of two texts, in which byte they differ. */
enum kind { FIRST, LAST, NONE, KINDS };

/* Which of the kinds of input each measurement had, and how long it took. */
struct series {
    uint8_t *kinds;
    uint64_t *ticks;
    size_t count;
};

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

/* Marsaglia's xorshift: an order that code and machine cannot follow. */
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t now_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    _mm_lfence();
    const uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

/* ---- the t-test ------------------------------------------------------------------------------------------------- */

struct sums {
    double count, mean, squares; /* after Welford */
};

static void add(struct sums *sums, double value)
{
    const double delta = value - sums->mean;

    sums->count += 1;
    sums->mean += delta / sums->count;
    sums->squares += delta * (value - sums->mean);
}

static double welch_t(const struct sums *a, const struct sums *b)
{
    if (a->count < 2 || b->count < 2)
        return 0;
    const double variance = a->squares / (a->count - 1) / a->count + b->squares / (b->count - 1) / b->count;

    return variance > 0 ? (a->mean - b->mean) / sqrt(variance) : a->mean == b->mean ? 0 : INFINITY;
}

static int order(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* The worst |t| of any two of the first kinds, over all measurements and over those below each percentile. */
static double worst_t(const struct series *series, size_t kinds)
{
    static const unsigned percentiles[] = {25, 50, 75, 90, 95, 99, 100};
    uint64_t *sorted = malloc(series->count * sizeof(*sorted));
    double worst = 0;

    if (sorted == NULL)
        abort();
    memcpy(sorted, series->ticks, series->count * sizeof(*sorted));
    qsort(sorted, series->count, sizeof(*sorted), order);
    for (size_t p = 0; p < sizeof(percentiles) / sizeof(percentiles[0]); p++) {
        const uint64_t most = sorted[(series->count - 1) * percentiles[p] / 100];
        struct sums sums[KINDS] = {0};

        for (size_t i = 0; i < series->count; i++)
            if (series->ticks[i] <= most)
                add(&sums[series->kinds[i]], (double)series->ticks[i]);
        for (size_t a = 0; a < kinds; a++)
            for (size_t b = a + 1; b < kinds; b++)
                worst = fmax(worst, fabs(welch_t(&sums[a], &sums[b])));
    }
    free(sorted);
    return worst;
}

static struct series new_series(size_t count)
{
    const struct series series = {malloc(count), malloc(count * sizeof(uint64_t)), count};

    if (series.kinds == NULL || series.ticks == NULL)
        abort();
    return series;
}

static void free_series(struct series *series)
{
    free(series->kinds);
    free(series->ticks);
}

/* ---- which secret fits ------------------------------------------------------------------------------------------ */

static const char *const words[] = {"the first of the secrets", "one that is in between", "the last of the secrets",
                                    "one that is not there"};
static struct config_secret listed[ENTRIES];
static struct config_entry entries[ENTRIES];
static const struct config config = {.entries = entries, .entry_count = ENTRIES};

/* Seeds, and for each the replies of those who hold the first secret, the last, and none. */
static uint8_t seeds[POOL][SEED_LEN];
static uint8_t replies[POOL][KINDS][REPLY_LEN];

static struct secret secret_of(const char *text)
{
    return (struct secret){.bytes = (const uint8_t *)text, .len = strlen(text)};
}

static void fill_pool(void)
{
    static const char *const holders[KINDS] = {"the first of the secrets", "the last of the secrets",
                                               "one that is not there"};

    for (size_t i = 0; i < ENTRIES; i++) {
        listed[i].bytes = secret_of(words[i]);
        entries[i] =
            (struct config_entry){.secrets = &listed[i], .secret_count = 1, .codes.origin = CONFIG_SECRET_NONE};
    }
    for (size_t i = 0; i < POOL; i++) {
        for (size_t at = 0; at < SEED_LEN; at++)
            seeds[i][at] = (uint8_t)(next_random() >> 32);
        for (size_t kind = 0; kind < KINDS; kind++)
            if (mac_reply(secret_of(holders[kind]), seeds[i], replies[i][kind]) != 0)
                abort();
    }
}

/*
 * match_reply wipes what it has computed before it makes its answer of it. Up to there nothing may depend on whether
 * a secret fits; behind it is the answer, which is no secret: NULL or an entry.
 */
static uint64_t wiped_at;

void __real_explicit_bzero(void *bytes, size_t len);
void __wrap_explicit_bzero(void *bytes, size_t len);
void __wrap___explicit_bzero_chk(void *bytes, size_t len, size_t room);

void __wrap_explicit_bzero(void *bytes, size_t len)
{
    wiped_at = now_ticks();
    __real_explicit_bzero(bytes, len);
}

/* The same under _FORTIFY_SOURCE. */
void __wrap___explicit_bzero_chk(void *bytes, size_t len, size_t room)
{
    if (len > room)
        abort();
    __wrap_explicit_bzero(bytes, len);
}

/* How long it takes to the wipe, and to the end. */
static void measure_choice(choose_function *choose, size_t count, struct series *to_wipe, struct series *to_end)
{
    uint8_t seed[SEED_LEN];
    uint8_t reply[REPLY_LEN];

    for (size_t i = 0; i < count; i++) {
        const uint64_t dice = next_random() >> 16;
        const size_t kind = dice % KINDS;
        const size_t at = dice / KINDS % POOL;
        const struct match_question question = {&config, seed, 0};
        struct match match;

        memcpy(seed, seeds[at], SEED_LEN);
        memcpy(reply, replies[at][kind], REPLY_LEN);
        const uint64_t start = now_ticks();
        const int failed = choose(&question, reply, &match);
        const uint64_t end = now_ticks();

        if (failed != 0 || match.entry != (kind == NONE ? NULL : &entries[kind == LAST ? ENTRIES - 1 : 0]))
            abort();
        to_wipe->kinds[i] = to_end->kinds[i] = (uint8_t)kind;
        to_wipe->ticks[i] = wiped_at - start;
        to_end->ticks[i] = end - start;
    }
}

struct result {
    double to_wipe;     /* |t| of any two of the three kinds */
    double first_last;  /* of the first secret and the last, to the end */
    double any_or_none; /* of all three, to the end */
};

static struct result t_of_choice(choose_function *choose, size_t count)
{
    struct series to_wipe = new_series(count);
    struct series to_end = new_series(count);
    struct result result;

    measure_choice(choose, count, &to_wipe, &to_end);
    result.to_wipe = worst_t(&to_wipe, KINDS);
    result.first_last = worst_t(&to_end, NONE);
    result.any_or_none = worst_t(&to_end, KINDS);
    free_series(&to_wipe);
    free_series(&to_end);
    return result;
}

/* ---- how many bytes are right ----------------------------------------------------------------------------------- */

/* Different in the first byte, in the last, in none. */
static void measure_comparison(same_function *same, struct series *series)
{
    uint8_t expected[REPLY_LEN];
    uint8_t reply[REPLY_LEN];

    for (size_t i = 0; i < series->count; i++) {
        const uint64_t dice = next_random() >> 16;
        const size_t kind = dice % KINDS;
        const size_t at = dice / KINDS % POOL;
        volatile uint32_t mask;

        memcpy(expected, replies[at][0], REPLY_LEN);
        memcpy(reply, expected, REPLY_LEN);
        reply[0] ^= (uint8_t)(kind == FIRST);
        reply[REPLY_LEN - 1] ^= (uint8_t)(kind == LAST);
        const uint64_t start = now_ticks();
        mask = same(expected, reply);
        series->ticks[i] = now_ticks() - start;
        series->kinds[i] = (uint8_t)kind;
        (void)mask;
    }
}

static double t_of_comparison(same_function *same, size_t count)
{
    struct series series = new_series(count);
    double t;

    measure_comparison(same, &series);
    t = worst_t(&series, KINDS);
    free_series(&series);
    return t;
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

static void check_clean_choice(void)
{
    struct result best = {INFINITY, INFINITY, INFINITY};

    for (unsigned i = 0; i < ATTEMPTS && (best.to_wipe >= T_LIMIT || best.first_last >= T_LIMIT); i++) {
        const struct result result = t_of_choice(match_reply, CHOICES);

        printf("# match_reply, %d measurements: |t| = %.2f; of the answer too: %.2f for first or last, %.2f for any "
               "or none\n",
               CHOICES, result.to_wipe, result.first_last, result.any_or_none);
        best.to_wipe = fmin(best.to_wipe, result.to_wipe);
        best.first_last = fmin(best.first_last, result.first_last);
    }
    check(best.to_wipe < T_LIMIT,
          "I6: all secrets are tried in the same time, for the first, the last and none: "
          "|t| = %.2f",
          best.to_wipe);
    check(best.first_last < T_LIMIT, "I6: the answer takes the same time for the first and the last: |t| = %.2f",
          best.first_last);
}

static void check_clean_comparison(void)
{
    double t = INFINITY;

    for (unsigned i = 0; i < ATTEMPTS && t >= T_LIMIT; i++) {
        t = t_of_comparison(mac_same, COMPARISONS);
        printf("# mac_same, %d measurements: |t| = %.2f\n", COMPARISONS, t);
    }
    check(t < T_LIMIT, "I6: the time of mac_same is the same whatever is different: |t| = %.2f", t);
}

static void check_leaks(void)
{
    double t = t_of_choice(leaky_choose_first, LEAKS).to_wipe;

    check(t > T_LEAK, "a choice that stops at the first that fits is found: |t| = %.0f", t);
    t = t_of_comparison(leaky_same_bytes, LEAKS);
    check(t > T_LEAK, "a comparison that stops at the first byte that differs is found: |t| = %.0f", t);
}

int main(void)
{
    if (!check(mac_init() == 0, "libgcrypt is ready"))
        return check_end();
    fill_pool();
    check_leaks();
    check_clean_choice();
    check_clean_comparison();
    return check_end();
}
