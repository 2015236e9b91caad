/* SPDX-License-Identifier: ISC */
/*
 * The record of grants as bytes: the golden one, which another program has written by FORMAT.md, whatever becomes of it
 * on a disk, and records of other versions.
 */
#include "granted.h"

#include "bytes.h"

#define SLOTS 8

static const uint8_t key[SIPHASH_KEY_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t boot_id[RECORD_BOOT_ID_LEN] = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
                                                    0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
static uint8_t golden[GRANTED_GOLDEN_LEN + 1];

/* What is in the golden record; a free slot has no gate. */
static struct grant wanted[SLOTS] = {
    [0] = {.gate = "ssh",
           .user = "alice",
           .network = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}, .prefix = 128},
           .step = GRANT_OPEN,
           .by = GRANT_BY_KNOCK,
           .lifetime_s = 90000,
           .since_wall_ms = GRANTED_NOW_MS,
           .packets = 17,
           .last_packets = 5,
           .wall_known = true},
    [2] = {.gate = "gggggggggggggggggggggggg",
           .user = "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
           .network = {.address = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2}, .prefix = 64},
           .step = GRANT_CLOSING,
           .end = GRANT_REVOKED,
           .by = GRANT_BY_WEB,
           .by_commands = true,
           .lifetime_s = 1,
           .since_wall_ms = 1,
           .packets = UINT64_MAX,
           .last_packets = UINT64_C(1) << 40,
           .wall_known = true},
    [3] = {.gate = "a",
           .network = {.address = {[10] = 0xff, [11] = 0xff}, .prefix = 96},
           .step = GRANT_OPENING,
           .by = GRANT_BY_ADMIN,
           .lifetime_s = 3600},
    [5] = {.gate = "ssh",
           .user = "bob@example.net",
           .network = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}, .prefix = 128},
           .step = GRANT_OPEN,
           .by = GRANT_BY_SEALED,
           .lifetime_s = 60,
           .since_wall_ms = GRANTED_NOW_MS,
           .wall_known = true},
};

static void complete_wanted(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct grant *grant = &wanted[i];
        const uint64_t boot_ms = grant->wall_known ? 5000000 : 0;
        const uint64_t wall_ms = grant->wall_known ? GRANTED_NOW_MS : 0;

        if (grant->wall_known)
            memcpy(grant->boot_id, boot_id, sizeof boot_id);
        grant->until_boot_ms = boot_ms + grant->lifetime_s * 1000;
        grant->most_boot_ms = boot_ms + grant->lifetime_s * 2000;
        grant->until_wall_ms = wall_ms + grant->lifetime_s * 1000;
        grant->most_wall_ms = wall_ms + grant->lifetime_s * 2000;
    }
}

static bool is_free(unsigned slot)
{
    return wanted[slot].gate[0] == '\0';
}

static const uint8_t *golden_slot(unsigned slot)
{
    return golden + GRANTS_BYTES_HEAD_LEN + (size_t)slot * GRANTS_BYTES_SLOT_LEN;
}

static void test_golden(void)
{
    struct grants_header header = {0};
    uint8_t head[GRANTS_BYTES_HEAD_LEN], bytes[GRANTS_BYTES_SLOT_LEN];
    struct grant grant;
    bool one_damaged = true;

    check(grants_bytes_decode_head(golden, &header, &one_damaged) == RECORD_WHOLE && !one_damaged,
          "the head that FORMAT.md describes is read");
    check(header.latest_ms == GRANTED_NOW_MS + 60000 && memcmp(header.key, key, sizeof key) == 0, "with what is in it");
    grants_bytes_encode_head(&header, head);
    check(memcmp(head, golden, sizeof head) == 0, "and written, byte for byte");
    for (unsigned i = 0; i < SLOTS; i++) {
        const enum record_state state = grants_bytes_decode_slot(golden_slot(i), key, i, &grant);

        check_number(state, is_free(i) ? RECORD_EMPTY : RECORD_WHOLE, "each slot is read as what it is");
        if (is_free(i))
            continue;
        check(memcmp(&grant.network, &wanted[i].network, sizeof grant.network) == 0 && granted_same(&grant, &wanted[i]),
              "slot %u: the grant that FORMAT.md describes is read", i);
        check(grants_bytes_encode_slot(&wanted[i], key, i, bytes) == 0 &&
                  memcmp(bytes, golden_slot(i), sizeof bytes) == 0,
              "slot %u: and written, byte for byte", i);
        check(grants_bytes_decode_slot(golden_slot(i), key, i + 1, &grant) == RECORD_DAMAGED,
              "slot %u: in the place of another it is none", i);
    }
}

/* Every grant that the record gives is one that was written, in its slot; returns how many. */
static unsigned intact(struct grants *grants, unsigned *others)
{
    struct grant grant;
    uint64_t at = 0, slot;
    enum grants_fault fault;
    unsigned count = 0;

    while (grants_next(grants, &at, &grant, &slot, &fault)) {
        if (slot >= SLOTS || is_free((unsigned)slot) || !granted_same(&grant, &wanted[slot]))
            ++*others;
        count++;
    }
    *others += fault != GRANTS_OK;
    return count;
}

static unsigned unseen, lost, others, unrepaired;

/* One byte of the record is another. */
static void judge_changed(struct grants *grants, size_t at)
{
    const bool in_head = at < GRANTS_BYTES_HEAD_LEN;
    const unsigned slot = in_head ? 0 : (unsigned)((at - GRANTS_BYTES_HEAD_LEN) / GRANTS_BYTES_SLOT_LEN);
    unsigned count;

    if (granted_hold(grants, HOLD_SHARED) != GRANTS_OK) {
        lost++;
        return;
    }
    count = intact(grants, &others);
    lost += count != (in_head || is_free(slot) ? 4U : 3U);
    unseen += in_head ? !grants->header_damaged : grants->damaged != 1;
    unseen += !in_head && grants->header_damaged;
    grants_release(grants);
}

static void judge_repair(struct grants *grants, bool in_head)
{
    uint64_t count = 0;

    scratch_need(granted_hold(grants, HOLD_ALONE) == GRANTS_OK, "grants_hold");
    unrepaired += grants_repair(grants, &count) != GRANTS_OK || count != (in_head ? 0 : 1);
    grants_release(grants);
    scratch_need(granted_hold(grants, HOLD_SHARED) == GRANTS_OK, "grants_hold");
    (void)intact(grants, &others);
    unrepaired += grants->damaged != 0 || grants->header_damaged;
    grants_release(grants);
}

static void test_changed_bytes(bool exhaustive)
{
    static const uint8_t changes[] = {1, 0xff, 2, 4, 8, 16, 32, 64, 128};
    const size_t count = exhaustive ? sizeof changes : 1;
    struct grants grants;
    int fd;

    granted_put_file(golden, GRANTED_GOLDEN_LEN);
    scratch_need(granted_try(&grants, false, SCRATCH_PATIENCE_MS) == GRANTS_OK, "grants_open");
    fd = open(granted_path(GRANTS_NAME), O_RDWR);
    for (size_t at = 0; at < GRANTED_GOLDEN_LEN; at++)
        for (size_t i = 0; i < count; i++) {
            const uint8_t byte = golden[at] ^ changes[i];

            scratch_need(pwrite(fd, &byte, 1, (off_t)at) == 1, "changing a byte");
            judge_changed(&grants, at);
            if (i == 1)
                judge_repair(&grants, at < GRANTS_BYTES_HEAD_LEN);
            scratch_need(pwrite(fd, golden, GRANTED_GOLDEN_LEN, 0) == GRANTED_GOLDEN_LEN, "writing the golden record");
        }
    close(fd);
    grants_close(&grants);
    check_number(unseen, 0, "I8: each changed byte of the record is seen");
    check_number(lost, 0, "I8: it costs nothing but the slot that it is in, and in a header nothing");
    check_number(others, 0, "I15: and makes no other grant, nor a longer one");
    if (exhaustive)
        check_number(unrepaired, 0, "a repair makes free what was damaged, and reports it");
}

static enum grants_fault fault_of(const uint8_t *bytes, size_t len)
{
    struct grants grants;
    enum grants_fault fault;

    granted_put_file(bytes, len);
    fault = granted_try(&grants, true, SCRATCH_PATIENCE_MS);
    if (fault == GRANTS_OK)
        fault = granted_hold(&grants, HOLD_SHARED);
    grants_release(&grants);
    grants_close(&grants);
    return fault;
}

/* A copy of the header with a number of its own, whose check is right. */
static void reseal(uint8_t *header, size_t at, size_t len, uint64_t value)
{
    bytes_put(header + at, len, value);
    bytes_put(header + 504, 8, siphash(header + 16, header, 504));
}

static void test_headers(void)
{
    static const struct {
        size_t at, len;
        uint64_t value;
        enum grants_fault fault;
        const char *what;
    } numbers[] = {
        {8, 2, 2, GRANTS_FOREIGN, "I8: another version is refused"},
        {10, 2, 128, GRANTS_FOREIGN, "I8: so are slots of another length"},
        {12, 4, 4096, GRANTS_FOREIGN, "I8: and a head of another length"},
        {32, 8, RECORD_TIME_MAX + 1, GRANTS_DAMAGED, "I8: a time that nobody writes is damage"},
        {40, 1, 1, GRANTS_DAMAGED, "I8: so is what nobody writes behind the header"},
        {0, 1, 'O', GRANTS_DAMAGED, "I8: and another magic"},
    };
    uint8_t bytes[GRANTED_GOLDEN_LEN];
    struct grants_header header = {0};
    bool one_damaged;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        memcpy(bytes, golden, sizeof bytes);
        reseal(bytes, numbers[i].at, numbers[i].len, numbers[i].value);
        memcpy(bytes + 512, bytes, 512);
        check_number(fault_of(bytes, sizeof bytes), numbers[i].fault, numbers[i].what);
    }
    memcpy(bytes, golden, sizeof bytes);
    reseal(bytes, 8, 2, 2);
    check_number(fault_of(bytes, sizeof bytes), GRANTS_FOREIGN, "I8: one copy of another version is enough");
    memcpy(bytes, golden, sizeof bytes);
    bytes[20] ^= 1;
    bytes[512 + 20] ^= 1;
    check_number(fault_of(bytes, sizeof bytes), GRANTS_DAMAGED, "I8: with both copies damaged nothing is believed");
    memcpy(bytes, golden, sizeof bytes);
    reseal(bytes, 16, 1, 99);
    check_number(fault_of(bytes, sizeof bytes), GRANTS_DAMAGED, "I8: nor with two that are of two records");
    for (unsigned copy = 0; copy < 2; copy++) {
        memcpy(bytes, golden, sizeof bytes);
        reseal(bytes + 512 * copy, 32, 8, GRANTED_NOW_MS + 120000);
        check(grants_bytes_decode_head(bytes, &header, &one_damaged) == RECORD_WHOLE && !one_damaged &&
                  header.latest_ms == GRANTED_NOW_MS + 120000,
              "of two times the later one holds");
    }
    memset(bytes, 0, sizeof bytes);
    check_number(fault_of(bytes, sizeof bytes), GRANTS_DAMAGED,
                 "I8: zeros that are longer than a head are no new record");
    check_number(fault_of(bytes, GRANTS_BYTES_HEAD_LEN), GRANTS_ABSENT, "but a head of zeros is");
    check_number(fault_of(bytes, 0), GRANTS_ABSENT, "and an empty file");
}

static uint8_t many[GRANTS_BYTES_HEAD_LEN + 1];

static void test_length(void)
{
    int fd;

    granted_put_file(golden, GRANTS_BYTES_HEAD_LEN);
    fd = open(granted_path(GRANTS_NAME), O_RDWR);
    scratch_need(fd >= 0 && pread(fd, many, sizeof many, 0) == GRANTS_BYTES_HEAD_LEN, "reading");
    for (unsigned more = 0; more < 2; more++) {
        const off_t len = GRANTS_BYTES_HEAD_LEN + (off_t)GRANTS_MAX * GRANTS_BYTES_SLOT_LEN + (off_t)more;
        struct grants grants;

        scratch_need(ftruncate(fd, len) == 0, "ftruncate");
        scratch_need(granted_try(&grants, true, SCRATCH_PATIENCE_MS) == GRANTS_OK, "grants_open");
        check_number(granted_hold(&grants, HOLD_SHARED), more == 0 ? GRANTS_OK : GRANTS_DAMAGED,
                     more == 0 ? "there may be as many slots as there can be" : "I8: and not one more");
        grants_release(&grants);
        grants_close(&grants);
    }
    close(fd);
}

/* How many of the grants are whole in the first len bytes: what is missing may be zeros. */
static unsigned count_whole(size_t len)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SLOTS; i++) {
        const size_t end = GRANTS_BYTES_HEAD_LEN + (size_t)(i + 1) * GRANTS_BYTES_SLOT_LEN;

        count += !is_free(i) &&
                 (len >= end || (len > end - GRANTS_BYTES_SLOT_LEN && record_is_zero(golden + len, end - len)));
    }
    return count;
}

/* The record, cut to so many bytes: what is left of it is what was written. */
static void judge_cut(size_t len)
{
    const struct grant grant = granted_of(1, 60);
    struct grant found;
    struct grants grants;
    uint64_t slot = GRANTS_MAX;
    enum grants_fault fault;

    granted_put_file(golden, len);
    fault = granted_try(&grants, false, SCRATCH_PATIENCE_MS);
    if (fault == GRANTS_OK)
        fault = granted_hold(&grants, HOLD_ALONE);
    if (fault != GRANTS_OK) {
        lost += fault != GRANTS_DAMAGED || len >= 512 || len == 0;
        grants_close(&grants);
        return;
    }
    lost += intact(&grants, &others) != count_whole(len);
    unseen += len > 0 && len < GRANTS_BYTES_HEAD_LEN && !grants.header_damaged;
    lost += grants_put(&grants, &grant, &slot) != GRANTS_OK || granted_find(&grants, 1, &found) != slot;
    grants_release(&grants);
    grants_close(&grants);
}

static void test_cut(bool exhaustive)
{
    unseen = 0;
    lost = 0;
    others = 0;
    for (size_t len = 0; len < GRANTED_GOLDEN_LEN; len += exhaustive ? 1 : 97)
        judge_cut(len);
    check_number(lost, 0, "of a record that was cut whatever is whole is left, and a new grant finds a place");
    check_number(others, 0, "I15: and what is left of a slot is no other grant");
    check_number(unseen, 0, "a missing copy of the header is seen");
}

static void unfit(const struct grant *grant, const char *what)
{
    struct grants grants = granted_open();
    uint64_t slot = GRANTS_MAX;

    check(grants_put(&grants, grant, &slot) == GRANTS_CANNOT_WRITE && errno == EINVAL && slot == GRANTS_MAX &&
              granted_count(&grants) == 0,
          "what could not be read again is not written: %s", what);
    grants_close(&grants);
}

static void test_unfit(void)
{
    static const char *const words[] = {"a b", "a\nb", "\x7f", "\xc3\xa4", " "};
    struct grant grant;

    granted_empty();
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        grant = granted_of(1, 60);
        snprintf(grant.gate, sizeof grant.gate, "%s", words[i]);
        unfit(&grant, "a gate that is no word");
        grant = granted_of(1, 60);
        snprintf(grant.user, sizeof grant.user, "%s", words[i]);
        unfit(&grant, "a user that is none");
    }
    grant = granted_of(1, 60);
    grant.gate[0] = '\0';
    unfit(&grant, "no gate");
    memset(grant.gate, 'g', sizeof grant.gate);
    unfit(&grant, "a gate without an end");
    grant = granted_of(1, 60);
    memset(grant.user, 'u', sizeof grant.user);
    unfit(&grant, "a user without an end");
    grant = granted_of(1, 60);
    grant.network.prefix = 129;
    unfit(&grant, "more bits than there are");
    grant = granted_of(1, 60);
    grant.until_boot_ms = RECORD_TIME_MAX + 1;
    unfit(&grant, "a time beyond the last");
    grant = granted_of(1, 60);
    grant.most_wall_ms = RECORD_TIME_MAX + 1;
    unfit(&grant, "a bound beyond the last");
    grant = granted_of(1, 60);
    grant.since_wall_ms = RECORD_TIME_MAX + 1;
    unfit(&grant, "a beginning beyond the last");
}

/* What passes its check with a value that nobody writes is damaged. */
static void test_sealed_nonsense(void)
{
    static const struct {
        size_t at;
        uint8_t value;
    } bytes[] = {{24, 129}, {25, 0},    {25, 4},    {26, 4},  {27, 4},  {28, 2},  {29, 2},
                 {30, 1},   {31, 1},    {47, 1},    {87, 1},  {95, 1},  {103, 1}, {111, 1},
                 {112, 0},  {113, ' '}, {116, 'x'}, {137, 0}, {199, 1}, {200, 1}, {255, 1}};
    unsigned believed = 0;
    struct grant grant;

    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        uint8_t slot[GRANTS_BYTES_SLOT_LEN], checked[GRANTS_BYTES_SLOT_LEN] = {0};

        memcpy(slot, golden_slot(0), sizeof slot);
        slot[bytes[i].at] = bytes[i].value;
        memcpy(checked, slot + 8, sizeof slot - 8);
        bytes_put(slot, 8, siphash(key, checked, sizeof checked));
        believed += grants_bytes_decode_slot(slot, key, 0, &grant) != RECORD_DAMAGED || grant.gate[0] != '\0';
    }
    check_number(believed, 0, "I8: a slot whose check is right, with a value that nobody writes, is damaged");
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    granted_begin();
    granted_read_golden(argv[1], golden);
    complete_wanted();
    if (!exhaustive) {
        test_golden();
        test_headers();
        test_length();
        test_unfit();
        test_sealed_nonsense();
    }
    test_changed_bytes(exhaustive);
    test_cut(exhaustive);
    granted_end();
    return check_end();
}
