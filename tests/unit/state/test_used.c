/* SPDX-License-Identifier: ISC */
/*
 * The record of used codes and secrets: the golden one, which another program has written by FORMAT.md; damage of each
 * of its bytes; many at once; and processes that are killed at each of their system calls.
 */
#include "check.h"
#include "useds.h"

#define GOLDEN_SLOTS 5
#define GOLDEN_LEN   (USED_BYTES_HEAD_LEN + GOLDEN_SLOTS * USED_BYTES_SLOT_LEN)

static const uint8_t key[SIPHASH_KEY_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static uint8_t golden[GOLDEN_LEN + 1];

/* What is in the golden record: a key of TOTP, nothing, one of HOTP, a secret, an action that ran. */
static const uint8_t totp_name[] = {0, 30, 0, '1', '2', '3', '4', '5', '6', '7', '8', '9', '0'};
static const uint8_t hotp_name[] = {2, 0, 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'};
static const struct {
    unsigned slot;
    struct used_name name;
    struct used_mark mark;
} wanted[] = {
    {0,
     {USED_TOTP, totp_name, sizeof totp_name},
     {.next = 59843118, .when_s = SCRATCH_NOW, .address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}}},
    {2, {USED_HOTP, hotp_name, sizeof hotp_name}, {.next = UINT64_C(1) << 47}},
    {3,
     {USED_SECRET, "backup\0old", 10},
     {.when_s = 1, .address = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1}}},
    {4,
     {USED_RUN, "backup", 6},
     {.when_s = SCRATCH_NOW,
      .run = {.pid = 4194303,
              .start = 123456789,
              .boot_id = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae,
                          0xaf}}}},
};

#define WANTED (sizeof wanted / sizeof wanted[0])

static bool is_same(const struct used_mark *a, const struct used_mark *b)
{
    return a->next == b->next && a->when_s == b->when_s && memcmp(a->address, b->address, sizeof a->address) == 0 &&
           a->run.pid == b->run.pid && a->run.start == b->run.start &&
           memcmp(a->run.boot_id, b->run.boot_id, sizeof a->run.boot_id) == 0;
}

static void put_golden(size_t len)
{
    useds_empty();
    (void)mkdir(useds_path(""), 0700);
    scratch_write_file(useds_path(USED_NAME), golden, len);
}

/* The wanted one of these numbers, in a record that is opened anew. */
static enum used_fault look(size_t number, struct used_mark *mark)
{
    struct used used = useds_open(true);
    enum used_fault fault = used_hold(&used, HOLD_SHARED);

    if (fault == USED_OK)
        fault = used_find(&used, &wanted[number].name, mark);
    used_close(&used);
    return fault;
}

static void test_golden(const char *dir)
{
    char path[4096];
    struct used_mark mark;
    struct used used;
    int fd;

    snprintf(path, sizeof path, "%s/used-1", dir);
    fd = open(path, O_RDONLY);
    check(fd >= 0 && read(fd, golden, sizeof golden) == GOLDEN_LEN && close(fd) == 0, "the golden record is there");
    put_golden(GOLDEN_LEN);
    for (size_t i = 0; i < WANTED; i++)
        check(look(i, &mark) == USED_OK && is_same(&mark, &wanted[i].mark), "it is read as it was written: slot %u",
              wanted[i].slot);

    used = useds_open(false);
    scratch_need(used_hold(&used, HOLD_ALONE) == USED_OK, "hold");
    check_number(used.floor_s, SCRATCH_NOW - 100, "and its floor");
    for (size_t i = 0; i < WANTED; i++)
        scratch_need(used_put(&used, &wanted[i].name, &wanted[i].mark) == USED_OK, "put");
    used_close(&used);
    uint8_t written[GOLDEN_LEN];
    fd = open(useds_path(USED_NAME), O_RDONLY);
    check(fd >= 0 && read(fd, written, sizeof written) == GOLDEN_LEN && close(fd) == 0 &&
              memcmp(written, golden, GOLDEN_LEN) == 0,
          "it is written as it was read");
}

/* A wrong bit shows, and is never taken for something else. */
static void test_each_byte(void)
{
    bool slots_well = true, head_well = true, never_other = true;

    for (size_t at = 0; at < GOLDEN_LEN; at++) {
        const bool in_head = at < USED_BYTES_HEAD_LEN;
        const size_t slot = in_head ? 0 : (at - USED_BYTES_HEAD_LEN) / USED_BYTES_SLOT_LEN;

        golden[at] ^= 0x10;
        put_golden(GOLDEN_LEN);
        golden[at] ^= 0x10;
        for (size_t i = 0; i < WANTED; i++) {
            struct used_mark mark;
            const enum used_fault fault = look(i, &mark);

            never_other &= fault != USED_OK || is_same(&mark, &wanted[i].mark);
            if (in_head)
                head_well &= fault == USED_OK; /* the other copy is whole */
            else
                slots_well &= fault == (slot == wanted[i].slot ? USED_SLOT_DAMAGED : USED_OK);
        }
    }
    check(head_well, "one wrong byte in the head loses nothing");
    check(slots_well, "one in a slot is damage of that slot, and of no other");
    check(never_other, "and none makes it another record");
}

static void test_each_length(void)
{
    struct used_mark mark;
    bool well = true;

    for (size_t len = 0; len < GOLDEN_LEN; len++) {
        const size_t half = USED_BYTES_HEAD_LEN / 2, slots = len < USED_BYTES_HEAD_LEN ? 0 : len - USED_BYTES_HEAD_LEN;

        put_golden(len);
        for (size_t i = 0; i < WANTED; i++) {
            const bool there = slots >= (wanted[i].slot + 1) * USED_BYTES_SLOT_LEN;
            const enum used_fault want = len < half ? USED_DAMAGED : there ? USED_OK : USED_SLOT_DAMAGED;

            well &= look(i, &mark) == want;
        }
    }
    check(well, "of a record that was cut, what is not there is damaged; an empty one is all damaged");
    put_golden(GOLDEN_LEN);
    const int fd = open(useds_path(USED_NAME), O_WRONLY | O_APPEND);
    scratch_need(fd >= 0 && write(fd, "xyz", 3) == 3 && close(fd) == 0, "appending");
    check(look(0, &mark) == USED_OK, "what is behind the slots that its head tells of is nothing");
}

static void test_foreign(void)
{
    uint8_t bytes[USED_BYTES_HEAD_LEN];
    uint8_t checked[56];
    struct used_mark mark;

    memcpy(bytes, golden, sizeof bytes);
    bytes[8] = bytes[64 + 8] = 2;
    memcpy(checked, bytes, sizeof checked);
    for (size_t i = 0; i < 8; i++)
        bytes[56 + i] = bytes[64 + 56 + i] = (uint8_t)(siphash(key, checked, sizeof checked) >> (8 * i));
    put_golden(GOLDEN_LEN);
    const int fd = open(useds_path(USED_NAME), O_WRONLY);
    scratch_need(fd >= 0 && pwrite(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes && close(fd) == 0, "writing");
    check(look(0, &mark) == USED_FOREIGN, "a record of another version is not read");
}

/* The two headers of the head, each with its check. */
static void put_headers(const struct used_header *first, const struct used_header *second)
{
    uint8_t head[USED_BYTES_HEAD_LEN], other[USED_BYTES_HEAD_LEN];

    used_bytes_encode_head(first, head);
    used_bytes_encode_head(second, other);
    memcpy(head + sizeof head / 2, other, sizeof head / 2);
    put_golden(GOLDEN_LEN);
    const int fd = open(useds_path(USED_NAME), O_WRONLY);
    scratch_need(fd >= 0 && pwrite(fd, head, sizeof head, 0) == (ssize_t)sizeof head && close(fd) == 0, "writing");
}

static void check_headers(const struct used_header *first, const struct used_header *second, const char *what)
{
    struct used used;

    put_headers(first, second);
    used = useds_open(true);
    check(used_hold(&used, HOLD_SHARED) == USED_OK && used.slots == GOLDEN_SLOTS && used.floor_s == SCRATCH_NOW, "%s",
          what);
    used_close(&used);
}

/* Who was killed between the two has left one that is older. */
static void test_headers(void)
{
    struct used_header whole = {.slots = GOLDEN_SLOTS, .floor_s = SCRATCH_NOW}, older = whole, wrong;
    struct used_mark mark;

    memcpy(whole.key, key, sizeof key);
    older = whole;
    older.slots--;
    older.floor_s--;
    check_headers(&whole, &older, "of two headers the one with more is the later");
    check_headers(&older, &whole, "whichever of them it is");
    wrong = whole;
    wrong.key[0] ^= 1;
    put_headers(&whole, &wrong);
    check(look(0, &mark) == USED_DAMAGED, "two with different keys are of no record");
    wrong = whole;
    wrong.slots = USED_MAX + 1;
    put_headers(&wrong, &wrong);
    check(look(0, &mark) == USED_DAMAGED, "one that tells of more slots than there may be is damaged");
    wrong = whole;
    wrong.floor_s = RECORD_TIME_MAX + 1;
    put_headers(&wrong, &wrong);
    check(look(0, &mark) == USED_DAMAGED, "or of a time that there cannot be");
}

/* Give slot 0 the check of what is in it. */
static void seal(uint8_t bytes[static USED_BYTES_SLOT_LEN])
{
    uint8_t checked[USED_BYTES_SLOT_LEN] = {0};
    uint64_t check_value;

    memcpy(checked, bytes + 8, USED_BYTES_SLOT_LEN - 8);
    check_value = siphash(key, checked, sizeof checked);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(check_value >> (8 * i));
}

/* What no writer here writes: a check that is right makes it none. */
static void test_impossible(void)
{
    static const struct used_mark none = {0};
    static const struct {
        size_t at;
        uint8_t byte;
        bool of_run;
    } wrongs[] = {{16, 5, true},    {16, 0, true}, {17, 1, true}, {19, 1, true},
                  {23, 0x80, true}, {56, 1, true}, {20, 1, false}};
    struct used_slot slot = {.kind = USED_RUN, .mark = wanted[3].mark}, read;
    uint8_t bytes[USED_BYTES_SLOT_LEN];
    bool well = true;

    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        slot.kind = wrongs[i].of_run ? USED_RUN : USED_SECRET;
        used_bytes_encode_slot(&slot, key, 0, bytes);
        bytes[wrongs[i].at] = wrongs[i].byte;
        seal(bytes);
        well &= used_bytes_decode_slot(bytes, key, 0, &read) == RECORD_DAMAGED && is_same(&read.mark, &none);
    }
    slot = (struct used_slot){.kind = USED_RUN, .mark.run = {.pid = 0, .boot_id = {1}}};
    used_bytes_encode_slot(&slot, key, 0, bytes);
    well &= used_bytes_decode_slot(bytes, key, 0, &read) == RECORD_DAMAGED;
    slot = (struct used_slot){.kind = USED_RUN, .mark.run = {.pid = 1}};
    used_bytes_encode_slot(&slot, key, 0, bytes);
    well &= used_bytes_decode_slot(bytes, key, 0, &read) == RECORD_DAMAGED;
    check(well, "a slot with a value that no writer here would write is damaged");
}

static void test_marks(void)
{
    static const uint32_t numbers[] = {1, 2};
    struct used_mark mark;
    struct used used;
    bool well = true;

    useds_empty();
    check(useds_next(1) == UINT64_MAX, "where there is no record nothing is known");
    check(access(useds_path(USED_NAME), F_OK) != 0, "and whoever only looks makes none");
    used = useds_open(false);
    check(useds_use(&used, 1, 7) == USED_OK && useds_next(1) == 8, "a counter is used up");
    check(useds_use(&used, 1, 7) == USED_FULL && useds_use(&used, 1, 3) == USED_FULL, "and with it all before");
    check(useds_use(&used, 2, 3) == USED_OK && useds_next(2) == 4 && useds_next(1) == 8, "each key has its own");
    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "hold");
    check(used_find(&used, &(struct used_name){USED_TOTP, &numbers[0], 4}, &mark) == USED_UNKNOWN,
          "a key of another kind is another");
    used_release(&used);
    for (uint32_t i = 3; i < 300; i++)
        well &= useds_use(&used, i, i) == USED_OK;
    for (uint32_t i = 3; i < 300; i++)
        well &= useds_next(i) == i + 1;
    check(well, "300 keys");
    unlink(useds_path(USED_NAME));
    check(useds_use(&used, 1, 0) == USED_OK && useds_next(1) == 1, "one that was removed is made anew");
    used_close(&used);
}

/* A record in which each slot is another's. */
static void test_full(void)
{
    const struct used_header header = {.slots = USED_MAX};
    const uint32_t number = 1;
    const struct used_name first = useds_name(&number);
    static uint8_t slots[(size_t)USED_MAX * USED_BYTES_SLOT_LEN];
    uint8_t head[USED_BYTES_HEAD_LEN];
    struct used_mark mark = {0};
    struct used used;

    used_bytes_encode_head(&header, head);
    for (uint64_t i = 0; i < USED_MAX; i++)
        used_bytes_encode_slot(&(struct used_slot){.fingerprint = i, .kind = USED_SECRET}, header.key, i,
                               slots + i * USED_BYTES_SLOT_LEN);
    useds_empty();
    (void)mkdir(useds_path(""), 0700);
    scratch_write_file(useds_path(USED_NAME), head, sizeof head);
    const int fd = open(useds_path(USED_NAME), O_WRONLY | O_APPEND);
    scratch_need(fd >= 0 && write(fd, slots, sizeof slots) == (ssize_t)sizeof slots && close(fd) == 0, "writing");
    used = useds_open(false);
    scratch_need(used_hold(&used, HOLD_ALONE) == USED_OK, "hold");
    check(used_put(&used, &first, &mark) == USED_FULL, "where %d slots are taken there is no room for another name",
          USED_MAX);
    used_close(&used);
}

static void test_texts(void)
{
    unsigned poor = 0;

    for (enum used_fault fault = USED_ABSENT; fault <= USED_FULL; fault++)
        for (enum used_fault other = USED_OK; other < fault; other++)
            poor += strcmp(used_fault_text(fault), used_fault_text(other)) == 0 && fault != USED_SLOT_DAMAGED;
    check_number(poor, 0, "each fault has words of its own, and damage the same wherever it is");
    check(used_fault_has_errno(USED_CANNOT_WRITE) && !used_fault_has_errno(USED_FULL), "some have a cause besides");
}

static void test_unsafe(void)
{
    const struct used_options options = {.state_dir = useds_dir, .patience_ms = 0};
    struct used_mark mark;
    struct used used;

    put_golden(GOLDEN_LEN);
    scratch_need(chmod(useds_path(USED_NAME), 0640) == 0, "chmod");
    check(look(0, &mark) == USED_UNSAFE, "a record that others may read is not used");
    unlink(useds_path(USED_NAME));
    scratch_need(symlink("other", useds_path(USED_NAME)) == 0, "symlink");
    check(look(0, &mark) == USED_UNSAFE, "nor a symbolic link");
    unlink(useds_path(USED_NAME));
    scratch_need(mkfifo(useds_path(USED_NAME), 0600) == 0, "mkfifo");
    check(look(0, &mark) == USED_UNSAFE, "nor a FIFO, which keeps nobody waiting");
    put_golden(GOLDEN_LEN);
    used = useds_open(false);
    scratch_need(used_hold(&used, HOLD_ALONE) == USED_OK, "hold");
    struct used other;
    scratch_need(used_open(&options, &other) == USED_OK, "open");
    check(used_hold(&other, HOLD_ALONE) == USED_BUSY, "who holds it keeps others out");
    used_close(&other);
    used_close(&used);
    scratch_need(chmod(useds_path(""), 0750) == 0, "chmod");
    check(used_open(&options, &other) == USED_DIRECTORY_OWNER, "its directory is root's alone");
    scratch_need(chmod(useds_path(""), 0700) == 0, "chmod");
}

/* The directory whose rights root takes on: STATE_DIR itself. */
static void test_shared(void)
{
    const struct used_options options = {.state_dir = useds_dir, .shared = true};
    struct used used;

    check(used_open(&options, &used) == USED_OK, "a record can be in STATE_DIR itself");
    used_close(&used);
    scratch_need(chmod(useds_dir, 0710) == 0, "chmod");
    check(used_open(&options, &used) == USED_DIRECTORY_OWNER && used.dir_fd < 0,
          "whose directory is its owner's alone");
    scratch_need(chmod(useds_dir, 0700) == 0, "chmod");
}

static void test_repair(void)
{
    struct used used;
    struct used_totals totals;
    struct used_mark mark;
    uint64_t lost = 9;

    golden[USED_BYTES_HEAD_LEN + 30] ^= 1; /* slot 0 */
    golden[20] ^= 1;
    put_golden(GOLDEN_LEN);
    golden[USED_BYTES_HEAD_LEN + 30] ^= 1;
    golden[20] ^= 1;
    used = useds_open(false);
    scratch_need(used_hold(&used, HOLD_ALONE) == USED_OK, "hold");
    used_count(&used, &totals);
    check(totals.used == 3 && totals.damaged == 1 && totals.header_damaged, "damage is counted");
    check(used_put(&used, &wanted[0].name, &wanted[0].mark) == USED_SLOT_DAMAGED,
          "nothing is put where it could be there already");
    const struct used_options options = {.state_dir = useds_dir, .read_only = true, .unlocked = true};
    struct used seen;
    scratch_need(used_open(&options, &seen) == USED_OK, "open");
    check(used_hold(&seen, HOLD_SHARED) == USED_OK, "who looks without the lock looks again at what is damaged");
    used_count(&seen, &totals);
    check(totals.used == 3 && totals.damaged == 1, "and sees it as it is");
    used_close(&seen);
    check(used_put(&used, &wanted[1].name, &wanted[1].mark) == USED_OK, "what is found can be put");
    used_release(&used);
    check(used_repair(&used, SCRATCH_NOW, false, &lost) == USED_OK && lost == 1, "repair forgets the damaged slot");
    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "hold");
    used_count(&used, &totals);
    check(totals.used == 3 && totals.damaged == 0 && !totals.header_damaged, "then all is whole");
    check_number(used.floor_s, SCRATCH_NOW, "and the floor is the clock");
    check(used_find(&used, &wanted[0].name, &mark) == USED_UNKNOWN, "of the one that was lost nothing is known");
    used_release(&used);
    check(used_repair(&used, SCRATCH_NOW + 5, false, &lost) == USED_OK && lost == 0, "a second repair finds nothing");
    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "hold");
    check_number(used.floor_s, SCRATCH_NOW, "and leaves the floor");
    used_close(&used);

    golden[USED_BYTES_HEAD_LEN + 30] ^= 1;
    put_golden(GOLDEN_LEN);
    golden[USED_BYTES_HEAD_LEN + 30] ^= 1;
    used = useds_open(false);
    check(used_repair(&used, SCRATCH_NOW - 50, false, &lost) == USED_OK && lost == 1, "by a clock that was set back");
    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "hold");
    check_number(used.floor_s, SCRATCH_NOW, "the floor is no earlier than what is remembered");
    used_close(&used);

    golden[20] ^= 1;
    golden[64 + 20] ^= 1;
    put_golden(GOLDEN_LEN);
    golden[20] ^= 1;
    golden[64 + 20] ^= 1;
    used = useds_open(false);
    check(used_repair(&used, SCRATCH_NOW, false, &lost) == USED_DAMAGED, "without a head nothing can be kept");
    check(used_repair(&used, SCRATCH_NOW, true, &lost) == USED_OK, "and it begins anew only when told to");
    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "hold");
    check(used.slots == 0 && used.floor_s == SCRATCH_NOW, "empty, with the clock as its floor");
    used_close(&used);
}

/* ---- Many at once, and killed ---- */

static int use_one(unsigned number)
{
    struct used used = useds_open(false);
    const enum used_fault fault = useds_use(&used, 1, 5);

    (void)number;
    used_close(&used);
    return fault == USED_OK ? 1 : fault == USED_FULL ? 2 : 3;
}

static int use_own(unsigned number)
{
    struct used used = useds_open(false);
    const enum used_fault fault = useds_use(&used, number + 100, 5);

    used_close(&used);
    return fault == USED_OK ? 1 : 3;
}

static void test_crowds(void)
{
    unsigned results[256];
    bool well = true;

    useds_empty();
    scratch_crowd(200, use_one, results);
    check(results[1] == 1 && results[2] == 199, "of 200 at once one has the code, where there is no record yet");
    scratch_crowd(200, use_one, results);
    check(results[2] == 200, "and of 200 more none");
    useds_empty();
    scratch_crowd(100, use_own, results);
    for (uint32_t i = 0; i < 100; i++)
        well &= useds_next(i + 100) == 6;
    check(results[1] == 100 && well, "100 that make it all together lose nothing");
}

/* Whatever it was killed at, the next one can use the record, and what was there is there. */
static void test_killed(void)
{
    bool whole = true, other_well = true, ends = false;
    int result = 0;

    for (unsigned existing = 0; existing < 3; existing++) {
        for (unsigned nth = 1; nth < 1000; nth++) {
            struct used used;
            uint64_t next;

            useds_empty();
            used = useds_open(false);
            if (existing > 0)
                scratch_need(useds_use(&used, 2, 41) == USED_OK, "use");
            if (existing > 1)
                scratch_need(useds_use(&used, 1, 2) == USED_OK, "use");
            used_close(&used);
            ends = !scratch_killed_at(nth, use_one, &result);
            next = useds_next(1);
            whole &= next == 6 || (existing > 1 ? next == 3 : next == UINT64_MAX);
            other_well &= existing == 0 || useds_next(2) == 42;
            used = useds_open(false);
            whole &= useds_use(&used, 1, 5) == (next == 6 ? USED_FULL : USED_OK) && useds_next(1) == 6;
            used_close(&used);
            if (ends)
                break;
        }
        whole &= ends && result == 1;
    }
    check(whole, "killed at any system call, it is used up or it is not, and can be used by the next one then");
    check(other_well, "and no other key is touched");
}

int main(int argc, char **argv)
{
    const bool exhaustive = scratch_is_exhaustive(argc, argv);

    useds_begin();
    test_golden(argv[1]);
    test_each_byte();
    test_each_length();
    test_foreign();
    test_headers();
    test_impossible();
    test_marks();
    test_full();
    test_texts();
    test_unsafe();
    test_shared();
    test_repair();
    if (exhaustive)
        test_crowds();
    if (exhaustive && scratch_can_trace())
        test_killed();
    useds_end();
    return check_end();
}
