/* SPDX-License-Identifier: ISC */
/* See repair.h; FORMAT.md, "Crash" and "Damage". */
#include "repair.h"

#include "bucket.h"
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REBUILD_NAME "lockout.rebuild"
#define PAGE_LEN     4096
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
    bool foreign;
    struct record_header header;
    struct record_counters counters;
};

static enum store_fault read_head(const struct store *store, struct head *head)
{
    enum record_state first;
    enum store_fault fault;

    memset(head, 0, sizeof *head);
    fault = store_read(store, 0, head->bytes, (size_t)lesser(store->file_len, sizeof head->bytes));
    if (fault != STORE_OK)
        return fault;
    first = record_decode_header(head->bytes, &head->header);
    head->foreign = first == RECORD_FOREIGN;
    head->has_header = first == RECORD_WHOLE;
    if (first == RECORD_DAMAGED) {
        const enum record_state copy = record_decode_header(head->bytes + RECORD_HEADER_COPY_AT, &head->header);

        head->foreign = copy == RECORD_FOREIGN;
        head->has_header = copy == RECORD_WHOLE;
    }
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

static bool survey_record(const struct survey *survey, const uint8_t bytes[static RECORD_LEN], uint64_t where)
{
    struct record_slot slot;
    enum record_state state = record_decode_slot(bytes, survey->header->key, where, &slot);

    if (state == RECORD_WHOLE && where < RECORD_WHERE_NETWORKS &&
        record_bucket(survey->header, &slot.source) != where - where % RECORD_BUCKET_SLOTS)
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

static void survey_head(const struct survey *survey, const struct head *head)
{
    const size_t zeros_at = RECORD_COUNTERS_AT + RECORD_LEN;
    struct repair_findings *findings = survey->findings;
    struct record_header header;
    unsigned networks = 0;

    findings->places = head->header.places;
    findings->header_damaged = record_decode_header(head->bytes, &header) != RECORD_WHOLE;
    findings->header_copy_damaged =
        record_decode_header(head->bytes + RECORD_HEADER_COPY_AT, &header) != RECORD_WHOLE ||
        (!findings->header_damaged && memcmp(head->bytes, head->bytes + RECORD_HEADER_COPY_AT, RECORD_LEN) != 0);
    findings->zeros_damaged = !record_is_zero(head->bytes + zeros_at, RECORD_HEADER_COPY_AT - zeros_at);
    findings->length_wrong = survey->store->file_len != record_file_len(head->header.places);
    for (unsigned i = 0; i < RECORD_NETWORKS; i++)
        networks += survey_record(survey, head->bytes + RECORD_NETWORKS_AT + i * RECORD_LEN, RECORD_WHERE_NETWORKS + i);
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
    survey->findings->head = store_judge_head(head.bytes, store->file_len, &header, &counters);
    if (survey->findings->head == STORE_FOREIGN || survey->findings->head == STORE_REBUILDING)
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
    struct store
        rebuilt; /* lockout.rebuild, as far as reading and writing go; its header is what the table will have */
};

static enum store_fault sync_file(int fd)
{
    return fsync(fd) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

static enum store_fault set_len(int fd, uint64_t len)
{
    return ftruncate(fd, (off_t)len) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

/* Put one whole record of the old table where it belongs in the new one. */
static enum store_fault keep_record(struct repair *repair, const struct record_slot *record)
{
    const struct bucket_age age = {.now = repair->order->now, .strike_time = UINT64_MAX};
    struct record_slot *slot;
    struct bucket bucket;
    bool pushed_out;
    enum store_fault fault;

    fault = bucket_read(&repair->rebuilt, &record->source, &bucket);
    if (fault != STORE_OK)
        return fault;
    slot = bucket_put(&bucket, record, age, &pushed_out);
    if (slot == NULL || pushed_out)
        repair->report->dropped++;
    if (slot == NULL)
        return STORE_OK;
    repair->report->kept += !pushed_out;
    return bucket_write(&repair->rebuilt, &bucket, slot);
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

            if (state == RECORD_WHOLE)
                fault = keep_record(repair, &record);
            else if (state == RECORD_DAMAGED)
                repair->report->damaged++;
        }
        if (fault != STORE_OK)
            return fault;
    }
    return STORE_OK;
}

/* The new head in whole: counters and networks as far as they are whole. */
static void compose_head(struct repair *repair, uint8_t head[static RECORD_HEAD_LEN])
{
    struct record_counters counters = {.seed = create_first_seed()};
    struct record_slot network;

    memset(head, 0, RECORD_HEAD_LEN);
    if (repair->old.has_counters)
        counters = repair->old.counters;
    else
        repair->report->counters_lost = true;
    counters.networks = 0;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        const size_t at = RECORD_NETWORKS_AT + i * RECORD_LEN;

        switch (
            record_decode_slot(repair->old.bytes + at, repair->old.header.key, RECORD_WHERE_NETWORKS + i, &network)) {
        case RECORD_WHOLE:
            memcpy(head + at, repair->old.bytes + at, RECORD_LEN);
            counters.networks++;
            repair->report->kept++;
            break;
        case RECORD_DAMAGED:
        case RECORD_FOREIGN:
            repair->report->damaged++;
            break;
        case RECORD_EMPTY:
            break;
        }
    }
    store_encode_head(&repair->rebuilt.header, &counters, head);
}

/* lockout.rebuild, whole and on the disk. Its head comes last: a file with a whole head is a whole file. */
static enum store_fault build(struct repair *repair)
{
    uint8_t head[RECORD_HEAD_LEN];
    struct store *rebuilt = &repair->rebuilt;
    enum store_fault fault;

    fault = create_random(&rebuilt->header.rebuild, sizeof rebuilt->header.rebuild);
    if (fault != STORE_OK)
        return fault;
    rebuilt->header.rebuild |= 1; /* 0 means that there is none */
    fault = create_file(repair->store->dir_fd, REBUILD_NAME, &rebuilt->table_fd);
    if (fault == STORE_OK)
        fault = set_len(rebuilt->table_fd, record_file_len(rebuilt->header.places));
    if (fault == STORE_OK && repair->old.has_header)
        fault = keep_slots(repair);
    if (fault == STORE_OK)
        fault = sync_file(rebuilt->table_fd);
    if (fault != STORE_OK)
        return fault;
    if (!repair->old.has_header)
        memset(repair->old.bytes, 0, sizeof repair->old.bytes);
    compose_head(repair, head);
    fault = store_write(rebuilt, 0, head, sizeof head);
    if (fault == STORE_OK)
        fault = sync_file(rebuilt->table_fd);
    if (fault == STORE_OK)
        fault = sync_file(repair->store->dir_fd);
    return fault;
}

/* From here on nobody gets in until the end, and a later repair takes up lockout.rebuild. */
static enum store_fault mark(const struct repair *repair)
{
    uint8_t head[RECORD_NETWORKS_AT];
    enum store_fault fault = store_read(&repair->rebuilt, 0, head, sizeof head);

    if (fault == STORE_OK)
        fault = store_write(repair->store, 0, head, sizeof head);
    return fault == STORE_OK ? sync_file(repair->store->table_fd) : fault;
}

static enum store_fault copy_slots(const struct repair *repair)
{
    const uint64_t len = record_file_len(repair->rebuilt.header.places);
    uint8_t page[PAGE_LEN];
    enum store_fault fault;

    fault = set_len(repair->store->table_fd, RECORD_HEAD_LEN); /* drops the old slots, and leaves holes */
    if (fault == STORE_OK)
        fault = set_len(repair->store->table_fd, len);
    for (uint64_t at = RECORD_HEAD_LEN; fault == STORE_OK && at < len; at += PAGE_LEN) {
        const size_t part = (size_t)lesser(len - at, PAGE_LEN);

        fault = store_read(&repair->rebuilt, at, page, part);
        if (fault == STORE_OK && !record_is_zero(page, part))
            fault = store_write(repair->store, at, page, part);
    }
    return fault == STORE_OK ? sync_file(repair->store->table_fd) : fault;
}

/* Everything is in place: put the table into use. A seed counter from an old leftover must not fall behind. */
static enum store_fault finish(struct repair *repair)
{
    uint8_t head[RECORD_HEAD_LEN];
    struct record_header header = repair->rebuilt.header;
    struct record_counters counters;
    enum store_fault fault;

    fault = store_read(&repair->rebuilt, 0, head, sizeof head);
    if (fault != STORE_OK)
        return fault;
    if (record_decode_counters(head + RECORD_COUNTERS_AT, header.key, &counters) != RECORD_WHOLE)
        return STORE_DAMAGED;
    if (!repair->old.has_header && counters.seed < create_first_seed())
        counters.seed = create_first_seed();
    header.rebuild = 0;
    store_encode_head(&header, &counters, head);
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
    struct store *rebuilt = &repair->rebuilt;
    uint8_t head[RECORD_NETWORKS_AT];
    struct stat info;

    rebuilt->table_fd = openat(repair->store->dir_fd, REBUILD_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (rebuilt->table_fd >= 0 && fstat(rebuilt->table_fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (info.st_uid == 0 || info.st_uid == geteuid()) && store_read(rebuilt, 0, head, sizeof head) == STORE_OK &&
        store_judge_head(head, (uint64_t)info.st_size, &rebuilt->header, &rebuilt->counters) == STORE_REBUILDING &&
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
    struct record_header *header = &repair->rebuilt.header;
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

static enum store_fault repair_held(struct repair *repair)
{
    enum store_fault fault = read_head(repair->store, &repair->old);

    if (fault != STORE_OK)
        return fault;
    if (repair->old.foreign)
        return STORE_FOREIGN;
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
    struct repair repair = {
        .store = store, .order = order, .report = report, .rebuilt = {.dir_fd = -1, .table_fd = -1}};
    enum store_fault fault;

    *report = (struct repair_report){0};
    fault = store_hold_unread(store, HOLD_ALONE);
    if (fault != STORE_OK)
        return fault;
    fault = repair_held(&repair);
    store_release(store);
    store_close(&repair.rebuilt);
    return fault;
}
