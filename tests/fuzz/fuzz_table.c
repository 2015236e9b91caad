/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the lockout table, and any order of what handlers and administrators do to it.
 *
 * The input: flags, the number of steps, four bytes of policy; the steps, six bytes each; and the table, either as the
 * whole file or as changes to an empty one. Since nobody hits a keyed check by chance, flags ask for records to be
 * sealed: then whatever they hold passes its check.
 */
#include "bucket.h"
#include "door.h"
#include "fuzz.h"
#include "lockout.h"
#include "manage.h"
#include "networks.h"
#include "repair.h"
#include "scratch_dir.h"
#include "slot.h"

#define PLACES      64
#define TABLE_LEN   (RECORD_HEAD_LEN + PLACES * RECORD_LEN)
#define FILE_MAX    (4 * TABLE_LEN) /* of what is compared */
#define STEPS_MAX   40
#define SOURCES     16
#define PENDING_MAX 4
#define NOW         UINT64_C(1795293540)

enum flag {
    FLAG_WHOLE_FILE = 1,
    FLAG_SEAL_HEADER = 2,
    FLAG_SEAL_COUNTERS = 4,
    FLAG_SEAL_SLOTS = 8,
    FLAG_CLOSED = 16,
    FLAG_NO_TABLE = 32,
    FLAG_LEFTOVER = 64,
};

enum step_code {
    STEP_ADMIT,
    STEP_CHARGE,
    STEP_FORGIVE,
    STEP_SETTLE,
    STEP_LOOK,
    STEP_LOCK,
    STEP_UNLOCK,
    STEP_LOCK_NETWORK,
    STEP_UNLOCK_NETWORK,
    STEP_UNLOCK_ALL,
    STEP_FLUSH,
    STEP_CLOSE,
    STEP_OPEN,
    STEP_LIST,
    STEP_VERIFY,
    STEP_REPAIR,
    STEP_DAMAGE,
    STEP_REOPEN,
    STEP_PLANT,
    STEP_CUT,
    STEP_DELETE,
    STEPS
};

struct step {
    uint8_t code;
    uint8_t who;
    uint16_t passed; /* seconds since the last step; from 0x8000 on the clock steps back */
    uint16_t value;
};

/* A strike that has been written and not yet been judged. */
struct pending {
    bool used;
    bool exempt;
    struct source source;
    struct lockout_charge charge;
};

struct run {
    struct store store;
    struct lockout_policy policy;
    uint64_t now; /* s */
    struct pending pending[PENDING_MAX];
    struct fuzz_input *input;
};

/* ---- the table that a run begins with --------------------------------------------------------------------------- */

static void put(uint8_t *at, uint64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* The check of counters and slots, as FORMAT.md has it. */
static void seal(uint8_t *record, const uint8_t *key, uint64_t where)
{
    uint8_t bytes[RECORD_LEN];

    memcpy(bytes, record + 8, RECORD_LEN - 8);
    put(bytes + RECORD_LEN - 8, where, 8);
    put(record, siphash(key, bytes, sizeof(bytes)), 8);
}

static unsigned seal_networks(uint8_t *table, const uint8_t *key)
{
    struct record_slot slot;
    unsigned whole = 0;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        uint8_t *record = table + RECORD_NETWORKS_AT + i * RECORD_LEN;

        if (!record_is_zero(record, RECORD_LEN))
            seal(record, key, RECORD_WHERE_NETWORKS + i);
        whole += record_decode_slot(record, key, RECORD_WHERE_NETWORKS + i, &slot) == RECORD_WHOLE;
    }
    return whole;
}

static void seal_table(uint8_t *table, unsigned flags)
{
    const uint8_t *key = table + 32;
    unsigned networks = 0;

    if ((flags & FLAG_SEAL_HEADER) != 0) {
        put(table + 56, siphash(key, table, 56), 8);
        memcpy(table + RECORD_HEADER_COPY_AT, table, RECORD_LEN);
    }
    if ((flags & FLAG_SEAL_SLOTS) != 0) {
        networks = seal_networks(table, key);
        for (unsigned i = 0; i < PLACES; i++)
            if (!record_is_zero(table + store_slot_at(i), RECORD_LEN))
                seal(table + store_slot_at(i), key, i);
    }
    if ((flags & FLAG_SEAL_COUNTERS) != 0) {
        if ((flags & FLAG_SEAL_SLOTS) != 0)
            put(table + RECORD_COUNTERS_AT + 34, networks, 2);
        seal(table + RECORD_COUNTERS_AT, key, RECORD_WHERE_COUNTERS);
    }
}

static void make_table(struct fuzz_input *input, unsigned flags)
{
    static const struct record_header header = {.places = PLACES, .key = "sixteen letters"};
    static const struct record_counters counters = {.seed = 1000};
    uint8_t table[TABLE_LEN] = {0};
    size_t len = TABLE_LEN;

    if ((flags & FLAG_NO_TABLE) != 0)
        return;
    if ((flags & FLAG_WHOLE_FILE) != 0) {
        len = fuzz_take(input, table, sizeof(table));
    } else {
        store_encode_head(&header, &counters, table);
        while (input->left > 3) {
            const size_t at = (size_t)fuzz_number(input, 2) % TABLE_LEN;
            const size_t some = fuzz_byte(input);

            fuzz_take(input, table + at, some < TABLE_LEN - at ? some : TABLE_LEN - at);
        }
    }
    seal_table(table, flags);
    scratch_dir_write("lockout", table, len);
    if ((flags & FLAG_LEFTOVER) != 0)
        scratch_dir_write("lockout.rebuild", table, len);
}

/* ---- what is on the disk ---------------------------------------------------------------------------------------- */

/* What the table says of one source at one moment; from outside, between two steps. */
struct view {
    bool readable;
    bool closed;
    bool barred; /* by a network, or by its own lock */
    uint64_t seed;
    uint64_t total_errors;
    uint64_t strikes; /* that count */
    bool has_slot;
    bool has_twin; /* a second slot of the same source, which nobody writes who goes by the rules */
    struct record_slot slot;
};

static bool has_twin(const struct store *store, const struct source *source)
{
    const uint64_t first = record_bucket(&store->header, source);
    uint8_t bytes[RECORD_BUCKET_LEN];
    struct record_slot slot;
    unsigned found = 0;

    if (store_read(store, store_slot_at(first), bytes, sizeof(bytes)) != STORE_OK)
        return false;
    for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++)
        found += record_decode_slot(bytes + i * RECORD_LEN, store->header.key, first + i, &slot) == RECORD_WHOLE &&
                 slot_is(&slot, source);
    return found > 1;
}

static struct view view_of(struct run *run, const struct source *source, bool exempt)
{
    struct view view = {0};
    struct networks networks;
    struct bucket bucket;

    if (store_hold(&run->store, HOLD_SHARED) != STORE_OK)
        return view;
    view.readable = door_look(run->store.dir_fd, &view.closed) == STORE_OK;
    view.closed |= run->store.counters.closing != LOCKOUT_NOT_CLOSED;
    view.seed = run->store.counters.seed;
    view.total_errors = run->store.counters.total_errors;
    if (run->store.counters.networks > 0) {
        view.readable &= networks_read(&run->store, &networks) == STORE_OK;
        view.barred = view.readable && networks_find(&networks, source, run->now) != NULL;
    }
    view.readable &= bucket_read(&run->store, source, &bucket) == STORE_OK;
    if (view.readable && bucket.own != NULL) {
        view.has_slot = true;
        view.has_twin = has_twin(&run->store, source);
        view.slot = *bucket.own;
        view.barred |= slot_binds(bucket.own, exempt, run->now);
        view.strikes = slot_strikes(bucket.own, run->policy.strike_time, run->now);
    }
    store_release(&run->store);
    return view;
}

struct image {
    uint8_t bytes[FILE_MAX];
    size_t len;
};

static void take_image(struct image *image)
{
    image->len = scratch_dir_read("lockout", image->bytes, sizeof(image->bytes));
}

static bool is_unchanged(const struct image *before)
{
    static struct image after;

    take_image(&after);
    return after.len == before->len && memcmp(after.bytes, before->bytes, before->len) == 0;
}

/* ---- steps of the handler --------------------------------------------------------------------------------------- */

static struct source source_of(uint8_t who)
{
    struct source source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .prefix = 128};

    source.address[15] = who % SOURCES;
    if (who % SOURCES >= 12)
        source = (struct source){.address = {0x20, 1, 0xd, 0xb8, who % SOURCES}, .prefix = 64};
    return source;
}

static struct lockout_visitor visitor_of(const struct run *run, const struct source *source, bool exempt)
{
    return (struct lockout_visitor){.source = source, .exempt = exempt, .now = {run->now * 1000}};
}

/* What admit and charge have in common: whom they let through, and that doubt denies (I8). */
static void demand_verdict(enum store_fault fault, enum lockout_verdict verdict, const struct view *before)
{
    if (fault != STORE_OK || !before->readable) {
        DEMAND(verdict != LOCKOUT_ADMITTED);
        return;
    }
    if (before->closed)
        DEMAND(verdict == LOCKOUT_REFUSED_CLOSED);
    else if (before->barred)
        DEMAND(verdict == LOCKOUT_REFUSED_LOCKED);
    else
        DEMAND(verdict != LOCKOUT_REFUSED_LOCKED);
}

static void admit(struct run *run, const struct source *source, bool exempt)
{
    const struct view before = view_of(run, source, exempt);
    const struct lockout_visitor visitor = visitor_of(run, source, exempt);
    struct lockout_admission admission;
    const enum store_fault fault = lockout_admit(&run->store, &run->policy, &visitor, &admission);
    const struct view after = view_of(run, source, exempt);

    demand_verdict(fault, admission.verdict, &before);
    if (fault != STORE_OK)
        return;
    DEMAND(after.seed == before.seed + (admission.verdict == LOCKOUT_ADMITTED));
    DEMAND(!before.barred || after.barred);
    if (admission.verdict == LOCKOUT_ADMITTED) {
        DEMAND(admission.seed_number == after.seed);
        DEMAND(admission.wait_ms <= run->policy.delay_max_wait * 1000);
        DEMAND(after.has_slot && after.strikes == before.strikes);
    }
    DEMAND(admission.closure == LOCKOUT_NOT_CLOSED || after.closed);
}

static void charge(struct run *run, const struct source *source, bool exempt, unsigned place)
{
    struct pending *pending = &run->pending[place % PENDING_MAX];
    const struct view before = view_of(run, source, exempt);
    const struct lockout_visitor visitor = visitor_of(run, source, exempt);
    const enum store_fault fault = lockout_charge(&run->store, &run->policy, &visitor, &pending->charge);
    const struct view after = view_of(run, source, exempt);

    pending->used = true;
    pending->exempt = exempt;
    pending->source = *source;
    demand_verdict(fault, pending->charge.verdict, &before);
    if (fault != STORE_OK)
        return;
    DEMAND(!before.barred || after.barred);
    DEMAND(pending->charge.closure == LOCKOUT_NOT_CLOSED || after.closed);
    if (pending->charge.verdict != LOCKOUT_ADMITTED) {
        DEMAND(!pending->charge.locks);
        return;
    }
    /* I1: what may be compared has its strike in the file. */
    DEMAND(after.has_slot && after.slot.strikes == pending->charge.strikes);
    DEMAND(after.slot.strikes == (before.strikes < UINT32_MAX ? before.strikes + 1 : UINT32_MAX));
    DEMAND(pending->charge.locks == (!exempt && after.slot.strikes >= run->policy.max_bad_conns));
    DEMAND(!pending->charge.locks || after.barred || run->now >= RECORD_TIME_MAX);
}

static void forgive(struct run *run, unsigned place)
{
    struct pending *pending = &run->pending[place % PENDING_MAX];
    struct view before, after;
    enum store_fault fault;
    bool was_admitted;

    if (!pending->used)
        return;
    pending->used = false;
    was_admitted = pending->charge.verdict == LOCKOUT_ADMITTED;
    before = view_of(run, &pending->source, pending->exempt);
    fault = lockout_forgive(&run->store, &pending->source, &pending->charge);
    after = view_of(run, &pending->source, pending->exempt);
    if (fault != STORE_OK || !was_admitted)
        return;
    DEMAND((pending->charge.verdict == LOCKOUT_ADMITTED) == !before.closed);
    DEMAND(after.has_slot == before.has_slot);
    /* I1: success takes back one strike, and no lock made by hand. */
    if (before.has_slot)
        DEMAND(after.slot.strikes == before.slot.strikes || after.slot.strikes + 1 == before.slot.strikes);
    if (before.has_slot && before.slot.by_hand)
        DEMAND(after.slot.by_hand && after.slot.locked == before.slot.locked &&
               after.slot.locked_until == before.slot.locked_until);
}

static void settle(struct run *run, unsigned place)
{
    struct pending *pending = &run->pending[place % PENDING_MAX];
    const struct lockout_visitor visitor = visitor_of(run, &pending->source, pending->exempt);
    struct view before, after;
    enum store_fault fault;

    if (!pending->used)
        return;
    pending->used = false;
    before = view_of(run, &pending->source, pending->exempt);
    fault = lockout_settle(&run->store, &run->policy, &visitor, &pending->charge);
    after = view_of(run, &pending->source, pending->exempt);
    if (fault != STORE_OK)
        return;
    DEMAND(after.barred == before.barred && after.strikes == before.strikes);
    if (pending->charge.verdict != LOCKOUT_ADMITTED)
        return;
    if (!pending->exempt)
        DEMAND(after.total_errors == before.total_errors + (before.total_errors < UINT64_MAX));
    DEMAND(pending->charge.closure == LOCKOUT_NOT_CLOSED || after.closed);
}

static void look(struct run *run, const struct source *source, bool exempt)
{
    const struct view view = view_of(run, source, exempt);
    const struct lockout_visitor visitor = visitor_of(run, source, exempt);
    static struct image before;
    enum lockout_verdict verdict;

    take_image(&before);
    if (lockout_look(&run->store, &visitor, &verdict) != STORE_OK)
        DEMAND(verdict != LOCKOUT_ADMITTED);
    else
        DEMAND((verdict == LOCKOUT_ADMITTED) == (!view.closed && !view.barred));
    DEMAND(is_unchanged(&before));
}

/* ---- steps of the administrator --------------------------------------------------------------------------------- */

static struct manage_target target_of(const struct source *source, bool network, uint16_t value)
{
    struct manage_target target = {.source = *source, .network = network};

    if (network) {
        const unsigned prefix = value % source->prefix;

        target.source.prefix = (uint8_t)prefix;
        for (unsigned bit = prefix; bit < 8 * SOURCE_ADDRESS_LEN; bit++)
            target.source.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    }
    return target;
}

static void lock(struct run *run, const struct source *source, bool network, uint16_t value)
{
    const struct manage_target target = target_of(source, network, value);
    const uint64_t until = value == 0 ? LOCKOUT_FOREVER : run->now + value;

    struct view after;

    if (manage_lock(&run->store, &target, until, (struct lockout_clock){run->now * 1000}) != STORE_OK)
        return;
    /* A source can be locked while a network is damaged, which nobody gets past. */
    after = view_of(run, source, true);
    DEMAND(after.barred || !after.readable);
}

static void unlock(struct run *run, const struct source *source, bool network, uint16_t value)
{
    const struct manage_target target = target_of(source, network, value);
    const struct view before = view_of(run, source, false);
    struct view after;
    bool found;

    if (manage_unlock(&run->store, &target, (struct lockout_clock){run->now * 1000}, &found) != STORE_OK)
        return;
    if (network || before.has_twin)
        return;
    after = view_of(run, source, false);
    DEMAND(!after.slot.locked && after.slot.strikes == 0);
    DEMAND(found || before.strikes == 0);
}

static void unlock_all(struct run *run, const struct source *source)
{
    uint64_t count;

    if (manage_unlock_all(&run->store, (struct lockout_clock){run->now * 1000}, &count) == STORE_OK)
        DEMAND(!view_of(run, source, false).barred);
}

static void flush(struct run *run, const struct source *source)
{
    const struct view before = view_of(run, source, false);
    uint64_t count;

    if (manage_flush(&run->store, (struct lockout_clock){run->now * 1000}, &count) != STORE_OK)
        return;
    if (before.has_twin)
        return;
    DEMAND(view_of(run, source, false).barred == before.barred);
    DEMAND(before.barred || view_of(run, source, false).strikes == 0);
}

static void close_door(struct run *run, const struct source *source)
{
    if (lockout_close(&run->store, "fuzz\n\x1b", (struct lockout_clock){run->now * 1000}, NULL) == STORE_OK) {
        const struct view after = view_of(run, source, false);

        DEMAND(after.closed || !after.readable);
    }
}

static void open_door(struct run *run, const struct source *source)
{
    bool was_closed;

    if (manage_open(&run->store, &was_closed) != STORE_OK)
        return;
    const struct view after = view_of(run, source, false);
    DEMAND(!after.closed && (!after.readable || after.total_errors == 0));
}

static bool take_entry(void *context, const struct manage_entry *entry)
{
    uint64_t *count = context;

    DEMAND(entry->slot->source.prefix <= 128);
    return ++*count != 100; /* once in a while, enough is enough */
}

static void list(struct run *run, bool read_only)
{
    struct store_options options = run->store.options;
    struct manage_totals totals;
    static struct image before;
    struct store other;
    char line[DOOR_LINE_LEN];
    uint64_t count = 0;
    bool closed;

    if (door_read(scratch_fd, &closed, line) == STORE_OK)
        DEMAND((closed || line[0] == '\0') && strlen(line) < DOOR_LINE_LEN && strchr(line, '\n') == NULL);
    options.read_only = read_only;
    take_image(&before);
    if (store_open(&options, &other) == STORE_OK) {
        if (manage_each(&other, take_entry, &count, &totals) == STORE_OK)
            DEMAND(totals.used + totals.damaged <= totals.places && totals.networks <= RECORD_NETWORKS);
        store_close(&other);
    }
    DEMAND(before.len == 0 || is_unchanged(&before));
}

static void count_damage(void *context, uint64_t where)
{
    uint64_t *count = context;

    DEMAND(where < RECORD_PLACES_MAX ||
           (where >= RECORD_WHERE_NETWORKS && where < RECORD_WHERE_NETWORKS + RECORD_NETWORKS));
    ++*count;
}

static bool verify(struct run *run)
{
    struct repair_findings findings;
    static struct image before;
    uint64_t damaged = 0;
    bool clean = false;

    take_image(&before);
    if (repair_verify(&run->store, count_damage, &damaged, &findings) == STORE_OK) {
        DEMAND(findings.damaged == damaged && findings.whole + damaged <= findings.places + RECORD_NETWORKS);
        clean = repair_is_clean(&findings);
        DEMAND(!clean || store_hold(&run->store, HOLD_SHARED) == STORE_OK);
        store_release(&run->store);
    }
    DEMAND(before.len == 0 || is_unchanged(&before));
    return clean;
}

/* A table of millions of places takes its time, and is no other than a small one. */
static bool is_large(void)
{
    static struct image image;
    struct fuzz_input header = {.bytes = image.bytes + 24, .left = 8};
    struct fuzz_input copy = {.bytes = image.bytes + RECORD_HEADER_COPY_AT + 24, .left = 8};

    memset(&image, 0, sizeof(image));
    take_image(&image);
    return fuzz_number(&header, 8) > 4 * PLACES || fuzz_number(&copy, 8) > 4 * PLACES;
}

/* Do the counters speak of other networks than there are? */
static bool has_miscounted(struct run *run)
{
    struct repair_findings findings;

    return repair_verify(&run->store, NULL, NULL, &findings) == STORE_OK && findings.counters_damaged;
}

static void repair(struct run *run, const struct source *source, uint16_t value)
{
    static const uint64_t sizes[] = {0, PLACES, PLACES + 8, 2 * PLACES};
    const struct view before = view_of(run, source, false);
    const bool miscounted = has_miscounted(run);
    const struct repair_order order = {
        .places = is_large() ? PLACES : sizes[value % 4], .give_up = value / 4 % 2 == 1, .now = run->now};
    struct repair_report report;
    struct view after;

    if (repair_table(&run->store, &order, &report) != STORE_OK)
        return;
    /* What was left by an earlier one is put in place as it is, with the damage that it may have suffered since. */
    DEMAND(verify(run) || report.finished_earlier);
    if (report.finished_earlier)
        return;
    after = view_of(run, source, false);
    DEMAND(after.readable);
    if (!before.readable)
        return;
    DEMAND(after.seed == before.seed && after.closed == before.closed);
    if (report.dropped > 0 || before.has_twin)
        return;
    DEMAND(after.strikes == before.strikes);
    /* A network that was not counted bars its sources from now on. */
    DEMAND(after.barred == before.barred || (after.barred && miscounted));
}

/* ---- what happens to files -------------------------------------------------------------------------------------- */

/* Change one byte. */
static void damage(uint16_t value, uint8_t mask)
{
    const int fd = openat(scratch_fd, "lockout", O_RDWR | O_CLOEXEC);
    uint8_t byte;

    if (fd < 0)
        return;
    if (pread(fd, &byte, 1, value % TABLE_LEN) == 1) {
        byte ^= (uint8_t)(mask | 1);
        DEMAND(pwrite(fd, &byte, 1, value % TABLE_LEN) == 1);
    }
    close(fd);
}

/* A whole record of this source, where it has one or somewhere in its bucket, with whatever a record can hold. */
static void plant(struct run *run, const struct source *source, uint16_t value)
{
    struct fuzz_input *input = run->input;
    const uint8_t bits = fuzz_byte(input);
    struct record_slot slot = {
        .source = *source,
        .locked = (bits & 1) != 0,
        .by_hand = (bits & 3) == 3,
        .judged = (bits & 5) == 5,
        .run = bits >> 4,
        .last_seen = NOW - fuzz_number(input, 1),
        .last_strike = NOW - 128 + fuzz_number(input, 1),
        .next_ms = NOW * 1000 + fuzz_number(input, 2),
        .epoch = (uint16_t)fuzz_number(input, 1),
        .strikes = (uint32_t)fuzz_number(input, 1),
        .refusals = fuzz_byte(input) == 255 ? UINT32_MAX : 0,
        .errors = (uint32_t)fuzz_number(input, 1),
    };
    uint8_t bytes[RECORD_LEN];
    struct bucket bucket;

    if (slot.strikes == 255)
        slot.strikes = UINT32_MAX;
    if (slot.locked)
        slot.locked_until = value % 32 == 0 ? RECORD_FOREVER : NOW + value;
    if (store_hold(&run->store, HOLD_ALONE) != STORE_OK)
        return;
    if (bucket_read(&run->store, source, &bucket) == STORE_OK) {
        const uint64_t place = bucket.own != NULL ? (uint64_t)(bucket.own - bucket.slots) : value % RECORD_BUCKET_SLOTS;

        record_encode_slot(&slot, run->store.header.key, bucket.first + place, bytes);
        DEMAND(store_write(&run->store, store_slot_at(bucket.first + place), bytes, sizeof(bytes)) == STORE_OK);
    }
    store_release(&run->store);
}

static void cut(uint16_t value)
{
    const int fd = openat(scratch_fd, "lockout", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    DEMAND(ftruncate(fd, value % (TABLE_LEN + RECORD_BUCKET_LEN)) == 0);
    close(fd);
}

/* ---- a run ------------------------------------------------------------------------------------------------------ */

static enum store_fault open_store(struct store *store)
{
    const struct store_options options = {.directory = scratch_dir, .places = PLACES, .patience_ms = 1000};

    return store_open(&options, store);
}

static void take_step(struct run *run, const struct step *step)
{
    const struct source source = source_of(step->who);
    const bool exempt = step->who >= 0xc0;

    switch ((enum step_code)(step->code % STEPS)) {
    case STEP_ADMIT:
        admit(run, &source, exempt);
        break;
    case STEP_CHARGE:
        charge(run, &source, exempt, step->value);
        break;
    case STEP_FORGIVE:
        forgive(run, step->value);
        break;
    case STEP_SETTLE:
        settle(run, step->value);
        break;
    case STEP_LOOK:
        look(run, &source, exempt);
        break;
    case STEP_LOCK:
        lock(run, &source, false, step->value);
        break;
    case STEP_UNLOCK:
        unlock(run, &source, false, step->value);
        break;
    case STEP_LOCK_NETWORK:
        lock(run, &source, true, step->value);
        break;
    case STEP_UNLOCK_NETWORK:
        unlock(run, &source, true, step->value);
        break;
    case STEP_UNLOCK_ALL:
        unlock_all(run, &source);
        break;
    case STEP_FLUSH:
        flush(run, &source);
        break;
    case STEP_CLOSE:
        close_door(run, &source);
        break;
    case STEP_OPEN:
        open_door(run, &source);
        break;
    case STEP_LIST:
        list(run, step->value % 2 == 0);
        break;
    case STEP_VERIFY:
        verify(run);
        break;
    case STEP_REPAIR:
        repair(run, &source, step->value);
        break;
    case STEP_DAMAGE:
        damage(step->value, step->who);
        break;
    case STEP_REOPEN:
        store_close(&run->store);
        (void)open_store(&run->store);
        break;
    case STEP_PLANT:
        plant(run, &source, step->value);
        break;
    case STEP_CUT:
        cut(step->value);
        break;
    case STEP_DELETE:
        unlinkat(scratch_fd, "lockout", 0);
        break;
    case STEPS:
        break;
    }
}

static struct lockout_policy policy_of(const uint8_t bytes[static 4])
{
    static const uint64_t lockout_times[] = {0, 1, 600, 86400, UINT64_C(3650) * 86400};
    static const uint64_t strike_times[] = {1, 60, 3600, UINT64_C(3650) * 86400};

    return (struct lockout_policy){
        .max_bad_conns = 1 + bytes[0] % 4,
        .delay_all = (bytes[0] & 16) != 0,
        .close_when_full = (bytes[0] & 32) != 0,
        .max_single_errs = bytes[1] % 16,
        .max_total_errs = bytes[1] / 16,
        .lockout_time = lockout_times[bytes[2] % 5],
        .strike_time = strike_times[bytes[2] / 5 % 4],
        .delay = bytes[3] % 8,
        .delay_max_wait = bytes[3] / 8,
    };
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    umask(077);
    scratch_dir_make();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_input input = {bytes, len};
    const unsigned flags = fuzz_byte(&input);
    const unsigned count = fuzz_byte(&input) % (STEPS_MAX + 1);
    struct run run = {.now = NOW, .input = &input};
    uint8_t policy[4] = {0};
    struct step steps[STEPS_MAX];

    fuzz_take(&input, policy, sizeof(policy));
    run.policy = policy_of(policy);
    for (unsigned i = 0; i < count; i++)
        steps[i] = (struct step){fuzz_byte(&input), fuzz_byte(&input), (uint16_t)fuzz_number(&input, 2),
                                 (uint16_t)fuzz_number(&input, 2)};
    scratch_dir_empty();
    make_table(&input, flags);
    if ((flags & FLAG_CLOSED) != 0)
        scratch_dir_write("closed", "2026-11-21T20:39:00Z fuzz\n", 26);
    /* What is planted comes from the whole of the input: it is used twice. */
    input = (struct fuzz_input){bytes, len};

    (void)open_store(&run.store);
    for (unsigned i = 0; i < count && run.store.dir_fd >= 0; i++) {
        if (steps[i].passed < 0x8000)
            run.now += steps[i].passed;
        else
            run.now -= steps[i].passed & 0x7fff;
        take_step(&run, &steps[i]);
    }
    store_close(&run.store);
    return 0;
}
