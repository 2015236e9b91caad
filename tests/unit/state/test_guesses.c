/* SPDX-License-Identifier: ISC */
/*
 * How many guesses an address has, whatever it does: ostiary.cfg(5), "How many guesses", has the numbers that come out
 * here. Weeks pass in simulated time, on a real table.
 */
#include "check.h"
#include "enclosing.h"
#include "scratch.h"

#include <inttypes.h>

#define HOUR  3600
#define DAY   86400
#define MONTH (30 * DAY)

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = DAY, .strike_time = HOUR};

/* An attacker with one address. */
struct attacker {
    struct store *store;
    const struct lockout_policy *policy;
    uint32_t who;
    uint64_t now;
    uint64_t guesses; /* replies that were compared */
    uint64_t strikes; /* that count against him since the last of them */
};

/* One wrong reply at once, or as soon as the pace lets it through. False: no reply of his was looked at. */
static bool guess(struct attacker *attacker)
{
    const struct source source = scratch_source(attacker->who);
    struct lockout_visitor visitor = {.source = &source, .exempt = false, .now = scratch_at(attacker->now)};
    struct lockout_admission admission;
    struct lockout_charge charge;

    scratch_need(lockout_admit(attacker->store, attacker->policy, &visitor, &admission) == STORE_OK, "admit");
    if (admission.answer != LOCKOUT_ADMITTED)
        return false;
    attacker->now += (admission.wait_ms + 999) / 1000;
    visitor.now = scratch_at(attacker->now);
    scratch_need(lockout_charge(attacker->store, attacker->policy, &visitor, &charge) == STORE_OK, "charge");
    if (charge.answer != LOCKOUT_ADMITTED)
        return false;
    scratch_need(lockout_settle(attacker->store, attacker->policy, &visitor, &charge) == STORE_OK, "settle");
    attacker->guesses++;
    attacker->strikes = charge.strikes;
    return true;
}

/* He knows the policy, and never makes the strike that would lock him. */
static void stay_below(struct attacker *attacker, uint64_t end)
{
    while (attacker->now < end) {
        for (uint64_t i = 1; i < attacker->policy->max_bad_conns; i++)
            scratch_need(guess(attacker), "whoever stays below is never refused");
        attacker->now += attacker->policy->strike_time;
    }
}

/* He guesses whenever he is let in, and does not let go when he is not. */
static void hammer(struct attacker *attacker, uint64_t end)
{
    while (attacker->now < end)
        attacker->now += guess(attacker) ? attacker->policy->delay : 60;
}

/* He does anything: a guess, or a wait that is as long as something in the policy, or a little more or less. */
static void wander(struct attacker *attacker, unsigned seed)
{
    const uint64_t waits[] = {1, 4, 5, 6, 60, HOUR / 2, HOUR - 1, HOUR, 5, HOUR + 1, 2 * HOUR, DAY - 1, DAY, DAY + 1};
    const unsigned short start[3] = {(unsigned short)seed, 7, 9};
    unsigned short state[3];

    memcpy(state, start, sizeof(state));
    for (int step = 0; step < 2000; step++) {
        if (nrand48(state) % 2 == 0)
            guess(attacker);
        else
            attacker->now += waits[(size_t)nrand48(state) % (seed % (sizeof(waits) / sizeof(waits[0])) + 1)];
    }
}

typedef void strategy(struct attacker *attacker, uint64_t end);

/* The guesses of one address in so long a time. */
static uint64_t guesses_of(const struct lockout_policy *policy, strategy *play, uint64_t time)
{
    struct store store = scratch_open(64);
    struct attacker attacker = {.store = &store, .policy = policy, .who = 1, .now = SCRATCH_NOW};

    play(&attacker, SCRATCH_NOW + time);
    store_close(&store);
    scratch_empty();
    return attacker.guesses;
}

static void check_between(uint64_t got, uint64_t low, uint64_t high, const char *what)
{
    check(got >= low && got <= high, "%s: %" PRIu64 ", from %" PRIu64 " to %" PRIu64, what, got, low, high);
}

static void test_default(void)
{
    check_between(guesses_of(&usual, stay_below, MONTH), 30 * 47, 30 * 48,
                  "an address that is never locked has 48 guesses a day");
    check_between(guesses_of(&usual, hammer, MONTH), 30 * 3 - 3, 30 * 3,
                  "one that is locked each time has 3 in a day and its pace");
    for (unsigned seed = 0; seed < 28; seed++) {
        struct store store = scratch_open(64);
        struct attacker attacker = {.store = &store, .policy = &usual, .who = 1, .now = SCRATCH_NOW};

        wander(&attacker, seed);
        /* The end may cut an hour in two, and a lock that would cost a day. */
        check_between(attacker.guesses, 1, 2 * ((attacker.now - SCRATCH_NOW) / HOUR + 1) + 1,
                      "whatever it does, it has no more");
        store_close(&store);
        scratch_empty();
    }
}

/* He finds out how long he has to wait until a strike does not count any more, with an address for each try. */
static void test_least_wait(void)
{
    struct store store = scratch_open(4096);
    uint64_t wait = 0;
    bool forgotten = false;

    while (!forgotten && wait < 2 * HOUR) {
        wait += 60;

        struct attacker attacker = {.store = &store, .policy = &usual, .who = (uint32_t)wait, .now = SCRATCH_NOW};
        guess(&attacker);
        attacker.now += wait;
        guess(&attacker);
        forgotten = attacker.strikes == 1;
    }
    check_number(wait, HOUR, "he cannot wait for less than STRIKE_TIME");
    store_close(&store);
    scratch_empty();
}

/* N addresses are N times as good, each with its own strikes. */
static void test_many(void)
{
    struct store store = scratch_open(4096);
    uint64_t guesses = 0;

    for (uint32_t who = 1; who <= 100; who++) {
        struct attacker attacker = {.store = &store, .policy = &usual, .who = who, .now = SCRATCH_NOW};

        stay_below(&attacker, SCRATCH_NOW + DAY);
        guesses += attacker.guesses;
    }
    check_between(guesses, 100 * 47, 100 * 48, "a hundred addresses have a hundred times as many");
    store_close(&store);
    scratch_empty();
}

/* The rule: MAX_BAD_CONNS - 1 in each STRIKE_TIME, or MAX_BAD_CONNS in each LOCKOUT_TIME, whichever is more. */
static void test_settings(void)
{
    struct lockout_policy policy = usual;

    policy.max_bad_conns = 1;
    check_number(guesses_of(&policy, stay_below, MONTH), 0, "with MAX_BAD_CONNS=1 nobody stays below");
    check_between(guesses_of(&policy, hammer, MONTH), 29, 30, "and there is 1 in each LOCKOUT_TIME");

    policy = usual;
    policy.lockout_time = 0;
    check_number(guesses_of(&policy, hammer, MONTH), 3, "with LOCKOUT_TIME=0 MAX_BAD_CONNS are all there are");
    check_between(guesses_of(&policy, stay_below, MONTH), 30 * 47, 30 * 48, "but for who is never locked");

    policy = usual;
    policy.strike_time = DAY;
    check_between(guesses_of(&policy, stay_below, MONTH), 58, 60, "with STRIKE_TIME=1d there are 2 a day");

    policy = usual;
    policy.lockout_time = 600;
    check_between(guesses_of(&policy, hammer, DAY), 3 * 135, 3 * 144,
                  "with a LOCKOUT_TIME below STRIKE_TIME being locked is the better way");
}

/* --- networks of IPv6 --- */

/* One wrong reply of the source with this number in 2001:db8::/32, whatever the pace says. */
static bool guess_from(struct store *store, uint32_t number, uint64_t now)
{
    const struct source source = {.address = {0x20, 1, 0x0d, 0xb8, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                              (uint8_t)(number >> 8), (uint8_t)number},
                                  .prefix = 64};
    const struct lockout_visitor visitor = {.source = &source, .enclosed = true, .now = scratch_at(now)};
    struct lockout_charge charge;

    scratch_need(lockout_charge(store, &usual, &visitor, &charge) == STORE_OK, "charge");
    scratch_need(lockout_settle(store, &usual, &visitor, &charge) == STORE_OK, "settle");
    return charge.answer == LOCKOUT_ADMITTED;
}

/* In so many days of somebody with 2^bits sources, who in each hour takes so many guesses as he gets, or this many. */
static uint64_t guesses_in(unsigned bits, uint64_t in_hour, unsigned days)
{
    struct store store = scratch_open(65536);
    uint64_t guesses = 0;
    uint32_t number = 0;

    for (uint64_t hour = 0; hour < 24 * days; hour++)
        for (uint64_t i = 0; i < in_hour; i++) {
            /* Sources that are far apart come first, so that the smaller networks bear as little as they can. */
            number += 0x9e3779b1;
            guesses += guess_from(&store, number >> (32 - bits), SCRATCH_NOW + hour * HOUR);
        }
    store_close(&store);
    scratch_empty();
    return guesses;
}

/* What unit/door/test_exposure.c computes: one less than the limit in each STRIKE_TIME is the best that he can do. */
static void test_networks(void)
{
    for (unsigned i = 0; i < ENCLOSING_MAX; i++) {
        const struct enclosing network = {.rule = &enclosing_rules[i]};
        const uint64_t limit = enclosing_limit(&network, usual.max_bad_conns);
        const unsigned bits = 64 - network.rule->prefix;
        const unsigned days = network.rule->prefix == 32 ? 1 : 3;

        check_number(guesses_in(bits, limit - 1, days), days * 24 * (limit - 1),
                     "whoever stays below the limit of his network has one guess less than that in each STRIKE_TIME");
        check_between(guesses_in(bits, limit + 20, days), days * limit, days * limit,
                      "whoever does not has as many as the limit in each LOCKOUT_TIME");
    }
    /* A half of a /56, of eight hosts of whom each takes two in the hour that he has. */
    check_between(guesses_in(3, 16, 3), 3 * 12, 3 * 12, "a part of a /56 has no more than the whole");
}

int main(void)
{
    scratch_begin();
    test_least_wait();
    test_default();
    test_many();
    test_settings();
    test_networks();
    scratch_end();
    return check_end();
}
