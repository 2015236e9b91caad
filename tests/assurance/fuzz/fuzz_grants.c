/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the record of grants, and any order of what is done to it, compared with a model in memory, while the
 * clocks do what clocks.h says and bytes of the file become others.
 *
 * The input: flags, the number of steps; the steps, six bytes each; and the record, as the whole file or as changes to
 * one with four grants. Since nobody hits a keyed check by chance, flags ask for header and slots to be sealed: then
 * whatever they hold passes its check.
 */
#include "clocks.h"
#include "fuzz.h"
#include "grants.h"
#include "grants_bytes.h"
#include "scratch_dir.h"

#define HEAD_LEN  GRANTS_BYTES_HEAD_LEN
#define SLOT_LEN  GRANTS_BYTES_SLOT_LEN
#define PLANTED   16  /* slots that an input brings, at most */
#define SLOTS_MAX 160 /* of the model: room for one that grows is taken for 64 at once */
#define STEPS_MAX 40
#define NUMBERS   8

enum flag { FLAG_WHOLE_FILE = 1, FLAG_SEAL_HEADER = 2, FLAG_SEAL_SLOTS = 4, FLAG_NO_RECORD = 8 };

enum step_code {
    STEP_PUT,
    STEP_RENEW,
    STEP_REMOVE,
    STEP_FIND,
    STEP_TICK,
    STEP_REPAIR,
    STEP_DAMAGE,
    STEP_CUT,
    STEP_LOOK,
    STEPS
};

struct step {
    uint8_t code;
    uint8_t who;
    uint16_t clocks; /* see clocks.h */
    uint16_t value;
};

/* What was left of a grant when it was written, and when that was. */
struct witness {
    bool known; /* and of which boot it was */
    uint64_t left_ms;
    struct clocks clocks;
};

struct entry {
    bool used;
    bool doubtful; /* bytes of its slot have become others: it is there as it was, or not at all */
    struct grant grant;
    struct witness witness;
};

struct run {
    struct grants grants;
    struct clocks clocks;
    struct moment now;
    struct entry entries[SLOTS_MAX];
    bool head_touched;
};

static char state_dir[sizeof(scratch_dir) + 4];
static char root_dir[sizeof(scratch_dir) + 16];
static char record_path[sizeof(scratch_dir) + 32];

/* ---- the record that a run begins with -------------------------------------------------------------------------- */

static void put(uint8_t *at, uint64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void seal(uint8_t *record, size_t len, unsigned flags)
{
    const uint8_t *key = record + 16;

    if ((flags & FLAG_SEAL_HEADER) != 0) {
        put(record + 504, siphash(key, record, 504), 8);
        memcpy(record + 512, record, 512);
    }
    for (size_t slot = 0; (flags & FLAG_SEAL_SLOTS) != 0 && HEAD_LEN + (slot + 1) * SLOT_LEN <= len; slot++) {
        uint8_t *bytes = record + HEAD_LEN + slot * SLOT_LEN;
        uint8_t checked[SLOT_LEN];

        memcpy(checked, bytes + 8, SLOT_LEN - 8);
        put(checked + SLOT_LEN - 8, slot, 8);
        if (!record_is_zero(bytes, SLOT_LEN))
            put(bytes, siphash(key, checked, SLOT_LEN), 8);
    }
}

static struct source network_of(uint8_t who)
{
    return (struct source){.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)(who % NUMBERS)},
                           .prefix = 128};
}

static struct grants_key key_of(uint8_t who, const struct source *network)
{
    return (struct grants_key){.gate = who % 2 == 0 ? "ssh" : "web", .network = network, .user = "alice"};
}

static struct grant grant_of(uint8_t who)
{
    struct grant grant = {.user = "alice", .network = network_of(who), .step = GRANT_OPENING};

    memcpy(grant.gate, who % 2 == 0 ? "ssh" : "web", 3);
    return grant;
}

static size_t make_ordinary(uint8_t record[static HEAD_LEN + PLANTED * SLOT_LEN])
{
    const struct grants_header header = {.key = "sixteen letters", .latest_ms = CLOCKS_START * 1000 - 5000};
    const struct clocks clocks = clocks_begin();
    const struct moment now = clocks_moment(&clocks);

    grants_bytes_encode_head(&header, record);
    for (uint8_t who = 0; who < 4; who++) {
        struct grant grant = grant_of((uint8_t)(who + 20));

        grant_set_times(&grant, &(struct grant_order){60U << who, 90U << who, header.latest_ms}, &now);
        DEMAND(grants_bytes_encode_slot(&grant, header.key, who, record + HEAD_LEN + who * SLOT_LEN) == 0);
    }
    return HEAD_LEN + PLANTED * SLOT_LEN;
}

static void make_record(struct fuzz_input *input, unsigned flags)
{
    uint8_t record[HEAD_LEN + PLANTED * SLOT_LEN] = {0};
    size_t len;
    int fd;

    if ((flags & FLAG_NO_RECORD) != 0)
        return;
    if ((flags & FLAG_WHOLE_FILE) != 0) {
        len = fuzz_take(input, record, sizeof(record));
    } else {
        len = make_ordinary(record);
        while (input->left > 3) {
            const size_t at = (size_t)fuzz_number(input, 2) % len;
            const size_t some = fuzz_byte(input);

            fuzz_take(input, record + at, some < len - at ? some : len - at);
        }
    }
    seal(record, len, flags);
    DEMAND(mkdir(root_dir, 0700) == 0);
    fd = open(record_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    DEMAND(fd >= 0 && write(fd, record, len) == (ssize_t)len);
    close(fd);
}

/* ---- what must hold --------------------------------------------------------------------------------------------- */

static uint64_t limit_of(const struct grant *grant)
{
    return grant->lifetime_s < RECORD_TIME_MAX / 1000 ? grant->lifetime_s * 1000 : RECORD_TIME_MAX;
}

/* I15, by what can be seen of one grant alone. */
static void demand_bounds(const struct run *run, const struct grant *grant)
{
    const uint64_t latest_ms = run->grants.latest_ms;
    struct grant next = *grant;
    uint64_t left_ms, next_ms;
    const enum grant_time time = grant_left(grant, latest_ms, &run->now, &left_ms);

    DEMAND((time == GRANT_RUNS) == (left_ms > 0) && left_ms <= limit_of(grant));
    if (memcmp(grant->boot_id, run->now.boot_id, RECORD_BOOT_ID_LEN) != 0 && time == GRANT_RUNS)
        DEMAND(run->now.wall_ms >= latest_ms && grant->wall_known);
    if (grant_set_clocks(&next, latest_ms, &run->now)) {
        DEMAND(grant_left(&next, latest_ms, &run->now, &next_ms) != GRANT_RUNS || next_ms <= left_ms);
        DEMAND(run->clocks.unknown || !grant_set_clocks(&next, latest_ms, &run->now));
    }
}

/* And by when it was written: within a boot nothing else counts, and with right clocks nothing at all. */
static void demand_time(const struct run *run, const struct entry *entry)
{
    const struct witness *before = &entry->witness;
    const uint64_t up_ms = (run->clocks.boot - before->clocks.boot) * 1000;
    const uint64_t true_ms = (run->clocks.truth - before->clocks.truth) * 1000;
    uint64_t left_ms;

    demand_bounds(run, &entry->grant);
    grant_left(&entry->grant, run->grants.latest_ms, &run->now, &left_ms);
    if (!before->known)
        return;
    if (before->clocks.boots == run->clocks.boots && !run->clocks.unknown)
        DEMAND(left_ms == (before->left_ms > up_ms ? before->left_ms - up_ms : 0));
    if (run->clocks.least_ahead == 0 && run->clocks.most_ahead == 0)
        DEMAND(left_ms <= (before->left_ms > true_ms ? before->left_ms - true_ms : 0));
}

static bool same(const struct grant *one, const struct grant *other)
{
    static const uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[2][SLOT_LEN];

    return grants_bytes_encode_slot(one, key, 0, bytes[0]) == 0 &&
           grants_bytes_encode_slot(other, key, 0, bytes[1]) == 0 && memcmp(bytes[0], bytes[1], SLOT_LEN) == 0;
}

/* What the record gives is what the model has, slot for slot. */
static void compare(struct run *run)
{
    bool met[SLOTS_MAX] = {false};
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;

    while (grants_next(&run->grants, &at, &grant, &slot, &fault)) {
        DEMAND(slot < SLOTS_MAX && !met[slot]);
        DEMAND(run->entries[slot].used && same(&grant, &run->entries[slot].grant));
        met[slot] = true;
        demand_time(run, &run->entries[slot]);
    }
    DEMAND(fault == GRANTS_OK);
    for (unsigned i = 0; i < SLOTS_MAX; i++)
        DEMAND(met[i] || !run->entries[i].used || run->entries[i].doubtful);
}

/* What an input has brought is believed as it is read, and can be written again as the same. */
static void learn(struct run *run)
{
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;

    while (grants_next(&run->grants, &at, &grant, &slot, &fault)) {
        uint8_t bytes[SLOT_LEN], again[SLOT_LEN];
        const int fd = open(record_path, O_RDONLY | O_CLOEXEC);

        memset(bytes, 0, sizeof(bytes));
        DEMAND(fd >= 0 && pread(fd, bytes, SLOT_LEN, (off_t)(HEAD_LEN + slot * SLOT_LEN)) >= 0);
        close(fd);
        DEMAND(grants_bytes_encode_slot(&grant, run->grants.key, slot, again) == 0);
        DEMAND(memcmp(bytes, again, SLOT_LEN) == 0);
        run->entries[slot] = (struct entry){.used = true, .grant = grant};
    }
    DEMAND(fault == GRANTS_OK);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static void write_grant(struct run *run, const struct grant *grant, uint64_t slot)
{
    const bool is_new = slot == GRANTS_MAX;

    DEMAND(grants_put(&run->grants, grant, &slot) == GRANTS_OK && slot < SLOTS_MAX);
    DEMAND(!is_new || !run->entries[slot].used || run->entries[slot].doubtful);
    struct entry *entry = &run->entries[slot];
    *entry = (struct entry){.used = true, .grant = *grant};
    entry->witness = (struct witness){.known = !run->clocks.unknown, .clocks = run->clocks};
    grant_left(grant, run->grants.latest_ms, &run->now, &entry->witness.left_ms);
}

static void step_put(struct run *run, const struct step *step, bool by_use)
{
    const struct grant_order order = {by_use ? 100 : 1U + step->value % 100000U, by_use ? 0 : 2U * step->value,
                                      run->grants.latest_ms};
    const struct source network = network_of(step->who);
    const struct grants_key key = key_of(step->who, &network);
    struct grant grant;
    uint64_t slot, left_ms;

    DEMAND(grants_find(&run->grants, &key, &grant, &slot) == GRANTS_OK);
    if (by_use && (slot == GRANTS_MAX || grant_left(&grant, order.latest_ms, &run->now, &left_ms) != GRANT_RUNS))
        return;
    if (slot == GRANTS_MAX)
        grant = grant_of(step->who);
    grant_set_times(&grant, &order, &run->now);
    DEMAND(grant.until_boot_ms <= grant.most_boot_ms && grant.until_wall_ms <= grant.most_wall_ms);
    write_grant(run, &grant, slot);
}

static void step_remove(struct run *run, const struct step *step, bool removes)
{
    const struct source network = network_of(step->who);
    const struct grants_key key = key_of(step->who, &network);
    struct grant grant;
    uint64_t slot;

    DEMAND(grants_find(&run->grants, &key, &grant, &slot) == GRANTS_OK);
    for (unsigned i = 0; i < SLOTS_MAX && slot == GRANTS_MAX; i++) {
        const struct entry *entry = &run->entries[i];

        DEMAND(!entry->used || entry->doubtful || strcmp(entry->grant.gate, key.gate) != 0 ||
               strcmp(entry->grant.user, key.user) != 0 ||
               memcmp(&entry->grant.network, &network, sizeof(network)) != 0);
    }
    if (slot == GRANTS_MAX)
        return;
    DEMAND(slot < SLOTS_MAX && run->entries[slot].used && same(&grant, &run->entries[slot].grant));
    if (!removes)
        return;
    DEMAND(grants_remove(&run->grants, slot) == GRANTS_OK);
    run->entries[slot].used = false;
}

static void step_tick(struct run *run)
{
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;

    while (grants_next(&run->grants, &at, &grant, &slot, &fault))
        if (grant_set_clocks(&grant, run->grants.latest_ms, &run->now))
            write_grant(run, &grant, slot);
    DEMAND(fault == GRANTS_OK);
}

static void step_repair(struct run *run)
{
    uint64_t count;

    DEMAND(grants_repair(&run->grants, &count) == GRANTS_OK);
    grants_release(&run->grants);
    DEMAND(grants_hold(&run->grants, HOLD_ALONE, &run->now) == GRANTS_OK);
    compare(run);
    DEMAND(run->grants.damaged == 0 && !run->grants.header_damaged);
    run->head_touched = false;
}

/* Bytes of these slots are others than were written; those behind the first may be no more at all. */
static void doubt(struct run *run, size_t slot, bool cuts)
{
    for (size_t i = slot; i < (cuts ? SLOTS_MAX : slot + 1) && i < SLOTS_MAX; i++) {
        run->entries[i].doubtful = true;
        if (i > slot)
            run->entries[i].used = false;
    }
}

/* By whoever is root, or by the disk, between two who hold it. */
static void step_damage(struct run *run, const struct step *step, bool cuts)
{
    struct stat info;
    const int fd = open(record_path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    DEMAND(fd >= 0 && fstat(fd, &info) == 0);
    const off_t at = step->value % (info.st_size > 0 ? info.st_size : 1);
    if (cuts && at >= HEAD_LEN)
        DEMAND(ftruncate(fd, at) == 0);
    if (!cuts && pread(fd, &byte, 1, at) == 1) {
        byte ^= step->who;
        DEMAND(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
    if (at >= HEAD_LEN)
        doubt(run, ((size_t)at - HEAD_LEN) / SLOT_LEN, cuts);
    else
        run->head_touched |= !cuts;
}

/* Who only looks sees the same, and changes nothing. */
static void step_look(struct run *run)
{
    const struct grants_options options = {.state_dir = state_dir, .read_only = true};
    struct grants mine = run->grants;
    struct stat before, after;

    DEMAND(stat(record_path, &before) == 0);
    grants_release(&run->grants);
    DEMAND(grants_open(&options, &run->grants) == GRANTS_OK);
    DEMAND(grants_hold(&run->grants, HOLD_SHARED, &run->now) == GRANTS_OK);
    compare(run);
    grants_release(&run->grants);
    grants_close(&run->grants);
    run->grants = mine;
    run->grants.held = false;
    DEMAND(stat(record_path, &after) == 0 && before.st_size == after.st_size && before.st_ino == after.st_ino);
    DEMAND(grants_hold(&run->grants, HOLD_ALONE, &run->now) == GRANTS_OK);
}

/* With the lock held alone. */
static void take_step(struct run *run, const struct step *step)
{
    switch ((enum step_code)(step->code % STEPS)) {
    case STEP_PUT:
        step_put(run, step, false);
        break;
    case STEP_RENEW:
        step_put(run, step, true);
        break;
    case STEP_REMOVE:
        step_remove(run, step, true);
        break;
    case STEP_FIND:
        step_remove(run, step, false);
        break;
    case STEP_TICK:
        step_tick(run);
        break;
    case STEP_REPAIR:
        step_repair(run);
        break;
    case STEP_LOOK:
        step_look(run);
        break;
    case STEP_DAMAGE:
    case STEP_CUT:
    case STEPS:
        break;
    }
    compare(run);
}

/* ---- a run ------------------------------------------------------------------------------------------------------ */

/* False: nobody believes the record any more, which has to have a cause. */
static bool hold(struct run *run)
{
    const enum grants_fault fault = grants_hold(&run->grants, HOLD_ALONE, &run->now);

    DEMAND(fault == GRANTS_OK || (run->head_touched && (fault == GRANTS_DAMAGED || fault == GRANTS_FOREIGN)));
    return fault == GRANTS_OK;
}

static void play(struct run *run, const struct step *steps, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const bool damages = steps[i].code % STEPS == STEP_DAMAGE || steps[i].code % STEPS == STEP_CUT;

        clocks_turn(&run->clocks, steps[i].clocks);
        run->now = clocks_moment(&run->clocks);
        if (damages)
            step_damage(run, &steps[i], steps[i].code % STEPS == STEP_CUT);
        if (!hold(run))
            return;
        take_step(run, &steps[i]);
        grants_release(&run->grants);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    scratch_dir_make();
    snprintf(state_dir, sizeof(state_dir), "%s/g", scratch_dir);
    snprintf(root_dir, sizeof(root_dir), "%s-root", state_dir);
    snprintf(record_path, sizeof(record_path), "%s/" GRANTS_NAME, root_dir);
    return 0;
}

static void empty(void)
{
    (void)unlink(record_path);
    (void)rmdir(root_dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct grants_options options = {.state_dir = state_dir};
    struct fuzz_input input = {bytes, len};
    const unsigned flags = fuzz_byte(&input);
    const unsigned count = fuzz_byte(&input) % (STEPS_MAX + 1);
    static struct run run;
    struct step steps[STEPS_MAX];

    run = (struct run){.clocks = clocks_begin(), .head_touched = true};
    for (unsigned i = 0; i < count; i++)
        steps[i] = (struct step){fuzz_byte(&input), fuzz_byte(&input), (uint16_t)fuzz_number(&input, 2),
                                 (uint16_t)fuzz_number(&input, 2)};
    make_record(&input, flags);
    run.now = clocks_moment(&run.clocks);
    if (grants_open(&options, &run.grants) == GRANTS_OK && hold(&run)) {
        learn(&run);
        grants_release(&run.grants);
        play(&run, steps, count);
    }
    grants_close(&run.grants);
    empty();
    return 0;
}
