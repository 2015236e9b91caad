/* SPDX-License-Identifier: ISC */
/*
 * I8, for the record of used codes: whichever system call fails, and however, a code that is said to be used up is, and
 * no other key is touched. Each operation is run again and again from the same file with its first, second, third ...
 * call failing.
 */
#include "broken_calls.h"

#include "check.h"
#include "useds.h"

enum number { CHANGED = 1, KEPT = 2, NEW = 3 };

/* An operation on a record that has CHANGED at 11 and KEPT at 22, or, from nothing, on none. */
struct operation {
    const char *name;
    uint32_t number; /* whose counter 50 it uses up; 0: it looks, or repairs */
    uint64_t before; /* what its next was; UINT64_MAX: unknown */
    bool from_nothing;
};

static const struct operation operations[] = {
    {"the first code of all", NEW, UINT64_MAX, true},
    {"the first code of a key", NEW, UINT64_MAX, false},
    {"the next code of a key", CHANGED, 11, false},
    {"repairing", 0, 0, false},
};

/* A byte of its slot, the first of the record, is another. */
static void damage_changed(void)
{
    const int fd = open(useds_path(USED_NAME), O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    scratch_need(fd >= 0 && pread(fd, &byte, 1, USED_BYTES_HEAD_LEN + 20) == 1, "reading a slot");
    byte ^= 1;
    scratch_need(pwrite(fd, &byte, 1, USED_BYTES_HEAD_LEN + 20) == 1 && close(fd) == 0, "damaging a slot");
}

static void prepare(const struct operation *operation)
{
    struct used used;

    useds_empty();
    if (operation->from_nothing)
        return;
    used = useds_open(false);
    scratch_need(useds_use(&used, CHANGED, 10) == USED_OK && useds_use(&used, KEPT, 21) == USED_OK, "use");
    used_close(&used);
    if (operation->number == 0)
        damage_changed();
}

/* What the record has of CHANGED, how many slots there are, and from when on codes are good. */
struct held {
    enum used_fault found;
    uint64_t slots, floor_s;
};

static struct held look(void)
{
    const uint32_t number = CHANGED;
    const struct used_name name = useds_name(&number);
    struct used used = useds_open(true);
    struct used_mark mark;
    struct held held;

    scratch_need(used_hold(&used, HOLD_SHARED) == USED_OK, "used_hold");
    held = (struct held){used_find(&used, &name, &mark), used.slots, used.floor_s};
    used_close(&used);
    return held;
}

static enum used_fault play(const struct operation *operation)
{
    const struct used_options options = {.state_dir = useds_dir, .patience_ms = 1000};
    struct used used;
    uint64_t lost;
    enum used_fault fault = used_open(&options, &used);

    if (fault != USED_OK)
        return fault;
    fault = operation->number != 0 ? useds_use(&used, operation->number, 50)
                                   : used_repair(&used, SCRATCH_NOW, false, &lost);
    used_close(&used);
    return fault;
}

/* Returns false when there is no call of this number to fail any more. */
static bool judge(const struct operation *operation, const struct way *way, unsigned nth, bool *well)
{
    enum used_fault fault;
    uint64_t next;
    bool reached;

    prepare(operation);
    broken.how = *way;
    broken.seen = 0;
    broken.call = NULL;
    broken.nth = nth;
    errno = 0;
    fault = play(operation);
    reached = broken.call != NULL || broken.seen >= nth;
    broken.nth = 0;
    if (operation->number != 0) {
        next = useds_next(operation->number);
        *well &= next == 51 || (fault != USED_OK && next == operation->before);
    } else {
        const struct held held = look();

        *well &= held.found == USED_SLOT_DAMAGED || held.floor_s == SCRATCH_NOW;
        *well &= fault != USED_OK || held.found == USED_UNKNOWN;
    }
    *well &= operation->from_nothing || useds_next(KEPT) == 22;
    *well &= !used_fault_has_errno(fault) || errno != 0;
    /* Whoever comes later can use the record. */
    fault = play(operation);
    *well &= fault == USED_OK || fault == USED_FULL;
    return reached;
}

/*
 * The disk may take what is not yet synchronised in any order: what something else rests on has to be there before
 * that is written. So nothing of that may be seen when the first synchronisation fails.
 */
static void test_order(const struct operation *operation, const struct held *wanted, const char *what)
{
    struct held held = {0};

    broken.how = (struct way){.error = EIO, .later = EIO, .all_later = true};
    for (unsigned nth = 1; nth < 200; nth++) {
        prepare(operation);
        broken.seen = 0;
        broken.call = NULL;
        broken.nth = nth;
        (void)play(operation);
        broken.nth = 0;
        if (broken.call == NULL || strcmp(broken.call, "fdatasync") == 0)
            break;
    }
    held = look();
    check(broken.call != NULL && held.found == wanted->found && held.slots == wanted->slots, "%s", what);
}

int main(void)
{
    static const struct held two = {USED_OK, 2, 0}, damaged = {USED_SLOT_DAMAGED, 2, 0};

    useds_begin();
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
            bool well = true;
            unsigned nth = 1;

            while (judge(&operations[i], &ways[k], nth, &well) && nth < 200)
                nth++;
            check(well && nth > 1 && nth < 200, "%s: a call %s", operations[i].name, ways[k].name);
        }
    }
    test_order(&operations[1], &two, "I8: a slot is on the disk before the head tells of it");
    test_order(&operations[3], &damaged, "I8: the floor is on the disk before a damaged slot is forgotten");
    useds_end();
    return check_end();
}
