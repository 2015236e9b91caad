/* SPDX-License-Identifier: ISC */
/*
 * Where a source stands: in one of three buckets, in the emptiest one first, never in two of them, and who gives way
 * when all are full. And how full a table is when that first happens. Arguments: see scratch_is_exhaustive.
 */
#include "buckets.h"
#include "check.h"
#include "manage.h"
#include "scratch.h"
#include "slot.h"

#define NOW          SCRATCH_NOW
#define HOUR         3600
#define LOAD_LEAST   0.83 /* what is promised of the first source that finds no empty place */
#define PLACES_LEAST 4096 /* in tables of so many places or more */

static const struct buckets_age age = {.now = NOW, .strike_time = HOUR};
static const struct moment now = {.boot_ms = NOW * 1000, .wall_ms = NOW * 1000};

/* splitmix64 (Steele, Lea and Flood, 2014): the same numbers in each run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct source random_source(uint64_t *state)
{
    struct source source = {.prefix = 64};
    const uint64_t number = next_random(state);

    memcpy(source.address, &number, sizeof number);
    return source;
}

/* ---- How full a table becomes ---- */

static bool is_full(const struct buckets *buckets)
{
    for (unsigned i = 0; i < BUCKETS_SLOTS; i++)
        if (buckets->states[i] != RECORD_WHOLE)
            return false;
    return true;
}

/* Random sources come to an empty table until one finds all its places taken: how full was it? */
static double fill(uint64_t places, uint64_t key)
{
    struct store store = scratch_open(places);
    uint64_t state = key;
    uint64_t count = 0;
    struct buckets buckets;

    scratch_need(store_hold(&store, HOLD_ALONE, &now) == STORE_OK, "hold");
    for (unsigned i = 0; i < SIPHASH_KEY_LEN; i++)
        store.header.key[i] = (uint8_t)(next_random(&state) >> 56);
    for (;; count++) {
        const struct source source = random_source(&state);
        const struct record_slot *slot;

        scratch_need(buckets_read(&store, &source, &buckets) == STORE_OK, "read");
        if (is_full(&buckets))
            break;
        slot = buckets_make(&buckets, &source, age, false, 0);
        scratch_need(slot != NULL && buckets_write(&store, &buckets, slot) == STORE_OK, "write");
    }
    store_release(&store);
    store_close(&store);
    scratch_empty();
    return (double)count / (double)places;
}

static void test_load(void)
{
    static const struct {
        uint64_t places;
        unsigned keys;
    } tables[] = {{RECORD_PLACES_MIN, 20}, {512, 20}, {PLACES_LEAST, 20}, {65536, 3}, {262144, 1}};

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        double least = 1, sum = 0;

        for (unsigned key = 1; key <= tables[i].keys; key++) {
            const double load = fill(tables[i].places, key);

            sum += load;
            least = load < least ? load : least;
        }
        printf(
            "# %ju places: the first source without an empty place came at %.1f %% on average, %.1f %% at the least, "
            "of %u keys\n",
            (uintmax_t)tables[i].places, 100 * sum / tables[i].keys, 100 * least, tables[i].keys);
        if (tables[i].places >= PLACES_LEAST)
            check(least >= LOAD_LEAST, "a table of %ju places is at least %.0f %% full before a source finds no place",
                  (uintmax_t)tables[i].places, 100 * LOAD_LEAST);
    }
}

/* ---- Who gives way ---- */

/* All places taken, by locks without end: nobody gives way before whom a test puts among them. */
static struct buckets locked_buckets(void)
{
    struct buckets buckets = {.firsts = {0, 8, 16}};

    for (uint32_t i = 0; i < BUCKETS_SLOTS; i++) {
        buckets.states[i] = RECORD_WHOLE;
        buckets.slots[i] = (struct record_slot){.source = scratch_source(i),
                                                .locked = true,
                                                .last_seen = NOW,
                                                .last_strike = NOW,
                                                .locked_until = RECORD_FOREVER,
                                                .strikes = 3};
    }
    return buckets;
}

/* The place that a new source gets; BUCKETS_SLOTS where it gets none. The buckets stay as they are. */
static unsigned place_of_new(const struct buckets *buckets, bool evict_lock)
{
    struct buckets copy = *buckets;
    const struct source source = scratch_source(1000);
    const struct record_slot *slot = buckets_make(&copy, &source, age, evict_lock, 9);

    if (slot == NULL)
        return BUCKETS_SLOTS;
    check(slot_is(slot, &source) && slot->generation == 9 && !slot->locked && slot->strikes == 0 &&
              slot->last_seen == 0,
          "a place that is made anew has nothing of who was there");
    return (unsigned)(slot - copy.slots);
}

static void test_empty_first(void)
{
    struct buckets buckets = locked_buckets();

    buckets.states[5] = RECORD_EMPTY;
    check_number(place_of_new(&buckets, false), 5, "the one empty place is taken");
    buckets.states[18] = RECORD_DAMAGED;
    buckets.states[20] = RECORD_EMPTY;
    check_number(place_of_new(&buckets, false), 18, "the emptiest bucket comes first, and what is damaged is empty");
    buckets.states[9] = buckets.states[10] = buckets.states[11] = RECORD_EMPTY;
    check_number(place_of_new(&buckets, false), 9, "whichever of the three it is");
    buckets.states[6] = buckets.states[7] = RECORD_EMPTY;
    check_number(place_of_new(&buckets, false), 5, "and of equal ones the first");
}

static void test_order(void)
{
    struct buckets buckets = locked_buckets();

    check_number(place_of_new(&buckets, false), BUCKETS_SLOTS, "where all are locked there may be no place");
    buckets.slots[3].last_seen = NOW - 1;
    check_number(place_of_new(&buckets, true), 3, "or of equal locks that goes which was not seen for longest");
    buckets.slots[21].locked_until = NOW + 20;
    buckets.slots[12].locked_until = NOW + 10;
    check_number(place_of_new(&buckets, true), 12, "but before that the one that ends first");
    check_number(place_of_new(&buckets, false), BUCKETS_SLOTS, "where that is allowed");

    buckets.slots[22].locked = false;
    check_number(place_of_new(&buckets, false), 22, "before a lock strikes go");
    buckets.slots[7].locked = false;
    buckets.slots[7].last_seen = NOW - 1;
    check_number(place_of_new(&buckets, false), 7, "of equal ones those of who was not seen for longest");
    buckets.slots[13].locked = false;
    buckets.slots[13].last_strike = NOW - 1;
    check_number(place_of_new(&buckets, false), 13, "before these the oldest");
    buckets.slots[23].locked = false;
    buckets.slots[23].strikes = 2;
    check_number(place_of_new(&buckets, false), 23, "and before these the fewest");

    buckets.slots[14].locked = false;
    buckets.slots[14].strikes = 0;
    check_number(place_of_new(&buckets, false), 14, "before strikes goes who has none");
    buckets.slots[6].locked_until = NOW;
    buckets.slots[6].last_seen = NOW - 1;
    check_number(place_of_new(&buckets, false), 6, "or whose lock has ended");
    buckets.slots[19].locked = false;
    buckets.slots[19].last_strike = NOW - HOUR;
    buckets.slots[19].last_seen = NOW - 2;
    check_number(place_of_new(&buckets, false), 19, "or whose strikes are too old, the least recently seen first");
    buckets.states[4] = RECORD_EMPTY;
    check_number(place_of_new(&buckets, false), 4, "and before all of these an empty place is taken");
}

/* ---- Never in two places ---- */

/* Put the source's record into one of its buckets, the one of this choice. */
static void stand(const struct store *store, const struct source *source, unsigned choice, unsigned place)
{
    const struct record_slot slot = {.source = *source, .strikes = 10 + choice, .last_strike = NOW};
    uint64_t firsts[RECORD_CHOICES];
    uint8_t bytes[RECORD_LEN];

    record_buckets(&store->header, source, firsts);
    record_encode_slot(&slot, store->header.key, firsts[choice] + place, bytes);
    scratch_need(store_write(store, store_slot_at(firsts[choice] + place), bytes, sizeof bytes) == STORE_OK, "write");
}

/* Others may have gone meanwhile, from before it, and from the buckets before its own. */
static void test_found(void)
{
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++) {
        const struct source source = scratch_source(7);
        struct store store = scratch_open(4096);
        struct buckets buckets;

        scratch_need(store_hold(&store, HOLD_ALONE, &now) == STORE_OK, "hold");
        stand(&store, &source, choice, 7);
        check(buckets_read(&store, &source, &buckets) == STORE_OK && buckets.own != NULL &&
                  buckets.own->strikes == 10 + choice,
              "a source is found in bucket %u of its three, behind empty places", choice + 1);
        store_release(&store);
        store_close(&store);
        scratch_empty();
    }
}

static int by_address(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct source));
}

#define SEEN_MAX 1000

struct seen {
    struct source sources[SEEN_MAX];
    unsigned count;
};

static bool see(void *context, const struct manage_entry *entry)
{
    struct seen *seen = context;

    if (seen->count < SEEN_MAX)
        seen->sources[seen->count++] = entry->slot->source;
    return true;
}

static unsigned count_twins(struct store *store)
{
    struct seen seen = {.count = 0};
    unsigned twins = 0;

    scratch_need(manage_each(store, &now, see, &seen, NULL) == STORE_OK, "list");
    qsort(seen.sources, seen.count, sizeof seen.sources[0], by_address);
    for (unsigned i = 1; i < seen.count; i++)
        twins += by_address(&seen.sources[i - 1], &seen.sources[i]) == 0;
    return twins;
}

/* What anybody may do to the table, at random, with far more sources than places, and slots that break meanwhile. */
static void do_anything(struct store *store, const struct lockout_policy *policy, uint64_t *state)
{
    const struct source source = scratch_source((uint32_t)(next_random(state) % 400));
    const struct manage_target target = {.source = source};
    const struct lockout_visitor visitor = {.source = &source, .now = now};
    const off_t somewhere = (off_t)store_slot_at(next_random(state) % store->header.places) + 9;
    static const uint8_t byte = 0x55;
    struct lockout_admission admission;
    struct lockout_charge charge;
    uint64_t count;
    bool found;

    switch (next_random(state) % 16) {
    case 0:
        scratch_need(manage_lock(store, &target, NOW + HOUR, &now) == STORE_OK, "lock");
        break;
    case 1:
    case 2:
        scratch_need(manage_unlock(store, &target.source, &now, &found) == STORE_OK, "unlock");
        break;
    case 3:
        scratch_poke("lockout", somewhere, &byte, 1);
        break;
    case 4:
        if (next_random(state) % 50 == 0)
            scratch_need(manage_flush(store, &now, &count) == STORE_OK, "flush");
        break;
    default:
        scratch_need(lockout_admit(store, policy, &visitor, &admission) == STORE_OK &&
                         lockout_charge(store, policy, &visitor, &charge) == STORE_OK,
                     "charge");
        if (next_random(state) % 2 == 0)
            scratch_need(lockout_forgive(store, &source, &charge) == STORE_OK, "forgive");
        break;
    }
}

static void test_no_twins(void)
{
    const struct lockout_policy policy = {.max_bad_conns = 3, .lockout_time = 86400, .strike_time = HOUR};
    struct store store = scratch_open(64);
    unsigned twins = 0;
    uint64_t state = 1;

    scratch_need(store_hold(&store, HOLD_ALONE, &now) == STORE_OK, "hold");
    store_release(&store);
    for (unsigned round = 0; round < 3000; round++) {
        do_anything(&store, &policy, &state);
        twins += count_twins(&store);
    }
    check_number(twins, 0, "whatever happens, no source ever stands in two places");
    store_close(&store);
    scratch_empty();
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    scratch_begin();
    if (exhaustive) {
        test_load();
    } else {
        test_empty_first();
        test_order();
        test_found();
        test_no_twins();
    }
    scratch_end();
    return check_end();
}
