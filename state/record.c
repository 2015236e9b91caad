/* SPDX-License-Identifier: ISC */
/* See record.h; FORMAT.md has the offsets. */
#include "record.h"

#include "bytes.h"

#include <string.h>

#define FORMAT_VERSION   2
#define CHECK_LEN        8
#define HEADER_CHECKED   56 /* the header's check stands behind what it checks */
#define HEADER_LEN       (HEADER_CHECKED + CHECK_LEN)
#define DOORS_CLOSING_AT 104 /* in the counters: one byte for each door */
#define DOORS_ERRORS_AT  112 /* four for each */
#define SLOT_LEN         108 /* likewise */
#define NETWORK_AT       28  /* in a slot */
#define FLAG_DOUBTFUL    1
#define NETWORKS_MASK    ((UINT64_C(1) << RECORD_NETWORKS) - 1)

enum slot_flag { FLAG_USED = 1, FLAG_LOCKED = 2, FLAG_BY_HAND = 4, FLAG_JUDGED = 8 };
#define FLAGS_MAX (FLAG_USED | FLAG_LOCKED | FLAG_BY_HAND | FLAG_JUDGED)

static const uint8_t magic[8] = {'o', 's', 't', 'i', 'a', 'r', 'y', '\n'};

/* The first is zero, and each is the same as the one before: memcmp takes many at a time. */
bool record_is_zero(const uint8_t *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static uint64_t record_check(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                             uint64_t where)
{
    uint8_t checked[RECORD_LEN];

    memcpy(checked, bytes + CHECK_LEN, RECORD_LEN - CHECK_LEN);
    bytes_put(checked + RECORD_LEN - CHECK_LEN, CHECK_LEN, where);
    return siphash(key, checked, sizeof checked);
}

void record_encode_header(const struct record_header *header, uint8_t bytes[static RECORD_LEN])
{
    memset(bytes, 0, RECORD_LEN);
    memcpy(bytes, magic, sizeof magic);
    bytes_put(bytes + 8, 2, FORMAT_VERSION);
    bytes_put(bytes + 10, 2, RECORD_LEN);
    bytes_put(bytes + 12, 2, RECORD_BUCKET_SLOTS);
    bytes_put(bytes + 14, 2, RECORD_CHOICES);
    bytes_put(bytes + 16, 4, RECORD_HEAD_LEN);
    bytes_put(bytes + 24, 8, header->places);
    memcpy(bytes + 32, header->key, sizeof header->key);
    bytes_put(bytes + 48, 8, header->rebuild);
    bytes_put(bytes + HEADER_CHECKED, CHECK_LEN, siphash(header->key, bytes, HEADER_CHECKED));
}

enum record_state record_decode_header(const uint8_t bytes[static RECORD_LEN], struct record_header *header)
{
    const uint64_t places = bytes_get(bytes + 24, 8);

    if (memcmp(bytes, magic, sizeof magic) != 0)
        return RECORD_DAMAGED;
    if (siphash(bytes + 32, bytes, HEADER_CHECKED) != bytes_get(bytes + HEADER_CHECKED, CHECK_LEN))
        return RECORD_DAMAGED;
    if (bytes_get(bytes + 8, 2) == 1)
        return RECORD_OLD;
    if (bytes_get(bytes + 8, 2) != FORMAT_VERSION || bytes_get(bytes + 10, 2) != RECORD_LEN ||
        bytes_get(bytes + 12, 2) != RECORD_BUCKET_SLOTS || bytes_get(bytes + 14, 2) != RECORD_CHOICES ||
        bytes_get(bytes + 16, 4) != RECORD_HEAD_LEN)
        return RECORD_FOREIGN;
    if (places < RECORD_PLACES_MIN || places > RECORD_PLACES_MAX || places % RECORD_BUCKET_SLOTS != 0)
        return RECORD_DAMAGED;
    if (!record_is_zero(bytes + HEADER_LEN, RECORD_LEN - HEADER_LEN))
        return RECORD_DAMAGED;
    header->places = places;
    memcpy(header->key, bytes + 32, sizeof header->key);
    header->rebuild = bytes_get(bytes + 48, 8);
    return RECORD_WHOLE;
}

static void encode_pace(const struct record_pace *pace, uint8_t *bytes)
{
    bytes_put(bytes, 8, pace->first_ms);
    bytes_put(bytes + 8, 8, pace->taken);
}

static void decode_pace(const uint8_t *bytes, struct record_pace *pace)
{
    pace->first_ms = bytes_get(bytes, 8);
    pace->taken = bytes_get(bytes + 8, 8);
}

void record_encode_counters(const struct record_counters *counters, const uint8_t key[static SIPHASH_KEY_LEN],
                            uint8_t bytes[static RECORD_LEN])
{
    const struct record_mark *mark = &counters->mark;

    memset(bytes, 0, RECORD_LEN);
    bytes_put(bytes + 8, 8, counters->seed);
    bytes_put(bytes + 16, 8, counters->total_errors);
    encode_pace(&counters->pace, bytes + 24);
    bytes_put(bytes + 40, 2, counters->epoch);
    bytes[42] = counters->closing;
    bytes[43] = mark->doubtful ? FLAG_DOUBTFUL : 0;
    memcpy(bytes + 48, mark->boot_id, sizeof mark->boot_id);
    bytes_put(bytes + 64, 8, mark->boot_ms);
    bytes_put(bytes + 72, 8, mark->wall_ms);
    bytes_put(bytes + 80, 8, mark->table_ms);
    bytes_put(bytes + 88, 8, counters->networks);
    bytes_put(bytes + 96, 8, mark->latest_ms);
    for (unsigned i = 0; i < RECORD_DOORS; i++) {
        bytes[DOORS_CLOSING_AT + i] = counters->doors[i].closing;
        bytes_put(bytes + DOORS_ERRORS_AT + 4 * i, 4, counters->doors[i].errors);
    }
    bytes_put(bytes, CHECK_LEN, record_check(bytes, key, RECORD_WHERE_COUNTERS));
}

/* False: it holds what no encoder here writes. */
static bool decode_doors(const uint8_t bytes[static RECORD_LEN], struct record_door doors[static RECORD_DOORS])
{
    for (unsigned i = 0; i < RECORD_DOORS; i++) {
        if (bytes[DOORS_CLOSING_AT + i] > RECORD_DOOR_CLOSING_MAX)
            return false;
        doors[i].closing = bytes[DOORS_CLOSING_AT + i];
        doors[i].errors = (uint32_t)bytes_get(bytes + DOORS_ERRORS_AT + 4 * i, 4);
    }
    return bytes_get(bytes + DOORS_CLOSING_AT + RECORD_DOORS, 4) == 0;
}

enum record_state record_decode_counters(const uint8_t bytes[static RECORD_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], struct record_counters *counters)
{
    const uint64_t table_ms = bytes_get(bytes + 80, 8);
    const uint64_t networks = bytes_get(bytes + 88, 8);
    struct record_mark *mark = &counters->mark;

    if (record_check(bytes, key, RECORD_WHERE_COUNTERS) != bytes_get(bytes, CHECK_LEN))
        return RECORD_DAMAGED;
    if (networks > NETWORKS_MASK || table_ms > RECORD_TIME_MAX || bytes[42] > RECORD_CLOSING_MAX ||
        bytes[43] > FLAG_DOUBTFUL || bytes_get(bytes + 44, 4) != 0 || !decode_doors(bytes, counters->doors))
        return RECORD_DAMAGED;
    counters->seed = bytes_get(bytes + 8, 8);
    counters->total_errors = bytes_get(bytes + 16, 8);
    decode_pace(bytes + 24, &counters->pace);
    counters->epoch = (uint16_t)bytes_get(bytes + 40, 2);
    counters->closing = bytes[42];
    mark->doubtful = bytes[43] == FLAG_DOUBTFUL;
    memcpy(mark->boot_id, bytes + 48, sizeof mark->boot_id);
    mark->boot_ms = bytes_get(bytes + 64, 8);
    mark->wall_ms = bytes_get(bytes + 72, 8);
    mark->table_ms = table_ms;
    mark->latest_ms = bytes_get(bytes + 96, 8);
    counters->networks = networks;
    return RECORD_WHOLE;
}

void record_encode_slot(const struct record_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where,
                        uint8_t bytes[static RECORD_LEN])
{
    unsigned flags = FLAG_USED;

    if (slot->locked)
        flags |= FLAG_LOCKED;
    if (slot->by_hand)
        flags |= FLAG_BY_HAND;
    if (slot->lock_judged)
        flags |= FLAG_JUDGED;
    memset(bytes, 0, RECORD_LEN);
    memcpy(bytes + 8, slot->source.address, SOURCE_ADDRESS_LEN);
    bytes[24] = slot->source.prefix;
    bytes[25] = (uint8_t)flags;
    bytes_put(bytes + 26, 2, slot->epoch);
    bytes[NETWORK_AT] = slot->source.is_network;
    bytes[29] = slot->round;
    bytes_put(bytes + 30, 2, slot->unjudged);
    bytes_put(bytes + 32, 8, slot->last_seen);
    bytes_put(bytes + 40, 8, slot->last_strike);
    bytes_put(bytes + 48, 8, slot->locked_until);
    bytes_put(bytes + 56, 4, slot->strikes);
    bytes_put(bytes + 60, 4, slot->refusals);
    bytes_put(bytes + 64, 4, slot->errors);
    encode_pace(&slot->pace, bytes + 68);
    bytes_put(bytes + 84, 8, slot->judged_by_ms);
    bytes_put(bytes + 92, 8, slot->generation);
    bytes_put(bytes + 100, 8, slot->accepted);
    bytes_put(bytes, CHECK_LEN, record_check(bytes, key, where));
}

enum record_state record_decode_slot(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                     uint64_t where, struct record_slot *slot)
{
    const uint8_t flags = bytes[25];

    memset(slot, 0, sizeof *slot);
    if (record_is_zero(bytes, RECORD_LEN))
        return RECORD_EMPTY;
    if (record_check(bytes, key, where) != bytes_get(bytes, CHECK_LEN))
        return RECORD_DAMAGED;
    if ((flags & FLAG_USED) == 0 || flags > FLAGS_MAX || bytes[24] > 8 * SOURCE_ADDRESS_LEN || bytes[NETWORK_AT] > 1 ||
        !record_is_zero(bytes + SLOT_LEN, RECORD_LEN - SLOT_LEN))
        return RECORD_DAMAGED;
    memcpy(slot->source.address, bytes + 8, SOURCE_ADDRESS_LEN);
    slot->source.prefix = bytes[24];
    slot->source.is_network = bytes[NETWORK_AT] == 1;
    slot->locked = (flags & FLAG_LOCKED) != 0;
    slot->by_hand = (flags & FLAG_BY_HAND) != 0;
    slot->lock_judged = (flags & FLAG_JUDGED) != 0;
    slot->epoch = (uint16_t)bytes_get(bytes + 26, 2);
    slot->round = bytes[29];
    slot->unjudged = (uint16_t)bytes_get(bytes + 30, 2);
    slot->last_seen = bytes_get(bytes + 32, 8);
    slot->last_strike = bytes_get(bytes + 40, 8);
    slot->locked_until = bytes_get(bytes + 48, 8);
    slot->strikes = (uint32_t)bytes_get(bytes + 56, 4);
    slot->refusals = (uint32_t)bytes_get(bytes + 60, 4);
    slot->errors = (uint32_t)bytes_get(bytes + 64, 4);
    decode_pace(bytes + 68, &slot->pace);
    slot->judged_by_ms = bytes_get(bytes + 84, 8);
    slot->generation = bytes_get(bytes + 92, 8);
    slot->accepted = bytes_get(bytes + 100, 8);
    return RECORD_WHOLE;
}

bool record_slot_names(const uint8_t bytes[static RECORD_LEN], const struct source *source)
{
    return (bytes[25] & FLAG_USED) != 0 && bytes[24] == source->prefix && bytes[NETWORK_AT] == source->is_network &&
           memcmp(bytes + 8, source->address, SOURCE_ADDRESS_LEN) == 0;
}

/*
 * Each choice has a third of the buckets for itself. Of equally full ones the first is taken, so that the thirds do not
 * fill alike: a table becomes fuller before somebody finds no place than if each choice had all of it (Voecking, "How
 * asymmetry helps load balancing", 2003).
 */
void record_buckets(const struct record_header *header, const struct source *source,
                    uint64_t firsts[static RECORD_CHOICES])
{
    uint8_t name[SOURCE_ADDRESS_LEN + 2];
    const uint64_t buckets = header->places / RECORD_BUCKET_SLOTS;
    uint64_t begin = 0;

    memcpy(name, source->address, SOURCE_ADDRESS_LEN);
    name[SOURCE_ADDRESS_LEN] = source->prefix;
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++) {
        const uint64_t third = (buckets + choice) / RECORD_CHOICES; /* together they are all */

        name[SOURCE_ADDRESS_LEN + 1] = (uint8_t)choice;
        firsts[choice] = (begin + siphash(header->key, name, sizeof name) % third) * RECORD_BUCKET_SLOTS;
        begin += third;
    }
}

uint64_t record_file_len(uint64_t places)
{
    return RECORD_HEAD_LEN + places * RECORD_LEN;
}
