/* SPDX-License-Identifier: ISC */
/* The policy of the door, with many processes at once, under SIGKILL, and with clocks that step.
 * Arguments: see scratch_is_exhaustive. */
#include "check.h"
#include "closed.h"
#include "manage.h"
#include "repair.h"
#include "scratch.h"
#include "slot.h"

#define NOW SCRATCH_NOW
#define DAY 86400

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = DAY, .strike_time = 3600};

/* The clocks of scratch_at, where they are wanted by address. */
static const struct moment *at(uint64_t seconds)
{
    static struct moment moment;

    moment = scratch_at(seconds);
    return &moment;
}

static struct lockout_charge charge_at(struct store *store, const struct lockout_policy *policy, uint32_t who,
                                       uint64_t when)
{
    const struct source source = scratch_source(who);
    struct lockout_charge charge;

    scratch_need(lockout_charge(store, policy,
                                &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(when)},
                                &charge) == STORE_OK,
                 "charge");
    return charge;
}

/* A wrong reply, from beginning to end. */
static struct lockout_charge strike_at(struct store *store, const struct lockout_policy *policy, uint32_t who,
                                       uint64_t when)
{
    const struct source source = scratch_source(who);
    struct lockout_charge charge = charge_at(store, policy, who, when);

    scratch_need(lockout_settle(store, policy,
                                &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(when)},
                                &charge) == STORE_OK,
                 "settle");
    return charge;
}

static void forgive(struct store *store, uint32_t who, struct lockout_charge *charge)
{
    const struct source source = scratch_source(who);

    scratch_need(lockout_forgive(store, &source, charge) == STORE_OK, "forgive");
}

static struct lockout_admission admit_ms(struct store *store, const struct lockout_policy *policy, uint32_t who,
                                         uint64_t ms)
{
    const struct source source = scratch_source(who);
    struct lockout_admission admission;

    scratch_need(lockout_admit(store, policy,
                               &(struct lockout_visitor){.source = &source, .now = {.boot_ms = ms, .wall_ms = ms}},
                               &admission) == STORE_OK,
                 "admit");
    return admission;
}

static struct lockout_admission admit_at(struct store *store, const struct lockout_policy *policy, uint32_t who,
                                         uint64_t when)
{
    return admit_ms(store, policy, who, when * 1000);
}

static enum lockout_answer look_at(struct store *store, uint32_t who, bool exempt, uint64_t when)
{
    const struct source source = scratch_source(who);
    enum lockout_answer answer;

    scratch_need(lockout_look(store,
                              &(struct lockout_visitor){.source = &source, .exempt = exempt, .now = scratch_at(when)},
                              &answer, NULL) == STORE_OK,
                 "look");
    return answer;
}

/* The record of a source, as manage_each lists it; all zero when there is none. */
struct wanted {
    struct source source;
    struct record_slot found;
    uint32_t errors;
    unsigned locked;
};

static bool take_wanted(void *context, const struct manage_entry *entry)
{
    struct wanted *wanted = context;

    wanted->locked += slot_in_force(entry->slot, NOW);
    if (slot_is(entry->slot, &wanted->source)) {
        wanted->found = *entry->slot;
        wanted->errors = entry->errors;
    }
    return true;
}

/* The clocks when the counters were written last. */
static struct moment last_moment(struct store *store)
{
    struct moment moment = {0};

    scratch_need(store_hold(store, HOLD_SHARED, NULL) == STORE_OK, "hold");
    store_release(store);
    memcpy(moment.boot_id, store->counters.mark.boot_id, sizeof moment.boot_id);
    moment.boot_ms = store->counters.mark.boot_ms;
    moment.wall_ms = store->counters.mark.wall_ms;
    return moment;
}

static struct wanted record_of(struct store *store, uint32_t who)
{
    struct wanted wanted = {.source = scratch_source(who)};
    const struct moment moment = last_moment(store);

    scratch_need(manage_each(store, &moment, take_wanted, &wanted, NULL) == STORE_OK, "manage_each");
    return wanted;
}

static bool is_clean(struct store *store)
{
    struct repair_findings findings;

    scratch_need(repair_verify(store, NULL, NULL, &findings) == STORE_OK, "verify");
    return repair_is_clean(&findings);
}

/* --- one source --- */

static void test_three_strikes(void)
{
    struct store store = scratch_open(64);
    struct lockout_charge charge;

    charge = strike_at(&store, &usual, 1, NOW);
    check(charge.answer == LOCKOUT_ADMITTED && charge.strikes == 1 && !charge.locks, "the first strike is compared");
    charge = strike_at(&store, &usual, 1, NOW + 1);
    check(charge.strikes == 2 && !charge.locks, "the second too");
    charge = strike_at(&store, &usual, 1, NOW + 2);
    check(charge.answer == LOCKOUT_ADMITTED && charge.locks, "the third is compared, and locks");
    check_number(charge.locked_until, NOW + 2 + DAY, "for LOCKOUT_TIME");
    charge = charge_at(&store, &usual, 1, NOW + 3);
    check(charge.answer == LOCKOUT_REFUSED_LOCKED && !charge.locks, "a fourth reply is not compared");
    check_number(charge.locked_until, NOW + 2 + DAY, "and hears until when");
    check(admit_at(&store, &usual, 1, NOW + 4).answer == LOCKOUT_REFUSED_LOCKED, "I2: no seed for it");
    check(look_at(&store, 1, false, NOW + 4) == LOCKOUT_REFUSED_LOCKED, "nor after waiting");
    check(admit_at(&store, &usual, 2, NOW + 4).answer == LOCKOUT_ADMITTED, "another source is served");
    check_number(record_of(&store, 1).found.refusals, 2, "the two refusals are counted");
    store_close(&store);
    store = scratch_open(64);
    check(look_at(&store, 1, false, NOW + 4) == LOCKOUT_REFUSED_LOCKED, "another process finds the same");
    check(admit_at(&store, &usual, 1, NOW + 2 + DAY).answer == LOCKOUT_ADMITTED, "the lock ends when it should");
    check_number(record_of(&store, 1).found.strikes, 0, "and its strikes with it");
    store_close(&store);
    scratch_empty();
}

static void test_until_unlocked(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    const struct manage_target target = {.source = scratch_source(1)};
    bool found;

    policy.lockout_time = 0;
    policy.max_bad_conns = 1;
    check(strike_at(&store, &policy, 1, NOW).locked_until == LOCKOUT_FOREVER, "LOCKOUT_TIME=0 locks for ever");
    check(look_at(&store, 1, false, NOW + 100 * 365 * (uint64_t)DAY) == LOCKOUT_REFUSED_LOCKED, "a century later too");
    check(manage_unlock(&store, &target.source, at(NOW), &found) == STORE_OK && found, "until it is unlocked");
    check(look_at(&store, 1, false, NOW) == LOCKOUT_ADMITTED, "which lets it in");
    check(manage_unlock(&store, &target.source, at(NOW), &found) == STORE_OK && !found, "once");
    store_close(&store);
    scratch_empty();
}

/* I1: success takes back its own strike and no other. */
static void test_alternating(void)
{
    struct store store = scratch_open(64);
    struct lockout_charge charge;
    unsigned wrong = 0;

    for (unsigned i = 0; i < 20; i++) {
        charge = charge_at(&store, &usual, 1, NOW + i);
        if (charge.answer == LOCKOUT_ADMITTED)
            forgive(&store, 1, &charge);
        wrong += strike_at(&store, &usual, 1, NOW + i).answer == LOCKOUT_ADMITTED;
    }
    check_number(wrong, usual.max_bad_conns, "I1: right and wrong in turn: locked after MAX_BAD_CONNS wrong ones");
    store_close(&store);
    scratch_empty();
}

static void test_forgive(void)
{
    struct lockout_policy once = usual;
    struct store store = scratch_open(64);
    const struct manage_target target = {.source = scratch_source(1)};
    struct lockout_charge a, b, c;
    bool found;

    strike_at(&store, &usual, 1, NOW);
    a = charge_at(&store, &usual, 1, NOW + 50);
    forgive(&store, 1, &a);
    check(record_of(&store, 1).found.strikes == 1 && record_of(&store, 1).found.last_strike == NOW,
          "a right reply leaves earlier strikes and their time as they were");

    strike_at(&store, &usual, 1, NOW + 60);
    a = charge_at(&store, &usual, 1, NOW + 61);
    check(a.locks && look_at(&store, 1, false, NOW + 61) == LOCKOUT_REFUSED_LOCKED,
          "an unjudged third strike locks at once");
    forgive(&store, 1, &a);
    check(!a.locks && look_at(&store, 1, false, NOW + 61) == LOCKOUT_ADMITTED, "and unlocks when it was right");
    check_number(record_of(&store, 1).found.strikes, 2, "with two strikes left");

    a = charge_at(&store, &usual, 2, NOW);
    b = charge_at(&store, &usual, 2, NOW);
    c = charge_at(&store, &usual, 2, NOW);
    forgive(&store, 2, &a);
    check(look_at(&store, 2, false, NOW) == LOCKOUT_REFUSED_LOCKED, "the lock is lifted by nobody but whose it is");
    forgive(&store, 2, &b);
    forgive(&store, 2, &c);
    check(look_at(&store, 2, false, NOW) == LOCKOUT_ADMITTED && record_of(&store, 2).found.strikes == 0,
          "three right replies at once, judged in any order, leave nothing");

    a = charge_at(&store, &usual, 1, NOW + 70);
    scratch_need(a.locks && manage_unlock(&store, &target.source, at(NOW + 70), &found) == STORE_OK, "unlock");
    strike_at(&store, &usual, 1, NOW + 70);
    forgive(&store, 1, &a);
    check(!a.locks, "a lock that somebody has lifted meanwhile is none any more");
    check_number(record_of(&store, 1).found.strikes, 1, "after an unlock an old strike takes back none of the new");

    a = charge_at(&store, &usual, 3, NOW);
    scratch_need(manage_lock(&store, &(struct manage_target){.source = scratch_source(3)}, LOCKOUT_FOREVER, at(NOW)) ==
                     STORE_OK,
                 "lock");
    forgive(&store, 3, &a);
    check(look_at(&store, 3, false, NOW) == LOCKOUT_REFUSED_LOCKED, "a right reply does not lift a lock by hand");

    once.max_bad_conns = 1;
    once.lockout_time = 0;
    a = charge_at(&store, &once, 4, NOW);
    scratch_need(manage_lock(&store, &(struct manage_target){.source = scratch_source(4)}, LOCKOUT_FOREVER, at(NOW)) ==
                     STORE_OK,
                 "lock");
    forgive(&store, 4, &a);
    check(look_at(&store, 4, false, NOW) == LOCKOUT_REFUSED_LOCKED, "not even where it had locked just as long itself");
    store_close(&store);
    scratch_empty();
}

static void test_strike_age(void)
{
    struct store store = scratch_open(64);

    strike_at(&store, &usual, 1, NOW);
    strike_at(&store, &usual, 1, NOW + 10);
    check_number(strike_at(&store, &usual, 1, NOW + 10 + usual.strike_time).strikes, 1,
                 "STRIKE_TIME after the last, strikes are forgotten");
    strike_at(&store, &usual, 2, NOW);
    check_number(strike_at(&store, &usual, 2, NOW + usual.strike_time - 1).strikes, 2, "a second earlier they are not");
    store_close(&store);
    scratch_empty();
}

static void test_exempt(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    const struct source source = scratch_source(1);
    struct lockout_charge charge;
    unsigned compared = 0;

    policy.max_single_errs = 4;
    policy.max_total_errs = 4;
    for (unsigned i = 0; i < 10; i++) {
        scratch_need(
            lockout_charge(&store, &policy,
                           &(struct lockout_visitor){.source = &source, .exempt = true, .now = scratch_at(NOW)},
                           &charge) == STORE_OK,
            "charge");
        scratch_need(
            lockout_settle(&store, &policy,
                           &(struct lockout_visitor){.source = &source, .exempt = true, .now = scratch_at(NOW)},
                           &charge) == STORE_OK,
            "settle");
        compared += charge.answer == LOCKOUT_ADMITTED && !charge.locks && charge.closure == LOCKOUT_NOT_CLOSED;
    }
    check_number(compared, 10, "an exempt source is never locked, and closes no door");
    check_number(charge.strikes, 10, "but its strikes are counted");
    scratch_need(manage_lock(&store, &(struct manage_target){.source = source}, NOW + 60, at(NOW)) == STORE_OK, "lock");
    check(look_at(&store, 1, true, NOW) == LOCKOUT_REFUSED_LOCKED, "a lock by hand holds for it");
    for (unsigned i = 0; i < 10; i++) {
        struct lockout_admission got;

        scratch_need(lockout_admit(&store, &policy,
                                   &(struct lockout_visitor){.source = &source, .exempt = true, .now = scratch_at(NOW)},
                                   &got) == STORE_OK,
                     "admit");
        compared += got.answer == LOCKOUT_REFUSED_LOCKED && got.closure == LOCKOUT_NOT_CLOSED;
    }
    check_number(compared, 20, "but its refusals close no door either");
    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &usual, 2, NOW);
    check(look_at(&store, 2, false, NOW) == LOCKOUT_REFUSED_LOCKED && look_at(&store, 2, true, NOW) == LOCKOUT_ADMITTED,
          "one that becomes exempt is no longer bound by the lock of its strikes");
    store_close(&store);
    scratch_empty();
}

/* A strike of before, by somebody whose record was forgotten and made anew meanwhile, twice: his right reply is for
 * that one. */
static void test_generations(void)
{
    struct store store = scratch_open(64);
    struct lockout_charge first;
    uint64_t flushed;

    admit_at(&store, &usual, 1, NOW);
    admit_at(&store, &usual, 1, NOW);
    scratch_need(manage_flush(&store, at(NOW), &flushed) == STORE_OK, "flush");
    first = charge_at(&store, &usual, 1, NOW);
    scratch_need(manage_flush(&store, at(NOW), &flushed) == STORE_OK, "flush");
    charge_at(&store, &usual, 1, NOW);
    forgive(&store, 1, &first);
    check_number(record_of(&store, 1).found.strikes, 1,
                 "I1: a strike that was forgotten with all others takes no other one back");
    store_close(&store);
    scratch_empty();
}

/* The same where it is a lock out of another table that made the record, both times. */
static void test_generations_of_locks(void)
{
    const struct record_slot lock = {
        .source = scratch_source(1), .locked = true, .strikes = 3, .locked_until = NOW + 60};
    const struct manage_target target = {.source = scratch_source(1)};
    struct store store = scratch_open(64);
    struct lockout_charge first;
    uint64_t flushed;
    bool found;

    scratch_need(manage_take(&store, &lock, false, at(NOW)) == STORE_OK, "take");
    scratch_need(manage_unlock(&store, &target.source, at(NOW), &found) == STORE_OK && found, "unlock");
    first = charge_at(&store, &usual, 1, NOW);
    scratch_need(manage_flush(&store, at(NOW), &flushed) == STORE_OK && flushed == 1, "flush");
    scratch_need(manage_take(&store, &lock, false, at(NOW)) == STORE_OK, "take");
    charge_at(&store, &usual, 1, NOW + 100);
    forgive(&store, 1, &first);
    check_number(record_of(&store, 1).found.strikes, 1,
                 "I1: nor where a lock that was taken over made the record anew");
    store_close(&store);
    scratch_empty();
}

/* --- strikes that are being judged --- */

#define JUDGING_MS 5000

/* A charge by somebody who can be told to come again. */
static struct lockout_charge patient_charge(struct store *store, const struct lockout_policy *policy, uint32_t who,
                                            uint64_t ms)
{
    const struct source source = scratch_source(who);
    const struct lockout_visitor visitor = {
        .source = &source,
        .now = {.boot_ms = ms, .wall_ms = ms},
        .judging_ms = JUDGING_MS,
        .patient = true,
    };
    struct lockout_charge charge;

    scratch_need(lockout_charge(store, policy, &visitor, &charge) == STORE_OK, "charge");
    return charge;
}

static void settle(struct store *store, uint32_t who, uint64_t ms, struct lockout_charge *charge)
{
    const struct source source = scratch_source(who);
    const struct lockout_visitor visitor = {.source = &source, .now = {.boot_ms = ms, .wall_ms = ms}};

    scratch_need(lockout_settle(store, &usual, &visitor, charge) == STORE_OK, "settle");
}

/* Ten rightful visitors of one source at the same moment, where three strikes lock. */
static void test_many_rightful_at_once(void)
{
    const uint64_t now_ms = (uint64_t)NOW * 1000;
    struct store store = scratch_open(64);
    struct lockout_charge first, second, charge;
    unsigned served = 0;

    first = patient_charge(&store, &usual, 1, now_ms);
    second = patient_charge(&store, &usual, 1, now_ms);
    check(first.answer == LOCKOUT_ADMITTED && second.answer == LOCKOUT_ADMITTED && !second.locks,
          "two strikes lock nobody");
    charge = patient_charge(&store, &usual, 1, now_ms);
    check(charge.answer == LOCKOUT_NOT_YET && !charge.locks,
          "a third that would lock waits for the judgement of the two");
    check(record_of(&store, 1).found.strikes == 2, "I1: and has no strike, with which nothing may be compared");
    forgive(&store, 1, &first);
    for (unsigned i = 0; i < 8; i++) {
        charge = patient_charge(&store, &usual, 1, now_ms);
        served += charge.answer == LOCKOUT_ADMITTED && !charge.locks;
        forgive(&store, 1, &charge);
    }
    check_number(served, 8, "once one is found right, the others have their turn");
    forgive(&store, 1, &second);
    check(record_of(&store, 1).found.strikes == 0 && record_of(&store, 1).found.unjudged == 0, "and nothing is left");
    store_close(&store);
    scratch_empty();
}

static void test_wrong_ones_among_them(void)
{
    const uint64_t now_ms = (uint64_t)NOW * 1000;
    struct store store = scratch_open(64);
    struct lockout_charge first = patient_charge(&store, &usual, 1, now_ms);
    struct lockout_charge second = patient_charge(&store, &usual, 1, now_ms);
    struct lockout_charge third;

    settle(&store, 1, now_ms, &first);
    check(patient_charge(&store, &usual, 1, now_ms).answer == LOCKOUT_NOT_YET,
          "one of two is judged: still it hangs on the other");
    settle(&store, 1, now_ms, &second);
    third = patient_charge(&store, &usual, 1, now_ms);
    check(third.answer == LOCKOUT_ADMITTED && third.locks, "two wrong ones: the third locks, and is compared");
    check(patient_charge(&store, &usual, 1, now_ms).answer == LOCKOUT_NOT_YET,
          "who finds a lock whose own strike is not judged waits for that");
    check_number(record_of(&store, 1).found.refusals, 0, "and is no refusal");
    check(charge_at(&store, &usual, 1, NOW).answer == LOCKOUT_REFUSED_LOCKED, "but who cannot wait is refused");
    settle(&store, 1, now_ms, &third);
    check(patient_charge(&store, &usual, 1, now_ms).answer == LOCKOUT_REFUSED_LOCKED,
          "I2: a lock that is judged is one");
    store_close(&store);
    scratch_empty();
}

/* A handler that was killed between its strike and the judgement. */
static void test_never_judged(void)
{
    const uint64_t now_ms = (uint64_t)NOW * 1000;
    struct store store = scratch_open(64);
    struct lockout_charge third;

    patient_charge(&store, &usual, 1, now_ms);
    patient_charge(&store, &usual, 1, now_ms + 1000);
    check(patient_charge(&store, &usual, 1, now_ms + 1000 + JUDGING_MS - 1).answer == LOCKOUT_NOT_YET,
          "strikes whose handlers were killed are waited for until their deadline");
    check(charge_at(&store, &usual, 2, NOW).answer == LOCKOUT_ADMITTED, "I9: by nobody but their own source");
    third = patient_charge(&store, &usual, 1, now_ms + 1000 + JUDGING_MS);
    check(third.answer == LOCKOUT_ADMITTED && third.locks && third.strikes == 3, "I1: and count from then on");
    check_number(record_of(&store, 1).found.unjudged, 1, "so that one is to be judged");
    forgive(&store, 1, &third);
    check(record_of(&store, 1).found.strikes == 2 && look_at(&store, 1, false, NOW) == LOCKOUT_ADMITTED,
          "whoever is right takes back his own");
    store_close(&store);
    scratch_empty();
}

/* A handler that was held up beyond its deadline, and judges all the same. */
static void test_judged_late(void)
{
    const uint64_t now_ms = (uint64_t)NOW * 1000;
    struct store store = scratch_open(64);
    struct lockout_charge late = patient_charge(&store, &usual, 1, now_ms);
    struct lockout_charge second = patient_charge(&store, &usual, 1, now_ms + JUDGING_MS);

    settle(&store, 1, now_ms + JUDGING_MS, &late);
    check_number(record_of(&store, 1).found.unjudged, 1, "a judgement that comes late is of no other strike");
    check(patient_charge(&store, &usual, 1, now_ms + JUDGING_MS).answer == LOCKOUT_NOT_YET,
          "which is still waited for");
    forgive(&store, 1, &second);
    check_number(record_of(&store, 1).found.unjudged, 0, "until it is judged itself");
    store_close(&store);
    scratch_empty();
}

static void test_who_does_not_wait(void)
{
    const uint64_t now_ms = (uint64_t)NOW * 1000;
    struct lockout_policy one = usual;
    struct store store = scratch_open(64);
    const struct source source = scratch_source(1);
    struct lockout_charge charge;

    one.max_bad_conns = 1;
    charge = patient_charge(&store, &one, 1, now_ms);
    check(charge.answer == LOCKOUT_ADMITTED && charge.locks,
          "where the first strike locks there is nothing to wait for");
    scratch_need(manage_lock(&store, &(struct manage_target){.source = source}, NOW + 60, at(NOW)) == STORE_OK, "lock");
    check(patient_charge(&store, &usual, 1, now_ms).answer == LOCKOUT_REFUSED_LOCKED, "a lock by hand is judged");
    for (unsigned i = 0; i < 3; i++)
        charge_at(&store, &usual, 2, NOW);
    check(record_of(&store, 2).found.locked, "without judging_ms, strikes count at once");
    store_close(&store);
    scratch_empty();
}

/* --- pacing --- */

static void leave_ms(struct store *store, const struct lockout_policy *policy, uint32_t who, uint64_t ms,
                     const struct lockout_admission *admission)
{
    const struct source source = scratch_source(who);
    const struct moment now = {.boot_ms = ms, .wall_ms = ms};

    scratch_need(lockout_leave(store, policy, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                               admission) == STORE_OK,
                 "leave");
}

static void test_pace(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    struct lockout_admission got;
    const uint64_t ms = NOW * 1000;
    uint64_t seed;

    policy.waiting_max = 100;
    got = admit_ms(&store, &policy, 1, ms);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 0, "the first connection does not wait");
    seed = got.seed_number;
    got = admit_ms(&store, &policy, 1, ms + 1000);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 4000, "the second waits for its slot");
    check_number(got.seed_number, seed + 1, "and has the next seed number");
    for (unsigned i = 3; i <= 7; i++)
        got = admit_ms(&store, &policy, 1, ms + 1000);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 29000, "the seventh waits 29 s");
    got = admit_ms(&store, &policy, 1, ms + 1000);
    check(got.answer == LOCKOUT_REFUSED_TOO_SOON, "the eighth would wait longer than DELAY_MAX_WAIT");
    check(record_of(&store, 1).found.strikes == 0 && record_of(&store, 1).found.refusals == 0, "which is no strike");
    got = admit_ms(&store, &policy, 1, ms + 5000);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 30000, "and takes no place from the next one");
    check(admit_ms(&store, &policy, 2, ms + 1000).wait_ms == 0, "another source has a pace of its own");

    /* The machine starts again, an hour back: nobody waits for longer than he would have without that. */
    const uint64_t back = ms - 3600000;
    check(admit_ms(&store, &policy, 3, back).wait_ms == 0, "a clock an hour back after a boot makes nobody wait");
    check(admit_ms(&store, &policy, 1, back).answer == LOCKOUT_REFUSED_TOO_SOON, "nor does it give anybody more");
    got = admit_ms(&store, &policy, 1, back + 35000);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 0, "and the pace goes on");
    store_close(&store);
    scratch_empty();
}

static void test_pace_of_all(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);

    policy.delay_all = true;
    check(admit_at(&store, &policy, 1, NOW).wait_ms == 0, "DELAY_SCOPE=all: the first does not wait");
    check(admit_at(&store, &policy, 2, NOW).wait_ms == 5000, "another source waits for it");
    check(admit_at(&store, &policy, 3, NOW + 100).wait_ms == 0, "later there is nothing to wait for");
    check(admit_at(&store, &policy, 3, NOW - 3600).wait_ms == 5000, "nor does a step back make anybody wait longer");
    store_close(&store);
    scratch_empty();
}

static void test_waiting_max(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    struct lockout_admission got;
    struct wanted record;

    admit_at(&store, &policy, 1, NOW);
    check(admit_at(&store, &policy, 1, NOW).wait_ms == 5000 && admit_at(&store, &policy, 1, NOW).wait_ms == 10000,
          "I9: WAITING_MAX connections of a source wait");
    got = admit_at(&store, &policy, 1, NOW);
    check(got.answer == LOCKOUT_REFUSED_TOO_SOON && got.seed_number == 0, "I9: one more is too soon");
    record = record_of(&store, 1);
    check(record.found.strikes == 0 && record.found.refusals == 0 && record.errors == 0 &&
              store.counters.total_errors == 0,
          "which is neither a strike nor an error");
    check(admit_at(&store, &policy, 2, NOW).wait_ms == 0, "another source does not wait for it");
    got = admit_at(&store, &policy, 1, NOW + 5);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 10000, "whose moment has come does not wait any more");

    policy.waiting_max = 0;
    got = admit_at(&store, &policy, 3, NOW);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 0, "where nobody may wait, who need not is served");
    check(admit_at(&store, &policy, 3, NOW).answer == LOCKOUT_REFUSED_TOO_SOON, "and nobody else is");
    got = admit_at(&store, &policy, 3, NOW + 10);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 0, "until the pace allows it");
    store_close(&store);
    scratch_empty();
}

/* One that is exempt is paced, and may fill no more places than others. */
static void test_waiting_exempt(void)
{
    const struct source source = scratch_source(1);
    const struct lockout_visitor visitor = {.source = &source, .exempt = true, .now = scratch_at(NOW)};
    struct store store = scratch_open(64);
    struct lockout_admission got;
    unsigned admitted = 0;

    for (unsigned i = 0; i < 6; i++) {
        scratch_need(lockout_admit(&store, &usual, &visitor, &got) == STORE_OK, "admit");
        admitted += got.answer == LOCKOUT_ADMITTED;
    }
    check_number(admitted, 3, "an exempt source has one served and WAITING_MAX waiting");
    store_close(&store);
    scratch_empty();
}

static void test_waiting_max_of_all(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    struct lockout_admission got;

    policy.delay_all = true;
    admit_at(&store, &policy, 9, NOW);
    check(admit_at(&store, &policy, 1, NOW).wait_ms == 5000 && admit_at(&store, &policy, 1, NOW).wait_ms == 10000,
          "DELAY_SCOPE=all: WAITING_MAX connections of a source wait");
    check(admit_at(&store, &policy, 1, NOW).answer == LOCKOUT_REFUSED_TOO_SOON, "I9: one more is too soon");
    got = admit_at(&store, &policy, 2, NOW);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 15000, "I9: and took no place from another source");
    store_close(&store);
    scratch_empty();
}

static void test_leave(void)
{
    struct store store = scratch_open(64);
    struct lockout_admission first, second, got;
    const uint64_t ms = NOW * 1000;

    admit_ms(&store, &usual, 1, ms);
    first = admit_ms(&store, &usual, 1, ms);
    second = admit_ms(&store, &usual, 1, ms);
    leave_ms(&store, &usual, 1, ms + 1000, &first);
    got = admit_ms(&store, &usual, 1, ms + 1000);
    check(got.answer == LOCKOUT_ADMITTED && got.place_ms == first.place_ms && got.wait_ms == 4000,
          "whoever leaves while he waits gives his place to the next");
    check(got.seed_number > second.seed_number, "I5: but not his seed number");
    leave_ms(&store, &usual, 2, ms + 1000, &second);
    check(admit_ms(&store, &usual, 1, ms + 1000).answer == LOCKOUT_REFUSED_TOO_SOON, "not that of another source");
    leave_ms(&store, &usual, 1, ms + 7000, &got);
    got = admit_ms(&store, &usual, 1, ms + 7000);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 8000, "one whose moment has passed cannot be given back");
    check(record_of(&store, 1).found.strikes == 0, "and none of it is a strike");
    store_close(&store);
    scratch_empty();
}

/* With nothing to give back there is nothing to do, nor to write. */
static void test_nothing_to_leave(void)
{
    struct store store = scratch_open(64);
    struct lockout_admission got, refused;
    uint8_t before[RECORD_HEAD_LEN], after[RECORD_HEAD_LEN];
    uint64_t count;

    admit_at(&store, &usual, 1, NOW);
    admit_at(&store, &usual, 1, NOW);
    got = admit_at(&store, &usual, 1, NOW);
    refused = admit_at(&store, &usual, 1, NOW);
    refused.place_ms = got.place_ms;
    scratch_read_file("lockout", before, sizeof before);
    leave_ms(&store, &usual, 1, NOW * 1000, &refused);
    scratch_read_file("lockout", after, sizeof after);
    check(memcmp(before, after, sizeof before) == 0 &&
              admit_at(&store, &usual, 1, NOW).answer == LOCKOUT_REFUSED_TOO_SOON,
          "who was not admitted gives nothing back");
    scratch_need(manage_flush(&store, at(NOW), &count) == STORE_OK && count == 1, "flush");
    leave_ms(&store, &usual, 1, NOW * 1000, &got);
    check(record_of(&store, 1).found.source.prefix == 0, "leaving makes no place for a source that was forgotten");
    store_close(&store);
    scratch_empty();
}

static void test_leave_all(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    struct lockout_admission left, got;

    policy.delay_all = true;
    admit_at(&store, &policy, 9, NOW);
    left = admit_at(&store, &policy, 1, NOW);
    admit_at(&store, &policy, 1, NOW);
    leave_ms(&store, &policy, 1, NOW * 1000, &left);
    got = admit_at(&store, &policy, 2, NOW);
    check(got.answer == LOCKOUT_ADMITTED && got.place_ms == left.place_ms,
          "DELAY_SCOPE=all: a place that is given back is another source's");
    got = admit_at(&store, &policy, 1, NOW);
    check(got.answer == LOCKOUT_ADMITTED && got.wait_ms == 15000, "and he who gave it back may wait once more");
    check(admit_at(&store, &policy, 1, NOW).answer == LOCKOUT_REFUSED_TOO_SOON, "but no oftener than others");
    store_close(&store);
    scratch_empty();
}

/* A source that comes, waits and leaves, for ever: what stays behind is nothing that anybody has to wait for. */
static void test_leave_for_ever(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    uint64_t ms = NOW * 1000, longest = 0;

    policy.delay_all = true;
    for (unsigned i = 0; i < 2000; i++, ms += 100) {
        const struct lockout_admission one = admit_ms(&store, &policy, 1, ms);
        const struct lockout_admission two = admit_ms(&store, &policy, 1, ms);
        const struct lockout_admission other = admit_ms(&store, &policy, 2, ms);

        if (other.answer != LOCKOUT_ADMITTED || other.wait_ms > longest)
            longest = other.answer != LOCKOUT_ADMITTED ? UINT64_MAX : other.wait_ms;
        leave_ms(&store, &policy, 1, ms, &one);
        leave_ms(&store, &policy, 1, ms, &two);
        leave_ms(&store, &policy, 2, ms, &other);
    }
    check(longest <= (policy.waiting_max + 1) * policy.delay * 1000,
          "I9: a source that waits and leaves for ever costs another WAITING_MAX places: it waits %ju ms at most",
          (uintmax_t)longest);
    store_close(&store);
    scratch_empty();
}

/* --- clocks (I14) --- */

/* A machine: what its clocks say, which the tests set, stop and start. */
struct machine {
    struct moment now;
    uint8_t boots;
};

static struct machine machine_at(uint64_t wall_s)
{
    return (struct machine){.now = {.boot_id = {1}, .boot_ms = 7200000, .wall_ms = wall_s * 1000}, .boots = 1};
}

static void runs(struct machine *machine, uint64_t seconds)
{
    machine->now.boot_ms += seconds * 1000;
    machine->now.wall_ms += seconds * 1000;
}

static void clock_set(struct machine *machine, uint64_t wall_s)
{
    machine->now.wall_ms = wall_s * 1000;
}

static void reboots(struct machine *machine, uint64_t wall_s)
{
    machine->now.boot_id[0] = ++machine->boots;
    machine->now.boot_ms = 20000;
    machine->now.wall_ms = wall_s * 1000;
}

/* Whoever knocks does not see /proc. */
static void forgets_boot(struct machine *machine)
{
    machine->now.boot_id[0] = 0;
}

/* What locks in each of the ways there are, for a day. */
enum { BY_STRIKES = 1, BY_HAND = 2, BY_NETWORK = 0x10000 };

static void lock_all_ways(struct store *store, const struct machine *machine)
{
    struct lockout_policy policy = usual;
    const struct source striker = scratch_source(BY_STRIKES);
    const struct lockout_visitor visitor = {.source = &striker, .exempt = false, .now = machine->now};
    const struct manage_target host = {.source = scratch_source(BY_HAND)};
    struct manage_target network = {.source = scratch_source(BY_NETWORK), .network = true};
    const uint64_t until = machine->now.wall_ms / 1000 + DAY;
    struct lockout_charge charge;

    network.source.prefix = 120;
    policy.max_bad_conns = 1;
    scratch_need(lockout_charge(store, &policy, &visitor, &charge) == STORE_OK && charge.locked_until == until &&
                     lockout_settle(store, &policy, &visitor, &charge) == STORE_OK,
                 "lock by strikes");
    scratch_need(manage_lock(store, &host, until, &machine->now) == STORE_OK, "lock by hand");
    scratch_need(manage_lock(store, &network, until, &machine->now) == STORE_OK, "lock a network");
}

static enum lockout_answer look_now(struct store *store, const struct machine *machine, uint32_t who)
{
    const struct source source = scratch_source(who);
    enum lockout_answer answer;

    scratch_need(lockout_look(store, &(struct lockout_visitor){.source = &source, .exempt = false, .now = machine->now},
                              &answer, NULL) == STORE_OK,
                 "look");
    return answer;
}

/* How many of the three are locked? */
static unsigned locked_ways(struct store *store, const struct machine *machine)
{
    static const uint32_t whos[] = {BY_STRIKES, BY_HAND, BY_NETWORK + 7};
    unsigned locked = 0;

    for (size_t i = 0; i < sizeof whos / sizeof whos[0]; i++)
        locked += look_now(store, machine, whos[i]) == LOCKOUT_REFUSED_LOCKED;
    return locked;
}

/* One of the locked comes and is refused, which is written down; so is the time at which it was. */
static struct lockout_admission refused_now(struct store *store, const struct machine *machine, uint32_t who)
{
    const struct source source = scratch_source(who);
    struct lockout_admission got;

    scratch_need(lockout_admit(store, &usual,
                               &(struct lockout_visitor){.source = &source, .exempt = false, .now = machine->now},
                               &got) == STORE_OK,
                 "admit");
    return got;
}

/* Another comes, and is admitted or too soon: that too tells the table what time it is. */
static void somebody_comes(struct store *store, const struct machine *machine)
{
    (void)refused_now(store, machine, 99);
}

/* They are all locked until just before what is left of their time is over, and none is from then on. */
static void check_left(struct store *store, const struct machine *machine, uint64_t left, const char *what)
{
    struct machine later = *machine;
    unsigned before, beyond;

    somebody_comes(store, machine);
    runs(&later, left - 2);
    before = locked_ways(store, &later);
    runs(&later, 4);
    beyond = locked_ways(store, &later);
    check(before == 3 && beyond == 0, "I14: %s: of three locks %u hold to the end, %u beyond it", what, before, beyond);
}

static void test_steps_while_up(void)
{
    const uint64_t year = 365 * (uint64_t)DAY;
    struct machine machine = machine_at(NOW);
    struct store store = scratch_open(64);

    lock_all_ways(&store, &machine);
    runs(&machine, 3600);
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t steps[] = {NOW + year, 0, NOW - 3600, NOW + 3600};

        clock_set(&machine, steps[i]);
        check_left(&store, &machine, DAY - 3600, "the clock is set while the machine is up");
        /* The end is told by the clock that there is now. */
        const struct lockout_admission got = refused_now(&store, &machine, BY_STRIKES);
        check_number(got.locked_until, steps[i] + DAY - 3600, "and the end is told by the new clock");
    }
    store_close(&store);
    scratch_empty();
}

static void test_reboots(void)
{
    const uint64_t year = 365 * (uint64_t)DAY;
    struct machine machine = machine_at(NOW);
    struct store store = scratch_open(64);

    lock_all_ways(&store, &machine);
    reboots(&machine, NOW + 7200);
    check_left(&store, &machine, DAY - 7200, "over a reboot a lock runs by the wall clock");
    reboots(&machine, NOW + year);
    somebody_comes(&store, &machine);
    check_number(locked_ways(&store, &machine), 0, "I14: so that one that the machine slept through is over");
    store_close(&store);
    scratch_empty();

    /* The order that was seen to happen. */
    store = scratch_open(64);
    machine = machine_at(NOW);
    lock_all_ways(&store, &machine);
    reboots(&machine, 0);
    check_left(&store, &machine, DAY, "a boot with a clock at 1970");
    runs(&machine, 10);
    check_number(refused_now(&store, &machine, BY_STRIKES).locked_until, 10 + DAY - 10, "one comes and is refused");
    clock_set(&machine, NOW + 600);
    check_left(&store, &machine, DAY - 10, "and then the clock is right again");
    check(refused_now(&store, &machine, BY_NETWORK + 1).locked_until == NOW + 600 + DAY - 10,
          "the end is told by the right clock");
    store_close(&store);
    scratch_empty();
}

/* Days without power, then a boot at 1970 in which it is made: those days are not counted against it. */
static void test_made_at_1970(void)
{
    struct machine machine = machine_at(NOW);
    struct store store = scratch_open(64);

    somebody_comes(&store, &machine);
    reboots(&machine, 100);
    somebody_comes(&store, &machine);
    lock_all_ways(&store, &machine);
    reboots(&machine, NOW + 10 * (uint64_t)DAY);
    check_left(&store, &machine, DAY, "made in 1970, after days without power");
    store_close(&store);
    scratch_empty();

    store = scratch_open(64);
    machine = machine_at(100);
    lock_all_ways(&store, &machine);
    reboots(&machine, NOW);
    check_left(&store, &machine, DAY, "made in 1970, with the table");
    store_close(&store);
    scratch_empty();
}

/* The clock is put right while nobody comes, and a lock by hand is the last that is written before a reboot. */
static void test_lock_before_boot(void)
{
    struct machine machine = machine_at(NOW - 7 * (uint64_t)DAY);
    const struct manage_target host = {.source = scratch_source(BY_HAND)};
    struct store store = scratch_open(64);

    somebody_comes(&store, &machine);
    clock_set(&machine, NOW);
    scratch_need(manage_lock(&store, &host, NOW + DAY, &machine.now) == STORE_OK, "lock by hand");
    reboots(&machine, NOW + DAY - 60);
    check(look_now(&store, &machine, BY_HAND) == LOCKOUT_REFUSED_LOCKED, "I14: a lock by hand says when it was made");
    reboots(&machine, NOW + DAY + 60);
    check(look_now(&store, &machine, BY_HAND) == LOCKOUT_ADMITTED, "and ends as was said");
    store_close(&store);
    scratch_empty();
}

static void test_wrong_future(void)
{
    const uint64_t future = NOW + 24 * 365 * (uint64_t)DAY;
    struct machine machine = machine_at(future);
    struct store store = scratch_open(64);

    lock_all_ways(&store, &machine);
    clock_set(&machine, NOW);
    check_left(&store, &machine, DAY, "made in a wrong future, which is mended while the machine is up");
    store_close(&store);
    scratch_empty();

    store = scratch_open(64);
    machine = machine_at(future);
    lock_all_ways(&store, &machine);
    reboots(&machine, NOW);
    check_left(&store, &machine, DAY, "made in a wrong future, which a reboot mends");
    store_close(&store);
    scratch_empty();
}

static void test_unknown_boot(void)
{
    struct machine machine = machine_at(NOW);
    struct store store = scratch_open(64);

    lock_all_ways(&store, &machine);
    runs(&machine, 3600);
    forgets_boot(&machine);
    check_left(&store, &machine, DAY - 3600, "one process does not know which kernel runs");
    reboots(&machine, 0);
    forgets_boot(&machine);
    check_left(&store, &machine, DAY - 3600, "nor another, after a boot at 1970");
    store_close(&store);
    scratch_empty();
}

#define LAST_YEAR (NOW - 365 * (uint64_t)DAY)

/* What may become of the clocks between one visit and the next; *right_s is what a clock would say that is right. */
static void something_happens(struct machine *machine, uint64_t *right_s, unsigned what)
{
    machine->now.boot_id[0] = machine->boots;
    if (what >= 5)
        *right_s += 3600; /* so long is it off */
    switch (what) {
    case 0:
        *right_s += 1800;
        runs(machine, 1800);
        break;
    case 1:
        clock_set(machine, *right_s);
        break;
    case 2:
        clock_set(machine, 100);
        break;
    case 3:
        clock_set(machine, *right_s - 7200);
        break;
    case 4:
        forgets_boot(machine);
        break;
    case 5:
        reboots(machine, *right_s);
        break;
    case 6:
        reboots(machine, *right_s - NOW); /* 1970, but later at each boot */
        break;
    default:
        reboots(machine, *right_s - NOW + LAST_YEAR);
        break;
    }
}

#define HAPPENINGS 8
#define ORDER_LEN  3

/* One order of them, with somebody who comes after each, and then a boot with a clock that is right. */
static void go_through(unsigned order, unsigned made, unsigned *early, unsigned *late)
{
    struct machine machine = machine_at(NOW);
    struct store store = scratch_open(64);
    uint64_t right_s = NOW;

    for (unsigned i = 0; i <= ORDER_LEN; i++, order /= HAPPENINGS) {
        if (i < ORDER_LEN) {
            something_happens(&machine, &right_s, order % HAPPENINGS);
        } else {
            right_s += 3600;
            reboots(&machine, right_s);
        }
        somebody_comes(&store, &machine);
        if (i == made)
            lock_all_ways(&store, &machine);
        *early += i >= made && locked_ways(&store, &machine) != 3;
    }
    runs(&machine, DAY + 1);
    *late += locked_ways(&store, &machine) != 0;
    store_close(&store);
    scratch_empty();
}

/*
 * Every order of ORDER_LEN of these, and locks that are made behind each of them. As long as no clock stands in the
 * future, no lock ends before its day is over, and each ends when the machine has been up for a day.
 */
static void test_every_order(void)
{
    unsigned early = 0, late = 0, orders = 1;

    for (unsigned i = 0; i < ORDER_LEN; i++)
        orders *= HAPPENINGS;
    for (unsigned order = 0; order < orders; order++)
        for (unsigned made = 0; made < ORDER_LEN; made++)
            go_through(order, made, &early, &late);
    check_number(early, 0, "I14: no order of clocks that are right or behind ends a lock before its time");
    check_number(late, 0, "I14: and none keeps it for longer than a day of being up");
}

static void test_strikes_and_clocks(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    const uint64_t year = 365 * (uint64_t)DAY;

    strike_at(&store, &usual, 4, NOW + year);
    check_number(strike_at(&store, &usual, 4, NOW).strikes, 2, "a strike in the future is not forgotten");
    check_number(strike_at(&store, &usual, 4, NOW + usual.strike_time).strikes, 1, "nor kept for a year");

    policy.lockout_time = 0;
    policy.max_bad_conns = 1;
    strike_at(&store, &policy, 5, NOW);
    check(look_at(&store, 5, false, NOW + year) == LOCKOUT_REFUSED_LOCKED &&
              look_at(&store, 5, false, 0) == LOCKOUT_REFUSED_LOCKED,
          "a lock without end stays, wherever the clock goes");
    check(strike_at(&store, &policy, 6, UINT64_MAX / 1000).locks, "the end of time locks too");
    check(look_at(&store, 6, false, 0) == LOCKOUT_REFUSED_LOCKED, "and what it locked stays locked");
    store_close(&store);
    scratch_empty();
}

/* --- many at once --- */

static int charge_one_source(unsigned number)
{
    struct store store = scratch_open(64);
    struct lockout_charge charge = strike_at(&store, &usual, 1, NOW);

    (void)number;
    return charge.answer == LOCKOUT_ADMITTED ? (charge.locks ? 2 : 1) : 0;
}

static void test_crowd_of_one_source(void)
{
    struct store store = scratch_open(64);
    unsigned results[256];

    scratch_crowd(200, charge_one_source, results);
    check_number(results[1] + results[2], usual.max_bad_conns, "I1: 200 at once: MAX_BAD_CONNS replies are compared");
    check_number(results[2], 1, "the transition to locked is reported once");
    check_number(results[0], 200 - usual.max_bad_conns, "all others are refused");
    /* Who comes before the lock is judged is refused, and is no error yet. */
    const uint32_t errors = record_of(&store, 1).errors;
    check(errors >= usual.max_bad_conns && errors <= 200, "each strike counts as an error, and no refusal twice: %u",
          (unsigned)errors);
    (void)strike_at(&store, &usual, 1, NOW);
    check_number(record_of(&store, 1).errors, errors + 1, "a refusal behind a judged lock is an error");
    check(is_clean(&store), "the table is whole");
    store_close(&store);
    scratch_empty();
}

static int charge_own_source(unsigned number)
{
    struct store store = scratch_open(4096);

    for (unsigned i = 0; i < 3; i++)
        if (strike_at(&store, &usual, number, NOW).strikes != i + 1)
            return 0;
    return charge_at(&store, &usual, number, NOW).answer == LOCKOUT_REFUSED_LOCKED ? 1 : 0;
}

static void test_crowd_of_sources(void)
{
    struct store store = scratch_open(4096);
    unsigned results[256];

    scratch_crowd(50, charge_own_source, results);
    check_number(results[1], 50, "50 sources at once: each has its own three strikes");
    check(admit_at(&store, &usual, 99, NOW).answer == LOCKOUT_ADMITTED, "and one that did nothing is served");
    store_close(&store);
    scratch_empty();
}

#define SEEDS_EACH 40

static int take_seeds(unsigned number)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(4096);
    unsigned taken = 0;
    uint64_t last = 0;

    policy.delay = 0; /* what time it is depends on who else has come */

    for (unsigned i = 0; i < SEEDS_EACH; i++) {
        const struct lockout_admission got = admit_at(&store, &policy, number, NOW + i * 100);

        taken += got.answer == LOCKOUT_ADMITTED && got.seed_number > last;
        last = got.seed_number;
    }
    return (int)taken;
}

/* As each number is the one before plus one, as many steps as seeds mean that no two were the same. */
static void test_crowd_of_seeds(void)
{
    struct store store = scratch_open(4096);
    const uint64_t first = admit_at(&store, &usual, 1000, NOW).seed_number;
    unsigned results[256];

    scratch_crowd(50, take_seeds, results);
    check_number(results[SEEDS_EACH], 50, "50 processes at once are served");
    check_number(admit_at(&store, &usual, 1001, NOW).seed_number, first + 50 * SEEDS_EACH + 1,
                 "I5: and no two of their seed numbers are the same");
    store_close(&store);
    scratch_empty();
}

static int right_reply(unsigned number)
{
    struct store store = scratch_open(64);
    struct lockout_charge charge = charge_at(&store, &usual, 1, NOW);

    (void)number;
    if (charge.answer != LOCKOUT_ADMITTED)
        return 0;
    forgive(&store, 1, &charge);
    return 1;
}

static void test_crowd_of_right_replies(void)
{
    struct store store = scratch_open(64);
    unsigned results[256];

    scratch_crowd(50, right_reply, results);
    check(record_of(&store, 1).found.strikes == 0 && !record_of(&store, 1).found.locked,
          "50 right replies at once leave no strike and no lock (%u compared)", results[1]);
    store_close(&store);
    scratch_empty();
}

/* --- the door --- */

static struct lockout_policy with_limits(uint64_t single, uint64_t total)
{
    struct lockout_policy policy = usual;

    policy.max_single_errs = single;
    policy.max_total_errs = total;
    return policy;
}

static void test_single_errs(void)
{
    const struct lockout_policy policy = with_limits(5, 0);
    struct store store = scratch_open(64);
    char line[CLOSED_LINE_LEN];
    bool closed;

    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &policy, 1, NOW);
    strike_at(&store, &policy, 2, NOW);
    check(admit_at(&store, &policy, 1, NOW).closure == LOCKOUT_NOT_CLOSED, "four errors of one source: still open");
    check(admit_at(&store, &policy, 1, NOW).closure == LOCKOUT_CLOSED_SINGLE_ERRS, "the fifth closes the door");
    check(admit_at(&store, &policy, 3, NOW).answer == LOCKOUT_REFUSED_CLOSED, "for everybody");
    check(admit_at(&store, &policy, 3, NOW).closure == LOCKOUT_NOT_CLOSED, "and that is reported once");
    check(look_at(&store, 3, false, NOW) == LOCKOUT_REFUSED_CLOSED, "after a wait as well");
    check(charge_at(&store, &policy, 3, NOW).answer == LOCKOUT_REFUSED_CLOSED, "and before a comparison");
    scratch_need(closed_read(store.dir_fd, DOOR_KNOCK, &closed, line) == STORE_OK, "closed_read");
    check_text(line, "2026-11-21T20:39:00Z max-single-errs", "closed says since when and why");
    check(manage_open(&store, &closed) == STORE_OK && closed, "it can be opened");
    check_number(record_of(&store, 1).errors, 0, "which forgets the errors");
    check(record_of(&store, 1).found.locked, "but no lock");
    check(admit_at(&store, &policy, 1, NOW).closure == LOCKOUT_NOT_CLOSED, "so that the next error does not close it");
    store_close(&store);
    scratch_empty();
}

static int strike_total(unsigned number)
{
    const struct lockout_policy policy = with_limits(0, 20);
    struct store store = scratch_open(4096);
    const struct source source = scratch_source(number);
    struct lockout_charge charge;

    if (lockout_charge(&store, &policy,
                       &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                       &charge) != STORE_OK ||
        lockout_settle(&store, &policy,
                       &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                       &charge) != STORE_OK)
        return 9;
    return charge.closure == LOCKOUT_CLOSED_TOTAL_ERRS ? 1 : 0;
}

static void test_total_errs(void)
{
    const struct lockout_policy policy = with_limits(0, 20);
    struct store store = scratch_open(4096);
    struct lockout_charge charge;
    unsigned results[256];
    bool closed;

    for (unsigned i = 0; i < 19; i++)
        strike_at(&store, &policy, i, NOW);
    charge = charge_at(&store, &policy, 99, NOW);
    check(admit_at(&store, &policy, 100, NOW).answer == LOCKOUT_ADMITTED,
          "a strike that is not judged yet does not close the door for others");
    forgive(&store, 99, &charge);
    check(admit_at(&store, &policy, 101, NOW).answer == LOCKOUT_ADMITTED, "nor one that was forgiven");
    scratch_crowd(50, strike_total, results);
    check_number(results[1], 1, "50 at once beyond MAX_TOTAL_ERRS: one closes the door");
    check_number(results[9], 0, "and nobody fails");
    check(closed_look(store.dir_fd, DOOR_KNOCK, &closed) == STORE_OK && closed, "it is closed");
    store_close(&store);
    scratch_empty();
}

/* --- several doors on one table --- */

static struct store open_at(enum doors door)
{
    const struct store_options options = {
        .directory = scratch_dir, .places = 64, .door = door, .patience_ms = SCRATCH_PATIENCE_MS};
    struct store store;

    scratch_need(store_open(&options, &store) == STORE_OK, "store_open");
    return store;
}

static bool is_closed(struct store *store)
{
    bool closed;

    scratch_need(closed_look(store->dir_fd, store->options.door, &closed) == STORE_OK, "closed_look");
    return closed;
}

static void test_limit_of_one_door(void)
{
    const struct lockout_policy policy = with_limits(0, 3);
    struct store knock = open_at(DOOR_KNOCK);
    struct store sealed = open_at(DOOR_SEALED);
    char line[CLOSED_LINE_LEN];
    bool closed;

    for (unsigned i = 1; i <= 2; i++) {
        strike_at(&knock, &policy, i, NOW);
        strike_at(&sealed, &policy, 10 + i, NOW);
    }
    check(!is_closed(&knock) && !is_closed(&sealed), "errors at one door do not count for the limit of another");
    strike_at(&sealed, &policy, 13, NOW);
    check(is_closed(&sealed) && !is_closed(&knock), "a limit that is reached at one door closes that one");
    check(admit_at(&sealed, &policy, 20, NOW).answer == LOCKOUT_REFUSED_CLOSED, "for everybody there");
    check(admit_at(&knock, &policy, 20, NOW).answer == LOCKOUT_ADMITTED, "and for nobody at the other");
    scratch_need(closed_read(sealed.dir_fd, DOOR_SEALED, &closed, line) == STORE_OK, "closed_read");
    check_text(line, "2026-11-21T20:39:00Z max-total-errs", "its own file says why");
    strike_at(&knock, &policy, 3, NOW);
    check(is_closed(&knock), "the other has a limit of its own");
    check(manage_open(&knock, &closed) == STORE_OK && closed && !is_closed(&knock) && !is_closed(&sealed),
          "to open is to open both");
    check(admit_at(&sealed, &policy, 21, NOW).answer == LOCKOUT_ADMITTED, "for everybody");
    strike_at(&sealed, &policy, 22, NOW);
    check(!is_closed(&sealed), "and the errors of both are forgotten");
    store_close(&knock);
    store_close(&sealed);
    scratch_empty();
}

/* Who is locked has shown what he is at one door, and is known at all. */
static void test_locked_at_all_doors(void)
{
    struct store knock = open_at(DOOR_KNOCK);
    struct store sealed = open_at(DOOR_SEALED);

    for (unsigned i = 0; i < 2; i++)
        strike_at(&knock, &usual, 1, NOW);
    strike_at(&sealed, &usual, 1, NOW);
    check(admit_at(&knock, &usual, 1, NOW).answer == LOCKOUT_REFUSED_LOCKED &&
              admit_at(&sealed, &usual, 1, NOW).answer == LOCKOUT_REFUSED_LOCKED,
          "I2: strikes add up over the doors, and lock at both");
    store_close(&knock);
    store_close(&sealed);
    scratch_empty();
}

static void test_order_for_all_doors(void)
{
    struct store knock = open_at(DOOR_KNOCK);
    struct store sealed = open_at(DOOR_SEALED);
    struct lockout_charge charge = charge_at(&sealed, &usual, 1, NOW);
    bool was_open = false;

    check(lockout_close(&knock, "kill-secret", at(NOW), &was_open) == STORE_OK && was_open && is_closed(&knock) &&
              is_closed(&sealed),
          "an order that is given at one door closes both");
    forgive(&sealed, 1, &charge);
    check(charge.answer == LOCKOUT_REFUSED_CLOSED, "also to who is charged at the other");
    scratch_need(unlink(scratch_path("closed")) == 0, "unlink");
    check(admit_at(&sealed, &usual, 2, NOW).answer == LOCKOUT_REFUSED_CLOSED && is_closed(&knock),
          "the counters hold both, and whoever comes to either writes the file");
    store_close(&knock);
    store_close(&sealed);
    scratch_empty();
}

/* The file of one door cannot be made: the counters hold that one, and that one alone. */
static void test_limit_without_file(void)
{
    const struct lockout_policy policy = with_limits(0, 1);
    struct store knock = open_at(DOOR_KNOCK);
    struct store sealed = open_at(DOOR_SEALED);
    const struct source source = scratch_source(1);
    struct lockout_charge charge = charge_at(&sealed, &policy, 1, NOW);

    scratch_need(mkdir(scratch_path("closed.new"), 0700) == 0, "mkdir");
    check(lockout_settle(&sealed, &policy,
                         &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                         &charge) == STORE_CLOSED_FAILED &&
              !is_closed(&sealed),
          "a door whose file cannot be written");
    check(look_at(&sealed, 2, false, NOW) == LOCKOUT_REFUSED_CLOSED, "is closed all the same");
    check(admit_at(&knock, &policy, 2, NOW).answer == LOCKOUT_ADMITTED, "and the other is open");
    scratch_need(rmdir(scratch_path("closed.new")) == 0, "rmdir");
    check(admit_at(&sealed, &policy, 3, NOW).closure == LOCKOUT_CLOSED_TOTAL_ERRS && is_closed(&sealed),
          "until the next who comes there writes it");
    store_close(&knock);
    store_close(&sealed);
    scratch_empty();
}

/* Two right knocks at once, the first of them the strike that locks: the second is no error before that is judged. */
static void test_unjudged_lock(void)
{
    const struct lockout_policy policy = with_limits(0, 3);
    struct store store = scratch_open(64);
    struct lockout_charge charge;

    for (unsigned i = 0; i < 2; i++)
        strike_at(&store, &policy, 1, NOW);
    charge = charge_at(&store, &policy, 1, NOW);
    for (unsigned i = 0; i < 5; i++) {
        const struct lockout_admission got = admit_at(&store, &policy, 1, NOW);

        if (got.answer != LOCKOUT_REFUSED_LOCKED || got.closure != LOCKOUT_NOT_CLOSED)
            charge.strikes = 0;
    }
    check_number(charge.strikes, 3, "while a lock is not judged its refusals are no errors");
    forgive(&store, 1, &charge);
    check(admit_at(&store, &policy, 1, NOW + 60).answer == LOCKOUT_ADMITTED, "and it can still be taken back");

    charge = charge_at(&store, &policy, 1, NOW + 60);
    const struct source source = scratch_source(1);
    scratch_need(
        lockout_settle(&store, &policy,
                       &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW + 60)},
                       &charge) == STORE_OK,
        "settle");
    check(charge.closure == LOCKOUT_CLOSED_TOTAL_ERRS, "a judged one is an error");
    store_close(&store);
    scratch_empty();
}

/* The owner unlocks before the strike that locked is judged: what is found of it says nothing of the next lock. */
static void test_judged_after_unlock(void)
{
    const struct source source = scratch_source(1);
    const struct manage_target target = {.source = source};
    struct lockout_policy policy = with_limits(2, 0);
    struct store store = scratch_open(64);
    struct lockout_admission refused;
    struct lockout_charge first, second;
    bool found;

    policy.max_bad_conns = 1;
    first = charge_at(&store, &policy, 1, NOW);
    scratch_need(manage_unlock(&store, &target.source, at(NOW), &found) == STORE_OK && found, "unlock");
    scratch_need(lockout_settle(&store, &policy,
                                &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                                &first) == STORE_OK,
                 "settle");
    second = charge_at(&store, &policy, 1, NOW);
    scratch_need(second.locks, "the next strike locks");
    refused = admit_at(&store, &policy, 1, NOW);
    check(refused.answer == LOCKOUT_REFUSED_LOCKED && refused.closure == LOCKOUT_NOT_CLOSED,
          "a lock is not judged by a strike of before an unlocking");
    store_close(&store);
    scratch_empty();
}

static void test_judged_lock(void)
{
    const struct lockout_policy policy = with_limits(0, 5);
    struct store store = scratch_open(64);

    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &policy, 1, NOW);
    check(admit_at(&store, &policy, 1, NOW).closure == LOCKOUT_NOT_CLOSED &&
              admit_at(&store, &policy, 1, NOW).closure == LOCKOUT_CLOSED_TOTAL_ERRS,
          "each refusal of a judged lock is an error");
    store_close(&store);
    scratch_empty();
}

/* Who is charged when the door is closed may not come in afterwards, right reply or not. */
static void test_closed_meanwhile(void)
{
    struct store store = scratch_open(64);
    struct lockout_charge charge = charge_at(&store, &usual, 1, NOW);

    scratch_need(lockout_close(&store, "kill-secret", at(NOW), NULL) == STORE_OK, "close");
    forgive(&store, 1, &charge);
    check(charge.answer == LOCKOUT_REFUSED_CLOSED, "a strike that is forgiven behind a closed door opens nothing");
    store_close(&store);
    scratch_empty();
}

/* A directory in the way of closed.new: the file cannot be made, and the table alone has to hold the door. */
static void test_closed_without_file(void)
{
    struct store store = scratch_open(64);
    bool was_open = false;
    bool was_closed = false;

    scratch_need(mkdir(scratch_path("closed.new"), 0700) == 0, "mkdir");
    check(lockout_close(&store, "kill-secret", at(NOW), &was_open) == STORE_OK && was_open,
          "a door whose file cannot be written is closed all the same");
    check(lockout_close(&store, "later", at(NOW), &was_open) == STORE_OK && !was_open, "once");
    scratch_need(rmdir(scratch_path("closed.new")) == 0, "rmdir");
    const struct lockout_admission next = admit_at(&store, &usual, 1, NOW);
    check(next.answer == LOCKOUT_REFUSED_CLOSED && next.closure == LOCKOUT_NOT_CLOSED,
          "nobody gets in, and the next who comes is not the one who closed it");
    check(access(scratch_path("closed"), F_OK) == 0, "but he writes the file");
    check(manage_open(&store, &was_closed) == STORE_OK && was_closed, "it can be opened");
    check(admit_at(&store, &usual, 1, NOW).answer == LOCKOUT_ADMITTED, "for everybody");
    store_close(&store);
    scratch_empty();
}

static void test_first_reason(void)
{
    struct store store = scratch_open(64);
    char line[CLOSED_LINE_LEN];
    bool closed, was_open;

    check(lockout_close(&store, "kill-secret\nsource=192.0.2.7", at(NOW), &was_open) == STORE_OK && was_open,
          "the door can be closed");
    check(lockout_close(&store, "later", at(NOW + 1), &was_open) == STORE_OK && !was_open, "and is closed then");
    scratch_need(closed_read(store.dir_fd, DOOR_KNOCK, &closed, line) == STORE_OK, "closed_read");
    check_text(line, "2026-11-21T20:39:00Z kill-secret?source=192.0.2.7", "for its first reason, in one line");
    scratch_need(manage_open(&store, &closed) == STORE_OK, "open");
    scratch_need(mkdir(scratch_path("closed"), 0700) == 0, "mkdir");
    check(admit_at(&store, &usual, 1, NOW).answer == LOCKOUT_REFUSED_CLOSED, "anything named closed closes the door");
    store_close(&store);
    scratch_empty();
}

/* --- overflow --- */

/* How many records stand in the bucket that begins with this place? */
static unsigned crowd_of(struct store *store, uint64_t first)
{
    uint8_t bytes[RECORD_BUCKET_LEN];
    unsigned count = 0;

    scratch_need(store_read(store, store_slot_at(first), bytes, sizeof bytes) == STORE_OK, "read");
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++)
        count += !record_is_zero(bytes + (size_t)i * RECORD_LEN, RECORD_LEN);
    return count;
}

/* Seven locks in each bucket of eight: the flood has one place in each to fight over. */
static void test_flood(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    unsigned locked = 0;

    policy.max_bad_conns = 1;
    (void)last_moment(&store);
    for (uint32_t who = 0; locked < 56; who++) {
        const struct source source = scratch_source(who);
        uint64_t firsts[RECORD_CHOICES];
        bool room = false;

        record_buckets(&store.header, &source, firsts);
        for (unsigned i = 0; i < RECORD_CHOICES; i++)
            room |= crowd_of(&store, firsts[i]) < 7;
        if (!room)
            continue;
        strike_at(&store, &policy, who, NOW);
        locked++;
    }
    check_number(record_of(&store, 0).locked, 56, "56 of 64 places are locked");
    for (uint32_t who = 1000; who < 11000; who++) {
        admit_at(&store, &usual, who, NOW);
        strike_at(&store, &usual, who, NOW);
    }
    check_number(record_of(&store, 0).locked, 56, "10,000 sources with a strike each evict none of them");
    check(is_clean(&store), "and leave the table whole");
    store_close(&store);
    scratch_empty();
}

/* Lock sources until every place of the table holds one. */
static void fill_with_locks(struct store *store)
{
    struct lockout_policy policy = usual;

    policy.max_bad_conns = 1;
    for (uint32_t who = 0; record_of(store, 0).locked < 64; who++) {
        policy.lockout_time = DAY + who;
        strike_at(store, &policy, who, NOW);
    }
}

/* Of the locks in these buckets the one that ends first. */
struct ends {
    uint64_t firsts[RECORD_CHOICES];
    uint64_t end;
    uint64_t place; /* of the next entry: all places are in use, so that none is left out */
    struct source source;
};

static bool find_first_end(void *context, const struct manage_entry *entry)
{
    struct ends *ends = context;
    const uint64_t bucket = ends->place++ / RECORD_BUCKET_SLOTS * RECORD_BUCKET_SLOTS;

    for (unsigned i = 0; i < RECORD_CHOICES; i++) {
        if (ends->firsts[i] == bucket && entry->slot->locked_until < ends->end) {
            ends->end = entry->slot->locked_until;
            ends->source = entry->slot->source;
        }
    }
    return true;
}

static void test_all_locked(void)
{
    struct lockout_policy policy = usual;
    struct store store = scratch_open(64);
    const uint32_t newcomer = 1000000;
    const struct source source = scratch_source(newcomer);
    struct ends ends = {.end = UINT64_MAX};
    enum lockout_answer answer;
    bool closed;

    fill_with_locks(&store);
    policy.close_when_full = true;
    check(admit_at(&store, &policy, 900000, NOW).closure == LOCKOUT_CLOSED_FULL,
          "all places locked, EXIT_ON_IPCACHE_FULL: the door is closed");
    check_number(record_of(&store, 0).locked, 64, "and nobody loses a place");
    check(admit_at(&store, &usual, 900000, NOW).answer == LOCKOUT_REFUSED_CLOSED, "for everybody");
    scratch_need(manage_open(&store, &closed) == STORE_OK, "open");

    record_buckets(&store.header, &source, ends.firsts);
    scratch_need(manage_each(&store, at(NOW), find_first_end, &ends, NULL) == STORE_OK, "manage_each");
    check(admit_at(&store, &usual, newcomer, NOW).answer == LOCKOUT_ADMITTED, "without it, a newcomer is served");
    scratch_need(
        lockout_look(&store, &(struct lockout_visitor){.source = &ends.source, .exempt = false, .now = scratch_at(NOW)},
                     &answer, NULL) == STORE_OK,
        "look");
    check(answer == LOCKOUT_ADMITTED && record_of(&store, 0).locked == 63, "at the cost of the lock that ends first");
    store_close(&store);
    scratch_empty();
}

/* --- networks, flushing --- */

static void test_networks(void)
{
    struct store store = scratch_open(64);
    struct manage_target network = {.source = scratch_source(0), .network = true};
    struct lockout_admission got;
    uint64_t count;
    bool found;

    network.source.prefix = 120;
    check(manage_lock(&store, &network, NOW + 60, at(NOW)) == STORE_OK, "a network can be locked");
    got = admit_at(&store, &usual, 7, NOW);
    check(got.answer == LOCKOUT_REFUSED_LOCKED && got.locked_until == NOW + 60, "its hosts are locked");
    check(look_at(&store, 255, true, NOW) == LOCKOUT_REFUSED_LOCKED, "an exempt one too");
    check(charge_at(&store, &usual, 7, NOW).answer == LOCKOUT_REFUSED_LOCKED, "before a comparison as well");
    check(admit_at(&store, &usual, 256, NOW).answer == LOCKOUT_ADMITTED, "its neighbours are not");
    check(look_at(&store, 7, false, NOW + 60) == LOCKOUT_ADMITTED, "until it ends");
    check(record_of(&store, 7).found.source.prefix == 0, "refused hosts take no place in the table");
    for (unsigned i = 0; i < RECORD_NETWORKS - 1; i++) {
        network.source.address[14] = (uint8_t)(i + 1);
        scratch_need(manage_lock(&store, &network, LOCKOUT_FOREVER, at(NOW)) == STORE_OK, "lock");
    }
    network.source.address[14] = 200;
    check(manage_lock(&store, &network, LOCKOUT_FOREVER, at(NOW)) == STORE_NETWORKS_FULL,
          "there is room for 56 of them");
    check(manage_lock(&store, &network, LOCKOUT_FOREVER, at(NOW + 61)) == STORE_OK, "or where one has ended");
    check(is_clean(&store), "and the table stays whole");
    check(manage_unlock(&store, &network.source, at(NOW), &found) == STORE_OK && found &&
              look_at(&store, 200 * 256, false, NOW) == LOCKOUT_ADMITTED,
          "a network can be unlocked");
    check(manage_unlock_all(&store, at(NOW), &count) == STORE_OK && count == 55, "and all at once");
    check(look_at(&store, 256, false, NOW) == LOCKOUT_ADMITTED, "which opens to them");
    check(is_clean(&store), "and the table is still whole");
    store_close(&store);
    scratch_empty();
}

static void test_flush(void)
{
    struct store store = scratch_open(64);
    uint64_t count;

    for (unsigned i = 0; i < 3; i++)
        strike_at(&store, &usual, 1, NOW);
    strike_at(&store, &usual, 2, NOW);
    check(manage_flush(&store, at(NOW), &count) == STORE_OK && count == 1, "flush forgets what locks nobody");
    check(look_at(&store, 1, false, NOW) == LOCKOUT_REFUSED_LOCKED, "and no lock");
    check_number(strike_at(&store, &usual, 2, NOW).strikes, 1, "strikes begin anew");
    check(manage_unlock_all(&store, at(NOW), &count) == STORE_OK && count == 1 &&
              look_at(&store, 1, false, NOW) == LOCKOUT_ADMITTED,
          "unlocking all lifts every lock");
    check_number(record_of(&store, 2).found.strikes, 1, "and touches nobody else");
    store_close(&store);
    scratch_empty();
}

/* --- killed --- */

static int wrong_reply_then_note(unsigned number)
{
    const struct lockout_policy policy = with_limits(2, 0);
    struct store store;
    struct lockout_admission admission;
    struct lockout_charge charge;
    const struct source source = scratch_source(1);

    (void)number;
    if (scratch_try(&store, 64, false, 20000) != STORE_OK ||
        lockout_admit(&store, &policy,
                      &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                      &admission) != STORE_OK ||
        lockout_charge(&store, &policy,
                       &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                       &charge) != STORE_OK)
        return 9;
    if (charge.answer != LOCKOUT_ADMITTED)
        return 8;
    if (mkdir(scratch_path("other"), 0700) != 0) /* the comparison: it leaves a trace */
        return 7;
    return lockout_settle(&store, &policy,
                          &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                          &charge) == STORE_OK
               ? 0
               : 6;
}

/* I1 under kill: at every system call from the first, the creation of the table included, to the last. */
static void test_killed_anywhere(void)
{
    unsigned nth = 1, dirty = 0, free_guesses = 0, left_open = 0;
    int result = -1;

    for (; scratch_killed_at(nth, wrong_reply_then_note, &result); nth++) {
        struct store store = scratch_open(64);
        struct stat info;
        bool closed;

        dirty += !is_clean(&store);
        if (stat(scratch_path("other"), &info) == 0)
            free_guesses += record_of(&store, 1).found.strikes == 0;
        scratch_need(store_hold(&store, HOLD_SHARED, NULL) == STORE_OK, "hold");
        store_release(&store);
        if (store.counters.doors[DOOR_KNOCK].closing != LOCKOUT_NOT_CLOSED) {
            left_open += admit_at(&store, &usual, 2, NOW).answer != LOCKOUT_REFUSED_CLOSED;
            left_open += closed_look(store.dir_fd, DOOR_KNOCK, &closed) != STORE_OK || !closed;
        }
        store_close(&store);
        scratch_empty();
    }
    check(result == 0 && nth > 20, "a wrong reply was killed at each of its %u system calls", nth - 1);
    check_number(dirty, 0, "I1: the table read back whole after each");
    check_number(free_guesses, 0, "I1: no reply was compared without its strike");
    check_number(left_open, 0, "a door that was to be closed was closed by the next who came");
    scratch_empty();
}

static int closing_error(unsigned number)
{
    const struct lockout_policy policy = with_limits(0, 1);
    struct store store = scratch_open(64);
    struct lockout_charge charge;
    const struct source source = scratch_source(1);

    (void)number;
    if (lockout_charge(&store, &policy,
                       &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                       &charge) != STORE_OK)
        return 9;
    return lockout_settle(&store, &policy,
                          &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                          &charge) == STORE_OK
               ? 0
               : 8;
}

static void test_killed_closing(void)
{
    unsigned nth = 1, wrong = 0, promised = 0;
    int result = -1;

    for (;; nth++) {
        struct store store = scratch_open(64);
        const bool killed = scratch_killed_at(nth, closing_error, &result);
        struct lockout_admission got;
        bool closed;

        scratch_need(store_hold(&store, HOLD_SHARED, NULL) == STORE_OK, "hold");
        store_release(&store);
        scratch_need(closed_look(store.dir_fd, DOOR_KNOCK, &closed) == STORE_OK, "closed_look");
        if (store.counters.doors[DOOR_KNOCK].closing != LOCKOUT_NOT_CLOSED) {
            promised += !closed;
            got = admit_at(&store, &usual, 2, NOW);
            wrong += got.answer != LOCKOUT_REFUSED_CLOSED;
            wrong += closed == (got.closure == LOCKOUT_CLOSED_TOTAL_ERRS);
            scratch_need(closed_look(store.dir_fd, DOOR_KNOCK, &closed) == STORE_OK, "closed_look");
            wrong += !closed;
        } else {
            wrong += closed;
        }
        store_close(&store);
        scratch_empty();
        if (!killed)
            break;
    }
    check(promised > 0 && result == 0, "killed between deciding to close the door and closing it, %u times", promised);
    check_number(wrong, 0, "each time the next who came closed it, and said so");
}

/* --- damage --- */

static void test_damaged_slot(void)
{
    struct store store = scratch_open(64);
    struct lockout_admission got;
    const struct source source = scratch_source(1);
    uint64_t firsts[RECORD_CHOICES];
    uint8_t byte = 0xff;

    strike_at(&store, &usual, 1, NOW);
    record_buckets(&store.header, &source, firsts);
    check_number(crowd_of(&store, firsts[0]), 1, "the first bucket of a source is the one that it stands in");
    scratch_poke("lockout", (off_t)store_slot_at(firsts[0]) + 60, &byte, 1);
    scratch_poke("lockout", (off_t)store_slot_at(firsts[2] + 5) + 60, &byte, 1);
    got = admit_at(&store, &usual, 1, NOW);
    check(got.answer == LOCKOUT_ADMITTED && got.damaged_slots == 2, "damaged slots are reported and free");
    check(admit_at(&store, &usual, 1, NOW).damaged_slots == 0 && is_clean(&store), "once");
    store_close(&store);
    scratch_empty();
}

static void test_damaged_network(void)
{
    struct store store = scratch_open(64);
    const struct manage_target network = {.source = {.prefix = 3, .address = {0x20}}, .network = true};
    const struct source source = scratch_source(1);
    struct lockout_admission got;
    uint8_t byte = 0xff;
    uint8_t zeros[RECORD_LEN] = {0};

    scratch_need(manage_lock(&store, &network, LOCKOUT_FOREVER, at(NOW)) == STORE_OK, "lock");
    scratch_poke("lockout", RECORD_NETWORKS_AT + 60, &byte, 1);
    check(lockout_admit(&store, &usual,
                        &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                        &got) == STORE_DAMAGED &&
              got.answer != LOCKOUT_ADMITTED,
          "I8: a damaged network lets nobody in");
    scratch_poke("lockout", RECORD_NETWORKS_AT + 60, &zeros[0], 1);
    check(lockout_admit(&store, &usual,
                        &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                        &got) == STORE_OK,
          "until it is put right");
    /* It may be one that was being locked when its process was killed. */
    scratch_poke("lockout", RECORD_NETWORKS_AT + 5 * RECORD_LEN, &byte, 1);
    check(lockout_admit(&store, &usual,
                        &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                        &got) == STORE_OK,
          "what stands in a place that is not in use says nothing");
    scratch_poke("lockout", RECORD_NETWORKS_AT, zeros, sizeof zeros);
    check(lockout_admit(&store, &usual,
                        &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                        &got) == STORE_DAMAGED,
          "nor does one that was wiped");
    store_close(&store);
    scratch_empty();
}

/* Who was not admitted has no strike to take back. */
static void test_nothing_to_forgive(void)
{
    const struct source source = scratch_source(1);
    struct lockout_charge charge;
    struct store store = scratch_open(64);

    for (unsigned i = 0; i < 3; i++)
        charge = strike_at(&store, &usual, 1, NOW);
    /* Whatever else it says. */
    charge.answer = LOCKOUT_REFUSED_LOCKED;
    check(lockout_forgive(&store, &source, &charge) == STORE_OK && charge.answer == LOCKOUT_REFUSED_LOCKED &&
              record_of(&store, 1).found.strikes == 3 && look_at(&store, 1, false, NOW) == LOCKOUT_REFUSED_LOCKED,
          "a right reply of a locked source takes nothing back");
    check(lockout_settle(&store, &usual,
                         &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                         &charge) == STORE_OK &&
              record_of(&store, 1).found.strikes == 3,
          "nor is it counted a second time");
    store_close(&store);
    scratch_empty();
}

/* Its slot may have given way, or have been flushed, before its reply was judged. */
static void test_slot_gone(void)
{
    const struct source source = scratch_source(1);
    struct lockout_charge charge;
    uint64_t count;
    struct store store = scratch_open(64);

    charge = charge_at(&store, &usual, 1, NOW);
    scratch_need(manage_flush(&store, at(NOW), &count) == STORE_OK && count == 1, "flush");
    check(lockout_settle(&store, &usual,
                         &(struct lockout_visitor){.source = &source, .exempt = false, .now = scratch_at(NOW)},
                         &charge) == STORE_OK &&
              store.counters.total_errors == 1,
          "an error of a source that has been forgotten counts to the total");
    charge = charge_at(&store, &usual, 1, NOW);
    scratch_need(manage_flush(&store, at(NOW), &count) == STORE_OK && count == 1, "flush");
    check(lockout_forgive(&store, &source, &charge) == STORE_OK && charge.answer == LOCKOUT_ADMITTED &&
              record_of(&store, 1).found.strikes == 0,
          "and a right one of such a source is let in");
    store_close(&store);
    scratch_empty();
}

/* A count that began again at 0 would be forgiveness. */
static void test_counts_end(void)
{
    const struct source source = scratch_source(1);
    struct lockout_policy endless = usual;
    struct lockout_charge charge;
    struct record_slot slot;
    uint8_t bytes[RECORD_LEN];
    uint64_t place;
    struct store store = scratch_open(64);

    endless.max_bad_conns = UINT64_MAX;
    endless.lockout_time = UINT64_C(1) << 60;
    (void)strike_at(&store, &endless, 1, NOW);
    slot = record_of(&store, 1).found;
    slot.strikes = slot.errors = UINT32_MAX;
    store.counters.total_errors = UINT64_MAX;
    scratch_need(store_hold(&store, HOLD_ALONE, NULL) == STORE_OK, "hold");
    store.counters.total_errors = UINT64_MAX;
    scratch_need(store_write_counters(&store) == STORE_OK, "counters");
    for (place = 0; place < 64; place++) {
        scratch_need(store_read(&store, store_slot_at(place), bytes, sizeof bytes) == STORE_OK, "read");
        if (record_slot_names(bytes, &source))
            break;
    }
    record_encode_slot(&slot, store.header.key, place, bytes);
    scratch_need(store_write(&store, store_slot_at(place), bytes, sizeof bytes) == STORE_OK, "write");
    store_release(&store);

    charge = strike_at(&store, &endless, 1, NOW);
    check(charge.strikes == UINT32_MAX && record_of(&store, 1).found.errors == UINT32_MAX &&
              store.counters.total_errors == UINT64_MAX,
          "counts that are at their end stay there");
    endless.max_bad_conns = 3;
    charge = strike_at(&store, &endless, 1, NOW);
    check(charge.locks && charge.locked_until == LOCKOUT_FOREVER, "and a lock beyond the end of time is for ever");
    store_close(&store);
    scratch_empty();
}

static void test_closure_texts(void)
{
    check_text(lockout_closure_text(LOCKOUT_NOT_CLOSED), "", "no closure has no word");
    check_text(lockout_closure_text(LOCKOUT_CLOSED_BY_ORDER + 1), "", "nor has one that there is not");
}

static void test_no_such_network(void)
{
    const struct manage_target target = {.source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .prefix = 104},
                                         .network = true};
    struct store store = scratch_open(64);
    bool found = true;

    check(manage_unlock(&store, &target.source, at(NOW), &found) == STORE_OK && !found,
          "unlocking a network that is not locked finds nothing");
    scratch_need(manage_lock(&store, &target, NOW + 10, at(NOW)) == STORE_OK, "lock");
    check(manage_lock(&store, &target, NOW + 20, at(NOW)) == STORE_OK && store.counters.networks == 1 &&
              look_at(&store, 1, false, NOW + 15) == LOCKOUT_REFUSED_LOCKED,
          "one that is locked again has one record, with the new end");
    store_close(&store);
    scratch_empty();
}

static void test_usual(void)
{
    test_nothing_to_forgive();
    test_slot_gone();
    test_counts_end();
    test_closure_texts();
    test_no_such_network();
    test_three_strikes();
    test_until_unlocked();
    test_alternating();
    test_forgive();
    test_strike_age();
    test_exempt();
    test_generations();
    test_generations_of_locks();
    test_many_rightful_at_once();
    test_wrong_ones_among_them();
    test_never_judged();
    test_judged_late();
    test_who_does_not_wait();
    test_pace();
    test_pace_of_all();
    test_waiting_max();
    test_waiting_exempt();
    test_waiting_max_of_all();
    test_leave();
    test_nothing_to_leave();
    test_leave_all();
    test_leave_for_ever();
    test_steps_while_up();
    test_reboots();
    test_made_at_1970();
    test_lock_before_boot();
    test_wrong_future();
    test_unknown_boot();
    test_strikes_and_clocks();
    test_single_errs();
    test_total_errs();
    test_limit_of_one_door();
    test_locked_at_all_doors();
    test_order_for_all_doors();
    test_limit_without_file();
    test_unjudged_lock();
    test_judged_after_unlock();
    test_judged_lock();
    test_closed_meanwhile();
    test_closed_without_file();
    test_first_reason();
    test_all_locked();
    test_networks();
    test_flush();
    test_damaged_slot();
    test_damaged_network();
}

static void test_exhaustive(void)
{
    test_every_order();
    test_crowd_of_one_source();
    test_crowd_of_sources();
    test_crowd_of_seeds();
    test_crowd_of_right_replies();
    test_flood();
    if (scratch_can_trace()) {
        test_killed_anywhere();
        test_killed_closing();
    }
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    scratch_begin();
    if (exhaustive)
        test_exhaustive();
    else
        test_usual();
    scratch_end();
    return check_end();
}
