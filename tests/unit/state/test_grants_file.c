/* SPDX-License-Identifier: ISC */
/*
 * The file of the record of grants: where it lies and whose it is, its lock, the time that is noted in it, and that who
 * only looks changes nothing. Besides, the texts of grants.h.
 */
#include "granted.h"

#include <sys/file.h>
#include <time.h>

static uint64_t latest_in_file(void)
{
    struct grants_header header = {0};
    uint8_t head[GRANTS_BYTES_HEAD_LEN];
    bool one_damaged = true;
    const int fd = open(granted_path(GRANTS_NAME), O_RDONLY);

    scratch_need(fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head && close(fd) == 0, "reading the head");
    scratch_need(grants_bytes_decode_head(head, &header, &one_damaged) == RECORD_WHOLE && !one_damaged, "a whole head");
    return header.latest_ms;
}

static void test_made(void)
{
    struct grants grants, other;
    struct stat info;

    check_number(granted_try(&grants, false, 100), GRANTS_OK, "a record is made where it is missing");
    check(stat(granted_path(""), &info) == 0 && (info.st_mode & 07777) == 0700 && info.st_uid == geteuid(),
          "in a directory that is open to nobody else");
    check(stat(granted_path(GRANTS_NAME), &info) == 0 && (info.st_mode & 07777) == 0600 &&
              info.st_size == GRANTS_BYTES_HEAD_LEN,
          "as a file that is");
    scratch_need(granted_try(&other, false, 100) == GRANTS_OK, "grants_open");
    check(granted_hold(&grants, HOLD_SHARED) == GRANTS_OK && granted_hold(&other, HOLD_SHARED) == GRANTS_OK &&
              memcmp(grants.key, other.key, sizeof grants.key) == 0,
          "once: the next has the same key");
    check(!record_is_zero(grants.key, sizeof grants.key), "which is random");
    grants_release(&grants);
    grants_release(&other);
    grants_close(&other);
    scratch_need(unlink(granted_path(GRANTS_NAME)) == 0, "unlink");
    check(granted_hold(&grants, HOLD_ALONE) == GRANTS_OK && stat(granted_path(GRANTS_NAME), &info) == 0,
          "one that is removed while it is open is made anew by the next who holds it");
    check(fcntl(grants.fd, F_GETFD) == FD_CLOEXEC, "no program that is run inherits it by chance");
    grants_release(&grants);
    grants_close(&grants);
    granted_empty();
}

/* Of a maker that was killed: nothing, or zeros after a power failure. */
static void test_begun(void)
{
    static const uint8_t zeros[GRANTS_BYTES_HEAD_LEN];
    static const size_t lens[] = {0, 1, 512, GRANTS_BYTES_HEAD_LEN};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct grants grants;

        granted_put_file(zeros, lens[i]);
        grants = granted_open();
        check(granted_count(&grants) == 0 && !grants.header_damaged, "%zu bytes of zeros become a record", lens[i]);
        grants_release(&grants);
        grants_close(&grants);
    }
    granted_empty();
}

static void fault_is(enum grants_fault want, const char *what)
{
    struct grants grants;
    enum grants_fault fault = granted_try(&grants, false, 100);

    if (fault == GRANTS_OK)
        fault = granted_hold(&grants, HOLD_SHARED);
    check_number(fault, want, what);
    grants_release(&grants);
    grants_close(&grants);
    check(grants.fd == -1 && grants.dir_fd == -1 && grants.piece == NULL, "%s: and nothing is left open", what);
}

static void test_unsafe(void)
{
    const char *path;
    struct grants grants = granted_open();

    grants_release(&grants);
    grants_close(&grants);
    path = granted_path(GRANTS_NAME);
    scratch_need(chmod(path, 0640) == 0, "chmod");
    fault_is(GRANTS_UNSAFE, "I8: a record that others can read");
    path = granted_path(GRANTS_NAME);
    scratch_need(chmod(path, 0602) == 0, "chmod");
    fault_is(GRANTS_UNSAFE, "I8: or write");
    path = granted_path(GRANTS_NAME);
    scratch_need(unlink(path) == 0 && symlink("/dev/null", path) == 0, "symlink");
    fault_is(GRANTS_UNSAFE, "I8: a link in its place");
    path = granted_path(GRANTS_NAME);
    scratch_need(unlink(path) == 0 && mkfifo(path, 0600) == 0, "mkfifo");
    fault_is(GRANTS_UNSAFE, "I8: a FIFO, for which nobody waits");
    path = granted_path(GRANTS_NAME);
    scratch_need(unlink(path) == 0 && mkdir(path, 0700) == 0, "mkdir");
    fault_is(GRANTS_UNSAFE, "I8: a directory");
    scratch_need(rmdir(granted_path(GRANTS_NAME)) == 0 && chmod(granted_path(""), 0710) == 0, "chmod");
    fault_is(GRANTS_DIRECTORY_OWNER, "I8: its directory is open to others");
    granted_empty();
    scratch_need(chmod(scratch_dir, 0777) == 0, "chmod");
    fault_is(GRANTS_DIRECTORY_OWNER, "I8: or they could rename it");
    check(access(granted_path(""), F_OK) != 0, "and then none is made");
    scratch_need(chmod(scratch_dir, 0700) == 0 && symlink(".", granted_path("")) == 0, "symlink");
    fault_is(GRANTS_DIRECTORY, "I8: a link in the place of its directory");
    scratch_need(unlink(granted_path("")) == 0, "unlink");
}

static void test_of_others(void)
{
    struct grants grants = granted_open();

    grants_release(&grants);
    grants_close(&grants);
    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root\n", ++check_count);
        granted_empty();
        return;
    }
    scratch_need(chown(granted_path(GRANTS_NAME), 12345, 0) == 0, "chown");
    fault_is(GRANTS_UNSAFE, "I8: a record that is somebody else's");
    scratch_need(chown(granted_path(GRANTS_NAME), 0, 0) == 0 && chown(granted_path(""), 12345, 0) == 0, "chown");
    fault_is(GRANTS_DIRECTORY_OWNER, "I8: or whose directory is");
    granted_empty();
}

static void test_busy(void)
{
    struct grants grants = granted_open(), other;
    int inherited;

    scratch_need(granted_try(&other, false, 100) == GRANTS_OK, "grants_open");
    check_number(granted_hold(&other, HOLD_ALONE), GRANTS_BUSY,
                 "I13: a lock that another has is waited for, and no longer than that");
    check_number(granted_hold(&other, HOLD_SHARED), GRANTS_BUSY, "also to look");
    inherited = dup(grants.fd);
    grants_close(&grants);
    check_number(granted_hold(&other, HOLD_ALONE), GRANTS_BUSY, "it lasts as long as a fork that has it too");
    close(inherited);
    check_number(granted_hold(&other, HOLD_ALONE), GRANTS_OK, "and then the next one has it");
    grants_release(&other);
    scratch_need(granted_try(&grants, true, 100) == GRANTS_OK, "grants_open");
    check(granted_hold(&other, HOLD_SHARED) == GRANTS_OK && granted_hold(&grants, HOLD_SHARED) == GRANTS_OK,
          "who only looks disturbs nobody who looks");
    grants_close(&grants);
    grants_close(&other);
    granted_empty();
}

static void test_read_only(void)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000001}};
    struct grants grants;
    struct grant found;
    struct stat before, after;

    check_number(granted_try(&grants, true, 100), GRANTS_ABSENT, "who only looks finds that there is none");
    check(access(granted_path(""), F_OK) != 0, "and makes no directory");
    scratch_need(mkdir(granted_path(""), 0700) == 0, "mkdir");
    check_number(granted_try(&grants, true, 100), GRANTS_ABSENT, "nor, where that is there");
    check(access(granted_path(GRANTS_NAME), F_OK) != 0, "a file");
    grants = granted_open();
    granted_put(&grants, 1, 60);
    grants_release(&grants);
    grants_close(&grants);

    scratch_need(utimensat(AT_FDCWD, granted_path(GRANTS_NAME), long_ago, 0) == 0 &&
                     stat(granted_path(GRANTS_NAME), &before) == 0 && granted_try(&grants, true, 100) == GRANTS_OK,
                 "opening it");
    const struct moment later = granted_at(3600000);
    check(grants_hold(&grants, HOLD_ALONE, &later) == GRANTS_OK && granted_find(&grants, 1, &found) == 0 &&
              granted_count(&grants) == 1,
          "what is there is seen");
    uint64_t slot = GRANTS_MAX;
    check(grants_put(&grants, &found, &slot) == GRANTS_CANNOT_WRITE &&
              grants_remove(&grants, 0) == GRANTS_CANNOT_WRITE && slot == GRANTS_MAX,
          "and cannot be changed");
    grants_release(&grants);
    grants_close(&grants);
    scratch_need(stat(granted_path(GRANTS_NAME), &after) == 0, "stat");
    check(before.st_atim.tv_sec == after.st_atim.tv_sec && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
              before.st_ctim.tv_nsec == after.st_ctim.tv_nsec && before.st_size == after.st_size,
          "nothing of the file is another, not even when it was last read");
    granted_empty();
}

static void hold_at(struct grants *grants, enum hold_way way, uint64_t after_ms)
{
    const struct moment now = granted_at(after_ms);

    scratch_need(grants_hold(grants, way, &now) == GRANTS_OK, "grants_hold");
}

static void test_noted_time(void)
{
    struct grants grants;

    scratch_need(granted_try(&grants, false, 100) == GRANTS_OK, "grants_open");
    check_number(latest_in_file(), 0, "a new record knows no time");
    hold_at(&grants, HOLD_SHARED, 0);
    grants_release(&grants);
    check_number(latest_in_file(), 0, "nor does it by being looked at");
    hold_at(&grants, HOLD_ALONE, 0);
    check(latest_in_file() == GRANTED_NOW_MS && grants.latest_ms == 0,
          "I15: who holds it alone notes the time, and goes by the one before");
    grants_release(&grants);
    hold_at(&grants, HOLD_ALONE, 59999);
    check(latest_in_file() == GRANTED_NOW_MS && grants.latest_ms == GRANTED_NOW_MS,
          "not more often than once in a minute");
    granted_put(&grants, 1, 60);
    check_number(latest_in_file(), GRANTED_NOW_MS + 59999, "I15: but with each change");
    grants_release(&grants);
    hold_at(&grants, HOLD_ALONE, 119999);
    check_number(latest_in_file(), GRANTED_NOW_MS + 119999, "and when a minute has passed");
    grants_release(&grants);
    hold_at(&grants, HOLD_ALONE, 0);
    granted_put(&grants, 2, 60);
    check_number(latest_in_file(), GRANTED_NOW_MS + 119999, "I15: a clock that is set back sets nothing back");
    grants_release(&grants);
    hold_at(&grants, HOLD_ALONE, UINT64_MAX - GRANTED_NOW_MS - 5000);
    check_number(latest_in_file(), RECORD_TIME_MAX, "and there is a last time");
    grants_release(&grants);
    grants_close(&grants);
    granted_empty();
}

static void test_texts(void)
{
    for (enum grants_fault fault = GRANTS_OK; fault <= GRANTS_FULL; fault++)
        check(strcmp(grants_fault_text(fault), "unknown fault") != 0, "fault %d has its words: %s", (int)fault,
              grants_fault_text(fault));
    check(grants_fault_has_errno(GRANTS_CANNOT_WRITE) && !grants_fault_has_errno(GRANTS_FULL),
          "some have a cause besides");
    check_text(grant_end_text(GRANT_EXPIRED), "expired", "an end has a word");
    check_text(grant_end_text(GRANT_CLEARED), "cleared", "each");
    check_text(grant_by_text(GRANT_BY_ADMIN), "admin", "and so has who has opened it");
    check_text(grant_by_text(GRANT_BY_WEB), "web", "each");
}

static void test_tag(void)
{
    struct grants grants = granted_open();
    struct grants other = grants;
    const uint64_t tag = grants_tag(&grants, "alice");

    other.key[3] ^= 1;
    check(tag == grants_tag(&grants, "alice") && tag != grants_tag(&grants, "alicf"), "a text has a tag");
    check(tag != grants_tag(&other, "alice"), "another in another record");
    check(tag != siphash(grants.key, (const uint8_t *)"alice", 5), "and it is no check of the record's");
    grants_release(&grants);
    grants_close(&grants);
    granted_empty();
}

int main(void)
{
    granted_begin();
    test_made();
    test_begun();
    test_unsafe();
    test_of_others();
    test_busy();
    test_read_only();
    test_noted_time();
    test_texts();
    test_tag();
    granted_end();
    return check_end();
}
