/* SPDX-License-Identifier: ISC */
/*
 * Visitors of one source, or of one /56, at the same moment, each a process of its own, as at a door without a pace:
 * who is right is not locked out by others who are right as well, and whoever guesses has MAX_BAD_CONNS guesses, also
 * where handlers are killed between their strike and its judgement; and as many as that bears where each has a source
 * of his own in one network. Time passes when nobody is at work and all wait: so a handler that lives is never later
 * than its deadline, however slow the machine is, and one that was killed always is.
 */
#include "check.h"
#include "enclosing.h"
#include "manage.h"
#include "scratch.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define ROUNDS   8
#define RIGHTFUL 16
#define GUESSERS 8
#define WHO      1
#define PAUSE_MS 3
#define PLACES   1024

/* In the time of the test. All who wait can make one step at once, and are far from a deadline still. */
#define JUDGING_MS UINT64_C(30000)
#define LIMIT_MS   (2 * JUDGING_MS) /* from then on a visitor does not wait any more */
#define STEP_MS    300

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = 86400, .strike_time = 3600};

/* What all processes of a round share. */
struct seen {
    atomic_uint_fast64_t passed_ms; /* of the round */
    atomic_uint at_work;            /* visitors who are not waiting for the judgement of others */
    atomic_uint compared_wrong;     /* replies that were wrong, or whose handler was killed then */
    atomic_uint accepted;
    atomic_uint locked; /* refused because the source is */
};

static struct seen *seen;
static unsigned killed_ones, wrong_ones; /* of a crowd, the first so many */
static bool are_apart;                   /* each with a source of his own in one /56 */

static struct moment now(void)
{
    const uint64_t ms = SCRATCH_NOW * 1000 + atomic_load(&seen->passed_ms);

    return (struct moment){.boot_ms = ms, .wall_ms = ms};
}

/* As a door does it: come again until there is an answer, and at last do not wait any more. */
static void charge_in_time(struct store *store, struct lockout_visitor *visitor, struct lockout_charge *charge)
{
    for (;;) {
        visitor->now = now();
        visitor->patient = atomic_load(&seen->passed_ms) < LIMIT_MS;
        scratch_need(lockout_charge(store, &usual, visitor, charge) == STORE_OK, "charge");
        if (charge->answer != LOCKOUT_NOT_YET)
            return;
        if (atomic_fetch_sub(&seen->at_work, 1) == 1)
            atomic_fetch_add(&seen->passed_ms, STEP_MS);
        poll(NULL, 0, PAUSE_MS);
        atomic_fetch_add(&seen->at_work, 1);
    }
}

static void compare_wrong(struct store *store, const struct lockout_visitor *visitor, struct lockout_charge *charge,
                          bool killed)
{
    atomic_fetch_add(&seen->compared_wrong, 1);
    if (killed) {
        atomic_fetch_sub(&seen->at_work, 1);
        raise(SIGKILL);
    }
    poll(NULL, 0, PAUSE_MS);
    scratch_need(lockout_settle(store, &usual, visitor, charge) == STORE_OK, "settle");
}

static struct source source_of(unsigned number)
{
    if (!are_apart)
        return scratch_source(WHO);
    return (struct source){.address = {0x20, 1, 0x0d, 0xb8, 0, 5, 6, (uint8_t)number}, .prefix = 64};
}

static int visit(unsigned number)
{
    const struct source source = source_of(number);
    const bool killed = number < killed_ones;
    const bool wrong = number < killed_ones + wrong_ones;
    struct lockout_visitor visitor = {.source = &source, .enclosed = are_apart, .judging_ms = JUDGING_MS};
    struct lockout_charge charge;
    struct store store;

    if (scratch_try(&store, PLACES, false, SCRATCH_PATIENCE_MS) != STORE_OK)
        return 1;
    charge_in_time(&store, &visitor, &charge);
    if (charge.answer != LOCKOUT_ADMITTED) {
        atomic_fetch_add(&seen->locked, charge.answer == LOCKOUT_REFUSED_LOCKED);
    } else if (wrong) {
        compare_wrong(&store, &visitor, &charge, killed);
    } else {
        poll(NULL, 0, PAUSE_MS);
        scratch_need(lockout_forgive(&store, &source, &charge) == STORE_OK, "forgive");
        atomic_fetch_add(&seen->accepted, charge.answer == LOCKOUT_ADMITTED);
    }
    atomic_fetch_sub(&seen->at_work, 1);
    store_close(&store);
    return 0;
}

static bool take_it(void *context, const struct manage_entry *entry)
{
    const struct source *source = &entry->slot->source;

    if (!are_apart || (source->is_network && source->prefix == 56))
        *(struct record_slot *)context = *entry->slot;
    return true;
}

/* What a round has left of the source, or of the /56, in the table. */
static struct record_slot what_is_left(struct store *store)
{
    struct record_slot slot = {0};
    const struct moment moment = now();

    scratch_need(manage_each(store, &moment, take_it, &slot, NULL) == STORE_OK, "manage_each");
    return slot;
}

/* One round with an empty table; gives what it has left. */
static struct record_slot meet(unsigned killed, unsigned wrong, unsigned right)
{
    struct store store = scratch_open(PLACES);
    struct record_slot left;
    unsigned results[256];

    memset(seen, 0, sizeof(*seen));
    seen->at_work = killed + wrong + right;
    killed_ones = killed;
    wrong_ones = wrong;
    scratch_crowd(killed + wrong + right, visit, results);
    scratch_need(results[0] + results[255] == killed + wrong + right, "a visitor could not do its work");
    left = what_is_left(&store);
    store_close(&store);
    scratch_empty();
    return left;
}

static void test_rightful_alone(void)
{
    unsigned accepted = 0, strikes = 0, unjudged = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct record_slot left = meet(0, 0, RIGHTFUL);

        accepted += seen->accepted;
        strikes += left.strikes + left.locked;
        unjudged += left.unjudged;
    }
    check_number(accepted, ROUNDS * RIGHTFUL, "whoever is right is served, however many there are at once");
    check_number(strikes, 0, "and leaves no strike and no lock");
    check_number(unjudged, 0, "and nothing that is to be judged");
}

/* One strike less than would lock: from a guesser, and from handlers that were killed. */
static void test_strikes_among_them(void)
{
    unsigned accepted = 0, strikes = 0, locked = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned killed = round % 3;
        const struct record_slot left = meet(killed, 2 - killed, RIGHTFUL);

        accepted += seen->accepted;
        strikes += left.strikes;
        locked += left.locked;
    }
    check_number(accepted, ROUNDS * RIGHTFUL, "one strike below a lock who is right is served all the same");
    check_number(strikes, ROUNDS * 2,
                 "I1: each takes back its own strike, and those of handlers that were killed stay");
    check_number(locked, 0, "and nobody is locked out");
}

static void test_guessers_among_them(void)
{
    unsigned more = 0, fewer = 0, open = 0, strikes = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned killed = round * GUESSERS / (ROUNDS - 1);
        const struct record_slot left = meet(killed, GUESSERS - killed, RIGHTFUL);

        more += seen->compared_wrong > usual.max_bad_conns;
        fewer += seen->compared_wrong < usual.max_bad_conns;
        open += !left.locked || seen->locked < GUESSERS - usual.max_bad_conns;
        strikes += left.strikes;
    }
    check_number(more, 0,
                 "I1: of all guesses at once MAX_BAD_CONNS are compared, whichever handlers are killed meanwhile");
    check_number(fewer, 0, "and not fewer, whoever is right meanwhile");
    check_number(open, 0, "I2: then the source is locked, and the others are refused");
    check_number(strikes, ROUNDS * usual.max_bad_conns, "with a strike for each guess");
}

/* What the /56 bears, all from sources of their own. */
static void test_guessers_in_a_network(void)
{
    const struct enclosing network = {.rule = &enclosing_rules[0]};
    const unsigned limit = (unsigned)enclosing_limit(&network, usual.max_bad_conns);
    const unsigned guessers = limit + 8;
    unsigned more = 0, fewer = 0, open = 0, strikes = 0;

    are_apart = true;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned killed = round * guessers / (ROUNDS - 1);
        const struct record_slot left = meet(killed, guessers - killed, RIGHTFUL);

        more += seen->compared_wrong > limit;
        fewer += seen->compared_wrong < limit;
        open += !left.locked || seen->locked < guessers - limit;
        strikes += left.strikes;
    }
    are_apart = false;
    check_number(more, 0, "I1: of all guesses at once from one /56 as many are compared as lock it, whoever is killed");
    check_number(fewer, 0, "and not fewer, whoever is right meanwhile");
    check_number(open, 0, "I2: then it is locked, and the others are refused");
    check_number(strikes, ROUNDS * limit, "with a strike for each guess");
}

static void test_rightful_in_a_network(void)
{
    unsigned accepted = 0, strikes = 0;

    are_apart = true;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned killed = round % 3;
        const struct record_slot left = meet(killed, 11 - killed, 2 * RIGHTFUL);

        accepted += seen->accepted;
        strikes += left.strikes;
        strikes += left.locked ? 1000 : 0;
    }
    are_apart = false;
    check_number(accepted, ROUNDS * 2 * RIGHTFUL,
                 "one strike below the lock of their /56 all are served who are right");
    check_number(strikes, ROUNDS * 11,
                 "I1: each takes back its own strike there, and those of handlers that were killed stay");
}

int main(void)
{
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_need(seen != MAP_FAILED, "mmap");
    scratch_begin();
    test_rightful_alone();
    test_strikes_among_them();
    test_guessers_among_them();
    test_rightful_in_a_network();
    test_guessers_in_a_network();
    scratch_end();
    return check_end();
}
