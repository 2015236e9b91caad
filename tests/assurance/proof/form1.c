/* SPDX-License-Identifier: ISC */
/* The records of a table of version 1: any bytes of their length in, at any time. */
#include "form1.h"

#include "any_record.h"

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[FORM1_LEN];
    struct record_header header;
    struct record_counters counters;
    struct record_slot slot;
    struct source source = any_source();
    unsigned networks;

    any_bytes(key, sizeof(key));
    any_bytes(bytes, sizeof(bytes));
    if (form1_decode_header(bytes, &header)) {
        //@ assert places_are_bounded: RECORD_PLACES_MIN <= header.places <= RECORD_PLACES_MAX;
        form1_file_len(header.places);
    }
    if (form1_decode_counters(bytes, key, &counters, &networks)) {
        //@ assert networks_are_bounded: networks <= RECORD_NETWORKS;
        //@ assert closing_is_bounded: counters.closing <= RECORD_CLOSING_MAX;
    }
    form1_decode_slot(bytes, key, any_number(), any_size(0, RECORD_TIME_MAX), &slot);
    //@ assert slot_is_set_always: \initialized(&slot.errors) && \initialized(&slot.source.prefix);
    if (form1_update_source(&source) == FORM1_NETWORK) {
        //@ assert network_is_wider_than_a_host: source.prefix < 128;
    }
    return 0;
}
