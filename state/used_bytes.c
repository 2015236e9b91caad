/* SPDX-License-Identifier: ISC */
/* See used_bytes.h; FORMAT.md has the offsets. */
#include "used_bytes.h"

#include "bytes.h"

#include <string.h>

#define FORMAT_VERSION 1
#define CHECK_LEN      8
#define HEADER_LEN     (USED_BYTES_HEAD_LEN / 2)
#define HEADER_CHECKED (HEADER_LEN - CHECK_LEN) /* the header's check stands behind what it checks */
#define PID_AT         20
#define ADDRESS_AT     40 /* of a run, the boot's identity is there */

static const uint8_t magic[8] = {'o', 's', 't', 'u', 's', 'e', 'd', '\n'};

static void encode_header(const struct used_header *header, uint8_t bytes[static HEADER_LEN])
{
    memset(bytes, 0, HEADER_LEN);
    memcpy(bytes, magic, sizeof magic);
    bytes_put(bytes + 8, 2, FORMAT_VERSION);
    bytes_put(bytes + 10, 2, USED_BYTES_SLOT_LEN);
    bytes_put(bytes + 12, 4, USED_BYTES_HEAD_LEN);
    memcpy(bytes + 16, header->key, sizeof header->key);
    bytes_put(bytes + 32, 8, header->slots);
    bytes_put(bytes + 40, 8, header->floor_s);
    bytes_put(bytes + HEADER_CHECKED, CHECK_LEN, siphash(header->key, bytes, HEADER_CHECKED));
}

static enum record_state decode_header(const uint8_t bytes[static HEADER_LEN], struct used_header *header)
{
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        siphash(bytes + 16, bytes, HEADER_CHECKED) != bytes_get(bytes + HEADER_CHECKED, CHECK_LEN))
        return RECORD_DAMAGED;
    if (bytes_get(bytes + 8, 2) != FORMAT_VERSION || bytes_get(bytes + 10, 2) != USED_BYTES_SLOT_LEN ||
        bytes_get(bytes + 12, 4) != USED_BYTES_HEAD_LEN)
        return RECORD_FOREIGN;
    if (bytes_get(bytes + 32, 8) > USED_MAX || bytes_get(bytes + 40, 8) > RECORD_TIME_MAX ||
        !record_is_zero(bytes + 48, HEADER_CHECKED - 48))
        return RECORD_DAMAGED;
    memcpy(header->key, bytes + 16, sizeof header->key);
    header->slots = bytes_get(bytes + 32, 8);
    header->floor_s = bytes_get(bytes + 40, 8);
    return RECORD_WHOLE;
}

void used_bytes_encode_head(const struct used_header *header, uint8_t head[static USED_BYTES_HEAD_LEN])
{
    encode_header(header, head);
    memcpy(head + HEADER_LEN, head, HEADER_LEN);
}

/* Slots never become fewer and the floor never lower: so the larger of each is the later. */
static enum record_state join(const struct used_header *first, const struct used_header *second,
                              struct used_header *header)
{
    if (memcmp(first->key, second->key, sizeof first->key) != 0)
        return RECORD_DAMAGED;
    *header = *first;
    if (second->slots > first->slots)
        header->slots = second->slots;
    if (second->floor_s > first->floor_s)
        header->floor_s = second->floor_s;
    return RECORD_WHOLE;
}

enum record_state used_bytes_decode_head(const uint8_t head[static USED_BYTES_HEAD_LEN], struct used_header *header,
                                         bool *one_damaged)
{
    struct used_header first, second;
    const enum record_state first_state = decode_header(head, &first);
    const enum record_state second_state = decode_header(head + HEADER_LEN, &second);

    *one_damaged = first_state != RECORD_WHOLE || second_state != RECORD_WHOLE;
    if (first_state == RECORD_FOREIGN || second_state == RECORD_FOREIGN)
        return RECORD_FOREIGN;
    if (first_state == RECORD_WHOLE && second_state == RECORD_WHOLE)
        return join(&first, &second, header);
    if (first_state != RECORD_WHOLE && second_state != RECORD_WHOLE)
        return RECORD_DAMAGED;
    *header = first_state == RECORD_WHOLE ? first : second;
    return RECORD_WHOLE;
}

/* Where a slot is kept is part of its check. */
static uint64_t check_of(const uint8_t bytes[static USED_BYTES_SLOT_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                         uint64_t number)
{
    uint8_t checked[USED_BYTES_SLOT_LEN];

    memcpy(checked, bytes + CHECK_LEN, USED_BYTES_SLOT_LEN - CHECK_LEN);
    bytes_put(checked + USED_BYTES_SLOT_LEN - CHECK_LEN, 8, number);
    return siphash(key, checked, sizeof checked);
}

static void encode_mark(const struct used_mark *mark, uint8_t bytes[static USED_BYTES_SLOT_LEN])
{
    bytes_put(bytes + 24, 8, mark->next);
    memcpy(bytes + ADDRESS_AT, mark->address, sizeof mark->address);
}

static void encode_run(const struct used_run *run, uint8_t bytes[static USED_BYTES_SLOT_LEN])
{
    bytes_put(bytes + PID_AT, 4, run->pid);
    bytes_put(bytes + 24, 8, run->start);
    memcpy(bytes + ADDRESS_AT, run->boot_id, sizeof run->boot_id);
}

void used_bytes_encode_slot(const struct used_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t number,
                            uint8_t bytes[static USED_BYTES_SLOT_LEN])
{
    memset(bytes, 0, USED_BYTES_SLOT_LEN);
    bytes_put(bytes + 8, 8, slot->fingerprint);
    bytes_put(bytes + 16, 1, slot->kind);
    bytes_put(bytes + 32, 8, slot->mark.when_s < RECORD_TIME_MAX ? slot->mark.when_s : RECORD_TIME_MAX);
    if (slot->kind == USED_RUN)
        encode_run(&slot->mark.run, bytes);
    else
        encode_mark(&slot->mark, bytes);
    bytes_put(bytes, CHECK_LEN, check_of(bytes, key, number));
}

/* Would a writer here have written this? */
static bool is_possible(const uint8_t bytes[static USED_BYTES_SLOT_LEN])
{
    const uint64_t kind = bytes_get(bytes + 16, 1);
    const uint64_t pid = bytes_get(bytes + PID_AT, 4);

    if (kind < USED_TOTP || kind > USED_RUN || !record_is_zero(bytes + 17, PID_AT - 17) ||
        bytes_get(bytes + 32, 8) > RECORD_TIME_MAX || !record_is_zero(bytes + 56, USED_BYTES_SLOT_LEN - 56))
        return false;
    if (kind != USED_RUN)
        return pid == 0;
    return pid > 0 && pid <= INT32_MAX && !record_is_zero(bytes + ADDRESS_AT, USED_BOOT_ID_LEN);
}

static void decode_mark(const uint8_t bytes[static USED_BYTES_SLOT_LEN], struct used_mark *mark)
{
    mark->next = bytes_get(bytes + 24, 8);
    memcpy(mark->address, bytes + ADDRESS_AT, sizeof mark->address);
}

static void decode_run(const uint8_t bytes[static USED_BYTES_SLOT_LEN], struct used_run *run)
{
    run->pid = (uint32_t)bytes_get(bytes + PID_AT, 4);
    run->start = bytes_get(bytes + 24, 8);
    memcpy(run->boot_id, bytes + ADDRESS_AT, sizeof run->boot_id);
}

enum record_state used_bytes_decode_slot(const uint8_t bytes[static USED_BYTES_SLOT_LEN],
                                         const uint8_t key[static SIPHASH_KEY_LEN], uint64_t number,
                                         struct used_slot *slot)
{
    *slot = (struct used_slot){0};
    if (record_is_zero(bytes, USED_BYTES_SLOT_LEN))
        return RECORD_EMPTY;
    if (bytes_get(bytes, CHECK_LEN) != check_of(bytes, key, number) || !is_possible(bytes))
        return RECORD_DAMAGED;
    slot->fingerprint = bytes_get(bytes + 8, 8);
    slot->kind = (enum used_kind)bytes_get(bytes + 16, 1);
    slot->mark.when_s = bytes_get(bytes + 32, 8);
    if (slot->kind == USED_RUN)
        decode_run(bytes, &slot->mark.run);
    else
        decode_mark(bytes, &slot->mark);
    return RECORD_WHOLE;
}
