/* SPDX-License-Identifier: ISC */
/* See form1.h; FORMAT.md, "Version 1", has the offsets. */
#include "form1.h"

#include "bytes.h"

#include <string.h>

#define CHECK_LEN      8
#define HEADER_CHECKED 56
#define U48_MAX        UINT64_C(0xffffffffffff)

enum slot_flag { FLAG_USED = 1, FLAG_LOCKED = 2, FLAG_BY_HAND = 4, FLAG_JUDGED = 8 };
#define RUN_SHIFT 4

bool form1_decode_header(const uint8_t bytes[static FORM1_LEN], struct record_header *header)
{
    static const uint8_t begin[24] = {'o', 's', 't', 'i', 'a', 'r', 'y', '\n', 1, 0, FORM1_LEN, 0, 8, 0, 0, 0, 0, 16};
    const uint64_t places = bytes_get(bytes + 24, 8);

    if (memcmp(bytes, begin, sizeof begin) != 0)
        return false;
    if (siphash(bytes + 32, bytes, HEADER_CHECKED) != bytes_get(bytes + HEADER_CHECKED, CHECK_LEN))
        return false;
    if (places < RECORD_PLACES_MIN || places > RECORD_PLACES_MAX || places % RECORD_BUCKET_SLOTS != 0)
        return false;
    header->places = places;
    memcpy(header->key, bytes + 32, sizeof header->key);
    header->rebuild = bytes_get(bytes + 48, 8);
    return true;
}

static bool is_whole(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where)
{
    uint8_t checked[FORM1_LEN];

    memcpy(checked, bytes + CHECK_LEN, FORM1_LEN - CHECK_LEN);
    bytes_put(checked + FORM1_LEN - CHECK_LEN, CHECK_LEN, where);
    return siphash(key, checked, sizeof checked) == bytes_get(bytes, CHECK_LEN);
}

bool form1_decode_counters(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                           struct record_counters *counters, unsigned *networks)
{
    const unsigned in_use = (unsigned)bytes_get(bytes + 34, 2);

    if (!is_whole(bytes, key, RECORD_WHERE_COUNTERS) || in_use > RECORD_NETWORKS || bytes[36] > RECORD_CLOSING_MAX)
        return false;
    *counters = (struct record_counters){
        .seed = bytes_get(bytes + 8, 8),
        .total_errors = bytes_get(bytes + 16, 8),
        .pace.first_ms = bytes_get(bytes + 24, 8),
        .epoch = (uint16_t)bytes_get(bytes + 32, 2),
        .closing = bytes[36],
    };
    *networks = in_use;
    return true;
}

static void bring_back(struct record_slot *slot, uint64_t now)
{
    const uint64_t since = slot->last_strike;

    if (slot->locked && slot->locked_until != RECORD_FOREVER && since > now)
        slot->locked_until = now + (slot->locked_until > since ? slot->locked_until - since : 0);
    if (slot->last_strike > now)
        slot->last_strike = now;
    if (slot->last_seen > now)
        slot->last_seen = now;
}

enum record_state form1_decode_slot(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                    uint64_t where, uint64_t now, struct record_slot *slot)
{
    const uint8_t flags = bytes[25];

    memset(slot, 0, sizeof *slot);
    if (record_is_zero(bytes, FORM1_LEN))
        return RECORD_EMPTY;
    if (!is_whole(bytes, key, where) || (flags & FLAG_USED) == 0 || bytes[24] > 8 * SOURCE_ADDRESS_LEN)
        return RECORD_DAMAGED;
    memcpy(slot->source.address, bytes + 8, SOURCE_ADDRESS_LEN);
    slot->source.prefix = bytes[24];
    slot->locked = (flags & FLAG_LOCKED) != 0;
    slot->by_hand = (flags & FLAG_BY_HAND) != 0;
    slot->lock_judged = (flags & FLAG_JUDGED) != 0;
    slot->generation = flags >> RUN_SHIFT;
    slot->last_seen = bytes_get(bytes + 26, 6);
    slot->last_strike = bytes_get(bytes + 32, 6);
    slot->locked_until = bytes_get(bytes + 38, 6);
    if (slot->locked_until == U48_MAX)
        slot->locked_until = RECORD_FOREVER;
    slot->pace.first_ms = bytes_get(bytes + 44, 6);
    slot->epoch = (uint16_t)bytes_get(bytes + 50, 2);
    slot->strikes = (uint32_t)bytes_get(bytes + 52, 4);
    slot->refusals = (uint32_t)bytes_get(bytes + 56, 4);
    slot->errors = (uint32_t)bytes_get(bytes + 60, 4);
    bring_back(slot, now);
    return RECORD_WHOLE;
}

static bool begins_with(const struct source *source, const uint8_t *bytes, size_t len)
{
    return memcmp(source->address, bytes, len) == 0;
}

static void widen(struct source *source, uint8_t prefix)
{
    if (source->prefix <= prefix)
        return;
    source->prefix = prefix;
    memset(source->address + prefix / 8, 0, SOURCE_ADDRESS_LEN - prefix / 8);
}

enum form1_source form1_update_source(struct source *source)
{
    static const uint8_t sixtofour[] = {0x20, 0x02};
    static const uint8_t nat64[] = {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0};

    if (begins_with(source, sixtofour, sizeof sixtofour))
        widen(source, 48);
    if (source->prefix < 128 && begins_with(source, nat64, sizeof nat64))
        return FORM1_NETWORK;
    if (source->prefix <= 64 && source->address[0] == 0xfe && (source->address[1] & 0xc0) == 0x80) {
        /* Which interface it was is not known, and today that stands where zeros stood. */
        *source = (struct source){.address = {0xfe, 0x80}, .prefix = 10};
        return FORM1_NETWORK;
    }
    return FORM1_SOURCE;
}

uint64_t form1_slot_at(uint64_t index)
{
    return FORM1_HEAD_LEN + index * FORM1_LEN;
}

uint64_t form1_file_len(uint64_t places)
{
    return form1_slot_at(places);
}
