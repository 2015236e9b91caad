/* SPDX-License-Identifier: ISC */
/* The records of the table: any bytes of their length in, any struct out. */
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
        uint64_t firsts[RECORD_CHOICES];

        record_buckets(&header, &source, firsts);
        /*@ assert buckets_are_in_the_table: firsts[0] <= RECORD_PLACES_MAX - RECORD_BUCKET_SLOTS &&
                firsts[1] <= RECORD_PLACES_MAX - RECORD_BUCKET_SLOTS &&
                firsts[2] <= RECORD_PLACES_MAX - RECORD_BUCKET_SLOTS; */
        record_file_len(header.places);
    }
    if (record_decode_counters(bytes, key, &counters) == RECORD_WHOLE) {
        //@ assert time_is_bounded: counters.mark.table_ms <= RECORD_TIME_MAX;
        //@ assert networks_are_bits: counters.networks <= 0xffffffffffffff;
    }
    record_decode_slot(bytes, key, any_number(), &slot);
    //@ assert slot_is_set_always: \initialized(&slot.errors) && \initialized(&slot.source.prefix);
    record_slot_names(bytes, &source);
    record_is_zero(bytes, 0);
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
