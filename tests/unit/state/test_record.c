/* SPDX-License-Identifier: ISC */
/* The encoders: what goes in comes out, to the byte that FORMAT.md names, and what was changed is seen. */
#include "check.h"
#include "lockout.h"
#include "record.h"
#include "slot.h"

static const uint8_t key[SIPHASH_KEY_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static const struct record_slot sample = {
    .source = {.address = {0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4}, .prefix = 64, .is_network = true},
    .locked = true,
    .by_hand = true,
    .generation = 0xa5a6a7a8a9aaabac,
    .last_seen = 0x0102030405060708,
    .last_strike = 0x1112131415161718,
    .locked_until = 0x2122232425262728,
    .pace = {.first_ms = 0x3132333435363738, .taken = 0x8182838485868788},
    .epoch = 0x4142,
    .round = 0x42,
    .unjudged = 0x4344,
    .judged_by_ms = 0x4546474849505152,
    .strikes = 0x51525354,
    .refusals = 0x61626364,
    .errors = 0x71727374,
    .accepted = 0xb1b2b3b4b5b6b7b8,
};

static const struct record_counters some_counters = {
    .seed = UINT64_MAX - 1,
    .total_errors = 0x0102030405060708,
    .pace = {.first_ms = 0x1112131415161718, .taken = 0x2122232425262728},
    .mark = {.boot_id = {0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe,
                         0xbf},
             .boot_ms = 0x3132333435363738,
             .wall_ms = 0x4142434445464748,
             .table_ms = 0x515253545556,
             .latest_ms = 0x9192939495969798,
             .doubtful = true},
    .networks = 0x81828384858687,
    .epoch = 0x6162,
    .closing = 3,
    .doors = {{1, 0xa1a2a3a4}, {2, 0xb1b2b3b4}, {3, 0xc1c2c3c4}, {0, 0xd1d2d3d4}},
};

static void put(uint8_t *bytes, unsigned len, uint64_t value)
{
    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Make a changed record pass its check: what is wrong with it now is its content alone. */
static void seal(uint8_t bytes[static RECORD_LEN], uint64_t where)
{
    uint8_t checked[RECORD_LEN];

    memcpy(checked, bytes + 8, RECORD_LEN - 8);
    put(checked + RECORD_LEN - 8, 8, where);
    put(bytes, 8, siphash(key, checked, sizeof checked));
}

static void seal_header(uint8_t bytes[static RECORD_LEN])
{
    put(bytes + 56, 8, siphash(bytes + 32, bytes, 56));
}

static void test_slot_bytes(void)
{
    uint8_t bytes[RECORD_LEN];

    record_encode_slot(&sample, key, 9, bytes);
    check_hex(bytes + 8, 108 - 8,
              "20010db8010203040000000000000000"
              "40"
              "07"
              "4241"
              "01424443"
              "0807060504030201"
              "1817161514131211"
              "2827262524232221"
              "54535251"
              "64636261"
              "74737271"
              "3837363534333231"
              "8887868584838281"
              "5251504948474645"
              "acabaaa9a8a7a6a5"
              "b8b7b6b5b4b3b2b1",
              "a slot's fields are where FORMAT.md says");
    check(record_is_zero(bytes + 108, RECORD_LEN - 108), "and behind them there is room");
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
    check_number(slot.pace.taken, sample.pace.taken, "and the same places in the pace");
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
    check_number(slot.last_seen, UINT64_MAX, "and a time of all ones what it is");
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

/* With the check right, values that no encoder writes. */
static void test_slot_impossible(void)
{
    static const struct {
        unsigned at;
        uint8_t value;
        const char *what;
    } wrongs[] = {
        {24, 129, "a prefix of 129"},
        {25, 0x06, "a slot that is not used"},
        {25, 0x17, "a flag that there is not"},
        {108, 1, "the first byte behind the fields"},
        {28, 2, "a source that is neither that nor a network"},
        {127, 1, "the last byte of a slot"},
    };
    uint8_t bytes[RECORD_LEN];
    struct record_slot slot;

    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        record_encode_slot(&sample, key, 9, bytes);
        bytes[wrongs[i].at] = wrongs[i].value;
        seal(bytes, 9);
        check(record_decode_slot(bytes, key, 9, &slot) == RECORD_DAMAGED, "%s is damage, whatever the check says",
              wrongs[i].what);
    }
}

static void test_header(void)
{
    struct record_header header = {.places = 4096, .rebuild = 77};
    struct record_header got = {0};
    uint8_t bytes[RECORD_LEN];
    unsigned unseen = 0;

    memcpy(header.key, key, sizeof key);
    record_encode_header(&header, bytes);
    check_hex(bytes, 56,
              "6f7374696172790a"
              "0200800008000300"
              "00200000"
              "00000000"
              "0010000000000000"
              "000102030405060708090a0b0c0d0e0f"
              "4d00000000000000",
              "a header's fields are where FORMAT.md says");
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

static void test_other_versions(void)
{
    struct record_header header = {.places = 64};
    uint8_t bytes[RECORD_LEN];

    /* Of the version, and of the four sizes. */
    for (unsigned at = 8; at <= 16; at += 2) {
        record_encode_header(&header, bytes);
        bytes[at] = 5;
        seal_header(bytes);
        check(record_decode_header(bytes, &header) == RECORD_FOREIGN,
              "5 for byte %u of a header, with its check right, is not damage but foreign", at);
    }
    record_encode_header(&header, bytes);
    bytes[8] = 1;
    check(record_decode_header(bytes, &header) == RECORD_DAMAGED, "version 1 with a wrong check is damage");
    seal_header(bytes);
    check(record_decode_header(bytes, &header) == RECORD_OLD, "and with the right one it is old");
}

static void test_counters(void)
{
    struct record_counters got = {0};
    uint8_t bytes[RECORD_LEN];
    uint8_t again[RECORD_LEN];
    unsigned unseen = 0;

    record_encode_counters(&some_counters, key, bytes);
    check_hex(bytes + 8, RECORD_LEN - 8,
              "feffffffffffffff"
              "0807060504030201"
              "1817161514131211"
              "2827262524232221"
              "6261"
              "03"
              "01"
              "00000000"
              "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
              "3837363534333231"
              "4847464544434241"
              "5655545352510000"
              "8786858483828100"
              "9897969594939291"
              "01020300"
              "00000000"
              "a4a3a2a1"
              "b4b3b2b1"
              "c4c3c2c1"
              "d4d3d2d1",
              "the counters are where FORMAT.md says");
    check(record_decode_counters(bytes, key, &got) == RECORD_WHOLE, "counters read back");
    record_encode_counters(&got, key, again);
    check(memcmp(bytes, again, sizeof bytes) == 0, "as the same ones");
    for (unsigned i = 0; i < RECORD_LEN; i++) {
        record_encode_counters(&some_counters, key, bytes);
        bytes[i] ^= 0x80;
        unseen += record_decode_counters(bytes, key, &got) != RECORD_DAMAGED;
    }
    check_number(unseen, 0, "every changed byte of the counters is seen");
}

static void test_counters_impossible(void)
{
    static const struct {
        unsigned at;
        uint8_t value;
        const char *what;
    } wrongs[] = {
        {42, RECORD_CLOSING_MAX + 1, "a reason to close that there is not"},
        {43, 2, "a flag that there is not"},
        {44, 1, "a byte behind the flags"},
        {47, 1, "the last byte before the mark"},
        {87, 1, "a table time beyond the last"},
        {95, 1, "a network more than there is room for"},
        {104, RECORD_DOOR_CLOSING_MAX + 1, "a reason to close one door that there is not"},
        {107, LOCKOUT_CLOSED_BY_ORDER, "an order that closes one door alone"},
        {108, 1, "a byte behind the doors' reasons"},
        {111, 1, "the last byte before their errors"},
    };
    struct record_counters got;
    uint8_t bytes[RECORD_LEN];

    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        record_encode_counters(&some_counters, key, bytes);
        bytes[wrongs[i].at] = wrongs[i].value;
        seal(bytes, RECORD_WHERE_COUNTERS);
        check(record_decode_counters(bytes, key, &got) == RECORD_DAMAGED, "%s is damage, whatever the check says",
              wrongs[i].what);
    }
}

/* In the smallest table there are eight buckets: two, three and three to choose from. */
static void test_buckets(void)
{
    static const uint64_t places[] = {RECORD_PLACES_MIN, 72, 4096, RECORD_PLACES_MAX};
    uint64_t firsts[RECORD_CHOICES], again[RECORD_CHOICES];
    struct record_header header = {0};

    memcpy(header.key, key, sizeof key);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        unsigned outside = 0, twice = 0, other = 0;

        header.places = places[i];
        for (unsigned who = 0; who < 20000; who++) {
            const struct source source = {.address = {(uint8_t)who, (uint8_t)(who >> 8)}, .prefix = 64};

            record_buckets(&header, &source, firsts);
            record_buckets(&header, &source, again);
            other += memcmp(firsts, again, sizeof firsts) != 0;
            for (unsigned choice = 0; choice < RECORD_CHOICES; choice++)
                outside += firsts[choice] % RECORD_BUCKET_SLOTS != 0 ||
                           firsts[choice] / RECORD_BUCKET_SLOTS < choice * (places[i] / RECORD_BUCKET_SLOTS) / 3 ||
                           firsts[choice] / RECORD_BUCKET_SLOTS >= (choice + 1) * (places[i] / RECORD_BUCKET_SLOTS) / 3;
            twice += firsts[0] == firsts[1] || firsts[0] == firsts[2] || firsts[1] == firsts[2];
        }
        check(outside == 0 && twice == 0 && other == 0,
              "of %ju places each source has three buckets, one in each third, always the same ones",
              (uintmax_t)places[i]);
    }
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
    test_other_versions();
    test_counters();
    test_counters_impossible();
    test_buckets();
    test_covers();
    return check_end();
}
