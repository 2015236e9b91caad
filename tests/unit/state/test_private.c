/* SPDX-License-Identifier: ISC */
/* The tests of private.c: where a handler that is root takes the numbers of its seeds from. */
#include "check.h"
#include "private.h"
#include "scratch.h"

#include <limits.h>
#include <sys/file.h>

#define KEEPER 12345

static char state_dir[SCRATCH_PATH_LEN + 20];
static char root_dir[SCRATCH_PATH_LEN + 30];

static const char *root_path(const char *name)
{
    static char path[SCRATCH_PATH_LEN + 80];

    snprintf(path, sizeof path, "%s/%s", root_dir, name);
    return path;
}

static struct store open_of(uid_t owner)
{
    const struct store_options options = {
        .directory = state_dir, .places = 64, .now = scratch_at(SCRATCH_NOW), .patience_ms = 100, .keeper = KEEPER};
    struct store store;

    scratch_need(chown(state_dir, owner, 0) == 0 && store_open(&options, &store) == STORE_OK, "store_open");
    scratch_need(store_hold(&store, HOLD_SHARED, NULL) == STORE_OK, "hold");
    store_release(&store);
    return store;
}

static void close_and_empty(struct store *store)
{
    char path[sizeof state_dir + 20];

    store_close(store);
    snprintf(path, sizeof path, "%s/lockout", state_dir);
    unlink(path);
    unlink(root_path("seed"));
    (void)rmdir(root_path("seed"));
    rmdir(root_dir);
}

static void test_of_the_table(void)
{
    struct private_seed seed = {0};
    struct store store = open_of(0);

    check(private_next_seed(&store, 77, &seed) == STORE_OK && seed.number == 77 &&
              memcmp(seed.key, store.header.key, sizeof seed.key) == 0,
          "in a directory of root's the table has number and key");
    check(access(root_dir, F_OK) != 0, "and no other directory is made");
    close_and_empty(&store);
}

static void test_of_roots(void)
{
    struct private_seed first = {0};
    struct private_seed second = {0};
    struct store store = open_of(KEEPER);
    struct stat info;

    check(private_next_seed(&store, 77, &first) == STORE_OK && first.number > SCRATCH_NOW * UINT64_C(1000000000),
          "I5: in one of somebody else's the number is none that he can set: it begins at the clock");
    check(first.number >= UINT64_C(1) << 63 && store.counters.seed < UINT64_C(1) << 62,
          "I5: and not among those of the table, whose first is of the same clock where that stands still");
    check(memcmp(first.key, store.header.key, sizeof first.key) != 0, "nor is the key one that he can read");
    check(stat(root_dir, &info) == 0 && info.st_uid == 0 && (info.st_mode & 0777) == 0700, "they lie with root");
    check(stat(root_path("seed"), &info) == 0 && info.st_uid == 0 && (info.st_mode & 0777) == 0600 &&
              info.st_size == 40,
          "in a file that is 40 bytes long");
    check(private_next_seed(&store, 77, &second) == STORE_OK && second.number == first.number + 1 &&
              memcmp(first.key, second.key, sizeof first.key) == 0,
          "the next number is the next, under the same key");
    close_and_empty(&store);
}

static int take_numbers(unsigned number)
{
    struct private_seed seed;
    struct store store = {.dir_fd = -1, .table_fd = -1};

    (void)number;
    store.owner.other = true;
    store.options = (struct store_options){.directory = state_dir, .patience_ms = SCRATCH_PATIENCE_MS};
    for (unsigned i = 0; i < 50; i++)
        if (private_next_seed(&store, 0, &seed) != STORE_OK)
            return 1;
    return 0;
}

static void test_at_once(void)
{
    struct private_seed first;
    struct private_seed last;
    struct store store = open_of(KEEPER);
    unsigned results[256];

    scratch_need(private_next_seed(&store, 0, &first) == STORE_OK, "the first");
    scratch_crowd(20, take_numbers, results);
    check_number(results[0], 20, "20 processes take 50 numbers each");
    scratch_need(private_next_seed(&store, 0, &last) == STORE_OK, "the last");
    check_number(last.number, first.number + 20 * 50 + 1, "I5: and no two the same");
    close_and_empty(&store);
}

static void fault_is(struct store *store, enum store_fault want, const char *what)
{
    struct private_seed seed;

    check_number(private_next_seed(store, 77, &seed), want, what);
}

static void test_faults(void)
{
    struct store store = open_of(KEEPER);
    struct private_seed seed;
    unsigned unseen = 0;

    scratch_need(private_next_seed(&store, 0, &seed) == STORE_OK, "the first");
    for (unsigned i = 0; i < 40; i++) {
        uint8_t bytes[40];
        const int fd = open(root_path("seed"), O_RDONLY);

        scratch_need(fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes && close(fd) == 0, "read");
        bytes[i] ^= 1;
        scratch_write_file(root_path("seed"), bytes, sizeof bytes);
        unseen += private_next_seed(&store, 0, &seed) != STORE_PRIVATE_DAMAGED;
        bytes[i] ^= 1;
        scratch_write_file(root_path("seed"), bytes, sizeof bytes);
    }
    check_number(unseen, 0, "I8: every changed byte of the file is seen, and refused");
    scratch_need(truncate(root_path("seed"), 39) == 0, "truncate");
    fault_is(&store, STORE_PRIVATE_DAMAGED, "I8: so is a shorter one");
    scratch_need(truncate(root_path("seed"), 0) == 0, "truncate");
    fault_is(&store, STORE_OK, "an empty one is new: its maker was killed");
    scratch_need(chmod(root_dir, 0750) == 0, "chmod");
    fault_is(&store, STORE_PRIVATE_OWNER, "I8: a directory that others can enter");
    scratch_need(chmod(root_dir, 0700) == 0 && chown(root_dir, KEEPER, 0) == 0, "chown");
    fault_is(&store, STORE_PRIVATE_OWNER, "I8: one that is somebody else's");
    scratch_need(chown(root_dir, 0, 0) == 0 && chown(scratch_dir, KEEPER, 0) == 0, "chown");
    fault_is(&store, STORE_PRIVATE_OWNER, "I8: or that somebody else could rename");
    scratch_need(chown(scratch_dir, 0, 0) == 0 && chmod(scratch_dir, 0777) == 0, "chmod");
    fault_is(&store, STORE_PRIVATE_OWNER, "I8: or anybody");
    scratch_need(chmod(scratch_dir, 01777) == 0, "chmod");
    fault_is(&store, STORE_OK, "but for a sticky one above");
    scratch_need(chmod(scratch_dir, 0700) == 0 && unlink(root_path("seed")) == 0 &&
                     symlink("/dev/null", root_path("seed")) == 0,
                 "symlink");
    fault_is(&store, STORE_PRIVATE_FAILED, "I8: a link in its place");
    scratch_need(unlink(root_path("seed")) == 0 && mkdir(root_path("seed"), 0700) == 0, "mkdir");
    fault_is(&store, STORE_PRIVATE_FAILED, "I8: a directory in its place");
    close_and_empty(&store);
}

/* What a user could have replaced by a link to anywhere root makes nothing in. */
static void test_above(void)
{
    struct store store = open_of(KEEPER);

    scratch_need(chown(scratch_dir, KEEPER, 0) == 0, "chown");
    fault_is(&store, STORE_PRIVATE_OWNER, "I8: the directory above is somebody else's");
    check(access(root_dir, F_OK) != 0, "and then nothing is made there");
    scratch_need(chown(scratch_dir, 0, 0) == 0, "chown");
    close_and_empty(&store);
}

static void look_is(enum store_fault want, const char *what)
{
    check_number(private_look(state_dir, 100), want, what);
}

static void test_look(void)
{
    struct store store = open_of(KEEPER);
    uint8_t before[40], after[40];
    int fd;

    look_is(STORE_OK, "a look where there is nothing yet finds no fault");
    check(access(root_dir, F_OK) != 0, "and makes nothing");
    scratch_need(mkdir(root_dir, 0700) == 0, "mkdir");
    look_is(STORE_OK, "an empty directory is none either");
    check(access(root_path("seed"), F_OK) != 0, "and stays empty");
    fault_is(&store, STORE_OK, "a number");
    fd = open(root_path("seed"), O_RDONLY);
    scratch_need(fd >= 0 && pread(fd, before, sizeof before, 0) == sizeof before, "read");
    look_is(STORE_OK, "nor is the file of a handler");
    scratch_need(pread(fd, after, sizeof after, 0) == sizeof after && close(fd) == 0, "read");
    check(memcmp(before, after, sizeof after) == 0, "and no number is used up");
    scratch_need(truncate(root_path("seed"), 39) == 0, "truncate");
    look_is(STORE_PRIVATE_DAMAGED, "damage is seen");
    scratch_need(chmod(root_dir, 0750) == 0, "chmod");
    look_is(STORE_PRIVATE_OWNER, "so is a directory that others can enter");
    scratch_need(chmod(root_dir, 0700) == 0 && unlink(root_path("seed")) == 0 &&
                     symlink("/dev/null", root_path("seed")) == 0,
                 "symlink");
    look_is(STORE_PRIVATE_FAILED, "and a link in the place of the file");
    close_and_empty(&store);
    scratch_need(symlink("other", root_dir) == 0, "symlink");
    look_is(STORE_PRIVATE_FAILED, "or of the directory");
    scratch_need(unlink(root_dir) == 0, "unlink");
    close_and_empty(&store);
}

static void test_the_way_there(void)
{
    static char longest[PATH_MAX];
    struct store store = open_of(KEEPER);
    struct private_seed first = {0};
    struct private_seed second = {0};
    char slashes[sizeof state_dir + 3];
    int fd;

    snprintf(slashes, sizeof slashes, "%s//", state_dir);
    scratch_need(private_next_seed(&store, 0, &first) == STORE_OK, "the first");
    store.options.directory = slashes;
    check(private_next_seed(&store, 0, &second) == STORE_OK && second.number == first.number + 1,
          "slashes at the end of STATE_DIR name no other directory");
    memset(longest, 'x', sizeof longest - 1);
    store.options.directory = longest;
    fault_is(&store, STORE_PRIVATE_FAILED, "I8: a name that is too long with what is added");
    check(errno == ENAMETOOLONG, "which errno says");
    store.options.directory = state_dir;

    fd = open(root_path("seed"), O_RDONLY);
    scratch_need(fd >= 0 && flock(fd, LOCK_EX) == 0, "flock");
    fault_is(&store, STORE_BUSY, "I8, I13: who holds the file's lock is not waited for for ever");
    close(fd);
    fault_is(&store, STORE_OK, "and then goes on");

    scratch_need(unlink(root_path("seed")) == 0 && rmdir(root_dir) == 0, "rmdir");
    scratch_write_file(root_dir, (const uint8_t *)"", 0);
    fault_is(&store, STORE_PRIVATE_FAILED, "I8: a file in the place of the directory");
    unlink(root_dir);
    close_and_empty(&store);
}

int main(void)
{
    scratch_begin();
    snprintf(state_dir, sizeof state_dir, "%s/other", scratch_dir);
    snprintf(root_dir, sizeof root_dir, "%s/other-root", scratch_dir);
    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root\n", ++check_count);
        scratch_end();
        return check_end();
    }
    scratch_need(mkdir(state_dir, 0700) == 0, "mkdir");
    test_of_the_table();
    test_of_roots();
    test_at_once();
    test_faults();
    test_above();
    test_look();
    test_the_way_there();
    scratch_end();
    return check_end();
}
