/* SPDX-License-Identifier: ISC */
/* The table as a file: golden tables, damage, unsafe files, creation, the lock, repair. Arguments: see
 * scratch_is_exhaustive. */
#include "buckets.h"
#include "check.h"
#include "closed.h"
#include "create.h"
#include "head.h"
#include "manage.h"
#include "repair.h"
#include "scratch.h"
#include "slot.h"

#include <sys/file.h>
#include <sys/time.h>
#include <time.h>

#define NOW            SCRATCH_NOW
#define GOLDEN_LEN     16384
#define GOLDEN_BEHIND  3600 /* s: table time of the golden tables is so much less than the wall clock's */
#define GOLDEN_BOOT_MS 5000000

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = 86400, .strike_time = 3600};

/* The moment at which the golden tables were written. */
static const struct moment now = {
    .boot_id = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf},
    .boot_ms = GOLDEN_BOOT_MS,
    .wall_ms = NOW * 1000,
};

static uint8_t golden[GOLDEN_LEN];
static uint8_t golden_networks[GOLDEN_LEN];
static uint8_t golden_enclosing[GOLDEN_LEN];

static void read_golden(const char *directory, const char *name, uint8_t bytes[static GOLDEN_LEN])
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    const int fd = open(path, O_RDONLY);
    scratch_need(fd >= 0 && read(fd, bytes, GOLDEN_LEN) == GOLDEN_LEN && close(fd) == 0, "reading a golden table");
}

static void lay_down(const uint8_t bytes[static GOLDEN_LEN])
{
    scratch_write_file(scratch_path("lockout"), bytes, GOLDEN_LEN);
}

static enum store_fault hold_once(struct store *store)
{
    const enum store_fault fault = store_hold(store, HOLD_SHARED, &now);

    store_release(store);
    return fault;
}

/* The decoded content of a table: what a program can learn from it. */
struct content {
    struct record_slot slots[400];
    unsigned count;
    struct manage_totals totals;
};

static bool collect(void *context, const struct manage_entry *entry)
{
    struct content *content = context;

    if (content->count < 400)
        content->slots[content->count++] = *entry->slot;
    return true;
}

static enum store_fault list(struct store *store, struct content *content)
{
    memset(content, 0, sizeof *content);
    return manage_each(store, &now, collect, content, &content->totals);
}

static bool same_slot(const struct record_slot *a, const struct record_slot *b)
{
    const uint8_t key[SIPHASH_KEY_LEN] = {0};
    uint8_t left[RECORD_LEN];
    uint8_t right[RECORD_LEN];

    record_encode_slot(a, key, 0, left);
    record_encode_slot(b, key, 0, right);
    return memcmp(left, right, RECORD_LEN) == 0;
}

/* Are the slots of some a subset of those of all, in order? */
static bool is_part_of(const struct content *some, const struct content *all)
{
    unsigned at = 0;

    for (unsigned i = 0; i < all->count && at < some->count; i++)
        at += same_slot(&some->slots[at], &all->slots[i]);
    return at == some->count;
}

static const struct record_slot *find(const struct content *content, const uint8_t *start, size_t len)
{
    for (unsigned i = 0; i < content->count; i++)
        if (memcmp(content->slots[i].source.address, start, len) == 0)
            return &content->slots[i];
    return NULL;
}

static bool is_clean(struct store *store, struct repair_findings *findings)
{
    return repair_verify(store, NULL, NULL, findings) == STORE_OK && repair_is_clean(findings);
}

/* --- golden tables --- */

static void test_golden(void)
{
    static const uint8_t v6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2};
    static const uint8_t v4[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 8};
    static const uint8_t struck[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
    struct repair_findings findings;
    const struct record_slot *slot;
    struct content content;
    struct store store;

    lay_down(golden);
    store = scratch_open(4096);
    check(hold_once(&store) == STORE_OK, "the golden table is one");
    check(store.header.places == 64 && store.header.key[15] == 15, "of 64 places: TABLE_SIZE does not change it");
    check(store.counters.seed == 1000 && store.counters.total_errors == 7 && store.counters.epoch == 3 &&
              store.counters.pace.first_ms == (NOW - GOLDEN_BEHIND) * 1000 + 500 && store.counters.pace.taken == 9,
          "with these counters");
    check(store.counters.doors[DOOR_KNOCK].errors == 5 && store.counters.doors[DOOR_SEALED].errors == 2 &&
              store.counters.doors[DOOR_SEALED].closing == 0,
          "and the errors of each door");
    check_number(store.now_ms, (NOW - GOLDEN_BEHIND) * 1000, "and this table time");
    check_number(store.counters.mark.latest_ms, (NOW + 60) * 1000, "which has seen a later clock");
    check(list(&store, &content) == STORE_OK && content.count == 4 && content.totals.used == 4, "and four sources");
    slot = find(&content, v6, sizeof v6);
    check(slot != NULL && slot->locked && slot->by_hand && slot->lock_judged && slot->locked_until == RECORD_FOREVER &&
              slot->generation == 200 && slot->refusals == 70000 && slot->source.prefix == 64 && slot->epoch == 2,
          "2001:db8:1:2::/64 is locked by hand for ever");
    slot = find(&content, v4, sizeof v4);
    check(slot != NULL && slot->locked && !slot->by_hand && slot->locked_until == NOW - 60 + 86400 &&
              slot->strikes == 3 && slot->errors == 8 && slot->last_seen == NOW - 1 && slot->last_strike == NOW - 60,
          "192.0.2.8 for a day, by the wall clock");
    slot = find(&content, struck, sizeof struck);
    check(slot != NULL && !slot->locked && slot->strikes == 2 && slot->epoch == 3 && slot->errors == 2 &&
              slot->pace.first_ms == (NOW - GOLDEN_BEHIND) * 1000 + 5000 && slot->pace.taken == 5,
          "192.0.2.7 has two strikes and two places in the pace");
    check(is_clean(&store, &findings) && findings.whole == 4, "verify finds nothing, in the right buckets");
    store_close(&store);

    lay_down(golden_networks);
    store = scratch_open(64);
    check(list(&store, &content) == STORE_OK && content.count == 6 && content.totals.networks == 2,
          "the other golden table has two networks more");
    check_number(store.counters.networks, UINT64_C(1) << 55 | 1, "the first and the last");
    check(is_clean(&store, &findings), "and is clean");
    store_close(&store);
    scratch_empty();
}

static void test_golden_enclosing(void)
{
    static const uint8_t address[] = {0x20, 0x01, 0x0d, 0xb8, 0, 5, 6, 7};
    const struct source source = {.address = {0x20, 0x01, 0x0d, 0xb8, 0, 5, 6, 7}, .prefix = 64};
    const struct lockout_visitor visitor = {.source = &source, .enclosed = true, .now = now};
    struct repair_findings findings;
    enum lockout_answer answer;
    struct lockout_bar bar;
    struct content content;
    struct store store;

    lay_down(golden_enclosing);
    store = scratch_open(64);
    check(list(&store, &content) == STORE_OK && content.count == 4 && is_clean(&store, &findings),
          "the golden table with networks of strikes has a source and three of these, in the right buckets");
    check(find(&content, address, sizeof address) != NULL &&
              find(&content, address, sizeof address)->accepted == NOW - 86400,
          "the source was accepted a day ago");
    check(lockout_look(&store, &visitor, &answer, &bar) == STORE_OK && answer == LOCKOUT_REFUSED_LOCKED &&
              bar.is_network && bar.network.prefix == 48,
          "and its /48 is locked");
    store_close(&store);
    scratch_empty();
}

/* Of a network that is not in use nothing is read. */
static bool has_meaning(unsigned at, uint64_t networks)
{
    return at < RECORD_NETWORKS_AT || at >= RECORD_HEAD_LEN ||
           (networks >> ((at - RECORD_NETWORKS_AT) / RECORD_LEN) & 1) != 0;
}

/* I8: each byte of a table changed, one at a time. */
static void change_every_byte(const uint8_t table[static GOLDEN_LEN], const char *name)
{
    unsigned admitted_wrong = 0, unseen = 0, unread = 0, let_in = 0;
    struct repair_findings findings;
    struct content all, content;
    struct store store;
    uint64_t networks;
    uint8_t byte;

    lay_down(table);
    store = scratch_open(64);
    scratch_need(list(&store, &all) == STORE_OK, "list");
    networks = store.counters.networks;
    for (unsigned i = 0; i < GOLDEN_LEN; i++) {
        byte = table[i] ^ (uint8_t)(1 + i % 255);
        scratch_poke("lockout", (off_t)i, &byte, 1);
        if (has_meaning(i, networks))
            unseen += is_clean(&store, &findings);
        else
            unread += is_clean(&store, &findings) && list(&store, &content) == STORE_OK && content.count == all.count;
        if (i < RECORD_NETWORKS_AT)
            let_in += hold_once(&store) != STORE_DAMAGED;
        if (list(&store, &content) == STORE_OK)
            admitted_wrong += !is_part_of(&content, &all) || content.count + content.totals.damaged < all.count;
        scratch_poke("lockout", (off_t)i, &table[i], 1);
    }
    check_number(unseen, 0, name);
    check_number(admitted_wrong, 0, "I8: and none is read as something else");
    check_number(let_in, 0, "I8: nor is anybody let in with one in the head");
    check_number(unread, RECORD_LEN * (RECORD_NETWORKS - all.totals.networks),
                 "where a network could be, and none is in use, it does not matter what is written");
    check(is_clean(&store, &findings), "put back, it is whole again");
    store_close(&store);
    scratch_empty();
}

static void test_every_length(void)
{
    unsigned accepted = 0;
    struct store store;

    lay_down(golden);
    store = scratch_open(64);
    for (off_t len = 0; len < GOLDEN_LEN; len++) {
        lay_down(golden);
        scratch_need(truncate(scratch_path("lockout"), len) == 0, "truncate");
        accepted += hold_once(&store) != STORE_DAMAGED;
    }
    check_number(accepted, 0, "I8: every truncation is damage");
    lay_down(golden);
    scratch_need(truncate(scratch_path("lockout"), GOLDEN_LEN + RECORD_LEN) == 0, "truncate");
    check(hold_once(&store) == STORE_DAMAGED, "and so is a slot too many");
    store_close(&store);
    scratch_empty();
}

static void test_empty_file(void)
{
    struct lockout_admission got;
    const struct source source = scratch_source(1);
    struct store store;

    scratch_write_file(scratch_path("lockout"), golden, 0);
    store = scratch_open(64);
    check(lockout_admit(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                        &got) == STORE_DAMAGED &&
              got.answer != LOCKOUT_ADMITTED,
          "an empty file is not completed in silence");
    store_close(&store);
    scratch_empty();
}

/* --- unsafe files --- */

static void check_refused(enum store_fault want, const char *what)
{
    struct store store;
    const enum store_fault fault = scratch_try(&store, 64, false, 100);

    if (!check(fault == want && store.table_fd == -1 && store.dir_fd == -1, "I8: %s is refused", what))
        printf("# got %u, want %u\n", (unsigned)fault, (unsigned)want);
    check(strlen(store_fault_text(fault)) > 20, "with a word on what to do");
    store_close(&store);
    scratch_empty();
}

static void test_unsafe_files(void)
{
    scratch_need(mkdir(scratch_path("lockout"), 0700) == 0, "mkdir");
    check_refused(STORE_NOT_REGULAR, "a directory");
    scratch_write_file(scratch_path("other"), golden, GOLDEN_LEN);
    scratch_need(symlink("other", scratch_path("lockout")) == 0, "symlink");
    check_refused(STORE_NOT_REGULAR, "a symbolic link");
    scratch_need(mkfifo(scratch_path("lockout"), 0600) == 0, "mkfifo");
    check_refused(STORE_NOT_REGULAR, "a FIFO, without waiting,");
    lay_down(golden);
    scratch_need(chmod(scratch_path("lockout"), 0602) == 0, "chmod");
    check_refused(STORE_WRITABLE, "a table writable by others");
    lay_down(golden);
    scratch_need(chmod(scratch_path("lockout"), 0620) == 0, "chmod");
    check_refused(STORE_WRITABLE, "a table writable by a group");
    lay_down(golden);
    scratch_need(chmod(scratch_path("lockout"), 0604) == 0, "chmod");
    check_refused(STORE_READABLE, "a table readable by others");
    if (geteuid() == 0) {
        lay_down(golden);
        scratch_need(chown(scratch_path("lockout"), 12345, 0) == 0, "chown");
        check_refused(STORE_FOREIGN_OWNER, "a table of somebody else");
    }
}

static void test_unsafe_directory(void)
{
    struct stat info;

    scratch_need(chmod(scratch_dir, 0770) == 0, "chmod");
    check_refused(STORE_DIRECTORY_OPEN, "a directory writable by a group");
    scratch_need(chmod(scratch_dir, 0755) == 0, "chmod");
    check_refused(STORE_DIRECTORY_OPEN, "a directory that others can open, and lock");
    scratch_need(chmod(scratch_dir, 0700) == 0, "chmod");
    if (geteuid() == 0) {
        scratch_need(chown(scratch_dir, 12345, 0) == 0, "chown");
        check_refused(STORE_DIRECTORY_OWNER, "a directory of somebody else");
        scratch_need(chown(scratch_dir, 0, 0) == 0, "chown");
    }
    check(stat(scratch_path("lockout"), &info) != 0, "and nothing was made in them");
}

static void test_absent(void)
{
    const struct store_options nowhere = {.directory = scratch_path("other"), .places = 64, .patience_ms = 100};
    struct store store;
    struct stat info;

    check(store_open(&nowhere, &store) == STORE_NO_DIRECTORY, "a directory that does not exist is not made");
    scratch_need(symlink(".", scratch_path("other")) == 0, "symlink");
    check(store_open(&nowhere, &store) == STORE_DIRECTORY_CANNOT_OPEN, "a symbolic link is no state directory");
    check(scratch_try(&store, 64, true, 100) == STORE_ABSENT && stat(scratch_path("lockout"), &info) != 0,
          "reading alone makes no table");
    scratch_empty();
}

/* --- the lock --- */

static uint64_t monotonic_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void test_locked_for_ever(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction action;
    struct itimerval timer;
    struct lockout_admission got;
    const struct source source = scratch_source(1);
    struct store store;
    uint64_t begin;
    int fd;

    lay_down(golden);
    scratch_need(scratch_try(&store, 64, false, 200) == STORE_OK, "open");
    fd = open(scratch_path("lockout"), O_RDONLY);
    scratch_need(fd >= 0 && flock(fd, LOCK_EX) == 0, "flock");
    sigaction(SIGALRM, &ignore, NULL);
    begin = monotonic_ms();
    check(lockout_admit(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                        &got) == STORE_BUSY &&
              got.answer != LOCKOUT_ADMITTED,
          "I8: a lock that another process never gives back lets nobody in");
    check(monotonic_ms() - begin >= 200 && monotonic_ms() - begin < 5000, "and holds nobody beyond the limit");
    sigaction(SIGALRM, NULL, &action);
    getitimer(ITIMER_REAL, &timer);
    check(action.sa_handler == SIG_IGN && timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0 &&
              timer.it_interval.tv_usec == 0,
          "SIGALRM and its timer are as they were");
    close(fd);
    check(lockout_admit(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                        &got) == STORE_OK,
          "once it is free, it is had");
    store_close(&store);

    fd = open(scratch_dir, O_RDONLY | O_DIRECTORY);
    scratch_empty();
    scratch_need(fd >= 0 && flock(fd, LOCK_EX) == 0, "flock");
    check(scratch_try(&store, 64, false, 100) == STORE_BUSY, "the same for creating a table");
    close(fd);
    scratch_empty();
}

static void test_deleted(void)
{
    char moved[SCRATCH_PATH_LEN + 40];
    struct store old = scratch_open(64);
    struct store young;
    struct lockout_charge charge;
    const struct source source = scratch_source(1);

    scratch_need(unlink(scratch_path("lockout")) == 0, "unlink");
    young = scratch_open(64);
    scratch_need(lockout_charge(&old, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                                &charge) == STORE_OK,
                 "charge");
    scratch_need(lockout_charge(&young, &usual,
                                &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                                &charge) == STORE_OK,
                 "charge");
    check_number(charge.strikes, 2, "after the table was deleted, old and new processes work on the same new one");
    snprintf(moved, sizeof moved, "%s/other", scratch_dir);
    scratch_need(rename(scratch_path("lockout"), moved) == 0, "rename");
    scratch_need(lockout_charge(&old, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                                &charge) == STORE_OK,
                 "charge");
    check_number(charge.strikes, 1, "one that was moved away is no longer used either");
    store_close(&old);
    store_close(&young);
    scratch_empty();
}

/* --- creation --- */

static int create_and_strike(unsigned number)
{
    const struct source source = scratch_source(1);
    struct lockout_charge charge;
    struct store store;

    (void)number;
    if (scratch_try(&store, 100, false, 20000) != STORE_OK)
        return 0;
    if (lockout_charge(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = true, .now = now},
                       &charge) != STORE_OK)
        return 0;
    return (int)charge.strikes;
}

static void test_creation_race(void)
{
    struct repair_findings findings;
    unsigned results[256];
    unsigned once = 0;
    struct store store;
    struct stat info;

    scratch_crowd(50, create_and_strike, results);
    for (unsigned i = 1; i <= 50; i++)
        once += results[i] == 1;
    check_number(once, 50, "50 processes at once make one table, and lose none of 50 strikes");
    store = scratch_open(64);
    check(is_clean(&store, &findings) && findings.places == 104, "which is whole, and rounded up to whole buckets");
    scratch_need(stat(scratch_path("lockout"), &info) == 0, "stat");
    check((info.st_mode & 07777) == 0600 && info.st_size == 8192 + 128 * 104,
          "with mode 0600, as long as FORMAT.md says");
    check(stat(scratch_path("lockout.new"), &info) != 0, "and nothing else is left");
    store_close(&store);
    scratch_empty();
}

static int create_alone(unsigned number)
{
    struct store store;

    (void)number;
    return scratch_try(&store, 64, false, 1000) == STORE_OK ? 0 : 1;
}

static void test_creation_killed(void)
{
    struct repair_findings findings;
    unsigned nth = 1, bad = 0;
    int result = -1;
    struct store store;

    for (; scratch_killed_at(nth, create_alone, &result); nth++) {
        bad += scratch_try(&store, 64, false, 1000) != STORE_OK || !is_clean(&store, &findings);
        store_close(&store);
        scratch_empty();
    }
    check(result == 0 && nth > 10, "creation was killed at each of its %u system calls", nth - 1);
    check_number(bad, 0, "the next process always had a whole table");
    scratch_empty();
}

static void test_seed_of_later_table(void)
{
    struct store store = scratch_open(64);
    uint64_t seed;

    scratch_need(hold_once(&store) == STORE_OK, "hold");
    seed = store.counters.seed;
    store_close(&store);
    scratch_empty();
    store = scratch_open(64);
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    check(store.counters.seed > seed + 1000, "I5: a later table's seed numbers begin behind an earlier one's");
    store_close(&store);
    scratch_empty();
}

/* --- listing --- */

static void test_list_changes_nothing(void)
{
    const struct timespec past[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1100000000}};
    uint8_t after[GOLDEN_LEN];
    struct repair_findings findings;
    struct content content;
    struct store store;
    struct stat info;
    bool closed;
    char line[CLOSED_LINE_LEN];

    lay_down(golden_networks);
    scratch_need(utimensat(AT_FDCWD, scratch_path("lockout"), past, 0) == 0, "utimensat");
    scratch_need(scratch_try(&store, 64, true, 1000) == STORE_OK, "open");
    scratch_need(list(&store, &content) == STORE_OK && is_clean(&store, &findings), "list");
    scratch_need(closed_read(store.dir_fd, DOOR_EVERY, &closed, line) == STORE_OK, "closed_read");
    store_close(&store);
    scratch_need(stat(scratch_path("lockout"), &info) == 0, "stat");
    check(info.st_mtim.tv_sec == 1100000000 && info.st_atim.tv_sec == 1000000000,
          "listing leaves the times as they were");
    scratch_read_file("lockout", after, sizeof after);
    check(memcmp(after, golden_networks, sizeof after) == 0, "and the bytes");
    scratch_empty();
}

static bool try_the_lock(void *context, const struct manage_entry *entry)
{
    const int fd = open(scratch_path("lockout"), O_RDONLY);
    unsigned *held = context;

    (void)entry;
    *held += flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return true;
}

static void test_list_holds_nobody(void)
{
    struct store store;
    unsigned held = 0;

    lay_down(golden_networks);
    store = scratch_open(64);
    scratch_need(manage_each(&store, &now, try_the_lock, &held, NULL) == STORE_OK, "manage_each");
    check_number(held, 0, "the lock is free while a list is printed");
    store_close(&store);
    scratch_empty();
}

/* --- repair --- */

static enum store_fault repair(struct store *store, uint64_t places, bool give_up, struct repair_report *report)
{
    const struct repair_order order = {.places = places, .give_up = give_up, .moment = now};

    return repair_table(store, &order, report);
}

static void test_repair(void)
{
    static const uint8_t garbage[RECORD_LEN] = {1, 2, 3};
    struct repair_findings findings;
    struct repair_report report;
    struct content all, content;
    struct store store;

    lay_down(golden_networks);
    store = scratch_open(64);
    scratch_need(list(&store, &all) == STORE_OK, "list");
    scratch_poke("lockout", 0, garbage, sizeof garbage);
    check(hold_once(&store) == STORE_DAMAGED, "a damaged first header lets nobody in");
    check(repair(&store, 0, false, &report) == STORE_OK && report.kept == 6 && report.damaged == 0, "repair keeps all");
    check(list(&store, &content) == STORE_OK && content.count == 6 && is_part_of(&content, &all) &&
              store.counters.seed == 1000,
          "with the same content");
    scratch_poke("lockout", RECORD_HEADER_COPY_AT, garbage, sizeof garbage);
    check(hold_once(&store) == STORE_DAMAGED, "a damaged second header lets nobody in either");
    check(repair(&store, 0, false, &report) == STORE_OK && is_clean(&store, &findings), "and is repaired");
    scratch_poke("lockout", RECORD_COUNTERS_AT, garbage, sizeof garbage);
    check(repair(&store, 0, false, &report) == STORE_OK && report.counters_lost && report.kept == 6,
          "damaged counters cost the counters");
    check(hold_once(&store) == STORE_OK && store.counters.seed > 1000000 &&
              store.counters.networks == (UINT64_C(1) << 55 | 1),
          "I5: and seed numbers go on far behind");
    scratch_need(truncate(scratch_path("lockout"), GOLDEN_LEN - RECORD_LEN * 32) == 0, "truncate");
    check(repair(&store, 0, false, &report) == STORE_OK && is_clean(&store, &findings) && findings.places == 64,
          "a truncated table has its length again");
    lay_down(golden);
    scratch_poke("lockout", 0, garbage, sizeof garbage);
    scratch_poke("lockout", RECORD_HEADER_COPY_AT, garbage, sizeof garbage);
    check(repair(&store, 0, false, &report) == STORE_KEY_LOST && hold_once(&store) == STORE_DAMAGED,
          "without a header nothing is kept, and nothing is done unasked");
    check(repair(&store, 0, true, &report) == STORE_OK && report.kept == 0 && is_clean(&store, &findings) &&
              findings.places == 64,
          "asked, it begins an empty table");
    store_close(&store);
    scratch_empty();
}

/* A lock by hand is of a source that has never been seen. */
static void test_repair_without_time(void)
{
    static const uint8_t garbage[RECORD_LEN] = {1, 2, 3};
    const struct manage_target target = {.source = scratch_source(7)};
    struct lockout_visitor visitor = {.source = &target.source, .now = now};
    struct repair_report report;
    enum lockout_answer answer;
    struct store store = scratch_open(64);

    scratch_need(manage_lock(&store, &target, NOW + 60, &now) == STORE_OK, "manage_lock");
    scratch_poke("lockout", RECORD_COUNTERS_AT, garbage, sizeof garbage);
    scratch_need(repair(&store, 0, false, &report) == STORE_OK && report.kept == 1, "repair");
    visitor.now.boot_ms += 59000;
    visitor.now.wall_ms += 59000;
    check(lockout_look(&store, &visitor, &answer, NULL) == STORE_OK && answer == LOCKOUT_REFUSED_LOCKED,
          "I14: without counters, and so without the time, a lock by hand goes on for what it had left");
    visitor.now.boot_ms += 1000;
    visitor.now.wall_ms += 1000;
    check(lockout_look(&store, &visitor, &answer, NULL) == STORE_OK && answer == LOCKOUT_ADMITTED,
          "I14: and ends then");
    store_close(&store);
    scratch_empty();
}

static void test_repair_other_size(void)
{
    struct repair_findings findings;
    struct repair_report report;
    struct content all, content;
    struct lockout_charge charge;
    struct store store = scratch_open(4096);
    struct lockout_policy strict = usual;
    unsigned locked = 0;
    struct stat info;

    strict.max_bad_conns = 1;
    for (uint32_t who = 0; who < 300; who++) {
        const struct source source = scratch_source(who);

        scratch_need(lockout_charge(&store, who % 40 == 0 ? &strict : &usual,
                                    &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                                    &charge) == STORE_OK,
                     "charge");
    }
    scratch_need(list(&store, &all) == STORE_OK && all.count == 300, "list");
    check(repair(&store, 5000, false, &report) == STORE_OK && report.kept == 300 && report.dropped == 0 &&
              is_clean(&store, &findings) && findings.places == 5000,
          "repair into a larger table keeps all");
    check(stat(scratch_path("lockout"), &info) == 0 && info.st_size == 8192 + 128 * 5000,
          "which is as long as it says");
    check(repair(&store, 64, false, &report) == STORE_OK && report.kept + report.dropped == 300 &&
              is_clean(&store, &findings) && findings.places == 64 && findings.whole == report.kept,
          "into a smaller one what there is room for");
    scratch_need(list(&store, &content) == STORE_OK, "list");
    for (unsigned i = 0; i < content.count; i++)
        locked += slot_in_force(&content.slots[i], NOW);
    check_number(locked, 8, "locks first");
    store_close(&store);
    scratch_empty();
}

/* A bucket that is none of the source's. */
static uint64_t first_of_another(const struct record_header *header, const struct source *source)
{
    uint64_t firsts[RECORD_CHOICES];
    uint64_t first = 0;

    record_buckets(header, source, firsts);
    while (first == firsts[0] || first == firsts[1] || first == firsts[2])
        first += RECORD_BUCKET_SLOTS;
    return first;
}

/* A whole record in a bucket where nobody looks for it: no lock for the handler, so it has to be found and put right.
 */
static void test_repair_misplaced(void)
{
    const struct record_slot slot = {.source = scratch_source(1), .strikes = 2, .last_strike = NOW - GOLDEN_BEHIND};
    struct repair_findings findings;
    struct repair_report report;
    struct lockout_charge charge;
    uint8_t bytes[RECORD_LEN];
    struct store store;
    uint64_t wrong;

    lay_down(golden);
    store = scratch_open(64);
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    wrong = first_of_another(&store.header, &slot.source) + 7;
    record_encode_slot(&slot, store.header.key, wrong, bytes);
    scratch_poke("lockout", (off_t)store_slot_at(wrong), bytes, sizeof bytes);
    check(!is_clean(&store, &findings) && findings.damaged == 1, "a record in a bucket not its own is damage");
    check(repair(&store, 0, false, &report) == STORE_OK && is_clean(&store, &findings), "which repair puts right");
    scratch_need(lockout_charge(&store, &usual,
                                &(struct lockout_visitor){.source = &slot.source, .exempt = false, .now = now},
                                &charge) == STORE_OK,
                 "charge");
    check_number(charge.strikes, 3, "so that it counts again");
    store_close(&store);
    scratch_empty();
}

static int repair_larger(unsigned number)
{
    struct repair_report report;
    struct store store;

    (void)number;
    if (scratch_try(&store, 64, false, 1000) != STORE_OK)
        return 1;
    return repair(&store, 128, false, &report) == STORE_OK ? 0 : 2;
}

static void test_repair_killed(void)
{
    unsigned nth = 1, lost = 0, dirty = 0, let_in = 0, interrupted = 0, leftovers = 0;
    struct repair_findings findings;
    struct repair_report report;
    struct content all, content;
    struct store store;
    struct stat info;
    int result = -1;
    bool killed;

    lay_down(golden_networks);
    store = scratch_open(64);
    scratch_need(list(&store, &all) == STORE_OK, "list");
    do {
        lay_down(golden_networks);
        killed = scratch_killed_at(nth++, repair_larger, &result);
        /* Either a whole table of one size or the other, or one that lets nobody in. */
        if (list(&store, &content) == STORE_OK)
            let_in += content.count != all.count || !is_clean(&store, &findings);
        else
            interrupted += hold_once(&store) == STORE_REBUILDING;
        scratch_need(repair(&store, 0, false, &report) == STORE_OK, "a second repair");
        dirty += !is_clean(&store, &findings);
        lost += list(&store, &content) != STORE_OK || content.count != all.count || store.counters.seed != 1000;
        leftovers += stat(scratch_path("lockout.rebuild"), &info) == 0;
    } while (killed);
    check(result == 0 && interrupted > 3, "a repair was killed at each of its %u system calls, %u times half done",
          nth - 2, interrupted);
    check_number(let_in, 0, "I8: half a table lets nobody in");
    check_number(dirty, 0, "a second repair always made it whole");
    check_number(lost, 0, "and nothing was lost");
    check_number(leftovers, 0, "nor left behind");
    store_close(&store);
    scratch_empty();
}

/* A golden table as it is while a repair is under way, with the counters that the store has read. */
static void mark_rebuilding(const struct store *store, const uint8_t *table, uint8_t marked[static GOLDEN_LEN])
{
    struct record_header header = store->header;

    header.rebuild = 5;
    memcpy(marked, table, GOLDEN_LEN);
    head_encode(&header, &store->counters, marked);
}

/* A leftover of a repair that had not begun to copy says nothing about a table that lived on. */
static void test_stale_rebuild(void)
{
    uint8_t stale[GOLDEN_LEN];
    struct lockout_charge charge;
    struct repair_report report;
    const struct source source = scratch_source(1);
    struct content content;
    struct store store;

    lay_down(golden);
    store = scratch_open(64);
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    mark_rebuilding(&store, golden_networks, stale);
    scratch_write_file(scratch_path("lockout.rebuild"), stale, GOLDEN_LEN);
    scratch_need(lockout_charge(&store, &usual,
                                &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                                &charge) == STORE_OK,
                 "charge");
    check(repair(&store, 0, false, &report) == STORE_OK && !report.finished_earlier &&
              list(&store, &content) == STORE_OK && content.count == 5,
          "a stale lockout.rebuild is dropped");
    store_close(&store);
    scratch_empty();
}

/* --- networks --- */

/* Of the golden table the first is the one in use, and the second a new one. */
static const struct manage_target networks[] = {
    {.source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113}, .prefix = 120}, .network = true},
    {.source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 198, [13] = 51, [14] = 100}, .prefix = 120},
     .network = true},
};

static int lock_network(unsigned number)
{
    struct store store;

    (void)number;
    if (scratch_try(&store, 64, false, 1000) != STORE_OK)
        return 1;
    return manage_lock(&store, &networks[1], RECORD_FOREVER, &now) == STORE_OK ? 0 : 2;
}

static int unlock_network(unsigned number)
{
    struct store store;
    bool found;

    (void)number;
    if (scratch_try(&store, 64, false, 1000) != STORE_OK)
        return 1;
    return manage_unlock(&store, &networks[0].source, &now, &found) == STORE_OK && found ? 0 : 2;
}

static int unlock_all(unsigned number)
{
    struct store store;
    uint64_t count;

    (void)number;
    if (scratch_try(&store, 64, false, 1000) != STORE_OK)
        return 1;
    return manage_unlock_all(&store, &now, &count) == STORE_OK && count == 4 ? 0 : 2;
}

/* One who comes from a locked network: the counters change, and the network's record. */
static int come_from_network(unsigned number)
{
    const struct source source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113, [15] = 1},
                                  .prefix = 128};
    struct lockout_admission got;
    struct store store;

    (void)number;
    if (scratch_try(&store, 64, false, 1000) != STORE_OK)
        return 1;
    return lockout_admit(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                         &got) == STORE_OK &&
                   got.answer == LOCKOUT_REFUSED_LOCKED
               ? 0
               : 2;
}

/* Between any two system calls of what changes networks there is a whole table, and what follows works in it. */
static void test_networks_killed(void)
{
    static const struct {
        const char *name;
        scratch_work *work;
        uint64_t before, after; /* how many networks */
    } cases[] = {
        {"locking a network", lock_network, 2, 3},
        {"unlocking a network", unlock_network, 2, 1},
        {"unlocking all", unlock_all, 2, 0},
        {"refusing one of a locked network", come_from_network, 2, 2},
    };
    struct repair_findings findings;
    struct content content;
    struct store store;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned nth = 0, dirty = 0, wrong = 0, done = 0;
        int result = -1;
        bool killed;

        do {
            lay_down(golden_networks);
            killed = scratch_killed_at(++nth, cases[i].work, &result);
            store = scratch_open(64);
            dirty += !is_clean(&store, &findings) || list(&store, &content) != STORE_OK;
            done += content.totals.networks == cases[i].after;
            wrong += content.totals.networks != cases[i].before && content.totals.networks != cases[i].after;
            dirty += manage_lock(&store, &networks[1], RECORD_FOREVER, &now) != STORE_OK ||
                     !is_clean(&store, &findings) || list(&store, &content) != STORE_OK;
            wrong += find(&content, networks[1].source.address, SOURCE_ADDRESS_LEN) == NULL;
            store_close(&store);
        } while (killed);
        check(result == 0 && dirty == 0 && wrong == 0 && done > 0,
              "%s, killed at each of %u system calls, leaves a whole table, with or without it", cases[i].name,
              nth - 1);
    }
    scratch_empty();
}

/* --- killed at random --- */

static int strike_for_ever(unsigned number)
{
    struct store store;
    struct lockout_admission admission;
    struct lockout_charge charge;

    if (scratch_try(&store, 64, false, 20000) != STORE_OK)
        return 1;
    for (uint32_t who = number;; who += 7) {
        const struct source source = scratch_source(who % 500);

        if (lockout_admit(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                          &admission) != STORE_OK ||
            lockout_charge(&store, &usual, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                           &charge) != STORE_OK)
            return 1;
        if (who % 2 == 0)
            (void)lockout_forgive(&store, &source, &charge);
        else
            (void)lockout_settle(&store, &usual,
                                 &(struct lockout_visitor){.source = &source, .exempt = false, .now = now}, &charge);
    }
}

static void test_killed_writers(void)
{
    struct repair_findings findings;
    struct store store = scratch_open(64);
    unsigned dirty = 0, failed = 0;

    for (unsigned round = 0; round < 40; round++) {
        const struct timespec pause = {.tv_nsec = 1000000 + round * 333333};
        pid_t pids[4];
        int status;

        fflush(stdout);
        for (unsigned i = 0; i < 4; i++) {
            pids[i] = fork();
            scratch_need(pids[i] >= 0, "fork");
            if (pids[i] == 0)
                _exit(strike_for_ever(i));
        }
        nanosleep(&pause, NULL);
        for (unsigned i = 0; i < 4; i++) {
            kill(pids[i], SIGKILL);
            scratch_need(waitpid(pids[i], &status, 0) == pids[i], "waitpid");
            failed += !WIFSIGNALED(status);
        }
        dirty += !is_clean(&store, &findings);
    }
    check_number(failed, 0, "writers work until they are killed");
    check_number(dirty, 0, "and leave a whole table, forty times");
    store_close(&store);
    scratch_empty();
}

/* --- what the modules promise each other --- */

#define NO_FAULT_AT_ALL ((enum store_fault)99)

static void test_texts(void)
{
    unsigned poor = 0;

    for (enum store_fault fault = STORE_OK; fault <= STORE_NETWORKS_FULL; fault++) {
        poor += strcmp(store_fault_text(fault), store_fault_text(NO_FAULT_AT_ALL)) == 0;
        for (enum store_fault other = STORE_OK; other < fault; other++)
            poor += strcmp(store_fault_text(fault), store_fault_text(other)) == 0;
    }
    check_number(poor, 0, "each fault has a text of its own");
    check(!store_fault_has_errno(NO_FAULT_AT_ALL), "what is no fault has no errno");
}

static void test_places(void)
{
    check_number(create_round_places(0), RECORD_PLACES_MIN, "a table has a least size");
    check_number(create_round_places(65), 72, "whole buckets");
    check_number(create_round_places(UINT64_MAX), RECORD_PLACES_MAX, "and a largest size");
}

/* Somebody sits on the lock of the directory, for ever. */
static void test_door_busy(void)
{
    struct store store = scratch_open(64);
    const int other_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY);
    bool closed = true;

    scratch_need(other_fd >= 0 && flock(other_fd, LOCK_EX) == 0, "flock");
    check(closed_write(store.dir_fd, DOOR_EVERY, &(struct closed_because){"test", 0, 50}, NULL) == STORE_BUSY &&
              closed_look(store.dir_fd, DOOR_KNOCK, &closed) == STORE_OK && !closed,
          "a door that cannot be closed in time is said to be open");
    close(other_fd);
    check(closed_write(store.dir_fd, DOOR_EVERY, &(struct closed_because){"caf\xc3\xa9 \x1b[0m", 0, 50}, NULL) ==
              STORE_OK,
          "it is closed a moment later");
    {
        char line[CLOSED_LINE_LEN];

        check(closed_read(store.dir_fd, DOOR_EVERY, &closed, line) == STORE_OK && closed, "which can be read");
        check_text(line, "1970-01-01T00:00:00Z caf?? ?[0m", "with nothing in it but what can be printed");
    }
    store_close(&store);
    scratch_empty();
}

static void test_foreign(void)
{
    uint8_t foreign[GOLDEN_LEN], after[GOLDEN_LEN];
    struct repair_findings findings;
    struct repair_report report;
    struct store store;
    uint64_t seal;

    memcpy(foreign, golden, GOLDEN_LEN);
    foreign[8] = 3;
    seal = siphash(foreign + 32, foreign, 56);
    for (unsigned i = 0; i < 8; i++)
        foreign[56 + i] = (uint8_t)(seal >> (8 * i));
    lay_down(foreign);
    store = scratch_open(64);
    check(hold_once(&store) == STORE_FOREIGN, "I8: a table of another version lets nobody in");
    check(repair_verify(&store, NULL, NULL, &findings) == STORE_OK && findings.head == STORE_FOREIGN &&
              !repair_is_clean(&findings),
          "verify says what it is");
    check(repair(&store, 0, true, &report) == STORE_FOREIGN, "and repair leaves it alone");
    scratch_read_file("lockout", after, sizeof after);
    check(memcmp(foreign, after, sizeof after) == 0, "as it was");
    store_close(&store);
    scratch_empty();
}

static void count_places(void *context, uint64_t where)
{
    unsigned *count = context;

    (*count)++;
    (void)where;
}

/* A file that ends within the head has no slots, but its header may still tell the size and the key. */
static void test_cut_short(void)
{
    struct repair_findings findings;
    struct repair_report report;
    struct store store;
    unsigned damaged = 0;

    lay_down(golden_networks);
    scratch_need(truncate(scratch_path("lockout"), RECORD_NETWORKS_AT + RECORD_LEN) == 0, "truncate");
    store = scratch_open(64);
    check(repair_verify(&store, count_places, &damaged, &findings) == STORE_OK && findings.length_wrong &&
              findings.places == 64 && findings.whole <= 1 && damaged == findings.damaged,
          "verify counts what is left of a table that ends in its head");
    check(repair(&store, 0, false, &report) == STORE_OK && is_clean(&store, &findings), "and repair makes it whole");
    store_close(&store);
    scratch_empty();
}

static void test_repair_networks(void)
{
    static const uint8_t garbage[RECORD_LEN] = {1, 2, 3};
    struct repair_findings findings;
    struct repair_report report;
    struct store store;

    lay_down(golden_networks);
    store = scratch_open(64);
    scratch_poke("lockout", RECORD_NETWORKS_AT, garbage, sizeof garbage);
    check(repair(&store, 0, false, &report) == STORE_OK && report.damaged == 1 && is_clean(&store, &findings),
          "a damaged network is dropped by repair, and counted");
    store_close(&store);
    scratch_empty();
}

/* The table is marked, and what it is to become has lost its counters meanwhile. */
static void test_rebuild_damaged(void)
{
    uint8_t marked[GOLDEN_LEN];
    struct repair_report report;
    struct store store;

    lay_down(golden);
    store = scratch_open(64);
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    mark_rebuilding(&store, golden, marked);
    lay_down(marked);
    marked[RECORD_COUNTERS_AT + 8] ^= 1;
    scratch_write_file(scratch_path("lockout.rebuild"), marked, GOLDEN_LEN);
    check(repair(&store, 0, false, &report) == STORE_DAMAGED && hold_once(&store) == STORE_REBUILDING,
          "I8: a repair cannot be finished with damaged counters, and nobody gets in");
    scratch_need(unlink(scratch_path("lockout.rebuild")) == 0, "unlink");
    check(repair(&store, 0, false, &report) == STORE_OK && hold_once(&store) == STORE_OK,
          "without that leftover it is done anew");
    store_close(&store);
    scratch_empty();
}

/* One flaw of each kind is enough. */
static void test_is_clean(void)
{
    const struct repair_findings flaws[] = {
        {.head = STORE_DAMAGED},
        {.header_damaged = true},
        {.header_copy_damaged = true},
        {.counters_damaged = true},
        {.zeros_damaged = true},
        {.length_wrong = true},
        {.damaged = 1},
    };
    unsigned unseen = 0;

    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++)
        unseen += repair_is_clean(&flaws[i]);
    check_number(unseen, 0, "a table with any one flaw is not clean");
    check(repair_is_clean(&(struct repair_findings){.whole = 1}), "without a flaw it is");
}

/* A table that is marked, and beside it something else than what it is to become. */
static void test_strange_leftovers(void)
{
    enum { CUT_SHORT, OF_ANOTHER, FIFO, FOREIGN, KINDS };
    static const char *const names[] = {"cut short", "of another repair", "a FIFO", "another user's"};
    uint8_t marked[GOLDEN_LEN], leftover[GOLDEN_LEN];
    struct repair_findings findings;
    struct record_header header;
    struct repair_report report;
    struct content content;
    struct store store;

    lay_down(golden);
    store = scratch_open(64);
    scratch_need(hold_once(&store) == STORE_OK, "hold");
    mark_rebuilding(&store, golden, marked);
    memcpy(leftover, marked, GOLDEN_LEN);
    memset(leftover + RECORD_HEAD_LEN, 0, GOLDEN_LEN - RECORD_HEAD_LEN);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (kind == FOREIGN && geteuid() != 0)
            continue;
        lay_down(marked);
        if (kind == OF_ANOTHER) {
            header = store.header;
            header.rebuild = 7;
            head_encode(&header, &store.counters, leftover);
        }
        if (kind == FIFO)
            scratch_need(mkfifo(scratch_path("lockout.rebuild"), 0600) == 0, "mkfifo");
        else
            scratch_write_file(scratch_path("lockout.rebuild"), leftover, kind == CUT_SHORT ? 64 : GOLDEN_LEN);
        if (kind == FOREIGN) {
            memcpy(leftover, marked, RECORD_NETWORKS_AT);
            scratch_write_file(scratch_path("lockout.rebuild"), leftover, GOLDEN_LEN);
            scratch_need(chown(scratch_path("lockout.rebuild"), 65534, 65534) == 0, "chown");
        }
        check(repair(&store, 0, false, &report) == STORE_OK && !report.finished_earlier &&
                  is_clean(&store, &findings) && list(&store, &content) == STORE_OK && content.count == 4,
              "a leftover that is %s is not taken up: nothing is lost", names[kind]);
    }
    store_close(&store);
    scratch_empty();
}

/* What is in the buckets of a source that has none: all full of strikes, each older than the one before. */
static struct buckets full_buckets(void)
{
    struct buckets buckets = {.own = NULL};

    for (uint32_t i = 0; i < BUCKETS_SLOTS; i++) {
        buckets.states[i] = RECORD_WHOLE;
        buckets.slots[i] = (struct record_slot){
            .source = scratch_source(i), .strikes = 2, .last_strike = NOW - 10 - i, .last_seen = NOW};
    }
    return buckets;
}

/* Of what is in the buckets, what goes first? And of two records of one source, which one stays? */
static void test_worth(void)
{
    const struct buckets_age age = {.now = NOW, .strike_time = 3600};
    const struct source newcomer = scratch_source(100);
    struct buckets buckets = full_buckets();
    struct record_slot record = {.source = newcomer, .strikes = 1, .last_strike = NOW, .last_seen = NOW};
    bool pushed_out;

    check(buckets_put(&buckets, &record, age, &pushed_out) == NULL && !pushed_out,
          "a record that says less than all others finds no room");
    check(buckets_make(&buckets, &newcomer, age, true, 0) == &buckets.slots[BUCKETS_SLOTS - 1],
          "of equal strikes the oldest go first, whichever bucket they are in");

    buckets = full_buckets();
    buckets.own = &buckets.slots[11];
    record = buckets.slots[11];
    record.strikes = 9;
    check(buckets_put(&buckets, &record, age, &pushed_out) == buckets.own && !pushed_out && buckets.own->strikes == 9,
          "of two records of one source the one that says more stays");
    record.strikes = 1;
    check(buckets_put(&buckets, &record, age, &pushed_out) == buckets.own && buckets.own->strikes == 9,
          "whichever comes first");
}

static void test_usual(void)
{
    test_golden();
    test_golden_enclosing();
    test_empty_file();
    test_unsafe_files();
    test_unsafe_directory();
    test_absent();
    test_locked_for_ever();
    test_deleted();
    test_creation_race();
    test_seed_of_later_table();
    test_list_changes_nothing();
    test_list_holds_nobody();
    test_repair();
    test_repair_without_time();
    test_repair_other_size();
    test_repair_misplaced();
    test_stale_rebuild();
    test_texts();
    test_places();
    test_door_busy();
    test_foreign();
    test_cut_short();
    test_repair_networks();
    test_rebuild_damaged();
    test_is_clean();
    test_strange_leftovers();
    test_worth();
}

static void test_exhaustive(void)
{
    change_every_byte(golden, "I8: verify sees every changed byte of the golden table");
    change_every_byte(golden_networks, "I8: and of the one with networks");
    test_every_length();
    test_killed_writers();
    if (scratch_can_trace()) {
        test_creation_killed();
        test_repair_killed();
        test_networks_killed();
    }
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    read_golden(argv[1], "table-2", golden);
    read_golden(argv[1], "table-2-networks", golden_networks);
    read_golden(argv[1], "table-2-enclosing", golden_enclosing);
    scratch_begin();
    if (exhaustive)
        test_exhaustive();
    else
        test_usual();
    scratch_end();
    return check_end();
}
