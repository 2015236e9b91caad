/* SPDX-License-Identifier: ISC */
/* The encoders: what goes in comes out, to the byte that FORMAT.md names, and what was changed is seen. */
#include "check.h"
#include "record.h"
#include "slot.h"

static const uint8_t key[SIPHASH_KEY_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static const struct record_slot sample = {
    .source = {.address = {0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4}, .prefix = 64},
    .locked = true,
    .by_hand = true,
    .run = 5,
    .last_seen = 0x010203040506,
    .last_strike = 0x111213141516,
    .locked_until = 0x212223242526,
    .next_ms = 0x313233343536,
    .epoch = 0x4142,
    .strikes = 0x51525354,
    .refusals = 0x61626364,
    .errors = 0x71727374,
};

static void test_slot_bytes(void)
{
    uint8_t bytes[RECORD_LEN];

    record_encode_slot(&sample, key, 9, bytes);
    check_hex(bytes + 8, RECORD_LEN - 8,
              "20010db80102030400000000000000004057060504030201161514131211262524232221363534333231"
              "4241"
              "54535251"
              "64636261"
              "74737271",
              "a slot's fields are where FORMAT.md says");
}

static void test_slot_round_trip(void)
{
    uint8_t bytes[RECORD_LEN];
    uint8_t again[RECORD_LEN];
    struct record_slot slot;

    record_encode_slot(&sample, key, 9, bytes);
    check(record_decode_slot(bytes, key, 9, &slot) == RECORD_WHOLE, "a slot reads back");
    record_encode_slot(&slot, key, 9, again);
    check(memcmp(bytes, again, sizeof bytes) == 0, "as the same slot");
    check_number(slot.locked_until, sample.locked_until, "with the same lock");
    check(record_decode_slot(bytes, key, 10, &slot) == RECORD_DAMAGED, "but not from another place");
    check(slot.strikes == 0 && slot.last_seen == 0, "and a damaged one gives nothing away");
}

static void test_slot_limits(void)
{
    uint8_t bytes[RECORD_LEN];
    struct record_slot slot = {.source.prefix = 128, .locked_until = RECORD_FOREVER, .last_seen = UINT64_MAX};

    record_encode_slot(&slot, key, 0, bytes);
    check(record_decode_slot(bytes, key, 0, &slot) == RECORD_WHOLE, "the largest numbers can be written");
    check(slot.locked_until == RECORD_FOREVER, "for ever stays for ever");
    check_number(slot.last_seen, UINT64_C(0xffffffffffff), "a time beyond the field is the last that fits");
}

static void test_slot_damage(void)
{
    uint8_t bytes[RECORD_LEN];
    struct record_slot slot;
    unsigned unseen = 0;

    for (unsigned i = 0; i < RECORD_LEN; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            record_encode_slot(&sample, key, 9, bytes);
            bytes[i] ^= (uint8_t)(1 << bit);
            unseen += record_decode_slot(bytes, key, 9, &slot) != RECORD_DAMAGED;
            memset(bytes, 0, sizeof bytes);
            unseen += record_decode_slot(bytes, key, 9, &slot) != RECORD_EMPTY;
            bytes[i] ^= (uint8_t)(1 << bit);
            unseen += record_decode_slot(bytes, key, 9, &slot) != RECORD_DAMAGED;
        }
    check_number(unseen, 0, "every flipped bit of a slot, used or empty, is seen");
}

/* With the check right, a value that no encoder writes: prefix 129. */
static void test_slot_impossible(void)
{
    uint8_t bytes[RECORD_LEN];
    struct record_slot slot = sample;

    slot.source.prefix = 129;
    record_encode_slot(&slot, key, 9, bytes);
    check(record_decode_slot(bytes, key, 9, &slot) == RECORD_DAMAGED, "a prefix of 129 is damage");
}

static void test_header(void)
{
    struct record_header header = {.places = 4096, .rebuild = 77};
    struct record_header got = {0};
    uint8_t bytes[RECORD_LEN];
    unsigned unseen = 0;

    memcpy(header.key, key, sizeof key);
    record_encode_header(&header, bytes);
    check(record_decode_header(bytes, &got) == RECORD_WHOLE && got.places == 4096 && got.rebuild == 77 &&
              memcmp(got.key, key, sizeof key) == 0,
          "a header reads back");
    for (unsigned i = 0; i < RECORD_LEN; i++) {
        record_encode_header(&header, bytes);
        bytes[i] ^= 0x10;
        unseen += record_decode_header(bytes, &got) != RECORD_DAMAGED;
    }
    check_number(unseen, 0, "every changed byte of a header is seen");
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t places[] = {56, 67, RECORD_PLACES_MAX + 8};

        header.places = places[i];
        record_encode_header(&header, bytes);
        check(record_decode_header(bytes, &got) == RECORD_DAMAGED, "%ju places are damage", (uintmax_t)places[i]);
    }
}

static void test_foreign(void)
{
    struct record_header header = {.places = 64};
    uint8_t bytes[RECORD_LEN];
    uint64_t seal;

    /* Of the version, and of the three sizes. */
    for (unsigned at = 8; at <= 16; at += at < 12 ? 2 : 4) {
        record_encode_header(&header, bytes);
        bytes[at] = 2;
        seal = siphash(header.key, bytes, 56);
        for (unsigned i = 0; i < 8; i++)
            bytes[56 + i] = (uint8_t)(seal >> (8 * i));
        check(record_decode_header(bytes, &header) == RECORD_FOREIGN,
              "2 for byte %u of a header, with its check right, is not damage but foreign", at);
    }
}

static void test_counters(void)
{
    const struct record_counters counters = {
        .seed = UINT64_MAX - 1, .total_errors = 1, .next_ms = 2, .epoch = 65535, .networks = 56, .closing = 3};
    struct record_counters got = {0};
    uint8_t bytes[RECORD_LEN];
    unsigned unseen = 0;

    record_encode_counters(&counters, key, bytes);
    check(record_decode_counters(bytes, key, &got) == RECORD_WHOLE && got.seed == counters.seed &&
              got.total_errors == 1 && got.next_ms == 2 && got.epoch == 65535 && got.networks == 56 && got.closing == 3,
          "counters read back");
    for (unsigned i = 0; i < RECORD_LEN; i++) {
        record_encode_counters(&counters, key, bytes);
        bytes[i] ^= 0x80;
        unseen += record_decode_counters(bytes, key, &got) != RECORD_DAMAGED;
    }
    check_number(unseen, 0, "every changed byte of the counters is seen");

    got.closing = RECORD_CLOSING_MAX + 1;
    got.networks = 0;
    record_encode_counters(&got, key, bytes);
    check(record_decode_counters(bytes, key, &got) == RECORD_DAMAGED, "a reason to close that there is not is damage");
    got = counters;
    got.networks = RECORD_NETWORKS + 1;
    record_encode_counters(&got, key, bytes);
    check(record_decode_counters(bytes, key, &got) == RECORD_DAMAGED,
          "and so are more networks than there is room for");
}

static void test_covers(void)
{
    struct record_slot net = {.source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 0x80}, .prefix = 105}};
    struct source inside = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 0xff, [14] = 1}, .prefix = 128};
    struct source outside = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 0x7f, [14] = 1}, .prefix = 128};
    const struct record_slot all = {.source.prefix = 0};

    check(slot_covers(&net, &inside), "10.255.1.0 is in 10.128.0.0/9");
    check(!slot_covers(&net, &outside), "10.127.1.0 is not");
    check(slot_covers(&all, &outside), "everything is in ::/0");
    inside.prefix = 100;
    check(!slot_covers(&net, &inside), "a wider source is not within a narrower network");
    net.source.prefix = 255;
    inside.prefix = 255;
    check(!slot_covers(&net, &inside), "a prefix that there is not covers nobody");
}

int main(void)
{
    test_slot_bytes();
    test_slot_round_trip();
    test_slot_limits();
    test_slot_damage();
    test_slot_impossible();
    test_header();
    test_foreign();
    test_counters();
    test_covers();
    return check_end();
}
