/* SPDX-License-Identifier: ISC */
/*
 * I8, for the record of grants: whichever system call fails, and however, an operation says so, or has done all that it
 * is for; and each grant in the record is the old one or the new one. Each operation is run once unharmed, and then
 * again and again from the same file with its first, second, third ... call failing.
 */
#include "broken_calls.h"
#include "granted.h"

enum number { CHANGED = 1, KEPT = 2, NEW = 3 };

#define OLD_S 1000
#define NEW_S 2000

#define FILE_MAX (GRANTS_BYTES_HEAD_LEN + 100 * GRANTS_BYTES_SLOT_LEN)

static struct file {
    uint8_t bytes[FILE_MAX];
    size_t len; /* 0: there is none */
} none, empty, ordinary, damaged, half_head;

static struct file take_file(void)
{
    struct file file = {0};
    const int fd = openat(AT_FDCWD, granted_path(GRANTS_NAME), O_RDONLY);

    if (fd >= 0) {
        const ssize_t got = read(fd, file.bytes, sizeof file.bytes);

        scratch_need(got >= 0 && close(fd) == 0, "reading the record");
        file.len = (size_t)got;
    }
    return file;
}

static void put_file(const struct file *file)
{
    granted_empty();
    if (file->len == 0)
        return;
    scratch_need(mkdirat(AT_FDCWD, granted_path(""), 0700) == 0, "mkdir");
    const int fd = openat(AT_FDCWD, granted_path(GRANTS_NAME), O_WRONLY | O_CREAT | O_TRUNC, (mode_t)0600);
    scratch_need(fd >= 0 && write(fd, file->bytes, file->len) == (ssize_t)file->len && close(fd) == 0, "writing");
}

static void make_files(void)
{
    struct grants grants = granted_open();

    grants_release(&grants);
    empty = take_file();
    scratch_need(granted_hold(&grants, HOLD_ALONE) == GRANTS_OK, "hold");
    granted_put(&grants, CHANGED, OLD_S);
    granted_put(&grants, KEPT, OLD_S);
    grants_release(&grants);
    grants_close(&grants);
    ordinary = take_file();
    damaged = ordinary;
    damaged.bytes[GRANTS_BYTES_HEAD_LEN + 2 * GRANTS_BYTES_SLOT_LEN + 50] = 1;
    half_head = ordinary;
    half_head.bytes[20] ^= 1;
}

/* ---- Operations, with the record held alone but where they open it ------------------------------------------------
 */

static enum grants_fault open_and_hold(struct grants *grants, uint64_t *outcome)
{
    const struct moment later = granted_at(60000);
    enum grants_fault fault;

    (void)outcome;
    grants_close(grants);
    fault = granted_try(grants, false, 1000);
    return fault == GRANTS_OK ? grants_hold(grants, HOLD_ALONE, &later) : fault;
}

static enum grants_fault list(struct grants *grants, uint64_t *outcome)
{
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;

    *outcome = 0;
    while (grants_next(grants, &at, &grant, &slot, &fault))
        *outcome += grant.lifetime_s;
    return fault;
}

static enum grants_fault open_and_list(struct grants *grants, uint64_t *outcome)
{
    enum grants_fault fault;

    grants_close(grants);
    fault = granted_try(grants, true, 1000);
    if (fault == GRANTS_OK)
        fault = granted_hold(grants, HOLD_SHARED);
    return fault == GRANTS_OK ? list(grants, outcome) : fault;
}

static enum grants_fault find(struct grants *grants, uint64_t *outcome)
{
    const struct source network = scratch_source(KEPT);
    struct grant grant;

    return grants_find(grants, &(struct grants_key){"ssh", &network, "alice"}, &grant, outcome);
}

static enum grants_fault put(struct grants *grants, uint64_t *outcome)
{
    const struct grant grant = granted_of(NEW, NEW_S);

    *outcome = GRANTS_MAX;
    return grants_put(grants, &grant, outcome);
}

static enum grants_fault change(struct grants *grants, uint64_t *outcome)
{
    const struct grant grant = granted_of(CHANGED, NEW_S);

    *outcome = 0;
    return grants_put(grants, &grant, outcome);
}

static enum grants_fault take_away(struct grants *grants, uint64_t *outcome)
{
    *outcome = 0;
    return grants_remove(grants, 0);
}

static enum grants_fault repair(struct grants *grants, uint64_t *outcome)
{
    return grants_repair(grants, outcome);
}

static enum grants_fault sync_all(struct grants *grants, uint64_t *outcome)
{
    *outcome = 0;
    return grants_sync(grants);
}

static const struct operation {
    const char *name;
    enum grants_fault (*run)(struct grants *grants, uint64_t *outcome);
    const struct file *file;
    bool may_differ; /* the file that it leaves when it has worked: what is noted of the time is no part of it */
} operations[] = {
    {"making a record", open_and_hold, &none, true},
    {"opening a record", open_and_hold, &ordinary, true},
    {"opening and listing", open_and_list, &ordinary, false},
    {"listing", list, &ordinary, false},
    {"finding", find, &ordinary, false},
    {"granting first", put, &empty, false},
    {"granting", put, &ordinary, false},
    {"granting where one header is damaged", put, &half_head, false},
    {"changing", change, &ordinary, false},
    {"removing", take_away, &ordinary, false},
    {"repairing a slot", repair, &damaged, false},
    {"repairing a header", repair, &half_head, false},
    {"writing to the disk", sync_all, &ordinary, false},
};

/* ---- The judge ----------------------------------------------------------------------------------------------------
 */

static bool retried = true; /* each retry has worked */

struct played {
    enum grants_fault fault;
    int error;
    uint64_t outcome;
    struct file file;
};

/* From its file on, with one call failing (or none). */
static void play(const struct operation *operation, const struct way *way, unsigned nth, struct played *played)
{
    struct grants grants = GRANTS_CLOSED;
    uint64_t outcome;

    put_file(operation->file);
    if (operation->file->len != 0)
        grants = granted_open();
    broken.nth = nth;
    broken.seen = 0;
    broken.call = NULL;
    if (way != NULL)
        broken.how = *way;
    errno = 0;
    played->fault = operation->run(&grants, &played->outcome);
    played->error = errno;
    broken.nth = 0;
    played->file = take_file();
    if (played->fault != GRANTS_OK)
        retried &= operation->run(&grants, &outcome) == GRANTS_OK;
    grants_close(&grants);
}

/* Each grant of the record is one of those there were, or the new one of the same number. */
static bool is_well(const struct operation *operation, const struct file *file)
{
    struct grants grants;
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;
    unsigned kept = 0;
    bool well = true;

    put_file(file);
    grants = granted_open();
    while (grants_next(&grants, &at, &grant, &slot, &fault)) {
        const struct grant old = granted_of(grant.network.address[15], OLD_S);
        const struct grant new = granted_of(grant.network.address[15], NEW_S);

        well &= granted_same(&grant, &old) || granted_same(&grant, &new);
        kept += grant.network.address[15] == KEPT;
    }
    well &= fault == GRANTS_OK && kept == (operation->file->len > empty.len ? 1 : 0);
    well &= grants.damaged == 0 || operation->file == &damaged;
    grants_close(&grants);
    return well;
}

/* NULL, or what is wrong. */
static const char *judge(const struct operation *operation, const struct way *way, const struct played *played,
                         const struct played *wanted)
{
    const bool has_errno = grants_fault_has_errno(played->fault);

    if (played->fault == GRANTS_OK && played->outcome != wanted->outcome)
        return "it says that it has worked, and has not";
    if (played->fault == GRANTS_OK && !operation->may_differ &&
        (played->file.len != wanted->file.len || memcmp(played->file.bytes, wanted->file.bytes, wanted->file.len) != 0))
        return "it says that it has worked, and the record is another";
    if (played->fault == GRANTS_OK && broken.call != NULL && strstr(broken.call, "sync") != NULL)
        return "it says that it has worked, and is not on the disk";
    if (has_errno && way->error != 0 && played->error != way->error && played->error != way->later)
        return "errno is not the cause";
    if (has_errno && way->error == 0 && played->error != ENOSPC && played->error != EIO)
        return "errno is none that less than all leads to";
    if (!is_well(operation, &played->file))
        return "the record is not whole";
    return NULL;
}

static void test_operation(const struct operation *operation)
{
    static struct played wanted, played;
    unsigned tries = 0, faults = 0, wrong = 0;

    play(operation, NULL, 0, &wanted);
    scratch_need(wanted.fault == GRANTS_OK, operation->name);
    for (const struct way *way = ways; way < ways + sizeof ways / sizeof ways[0]; way++) {
        unsigned nth = 0;

        do {
            play(operation, way, ++nth, &played);
            const char *call = broken.call;
            const char *problem = judge(operation, way, &played, &wanted);

            tries++;
            faults += played.fault != GRANTS_OK;
            if (problem != NULL) {
                wrong++;
                printf("# call %u, %s, %s: %s: %s (%s)\n", nth, call != NULL ? call : "none", way->name, problem,
                       grants_fault_text(played.fault), strerror(played.error));
            }
        } while (broken.call != NULL);
    }
    check(wrong == 0 && faults > 0,
          "I8: %s: of %u runs with a call that fails, %u say so, and the others have done it all", operation->name,
          tries, faults);
}

int main(void)
{
    granted_begin();
    make_files();
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        test_operation(&operations[i]);
    check(retried, "and after each fault the same record serves the next one who comes");
    granted_end();
    return check_end();
}
