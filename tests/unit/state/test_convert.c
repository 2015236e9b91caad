/* SPDX-License-Identifier: ISC */
/*
 * From version 1 of the table to today's: nothing is lost, whatever state the old one is in, and whoever is killed at
 * whatever moment. The tables of version 1 are written here, by FORMAT.md; nothing of state/ can write one. Arguments:
 * see scratch_is_exhaustive.
 */
#include "buckets.h"
#include "check.h"
#include "manage.h"
#include "repair.h"
#include "scratch.h"
#include "slot.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>

#define NOW SCRATCH_NOW
#define DAY 86400

#define V1_LEN         64
#define V1_HEAD_LEN    4096
#define V1_COPY_AT     448
#define V1_NETWORKS_AT 512
#define V1_PLACES_MAX  4096
#define V1_LEN_MAX     (V1_HEAD_LEN + V1_PLACES_MAX * V1_LEN)

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = DAY, .strike_time = 3600};

/* Nothing here is about the power supply. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

/* What somebody else does just before the nth lock from now on is taken; 0: nothing. */
static unsigned locks_until;
static void (*do_before_lock)(void);

int flock(int fd, int operation)
{
    if (operation != LOCK_UN && locks_until > 0 && --locks_until == 0)
        do_before_lock();
    return (int)syscall(SYS_flock, fd, operation);
}

static bool copy_stays; /* the copy of a repair by version 1 cannot be removed */

int unlinkat(int dir_fd, const char *name, int flags)
{
    if (!copy_stays || strcmp(name, "lockout.rebuild") != 0)
        return (int)syscall(SYS_unlinkat, dir_fd, name, flags);
    errno = EROFS;
    return -1;
}

/* ---- Tables of version 1 ---- */

struct old_table {
    uint64_t places;
    uint64_t rebuild;
    uint8_t bytes[V1_LEN_MAX];
};

static struct old_table old; /* what the next test begins with */

static const uint8_t key[SIPHASH_KEY_LEN] = {7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static size_t old_len(void)
{
    return V1_HEAD_LEN + (size_t)old.places * V1_LEN;
}

static void put(uint8_t *bytes, unsigned len, uint64_t value)
{
    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void seal(uint8_t bytes[static V1_LEN], uint64_t where)
{
    uint8_t checked[V1_LEN];

    memcpy(checked, bytes + 8, V1_LEN - 8);
    put(checked + V1_LEN - 8, 8, where);
    put(bytes, 8, siphash(key, checked, sizeof checked));
}

static void put_header(void)
{
    uint8_t *header = old.bytes;

    memset(header, 0, V1_LEN);
    memcpy(header, "ostiary\n", 8);
    put(header + 8, 2, 1);
    put(header + 10, 2, V1_LEN);
    put(header + 12, 2, 8);
    put(header + 16, 4, V1_HEAD_LEN);
    put(header + 24, 8, old.places);
    memcpy(header + 32, key, sizeof key);
    put(header + 48, 8, old.rebuild);
    put(header + 56, 8, siphash(key, header, 56));
    memcpy(old.bytes + V1_COPY_AT, header, V1_LEN);
}

static void put_counters(const struct record_counters *counters, unsigned networks)
{
    uint8_t *bytes = old.bytes + V1_LEN;

    memset(bytes, 0, V1_LEN);
    put(bytes + 8, 8, counters->seed);
    put(bytes + 16, 8, counters->total_errors);
    put(bytes + 24, 8, counters->pace.first_ms);
    put(bytes + 32, 2, counters->epoch);
    put(bytes + 34, 2, networks);
    bytes[36] = counters->closing;
    seal(bytes, RECORD_WHERE_COUNTERS);
}

static void encode(const struct record_slot *slot, uint64_t where, uint8_t bytes[static V1_LEN])
{
    const unsigned flags =
        1U | (unsigned)slot->locked << 1 | (unsigned)slot->by_hand << 2 | (unsigned)slot->lock_judged << 3;

    memset(bytes, 0, V1_LEN);
    memcpy(bytes + 8, slot->source.address, SOURCE_ADDRESS_LEN);
    bytes[24] = slot->source.prefix;
    bytes[25] = (uint8_t)(flags | slot->generation << 4);
    put(bytes + 26, 6, slot->last_seen);
    put(bytes + 32, 6, slot->last_strike);
    put(bytes + 38, 6, slot->locked_until);
    put(bytes + 44, 6, slot->pace.first_ms);
    put(bytes + 50, 2, slot->epoch);
    put(bytes + 52, 4, slot->strikes);
    put(bytes + 56, 4, slot->refusals);
    put(bytes + 60, 4, slot->errors);
    seal(bytes, where);
}

static void put_network(unsigned number, const struct record_slot *slot)
{
    encode(slot, RECORD_WHERE_NETWORKS + number, old.bytes + V1_NETWORKS_AT + (size_t)number * V1_LEN);
}

/* Into the first free place of its one bucket. Where that is; UINT64_MAX: the bucket is full. */
static uint64_t put_slot(const struct record_slot *slot)
{
    uint8_t name[SOURCE_ADDRESS_LEN + 1];

    memcpy(name, slot->source.address, SOURCE_ADDRESS_LEN);
    name[SOURCE_ADDRESS_LEN] = slot->source.prefix;
    const uint64_t first = siphash(key, name, sizeof name) % (old.places / 8) * 8;
    for (uint64_t place = first; place < first + 8; place++) {
        uint8_t *bytes = old.bytes + V1_HEAD_LEN + place * V1_LEN;

        if (!record_is_zero(bytes, V1_LEN))
            continue;
        encode(slot, place, bytes);
        return place;
    }
    return UINT64_MAX;
}

/* Records that differ in everything that version 1 could say. */
static struct record_slot some_slot(uint32_t number)
{
    struct record_slot slot = {
        .source = scratch_source(number),
        .generation = (uint8_t)(number % 16),
        .last_seen = NOW - number % 7,
        .last_strike = NOW - number % 1000,
        .pace.first_ms = NOW * 1000 + number,
        .epoch = (uint16_t)(number * 7),
        .strikes = number % 5,
        .refusals = UINT32_MAX - number,
        .errors = number * 3,
    };

    if (number % 3 == 0) {
        slot.source = (struct source){.address = {0x20, 1, (uint8_t)number, (uint8_t)(number >> 8)}, .prefix = 64};
        slot.locked = true;
        slot.lock_judged = number % 2 == 0;
        slot.locked_until = NOW + DAY - number % 100;
    }
    if (number % 9 == 0) {
        slot.by_hand = true;
        slot.locked_until = RECORD_FOREVER;
    }
    return slot;
}

static const struct record_counters some_counters = {
    .seed = 123456789012345, .total_errors = 77, .pace.first_ms = NOW * 1000 + 500, .epoch = 65535};

static const struct record_slot some_networks[] = {
    {.source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113}, .prefix = 120},
     .locked = true,
     .by_hand = true,
     .lock_judged = true,
     .last_seen = NOW - 5,
     .last_strike = NOW - 100,
     .locked_until = RECORD_FOREVER,
     .refusals = 4},
    {.source = {.address = {0x20, 0x01, 0x0d, 0xb8, 0xff}, .prefix = 40},
     .locked = true,
     .by_hand = true,
     .lock_judged = true,
     .last_strike = NOW - 100,
     .locked_until = NOW + 3600},
};

static void begin_old(uint64_t places)
{
    old.places = places;
    old.rebuild = 0;
    memset(old.bytes, 0, sizeof old.bytes);
    put_header();
    put_counters(&some_counters, 0);
}

static void lay_down_as(const char *name)
{
    scratch_write_file(scratch_path(name), old.bytes, old_len());
}

static void lay_down(void)
{
    lay_down_as("lockout");
}

#define SOME 20 /* sources of a small table: 1 to SOME */

/* The usual one: of 64 places, some sources, and two networks, not in the first places. */
static void some_table(void)
{
    begin_old(64);
    for (uint32_t number = 1; number <= SOME; number++) {
        const struct record_slot slot = some_slot(number);

        scratch_need(put_slot(&slot) != UINT64_MAX, "placing");
    }
    put_network(3, &some_networks[0]);
    put_network(55, &some_networks[1]);
    put_counters(&some_counters, 2);
    lay_down();
}

/* Is the file byte for byte what was laid down? */
static bool is_untouched(void)
{
    static uint8_t bytes[V1_LEN_MAX];
    struct stat info;

    if (stat(scratch_path("lockout"), &info) != 0 || (size_t)info.st_size != old_len())
        return false;
    scratch_read_file("lockout", bytes, old_len());
    return memcmp(bytes, old.bytes, old_len()) == 0;
}

/* ---- Tables of today ---- */

static const struct moment now = {.boot_ms = NOW * 1000, .wall_ms = NOW * 1000};

static struct store open_store(void)
{
    struct store store = scratch_open(64);

    store.options.now = now;
    return store;
}

static enum store_fault hold_once(struct store *store)
{
    const enum store_fault fault = store_hold(store, HOLD_ALONE, &now);

    store_release(store);
    return fault;
}

static bool is_clean(struct store *store, struct repair_findings *findings)
{
    return repair_verify(store, NULL, NULL, findings) == STORE_OK && repair_is_clean(findings);
}

static bool same_slot(const struct record_slot *a, const struct record_slot *b)
{
    uint8_t left[RECORD_LEN];
    uint8_t right[RECORD_LEN];

    record_encode_slot(a, key, 0, left);
    record_encode_slot(b, key, 0, right);
    return memcmp(left, right, RECORD_LEN) == 0;
}

/* Is this in the table, as it is? */
static bool has_slot(struct store *store, const struct record_slot *slot)
{
    struct buckets buckets;
    bool same;

    scratch_need(store_hold(store, HOLD_SHARED, &now) == STORE_OK, "hold");
    scratch_need(buckets_read(store, &slot->source, &buckets) == STORE_OK, "read");
    same = buckets.own != NULL && same_slot(buckets.own, slot);
    store_release(store);
    return same;
}

static bool count_network(void *context, const struct manage_entry *entry)
{
    unsigned *count = context;

    if (entry->network)
        for (size_t i = 0; i < sizeof some_networks / sizeof some_networks[0]; i++)
            *count += same_slot(entry->slot, &some_networks[i]);
    return entry->network;
}

/* How many of the usual table's sources and networks are in this one, as they were? */
static unsigned count_kept(struct store *store)
{
    unsigned count = 0;

    scratch_need(manage_each(store, &now, count_network, &count, NULL) == STORE_OK, "list");
    for (uint32_t number = 1; number <= SOME; number++) {
        const struct record_slot slot = some_slot(number);

        count += has_slot(store, &slot);
    }
    return count;
}

static bool has_some_counters(const struct store *store)
{
    return store->counters.seed == some_counters.seed && store->counters.total_errors == some_counters.total_errors &&
           store->counters.pace.first_ms == some_counters.pace.first_ms && store->counters.pace.taken == 0 &&
           store->counters.epoch == some_counters.epoch && store->counters.closing == some_counters.closing &&
           store->counters.doors[DOOR_KNOCK].errors == some_counters.total_errors &&
           store->counters.doors[DOOR_SEALED].errors == some_counters.total_errors;
}

static bool is_there(const char *name)
{
    struct stat info;

    return lstat(scratch_path(name), &info) == 0;
}

static enum store_fault repair(struct store *store, uint64_t places, struct repair_report *report)
{
    const struct repair_order order = {.places = places, .moment = now};

    return repair_table(store, &order, report);
}

static enum store_fault charge(struct store *store, const struct source *source, struct lockout_charge *charge)
{
    return lockout_charge(store, &usual, &(struct lockout_visitor){.source = source, .exempt = true, .now = now},
                          charge);
}

/* ---- Nothing is lost ---- */

static void test_all_of_it(void)
{
    struct repair_findings findings;
    struct store store;
    struct stat info;

    some_table();
    store = open_store();
    check(hold_once(&store) == STORE_OK, "a table of version 1 can be used");
    check(is_clean(&store, &findings) && findings.places == 64 && findings.whole == SOME + 2,
          "it is one of today, and whole");
    check_number(count_kept(&store), SOME + 2, "each source and each network is in it, with each field as it was");
    check(has_some_counters(&store), "and so are the counters");
    check(memcmp(store.header.key, key, sizeof key) == 0 && store.lost == 0, "with the same key");
    check(stat(scratch_path("lockout"), &info) == 0 && (info.st_mode & 07777) == 0600 &&
              (uint64_t)info.st_size == record_file_len(64),
          "it is as long as it says, and of mode 0600");
    check(!is_there("lockout.convert"), "and nothing is left behind");
    check_number(store.now_ms, NOW * 1000, "its time is the wall clock's");
    store_close(&store);
    scratch_empty();
}

static void read_golden(const char *directory, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    old.places = 64;
    const int fd = open(path, O_RDONLY);
    scratch_need(fd >= 0 && read(fd, old.bytes, old_len()) == (ssize_t)old_len() && close(fd) == 0,
                 "reading a golden table");
    lay_down();
}

struct content {
    struct record_slot slots[100];
    unsigned count;
};

static bool collect(void *context, const struct manage_entry *entry)
{
    struct content *content = context;

    if (content->count < 100)
        content->slots[content->count++] = *entry->slot;
    return true;
}

/* By the other hand: what python wrote from FORMAT.md alone. */
static void test_golden(const char *directory)
{
    static const uint8_t v6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2};
    struct content content = {.count = 0};
    struct store store;

    read_golden(directory, "table-1-networks");
    store = open_store();
    check(hold_once(&store) == STORE_OK && store.counters.seed == 1000 && store.counters.total_errors == 7 &&
              store.counters.epoch == 3 && store.counters.pace.first_ms == NOW * 1000 + 500,
          "the golden table of version 1 has become one of today");
    check(manage_each(&store, &now, collect, &content, NULL) == STORE_OK && content.count == 6,
          "with four sources and two networks");
    for (unsigned i = 0; i < content.count; i++) {
        const struct record_slot *slot = &content.slots[i];

        if (memcmp(slot->source.address, v6, sizeof v6) == 0)
            check(slot->source.prefix == 64 && slot->locked && slot->by_hand && !slot->lock_judged &&
                      slot->generation == 5 && slot->last_seen == NOW - 2 && slot->last_strike == NOW - 70 &&
                      slot->locked_until == RECORD_FOREVER && slot->pace.first_ms == 0 && slot->epoch == 2 &&
                      slot->strikes == 1 && slot->refusals == 70000 && slot->errors == 9,
                  "and 2001:db8:1:2::/64 as it was");
    }
    store_close(&store);

    read_golden(directory, "table-1");
    store = open_store();
    check(hold_once(&store) == STORE_OK && store.counters.networks == 0, "the one without networks has none");
    store_close(&store);
    scratch_empty();
}

/* Full to the last place: where three buckets are too full for somebody, there are more places. */
static void test_full(uint64_t places)
{
    static uint32_t numbers[V1_PLACES_MAX];
    struct repair_findings findings;
    struct store store;
    uint64_t count = 0;
    unsigned lost = 0;

    begin_old(places);
    for (uint32_t number = 1; count < places; number++) {
        const struct record_slot slot = some_slot(number);

        if (put_slot(&slot) != UINT64_MAX)
            numbers[count++] = number;
    }
    lay_down();
    store = open_store();
    scratch_need(hold_once(&store) == STORE_OK && is_clean(&store, &findings), "converting");
    check(findings.whole == places && findings.places > places,
          "of %ju places, all taken, a table of version 1 becomes one of %ju", (uintmax_t)places,
          (uintmax_t)findings.places);
    for (uint64_t i = 0; i < count; i++) {
        const struct record_slot slot = some_slot(numbers[i]);

        lost += !has_slot(&store, &slot);
    }
    check_number(lost, 0, "and nobody has lost a place, or anything in it");
    store_close(&store);
    scratch_empty();
}

/* The buckets of a source in a table of so many places, as one number. */
static uint64_t buckets_of(const struct source *source, uint64_t places)
{
    struct record_header header = {.places = places};
    uint64_t firsts[RECORD_CHOICES];
    uint64_t set = 0;

    memcpy(header.key, key, sizeof key);
    record_buckets(&header, source, firsts);
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++)
        set |= UINT64_C(1) << (firsts[choice] / RECORD_BUCKET_SLOTS);
    return set;
}

/* As bad as it can be: in the table that should do, all of them would stand in the same three buckets. */
static void test_crowded(void)
{
    const uint64_t should_do = 88;
    const struct source first = some_slot(1).source;
    struct repair_findings findings;
    struct store store;
    uint64_t count = 0;

    begin_old(64);
    for (uint32_t number = 1; count < 64; number++) {
        const struct record_slot slot = some_slot(number);

        if (buckets_of(&slot.source, should_do) == buckets_of(&first, should_do))
            count += put_slot(&slot) != UINT64_MAX;
    }
    lay_down();
    store = open_store();
    check(hold_once(&store) == STORE_OK && is_clean(&store, &findings) && findings.whole == 64 &&
              findings.places > should_do,
          "where all crowd in the same buckets, the table grows until there is a place for each");
    store_close(&store);
    scratch_empty();
}

/* The limits that were promised and not yet kept, and locks, hold at once. */
static void test_in_force(void)
{
    struct record_counters counters = some_counters;
    struct record_slot slot = {
        .source = scratch_source(1), .locked = true, .lock_judged = true, .locked_until = NOW + 60};
    struct lockout_admission admission;
    struct lockout_visitor visitor = {.source = &slot.source, .now = now};
    struct store store;

    begin_old(64);
    put_slot(&slot);
    lay_down();
    store = open_store();
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK &&
              admission.answer == LOCKOUT_REFUSED_LOCKED && admission.locked_until == NOW + 60,
          "who was locked is locked for the one who converts the table");
    visitor.now = scratch_at(NOW + 61);
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK && admission.answer == LOCKOUT_ADMITTED,
          "I14: until the lock was to end");
    check_number(admission.seed_number, some_counters.seed + 1, "I5: and gets the next seed number");
    store_close(&store);

    counters.closing = LOCKOUT_CLOSED_TOTAL_ERRS;
    put_counters(&counters, 0);
    lay_down();
    store = open_store();
    visitor.source = &(struct source){.prefix = 64};
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK &&
              admission.answer == LOCKOUT_REFUSED_CLOSED && is_there("closed"),
          "a door that was to be closed is closed");
    store_close(&store);
    scratch_empty();
}

/* Is this source, as it is counted today, locked by the table? */
static enum lockout_answer answer_of(struct store *store, struct source source)
{
    const struct lockout_visitor visitor = {.source = &source, .now = now};
    enum lockout_answer answer;

    scratch_need(lockout_look(store, &visitor, &answer, NULL) == STORE_OK, "looking");
    return answer;
}

/* What version 1 took for one source and is several today, or another: their locks hold for whom they held. */
static void test_sources_of_old(void)
{
    const struct source old_sources[] = {
        {.address = {0xfe, 0x80}, .prefix = 64},
        {.address = {0, 0x64, 0xff, 0x9b}, .prefix = 64},
        {.address = {0x20, 0x02, 0xc0, 0, 2, 7, 0, 9}, .prefix = 64},
        {.address = {0x20, 0x02, 0xc0, 0, 2, 7, 0, 8}, .prefix = 64},
        {.address = {0xfe, 0x80, [7] = 1}, .prefix = 64},
        {.address = {0x20, 0x02, 0xc0, 0, 2, 9}, .prefix = 48},
    };
    struct record_slot slot = {.locked = true, .lock_judged = true};
    struct repair_findings findings;
    struct store store;

    begin_old(64);
    for (unsigned i = 0; i < 6; i++) {
        slot.source = old_sources[i];
        slot.locked_until = NOW + 60 + i;
        scratch_need(put_slot(&slot) != UINT64_MAX, "placing");
    }
    lay_down();
    store = open_store();
    check(answer_of(&store, (struct source){.address = {0xfe, 0x80, 1, 2, 3, 4, 5, 6, [15] = 7}, .prefix = 128}) ==
              LOCKOUT_REFUSED_LOCKED,
          "a lock of the link-local neighbours holds for each of them, on whatever interface");
    check(answer_of(&store, (struct source){.address = {0, 0x64, 0xff, 0x9b, [15] = 7}, .prefix = 128}) ==
              LOCKOUT_REFUSED_LOCKED,
          "a lock of a translator's clients holds for each of them");
    check(answer_of(&store, (struct source){.address = {0x20, 0x02, 0xc0, 0, 2, 7}, .prefix = 48}) ==
              LOCKOUT_REFUSED_LOCKED,
          "a lock of a part of an IPv4 host's 6to4 addresses holds for all of them");
    check(answer_of(&store, (struct source){.address = {0x20, 0x02, 0xc0, 0, 2, 8}, .prefix = 48}) == LOCKOUT_ADMITTED,
          "and not for another host's");
    check(repair_verify(&store, NULL, NULL, &findings) == STORE_OK && repair_is_clean(&findings),
          "and the table is whole");
    check_number(findings.whole, 4, "two networks, one source of the two that were one host's, and one as it was");
    store_close(&store);
    scratch_empty();
}

/* A lock that would have to be a network, where there are as many networks as a table has room for. */
static void test_too_many_networks(void)
{
    const struct record_slot slot = {.source = {.address = {0xfe, 0x80}, .prefix = 64},
                                     .locked = true,
                                     .lock_judged = true,
                                     .locked_until = NOW + 60};
    struct record_slot network = some_networks[1];
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    begin_old(64);
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        network.source.address[3] = (uint8_t)i;
        put_network(i, &network);
    }
    scratch_need(put_slot(&slot) != UINT64_MAX, "placing");
    put_counters(&some_counters, RECORD_NETWORKS);
    lay_down();
    store = open_store();
    check(repair(&store, 0, &report) == STORE_OK && report.kept == RECORD_NETWORKS && report.dropped == 1 &&
              is_clean(&store, &findings),
          "a lock for which there is no network left is dropped by repair, which counts it");
    store_close(&store);
    scratch_empty();
}

/* Version 1 lived by the wall clock. What it had written in a wrong future is brought back, by its own rules. */
static void test_wrong_future(void)
{
    const uint64_t later = NOW + 400 * UINT64_C(86400);
    const struct record_slot before[] = {
        {.source = scratch_source(1),
         .locked = true,
         .last_strike = later,
         .locked_until = later + DAY,
         .last_seen = later},
        {.source = scratch_source(2),
         .locked = true,
         .by_hand = true,
         .last_strike = later,
         .locked_until = RECORD_FOREVER},
        {.source = scratch_source(3), .strikes = 2, .last_strike = later, .last_seen = NOW - 1},
        {.source = scratch_source(4), .locked = true, .last_strike = later, .locked_until = later - 1},
        {.source = scratch_source(5), .locked = true, .last_strike = NOW, .locked_until = later},
    };
    struct record_slot after[5];
    struct record_slot network = some_networks[0];
    struct lockout_visitor visitor = {.now = now};
    struct content content = {.count = 0};
    struct lockout_admission admission;
    struct store store;
    unsigned wrong = 0;

    memcpy(after, before, sizeof after);
    after[0].last_strike = after[0].last_seen = after[1].last_strike = after[2].last_strike = after[3].last_strike =
        NOW;
    after[0].locked_until = NOW + DAY;
    after[3].locked_until = NOW;
    network.last_strike = later;
    network.locked_until = later + 60;
    begin_old(64);
    for (size_t i = 0; i < 5; i++)
        put_slot(&before[i]);
    put_network(0, &network);
    put_counters(&some_counters, 1);
    lay_down();
    store = open_store();
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    for (size_t i = 0; i < 5; i++)
        wrong += !has_slot(&store, &after[i]);
    check_number(wrong, 0, "I14: a lock of a wrong future lasts from now on as long as it was to last");
    check(manage_each(&store, &now, collect, &content, NULL) == STORE_OK && content.count == 6 &&
              content.slots[0].source.prefix == 120 && content.slots[0].locked_until == NOW + 60 &&
              content.slots[0].last_strike == NOW,
          "and so does that of a network");
    store_close(&store);

    begin_old(64);
    put_slot(&(struct record_slot){.source = scratch_source(6), .pace.first_ms = later * 1000});
    lay_down();
    store = open_store();
    const struct source waiting = scratch_source(6);
    visitor.source = &waiting;
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK && admission.answer == LOCKOUT_ADMITTED &&
              admission.wait_ms == 0,
          "and nobody waits for a pace of that future");
    store_close(&store);
    scratch_empty();
}

/* ---- What is not whole ---- */

static void test_damaged_slots(void)
{
    const struct source newcomer = scratch_source(1000);
    const struct lockout_visitor visitor = {.source = &newcomer, .now = now};
    struct lockout_admission admission;
    struct repair_findings findings;
    struct store store;
    unsigned damaged = 0;

    some_table();
    for (uint64_t place = 0; place < old.places && damaged < 3; place++) {
        uint8_t *bytes = old.bytes + V1_HEAD_LEN + place * V1_LEN;

        if (record_is_zero(bytes, V1_LEN))
            continue;
        bytes[60] ^= 1;
        damaged++;
    }
    lay_down();
    store = open_store();
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK && admission.answer == LOCKOUT_ADMITTED,
          "a damaged slot keeps nobody out");
    check_number(admission.damaged_slots, 3, "each that was lost is reported");
    check(lockout_admit(&store, &usual, &visitor, &admission) == STORE_OK && admission.damaged_slots == 0, "once");
    check_number(count_kept(&store), SOME + 2 - 3, "and all others are kept");
    check(is_clean(&store, &findings), "in a whole table");
    store_close(&store);
    scratch_empty();
}

/* One flaw after the other in the head of the usual table. */
static void test_damaged_head(void)
{
    static const struct {
        const char *what;
        size_t at;
        unsigned lost; /* sources and networks */
        bool counters_lost;
    } flaws[] = {
        {"the first header", 40, 0, false},
        {"the second header", V1_COPY_AT + 40, 0, false},
        {"the counters", V1_LEN + 8, 0, true},
        {"a byte that is to be zero", 200, 0, false},
        {"a network", V1_NETWORKS_AT + 3 * V1_LEN + 10, 1, false},
        {"a network that is not in use", V1_NETWORKS_AT + 4 * V1_LEN + 10, 0, false},
    };
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        some_table();
        old.bytes[flaws[i].at] ^= 1;
        lay_down();
        store = open_store();
        check(hold_once(&store) == STORE_DAMAGED && is_untouched(),
              "I8: with %s damaged nobody gets in, and nothing is done", flaws[i].what);
        check(repair_verify(&store, NULL, NULL, &findings) == STORE_OK && findings.head == STORE_OLD,
              "verify sees an old table");
        check(repair(&store, 0, &report) == STORE_OK && report.counters_lost == flaws[i].counters_lost &&
                  report.kept == SOME + 2 - flaws[i].lost && is_clean(&store, &findings) &&
                  count_kept(&store) == SOME + 2 - flaws[i].lost,
              "repair keeps what is whole");
        check(flaws[i].counters_lost ? store.counters.seed > some_counters.seed : has_some_counters(&store),
              "and the counters, or begins far behind them");
        store_close(&store);
        scratch_empty();
    }
}

static void test_length(void)
{
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    some_table();
    scratch_need(truncate(scratch_path("lockout"), (off_t)old_len() - 32 * V1_LEN - 7) == 0, "truncate");
    store = open_store();
    check(hold_once(&store) == STORE_DAMAGED, "I8: one that is too short lets nobody in");
    check(repair(&store, 0, &report) == STORE_OK && is_clean(&store, &findings) && report.kept < SOME + 2 &&
              report.kept > 2,
          "and repair keeps what is left of it");
    store_close(&store);

    some_table();
    scratch_need(truncate(scratch_path("lockout"), (off_t)old_len() + V1_LEN) == 0, "truncate");
    store = open_store();
    check(hold_once(&store) == STORE_DAMAGED && repair(&store, 0, &report) == STORE_OK &&
              count_kept(&store) == SOME + 2,
          "so it is with one that is too long");
    store_close(&store);

    some_table();
    scratch_need(truncate(scratch_path("lockout"), V1_COPY_AT + V1_LEN) == 0, "truncate");
    store = open_store();
    check(hold_once(&store) == STORE_DAMAGED && repair(&store, 0, &report) != STORE_OK,
          "of one that ends in its head nothing can be kept");
    store_close(&store);
    scratch_empty();
}

static void test_key_lost(void)
{
    const struct repair_order anew = {.give_up = true, .moment = now};
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    some_table();
    old.bytes[40] ^= 1;
    old.bytes[V1_COPY_AT + 40] ^= 1;
    lay_down();
    store = open_store();
    check(hold_once(&store) == STORE_DAMAGED && repair(&store, 0, &report) == STORE_KEY_LOST && is_untouched(),
          "without a header nothing can be kept, and nothing is done unasked");
    check(repair_table(&store, &anew, &report) == STORE_OK && report.kept == 0 && is_clean(&store, &findings),
          "asked, repair begins an empty table");
    store_close(&store);
    scratch_empty();

    /* Whole by its check, and of a size that no table has. */
    begin_old(64);
    old.places = 63;
    put_header();
    lay_down();
    store = open_store();
    check(hold_once(&store) == STORE_DAMAGED && repair(&store, 0, &report) == STORE_KEY_LOST && is_untouched(),
          "nor with one that has a size of no table");
    store_close(&store);
    scratch_empty();
}

/* I8: each byte of an old table changed, one at a time: it is seen, or does not matter. */
static void test_every_byte(void)
{
    unsigned let_in = 0, touched = 0, lost = 0, denied = 0, used = 0;
    struct repair_report report;
    struct store store;

    some_table();
    for (size_t i = 0; i < old_len(); i++) {
        const uint8_t change = (uint8_t)(1 + i % 255);
        const bool in_head = i < V1_HEAD_LEN;
        enum store_fault fault;

        old.bytes[i] ^= change;
        lay_down();
        store = open_store();
        fault = hold_once(&store);
        if (in_head) {
            let_in += fault != STORE_DAMAGED;
            touched += !is_untouched();
            denied++;
            scratch_need(repair(&store, 0, &report) == STORE_OK, "repair");
            lost += report.kept + report.damaged < SOME + 2 || count_kept(&store) != report.kept;
        } else {
            lost += fault != STORE_OK || store.lost != 1 || count_kept(&store) < SOME + 1;
            used++;
        }
        store_close(&store);
        old.bytes[i] ^= change;
    }
    check_number(denied, V1_HEAD_LEN, "each byte of the head was changed");
    check_number(let_in, 0, "I8: each time it is seen");
    check_number(touched, 0, "and the table left alone until it is repaired");
    check_number(used, 64 * V1_LEN, "and each byte of the slots");
    check_number(lost, 0, "what is whole is kept, and what is not is counted");
    scratch_empty();
}

/* ---- Leftovers ---- */

static void test_leftovers(void)
{
    static const uint8_t garbage[5000] = {1, 2, 3};
    struct stat info;
    struct store store;

    some_table();
    scratch_write_file(scratch_path("lockout.convert"), garbage, sizeof garbage);
    store = open_store();
    check(hold_once(&store) == STORE_OK && count_kept(&store) == SOME + 2 && !is_there("lockout.convert"),
          "what a killed conversion has left is not in the way of the next one");
    store_close(&store);

    some_table();
    scratch_write_file(scratch_path("other"), garbage, sizeof garbage);
    scratch_need(symlink("other", scratch_path("lockout.convert")) == 0, "symlink");
    store = open_store();
    check(hold_once(&store) == STORE_OK && stat(scratch_path("other"), &info) == 0 && info.st_size == sizeof garbage,
          "nothing is written through a symbolic link");
    store_close(&store);

    some_table();
    scratch_need(mkdir(scratch_path("lockout.convert"), 0700) == 0, "mkdir");
    store = open_store();
    check(hold_once(&store) == STORE_CANNOT_CREATE && is_untouched(),
          "I8: where the new table cannot be made nobody gets in, and the old one stays");
    scratch_need(rmdir(scratch_path("lockout.convert")) == 0, "rmdir");
    check(hold_once(&store) == STORE_OK && count_kept(&store) == SOME + 2, "until it can be made");
    store_close(&store);
    scratch_empty();
}

/* A repair by version 1, killed behind its mark: the table is half of one size and half of another. */
static void interrupt_repair(uint64_t number)
{
    some_table();
    old.rebuild = number;
    put_header();
    lay_down_as("lockout.rebuild");
    memset(old.bytes + V1_HEAD_LEN, 0, old_len() - V1_HEAD_LEN);
    lay_down();
}

static void test_interrupted_repair(void)
{
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    interrupt_repair(5);
    store = open_store();
    check(hold_once(&store) == STORE_REBUILDING && is_untouched(),
          "I8: where a repair by version 1 was interrupted nobody gets in");
    check(repair(&store, 0, &report) == STORE_OK && report.kept == SOME + 2 && is_clean(&store, &findings) &&
              count_kept(&store) == SOME + 2 && has_some_counters(&store),
          "and the next repair takes all from its copy");
    check(!is_there("lockout.rebuild") && !is_there("lockout.convert"), "of which nothing is left");
    store_close(&store);

    interrupt_repair(5);
    store = open_store();
    copy_stays = true;
    check(repair(&store, 0, &report) == STORE_CANNOT_WRITE && is_there("lockout.rebuild"),
          "a copy that cannot be removed is an error");
    copy_stays = false;
    check(hold_once(&store) == STORE_OK && count_kept(&store) == SOME + 2, "behind which the table is whole");
    store_close(&store);

    /* The same table, whose copy is another's: what there is in the table itself is kept. */
    some_table();
    old.rebuild = 6;
    put_header();
    lay_down();
    old.rebuild = 7;
    put_header();
    memset(old.bytes + V1_HEAD_LEN, 0, old_len() - V1_HEAD_LEN);
    lay_down_as("lockout.rebuild");
    store = open_store();
    check(repair(&store, 0, &report) == STORE_OK && report.kept == SOME + 2 && count_kept(&store) == SOME + 2,
          "a copy of another repair is not taken up");
    store_close(&store);

    /* And one that is cut short. */
    interrupt_repair(5);
    scratch_need(truncate(scratch_path("lockout.rebuild"), (off_t)old_len() - 1) == 0, "truncate");
    store = open_store();
    check(repair(&store, 0, &report) == STORE_OK && report.kept == 2 && is_clean(&store, &findings),
          "nor is one that is not whole");
    store_close(&store);

    /* A copy that outlived the conversion is none of today's. */
    interrupt_repair(5);
    store = open_store();
    scratch_need(repair(&store, 0, &report) == STORE_OK, "repair");
    lay_down_as("lockout.rebuild");
    check(hold_once(&store) == STORE_OK && repair(&store, 0, &report) == STORE_OK && !report.finished_earlier &&
              count_kept(&store) == SOME + 2,
          "and one that was left behind does no harm");
    store_close(&store);
    scratch_empty();
}

static void test_other_size(void)
{
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    some_table();
    store = open_store();
    check(repair(&store, 1000, &report) == STORE_OK && report.kept == SOME + 2 && report.places == 1000 &&
              is_clean(&store, &findings) && findings.places == 1000 && count_kept(&store) == SOME + 2,
          "repair converts to another size where it is asked to");
    store_close(&store);
    scratch_empty();
}

/* ---- Who may do it ---- */

static void test_read_only(void)
{
    struct repair_findings findings;
    enum lockout_answer answer;
    const struct source source = scratch_source(1);
    struct content content = {.count = 0};
    struct store store;

    some_table();
    scratch_need(scratch_try(&store, 64, true, 1000) == STORE_OK, "open");
    check(hold_once(&store) == STORE_OLD && manage_each(&store, &now, collect, &content, NULL) == STORE_OLD &&
              lockout_look(&store, &(struct lockout_visitor){.source = &source, .now = now}, &answer, NULL) ==
                  STORE_OLD &&
              answer != LOCKOUT_ADMITTED,
          "who may only read is told that the table is an old one");
    check(repair_verify(&store, NULL, NULL, &findings) == STORE_OK && findings.head == STORE_OLD &&
              !repair_is_clean(&findings),
          "and so is verify");
    check(is_untouched() && !is_there("lockout.convert"), "which changes nothing");
    store_close(&store);
    scratch_empty();
}

/* An administrator converts it, and the handler that it belongs to may still use it. */
static void test_owner(void)
{
    struct stat info;
    struct store store;

    if (geteuid() != 0)
        return;
    some_table();
    scratch_need(chmod(scratch_path("lockout"), 0640) == 0 && chown(scratch_path("lockout"), 0, 65533) == 0, "chown");
    store = open_store();
    check(hold_once(&store) == STORE_OK && stat(scratch_path("lockout"), &info) == 0 && info.st_gid == 65533 &&
              (info.st_mode & 07777) == 0640,
          "the group that could read the old table can read the new one");
    store_close(&store);
    scratch_empty();
}

static int convert_and_look(unsigned number)
{
    struct store store;

    (void)number;
    if (setegid(65534) != 0 || seteuid(65534) != 0 || scratch_try(&store, 64, false, 20000) != STORE_OK)
        return 1;
    store.options.now = now;
    return hold_once(&store) == STORE_OK ? 0 : 2;
}

static void test_other_owner(void)
{
    unsigned results[256];
    struct store store;

    if (geteuid() != 0)
        return;
    some_table();
    scratch_need(chown(scratch_dir, 65534, 65534) == 0 && chown(scratch_path("lockout"), 65534, 65534) == 0, "chown");
    scratch_crowd(1, convert_and_look, results);
    check_number(results[0], 1, "whose the table is converts it");
    scratch_need(chown(scratch_dir, 0, 0) == 0 && chown(scratch_path("lockout"), 0, 0) == 0, "chown");
    store = open_store();
    check_number(count_kept(&store), SOME + 2, "and loses nothing");
    store_close(&store);
    scratch_empty();
}

/* ---- Many at once, and those who are killed ---- */

static int strike(unsigned number)
{
    const struct source source = scratch_source(1000);
    struct lockout_charge got;
    struct store store;

    (void)number;
    if (scratch_try(&store, 64, false, 20000) != STORE_OK)
        return 0;
    store.options.now = now;
    if (charge(&store, &source, &got) != STORE_OK)
        return 0;
    return (int)got.strikes;
}

/* The first one sits on the old file's lock for as long as it takes the others to wait for it. */
static int strike_while_held(unsigned number)
{
    const struct timespec pause = {.tv_nsec = 300000000};

    if (number == 0) {
        const int fd = open(scratch_path("lockout"), O_RDONLY);

        if (fd < 0 || flock(fd, LOCK_EX) != 0)
            return 0;
        nanosleep(&pause, NULL);
        close(fd);
    }
    return strike(number);
}

static void test_at_once(void)
{
    struct repair_findings findings;
    unsigned results[256];
    struct store store;
    unsigned once;

    for (unsigned round = 0; round < 5; round++) {
        some_table();
        scratch_crowd(30, round == 0 ? strike_while_held : strike, results);
        once = 0;
        for (unsigned i = 1; i <= 30; i++)
            once += results[i] == 1;
        store = open_store();
        check(once == 30 && is_clean(&store, &findings) && count_kept(&store) == SOME + 2 &&
                  !is_there("lockout.convert"),
              "30 processes at once convert a table, and lose none of 30 strikes");
        store_close(&store);
    }
    scratch_empty();
}

static void strike_elsewhere(void)
{
    unsigned results[256];

    scratch_crowd(1, strike, results);
    scratch_need(results[1] == 1, "the other's strike");
}

/* Between finding the old table and having its lock again, for converting it. */
static void test_overtaken(void)
{
    struct repair_findings findings;
    struct store store;

    some_table();
    do_before_lock = strike_elsewhere;
    locks_until = 2;
    check_number((uint64_t)strike(0), 2, "who finds that another was faster to convert works in the new table");
    check_number(locks_until, 0, "which he was");
    store = open_store();
    check(is_clean(&store, &findings) && count_kept(&store) == SOME + 2, "and nothing is lost");
    store_close(&store);
    scratch_empty();
}

static void test_killed(void)
{
    unsigned nth = 0, not_whole = 0, lost = 0, left = 0, old_ones = 0, new_ones = 0;
    const struct source source = scratch_source(1000);
    struct repair_findings findings;
    struct lockout_charge got;
    struct store store;
    int result = -1;
    bool killed;

    do {
        some_table();
        killed = scratch_killed_at(++nth, strike, &result);
        const bool is_old = is_untouched();
        store = open_store();
        old_ones += is_old;
        new_ones += !is_old;
        not_whole += !is_old && !is_clean(&store, &findings);
        lost += charge(&store, &source, &got) != STORE_OK || count_kept(&store) != SOME + 2 ||
                got.strikes < 1 + (uint64_t)!killed || got.strikes > 2;
        left += is_there("lockout.convert");
        store_close(&store);
    } while (killed);
    check(result == 1 && old_ones > 10 && new_ones > 3,
          "a conversion was killed at each of its %u system calls, %u times before it had an effect", nth - 1,
          old_ones);
    check_number(not_whole, 0, "there always is a whole table of either version");
    check_number(lost, 0, "and nothing is lost");
    check_number(left, 0, "nor left behind for ever");
    scratch_empty();
}

static int repair_old(unsigned number)
{
    struct repair_report report;
    struct store store;

    (void)number;
    if (scratch_try(&store, 64, false, 20000) != STORE_OK)
        return 1;
    return repair(&store, 0, &report) == STORE_OK ? 0 : 2;
}

/* Behind the mark of version 1's repair the table alone is half of one: all depends on the copy. */
static void test_repair_killed(void)
{
    unsigned nth = 0, let_in = 0, lost = 0, left = 0;
    struct repair_findings findings;
    struct repair_report report;
    struct store store;
    int result = -1;
    bool killed;

    do {
        interrupt_repair(5);
        killed = scratch_killed_at(++nth, repair_old, &result);
        store = open_store();
        let_in += hold_once(&store) == STORE_OK && count_kept(&store) != SOME + 2;
        lost +=
            repair(&store, 0, &report) != STORE_OK || count_kept(&store) != SOME + 2 || !is_clean(&store, &findings);
        left += is_there("lockout.convert") + is_there("lockout.rebuild");
        store_close(&store);
    } while (killed);
    check(result == 0 && nth > 20, "the repair of an old table was killed at each of its %u system calls", nth - 1);
    check_number(let_in, 0, "I8: half a table lets nobody in");
    check_number(lost, 0, "and the next repair finds all of it");
    check_number(left, 0, "and leaves nothing behind");
    scratch_empty();
}

static void test_usual(const char *directory)
{
    test_all_of_it();
    test_golden(directory);
    test_full(64);
    test_full(V1_PLACES_MAX);
    test_crowded();
    test_in_force();
    test_sources_of_old();
    test_too_many_networks();
    test_wrong_future();
    test_damaged_slots();
    test_damaged_head();
    test_length();
    test_key_lost();
    test_leftovers();
    test_interrupted_repair();
    test_other_size();
    test_read_only();
    test_owner();
    test_other_owner();
    test_at_once();
    test_overtaken();
}

static void test_exhaustive(void)
{
    test_every_byte();
    if (scratch_can_trace()) {
        test_killed();
        test_repair_killed();
    }
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    scratch_begin();
    if (exhaustive)
        test_exhaustive();
    else
        test_usual(argv[1]);
    scratch_end();
    return check_end();
}
