/* SPDX-License-Identifier: ISC */
/* See head.h; FORMAT.md. */
#include "head.h"

#include <string.h>

enum store_fault head_judge(const uint8_t head[static RECORD_NETWORKS_AT], uint64_t file_len,
                            struct record_header *header, struct record_counters *counters)
{
    const size_t zeros_at = RECORD_COUNTERS_AT + RECORD_LEN;

    switch (record_decode_header(head, header)) {
    case RECORD_OLD:
        return STORE_OLD;
    case RECORD_FOREIGN:
        return STORE_FOREIGN;
    case RECORD_DAMAGED:
    case RECORD_EMPTY:
        return STORE_DAMAGED;
    case RECORD_WHOLE:
        break;
    }
    if (memcmp(head, head + RECORD_HEADER_COPY_AT, RECORD_LEN) != 0)
        return STORE_DAMAGED;
    if (header->rebuild != 0)
        return STORE_REBUILDING;
    if (!record_is_zero(head + zeros_at, RECORD_HEADER_COPY_AT - zeros_at) ||
        file_len != record_file_len(header->places))
        return STORE_DAMAGED;
    if (record_decode_counters(head + RECORD_COUNTERS_AT, header->key, counters) != RECORD_WHOLE)
        return STORE_DAMAGED;
    return STORE_OK;
}

void head_encode(const struct record_header *header, const struct record_counters *counters,
                 uint8_t head[static RECORD_NETWORKS_AT])
{
    uint8_t record[RECORD_LEN];

    memset(head, 0, RECORD_NETWORKS_AT);
    record_encode_header(header, record);
    memcpy(head, record, sizeof record);
    memcpy(head + RECORD_HEADER_COPY_AT, record, sizeof record);
    record_encode_counters(counters, header->key, record);
    memcpy(head + RECORD_COUNTERS_AT, record, sizeof record);
}
