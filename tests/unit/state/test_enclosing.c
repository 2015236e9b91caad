/* SPDX-License-Identifier: ISC */
/*
 * The networks that an IPv6 source is in: what locks them, whom that binds and whom not, and that no strike is lost to
 * them, whoever is killed when. Arguments: see scratch_is_exhaustive.
 */
#include "check.h"
#include "enclosing.h"
#include "manage.h"
#include "repair.h"
#include "scratch.h"

#define NOW    SCRATCH_NOW
#define HOUR   3600
#define DAY    86400
#define MONTH  (30 * UINT64_C(86400)) /* for so long who was accepted is known */
#define PLACES 4096

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = DAY, .strike_time = HOUR};

/* 2001:db8:SITE:NETWORK::/64; with more than 16 bits of site, in another /32. */
static struct source source_at(uint32_t site, uint16_t network)
{
    return (struct source){
        .address = {0x20, 1, 0x0d, (uint8_t)(0xb8 + (site >> 16)), (uint8_t)(site >> 8), (uint8_t)site,
                    (uint8_t)(network >> 8), (uint8_t)network},
        .prefix = 64,
    };
}

static struct source network_of(const struct source *source, uint8_t prefix)
{
    struct source network = {.prefix = prefix, .is_network = true};

    memcpy(network.address, source->address, prefix / 8);
    return network;
}

static struct lockout_visitor visitor_at(const struct source *source, uint64_t when)
{
    return (struct lockout_visitor){.source = source, .enclosed = true, .now = scratch_at(when)};
}

static struct lockout_charge charge_at(struct store *store, const struct source *source, uint64_t when)
{
    const struct lockout_visitor visitor = visitor_at(source, when);
    struct lockout_charge charge;

    scratch_need(lockout_charge(store, &usual, &visitor, &charge) == STORE_OK, "charge");
    return charge;
}

static void settle_at(struct store *store, const struct source *source, uint64_t when, struct lockout_charge *charge)
{
    const struct lockout_visitor visitor = visitor_at(source, when);

    scratch_need(lockout_settle(store, &usual, &visitor, charge) == STORE_OK, "settle");
}

/* A wrong reply. */
static struct lockout_charge strike_at(struct store *store, const struct source *source, uint64_t when)
{
    struct lockout_charge charge = charge_at(store, source, when);

    settle_at(store, source, when, &charge);
    return charge;
}

/* A right one. True: it was accepted. */
static bool knock_at(struct store *store, const struct source *source, uint64_t when)
{
    struct lockout_charge charge = charge_at(store, source, when);

    if (charge.answer != LOCKOUT_ADMITTED)
        return false;
    scratch_need(lockout_forgive(store, source, &charge) == STORE_OK, "forgive");
    return charge.answer == LOCKOUT_ADMITTED;
}

/* Which network bars this source; prefix 0: none, 255: it is itself that is locked. */
static unsigned barred_at(struct store *store, const struct source *source, uint64_t when)
{
    const struct lockout_visitor visitor = visitor_at(source, when);
    struct lockout_bar bar;
    enum lockout_answer answer;

    scratch_need(lockout_look(store, &visitor, &answer, &bar) == STORE_OK, "look");
    if (answer == LOCKOUT_ADMITTED)
        return 0;
    return bar.is_network ? bar.network.prefix : 255;
}

/* What the table has of a source, or of a network; all zero where it has nothing. */
struct wanted {
    struct source source;
    struct record_slot found;
    unsigned count;
};

static bool take_wanted(void *context, const struct manage_entry *entry)
{
    struct wanted *wanted = context;

    wanted->count++;
    if (slot_is(entry->slot, &wanted->source))
        wanted->found = *entry->slot;
    return true;
}

static struct wanted look_for(struct store *store, struct source source, uint64_t when)
{
    const struct moment moment = scratch_at(when);
    struct wanted wanted = {.source = source};

    scratch_need(manage_each(store, &moment, take_wanted, &wanted, NULL) == STORE_OK, "manage_each");
    return wanted;
}

static uint32_t strikes_of(struct store *store, struct source source)
{
    return look_for(store, source, NOW).found.strikes;
}

static bool is_clean(struct store *store)
{
    struct repair_findings findings;

    scratch_need(repair_verify(store, NULL, NULL, &findings) == STORE_OK, "verify");
    return repair_is_clean(&findings);
}

static void end(struct store *store)
{
    store_close(store);
    scratch_empty();
}

/* Wrong replies from ever other sources of so many sites, of the first or of others, two from each, until a network
 * locks. Gives how many it took.
 */
static unsigned strike_until_locked(struct store *store, uint32_t sites, uint16_t networks, uint64_t when)
{
    for (unsigned strikes = 1; strikes < 5000; strikes++) {
        const unsigned number = (strikes - 1) / 2;
        const uint32_t site = sites == 1 ? 0 : 1 + number % sites;
        const struct source source = source_at(site, (uint16_t)(number / sites % networks));
        const struct lockout_charge charge = strike_at(store, &source, when);

        scratch_need(charge.answer == LOCKOUT_ADMITTED && !charge.locks, "a strike of a source that is not locked");
        for (unsigned i = 0; i < ENCLOSING_MAX; i++)
            if (charge.networks[i].strike.locks)
                return strikes;
    }
    return 0;
}

/* --- what locks, and whom that binds --- */

static void test_56(void)
{
    struct store store = scratch_open(PLACES);
    struct lockout_admission admission;
    struct lockout_visitor visitor;
    struct lockout_charge charge;
    struct source other = source_at(0, 0xff), next = source_at(0, 0x100);

    check_number(strike_until_locked(&store, 1, 256, NOW), 12,
                 "I1: the sources of a /56 have 4 times MAX_BAD_CONNS guesses");
    check_number(barred_at(&store, &other, NOW), 56, "I2: then each of its sources is locked, with its network");
    charge = charge_at(&store, &other, NOW);
    check(charge.answer == LOCKOUT_REFUSED_LOCKED && charge.locked_until == NOW + DAY && charge.bar.is_network &&
              charge.bar.network.prefix == 56 && memcmp(charge.bar.network.address, other.address, 7) == 0,
          "and hears which one, and until when");
    visitor = visitor_at(&other, NOW);
    scratch_need(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK, "admit");
    check(admission.answer == LOCKOUT_REFUSED_LOCKED && admission.bar.network.prefix == 56 &&
              admission.seed_number == 0,
          "I2: also before it has a seed");
    check_number(look_for(&store, network_of(&other, 56), NOW).found.refusals, 2, "its refusals are counted");
    check_number(barred_at(&store, &next, NOW), 0, "the next /56 is not");
    check_number(barred_at(&store, &other, NOW + DAY - 1), 56, "I14: it is locked for LOCKOUT_TIME");
    check_number(barred_at(&store, &other, NOW + DAY), 0, "I14: and no longer");
    end(&store);
}

static void test_48(void)
{
    struct store store = scratch_open(PLACES);
    struct source other = source_at(0, 0xffff), next = source_at(1, 0);

    /* Eight sources in each of ever other /56s. */
    unsigned strikes = 0;
    while (barred_at(&store, &other, NOW) == 0) {
        const struct source source = source_at(0, (uint16_t)(strikes / 8 * 256 + strikes % 8));

        strike_at(&store, &source, NOW);
        strikes++;
    }
    check_number(strikes, 48, "I1: those of a /48 have 16 times MAX_BAD_CONNS");
    check_number(barred_at(&store, &other, NOW), 48, "I2: then each of its sources is locked");
    check_number(barred_at(&store, &next, NOW), 0, "and the /48 next to it is not");
    end(&store);
}

static void test_32(void)
{
    struct store store = scratch_open(PLACES);
    const struct source known = source_at(700, 1), longer_ago = source_at(701, 1), never = source_at(702, 1);
    const struct source other = source_at(1 << 16, 1);
    const uint64_t start = NOW + MONTH;

    scratch_need(knock_at(&store, &longer_ago, NOW) && knock_at(&store, &known, NOW + 1), "two are accepted");
    check_number(strike_until_locked(&store, 600, 256, start), 768, "I1: those of a /32 have 256 times MAX_BAD_CONNS");
    check_number(barred_at(&store, &never, start), 32, "I2: then who was never accepted is locked with it");
    check_number(barred_at(&store, &longer_ago, start), 32, "as is who was 30 days ago");
    check_number(barred_at(&store, &known, start), 0, "I9: and not who was accepted since");
    check(knock_at(&store, &known, start), "I9: he is served, whatever his provider's other customers do");
    check_number(barred_at(&store, &known, start + DAY - 1), 0, "and known for 30 days more");
    check_number(barred_at(&store, &other, start), 0, "another /32 is not locked");
    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &known, start);
    check_number(barred_at(&store, &known, start), 255, "I1: his own limit holds for who is known");
    check_number(look_for(&store, network_of(&known, 32), start).found.strikes, 768,
                 "and what he does is not counted for a /32 that is locked");
    end(&store);
}

/* For so many days somebody with a /48 does what he can: he takes all guesses that he has, from ever other sources. */
static void test_neighbours(unsigned days)
{
    struct store store = scratch_open(PLACES);
    const struct source neighbour = source_at(1, 0);
    uint32_t number = 0;
    unsigned guesses = 0, refused = 0;

    for (uint64_t when = NOW; when < NOW + days * DAY; when += 600) {
        for (unsigned i = 0; i < 50; i++) {
            const struct source source = source_at(0, (uint16_t)(number++ * 257));

            guesses += strike_at(&store, &source, when).answer == LOCKOUT_ADMITTED;
        }
        refused += barred_at(&store, &neighbour, when) != 0;
    }
    check_number(refused, 0, "whoever has a /48 locks nobody out but himself, neither the /48 next to it nor its /32");
    check(guesses >= days * 47 && guesses <= (days + 1) * 48,
          "I1: and has no more guesses than the limit: %u in %u days", guesses, days);
    end(&store);
}

static void test_windows(void)
{
    struct store store = scratch_open(PLACES);
    unsigned refused = 0;

    /* Eleven in each hour: a household of people who mistype, at any time. */
    for (unsigned i = 0; i < 11 * 24 * 7; i++) {
        const struct source source = source_at(0, (uint16_t)(i % 200));

        refused += strike_at(&store, &source, NOW + i * (HOUR / 11 + 1)).answer != LOCKOUT_ADMITTED;
    }
    check_number(
        refused, 0,
        "a network's strikes are forgotten STRIKE_TIME after the first of them, so that a few at a time never add up");
    end(&store);
}

/* --- who is not counted --- */

static void test_exempt(void)
{
    struct store store = scratch_open(PLACES);
    const struct source inside = source_at(0, 200), source = source_at(0, 250);
    struct lockout_visitor visitor;
    struct lockout_charge charge;

    for (unsigned i = 0; i < 100; i++) {
        visitor = visitor_at(&source, NOW);
        visitor.exempt = true;
        scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
        scratch_need(lockout_settle(&store, &usual, &visitor, &charge) == STORE_OK, "settle");
    }
    check_number(look_for(&store, network_of(&source, 56), NOW).count, 1,
                 "what an exempt source does is counted for no network");
    check_number(strike_until_locked(&store, 1, 100, NOW), 12, "others of its /56 lock that");
    visitor = visitor_at(&inside, NOW);
    visitor.exempt = true;
    scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
    check(charge.answer == LOCKOUT_ADMITTED, "and an exempt source in it is served all the same");
    end(&store);
}

/* Wide sources, as with another IPV6_PREFIX. */
static void test_other_sources(void)
{
    struct enclosing networks[ENCLOSING_MAX];
    struct source source = source_at(0, 0);
    struct store store = scratch_open(PLACES);

    source.prefix = 128;
    check_number(enclosing_of(&source, networks), 3, "a host is in three networks");
    source.prefix = 56;
    check(enclosing_of(&source, networks) == 2 && networks[0].source.prefix == 48,
          "a source that is a /56 in two: it is none of its own");
    source.prefix = 48;
    check(enclosing_of(&source, networks) == 1 && networks[0].source.prefix == 32, "one that is a /48 in one");
    source.prefix = 32;
    check_number(enclosing_of(&source, networks), 0, "and one that is a /32 in none");

    for (unsigned i = 0; i < 24; i++) {
        const struct source one = source_at(0, (uint16_t)(i * 257));

        strike_at(&store, &one, NOW);
        strike_at(&store, &one, NOW);
    }
    source.prefix = 64;
    check_number(barred_at(&store, &source, NOW), 48, "a /48 that is locked as a network");
    source.prefix = 48;
    check_number(barred_at(&store, &source, NOW), 0, "is none that is a source, after a change of IPV6_PREFIX");
    check_number(strike_at(&store, &source, NOW).strikes, 1, "which has strikes of its own");
    check(strikes_of(&store, source) == 1 && strikes_of(&store, network_of(&source, 48)) == 48,
          "and a record of its own");
    end(&store);
}

static void test_errors(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(PLACES);
    const struct source inside = source_at(0, 255), stranger = source_at(900, 0);
    struct lockout_visitor visitor = visitor_at(&inside, NOW);
    struct lockout_admission admission;
    uint64_t errors;

    policy.max_single_errs = 3;
    strike_until_locked(&store, 1, 200, NOW);
    for (unsigned i = 0; i < 10; i++)
        scratch_need(lockout_admit(&store, &policy, &visitor, &admission) == STORE_OK, "admit");
    check(admission.answer == LOCKOUT_REFUSED_LOCKED,
          "the refusals of a network are not those of a single source, for MAX_SINGLE_ERRS");
    check_number(store.counters.total_errors, 12 + 10, "they are errors, for MAX_TOTAL_ERRS");
    strike_until_locked(&store, 600, 200, NOW + HOUR);
    errors = store.counters.total_errors;
    visitor = visitor_at(&stranger, NOW + HOUR);
    scratch_need(lockout_admit(&store, &policy, &visitor, &admission) == STORE_OK, "admit");
    check(admission.bar.network.prefix == 32 && store.counters.total_errors == errors,
          "but not where somebody is refused with his provider");
    end(&store);
}

/* --- judgements --- */

static void test_forgiven(void)
{
    struct store store = scratch_open(PLACES);
    const struct source source = source_at(0, 1), other = source_at(0, 2);

    for (unsigned i = 0; i < 100; i++)
        scratch_need(knock_at(&store, &source, NOW), "a right reply");
    check_number(look_for(&store, source, NOW).count, 1, "right replies leave nothing behind in any network");
    strike_at(&store, &other, NOW);
    knock_at(&store, &source, NOW);
    check_number(strikes_of(&store, network_of(&source, 56)) + strikes_of(&store, network_of(&source, 48)) +
                     strikes_of(&store, network_of(&source, 32)),
                 3, "I1: and take back their own strikes alone, and not another's");
    end(&store);
}

/* One strike of a crowd of right ones locks the /56: it is unlocked when that one is judged. */
static void test_lock_taken_back(void)
{
    struct store store = scratch_open(PLACES);
    struct lockout_charge charges[12];
    struct source sources[12];

    for (unsigned i = 0; i < 12; i++) {
        sources[i] = source_at(0, (uint16_t)i);
        charges[i] = charge_at(&store, &sources[i], NOW);
    }
    check(charges[11].networks[0].strike.locks && barred_at(&store, &sources[0], NOW) == 56,
          "who does not wait locks the network");
    for (unsigned i = 0; i < 12; i++)
        scratch_need(lockout_forgive(&store, &sources[i], &charges[i]) == STORE_OK, "forgive");
    check_number(barred_at(&store, &sources[0], NOW), 0, "the lock goes with the strike that made it");
    check_number(look_for(&store, sources[0], NOW).count, 12, "and the network's slot with the last of its strikes");
    end(&store);
}

/*
 * Whoever has a network comes with a wrong reply from as many of its sources as he is let in with, again after each
 * lock, for an hour and a half. Is anybody barred who is not in it? networks: how many /56 of a /48 are his, 256 being
 * all.
 */
static bool bars_others(struct lockout_policy policy, unsigned networks)
{
    struct store store = scratch_open(PLACES);
    const struct source neighbour = source_at(networks == 256 ? 7 : 1, 0xffff);
    unsigned next = 0;
    bool bars = false;

    for (uint64_t when = NOW; when < NOW + HOUR + 1800; when += 60) {
        for (unsigned tries = 0; tries < networks + 16; tries++, next++) {
            const struct source source = source_at(1, (uint16_t)(next % networks << 8 | next / networks % 200));
            const struct lockout_visitor visitor = visitor_at(&source, when);
            struct lockout_charge charge;

            scratch_need(lockout_charge(&store, &policy, &visitor, &charge) == STORE_OK &&
                             lockout_settle(&store, &policy, &visitor, &charge) == STORE_OK,
                         "a wrong reply");
        }
        bars |= barred_at(&store, &neighbour, when) != 0;
    }
    end(&store);
    return bars;
}

/* However the times are set: the strikes of a lock do not outlast it in wider networks. */
static void test_short_locks(void)
{
    static const uint64_t lockout_times[] = {60, 225, 600, 2 * HOUR};
    struct lockout_policy policy = usual;

    for (size_t i = 0; i < sizeof(lockout_times) / sizeof(lockout_times[0]); i++) {
        policy.lockout_time = lockout_times[i];
        check(!bars_others(policy, 256), "I9: with LOCKOUT_TIME=%ju who has a /48 bars nobody else of its /32",
              (uintmax_t)policy.lockout_time);
        check(!bars_others(policy, 1), "I9: nor who has a /56 anybody else of its /48");
    }
    check_number(enclosing_strike_time(HOUR, 0), HOUR, "locks until unlocked are longer than any STRIKE_TIME");
}

static void test_unjudged(void)
{
    struct store store = scratch_open(PLACES);
    struct source source = source_at(0, 100), at_work = source_at(0, 101);
    struct lockout_visitor visitor = visitor_at(&source, NOW);
    struct lockout_charge working, charge;

    for (unsigned i = 0; i < 10; i++) {
        const struct source one = source_at(0, (uint16_t)i);

        strike_at(&store, &one, NOW);
    }
    visitor.judging_ms = 1000;
    visitor.source = &at_work;
    scratch_need(lockout_charge(&store, &usual, &visitor, &working) == STORE_OK, "charge");
    visitor.source = &source;
    visitor.patient = true;
    scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
    check(
        charge.answer == LOCKOUT_NOT_YET && strikes_of(&store, network_of(&source, 56)) == 11,
        "whose strike would lock a network only with one that is not judged is told to come again, and writes nothing");
    scratch_need(lockout_forgive(&store, &at_work, &working) == STORE_OK, "forgive");
    scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
    check(charge.answer == LOCKOUT_ADMITTED && !charge.networks[0].strike.locks,
          "where that was right his own is compared, and locks nothing");
    scratch_need(lockout_forgive(&store, &source, &charge) == STORE_OK, "forgive");

    visitor.source = &at_work;
    scratch_need(lockout_charge(&store, &usual, &visitor, &working) == STORE_OK, "charge");
    visitor.source = &source;
    visitor.now = scratch_at(NOW + 2);
    scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
    check(charge.answer == LOCKOUT_ADMITTED && charge.networks[0].strike.locks,
          "I1: where its handler was killed it counts, and his own locks");
    check(charge_at(&store, &at_work, NOW + 2).answer == LOCKOUT_REFUSED_LOCKED,
          "I2: then who does not wait is refused");
    visitor.source = &at_work;
    scratch_need(lockout_charge(&store, &usual, &visitor, &working) == STORE_OK, "charge");
    check_number(working.answer, LOCKOUT_NOT_YET, "and who does waits for the judgement of that strike");
    settle_at(&store, &source, NOW + 2, &charge);
    scratch_need(lockout_charge(&store, &usual, &visitor, &working) == STORE_OK, "charge");
    check_number(working.answer, LOCKOUT_REFUSED_LOCKED, "which was wrong");
    end(&store);
}

/* --- the administrator --- */

static void lock_56(struct store *store)
{
    scratch_need(strike_until_locked(store, 1, 256, NOW) == 12, "a /56 is locked");
}

static void test_unlock(void)
{
    struct store store = scratch_open(PLACES);
    const struct source source = source_at(0, 255);
    struct manage_target target = {.source = network_of(&source, 56), .network = true};
    const struct moment now = scratch_at(NOW);
    struct lockout_charge charge;
    uint64_t count;
    bool found;

    target.source.is_network = false; /* as it is typed */
    lock_56(&store);
    check(manage_unlock(&store, &target.source, &now, &found) == STORE_OK && found &&
              barred_at(&store, &source, NOW) == 0,
          "a network can be unlocked");
    charge = charge_at(&store, &source, NOW);
    check(manage_unlock(&store, &target.source, &now, &found) == STORE_OK && found, "and its strikes forgotten");
    strike_at(&store, &source, NOW);
    scratch_need(lockout_forgive(&store, &source, &charge) == STORE_OK, "forgive");
    check_number(strikes_of(&store, network_of(&source, 56)), 1, "I1: one from before is not taken back from it then");

    scratch_need(manage_flush(&store, &now, &count) == STORE_OK, "flush");
    lock_56(&store);
    scratch_need(manage_lock(&store, &target, NOW + 2 * DAY, &now) == STORE_OK, "lock");
    check(manage_unlock(&store, &target.source, &now, &found) == STORE_OK && found &&
              barred_at(&store, &source, NOW) == 0,
          "what was locked by hand besides is unlocked with it");
    scratch_need(manage_flush(&store, &now, &count) == STORE_OK, "flush");
    lock_56(&store);
    check(manage_unlock_all(&store, &now, &count) == STORE_OK && count == 1 && barred_at(&store, &source, NOW) == 0,
          "unlocking all lifts it");
    end(&store);
}

static void test_flush(void)
{
    struct store store = scratch_open(PLACES);
    const struct source known = source_at(900, 0), stranger = source_at(901, 0);
    const struct moment now = scratch_at(NOW), later = scratch_at(NOW + MONTH);
    uint64_t count;

    scratch_need(knock_at(&store, &known, NOW), "one is accepted");
    strike_at(&store, &known, NOW);
    lock_56(&store);
    scratch_need(manage_flush(&store, &now, &count) == STORE_OK, "flush");
    check_number(strikes_of(&store, known), 0, "a flush forgets the strikes of who is known");
    check_number(look_for(&store, known, NOW).found.accepted, NOW, "and not that he is");
    check_number(look_for(&store, known, NOW).count, 2, "and keeps the network that is locked, and no other");
    strike_until_locked(&store, 600, 256, NOW);
    check(barred_at(&store, &stranger, NOW) == 32 && barred_at(&store, &known, NOW) == 0,
          "so he comes in where others are refused with his provider");
    scratch_need(manage_flush(&store, &later, &count) == STORE_OK, "flush");
    check_number(look_for(&store, known, NOW).count, 0, "after 30 days he goes as well");
    end(&store);
}

static bool take_over(void *context, const struct manage_entry *entry)
{
    struct record_slot *locks = context;

    if (slot_in_force(entry->slot, NOW) && entry->network)
        locks[entry->slot->source.prefix == 56] = *entry->slot;
    return true;
}

static void test_moved(void)
{
    struct store store = scratch_open(PLACES);
    const struct source source = source_at(0, 255), known = source_at(900, 0);
    const struct repair_order order = {.places = 2 * PLACES, .moment = scratch_at(NOW)};
    const struct moment now = scratch_at(NOW);
    struct record_slot locks[2] = {0};
    struct repair_report report;

    scratch_need(knock_at(&store, &known, NOW), "one is accepted");
    lock_56(&store);
    scratch_need(repair_table(&store, &order, &report) == STORE_OK && report.dropped == 0, "repair");
    check(barred_at(&store, &source, NOW) == 56 && is_clean(&store),
          "a repair keeps the lock of a network where it belongs");
    check_number(look_for(&store, known, NOW).found.accepted, NOW, "and who was accepted");
    scratch_need(manage_each(&store, &now, take_over, locks, NULL) == STORE_OK, "manage_each");
    end(&store);
    store = scratch_open(PLACES);
    check(manage_take(&store, &locks[1], true, &now) == STORE_OK && barred_at(&store, &source, NOW) == 56,
          "it can be taken over into another table");
    check_number(look_for(&store, source, NOW).found.by_hand + store.counters.networks, 0,
                 "as what it was, and not as one by hand");
    end(&store);
}

/* --- full, damaged, killed --- */

/* What an attacker with so many sources does to a table that is as small as it can be. */
static void test_flood(uint32_t sources)
{
    struct store store = scratch_open(64);
    const struct source known = source_at(0x10000, 1), locked = source_at(0x10001, 1), inside = source_at(0x10002, 255);
    struct lockout_admission admission;
    unsigned strangers = 0;

    scratch_need(knock_at(&store, &known, NOW), "one is accepted");
    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &locked, NOW);
    for (unsigned i = 0; i < 12; i++) {
        const struct source source = source_at(0x10002, (uint16_t)(i / 2));

        strike_at(&store, &source, NOW);
    }
    scratch_need(barred_at(&store, &locked, NOW) == 255 && barred_at(&store, &inside, NOW) == 56, "two locks");
    for (uint32_t who = 0; who < sources; who++) {
        const struct source ipv4 = scratch_source(who), ipv6 = source_at(who % 0xffff, 1);
        struct lockout_visitor visitor = {.source = &ipv4, .now = scratch_at(NOW + 1)};
        struct lockout_charge charge;

        scratch_need(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK, "admit");
        scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
        scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
        strangers += charge.strikes > 1;
        visitor = visitor_at(&ipv6, NOW + 1);
        scratch_need(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK, "admit");
        strike_at(&store, &ipv6, NOW + 1);
    }
    check(strangers > sources / 2, "a flood has pushed out what can be pushed out");
    check(barred_at(&store, &locked, NOW + 1) == 255 && barred_at(&store, &inside, NOW + 1) == 56,
          "I9: and no lock, neither of a source nor of a network");
    check_number(look_for(&store, known, NOW + 1).found.accepted, NOW, "I9: nor who was accepted");
    check(is_clean(&store), "and the table is whole");
    end(&store);
}

/* Where all places are taken by locks, a source and its networks have to take some of them. */
static void test_full_of_locks(void)
{
    struct store store = scratch_open(64);
    unsigned guesses = 0, forgotten = 0;

    for (uint32_t who = 0; who < 3000; who++) {
        const struct source source = scratch_source(who);
        const struct lockout_visitor visitor = {.source = &source, .now = scratch_at(NOW)};
        struct lockout_charge charge;

        for (unsigned i = 0; i < 3; i++)
            scratch_need(lockout_charge(&store, &usual, &visitor, &charge) == STORE_OK, "charge");
    }
    for (uint32_t site = 0; site < 50; site++) {
        const struct source source = source_at(site << 16, 1);
        struct lockout_charge charge = strike_at(&store, &source, NOW);

        for (unsigned i = 2; charge.answer == LOCKOUT_ADMITTED && i < 10; i++) {
            charge = strike_at(&store, &source, NOW);
            forgotten += charge.answer == LOCKOUT_ADMITTED && charge.strikes != i;
            guesses += charge.answer == LOCKOUT_ADMITTED;
        }
    }
    check(forgotten == 0 && guesses == 50 * 2,
          "I1: in a table full of locks no source loses its strikes to its own networks");
    end(&store);
}

/* Somebody with one secret and more sources than there are places. */
static void test_many_known(void)
{
    struct store store = scratch_open(64);
    unsigned forgotten = 0;

    for (unsigned round = 0; round < 5; round++) {
        const struct source victim = source_at(0x10000 + round, 1);

        strike_at(&store, &victim, NOW);
        strike_at(&store, &victim, NOW);
        for (uint32_t i = 0; i < 2000; i++) {
            const struct source source = source_at(round, (uint16_t)i);

            scratch_need(knock_at(&store, &source, NOW + 1), "a right reply");
        }
        forgotten += strikes_of(&store, victim) == 0;
    }
    check_number(forgotten, 0, "I1: who has a secret cannot have strikes forgotten by being accepted from everywhere");
    end(&store);
}

static void test_damaged(void)
{
    struct store store = scratch_open(64);
    const uint8_t bad = 0x55;
    const struct source source = source_at(0, 1);
    const struct source network = network_of(&source, 48);
    struct lockout_charge charge;
    uint64_t firsts[RECORD_CHOICES];

    strike_at(&store, &source, NOW);
    record_buckets(&store.header, &network, firsts);
    for (unsigned i = 0; i < RECORD_CHOICES; i++)
        for (unsigned place = 0; place < RECORD_BUCKET_SLOTS; place++) {
            uint8_t bytes[RECORD_LEN];
            const uint64_t offset = store_slot_at(firsts[i] + place);

            scratch_need(store_read(&store, offset, bytes, sizeof bytes) == STORE_OK, "read");
            if (record_slot_names(bytes, &network))
                scratch_poke("lockout", (off_t)offset + 60, &bad, 1);
        }
    charge = strike_at(&store, &source, NOW);
    check(charge.answer == LOCKOUT_ADMITTED && charge.damaged_slots == 1,
          "a network's slot that is damaged is reported");
    check(strikes_of(&store, network) == 1 && strikes_of(&store, network_of(&source, 32)) == 2 && is_clean(&store),
          "counts as empty, and is made anew");
    end(&store);
}

/* A reply, of this kind, that leaves a trace when it is compared. */
static bool is_right;

static int reply_then_note(unsigned number)
{
    const struct source source = source_at(0, 1);
    struct lockout_visitor visitor = visitor_at(&source, NOW);
    struct lockout_charge charge;
    struct store store;

    (void)number;
    visitor.judging_ms = 1000;
    if (scratch_try(&store, 64, false, 20000) != STORE_OK ||
        lockout_charge(&store, &usual, &visitor, &charge) != STORE_OK || charge.answer != LOCKOUT_ADMITTED ||
        mkdir(scratch_path("other"), 0700) != 0)
        return 9;
    if (is_right)
        return lockout_forgive(&store, &source, &charge) == STORE_OK ? 0 : 8;
    return lockout_settle(&store, &usual, &visitor, &charge) == STORE_OK ? 0 : 7;
}

/* At each system call. One strike of another source stands in each network before. */
static void test_killed_anywhere(bool right)
{
    const struct source source = source_at(0, 1), other = source_at(0, 2);
    unsigned nth = 1, dirty = 0, free_guesses = 0, too_few = 0, too_many = 0;
    int result = -1;

    is_right = right;
    for (bool killed = true; killed; nth++) {
        struct store store = scratch_open(64);
        struct stat info;
        bool compared;

        strike_at(&store, &other, NOW);
        killed = scratch_killed_at(nth, reply_then_note, &result);
        compared = stat(scratch_path("other"), &info) == 0;
        dirty += !is_clean(&store);
        for (unsigned i = 0; i < ENCLOSING_MAX; i++) {
            const uint32_t strikes = strikes_of(&store, network_of(&source, enclosing_rules[i].prefix));

            free_guesses += compared && !right && strikes != 2;
            too_few += strikes < 1 + strikes_of(&store, source);
            too_many += strikes > 2 || (right && !killed && strikes != 1);
        }
        end(&store);
    }
    check(result == 0 && nth > 30, "a %s reply was killed at each of its %u system calls", right ? "right" : "wrong",
          nth - 2);
    check_number(dirty, 0, "I1: the table read back whole after each");
    check_number(free_guesses, 0, "I1: no reply was compared without its strike in each network");
    check_number(too_few, 0, "I1: no network had fewer strikes than its sources");
    check_number(too_many, 0, "nor one more than was made");
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    scratch_begin();
    test_56();
    test_48();
    test_32();
    test_neighbours(exhaustive ? 30 : 5);
    test_windows();
    test_exempt();
    test_other_sources();
    test_errors();
    test_forgiven();
    test_lock_taken_back();
    test_short_locks();
    test_unjudged();
    test_unlock();
    test_flush();
    test_moved();
    test_damaged();
    test_flood(exhaustive ? 20000 : 2000);
    test_full_of_locks();
    if (exhaustive)
        test_many_known();
    if (scratch_can_trace()) {
        test_killed_anywhere(false);
        test_killed_anywhere(true);
    }
    scratch_end();
    return check_end();
}
