/* SPDX-License-Identifier: ISC */
/* The tests of owner.c, and of what the store does with it: root works on the table of a user as that user. */
#include "check.h"
#include "closed.h"
#include "lockout.h"
#include "scratch.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define KEEPER 12345
#define GROUP  12346

static const struct lockout_policy policy = {
    .max_bad_conns = 1, .max_total_errs = 1, .lockout_time = 60, .strike_time = 60, .waiting_max = 2};

static enum store_fault try_as(uid_t keeper, struct store *store)
{
    const struct store_options options = {.directory = scratch_dir,
                                          .places = 64,
                                          .now = scratch_at(SCRATCH_NOW),
                                          .patience_ms = SCRATCH_PATIENCE_MS,
                                          .keeper = keeper};

    return store_open(&options, store);
}

static void begin(struct store *store)
{
    scratch_need(chown(scratch_dir, KEEPER, GROUP) == 0, "chown");
    scratch_need(try_as(KEEPER, store) == STORE_OK, "store_open");
}

static void end(struct store *store)
{
    store_close(store);
    scratch_empty();
}

static bool is_root(void)
{
    return geteuid() == 0 && getegid() == 0 && getuid() == 0;
}

static bool is_keepers(const char *name)
{
    struct stat info;

    return lstat(scratch_path(name), &info) == 0 && info.st_uid == KEEPER && info.st_gid == GROUP;
}

static void test_whose_directory(void)
{
    struct store store;

    scratch_need(chown(scratch_dir, KEEPER, GROUP) == 0, "chown");
    check(try_as(0, &store) == STORE_DIRECTORY_OWNER, "root does not work in just anybody's directory");
    check(try_as(KEEPER + 1, &store) == STORE_DIRECTORY_OWNER, "nor in that of another user than is meant");
    check(try_as(KEEPER, &store) == STORE_OK && is_root(), "but in that of the user who is meant");
    check(is_keepers("lockout"), "the table that is made there belongs to that user");
    end(&store);
    scratch_need(chown(scratch_dir, 0, 0) == 0, "chown");
    check(try_as(KEEPER, &store) == STORE_OK && !store.owner.other, "in its own root works as root");
    end(&store);
}

static void test_steps(void)
{
    const struct source source = scratch_source(1);
    const struct lockout_visitor visitor = {.source = &source, .now = scratch_at(SCRATCH_NOW)};
    struct lockout_admission admission;
    struct lockout_charge charge;
    struct store store;

    begin(&store);
    scratch_need(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "prctl");
    check(lockout_admit(&store, &policy, &visitor, &admission) == STORE_OK && is_root(), "admission, and root again");
    check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "not dumpable, as before");
    scratch_need(unlink(scratch_path("lockout")) == 0, "unlink");
    check(lockout_charge(&store, &policy, &visitor, &charge) == STORE_OK && is_root() && is_keepers("lockout"),
          "a table that was deleted is made anew by its owner");
    check(lockout_settle(&store, &policy, &visitor, &charge) == STORE_OK &&
              charge.closure == LOCKOUT_CLOSED_TOTAL_ERRS && is_root(),
          "a strike closes the door");
    scratch_need(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "prctl");
    end(&store);
}

static void test_rights(void)
{
    static const gid_t some_group = 42;
    struct store store;
    struct stat info;

    begin(&store);
    scratch_need(setgroups(1, &some_group) == 0, "setgroups");
    check(store_hold(&store, HOLD_ALONE, NULL) == STORE_OK && geteuid() == KEEPER && getegid() == GROUP &&
              getgroups(0, NULL) == 0 && getuid() == 0,
          "with the lock it has the owner's rights, and no group besides");
    check(store_act(&store) == STORE_OK && geteuid() == KEEPER, "to begin twice is to begin once");
    store_release(&store);
    check(is_root(), "without the lock it is root");
    store_close(&store);
    scratch_need(chown(scratch_path("lockout"), 0, 0) == 0, "chown");
    check(try_as(KEEPER, &store) == STORE_CANNOT_OPEN && errno == EACCES && is_root(),
          "a file of root's there is out of its reach");
    scratch_need(unlink(scratch_path("lockout")) == 0 && symlink("/etc/shadow", scratch_path("lockout.new")) == 0,
                 "symlink");
    check(try_as(KEEPER, &store) == STORE_OK && is_keepers("lockout") && stat("/etc/shadow", &info) == 0,
          "a link that waits for it leads it nowhere");
    end(&store);
}

static void test_closing_without_table(void)
{
    const struct moment now = scratch_at(SCRATCH_NOW);
    const uint8_t garbage[64] = {1};
    struct store store;
    bool was_open;

    begin(&store);
    scratch_poke("lockout", 0, garbage, sizeof garbage);
    check(lockout_close(&store, "kill-secret", &now, &was_open) == STORE_OK && was_open && is_root(),
          "a door over a damaged table can be closed");
    check(is_keepers("closed"), "and what closes it is the owner's");
    end(&store);
}

/* Whoever lacks the right to be somebody else. */
static int without_capabilities(unsigned number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    struct store store;

    (void)number;
    if (syscall(SYS_capget, &header, data) != 0)
        return SCRATCH_BROKEN;
    data[0].effective &= ~(1U << CAP_SETUID);
    data[0].permitted &= ~(1U << CAP_SETUID);
    if (syscall(SYS_capset, &header, data) != 0)
        return SCRATCH_BROKEN;
    return try_as(KEEPER, &store) == STORE_CANNOT_BE_OWNER && errno == EPERM && is_root() ? 0 : 1;
}

static void test_unable(void)
{
    unsigned results[256];

    scratch_need(chown(scratch_dir, KEEPER, GROUP) == 0, "chown");
    scratch_crowd(1, without_capabilities, results);
    check(results[0] == 1, "I8: who cannot become the owner has a fault, and is who it was");
}

int main(void)
{
    scratch_begin();
    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root\n", ++check_count);
        scratch_end();
        return check_end();
    }
    test_whose_directory();
    test_steps();
    test_rights();
    test_closing_without_table();
    test_unable();
    scratch_end();
    return check_end();
}
