/* SPDX-License-Identifier: ISC */
/*
 * I8, for the state directory: whichever system call fails, and however, an operation says so, or has done all that it
 * is for. It never takes a failure for a yes, and never leaves half a table behind.
 *
 * The functions of the C library that state/ calls for the kernel stand here, in front of the real ones. Each operation
 * is run once unharmed, and then again and again from the same files with its first, second, third ... call failing.
 */
#include "broken_calls.h"
#include "check.h"
#include "closed.h"
#include "create.h"
#include "manage.h"
#include "private.h"
#include "repair.h"
#include "scratch.h"
#include "slot.h"

#define NOW    SCRATCH_NOW
#define DAY    86400
#define PLACES 64

/* ---- Where operations begin ---- */

enum who { LOCKED = 1, STRUCK = 2, FRESH = 9, IN_NETWORK = 0x070001, IPV6 = 0x1000000, IPV6_LOCKED = 0x1000100 };

static const struct lockout_policy usual = {
    .delay = 5, .delay_max_wait = 30, .waiting_max = 2, .max_bad_conns = 3, .lockout_time = DAY, .strike_time = 3600};

/* The machine was started in 1970, and no file here says which boot it was. */
static const struct moment now = {.boot_ms = NOW * 1000, .wall_ms = NOW * 1000};

static const struct manage_target network = {
    .source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 7}, .prefix = 112}, .network = true};
static const struct manage_target other_network = {
    .source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 8}, .prefix = 112}, .network = true};

#define TABLE_LEN_MAX (RECORD_HEAD_LEN + 2 * PLACES * RECORD_LEN)
#define OLD_LEN       8192 /* of the golden table of version 1 */

static struct files {
    uint8_t table[TABLE_LEN_MAX];
    size_t len;  /* 0: there is none */
    bool closed; /* this door, by itself or with all others */
} ordinary, damaged, full, keyless, promised, closed_door, nothing, old, old_damaged;

/* In STATE_DIR-root. */
static const char *root_path(const char *name)
{
    static char path[SCRATCH_PATH_LEN + 40];

    snprintf(path, sizeof path, "%s-root/%s", scratch_dir, name);
    return path;
}

static struct files take_files(void)
{
    struct files files = {0};
    struct stat info;
    const int fd = open(scratch_path("lockout"), O_RDONLY);

    if (fd >= 0) {
        const ssize_t got = read(fd, files.table, sizeof files.table);

        scratch_need(got > 0 && close(fd) == 0, "reading the table");
        files.len = (size_t)got;
    }
    files.closed = fstatat(AT_FDCWD, scratch_path("closed"), &info, 0) == 0 ||
                   fstatat(AT_FDCWD, scratch_path("closed-knock"), &info, 0) == 0;
    return files;
}

static void put_file(const char *name, const uint8_t *bytes, size_t len)
{
    const int fd = openat(AT_FDCWD, scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, (mode_t)0600);

    scratch_need(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, "writing a file");
}

static void put_files(const struct files *files)
{
    scratch_empty();
    if (files->len != 0)
        put_file("lockout", files->table, files->len);
    if (files->closed)
        put_file("closed", (const uint8_t *)"2026-11-21T20:39:00Z test\n", 26);
}

/* What an operation works with, and what came of it besides its fault. */
struct stage {
    struct store store;
    struct source source;
    struct lockout_policy policy;
    struct lockout_visitor visitor;
    struct lockout_charge charge;
    uint64_t outcome[4];
};

static void be(struct stage *stage, enum who who)
{
    stage->source = scratch_source(who);
    /* 2001:db8:0:HHHH::/64, and its networks with it. */
    if (who >= IPV6)
        stage->source =
            (struct source){.address = {0x20, 1, 0x0d, 0xb8, 0, 0, (uint8_t)(who >> 8), (uint8_t)who}, .prefix = 64};
    stage->visitor = (struct lockout_visitor){.source = &stage->source, .enclosed = who >= IPV6, .now = now};
}

static void charge(struct stage *stage, enum who who)
{
    be(stage, who);
    scratch_need(lockout_charge(&stage->store, &stage->policy, &stage->visitor, &stage->charge) == STORE_OK, "charge");
}

static void strike(struct stage *stage, enum who who)
{
    charge(stage, who);
    scratch_need(lockout_settle(&stage->store, &stage->policy, &stage->visitor, &stage->charge) == STORE_OK, "settle");
}

/* A table of version 1, which nothing of ours can write any more. */
static void read_old(const char *directory)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/table-1-networks", directory);
    fd = open(path, O_RDONLY);
    scratch_need(fd >= 0 && read(fd, old.table, OLD_LEN) == OLD_LEN && close(fd) == 0, "reading a golden table");
    old.len = OLD_LEN;
    old_damaged = old;
    old_damaged.table[0] ^= 1;
}

static void make_files(void)
{
    struct stage stage = {.policy = usual};

    stage.store = scratch_open(PLACES);
    for (unsigned i = 0; i < 3; i++)
        strike(&stage, LOCKED);
    strike(&stage, STRUCK);
    strike(&stage, STRUCK);
    for (unsigned i = 0; i < 12; i++)
        strike(&stage, (enum who)(IPV6_LOCKED + 1 + i / 2));
    scratch_need(manage_lock(&stage.store, &network, LOCKOUT_FOREVER, &now) == STORE_OK, "lock");
    ordinary = take_files();

    damaged = ordinary;
    memset(damaged.table + RECORD_HEAD_LEN, 0x55, PLACES * RECORD_LEN);
    keyless = ordinary;
    keyless.table[0] ^= 1;
    keyless.table[RECORD_HEADER_COPY_AT] ^= 1;
    closed_door = ordinary;
    closed_door.closed = true;

    for (uint32_t i = 100; i < 100 + 20 * PLACES; i++) {
        const struct manage_target one = {.source = scratch_source(i)};

        scratch_need(manage_lock(&stage.store, &one, LOCKOUT_FOREVER, &now) == STORE_OK, "lock");
    }
    full = take_files();

    put_files(&ordinary);
    scratch_need(lockout_close(&stage.store, "test", &now, NULL) == STORE_OK, "close");
    promised = take_files();
    promised.closed = false;
    store_close(&stage.store);
}

/* ---- Operations ---- */

static enum store_fault admit(struct stage *stage)
{
    struct lockout_admission admission;
    const enum store_fault fault = lockout_admit(&stage->store, &stage->policy, &stage->visitor, &admission);

    stage->outcome[0] = admission.answer;
    stage->outcome[1] = admission.seed_number;
    stage->outcome[2] = admission.closure;
    stage->outcome[3] = admission.damaged_slots;
    return fault;
}

static enum store_fault look(struct stage *stage)
{
    enum lockout_answer answer;
    const enum store_fault fault = lockout_look(&stage->store, &stage->visitor, &answer, NULL);

    stage->outcome[0] = answer;
    return fault;
}

static enum store_fault take_strike(struct stage *stage)
{
    const enum store_fault fault = lockout_charge(&stage->store, &stage->policy, &stage->visitor, &stage->charge);

    stage->outcome[0] = stage->charge.answer;
    stage->outcome[1] = stage->charge.strikes;
    stage->outcome[2] = stage->charge.closure;
    stage->outcome[3] = stage->charge.locks;
    return fault;
}

static enum store_fault forgive(struct stage *stage)
{
    const enum store_fault fault = lockout_forgive(&stage->store, &stage->source, &stage->charge);

    stage->outcome[0] = fault == STORE_OK ? stage->charge.answer : LOCKOUT_REFUSED_LOCKED;
    return fault;
}

static enum store_fault settle(struct stage *stage)
{
    const enum store_fault fault = lockout_settle(&stage->store, &stage->policy, &stage->visitor, &stage->charge);

    stage->outcome[1] = stage->charge.closure;
    return fault;
}

static enum store_fault close_door(struct stage *stage)
{
    return lockout_close(&stage->store, "test", &now, NULL);
}

static enum store_fault read_door(struct stage *stage)
{
    char line[CLOSED_LINE_LEN];
    bool closed;
    const enum store_fault fault = closed_read(stage->store.dir_fd, DOOR_KNOCK, &closed, line);

    /* The reason is for people. */
    stage->outcome[1] = closed;
    return fault;
}

static enum store_fault open_door(struct stage *stage)
{
    bool was_closed;
    const enum store_fault fault = manage_open(&stage->store, &was_closed);

    stage->outcome[1] = was_closed;
    return fault;
}

static enum store_fault lock(struct stage *stage)
{
    return manage_lock(&stage->store, &(struct manage_target){.source = stage->source}, LOCKOUT_FOREVER, &now);
}

static enum store_fault lock_network(struct stage *stage)
{
    return manage_lock(&stage->store, &other_network, LOCKOUT_FOREVER, &now);
}

static enum store_fault take_lock_over(struct stage *stage)
{
    const struct record_slot taken = {
        .source = stage->source, .locked = true, .strikes = 3, .locked_until = NOW + DAY, .last_strike = NOW};

    return manage_take(&stage->store, &taken, false, &now);
}

static enum store_fault take_network_over(struct stage *stage)
{
    const struct record_slot taken = {
        .source = other_network.source, .locked = true, .by_hand = true, .locked_until = NOW + DAY};

    return manage_take(&stage->store, &taken, true, &now);
}

/* As a handler that is root, in a directory of somebody else's. Before it there is a number each time. */
static enum store_fault take_private_seed(struct stage *stage)
{
    static struct private_seed first;
    const unsigned nth = broken.nth;
    struct private_seed seed = {0};
    enum store_fault fault;

    broken.nth = 0;
    stage->store.owner.other = true;
    (void)unlink(root_path("seed"));
    scratch_need(private_next_seed(&stage->store, 0, &first) == STORE_OK, "the first seed");
    broken.nth = nth;
    fault = private_next_seed(&stage->store, 0, &seed);
    stage->store.owner.other = false;
    stage->outcome[1] = fault == STORE_OK ? seed.number - first.number : 0;
    stage->outcome[2] = fault == STORE_OK && memcmp(seed.key, first.key, sizeof seed.key) == 0;
    return fault;
}

static enum store_fault unlock(struct stage *stage)
{
    bool found;
    const enum store_fault fault = manage_unlock(&stage->store, &stage->source, &now, &found);

    stage->outcome[1] = found;
    return fault;
}

static enum store_fault unlock_network(struct stage *stage)
{
    bool found;
    const enum store_fault fault = manage_unlock(&stage->store, &network.source, &now, &found);

    stage->outcome[1] = found;
    return fault;
}

static enum store_fault unlock_all(struct stage *stage)
{
    return manage_unlock_all(&stage->store, &now, &stage->outcome[1]);
}

static enum store_fault flush(struct stage *stage)
{
    return manage_flush(&stage->store, &now, &stage->outcome[1]);
}

static bool count_entry(void *context, const struct manage_entry *entry)
{
    uint64_t *outcome = context;

    outcome[1]++;
    outcome[2] += entry->slot->locked;
    return true;
}

static enum store_fault list(struct stage *stage)
{
    return manage_each(&stage->store, &now, count_entry, stage->outcome, NULL);
}

/* From opening the table on, and as one who may only look. */
static enum store_fault open_and_list(struct stage *stage)
{
    enum store_fault fault;

    store_close(&stage->store);
    fault = scratch_try(&stage->store, PLACES, true, 1000);
    return fault == STORE_OK ? list(stage) : fault;
}

static enum store_fault open_and_look(struct stage *stage)
{
    enum store_fault fault;

    store_close(&stage->store);
    fault = scratch_try(&stage->store, PLACES, false, 1000);
    return fault == STORE_OK ? look(stage) : fault;
}

static enum store_fault verify(struct stage *stage)
{
    struct repair_findings findings;
    const enum store_fault fault = repair_verify(&stage->store, NULL, NULL, &findings);

    stage->outcome[1] = repair_is_clean(&findings);
    stage->outcome[2] = findings.whole;
    return fault;
}

static enum store_fault repair_to(struct stage *stage, uint64_t places)
{
    const struct repair_order order = {.places = places, .give_up = true, .moment = now};
    struct repair_report report;
    const enum store_fault fault = repair_table(&stage->store, &order, &report);

    stage->outcome[1] = report.places;
    stage->outcome[2] = report.kept;
    stage->outcome[3] = report.damaged;
    return fault;
}

static enum store_fault repair(struct stage *stage)
{
    return repair_to(stage, 0);
}

static enum store_fault repair_larger(struct stage *stage)
{
    return repair_to(stage, 2 * PLACES);
}

enum after {
    SAME_FILES = 1,  /* when it has worked, the files are what they are when nothing fails */
    CLOSED = 2,      /* when it has worked, the door is closed, by the table or by the file */
    MAY_REPAIR = 4,  /* when it has not, the table may want a repair */
    MAY_BE_NONE = 8, /* when it has not, there may be no table */
};

static const struct operation {
    const char *name;
    enum store_fault (*run)(struct stage *stage);
    const struct files *files;
    enum who who;
    int after;
    bool charged;                        /* the source has been charged before */
    const struct lockout_policy *policy; /* NULL: the usual one */
} operations[] = {
    {"making a table", open_and_look, &nothing, FRESH, MAY_BE_NONE, false, NULL},
    {"opening a table", open_and_look, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"opening and listing", open_and_list, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"admitting a new source", admit, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"admitting a locked source", admit, &ordinary, LOCKED, SAME_FILES, false, NULL},
    {"admitting one of a locked network", admit, &ordinary, IN_NETWORK, SAME_FILES, false, NULL},
    {"admitting one of a locked network of strikes", admit, &ordinary, IPV6_LOCKED, SAME_FILES, false, NULL},
    {"admitting where slots are damaged", admit, &damaged, FRESH, SAME_FILES, false, NULL},
    {"admitting where the table is full", admit, &full, FRESH, 0, false,
     &(const struct lockout_policy){.max_bad_conns = 3, .close_when_full = true}},
    {"admitting at a door that is to be closed", admit, &promised, FRESH, SAME_FILES, false, NULL},
    {"looking", look, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"a first strike", take_strike, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"looking at one of a network of strikes", look, &ordinary, IPV6, SAME_FILES, false, NULL},
    {"a strike in networks", take_strike, &ordinary, IPV6, SAME_FILES, false, NULL},
    {"a strike in networks where slots are damaged", take_strike, &damaged, IPV6, SAME_FILES, false, NULL},
    {"a strike in networks where the table is full", take_strike, &full, IPV6, 0, false,
     &(const struct lockout_policy){.max_bad_conns = 3, .close_when_full = true}},
    {"forgiving in networks", forgive, &ordinary, IPV6, SAME_FILES, true, NULL},
    {"settling in networks", settle, &ordinary, IPV6, SAME_FILES, true, NULL},
    {"a last strike", take_strike, &ordinary, STRUCK, SAME_FILES, false, NULL},
    {"a strike where the table is full", take_strike, &full, FRESH, 0, false,
     &(const struct lockout_policy){.max_bad_conns = 3, .close_when_full = true}},
    {"forgiving", forgive, &ordinary, STRUCK, SAME_FILES, true, NULL},
    {"settling", settle, &ordinary, STRUCK, SAME_FILES, true, NULL},
    {"settling the last error that is borne", settle, &ordinary, STRUCK, 0, true,
     &(const struct lockout_policy){.max_bad_conns = 3, .max_total_errs = 1, .strike_time = 3600}},
    {"closing the door", close_door, &ordinary, FRESH, CLOSED, false, NULL},
    {"reading why the door is closed", read_door, &closed_door, FRESH, SAME_FILES, false, NULL},
    {"opening the door", open_door, &closed_door, FRESH, SAME_FILES, false, NULL},
    {"locking", lock, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"locking a network", lock_network, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"taking a lock over", take_lock_over, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"taking a lock over where there is one", take_lock_over, &ordinary, LOCKED, SAME_FILES, false, NULL},
    {"taking a network over", take_network_over, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"counting root's seeds", take_private_seed, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"unlocking", unlock, &ordinary, LOCKED, SAME_FILES, false, NULL},
    {"unlocking nobody", unlock, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"unlocking a network", unlock_network, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"unlocking all", unlock_all, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"flushing", flush, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"listing", list, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"verifying", verify, &ordinary, FRESH, SAME_FILES, false, NULL},
    {"repairing", repair, &damaged, FRESH, SAME_FILES | MAY_REPAIR, false, NULL},
    {"repairing to another size", repair_larger, &ordinary, FRESH, SAME_FILES | MAY_REPAIR, false, NULL},
    {"admitting, and converting the table", admit, &old, FRESH, SAME_FILES, false, NULL},
    {"striking, and converting the table", take_strike, &old, FRESH, SAME_FILES, false, NULL},
    {"looking, and converting the table", look, &old, FRESH, SAME_FILES, false, NULL},
    {"repairing a table of version 1", repair, &old_damaged, FRESH, SAME_FILES | MAY_REPAIR, false, NULL},
    {"beginning anew", repair, &keyless, FRESH, MAY_REPAIR, false, NULL},
};

/* ---- The judge ---- */

static bool retried = true; /* each retry has worked */

/* From its files on, with one call failing (or none). Files are what it leaves. */
static enum store_fault play(const struct operation *operation, const struct way *way, unsigned nth,
                             struct stage *stage, struct files *files)
{
    enum store_fault fault;
    int error;

    put_files(operation->files);
    *stage = (struct stage){.policy = operation->policy != NULL ? *operation->policy : usual,
                            .store = {.dir_fd = -1, .table_fd = -1}};
    be(stage, operation->who);
    if (operation->files->len != 0)
        stage->store = scratch_open(PLACES);
    stage->store.options.now = now;
    if (operation->charged)
        charge(stage, operation->who);
    broken.nth = nth;
    broken.seen = 0;
    broken.call = NULL;
    if (way != NULL)
        broken.how = *way;
    errno = 0;
    fault = operation->run(stage);
    error = errno;
    /* What has failed may be tried again at once, as long as the table is as it was. */
    if (fault != STORE_OK && stage->store.dir_fd >= 0 && (operation->after & MAY_REPAIR) == 0) {
        enum lockout_answer answer;

        (void)lockout_look(&stage->store, &stage->visitor, &answer, NULL);
        broken.nth = 0;
        retried &= lockout_look(&stage->store, &stage->visitor, &answer, NULL) == STORE_OK;
    }
    broken.nth = 0;
    *files = take_files();
    store_close(&stage->store);
    errno = error;
    return fault;
}

static bool same_files(const struct files *a, const struct files *b)
{
    return a->len == b->len && a->closed == b->closed && memcmp(a->table, b->table, a->len) == 0;
}

/* The table as it is now: whole, or what the operation may leave when it fails. */
static bool is_well(const struct operation *operation, const struct files *files)
{
    struct repair_findings findings;
    struct stage stage = {0};
    struct store store;
    bool well;

    if (files->len == 0 && (operation->after & MAY_BE_NONE) != 0)
        return true;
    if (operation->files == &old && same_files(files, &old))
        return true; /* the next one converts it */
    store = scratch_open(PLACES);
    well = repair_verify(&store, NULL, NULL, &findings) == STORE_OK;
    if (operation->files != &damaged && (operation->after & MAY_REPAIR) == 0) {
        well &= repair_is_clean(&findings);
    } else if (operation->files == &damaged && (operation->after & MAY_REPAIR) == 0) {
        well &= findings.head == STORE_OK;
    } else {
        stage.store = store;
        well &= repair_to(&stage, 0) == STORE_OK && repair_verify(&store, NULL, NULL, &findings) == STORE_OK &&
                repair_is_clean(&findings);
    }
    store_close(&store);
    return well;
}

/* It was a call that puts something on the disk. Not so the line that says why a door is closed: its name closes it. */
static bool is_sync(const struct operation *operation, const struct files *wanted_files)
{
    const bool closes = wanted_files->closed && !operation->files->closed;

    return broken.call != NULL &&
           (strcmp(broken.call, "fsync") == 0 || (strcmp(broken.call, "fdatasync") == 0 && !closes));
}

/* NULL, or what is wrong. */
static const char *judge(const struct operation *operation, const struct way *way, enum store_fault fault,
                         const struct stage *stage, const struct files *files, const struct stage *wanted,
                         const struct files *wanted_files)
{
    const int error = errno;

    if (stage->outcome[0] == LOCKOUT_ADMITTED && wanted->outcome[0] != LOCKOUT_ADMITTED)
        return "somebody is let in";
    if (fault != STORE_OK && stage->outcome[0] == LOCKOUT_ADMITTED)
        return "somebody is let in with a fault";
    if (fault == STORE_OK && memcmp(stage->outcome, wanted->outcome, sizeof stage->outcome) != 0)
        return "it says that it has worked, and has not";
    if (fault == STORE_OK && (operation->after & SAME_FILES) != 0 && !same_files(files, wanted_files))
        return "it says that it has worked, and the files are others";
    if (fault == STORE_OK && (operation->after & CLOSED) != 0 && !files->closed &&
        memcmp(files->table + RECORD_COUNTERS_AT, wanted_files->table + RECORD_COUNTERS_AT, RECORD_LEN) != 0)
        return "the door is not closed";
    if (fault == STORE_OK && (operation->after & CLOSED) == 0 && is_sync(operation, wanted_files))
        return "it says that it has worked, and is not on the disk";
    if (store_fault_has_errno(fault) && way->error != 0 && error != way->error && error != way->later)
        return "errno is not the cause";
    if (store_fault_has_errno(fault) && way->error == 0 && error != ENOSPC && error != EIO)
        return "errno is none that less than all leads to";
    if (!is_well(operation, files))
        return "the table is not whole";
    return NULL;
}

static void test_operation(const struct operation *operation)
{
    struct stage wanted, stage;
    struct files wanted_files, files;
    unsigned tries = 0, faults = 0;

    scratch_need(play(operation, NULL, 0, &wanted, &wanted_files) == STORE_OK, operation->name);
    for (const struct way *way = ways; way < ways + sizeof ways / sizeof ways[0]; way++) {
        unsigned nth = 0;
        unsigned wrong = 0;

        do {
            const enum store_fault fault = play(operation, way, ++nth, &stage, &files);
            const char *problem = judge(operation, way, fault, &stage, &files, &wanted, &wanted_files);

            tries++;
            faults += fault != STORE_OK;
            if (problem != NULL) {
                wrong++;
                printf("# call %u, %s, %s: %s: %s (%s)\n", nth, broken.call != NULL ? broken.call : "none", way->name,
                       problem, store_fault_text(fault), strerror(errno));
            }
        } while (broken.call != NULL);
        if (wrong != 0)
            check(false, "I8: %s, when a call %s", operation->name, way->name);
    }
    check(faults > 0, "I8: %s: of %u runs with a call that fails, %u say so, and the others have done it all",
          operation->name, tries, faults);
}

/* There are file systems, and were kernels, without renameat2(2). */
static void test_without_renameat2(void)
{
    static const int errors[] = {EINVAL, ENOSYS};
    struct stage stage;
    struct files files;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const struct way way = {.only = "renameat2", .error = errors[i], .later = errors[i]};

        check(play(&operations[0], &way, 1, &stage, &files) == STORE_OK && broken.call != NULL &&
                  is_well(&operations[0], &files),
              "a table is made all the same where renameat2 gives %s", strerror(errors[i]));
    }
}

int main(int argc, char **argv)
{
    scratch_need(argc == 2, "argument: the directory of golden tables");
    scratch_begin();
    make_files();
    read_old(argv[1]);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (geteuid() == 0 || operations[i].run != take_private_seed)
            test_operation(&operations[i]);
    (void)unlink(root_path("seed"));
    (void)rmdir(root_path(""));
    test_without_renameat2();
    check(retried, "and after each fault the same store serves the next one who comes");
    scratch_end();
    return check_end();
}
