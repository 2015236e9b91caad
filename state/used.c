/* SPDX-License-Identifier: ISC */
/* See used.h. What is found where, and what is damaged; the file as such is used_file.c's. */
#include "used.h"

#include "used_bytes.h"
#include "used_file.h"

#include <string.h>

#define SLOT_LEN USED_BYTES_SLOT_LEN

/* ---- Marks ------------------------------------------------------------------------------------------------------- */

static uint64_t fingerprint_of(const struct used *used, const struct used_name *name)
{
    uint8_t bytes[1 + USED_TEXT_MAX] = {(uint8_t)name->kind};
    const uint8_t *text = name->bytes;
    uint64_t fingerprint;

    for (size_t i = 0; i < name->len; i++)
        bytes[1 + i] = text[i];
    fingerprint = siphash(used->key, bytes, 1 + name->len);
    explicit_bzero(bytes, sizeof bytes);
    return fingerprint;
}

static enum record_state read_slot(const struct used *used, uint64_t number, struct used_slot *slot)
{
    return used_bytes_decode_slot(used->bytes + number * SLOT_LEN, used->key, number, slot);
}

/* Where a name stands, and the first place where one could. */
struct place {
    uint64_t number; /* valid when found */
    uint64_t free;   /* used->slots: behind the last */
    struct used_mark mark;
};

static enum used_fault look_for(const struct used *used, const struct used_name *name, struct place *place)
{
    const uint64_t fingerprint = fingerprint_of(used, name);
    bool damaged = false;

    *place = (struct place){.free = used->slots};
    for (uint64_t i = 0; i < used->slots; i++) {
        struct used_slot slot;
        const enum record_state state = read_slot(used, i, &slot);

        if (state == RECORD_WHOLE && slot.fingerprint == fingerprint && slot.kind == name->kind) {
            place->number = i;
            place->mark = slot.mark;
            return USED_OK;
        }
        if (state == RECORD_EMPTY && place->free == used->slots)
            place->free = i;
        damaged |= state == RECORD_DAMAGED;
    }
    return damaged ? USED_SLOT_DAMAGED : USED_UNKNOWN;
}

enum used_fault used_find(const struct used *used, const struct used_name *name, struct used_mark *mark)
{
    struct place place;
    const enum used_fault fault = look_for(used, name, &place);

    *mark = place.mark;
    return fault;
}

/*
 * First the slot, then the head that tells of it: what is between the two is no slot yet. The slot is on the disk
 * before, so that no power failure leaves a head that tells of more than the file has.
 */
static enum used_fault append(struct used *used, const uint8_t bytes[static SLOT_LEN])
{
    enum used_fault fault;

    if (used->slots == USED_MAX)
        return USED_FULL;
    fault = used_file_write_slot(used, used->slots, bytes);
    if (fault == USED_OK)
        fault = used_sync(used);
    if (fault != USED_OK)
        return fault;
    used->slots++;
    fault = used_file_write_head(used);
    return fault == USED_OK ? used_file_read_slots(used) : fault;
}

enum used_fault used_put(struct used *used, const struct used_name *name, const struct used_mark *mark)
{
    const struct used_slot slot = {.fingerprint = fingerprint_of(used, name), .kind = name->kind, .mark = *mark};
    uint8_t bytes[SLOT_LEN];
    struct place place;
    const enum used_fault fault = look_for(used, name, &place);

    if (fault == USED_SLOT_DAMAGED)
        return fault;
    if (fault == USED_UNKNOWN)
        place.number = place.free;
    used_bytes_encode_slot(&slot, used->key, place.number, bytes);
    return place.number < used->slots ? used_file_write_slot(used, place.number, bytes) : append(used, bytes);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

void used_count(const struct used *used, struct used_totals *totals)
{
    struct used_slot slot;

    *totals = (struct used_totals){.header_damaged = used->header_damaged};
    for (uint64_t i = 0; i < used->slots; i++) {
        const enum record_state state = read_slot(used, i, &slot);

        totals->used += state == RECORD_WHOLE;
        totals->damaged += state == RECORD_DAMAGED;
    }
}

/* The floor first, on the disk: from then on nothing rests on what a damaged slot may have held. */
static enum used_fault forget_damaged(struct used *used, uint64_t now_s, uint64_t *lost)
{
    static const uint8_t zeros[SLOT_LEN];
    struct used_slot slot;
    struct used_totals totals;
    enum used_fault fault;

    used_count(used, &totals);
    for (uint64_t i = 0; i < used->slots; i++) {
        if (read_slot(used, i, &slot) == RECORD_WHOLE && slot.mark.when_s > now_s)
            now_s = slot.mark.when_s;
    }
    if (totals.damaged > 0 && now_s > used->floor_s)
        used->floor_s = now_s;
    fault = used_file_write_head(used);
    if (fault == USED_OK)
        fault = used_sync(used);
    for (uint64_t i = 0; fault == USED_OK && i < used->slots; i++) {
        if (read_slot(used, i, &slot) != RECORD_DAMAGED)
            continue;
        fault = used_file_write_slot(used, i, zeros);
        *lost += fault == USED_OK;
    }
    return fault == USED_OK ? used_sync(used) : fault;
}

enum used_fault used_repair(struct used *used, uint64_t now_s, bool give_up, uint64_t *lost)
{
    enum used_fault fault = used_hold(used, HOLD_ALONE);

    *lost = 0;
    if (fault == USED_DAMAGED && give_up)
        return used_file_begin_anew(used, now_s);
    if (fault != USED_OK)
        return fault;
    fault = forget_damaged(used, now_s, lost);
    used_release(used);
    return fault;
}

const char *used_fault_text(enum used_fault fault)
{
    switch (fault) {
    case USED_OK:
        break;
    case USED_ABSENT:
        return "there is no record of used codes yet";
    case USED_UNKNOWN:
        return "the record of used codes has nothing of it";
    case USED_DIRECTORY:
        return "the directory of the record of used codes cannot be opened";
    case USED_DIRECTORY_OWNER:
        return "the directory of the record of used codes, or the one above it, is not its owner's alone: see to owner "
               "and mode";
    case USED_CANNOT_BE_OWNER:
        return "root cannot work as the owner of the state directory: it needs CAP_SETUID and CAP_SETGID";
    case USED_CANNOT_OPEN:
        return "the record of used codes cannot be opened: see to its owner, its mode and the file system it is on";
    case USED_CANNOT_CREATE:
        return "the record of used codes cannot be created: see to its directory and the room on the disk";
    case USED_UNSAFE:
        return "the record of used codes is not a regular file of its owner's alone: see to its owner and mode";
    case USED_CANNOT_LOCK:
        return "the record of used codes cannot be locked: keep it on a file system with flock(2)";
    case USED_BUSY:
        return "the lock on the record of used codes was not to be had in time: find who holds it with lslocks(8)";
    case USED_CANNOT_READ:
        return "the record of used codes cannot be read: see to the disk";
    case USED_CANNOT_WRITE:
        return "the record of used codes cannot be written: see to the disk and the room on it";
    case USED_FOREIGN:
        return "the record of used codes was written by another version: use that version; or move the record away, "
               "and say which code of each hotp= is the next, with ostiaryctl codes --counter";
    case USED_DAMAGED:
    case USED_SLOT_DAMAGED:
        return "the record of used codes is damaged: run ostiaryctl repair";
    case USED_FULL:
        return "the record of used codes is full of keys, most of which cannot be in use: when no action with "
               "single=yes runs, move it away, and say which code of each hotp= is the next, with ostiaryctl codes "
               "--counter";
    }
    return "no fault";
}

bool used_fault_has_errno(enum used_fault fault)
{
    return fault == USED_DIRECTORY || fault == USED_CANNOT_BE_OWNER || fault == USED_CANNOT_OPEN ||
           fault == USED_CANNOT_CREATE || fault == USED_CANNOT_LOCK || fault == USED_CANNOT_READ ||
           fault == USED_CANNOT_WRITE;
}
