/* SPDX-License-Identifier: ISC */
/* The records of the table: any 64 bytes in, any struct out. */
#include "record.h"

#include "any_record.h"

static void encode(const uint8_t *key, uint8_t *bytes)
{
    const struct record_header header = any_header();
    const struct record_counters counters = any_counters();
    const struct record_slot slot = any_slot();

    record_encode_header(&header, bytes);
    record_encode_counters(&counters, key, bytes);
    record_encode_slot(&slot, key, any_number(), bytes);
}

static void decode(const uint8_t *key, const uint8_t *bytes)
{
    struct record_header header;
    struct record_counters counters;
    struct record_slot slot;
    const struct source source = any_source();

    if (record_decode_header(bytes, &header) == RECORD_WHOLE) {
        const uint64_t first = record_bucket(&header, &source);

        //@ assert bucket_is_in_the_table: first <= RECORD_PLACES_MAX - RECORD_BUCKET_SLOTS;
        record_file_len(header.places);
    }
    record_decode_counters(bytes, key, &counters);
    record_decode_slot(bytes, key, any_number(), &slot);
    //@ assert slot_is_set_always: \initialized(&slot.errors) && \initialized(&slot.source.prefix);
    record_slot_names(bytes, &source);
}

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[RECORD_LEN];

    any_bytes(key, sizeof(key));
    any_bytes(bytes, sizeof(bytes));
    if (any_bool())
        encode(key, bytes);
    else
        decode(key, bytes);
    return 0;
}
