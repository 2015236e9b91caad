/* SPDX-License-Identifier: ISC */
/* See repair.h; FORMAT.md, "Crash" and "Damage". */
#include "repair.h"

#include "convert.h"
#include "create.h"
#include "form1.h"
#include "head.h"
#include "rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REBUILD_NAME "lockout.rebuild"
#define PAGE_LEN     4096 /* divides RECORD_HEAD_LEN */
#define CHUNK_LEN    65536
#define CHUNK_SLOTS  (CHUNK_LEN / RECORD_LEN)

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What can be made of a head, whatever state it is in. */
struct head {
    uint8_t bytes[RECORD_HEAD_LEN]; /* zeros where the file ends earlier */
    bool has_header;                /* one of the two is whole, and in header */
    bool has_counters;              /* whole, and in counters */
    bool old;                       /* one of the two is whole, and of version 1 */
    bool foreign;
    struct record_header header;
    struct record_counters counters;
};

/* Of one header: what the head is by it. False: nothing can be said by it. */
static bool look_at_header(const uint8_t bytes[static RECORD_LEN], struct head *head)
{
    switch (record_decode_header(bytes, &head->header)) {
    case RECORD_WHOLE:
        head->has_header = true;
        return true;
    case RECORD_OLD:
        head->old = true;
        return true;
    case RECORD_FOREIGN:
        head->foreign = true;
        return true;
    case RECORD_DAMAGED:
    case RECORD_EMPTY:
        break;
    }
    return false;
}

static enum store_fault read_head(const struct store *store, struct head *head)
{
    struct record_header old;
    enum store_fault fault;

    memset(head, 0, sizeof *head);
    fault = store_read(store, 0, head->bytes, (size_t)lesser(store->file_len, sizeof head->bytes));
    if (fault != STORE_OK)
        return fault;
    if (!look_at_header(head->bytes, head) && !look_at_header(head->bytes + RECORD_HEADER_COPY_AT, head))
        head->old = form1_decode_header(head->bytes + FORM1_HEADER_COPY_AT, &old);
    if (head->has_header)
        head->has_counters =
            record_decode_counters(head->bytes + RECORD_COUNTERS_AT, head->header.key, &head->counters) == RECORD_WHOLE;
    return STORE_OK;
}

/* How many slots the file has, and the header speaks of. */
static uint64_t slots_in_file(const struct store *store, uint64_t places)
{
    if (store->file_len < RECORD_HEAD_LEN)
        return 0;
    return lesser((store->file_len - RECORD_HEAD_LEN) / RECORD_LEN, places);
}

bool repair_is_clean(const struct repair_findings *findings)
{
    return findings->head == STORE_OK && !findings->header_damaged && !findings->header_copy_damaged &&
           !findings->counters_damaged && !findings->zeros_damaged && !findings->length_wrong && findings->damaged == 0;
}

/* A verification under way. */
struct survey {
    struct store *store;
    const struct record_header *header;
    void (*report)(void *context, uint64_t where);
    void *context;
    struct repair_findings *findings;
};

/* Is the slot in one of its source's buckets? */
static bool belongs(const struct record_header *header, const struct source *source, uint64_t where)
{
    uint64_t firsts[RECORD_CHOICES];

    record_buckets(header, source, firsts);
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++)
        if (firsts[choice] == where - where % RECORD_BUCKET_SLOTS)
            return true;
    return false;
}

static bool survey_record(const struct survey *survey, const uint8_t bytes[static RECORD_LEN], uint64_t where)
{
    struct record_slot slot;
    enum record_state state = record_decode_slot(bytes, survey->header->key, where, &slot);

    if (state == RECORD_WHOLE && where < RECORD_WHERE_NETWORKS && !belongs(survey->header, &slot.source, where))
        state = RECORD_DAMAGED;
    if (state == RECORD_WHOLE)
        survey->findings->whole++;
    if (state == RECORD_DAMAGED) {
        survey->findings->damaged++;
        if (survey->report != NULL)
            survey->report(survey->context, where);
    }
    return state == RECORD_WHOLE;
}

static enum store_fault survey_slots(const struct survey *survey)
{
    const uint64_t slots = slots_in_file(survey->store, survey->header->places);
    uint8_t bytes[CHUNK_LEN];

    for (uint64_t first = 0; first < slots; first += CHUNK_SLOTS) {
        const uint64_t count = lesser(slots - first, CHUNK_SLOTS);
        const enum store_fault fault =
            store_read(survey->store, store_slot_at(first), bytes, (size_t)count * RECORD_LEN);

        if (fault != STORE_OK)
            return fault;
        for (uint64_t i = 0; i < count; i++)
            survey_record(survey, bytes + i * RECORD_LEN, first + i);
    }
    return STORE_OK;
}

/* Where counters are lost, whatever is not zero may have been a network in use. */
static bool is_network_at(const struct head *head, unsigned number)
{
    if (head->has_counters)
        return (head->counters.networks >> number & 1) != 0;
    return !record_is_zero(head->bytes + RECORD_NETWORKS_AT + (size_t)number * RECORD_LEN, RECORD_LEN);
}

static void survey_head(const struct survey *survey, const struct head *head)
{
    const size_t zeros_at = RECORD_COUNTERS_AT + RECORD_LEN;
    struct repair_findings *findings = survey->findings;
    struct record_header header;
    uint64_t networks = 0;

    findings->places = head->header.places;
    findings->header_damaged = record_decode_header(head->bytes, &header) != RECORD_WHOLE;
    findings->header_copy_damaged =
        record_decode_header(head->bytes + RECORD_HEADER_COPY_AT, &header) != RECORD_WHOLE ||
        (!findings->header_damaged && memcmp(head->bytes, head->bytes + RECORD_HEADER_COPY_AT, RECORD_LEN) != 0);
    findings->zeros_damaged = !record_is_zero(head->bytes + zeros_at, RECORD_HEADER_COPY_AT - zeros_at);
    findings->length_wrong = survey->store->file_len != record_file_len(head->header.places);
    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        if (is_network_at(head, i) &&
            survey_record(survey, head->bytes + RECORD_NETWORKS_AT + (size_t)i * RECORD_LEN, RECORD_WHERE_NETWORKS + i))
            networks |= UINT64_C(1) << i;
    findings->counters_damaged = !head->has_counters || head->counters.networks != networks;
}

static enum store_fault verify_held(struct store *store, struct survey *survey)
{
    struct head head;
    struct record_header header;
    struct record_counters counters;
    const enum store_fault fault = read_head(store, &head);

    if (fault != STORE_OK)
        return fault;
    survey->findings->head = head_judge(head.bytes, store->file_len, &header, &counters);
    if (head.old)
        survey->findings->head = STORE_OLD;
    if (head.old || head.foreign || survey->findings->head == STORE_REBUILDING)
        return STORE_OK;
    if (!head.has_header) {
        survey->findings->header_damaged = true;
        survey->findings->header_copy_damaged = true;
        return STORE_OK;
    }
    survey->header = &head.header;
    survey_head(survey, &head);
    return survey_slots(survey);
}

enum store_fault repair_verify(struct store *store, void (*report)(void *context, uint64_t where), void *context,
                               struct repair_findings *findings)
{
    struct survey survey = {.store = store, .report = report, .context = context, .findings = findings};
    enum store_fault fault;

    *findings = (struct repair_findings){.head = STORE_DAMAGED};
    fault = store_hold_unread(store, HOLD_SHARED);
    if (fault != STORE_OK)
        return fault;
    fault = verify_held(store, &survey);
    store_release(store);
    return fault;
}

/* A repair under way. */
struct repair {
    struct store *store; /* the table, held */
    const struct repair_order *order;
    struct repair_report *report;
    struct head old;
    struct rebuild new; /* lockout.rebuild; its header is what the table will have */
    uint64_t latest;    /* the latest time that was found in a slot, s */
};

static enum store_fault sync_file(int fd)
{
    return fsync(fd) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

static enum store_fault set_len(int fd, uint64_t len)
{
    return ftruncate(fd, (off_t)len) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

/* A record tells a time that has been; one that was locked by hand has no other than that of its lock. */
static void see_time(struct repair *repair, uint64_t time)
{
    if (repair->latest < time)
        repair->latest = time;
}

static enum store_fault keep_slots(struct repair *repair)
{
    const uint64_t slots = slots_in_file(repair->store, RECORD_PLACES_MAX);
    uint8_t bytes[CHUNK_LEN];
    struct record_slot record;
    enum store_fault fault;

    for (uint64_t first = 0; first < slots; first += CHUNK_SLOTS) {
        const uint64_t count = lesser(slots - first, CHUNK_SLOTS);

        fault = store_read(repair->store, store_slot_at(first), bytes, (size_t)count * RECORD_LEN);
        for (uint64_t i = 0; fault == STORE_OK && i < count; i++) {
            const enum record_state state =
                record_decode_slot(bytes + i * RECORD_LEN, repair->old.header.key, first + i, &record);

            if (state == RECORD_DAMAGED)
                repair->report->damaged++;
            if (state != RECORD_WHOLE)
                continue;
            see_time(repair, record.last_seen);
            see_time(repair, record.last_strike);
            fault = rebuild_keep(&repair->new, &record);
        }
        if (fault != STORE_OK)
            return fault;
    }
    return STORE_OK;
}

/*
 * As they were, or where they are lost, with the mark of now. What time it was in the table then says the latest time
 * that is written in it, from which locks go on for as long as they had left.
 */
static struct record_counters choose_counters(struct repair *repair)
{
    struct record_counters counters = {.seed = create_first_seed(), .mark = moment_first_mark(&repair->order->moment)};

    if (repair->old.has_counters)
        return repair->old.counters;
    repair->report->counters_lost = true;
    if (repair->old.has_header)
        counters.mark.table_ms = lesser(repair->latest, RECORD_TIME_MAX / 1000) * 1000;
    return counters;
}

static void keep_networks(struct repair *repair, struct networks *networks)
{
    memset(networks, 0, sizeof *networks);
    for (unsigned i = 0; repair->old.has_header && i < RECORD_NETWORKS; i++) {
        if (!is_network_at(&repair->old, i))
            continue;
        networks->used[i] =
            record_decode_slot(repair->old.bytes + RECORD_NETWORKS_AT + (size_t)i * RECORD_LEN, repair->old.header.key,
                               RECORD_WHERE_NETWORKS + i, &networks->slots[i]) == RECORD_WHOLE;
        if (!networks->used[i]) {
            repair->report->damaged++;
            continue;
        }
        repair->report->kept++;
        see_time(repair, networks->slots[i].last_seen);
        see_time(repair, networks->slots[i].last_strike);
    }
}

/* What time it is in the table, in s; 0, at which no lock has ended, where the counters do not say. */
static uint64_t table_time(const struct repair *repair)
{
    bool new_boot;

    if (!repair->old.has_counters)
        return 0;
    return moment_next_mark(&repair->old.counters.mark, &repair->order->moment, &new_boot).table_ms / 1000;
}

/* lockout.rebuild, whole and on the disk. */
static enum store_fault build(struct repair *repair)
{
    struct rebuild *new = &repair->new;
    struct record_counters counters;
    struct networks networks;
    enum store_fault fault;

    fault = create_random(&new->file.header.rebuild, sizeof new->file.header.rebuild);
    if (fault != STORE_OK)
        return fault;
    new->file.header.rebuild |= 1; /* 0 means that there is none */
    new->now = table_time(repair);
    fault = rebuild_begin(new, repair->store->dir_fd, REBUILD_NAME);
    if (fault == STORE_OK && repair->old.has_header)
        fault = keep_slots(repair);
    if (fault != STORE_OK)
        return fault;
    keep_networks(repair, &networks);
    counters = choose_counters(repair);
    fault = rebuild_end(new, &counters, &networks);
    repair->report->kept += new->kept;
    repair->report->dropped = new->dropped;
    return fault == STORE_OK ? sync_file(repair->store->dir_fd) : fault;
}

/* From here on nobody gets in until the end, and a later repair takes up lockout.rebuild. */
static enum store_fault mark(const struct repair *repair)
{
    uint8_t head[RECORD_NETWORKS_AT];
    enum store_fault fault = store_read(&repair->new.file, 0, head, sizeof head);

    if (fault == STORE_OK)
        fault = store_write(repair->store, 0, head, sizeof head);
    return fault == STORE_OK ? sync_file(repair->store->table_fd) : fault;
}

static enum store_fault copy_slots(const struct repair *repair)
{
    const uint64_t len = record_file_len(repair->new.file.header.places);
    uint8_t page[PAGE_LEN];
    enum store_fault fault;

    fault = set_len(repair->store->table_fd, RECORD_HEAD_LEN); /* drops the old slots, and leaves holes */
    if (fault == STORE_OK)
        fault = set_len(repair->store->table_fd, len);
    for (uint64_t at = RECORD_HEAD_LEN; fault == STORE_OK && at < len; at += PAGE_LEN) {
        const size_t part = (size_t)lesser(len - at, PAGE_LEN);

        fault = store_read(&repair->new.file, at, page, part);
        if (fault == STORE_OK && !record_is_zero(page, part))
            fault = store_write(repair->store, at, page, part);
    }
    return fault == STORE_OK ? sync_file(repair->store->table_fd) : fault;
}

/* Everything is in place: put the table into use. A seed counter from an old leftover must not fall behind. */
static enum store_fault finish(struct repair *repair)
{
    uint8_t head[RECORD_HEAD_LEN];
    struct record_header header = repair->new.file.header;
    struct record_counters counters;
    enum store_fault fault;

    fault = store_read(&repair->new.file, 0, head, sizeof head);
    if (fault != STORE_OK)
        return fault;
    if (record_decode_counters(head + RECORD_COUNTERS_AT, header.key, &counters) != RECORD_WHOLE)
        return STORE_DAMAGED;
    if (!repair->old.has_header && counters.seed < create_first_seed())
        counters.seed = create_first_seed();
    header.rebuild = 0;
    head_encode(&header, &counters, head);
    fault = store_write(repair->store, 0, head, sizeof head);
    if (fault == STORE_OK)
        fault = sync_file(repair->store->table_fd);
    if (fault != STORE_OK)
        return fault;
    repair->report->places = header.places;
    if (unlinkat(repair->store->dir_fd, REBUILD_NAME, 0) != 0 && errno != ENOENT)
        return STORE_CANNOT_WRITE;
    return sync_file(repair->store->dir_fd);
}

/*
 * Is there a whole lockout.rebuild that belongs to this table? Then it is open, and what is left is to copy it. A table
 * in use has the number 0, which no lockout.rebuild has.
 */
static bool find_leftover(struct repair *repair)
{
    struct store *rebuilt = &repair->new.file;
    uint8_t head[RECORD_NETWORKS_AT];
    struct stat info;

    rebuilt->table_fd = openat(repair->store->dir_fd, REBUILD_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (rebuilt->table_fd >= 0 && fstat(rebuilt->table_fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (info.st_uid == 0 || info.st_uid == geteuid()) && store_read(rebuilt, 0, head, sizeof head) == STORE_OK &&
        head_judge(head, (uint64_t)info.st_size, &rebuilt->header, &rebuilt->counters) == STORE_REBUILDING &&
        (uint64_t)info.st_size == record_file_len(rebuilt->header.places) &&
        (!repair->old.has_header || rebuilt->header.rebuild == repair->old.header.rebuild))
        return true;
    if (rebuilt->table_fd >= 0)
        close(rebuilt->table_fd);
    rebuilt->table_fd = -1;
    return false;
}

/* The header of the new table; its places are those ordered, else the old ones, else what the file has room for. */
static enum store_fault choose_header(struct repair *repair)
{
    struct record_header *header = &repair->new.file.header;
    uint64_t places = repair->order->places;

    *header = repair->old.header;
    if (!repair->old.has_header) {
        if (!repair->order->give_up)
            return STORE_KEY_LOST;
        const enum store_fault fault = create_random(header->key, sizeof header->key);
        if (fault != STORE_OK)
            return fault;
        header->places = slots_in_file(repair->store, RECORD_PLACES_MAX);
    }
    header->places = create_round_places(places != 0 ? places : header->places);
    return STORE_OK;
}

/* Of version 1: what is whole of it becomes a table of today. */
static enum store_fault convert_old(struct repair *repair)
{
    struct convert_report done;
    enum store_fault fault;

    repair->store->options.now = repair->order->moment;
    fault = convert_salvage(repair->store, repair->order->places, &done);
    *repair->report = (struct repair_report){
        .kept = done.kept,
        .damaged = done.damaged,
        .dropped = done.dropped,
        .places = done.places,
        .counters_lost = done.counters_lost,
    };
    return fault;
}

static enum store_fault repair_held(struct repair *repair)
{
    enum store_fault fault = read_head(repair->store, &repair->old);

    if (fault != STORE_OK)
        return fault;
    if (repair->old.foreign)
        return STORE_FOREIGN;
    if (repair->old.old)
        return convert_old(repair);
    repair->report->finished_earlier = find_leftover(repair);
    if (!repair->report->finished_earlier) {
        fault = choose_header(repair);
        if (fault == STORE_OK)
            fault = build(repair);
        if (fault == STORE_OK)
            fault = mark(repair);
    }
    if (fault == STORE_OK)
        fault = copy_slots(repair);
    return fault == STORE_OK ? finish(repair) : fault;
}

enum store_fault repair_table(struct store *store, const struct repair_order *order, struct repair_report *report)
{
    struct repair repair = {.store = store, .order = order, .report = report, .new = REBUILD_NONE};
    enum store_fault fault;

    *report = (struct repair_report){0};
    fault = store_hold_unread(store, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = repair_held(&repair);
    store_release(store);
    rebuild_close(&repair.new);
    return fault;
}
