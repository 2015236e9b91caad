/* SPDX-License-Identifier: ISC */
/* See convert.h; FORMAT.md, "Version 1". */
#include "convert.h"

#include "create.h"
#include "form1.h"
#include "rebuild.h"
#include "slot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONVERT_NAME "lockout.convert"
#define REBUILD_NAME "lockout.rebuild" /* of version 1's repair */
#define CHUNK_LEN    65536
#define CHUNK_SLOTS  (CHUNK_LEN / FORM1_LEN)

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A table of version 1, as far as it can be read. */
struct old_table {
    struct store file; /* as far as reading goes; its header is the old one's */
    uint64_t len;
    uint64_t now; /* the wall clock, s */
    uint8_t head[FORM1_HEAD_LEN];
    struct record_counters counters;
    unsigned networks_in_use; /* as the counters say */
    bool has_counters;
};

/* A conversion under way. */
struct conversion {
    struct old_table old;
    struct rebuild new;
    struct networks networks;
    unsigned networks_found;
    uint64_t damaged;
    uint64_t homeless; /* locks that would have to be networks, and there were too many */
};

static bool read_old(struct old_table *old, int fd, uint64_t len)
{
    old->file.table_fd = fd;
    old->len = len;
    if (len < FORM1_HEAD_LEN || store_read(&old->file, 0, old->head, sizeof old->head) != STORE_OK)
        return false;
    if (!form1_decode_header(old->head, &old->file.header) &&
        !form1_decode_header(old->head + FORM1_HEADER_COPY_AT, &old->file.header))
        return false;
    old->has_counters = form1_decode_counters(old->head + FORM1_COUNTERS_AT, old->file.header.key, &old->counters,
                                              &old->networks_in_use);
    return true;
}

/* As version 1 judged it: may it be used as it is, slots aside? */
static bool is_clean(const struct old_table *old)
{
    return memcmp(old->head, old->head + FORM1_HEADER_COPY_AT, FORM1_LEN) == 0 &&
           record_is_zero(old->head + FORM1_ZEROS_AT, FORM1_HEADER_COPY_AT - FORM1_ZEROS_AT) &&
           old->len == form1_file_len(old->file.header.places) && old->has_counters;
}

static enum store_fault each_slot(struct conversion *conversion,
                                  enum store_fault (*use)(struct conversion *conversion,
                                                          const struct record_slot *slot))
{
    const struct old_table *old = &conversion->old;
    const uint64_t slots = lesser(old->file.header.places, (old->len - FORM1_HEAD_LEN) / FORM1_LEN);
    uint8_t bytes[CHUNK_LEN];
    struct record_slot slot;
    enum store_fault fault = STORE_OK;

    conversion->damaged = 0;
    for (uint64_t first = 0; fault == STORE_OK && first < slots; first += CHUNK_SLOTS) {
        const uint64_t count = lesser(slots - first, CHUNK_SLOTS);

        fault = store_read(&old->file, form1_slot_at(first), bytes, (size_t)count * FORM1_LEN);
        for (uint64_t i = 0; fault == STORE_OK && i < count; i++) {
            const enum record_state state =
                form1_decode_slot(bytes + i * FORM1_LEN, old->file.header.key, first + i, old->now, &slot);

            if (state == RECORD_WHOLE)
                fault = use(conversion, &slot);
            else if (state == RECORD_DAMAGED)
                conversion->damaged++;
        }
    }
    return fault;
}

static enum store_fault count_slot(struct conversion *conversion, const struct record_slot *slot)
{
    (void)slot;
    conversion->new.kept++;
    return STORE_OK;
}

/* What is a network today is kept apart, see keep_as_network. */
static enum store_fault keep_slot(struct conversion *conversion, const struct record_slot *slot)
{
    struct record_slot today = *slot;

    if (form1_update_source(&today.source) == FORM1_NETWORK)
        return STORE_OK;
    return rebuild_keep(&conversion->new, &today);
}

/* The number of the network's place, or of one that is free; RECORD_NETWORKS: there is none. */
static unsigned place_of_network(const struct networks *networks, const struct source *source)
{
    unsigned place = RECORD_NETWORKS;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (networks->used[i] && slot_is(&networks->slots[i], source))
            return i;
        if (place == RECORD_NETWORKS && !networks->used[i])
            place = i;
    }
    return place;
}

/*
 * A lock of what is several sources today stays one, of the network that they are in: of two the one that ends later.
 * Strikes of theirs cannot be told apart any more, and count for nobody.
 */
static enum store_fault keep_as_network(struct conversion *conversion, const struct record_slot *slot)
{
    struct networks *networks = &conversion->networks;
    struct record_slot today = *slot;
    unsigned place;

    if (form1_update_source(&today.source) != FORM1_NETWORK || !slot_in_force(slot, conversion->old.now))
        return STORE_OK;
    place = place_of_network(networks, &today.source);
    if (place == RECORD_NETWORKS) {
        conversion->homeless++;
    } else if (!networks->used[place] || networks->slots[place].locked_until < today.locked_until) {
        conversion->networks_found += !networks->used[place];
        networks->slots[place] = today;
        networks->used[place] = true;
    }
    return STORE_OK;
}

/* Version 1 counted the networks; a place that is not zero and does not pass its check was one. */
static unsigned keep_networks(struct conversion *conversion)
{
    const struct old_table *old = &conversion->old;
    unsigned damaged = 0;

    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        const enum record_state state =
            form1_decode_slot(old->head + FORM1_NETWORKS_AT + (size_t)i * FORM1_LEN, old->file.header.key,
                              RECORD_WHERE_NETWORKS + i, old->now, &conversion->networks.slots[i]);

        conversion->networks.used[i] = state == RECORD_WHOLE;
        conversion->networks_found += state == RECORD_WHOLE;
        damaged += state == RECORD_DAMAGED;
    }
    return damaged;
}

/* Room for all: version 1 could fill every place, and today about five of six find one. */
static uint64_t roomy(uint64_t places, uint64_t records)
{
    const uint64_t wanted = records + records / 3;

    return create_round_places(wanted > places ? wanted : places);
}

/*
 * Whoever could read the old table may read the new one. It belongs to the same user already: whose table is not ours
 * we do not open. A group that cannot be given to it can do without.
 */
static enum store_fault keep_access(const struct store *store, int new_fd)
{
    struct stat old;

    if (fstat(store->table_fd, &old) != 0)
        return STORE_CANNOT_CREATE;
    if ((old.st_mode & S_IRWXG) == 0 || fchown(new_fd, (uid_t)-1, old.st_gid) != 0)
        return STORE_OK;
    return fchmod(new_fd, old.st_mode & (S_IRWXU | S_IRWXG)) == 0 ? STORE_OK : STORE_CANNOT_CREATE;
}

static enum store_fault fill(struct conversion *conversion, const struct store *store, uint64_t places)
{
    struct rebuild *new = &conversion->new;
    enum store_fault fault;

    rebuild_close(new);
    *new = REBUILD_NONE;
    new->now = conversion->old.now;
    new->file.header = conversion->old.file.header;
    new->file.header.places = places;
    new->file.header.rebuild = 0;
    fault = rebuild_begin(new, store->dir_fd, CONVERT_NAME);
    if (fault == STORE_OK)
        fault = keep_access(store, new->file.table_fd);
    return fault == STORE_OK ? each_slot(conversion, keep_slot) : fault;
}

/* Twice as many places as long as there is a record that finds none. */
static enum store_fault fill_all(struct conversion *conversion, const struct store *store)
{
    enum store_fault fault = each_slot(conversion, count_slot);
    uint64_t places = roomy(conversion->old.file.header.places, conversion->new.kept);

    if (fault == STORE_OK)
        fault = fill(conversion, store, places);
    while (fault == STORE_OK && conversion->new.dropped > 0 && places < RECORD_PLACES_MAX) {
        places = create_round_places(2 * places);
        fault = fill(conversion, store, places);
    }
    return fault;
}

/* The new table is whole: it takes the name, and the old one has none any more. */
static enum store_fault replace(const struct store *store)
{
    if (renameat(store->dir_fd, CONVERT_NAME, store->dir_fd, CREATE_TABLE_NAME) != 0)
        return STORE_CANNOT_CREATE;
    return fsync(store->dir_fd) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

/* Build the new table from what was read of the old one, and put it in its place. */
static enum store_fault convert(struct conversion *conversion, const struct store *store, uint64_t places)
{
    struct record_counters counters = {.seed = create_first_seed()};
    enum store_fault fault = each_slot(conversion, keep_as_network);

    if (fault == STORE_OK)
        fault = places == 0 ? fill_all(conversion, store) : fill(conversion, store, create_round_places(places));
    if (fault == STORE_OK) {
        if (conversion->old.has_counters)
            counters = conversion->old.counters;
        /* At which door they were made was not written down: they count at each. */
        for (unsigned i = 0; i < RECORD_DOORS; i++)
            counters.doors[i].errors = (uint32_t)lesser(counters.total_errors, UINT32_MAX);
        counters.mark = moment_first_mark(&store->options.now);
        fault = rebuild_end(&conversion->new, &counters, &conversion->networks);
    }
    rebuild_close(&conversion->new);
    return fault == STORE_OK ? replace(store) : fault;
}

static struct conversion conversion_begin(const struct store *store)
{
    return (struct conversion){
        .old.now = lesser(store->options.now.wall_ms / 1000, RECORD_TIME_MAX),
        .new = REBUILD_NONE,
    };
}

static enum store_fault convert_clean(struct store *store)
{
    struct conversion conversion = conversion_begin(store);
    struct record_header header;
    uint8_t first[RECORD_LEN];
    enum store_fault fault = store_read(store, 0, first, sizeof first);

    if (fault != STORE_OK)
        return fault;
    if (record_decode_header(first, &header) != RECORD_OLD)
        return STORE_OK; /* somebody else was faster */
    if (!read_old(&conversion.old, store->table_fd, store->file_len))
        return STORE_DAMAGED;
    if (conversion.old.file.header.rebuild != 0)
        return STORE_REBUILDING;
    if (!is_clean(&conversion.old) || (conversion.old.networks_in_use > 0 && keep_networks(&conversion) > 0) ||
        conversion.networks_found != conversion.old.networks_in_use)
        return STORE_DAMAGED;
    fault = convert(&conversion, store, 0);
    if (fault == STORE_OK)
        store->lost = (unsigned)lesser(conversion.damaged, UINT_MAX);
    return fault;
}

enum store_fault convert_table(struct store *store)
{
    enum store_fault fault = store_hold_unread(store, HOLD_ALONE);

    if (fault != STORE_OK)
        return fault;
    fault = convert_clean(store);
    store_release(store);
    return fault;
}

/* Where version 1's repair was interrupted, its copy is whole and the table may not be. */
static int open_copy(const struct store *store, const struct record_header *header, struct old_table *copy)
{
    struct stat info;
    int fd;

    if (header->rebuild == 0)
        return -1;
    fd = openat(store->dir_fd, REBUILD_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_uid == 0 || info.st_uid == geteuid()) &&
        read_old(copy, fd, (uint64_t)info.st_size) && is_clean(copy) && copy->file.header.rebuild == header->rebuild)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

enum store_fault convert_salvage(struct store *store, uint64_t places, struct convert_report *report)
{
    struct conversion conversion = conversion_begin(store);
    struct old_table copy = {.now = conversion.old.now};
    enum store_fault fault;
    unsigned lost_networks;
    int copy_fd;

    *report = (struct convert_report){0};
    if (!read_old(&conversion.old, store->table_fd, store->file_len))
        return STORE_KEY_LOST;
    copy_fd = open_copy(store, &conversion.old.file.header, &copy);
    if (copy_fd >= 0)
        conversion.old = copy;
    lost_networks = keep_networks(&conversion);
    fault = convert(&conversion, store, places);
    *report = (struct convert_report){
        .kept = conversion.new.kept + conversion.networks_found,
        .damaged = conversion.damaged + lost_networks,
        .dropped = conversion.new.dropped + conversion.homeless,
        .places = conversion.new.file.header.places,
        .counters_lost = !conversion.old.has_counters,
    };
    if (copy_fd >= 0) {
        close(copy_fd);
        if (fault == STORE_OK && unlinkat(store->dir_fd, REBUILD_NAME, 0) != 0)
            fault = STORE_CANNOT_WRITE;
    }
    return fault;
}
