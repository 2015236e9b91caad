/* SPDX-License-Identifier: ISC */
/*
 * The record of grants at work: finding, changing and removing, by one process, by many at once, by one that is killed
 * anywhere, on a disk that is full, and with a hundred thousand in it.
 */
#include "granted.h"

#include <sched.h>
#include <sys/mount.h>
#include <time.h>

enum number { CHANGED = 1, REMOVED = 2, KEPT = 3, NEW = 4 };

#define OLD_S 1000
#define NEW_S 2000

static void close_record(struct grants *grants)
{
    grants_release(grants);
    grants_close(grants);
}

static void test_put_and_find(void)
{
    struct grants grants = granted_open();
    struct grant grant = granted_of(1, 60), found;
    struct source network = grant.network;
    uint64_t slot = GRANTS_MAX, other = GRANTS_MAX;
    struct stat info;

    check_number(granted_count(&grants), 0, "a new record has no grant");
    check_number(granted_find(&grants, 1, &found), GRANTS_MAX, "in which none is found");
    check(grants_put(&grants, &grant, &slot) == GRANTS_OK && slot == 0, "the first has the first slot");
    check(granted_find(&grants, 1, &found) == 0 && granted_same(&found, &grant), "and is found as it was put");
    snprintf(grant.user, sizeof grant.user, "bob");
    check(grants_put(&grants, &grant, &other) == GRANTS_OK && other == 1,
          "another user at the same address has his own");
    check(grants_find(&grants, &(struct grants_key){"ssh", &network, "bob"}, &found, &slot) == GRANTS_OK && slot == 1,
          "and is found by his name");
    check(grants_find(&grants, &(struct grants_key){"ssh", &network, "bo"}, &found, &slot) == GRANTS_OK &&
              slot == GRANTS_MAX,
          "not by a part of it");
    check(grants_find(&grants, &(struct grants_key){"sshd", &network, "bob"}, &found, &slot) == GRANTS_OK &&
              slot == GRANTS_MAX,
          "nor at another gate");
    network.prefix = 127;
    check(grants_find(&grants, &(struct grants_key){"ssh", &network, "bob"}, &found, &slot) == GRANTS_OK &&
              slot == GRANTS_MAX,
          "nor by a network of another length");
    grant = granted_of(1, 90);
    slot = 0;
    check(grants_put(&grants, &grant, &slot) == GRANTS_OK && granted_find(&grants, 1, &found) == 0 &&
              found.lifetime_s == 90 && granted_count(&grants) == 2,
          "one that is changed stays where it is");
    check(grants_remove(&grants, 0) == GRANTS_OK && granted_find(&grants, 1, &found) == GRANTS_MAX, "one is removed");
    granted_put(&grants, 2, 60);
    check_number(granted_find(&grants, 2, &found), 0, "and the next has its slot");
    granted_put(&grants, 3, 60);
    check_number(granted_find(&grants, 3, &found), 2, "and the next the first that is free");
    check(grants_sync(&grants) == GRANTS_OK, "all of it is on the disk");
    check(stat(granted_path(GRANTS_NAME), &info) == 0 && info.st_blocks * 512 >= info.st_size,
          "and room for more has been taken there");
    close_record(&grants);
    granted_empty();
}

/* Who goes through all of them may change and remove what is met, and what is put meanwhile disturbs nobody. */
static void test_next(void)
{
    struct grants grants = granted_open();
    struct grant grant;
    uint64_t at = 0, slot, count = 0, kept = 0;
    enum grants_fault fault;

    for (uint32_t i = 0; i < 1000; i++)
        granted_put(&grants, i, OLD_S);
    while (grants_next(&grants, &at, &grant, &slot, &fault)) {
        count++;
        if (slot % 3 == 0) {
            scratch_need(grants_remove(&grants, slot) == GRANTS_OK, "grants_remove");
        } else {
            grant.lifetime_s = NEW_S;
            scratch_need(grants_put(&grants, &grant, &slot) == GRANTS_OK, "grants_put");
        }
    }
    check(fault == GRANTS_OK && count == 1000, "all of 1000 are met, while they are changed");
    at = 0;
    while (grants_next(&grants, &at, &grant, &slot, &fault))
        kept += grant.lifetime_s == NEW_S && slot % 3 != 0;
    check_number(kept, 666, "and then are what they were made");
    close_record(&grants);
    grants = granted_open();
    check_number(granted_count(&grants), 666, "also for the next who holds it");
    close_record(&grants);
    granted_empty();
}

static void test_damaged_is_not_free(void)
{
    static const uint8_t nonsense[] = {1, 2, 3};
    struct grants grants = granted_open();
    struct grant found;
    uint64_t count;

    granted_put(&grants, 1, 60);
    granted_put(&grants, 2, 60);
    grants_release(&grants);
    const int fd = open(granted_path(GRANTS_NAME), O_WRONLY);
    scratch_need(fd >= 0 && pwrite(fd, nonsense, 3, GRANTS_BYTES_HEAD_LEN + 100) == 3 && close(fd) == 0, "damage");
    scratch_need(granted_hold(&grants, HOLD_ALONE) == GRANTS_OK, "hold");
    check(granted_count(&grants) == 1 && grants.damaged == 1, "I8: a damaged slot is no grant, and is counted");
    check(granted_count(&grants) == 1 && grants.damaged == 1, "once, however often it is met");
    check_number(granted_find(&grants, 1, &found), GRANTS_MAX, "I8: nor is it found");
    granted_put(&grants, 3, 60);
    check_number(granted_find(&grants, 3, &found), 2, "it is no place for another, so that it can be reported");
    check(grants_repair(&grants, &count) == GRANTS_OK && count == 1, "before it is repaired");
    granted_put(&grants, 4, 60);
    check_number(granted_find(&grants, 4, &found), 0, "then it is");
    close_record(&grants);
    granted_empty();
}

/* ---- Killed -------------------------------------------------------------------------------------------------------
 */

static int change_all(unsigned number)
{
    struct grants grants = granted_open();
    struct grant grant, changed = granted_of(CHANGED, NEW_S);
    uint64_t slot;

    (void)number;
    slot = granted_find(&grants, CHANGED, &grant);
    if (grants_put(&grants, &changed, &slot) != GRANTS_OK)
        return 1;
    if (grants_remove(&grants, granted_find(&grants, REMOVED, &grant)) != GRANTS_OK)
        return 1;
    granted_put(&grants, NEW, NEW_S);
    if (grants_sync(&grants) != GRANTS_OK)
        return 1;
    close_record(&grants);
    return 0;
}

/* 0: as before; 1, 2, 3: after so many changes, in their order; 4: none of these. */
static unsigned stage_of(struct grants *grants)
{
    struct grant changed, other;
    const bool has_changed = granted_find(grants, CHANGED, &changed) != GRANTS_MAX;
    const bool has_removed = granted_find(grants, REMOVED, &other) != GRANTS_MAX;
    const bool has_new = granted_find(grants, NEW, &other) != GRANTS_MAX && other.lifetime_s == NEW_S;
    const struct grant before = granted_of(CHANGED, OLD_S), after = granted_of(CHANGED, NEW_S);

    if (!has_changed || granted_find(grants, KEPT, &other) == GRANTS_MAX || other.lifetime_s != OLD_S)
        return 4;
    if (granted_same(&changed, &before))
        return has_removed && !has_new ? 0 : 4;
    if (!granted_same(&changed, &after))
        return 4;
    return has_removed ? (has_new ? 4 : 1) : (has_new ? 3 : 2);
}

static void test_killed(void)
{
    unsigned stages[5] = {0}, wrong = 0;
    int result = 0;
    bool killed = true;

    if (!scratch_can_trace())
        return;
    for (unsigned nth = 1; killed; nth++) {
        struct grants grants;

        granted_empty();
        grants = granted_open();
        for (uint32_t i = CHANGED; i <= KEPT; i++)
            granted_put(&grants, i, OLD_S);
        close_record(&grants);
        killed = scratch_killed_at(nth, change_all, &result);
        grants = granted_open();
        stages[stage_of(&grants)]++;
        wrong += grants.damaged != 0 || grants.header_damaged;
        granted_put(&grants, 99, OLD_S);
        close_record(&grants);
    }
    check(result == 0 && stages[3] > 0, "one that is not killed has changed all");
    check_number(wrong, 0, "killed at any system call, it leaves a record that reads well");
    check_number(stages[4], 0, "and each grant is the old one or the new one");
    check(stages[0] > 0 && stages[1] > 0 && stages[2] > 0, "whichever it is: it was killed between all changes");
    granted_empty();
}

static int make_new(unsigned number)
{
    struct grants grants = granted_open();

    granted_put(&grants, number, OLD_S);
    close_record(&grants);
    return 0;
}

static void test_killed_maker(void)
{
    unsigned wrong = 0;
    int result = 0;
    bool killed = true;

    if (!scratch_can_trace())
        return;
    for (unsigned nth = 1; killed; nth++) {
        struct grants grants;

        granted_empty();
        killed = scratch_killed_at(nth, make_new, &result);
        grants = granted_open();
        wrong += granted_count(&grants) > 1 || grants.damaged != 0 || grants.header_damaged;
        granted_put(&grants, 99, OLD_S);
        close_record(&grants);
    }
    check(result == 0 && wrong == 0, "killed while it makes the record, it leaves one that the next one uses");
    granted_empty();
}

/* ---- Many at once -------------------------------------------------------------------------------------------------
 */

#define CROWD 20
#define EACH  50

static int put_some(unsigned number)
{
    struct grants grants;
    struct grant found;

    if (granted_try(&grants, false, SCRATCH_PATIENCE_MS) != GRANTS_OK)
        return 1;
    for (uint32_t i = 0; i < EACH; i++) {
        if (granted_hold(&grants, HOLD_ALONE) != GRANTS_OK)
            return 1;
        granted_put(&grants, number * EACH + i, OLD_S);
        if (i % 5 == 4 && grants_remove(&grants, granted_find(&grants, number * EACH + i - 2, &found)) != GRANTS_OK)
            return 1;
        grants_release(&grants);
    }
    grants_close(&grants);
    return 0;
}

static void test_at_once(void)
{
    struct grants grants;
    unsigned results[256];

    scratch_crowd(CROWD, put_some, results);
    check_number(results[0], CROWD,
                 "20 processes put and remove at once, in a record that each may be the first to make");
    grants = granted_open();
    check(granted_count(&grants) == CROWD * EACH * 4 / 5 && grants.damaged == 0, "and nothing of it is lost");
    close_record(&grants);
    granted_empty();
}

/* ---- A full disk --------------------------------------------------------------------------------------------------
 */

static int fill_disk(void)
{
    static const uint8_t block[4096];
    const int fd = open(scratch_path("full"), O_WRONLY | O_CREAT, 0600);

    scratch_need(fd >= 0, "a file that fills the disk");
    while (write(fd, block, sizeof block) > 0)
        ;
    return fd;
}

/* A disk of its own for this process. False: it may not have one. */
static bool have_small_disk(void)
{
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", scratch_dir, "tmpfs", 0, "size=256k,mode=0700") == 0;
}

static void test_full(struct grants *grants)
{
    struct grant grant, found;
    uint64_t slot = 0, refused = GRANTS_MAX;
    uint32_t puts = 0;
    enum grants_fault fault = GRANTS_OK;

    for (; fault == GRANTS_OK && puts < 10000; puts++) {
        grant = granted_of(1000 + puts, OLD_S);
        slot = GRANTS_MAX;
        fault = grants_put(grants, &grant, &slot);
    }
    check(fault == GRANTS_CANNOT_WRITE && errno == ENOSPC && slot == GRANTS_MAX,
          "on a full disk a new grant is refused, after %u that found room taken before", puts - 1);
    grant = granted_of(1, NEW_S);
    slot = granted_find(grants, 1, &found);
    check(grants_put(grants, &grant, &slot) == GRANTS_OK && granted_find(grants, 1, &found) == slot &&
              found.lifetime_s == NEW_S,
          "one that is there can be renewed");
    check(grants_remove(grants, slot) == GRANTS_OK && granted_find(grants, 1, &found) == GRANTS_MAX, "and removed");
    grant = granted_of(2, NEW_S);
    check(grants_put(grants, &grant, &refused) == GRANTS_OK && refused == slot, "which makes room for a new one");
    check(granted_count(grants) == puts && grants->damaged == 0 && grants_sync(grants) == GRANTS_OK,
          "and all that was promised is there");
}

static void test_full_disk(void)
{
    struct grants grants;
    int fd;

    if (!have_small_disk()) {
        printf("ok %u - # SKIP needs root\n", ++check_count);
        return;
    }
    fd = fill_disk();
    check(granted_try(&grants, false, 100) == GRANTS_CANNOT_CREATE && errno == ENOSPC,
          "on a full disk no record is made");
    scratch_need(ftruncate(fd, 0) == 0, "ftruncate");
    grants = granted_open();
    check_number(granted_count(&grants), 0, "but when there is room, what was left of it does not matter");
    granted_put(&grants, 1, OLD_S);
    scratch_need(close(fd) == 0, "close");
    fd = fill_disk();
    test_full(&grants);
    close_record(&grants);
    close(fd);
    scratch_need(umount2(scratch_dir, MNT_DETACH) == 0, "umount");
}

/* ---- A hundred thousand -------------------------------------------------------------------------------------------
 */

#define MANY 100000

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void test_many(void)
{
    struct grants grants = granted_open();
    struct grant grant;
    double begin_ms = now_ms(), find_ms, next_ms;

    for (uint32_t i = 0; i < MANY; i++)
        granted_put(&grants, i, OLD_S);
    printf("# %d grants are put in %.0f ms\n", MANY, now_ms() - begin_ms);
    grants_release(&grants);
    scratch_need(granted_hold(&grants, HOLD_SHARED) == GRANTS_OK, "hold");
    begin_ms = now_ms();
    check_number(granted_find(&grants, MANY - 1, &grant), MANY - 1, "the last of a hundred thousand is found");
    find_ms = now_ms() - begin_ms;
    begin_ms = now_ms();
    check_number(granted_count(&grants), MANY, "and all of them are read");
    next_ms = now_ms() - begin_ms;
    printf("# of %d grants one is found in %.1f ms, and all are read and checked in %.1f ms\n", MANY, find_ms, next_ms);
    close_record(&grants);
    granted_empty();
}

/* No slot more than there can be; the file is sparse. */
static void test_full_record(void)
{
    struct grants grants = granted_open();
    const struct grant grant = granted_of(1, OLD_S);
    uint64_t slot = GRANTS_MAX - 1, next = GRANTS_MAX;

    check(grants_put(&grants, &grant, &slot) == GRANTS_OK && granted_count(&grants) == 1,
          "the last slot that there can be");
    for (uint32_t i = 2; i < 5; i++)
        granted_put(&grants, i, OLD_S);
    check_number(granted_find(&grants, 4, &(struct grant){0}), 2, "is behind many that are free");
    grants.first_free = GRANTS_MAX - 1; /* as if these were not */
    check(grants_put(&grants, &grant, &next) == GRANTS_FULL && next == GRANTS_MAX, "and behind it there is none");
    close_record(&grants);
    granted_empty();
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    granted_begin();
    if (exhaustive) {
        test_killed();
        test_killed_maker();
        test_at_once();
        test_many();
        test_full_record();
    } else {
        test_put_and_find();
        test_next();
        test_damaged_is_not_free();
        test_full_disk();
    }
    granted_end();
    return check_end();
}
