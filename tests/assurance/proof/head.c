/* SPDX-License-Identifier: ISC */
/* The head of a table: any bytes, of a file of any length; and any head that is written. */
#include "head.h"

#include "any_record.h"

int main(void)
{
    const struct record_header new_header = any_header();
    const struct record_counters new_counters = any_counters();
    struct record_header header;
    struct record_counters counters;
    uint8_t head[RECORD_NETWORKS_AT];

    any_bytes(head, sizeof(head));
    if (head_judge(head, any_number(), &header, &counters) == STORE_OK) {
        //@ assert places_are_bounded: RECORD_PLACES_MIN <= header.places <= RECORD_PLACES_MAX;
        //@ assert time_is_bounded: counters.mark.table_ms <= RECORD_TIME_MAX;
    }
    head_encode(&new_header, &new_counters, head);
    //@ assert every_byte_is_set: \initialized(head + (0 .. RECORD_NETWORKS_AT - 1));
    return 0;
}
