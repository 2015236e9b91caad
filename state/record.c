/* SPDX-License-Identifier: ISC */
/* See record.h; FORMAT.md has the offsets. */
#include "record.h"

#include <string.h>

#define FORMAT_VERSION 1
#define CHECK_LEN      8
#define HEADER_CHECKED 56 /* the header's check stands behind what it checks */
#define U48_MAX        UINT64_C(0xffffffffffff)

enum slot_flag { FLAG_USED = 1, FLAG_LOCKED = 2, FLAG_BY_HAND = 4, FLAG_JUDGED = 8 };
#define RUN_SHIFT 4

static const uint8_t magic[8] = {'o', 's', 't', 'i', 'a', 'r', 'y', '\n'};

static void put(uint8_t *bytes, size_t len, uint64_t value)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

bool record_is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t seen = 0;

    for (size_t i = 0; i < len; i++)
        seen |= bytes[i];
    return seen == 0;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

static uint64_t record_check(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                             uint64_t where)
{
    uint8_t checked[RECORD_LEN];

    memcpy(checked, bytes + CHECK_LEN, RECORD_LEN - CHECK_LEN);
    put(checked + RECORD_LEN - CHECK_LEN, CHECK_LEN, where);
    return siphash(key, checked, sizeof checked);
}

void record_encode_header(const struct record_header *header, uint8_t bytes[static RECORD_LEN])
{
    memset(bytes, 0, RECORD_LEN);
    memcpy(bytes, magic, sizeof magic);
    put(bytes + 8, 2, FORMAT_VERSION);
    put(bytes + 10, 2, RECORD_LEN);
    put(bytes + 12, 2, RECORD_BUCKET_SLOTS);
    put(bytes + 16, 4, RECORD_HEAD_LEN);
    put(bytes + 24, 8, header->places);
    memcpy(bytes + 32, header->key, sizeof header->key);
    put(bytes + 48, 8, header->rebuild);
    put(bytes + HEADER_CHECKED, CHECK_LEN, siphash(header->key, bytes, HEADER_CHECKED));
}

enum record_state record_decode_header(const uint8_t bytes[static RECORD_LEN], struct record_header *header)
{
    const uint64_t places = get(bytes + 24, 8);

    if (memcmp(bytes, magic, sizeof magic) != 0)
        return RECORD_DAMAGED;
    if (siphash(bytes + 32, bytes, HEADER_CHECKED) != get(bytes + HEADER_CHECKED, CHECK_LEN))
        return RECORD_DAMAGED;
    if (get(bytes + 8, 2) != FORMAT_VERSION || get(bytes + 10, 2) != RECORD_LEN ||
        get(bytes + 12, 2) != RECORD_BUCKET_SLOTS || get(bytes + 16, 4) != RECORD_HEAD_LEN)
        return RECORD_FOREIGN;
    if (places < RECORD_PLACES_MIN || places > RECORD_PLACES_MAX || places % RECORD_BUCKET_SLOTS != 0)
        return RECORD_DAMAGED;
    header->places = places;
    memcpy(header->key, bytes + 32, sizeof header->key);
    header->rebuild = get(bytes + 48, 8);
    return RECORD_WHOLE;
}

void record_encode_counters(const struct record_counters *counters, const uint8_t key[static SIPHASH_KEY_LEN],
                            uint8_t bytes[static RECORD_LEN])
{
    memset(bytes, 0, RECORD_LEN);
    put(bytes + 8, 8, counters->seed);
    put(bytes + 16, 8, counters->total_errors);
    put(bytes + 24, 8, counters->next_ms);
    put(bytes + 32, 2, counters->epoch);
    put(bytes + 34, 2, counters->networks);
    put(bytes + 36, 1, counters->closing);
    put(bytes, CHECK_LEN, record_check(bytes, key, RECORD_WHERE_COUNTERS));
}

enum record_state record_decode_counters(const uint8_t bytes[static RECORD_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], struct record_counters *counters)
{
    if (record_check(bytes, key, RECORD_WHERE_COUNTERS) != get(bytes, CHECK_LEN))
        return RECORD_DAMAGED;
    if (get(bytes + 34, 2) > RECORD_NETWORKS || bytes[36] > RECORD_CLOSING_MAX)
        return RECORD_DAMAGED;
    counters->seed = get(bytes + 8, 8);
    counters->total_errors = get(bytes + 16, 8);
    counters->next_ms = get(bytes + 24, 8);
    counters->epoch = (uint16_t)get(bytes + 32, 2);
    counters->networks = (uint16_t)get(bytes + 34, 2);
    counters->closing = bytes[36];
    return RECORD_WHOLE;
}

void record_encode_slot(const struct record_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where,
                        uint8_t bytes[static RECORD_LEN])
{
    unsigned flags = FLAG_USED | (unsigned)slot->run << RUN_SHIFT;

    if (slot->locked)
        flags |= FLAG_LOCKED;
    if (slot->by_hand)
        flags |= FLAG_BY_HAND;
    if (slot->judged)
        flags |= FLAG_JUDGED;
    memset(bytes, 0, RECORD_LEN);
    memcpy(bytes + 8, slot->source.address, SOURCE_ADDRESS_LEN);
    bytes[24] = slot->source.prefix;
    bytes[25] = (uint8_t)flags;
    put(bytes + 26, 6, at_most(slot->last_seen, U48_MAX));
    put(bytes + 32, 6, at_most(slot->last_strike, U48_MAX));
    put(bytes + 38, 6, at_most(slot->locked_until, U48_MAX));
    put(bytes + 44, 6, at_most(slot->next_ms, U48_MAX));
    put(bytes + 50, 2, slot->epoch);
    put(bytes + 52, 4, slot->strikes);
    put(bytes + 56, 4, slot->refusals);
    put(bytes + 60, 4, slot->errors);
    put(bytes, CHECK_LEN, record_check(bytes, key, where));
}

enum record_state record_decode_slot(const uint8_t bytes[static RECORD_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                     uint64_t where, struct record_slot *slot)
{
    const uint8_t flags = bytes[25];

    memset(slot, 0, sizeof *slot);
    if (record_is_zero(bytes, RECORD_LEN))
        return RECORD_EMPTY;
    if (record_check(bytes, key, where) != get(bytes, CHECK_LEN))
        return RECORD_DAMAGED;
    if ((flags & FLAG_USED) == 0 || bytes[24] > 8 * SOURCE_ADDRESS_LEN)
        return RECORD_DAMAGED;
    memcpy(slot->source.address, bytes + 8, SOURCE_ADDRESS_LEN);
    slot->source.prefix = bytes[24];
    slot->locked = (flags & FLAG_LOCKED) != 0;
    slot->by_hand = (flags & FLAG_BY_HAND) != 0;
    slot->judged = (flags & FLAG_JUDGED) != 0;
    slot->run = flags >> RUN_SHIFT;
    slot->last_seen = get(bytes + 26, 6);
    slot->last_strike = get(bytes + 32, 6);
    slot->locked_until = get(bytes + 38, 6);
    if (slot->locked_until == U48_MAX)
        slot->locked_until = RECORD_FOREVER;
    slot->next_ms = get(bytes + 44, 6);
    slot->epoch = (uint16_t)get(bytes + 50, 2);
    slot->strikes = (uint32_t)get(bytes + 52, 4);
    slot->refusals = (uint32_t)get(bytes + 56, 4);
    slot->errors = (uint32_t)get(bytes + 60, 4);
    return RECORD_WHOLE;
}

bool record_slot_names(const uint8_t bytes[static RECORD_LEN], const struct source *source)
{
    return (bytes[25] & FLAG_USED) != 0 && bytes[24] == source->prefix &&
           memcmp(bytes + 8, source->address, SOURCE_ADDRESS_LEN) == 0;
}

uint64_t record_bucket(const struct record_header *header, const struct source *source)
{
    uint8_t name[SOURCE_ADDRESS_LEN + 1];
    const uint64_t buckets = header->places / RECORD_BUCKET_SLOTS;

    memcpy(name, source->address, SOURCE_ADDRESS_LEN);
    name[SOURCE_ADDRESS_LEN] = source->prefix;
    return siphash(header->key, name, sizeof name) % buckets * RECORD_BUCKET_SLOTS;
}

uint64_t record_file_len(uint64_t places)
{
    return RECORD_HEAD_LEN + places * RECORD_LEN;
}
