/* SPDX-License-Identifier: ISC */
/* See grants_bytes.h; FORMAT.md has the offsets. */
#include "grants_bytes.h"

#include "bytes.h"

#include <string.h>

#define FORMAT_VERSION 1
#define CHECK_LEN      8
#define HEADER_CHECKED (GRANTS_BYTES_HEADER_LEN - CHECK_LEN) /* the header's check stands behind what it checks */
#define HEADER_LEN     40                                    /* of which so much is in use */
#define GATE_AT        112
#define GATE_LEN       (GRANTS_GATE_LEN - 1)
#define USER_AT        136
#define USER_LEN       (GRANTS_USER_LEN - 1)
#define SLOT_LEN       200 /* of which so much is in use */

static const uint8_t magic[8] = {'o', 's', 't', 'g', 'r', 'n', 't', '\n'};

static void encode_header(const struct grants_header *header, uint8_t bytes[static GRANTS_BYTES_HEADER_LEN])
{
    memset(bytes, 0, GRANTS_BYTES_HEADER_LEN);
    memcpy(bytes, magic, sizeof magic);
    bytes_put(bytes + 8, 2, FORMAT_VERSION);
    bytes_put(bytes + 10, 2, GRANTS_BYTES_SLOT_LEN);
    bytes_put(bytes + 12, 4, GRANTS_BYTES_HEAD_LEN);
    memcpy(bytes + 16, header->key, sizeof header->key);
    bytes_put(bytes + 32, 8, header->latest_ms);
    bytes_put(bytes + HEADER_CHECKED, CHECK_LEN, siphash(header->key, bytes, HEADER_CHECKED));
}

static enum record_state decode_header(const uint8_t bytes[static GRANTS_BYTES_HEADER_LEN],
                                       struct grants_header *header)
{
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        siphash(bytes + 16, bytes, HEADER_CHECKED) != bytes_get(bytes + HEADER_CHECKED, CHECK_LEN))
        return RECORD_DAMAGED;
    if (bytes_get(bytes + 8, 2) != FORMAT_VERSION || bytes_get(bytes + 10, 2) != GRANTS_BYTES_SLOT_LEN ||
        bytes_get(bytes + 12, 4) != GRANTS_BYTES_HEAD_LEN)
        return RECORD_FOREIGN;
    if (bytes_get(bytes + 32, 8) > RECORD_TIME_MAX || !record_is_zero(bytes + HEADER_LEN, HEADER_CHECKED - HEADER_LEN))
        return RECORD_DAMAGED;
    memcpy(header->key, bytes + 16, sizeof header->key);
    header->latest_ms = bytes_get(bytes + 32, 8);
    return RECORD_WHOLE;
}

void grants_bytes_encode_head(const struct grants_header *header, uint8_t head[static GRANTS_BYTES_HEAD_LEN])
{
    encode_header(header, head);
    memcpy(head + GRANTS_BYTES_HEADER_LEN, head, GRANTS_BYTES_HEADER_LEN);
}

/* Two that are whole differ where the power failed between them: the later time is the one that has been. */
static enum record_state join(const struct grants_header *first, const struct grants_header *second,
                              struct grants_header *header)
{
    if (memcmp(first->key, second->key, sizeof first->key) != 0)
        return RECORD_DAMAGED;
    *header = first->latest_ms >= second->latest_ms ? *first : *second;
    return RECORD_WHOLE;
}

enum record_state grants_bytes_decode_head(const uint8_t head[static GRANTS_BYTES_HEAD_LEN],
                                           struct grants_header *header, bool *one_damaged)
{
    struct grants_header first, second;
    const enum record_state first_state = decode_header(head, &first);
    const enum record_state second_state = decode_header(head + GRANTS_BYTES_HEADER_LEN, &second);

    *one_damaged = first_state != RECORD_WHOLE || second_state != RECORD_WHOLE;
    if (first_state == RECORD_FOREIGN || second_state == RECORD_FOREIGN)
        return RECORD_FOREIGN;
    if (first_state == RECORD_WHOLE && second_state == RECORD_WHOLE)
        return join(&first, &second, header);
    if (first_state == RECORD_WHOLE || second_state == RECORD_WHOLE) {
        *header = first_state == RECORD_WHOLE ? first : second;
        return RECORD_WHOLE;
    }
    return record_is_zero(head, GRANTS_BYTES_HEAD_LEN) ? RECORD_EMPTY : RECORD_DAMAGED;
}

static uint64_t slot_check(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                           uint64_t slot)
{
    uint8_t checked[GRANTS_BYTES_SLOT_LEN];

    memcpy(checked, bytes + CHECK_LEN, GRANTS_BYTES_SLOT_LEN - CHECK_LEN);
    bytes_put(checked + GRANTS_BYTES_SLOT_LEN - CHECK_LEN, CHECK_LEN, slot);
    return siphash(key, checked, sizeof checked);
}

/* A word of printable ASCII, at most len bytes, and nothing behind it. */
static bool is_word(const uint8_t *bytes, size_t len)
{
    size_t at = 0;

    while (at < len && bytes[at] > ' ' && bytes[at] <= '~')
        at++;
    return record_is_zero(bytes + at, len - at);
}

/* Are these values such as an encoder here writes? */
static bool is_sound(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN])
{
    for (size_t at = 80; at < GATE_AT; at += 8)
        if (bytes_get(bytes + at, 8) > RECORD_TIME_MAX)
            return false;
    return bytes[24] <= 8 * SOURCE_ADDRESS_LEN && bytes[25] <= GRANT_CLOSING + 1 && bytes[25] > 0 &&
           bytes[26] <= GRANT_CLEARED && bytes[27] <= GRANT_BY_WEB && bytes[28] <= 1 && bytes[29] <= 1 &&
           bytes_get(bytes + 30, 2) == 0 && bytes_get(bytes + 40, 8) <= RECORD_TIME_MAX && bytes[GATE_AT] != 0 &&
           is_word(bytes + GATE_AT, GATE_LEN) && is_word(bytes + USER_AT, USER_LEN) &&
           record_is_zero(bytes + SLOT_LEN, GRANTS_BYTES_SLOT_LEN - SLOT_LEN);
}

int grants_bytes_encode_slot(const struct grant *grant, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t slot,
                             uint8_t bytes[static GRANTS_BYTES_SLOT_LEN])
{
    memset(bytes, 0, GRANTS_BYTES_SLOT_LEN);
    memcpy(bytes + 8, grant->network.address, SOURCE_ADDRESS_LEN);
    bytes[24] = grant->network.prefix;
    bytes[25] = (uint8_t)(grant->step + 1);
    bytes[26] = (uint8_t)grant->end;
    bytes[27] = (uint8_t)grant->by;
    bytes[28] = grant->wall_known ? 1 : 0;
    bytes[29] = grant->by_commands ? 1 : 0;
    bytes_put(bytes + 32, 8, grant->lifetime_s);
    bytes_put(bytes + 40, 8, grant->since_wall_ms);
    bytes_put(bytes + 48, 8, grant->packets);
    bytes_put(bytes + 56, 8, grant->last_packets);
    memcpy(bytes + 64, grant->boot_id, RECORD_BOOT_ID_LEN);
    bytes_put(bytes + 80, 8, grant->until_boot_ms);
    bytes_put(bytes + 88, 8, grant->most_boot_ms);
    bytes_put(bytes + 96, 8, grant->until_wall_ms);
    bytes_put(bytes + 104, 8, grant->most_wall_ms);
    memcpy(bytes + GATE_AT, grant->gate, strnlen(grant->gate, GATE_LEN));
    memcpy(bytes + USER_AT, grant->user, strnlen(grant->user, USER_LEN));
    bytes_put(bytes, CHECK_LEN, slot_check(bytes, key, slot));
    return is_sound(bytes) && grant->gate[GATE_LEN] == '\0' && grant->user[USER_LEN] == '\0' ? 0 : -1;
}

enum record_state grants_bytes_decode_slot(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN],
                                           const uint8_t key[static SIPHASH_KEY_LEN], uint64_t slot,
                                           struct grant *grant)
{
    memset(grant, 0, sizeof *grant);
    if (record_is_zero(bytes, GRANTS_BYTES_SLOT_LEN))
        return RECORD_EMPTY;
    if (slot_check(bytes, key, slot) != bytes_get(bytes, CHECK_LEN) || !is_sound(bytes))
        return RECORD_DAMAGED;
    memcpy(grant->network.address, bytes + 8, SOURCE_ADDRESS_LEN);
    grant->network.prefix = bytes[24];
    grant->step = (enum grant_step)(bytes[25] - 1);
    grant->end = (enum grant_end)bytes[26];
    grant->by = (enum grant_by)bytes[27];
    grant->wall_known = bytes[28] == 1;
    grant->by_commands = bytes[29] == 1;
    grant->lifetime_s = bytes_get(bytes + 32, 8);
    grant->since_wall_ms = bytes_get(bytes + 40, 8);
    grant->packets = bytes_get(bytes + 48, 8);
    grant->last_packets = bytes_get(bytes + 56, 8);
    memcpy(grant->boot_id, bytes + 64, RECORD_BOOT_ID_LEN);
    grant->until_boot_ms = bytes_get(bytes + 80, 8);
    grant->most_boot_ms = bytes_get(bytes + 88, 8);
    grant->until_wall_ms = bytes_get(bytes + 96, 8);
    grant->most_wall_ms = bytes_get(bytes + 104, 8);
    memcpy(grant->gate, bytes + GATE_AT, GATE_LEN);
    memcpy(grant->user, bytes + USER_AT, USER_LEN);
    return RECORD_WHOLE;
}

/* Is this text, padded with zeros, what stands in len bytes? */
static bool is_text(const uint8_t *bytes, size_t len, const char *text)
{
    const size_t text_len = strnlen(text, len + 1);

    return text_len <= len && memcmp(bytes, text, text_len) == 0 && record_is_zero(bytes + text_len, len - text_len);
}

bool grants_bytes_slot_names(const uint8_t bytes[static GRANTS_BYTES_SLOT_LEN], const struct grants_key *key)
{
    return bytes[24] == key->network->prefix && memcmp(bytes + 8, key->network->address, SOURCE_ADDRESS_LEN) == 0 &&
           bytes[25] != 0 && is_text(bytes + GATE_AT, GATE_LEN, key->gate) &&
           is_text(bytes + USER_AT, USER_LEN, key->user);
}
