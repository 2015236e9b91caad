/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the lockout table, and any order of what handlers and administrators do to it, while the clocks do what
 * clocks.h says.
 *
 * The input: flags, the number of steps, four bytes of policy; the steps, six bytes each; and the table, of today's
 * version or of version 1, either as the whole file or as changes to an empty one. Since nobody hits a keyed check by
 * chance, flags ask for records to be sealed: then whatever they hold passes its check.
 */
#include "buckets.h"
#include "clocks.h"
#include "closed.h"
#include "enclosing.h"
#include "form1.h"
#include "fuzz.h"
#include "head.h"
#include "lockout.h"
#include "manage.h"
#include "networks.h"
#include "pace.h"
#include "repair.h"
#include "scratch_dir.h"
#include "slot.h"

#define PLACES      64
#define TABLE_LEN   (RECORD_HEAD_LEN + PLACES * RECORD_LEN)
#define OLD_LEN     (FORM1_HEAD_LEN + PLACES * FORM1_LEN)
#define FILE_MAX    (4 * TABLE_LEN) /* of what is compared */
#define STEPS_MAX   40
#define SOURCES     16
#define JUDGING_MS  5000
#define PENDING_MAX 4

enum flag {
    FLAG_WHOLE_FILE = 1,
    FLAG_SEAL_HEADER = 2,
    FLAG_SEAL_COUNTERS = 4,
    FLAG_SEAL_SLOTS = 8,
    FLAG_CLOSED = 16,
    FLAG_NO_TABLE = 32,
    FLAG_LEFTOVER = 64,
    FLAG_OLD = 128,
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
    STEP_LEAVE,
    STEPS
};

struct step {
    uint8_t code;
    uint8_t who;
    uint16_t clocks; /* see clocks.h */
    uint16_t value;
};

/* A strike that has been written and not yet been judged. */
struct pending {
    bool used;
    bool exempt;
    struct source source;
    struct lockout_charge charge;
};

/* Somebody who was admitted and may be waiting. */
struct waiting {
    bool used;
    bool exempt;
    struct source source;
    struct lockout_admission admission;
};

/* When the table was looked at last, and what time it was in it. */
struct witness {
    bool used;
    uint8_t key[SIPHASH_KEY_LEN]; /* of the table */
    uint64_t table_ms;
    struct record_mark mark; /* as it was in the file */
    bool marked;             /* it is of the boot that was running */
    struct clocks clocks;
};

struct run {
    struct store store;
    struct lockout_policy policy;
    struct clocks clocks;
    struct moment now;
    struct witness witness;
    struct pending pending[PENDING_MAX];
    struct waiting waiting[PENDING_MAX];
    struct fuzz_input *input;
    bool is_old; /* the table is the one of version 1 that the run began with */
};

/* ---- the table that a run begins with --------------------------------------------------------------------------- */

static void put(uint8_t *at, uint64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Where things are in a table of today, or of version 1, as FORMAT.md has it. */
struct layout {
    size_t table_len, record_len, copy_at, counters_at, networks_at, slots_at;
};

static const struct layout today = {TABLE_LEN,          RECORD_LEN,         RECORD_HEADER_COPY_AT,
                                    RECORD_COUNTERS_AT, RECORD_NETWORKS_AT, RECORD_HEAD_LEN};
static const struct layout former = {OLD_LEN,           FORM1_LEN,         FORM1_HEADER_COPY_AT,
                                     FORM1_COUNTERS_AT, FORM1_NETWORKS_AT, FORM1_HEAD_LEN};

/* The check of counters and slots. */
static void seal(const struct layout *layout, uint8_t *record, const uint8_t *key, uint64_t where)
{
    uint8_t bytes[RECORD_LEN];

    memcpy(bytes, record + 8, layout->record_len - 8);
    put(bytes + layout->record_len - 8, where, 8);
    put(record, siphash(key, bytes, layout->record_len), 8);
}

static void seal_slots(const struct layout *layout, uint8_t *records, unsigned count, const uint8_t *key,
                       uint64_t where)
{
    for (unsigned i = 0; i < count; i++)
        if (!record_is_zero(records + i * layout->record_len, layout->record_len))
            seal(layout, records + i * layout->record_len, key, where + i);
}

/* Which networks are whole: bit i for network i. */
static uint64_t whole_networks(const struct layout *layout, const uint8_t *networks, const uint8_t *key)
{
    uint64_t whole = 0;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        const uint8_t *bytes = networks + i * layout->record_len;
        struct record_slot slot;
        const enum record_state state =
            layout == &today ? record_decode_slot(bytes, key, RECORD_WHERE_NETWORKS + i, &slot)
                             : form1_decode_slot(bytes, key, RECORD_WHERE_NETWORKS + i, CLOCKS_START, &slot);

        if (state == RECORD_WHOLE)
            whole |= UINT64_C(1) << i;
    }
    return whole;
}

/* The counters speak of the networks that there are, and of no boot of clocks.h. */
static void seal_counters(const struct layout *layout, uint8_t *table, bool count_networks)
{
    const uint8_t *key = table + 32;
    uint8_t *counters = table + layout->counters_at;
    const uint64_t networks = count_networks ? whole_networks(layout, table + layout->networks_at, key) : 0;

    if (layout == &today && counters[49] == CLOCKS_MARK)
        counters[49] = 0;
    if (count_networks && layout == &today)
        put(counters + 88, networks, 8);
    else if (count_networks)
        put(counters + 34, (unsigned)__builtin_popcountll(networks), 2);
    seal(layout, counters, key, RECORD_WHERE_COUNTERS);
}

static void seal_table(const struct layout *layout, uint8_t *table, unsigned flags)
{
    const uint8_t *key = table + 32;

    if ((flags & FLAG_SEAL_HEADER) != 0) {
        put(table + 56, siphash(key, table, 56), 8);
        memcpy(table + layout->copy_at, table, layout->record_len);
    }
    if ((flags & FLAG_SEAL_SLOTS) != 0) {
        seal_slots(layout, table + layout->networks_at, RECORD_NETWORKS, key, RECORD_WHERE_NETWORKS);
        seal_slots(layout, table + layout->slots_at, PLACES, key, 0);
    }
    if ((flags & FLAG_SEAL_COUNTERS) != 0)
        seal_counters(layout, table, (flags & FLAG_SEAL_SLOTS) != 0);
}

/* An empty table of version 1, as 5.0.0 made it. */
static void make_old(uint8_t table[static OLD_LEN])
{
    static const uint8_t begin[48] = {'o',    's', 't', 'i', 'a', 'r', 'y', '\n', 1,   0,   FORM1_LEN, 0,
                                      8,      0,   0,   0,   0,   16,  0,   0,    0,   0,   0,         0,
                                      PLACES, 0,   0,   0,   0,   0,   0,   0,    's', 'i', 'x',       't',
                                      'e',    'e', 'n', ' ', 'l', 'e', 't', 't',  'e', 'r', 's'};

    memcpy(table, begin, sizeof(begin));
    put(table + FORM1_COUNTERS_AT + 8, 1000, 8); /* the seed's number */
    seal_table(&former, table, FLAG_SEAL_HEADER | FLAG_SEAL_COUNTERS);
}

static uint8_t old_table[OLD_LEN];

static void make_table(struct fuzz_input *input, unsigned flags)
{
    static const struct record_header header = {.places = PLACES, .key = "sixteen letters"};
    static const struct record_counters counters = {.seed = 1000};
    const struct layout *layout = (flags & FLAG_OLD) != 0 ? &former : &today;
    uint8_t table[TABLE_LEN] = {0};
    size_t len = layout->table_len;

    if ((flags & FLAG_NO_TABLE) != 0)
        return;
    if ((flags & FLAG_WHOLE_FILE) != 0) {
        len = fuzz_take(input, table, layout->table_len);
    } else {
        if (layout == &today)
            head_encode(&header, &counters, table);
        else
            make_old(table);
        while (input->left > 3) {
            const size_t at = (size_t)fuzz_number(input, 2) % len;
            const size_t some = fuzz_byte(input);

            fuzz_take(input, table + at, some < len - at ? some : len - at);
        }
    }
    seal_table(layout, table, flags);
    memcpy(old_table, table, sizeof(old_table));
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
    uint64_t now_ms;
    uint64_t seed;
    uint64_t total_errors;
    uint64_t strikes; /* that count */
    unsigned waiting; /* places in the pace that are held and have not come */
    bool has_slot;
    bool has_twin; /* a second slot of the same source or network, which nobody writes who goes by the rules */
    struct record_slot slot;
    unsigned enclosing_count;
    struct enclosing enclosing[ENCLOSING_MAX];
};

static struct pace_rule rule_of(const struct run *run)
{
    return (struct pace_rule){.delay_ms = run->policy.delay * 1000, .longest_ms = run->policy.delay_max_wait * 1000};
}

static bool has_twin(const struct store *store, const struct source *source)
{
    uint64_t firsts[RECORD_CHOICES];
    uint8_t bytes[RECORD_BUCKET_LEN];
    struct record_slot slot;
    unsigned found = 0;

    record_buckets(&store->header, source, firsts);
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++) {
        if (store_read(store, store_slot_at(firsts[choice]), bytes, sizeof(bytes)) != STORE_OK)
            return false;
        for (unsigned i = 0; i < RECORD_BUCKET_SLOTS; i++)
            found += record_decode_slot(bytes + i * RECORD_LEN, store->header.key, firsts[choice] + i, &slot) ==
                         RECORD_WHOLE &&
                     slot_is(&slot, source);
    }
    return found > 1;
}

/* With the lock held: what the file says, not what is known by it. */
static struct record_mark mark_in_file(const struct store *store)
{
    struct record_counters counters;
    uint8_t bytes[RECORD_LEN];

    DEMAND(store_read(store, RECORD_COUNTERS_AT, bytes, sizeof(bytes)) == STORE_OK);
    DEMAND(record_decode_counters(bytes, store->header.key, &counters) == RECORD_WHOLE);
    return counters.mark;
}

/*
 * I14. While the machine is up, table time goes on by the boot's clock, whatever the wall clock does. Over a reboot it
 * does not fall behind what is written; and unless the wall clock has got ahead of the truth, no more time passes in
 * the table than passed in truth, so that no lock ends earlier than it was said to.
 */
static void demand_time(const struct witness *before, const struct witness *after)
{
    const uint64_t up_ms = (after->clocks.boot - before->clocks.boot) * 1000;
    const uint64_t true_ms = (after->clocks.truth - before->clocks.truth) * 1000;

    DEMAND(after->table_ms >= before->mark.table_ms);
    if (!before->marked)
        return;
    if (after->clocks.boots == before->clocks.boots && !after->clocks.unknown)
        DEMAND(after->table_ms == before->table_ms + up_ms || after->table_ms == RECORD_TIME_MAX);
    if (after->clocks.most_ahead <= after->clocks.least_ahead)
        DEMAND(after->table_ms <= before->table_ms + true_ms);
}

/* With the lock held. */
static void look_at_time(struct run *run)
{
    struct witness seen = {
        .used = true,
        .table_ms = run->store.now_ms,
        .mark = mark_in_file(&run->store),
        .clocks = run->clocks,
    };

    memcpy(seen.key, run->store.header.key, sizeof(seen.key));
    seen.marked = !run->clocks.unknown && memcmp(seen.mark.boot_id, run->now.boot_id, RECORD_BOOT_ID_LEN) == 0 &&
                  seen.mark.boot_ms <= run->now.boot_ms;
    if (run->witness.used && memcmp(run->witness.key, seen.key, sizeof(seen.key)) == 0)
        demand_time(&run->witness, &seen);
    run->witness = seen;
    run->clocks.most_ahead = clocks_ahead(&run->clocks);
}

static void view_slot(struct run *run, const struct source *source, bool exempt, struct view *view)
{
    const struct pace_rule rule = rule_of(run);
    struct buckets buckets;

    view->readable &= buckets_read(&run->store, source, &buckets) == STORE_OK;
    if (!view->readable || buckets.own == NULL)
        return;
    view->has_slot = true;
    view->has_twin = has_twin(&run->store, source);
    view->slot = *buckets.own;
    view->barred |= slot_binds(buckets.own, exempt, run->store.now);
    view->strikes = slot_strikes(buckets.own, run->policy.strike_time, run->store.now);
    view->waiting = pace_waiting(&buckets.own->pace, &rule, run->store.now_ms);
}

/* Those of IPv6 alone. */
static bool is_enclosed(const struct source *source)
{
    return source->prefix == 64;
}

/* The networks that the source is in. */
static void view_around(struct run *run, const struct source *source, struct view *view)
{
    const bool known = view->has_slot && slot_is_known(&view->slot, run->store.now);
    struct buckets buckets;

    view->enclosing_count = enclosing_of(source, view->enclosing);
    for (unsigned i = 0; view->readable && i < view->enclosing_count; i++) {
        struct enclosing *network = &view->enclosing[i];

        view->readable = buckets_read(&run->store, &network->source, &buckets) == STORE_OK;
        network->found = view->readable && buckets.own != NULL;
        if (network->found)
            network->slot = *buckets.own;
        view->has_twin |= has_twin(&run->store, &network->source);
        view->barred |= network->found && enclosing_binds(network, known, run->store.now);
    }
}

static struct view view_of(struct run *run, const struct source *source, bool exempt)
{
    struct view view = {0};
    struct networks networks;

    if (store_hold(&run->store, HOLD_SHARED, &run->now) != STORE_OK)
        return view;
    look_at_time(run);
    view.readable = closed_look(run->store.dir_fd, DOOR_KNOCK, &view.closed) == STORE_OK;
    view.closed |= run->store.counters.closing != LOCKOUT_NOT_CLOSED ||
                   run->store.counters.doors[DOOR_KNOCK].closing != LOCKOUT_NOT_CLOSED;
    view.now_ms = run->store.now_ms;
    view.seed = run->store.counters.seed;
    view.total_errors = run->store.counters.total_errors;
    view.readable &= networks_read(&run->store, &networks) == STORE_OK;
    view.barred = view.readable && networks_find(&networks, source, run->store.now) != NULL;
    view_slot(run, source, exempt, &view);
    if (is_enclosed(source) && !exempt)
        view_around(run, source, &view);
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

/* Does it begin as a table of version 1? */
static bool is_former(const struct image *image)
{
    return image->len >= FORM1_HEAD_LEN && (image->bytes[8] == 1 || image->bytes[FORM1_HEADER_COPY_AT + 8] == 1);
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
    /* Two in one /56, three in one /48, four in one /32. */
    if (who % SOURCES >= 12)
        source = (struct source){.address = {0x20, 1, 0xd, 0xb8, 0, who % SOURCES == 15, who % SOURCES == 14, who},
                                 .prefix = 64};
    return source;
}

static struct lockout_visitor visitor_of(const struct run *run, const struct source *source, bool exempt)
{
    return (struct lockout_visitor){
        .source = source, .exempt = exempt, .enclosed = is_enclosed(source), .now = run->now};
}

/* What admit and charge have in common: whom they let through, and that doubt denies (I8). */
static void demand_answer(enum store_fault fault, enum lockout_answer answer, const struct view *before)
{
    if (fault != STORE_OK || !before->readable) {
        DEMAND(answer != LOCKOUT_ADMITTED);
        return;
    }
    if (before->closed)
        DEMAND(answer == LOCKOUT_REFUSED_CLOSED);
    else if (before->barred)
        DEMAND(answer == LOCKOUT_REFUSED_LOCKED);
    else
        DEMAND(answer != LOCKOUT_REFUSED_LOCKED);
}

/* Whose lock ends when, as it is said to people: not in the past. Half a second is lost in rounding. */
static bool is_ahead(const struct run *run, uint64_t locked_until)
{
    return locked_until == LOCKOUT_FOREVER || locked_until + 1 >= run->clocks.wall;
}

/* No more than WAITING_MAX of one source wait, and who is sent away takes nothing. */
static void demand_place(const struct run *run, const struct lockout_admission *admission, const struct view *before,
                         const struct view *after)
{
    if (before->has_twin)
        return;
    if (admission->answer == LOCKOUT_REFUSED_TOO_SOON)
        DEMAND(after->has_slot == before->has_slot && after->waiting == before->waiting);
    if (admission->answer != LOCKOUT_ADMITTED)
        return;
    DEMAND(admission->place_ms == before->now_ms + admission->wait_ms);
    if (admission->wait_ms > 0)
        DEMAND(before->waiting < run->policy.waiting_max && after->waiting > 0 &&
               after->waiting <= before->waiting + 1);
}

static void admit(struct run *run, const struct source *source, bool exempt, unsigned place)
{
    struct waiting *waiting = &run->waiting[place % PENDING_MAX];
    struct lockout_admission *admission = &waiting->admission;
    const struct view before = view_of(run, source, exempt);
    const struct lockout_visitor visitor = visitor_of(run, source, exempt);
    const enum store_fault fault = lockout_admit(&run->store, &run->policy, &visitor, admission);
    const struct view after = view_of(run, source, exempt);

    waiting->used = true;
    waiting->exempt = exempt;
    waiting->source = *source;
    demand_answer(fault, admission->answer, &before);
    if (fault != STORE_OK)
        return;
    DEMAND(after.seed == before.seed + (admission->answer == LOCKOUT_ADMITTED));
    DEMAND(!before.barred || after.barred);
    if (admission->answer == LOCKOUT_ADMITTED) {
        DEMAND(admission->seed_number == after.seed);
        DEMAND(admission->wait_ms <= run->policy.delay_max_wait * 1000);
        DEMAND(after.has_slot && after.strikes == before.strikes);
    }
    demand_place(run, admission, &before, &after);
    DEMAND(admission->answer != LOCKOUT_REFUSED_LOCKED || is_ahead(run, admission->locked_until));
    DEMAND(admission->closure == LOCKOUT_NOT_CLOSED || after.closed);
}

/* The place that was given back, or an earlier one, is the next one's. */
static void demand_free(const struct run *run, const struct view *after, uint64_t place_ms)
{
    const struct pace_rule rule = rule_of(run);
    struct record_pace pace = after->slot.pace;
    uint64_t next_ms;

    DEMAND(pace_take(&pace, &rule, after->now_ms, &next_ms) && next_ms <= place_ms);
}

static void leave(struct run *run, unsigned place)
{
    struct waiting *waiting = &run->waiting[place % PENDING_MAX];
    const struct lockout_admission *admission = &waiting->admission;
    const struct lockout_visitor visitor = visitor_of(run, &waiting->source, waiting->exempt);
    struct view before, after;

    if (!waiting->used)
        return;
    waiting->used = false;
    before = view_of(run, &waiting->source, waiting->exempt);
    if (lockout_leave(&run->store, &run->policy, &visitor, admission) != STORE_OK)
        return;
    after = view_of(run, &waiting->source, waiting->exempt);
    DEMAND(after.seed == before.seed && after.strikes == before.strikes && after.barred == before.barred);
    DEMAND(after.waiting == before.waiting || after.waiting + 1 == before.waiting);
    if (after.waiting != before.waiting && !run->policy.delay_all)
        demand_free(run, &after, admission->place_ms);
}

/* Half of them can be told to come again, and are: never for their own sake, and with nothing written. */
static struct lockout_visitor charging_visitor(const struct run *run, const struct source *source, bool exempt,
                                               unsigned place)
{
    struct lockout_visitor visitor = visitor_of(run, source, exempt);

    visitor.patient = place % 2 == 1;
    visitor.judging_ms = JUDGING_MS;
    return visitor;
}

static void demand_not_yet(const struct run *run, const struct lockout_visitor *visitor, const struct view *before,
                           const struct view *after)
{
    bool hangs = before->has_slot && slot_unjudged(&before->slot, run->store.now_ms) > 0 &&
                 (before->barred || before->slot.strikes + 1 >= run->policy.max_bad_conns);

    for (unsigned i = 0; i < before->enclosing_count; i++) {
        const struct enclosing *network = &before->enclosing[i];

        hangs |= network->found && slot_unjudged(&network->slot, run->store.now_ms) > 0 &&
                 (before->barred || network->slot.strikes + 1 >= enclosing_limit(network, run->policy.max_bad_conns));
    }
    DEMAND(visitor->patient && !visitor->exempt && !before->closed && hangs);
    DEMAND(memcmp(&after->slot, &before->slot, sizeof(after->slot)) == 0 && after->seed == before->seed);
}

/*
 * I1. The strike stands in each network as well, but for one whose lock spares the source; and where it locks one, that
 * one is at its limit.
 */
static void demand_around(const struct run *run, const struct lockout_charge *charge, const struct view *before,
                          const struct view *after)
{
    for (unsigned i = 0; i < after->enclosing_count; i++) {
        const struct enclosing *was = &before->enclosing[i], *is = &after->enclosing[i];
        const struct lockout_network *struck = &charge->networks[i];
        const bool spares = was->found && slot_in_force(&was->slot, run->store.now);

        DEMAND(struck->struck == !spares && is->found);
        if (spares)
            DEMAND(is->slot.strikes == was->slot.strikes && is->slot.locked_until == was->slot.locked_until);
        else if (was->found && was->slot.generation == is->slot.generation)
            DEMAND(is->slot.strikes == was->slot.strikes + (was->slot.strikes < UINT32_MAX));
        else
            DEMAND(is->slot.strikes == 1);
        DEMAND(spares || struck->strike.locks == (is->slot.strikes >= enclosing_limit(is, run->policy.max_bad_conns)));
        DEMAND(!struck->strike.locks || is->slot.locked);
    }
}

static void charge(struct run *run, const struct source *source, bool exempt, unsigned place)
{
    struct pending *pending = &run->pending[place % PENDING_MAX];
    const struct view before = view_of(run, source, exempt);
    const struct lockout_visitor visitor = charging_visitor(run, source, exempt, place);
    const enum store_fault fault = lockout_charge(&run->store, &run->policy, &visitor, &pending->charge);
    const struct view after = view_of(run, source, exempt);

    pending->used = true;
    pending->exempt = exempt;
    pending->source = *source;
    if (fault == STORE_OK && pending->charge.answer == LOCKOUT_NOT_YET) {
        demand_not_yet(run, &visitor, &before, &after);
        return;
    }
    demand_answer(fault, pending->charge.answer, &before);
    if (fault != STORE_OK)
        return;
    DEMAND(!before.barred || after.barred);
    DEMAND(pending->charge.closure == LOCKOUT_NOT_CLOSED || after.closed);
    if (pending->charge.answer != LOCKOUT_ADMITTED) {
        DEMAND(!pending->charge.locks);
        return;
    }
    if (!before.has_twin)
        demand_around(run, &pending->charge, &before, &after);
    /* I1: what may be compared has its strike in the file. */
    DEMAND(after.has_slot && after.slot.strikes == pending->charge.strikes);
    DEMAND(after.slot.strikes == (before.strikes < UINT32_MAX ? before.strikes + 1 : UINT32_MAX));
    DEMAND(pending->charge.locks == (!exempt && after.slot.strikes >= run->policy.max_bad_conns));
    DEMAND(exempt || slot_unjudged(&after.slot, run->store.now_ms) > 0);
    DEMAND(!pending->charge.locks || after.barred);
    DEMAND(!pending->charge.locks || is_ahead(run, pending->charge.locked_until));
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
    was_admitted = pending->charge.answer == LOCKOUT_ADMITTED;
    before = view_of(run, &pending->source, pending->exempt);
    fault = lockout_forgive(&run->store, &pending->source, &pending->charge);
    after = view_of(run, &pending->source, pending->exempt);
    if (fault != STORE_OK || !was_admitted)
        return;
    DEMAND((pending->charge.answer == LOCKOUT_ADMITTED) == !before.closed);
    DEMAND(after.has_slot == before.has_slot);
    /* I1: success takes back one strike, and no lock made by hand. */
    if (before.has_slot)
        DEMAND(after.slot.strikes == before.slot.strikes || after.slot.strikes + 1 == before.slot.strikes);
    for (unsigned i = 0; i < after.enclosing_count && !before.has_twin; i++)
        if (after.enclosing[i].found)
            DEMAND(after.enclosing[i].slot.strikes == before.enclosing[i].slot.strikes ||
                   after.enclosing[i].slot.strikes + 1 == before.enclosing[i].slot.strikes);
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
    if (pending->charge.answer != LOCKOUT_ADMITTED)
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
    enum lockout_answer answer;

    take_image(&before);
    if (lockout_look(&run->store, &visitor, &answer, NULL) != STORE_OK)
        DEMAND(answer != LOCKOUT_ADMITTED);
    else
        DEMAND((answer == LOCKOUT_ADMITTED) == (!view.closed && !view.barred));
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
    const uint64_t until = value == 0 ? LOCKOUT_FOREVER : run->clocks.wall + value;
    struct view after;

    if (manage_lock(&run->store, &target, until, &run->now) != STORE_OK)
        return;
    /* A source can be locked while a network is damaged, which nobody gets past. A lock of one second may be over. */
    after = view_of(run, source, true);
    DEMAND(after.barred || !after.readable || value == 1);
}

static void unlock(struct run *run, const struct source *source, bool network, uint16_t value)
{
    const struct manage_target target = target_of(source, network, value);
    const struct view before = view_of(run, source, false);
    struct view after;
    bool found;

    if (manage_unlock(&run->store, &target.source, &run->now, &found) != STORE_OK)
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

    if (manage_unlock_all(&run->store, &run->now, &count) == STORE_OK)
        DEMAND(!view_of(run, source, false).barred);
}

static void flush(struct run *run, const struct source *source)
{
    const struct view before = view_of(run, source, false);
    uint64_t count;

    if (manage_flush(&run->store, &run->now, &count) != STORE_OK)
        return;
    if (before.has_twin)
        return;
    DEMAND(view_of(run, source, false).barred == before.barred);
    DEMAND(before.barred || view_of(run, source, false).strikes == 0);
}

static void close_door(struct run *run, const struct source *source)
{
    if (lockout_close(&run->store, "fuzz\n\x1b", &run->now, NULL) == STORE_OK) {
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
    char line[CLOSED_LINE_LEN];
    uint64_t count = 0;
    bool closed;

    if (closed_read(scratch_fd, DOOR_KNOCK, &closed, line) == STORE_OK)
        DEMAND((closed || line[0] == '\0') && strlen(line) < CLOSED_LINE_LEN && strchr(line, '\n') == NULL);
    options.read_only = read_only;
    take_image(&before);
    if (store_open(&options, &other) == STORE_OK) {
        if (manage_each(&other, &run->now, take_entry, &count, &totals) == STORE_OK)
            DEMAND(totals.used + totals.damaged <= totals.places && totals.networks <= RECORD_NETWORKS);
        store_close(&other);
    }
    /* Whoever may write converts what he opens. */
    DEMAND(before.len == 0 || is_unchanged(&before) || (!read_only && is_former(&before)));
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
        DEMAND(!clean || store_hold(&run->store, HOLD_SHARED, &run->now) == STORE_OK);
        store_release(&run->store);
    }
    DEMAND(before.len == 0 || is_unchanged(&before));
    return clean;
}

/* A table of millions of places takes its time, and is no other than a small one. */
static bool is_large(void)
{
    static const size_t headers_at[] = {0, RECORD_HEADER_COPY_AT, FORM1_HEADER_COPY_AT};
    static struct image image;

    memset(&image, 0, sizeof(image));
    take_image(&image);
    for (size_t i = 0; i < sizeof(headers_at) / sizeof(headers_at[0]); i++) {
        struct fuzz_input places = {.bytes = image.bytes + headers_at[i] + 24, .left = 8};

        if (fuzz_number(&places, 8) > 4 * PLACES)
            return true;
    }
    return false;
}

static void repair(struct run *run, const struct source *source, uint16_t value)
{
    static const uint64_t sizes[] = {0, PLACES, PLACES + 8, 2 * PLACES};
    const struct view before = view_of(run, source, false);
    const struct repair_order order = {
        .places = is_large() ? PLACES : sizes[value % 4], .give_up = value / 4 % 2 == 1, .moment = run->now};
    struct repair_report report;
    struct view after;

    if (repair_table(&run->store, &order, &report) != STORE_OK)
        return;
    run->witness.used = false; /* where the counters were lost, so was the time */
    /* What was left by an earlier one is put in place as it is, with the damage that it may have suffered since. */
    DEMAND(verify(run) || report.finished_earlier);
    if (report.finished_earlier)
        return;
    after = view_of(run, source, false);
    DEMAND(after.readable);
    if (!before.readable)
        return;
    DEMAND(after.seed == before.seed && after.closed == before.closed && after.now_ms == before.now_ms);
    if (report.dropped > 0 || before.has_twin)
        return;
    DEMAND(after.strikes == before.strikes && after.barred == before.barred);
}

/* ---- the table of version 1 ------------------------------------------------------------------------------------- */

static bool is_old_slot(unsigned index, uint64_t wall, struct record_slot *slot)
{
    return form1_decode_slot(old_table + form1_slot_at(index), old_table + 32, index, wall, slot) == RECORD_WHOLE;
}

static bool has_old_twin(unsigned index, uint64_t wall, const struct source *source)
{
    struct record_slot other;

    for (unsigned i = 0; i < PLACES; i++)
        if (i != index && is_old_slot(i, wall, &other) && slot_is(&other, source))
            return true;
    return false;
}

/* Of two records of one source the worthier one stays: it is as locked as this one. */
static void demand_kept(const struct run *run, const struct record_slot *old, bool has_twin)
{
    const uint64_t now = run->store.now;
    struct buckets buckets;

    DEMAND(buckets_read(&run->store, &old->source, &buckets) == STORE_OK && buckets.own != NULL);
    const struct record_slot *after = buckets.own;
    DEMAND(!slot_in_force(old, now) || (slot_in_force(after, now) && after->locked_until >= old->locked_until));
    if (!has_twin)
        DEMAND(after->strikes == old->strikes && after->generation == old->generation && after->locked == old->locked &&
               after->locked_until == old->locked_until && after->by_hand == old->by_hand &&
               after->lock_judged == old->lock_judged && after->last_strike == old->last_strike &&
               after->errors == old->errors && after->refusals == old->refusals && after->epoch == old->epoch &&
               after->last_seen == old->last_seen);
}

/* Whoever comes first and may write converts it, and nothing is lost. */
static void demand_converted(struct run *run)
{
    const uint64_t wall = run->store.options.now.wall_ms / 1000;
    struct record_counters counters;
    struct record_slot old;
    unsigned networks;

    if (store_hold(&run->store, HOLD_SHARED, &run->now) != STORE_OK)
        return;
    DEMAND(form1_decode_counters(old_table + FORM1_COUNTERS_AT, old_table + 32, &counters, &networks));
    DEMAND(run->store.counters.seed == counters.seed && run->store.counters.total_errors == counters.total_errors &&
           run->store.counters.epoch == counters.epoch && run->store.counters.closing == counters.closing);
    DEMAND((unsigned)__builtin_popcountll(run->store.counters.networks) == networks);
    for (unsigned i = 0; i < PLACES; i++)
        if (is_old_slot(i, wall, &old))
            demand_kept(run, &old, has_old_twin(i, wall, &old.source));
    store_release(&run->store);
}

/* Opened to read alone? Else it is converted. */
static bool lists_only(const struct step *step)
{
    return step->value % 2 == 0;
}

/* Before the first step that changes it, or damages it. */
static void look_at_old(struct run *run, const struct step *step)
{
    switch ((enum step_code)(step->code % STEPS)) {
    case STEP_LIST:
        if (!lists_only(step))
            demand_converted(run);
        run->is_old = lists_only(step);
        return;
    case STEP_VERIFY:
    case STEP_REOPEN:
        return;
    case STEP_REPAIR:
    case STEP_DAMAGE:
    case STEP_CUT:
    case STEP_DELETE:
        break;
    case STEP_ADMIT:
    case STEP_CHARGE:
    case STEP_FORGIVE:
    case STEP_SETTLE:
    case STEP_LOOK:
    case STEP_LOCK:
    case STEP_UNLOCK:
    case STEP_LOCK_NETWORK:
    case STEP_UNLOCK_NETWORK:
    case STEP_UNLOCK_ALL:
    case STEP_FLUSH:
    case STEP_CLOSE:
    case STEP_OPEN:
    case STEP_PLANT:
    case STEP_LEAVE:
        demand_converted(run);
        break;
    case STEPS:
        break;
    }
    run->is_old = false;
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

static uint64_t less(uint64_t time, uint64_t by)
{
    return time > by ? time - by : 0;
}

/* A whole record of this source, where it has one or somewhere in its buckets, with whatever a record can hold. */
static void plant(struct run *run, const struct source *source, uint16_t value)
{
    struct fuzz_input *input = run->input;
    const uint8_t bits = fuzz_byte(input);
    const bool of_network = (bits & 8) != 0 && is_enclosed(source);
    struct enclosing around[ENCLOSING_MAX];
    struct record_slot slot = {
        .source = of_network && enclosing_of(source, around) > 0 ? around[value % ENCLOSING_MAX].source : *source,
        .locked = (bits & 1) != 0,
        .by_hand = (bits & 3) == 3,
        .lock_judged = (bits & 5) == 5,
        .generation = bits >> 4,
    };
    uint8_t bytes[RECORD_LEN];
    struct buckets buckets;
    unsigned place;

    if (store_hold(&run->store, HOLD_ALONE, &run->now) != STORE_OK)
        return;
    slot.last_seen = less(run->store.now, fuzz_number(input, 1));
    slot.last_strike = less(run->store.now, 128) + fuzz_number(input, 1);
    slot.pace.first_ms = less(run->store.now_ms, 32768) + fuzz_number(input, 2);
    slot.pace.taken = fuzz_number(input, 8);
    slot.epoch = (uint16_t)fuzz_number(input, 1);
    slot.unjudged = fuzz_byte(input);
    slot.judged_by_ms = less(run->store.now_ms, 32768) + fuzz_number(input, 2);
    slot.strikes = (uint32_t)fuzz_number(input, 1);
    slot.refusals = fuzz_byte(input) == 255 ? UINT32_MAX : 0;
    slot.errors = (uint32_t)fuzz_number(input, 1);
    if (slot.strikes == 255)
        slot.strikes = UINT32_MAX;
    else if (of_network)
        slot.strikes *= 4;
    slot.accepted = slot.errors % 2 == 1 ? less(run->store.now, (uint64_t)value * 64) : 0;
    if (slot.locked)
        slot.locked_until = value % 32 == 0 ? RECORD_FOREVER : run->store.now + value;
    if (buckets_read(&run->store, &slot.source, &buckets) == STORE_OK) {
        place = buckets.own != NULL ? (unsigned)(buckets.own - buckets.slots) : value % BUCKETS_SLOTS;
        const uint64_t index = buckets.firsts[place / RECORD_BUCKET_SLOTS] + place % RECORD_BUCKET_SLOTS;

        record_encode_slot(&slot, run->store.header.key, index, bytes);
        DEMAND(store_write(&run->store, store_slot_at(index), bytes, sizeof(bytes)) == STORE_OK);
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

static enum store_fault open_store(struct run *run)
{
    const struct store_options options = {
        .directory = scratch_dir, .places = PLACES, .now = run->now, .patience_ms = 1000};

    return store_open(&options, &run->store);
}

static void reopen(struct run *run)
{
    store_close(&run->store);
    (void)open_store(run);
}

static void take_step(struct run *run, const struct step *step)
{
    const struct source source = source_of(step->who);
    const bool exempt = step->who >= 0xc0;

    switch ((enum step_code)(step->code % STEPS)) {
    case STEP_ADMIT:
        admit(run, &source, exempt, step->value);
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
        list(run, lists_only(step));
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
        reopen(run);
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
    case STEP_LEAVE:
        leave(run, step->value);
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
        .waiting_max = 1 + bytes[0] / 64,
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
    struct run run = {.clocks = clocks_begin(), .input = &input};
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

    run.is_old = (flags & FLAG_OLD) != 0 && (flags & FLAG_NO_TABLE) == 0;
    run.now = clocks_moment(&run.clocks);
    (void)open_store(&run);
    for (unsigned i = 0; i < count && run.store.dir_fd >= 0; i++) {
        const bool was_off = clocks_turn(&run.clocks, steps[i].clocks);

        run.now = clocks_moment(&run.clocks);
        if (was_off)
            reopen(&run);
        if (run.is_old && run.store.dir_fd >= 0)
            look_at_old(&run, &steps[i]);
        take_step(&run, &steps[i]);
    }
    store_close(&run.store);
    return 0;
}
