/* SPDX-License-Identifier: ISC */
/* Any records, as structs: every value that their types can hold. */
#ifndef OSTIARY_PROOF_ANY_RECORD_H
#define OSTIARY_PROOF_ANY_RECORD_H

#include "any.h"
#include "record.h"
#include "slot.h"

static inline struct source any_source(void)
{
    struct source source;

    any_bytes(source.address, sizeof(source.address));
    source.prefix = (uint8_t)any_size(0, UINT8_MAX);
    source.is_network = any_bool();
    return source;
}

static inline struct record_pace any_pace(void)
{
    return (struct record_pace){.first_ms = any_number(), .taken = any_number()};
}

/* Table time is what record_decode_counters lets through. */
static inline struct record_mark any_mark(void)
{
    struct record_mark mark = {
        .boot_ms = any_number(),
        .wall_ms = any_number(),
        .table_ms = any_size(0, RECORD_TIME_MAX),
        .latest_ms = any_number(),
        .doubtful = any_bool(),
    };

    any_bytes(mark.boot_id, sizeof(mark.boot_id));
    return mark;
}

static inline struct record_slot any_slot(void)
{
    return (struct record_slot){
        .source = any_source(),
        .locked = any_bool(),
        .by_hand = any_bool(),
        .lock_judged = any_bool(),
        .generation = any_number(),
        .last_seen = any_number(),
        .last_strike = any_number(),
        .locked_until = any_number(),
        .pace = any_pace(),
        .epoch = (uint16_t)any_size(0, UINT16_MAX),
        .round = (uint8_t)any_size(0, UINT8_MAX),
        .unjudged = (uint16_t)any_size(0, UINT16_MAX),
        .judged_by_ms = any_number(),
        .strikes = (uint32_t)any_size(0, UINT32_MAX),
        .refusals = (uint32_t)any_size(0, UINT32_MAX),
        .errors = (uint32_t)any_size(0, UINT32_MAX),
        .accepted = any_number(),
    };
}

static inline struct slot_rule any_rule(void)
{
    return (struct slot_rule){
        .now = any_number(),
        .now_ms = any_number(),
        .locks = any_bool(),
        .limit = any_number(),
        .locked_until = any_number(),
        .judged_by_ms = any_number(),
        .in_windows = any_bool(),
    };
}

static inline struct slot_strike any_strike(void)
{
    return (struct slot_strike){
        .strikes = any_number(),
        .locks = any_bool(),
        .last_strike = any_number(),
        .previous_strike = any_number(),
        .locked_until = any_number(),
        .generation = any_number(),
        .unjudged = any_bool(),
        .round = (uint8_t)any_size(0, UINT8_MAX),
    };
}

static inline struct record_door any_door(void)
{
    return (struct record_door){
        .closing = (uint8_t)any_size(0, UINT8_MAX),
        .errors = (uint32_t)any_size(0, UINT32_MAX),
    };
}

static inline struct record_counters any_counters(void)
{
    return (struct record_counters){
        .seed = any_number(),
        .total_errors = any_number(),
        .pace = any_pace(),
        .mark = any_mark(),
        .networks = any_number(),
        .epoch = (uint16_t)any_size(0, UINT16_MAX),
        .closing = (uint8_t)any_size(0, UINT8_MAX),
        .doors = {any_door(), any_door(), any_door(), any_door()},
    };
}

/* The number of places is what record_decode_header lets through. */
static inline struct record_header any_header(void)
{
    struct record_header header = {
        .places = RECORD_BUCKET_SLOTS *
                  any_size(RECORD_PLACES_MIN / RECORD_BUCKET_SLOTS, RECORD_PLACES_MAX / RECORD_BUCKET_SLOTS),
        .rebuild = any_number(),
    };

    any_bytes(header.key, sizeof(header.key));
    return header;
}

#endif
