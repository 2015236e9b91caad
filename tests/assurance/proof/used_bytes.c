/* SPDX-License-Identifier: ISC */
/* The record of used codes: any bytes of its head and of a slot in, any mark out. */
#include "used_bytes.h"

#include "any.h"

static struct used_slot any_slot(void)
{
    struct used_slot slot = {
        .fingerprint = any_number(),
        .kind = (enum used_kind)any_size(USED_TOTP, USED_RUN),
        .mark = {.next = any_number(), .when_s = any_number(), .run = {.start = any_number()}},
    };

    any_bytes(slot.mark.address, sizeof(slot.mark.address));
    slot.mark.run.pid = (uint32_t)any_size(0, UINT32_MAX);
    any_bytes(slot.mark.run.boot_id, sizeof(slot.mark.run.boot_id));
    return slot;
}

static void encode(const uint8_t *key)
{
    struct used_header header = {.slots = any_number(), .floor_s = any_number()};
    uint8_t head[USED_BYTES_HEAD_LEN];
    uint8_t bytes[USED_BYTES_SLOT_LEN];
    const struct used_slot slot = any_slot();

    any_bytes(header.key, sizeof(header.key));
    used_bytes_encode_head(&header, head);
    used_bytes_encode_slot(&slot, key, any_number(), bytes);
}

static void decode(const uint8_t *key)
{
    uint8_t head[USED_BYTES_HEAD_LEN];
    uint8_t bytes[USED_BYTES_SLOT_LEN];
    struct used_header header;
    struct used_slot slot;
    bool one_damaged;

    any_bytes(head, sizeof(head));
    any_bytes(bytes, sizeof(bytes));
    used_bytes_decode_head(head, &header, &one_damaged);
    used_bytes_decode_slot(bytes, key, any_number(), &slot);
    //@ assert slot_is_set_always: \initialized(&slot.mark.next) && \initialized(&slot.mark.run.pid);
}

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];

    any_bytes(key, sizeof(key));
    if (any_bool())
        encode(key);
    else
        decode(key);
    return 0;
}
