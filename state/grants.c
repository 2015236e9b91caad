/* SPDX-License-Identifier: ISC */
/* The slots of the record. See grants.h; FORMAT.md, "Grants". */
#include "grants.h"

#include "bytes.h"
#include "grants_bytes.h"
#include "grants_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SLOT_LEN    GRANTS_BYTES_SLOT_LEN
#define PIECE_SLOTS (GRANTS_FILE_PIECE_LEN / SLOT_LEN)
#define ROOM_SLOTS  64 /* for which room is taken at once */

static uint64_t slot_at(uint64_t slot)
{
    return GRANTS_BYTES_HEAD_LEN + slot * SLOT_LEN;
}

/* ---- Looking ------------------------------------------------------------------------------------------------------
 */

/* The bytes of a slot, which is there; valid until the next call. */
static enum grants_fault look(struct grants *grants, uint64_t slot, const uint8_t **bytes)
{
    const uint64_t left = grants_file_slots(grants) - slot;
    const uint64_t slots = left < PIECE_SLOTS ? left : PIECE_SLOTS;
    enum grants_fault fault = GRANTS_OK;

    if (slot < grants->piece_at || slot - grants->piece_at >= grants->piece_slots) {
        fault = grants_file_read(grants, slot_at(slot), grants->piece, (size_t)slots * SLOT_LEN);
        grants->piece_at = slot;
        grants->piece_slots = fault == GRANTS_OK ? slots : 0;
    }
    *bytes = grants->piece + (size_t)(slot - grants->piece_at) * SLOT_LEN;
    return fault;
}

bool grants_next(struct grants *grants, uint64_t *at, struct grant *grant, uint64_t *slot, enum grants_fault *fault)
{
    const uint8_t *bytes;

    *fault = GRANTS_OK;
    for (; *at < grants_file_slots(grants); ++*at) {
        *fault = look(grants, *at, &bytes);
        if (*fault != GRANTS_OK)
            return false;
        const enum record_state state = grants_bytes_decode_slot(bytes, grants->key, *at, grant);
        if (state == RECORD_DAMAGED && *at >= grants->looked_at)
            grants->damaged++;
        if (*at >= grants->looked_at)
            grants->looked_at = *at + 1;
        if (state == RECORD_WHOLE) {
            *slot = (*at)++;
            return true;
        }
    }
    return false;
}

/* Only a slot that bears the names is checked, which takes most of the time. */
enum grants_fault grants_find(struct grants *grants, const struct grants_key *key, struct grant *grant, uint64_t *slot)
{
    const uint8_t *bytes;

    for (*slot = 0; *slot < grants_file_slots(grants); ++*slot) {
        const enum grants_fault fault = look(grants, *slot, &bytes);

        if (fault != GRANTS_OK)
            return fault;
        if (grants_bytes_slot_names(bytes, key) &&
            grants_bytes_decode_slot(bytes, grants->key, *slot, grant) == RECORD_WHOLE)
            return GRANTS_OK;
    }
    *slot = GRANTS_MAX;
    return GRANTS_OK;
}

/* ---- Changing -----------------------------------------------------------------------------------------------------
 */

static enum grants_fault write_slot(struct grants *grants, uint64_t slot, const uint8_t bytes[static SLOT_LEN])
{
    enum grants_fault fault = grants->header_damaged ? grants_file_write_head(grants) : GRANTS_OK;

    if (fault == GRANTS_OK)
        fault = grants_file_note(grants, 1);
    if (fault == GRANTS_OK)
        fault = grants_file_write(grants, slot_at(slot), bytes, SLOT_LEN);
    if (slot >= grants->piece_at && slot - grants->piece_at < grants->piece_slots) {
        if (fault == GRANTS_OK)
            memcpy(grants->piece + (size_t)(slot - grants->piece_at) * SLOT_LEN, bytes, SLOT_LEN);
        else
            grants->piece_slots = 0; /* what is there now has to be seen */
    }
    return fault;
}

/* For this slot, and some behind it, so that they lie together: the kernel gives it or says that there is none. */
static enum grants_fault take_room(struct grants *grants, uint64_t slot)
{
    const uint64_t left = GRANTS_MAX - slot;
    const uint64_t len = (left < ROOM_SLOTS ? left : ROOM_SLOTS) * SLOT_LEN;
    int error;

    if (slot_at(slot + 1) <= grants->file_len)
        return GRANTS_OK;
    do
        error = posix_fallocate(grants->fd, (off_t)slot_at(slot), (off_t)len);
    while (error == EINTR);
    errno = error;
    if (error != 0)
        return GRANTS_CANNOT_WRITE;
    grants->file_len = slot_at(slot) + len;
    return GRANTS_OK;
}

/* The first slot of zeros, or the one behind the last; a damaged one is not free before somebody has said so. */
static enum grants_fault find_free(struct grants *grants, uint64_t *slot)
{
    const uint8_t *bytes;

    for (*slot = grants->first_free; *slot < grants_file_slots(grants); ++*slot) {
        const enum grants_fault fault = look(grants, *slot, &bytes);

        if (fault != GRANTS_OK)
            return fault;
        if (record_is_zero(bytes, SLOT_LEN))
            break;
    }
    grants->first_free = *slot;
    return *slot < GRANTS_MAX ? take_room(grants, *slot) : GRANTS_FULL;
}

enum grants_fault grants_put(struct grants *grants, const struct grant *grant, uint64_t *slot)
{
    uint8_t bytes[SLOT_LEN];
    uint64_t place = *slot;
    enum grants_fault fault = GRANTS_OK;

    if (place == GRANTS_MAX)
        fault = find_free(grants, &place);
    if (fault != GRANTS_OK)
        return fault;
    if (grants_bytes_encode_slot(grant, grants->key, place, bytes) != 0) {
        errno = EINVAL;
        return GRANTS_CANNOT_WRITE;
    }
    fault = write_slot(grants, place, bytes);
    if (fault == GRANTS_OK)
        *slot = place;
    return fault;
}

enum grants_fault grants_remove(struct grants *grants, uint64_t slot)
{
    static const uint8_t empty[SLOT_LEN];
    const enum grants_fault fault = write_slot(grants, slot, empty);

    if (fault == GRANTS_OK && slot < grants->first_free)
        grants->first_free = slot;
    return fault;
}

enum grants_fault grants_repair(struct grants *grants, uint64_t *count)
{
    enum grants_fault fault = grants_file_write_head(grants);
    struct grant grant;
    const uint8_t *bytes;

    *count = 0;
    for (uint64_t slot = 0; fault == GRANTS_OK && slot < grants_file_slots(grants); slot++) {
        fault = look(grants, slot, &bytes);
        if (fault != GRANTS_OK || grants_bytes_decode_slot(bytes, grants->key, slot, &grant) != RECORD_DAMAGED)
            continue;
        fault = grants_remove(grants, slot);
        *count += fault == GRANTS_OK;
    }
    if (fault != GRANTS_OK)
        return fault;
    grants->damaged = 0;
    grants->header_damaged = false;
    return GRANTS_OK;
}

enum grants_fault grants_sync(struct grants *grants)
{
    return fdatasync(grants->fd) == 0 ? GRANTS_OK : GRANTS_CANNOT_WRITE;
}

/* A key of its own, so that no text can be made whose hash is the check of a slot. */
uint64_t grants_tag(const struct grants *grants, const char *text)
{
    static const char *const halves[] = {"tag 1", "tag 2"};
    uint8_t key[SIPHASH_KEY_LEN];

    for (size_t i = 0; i < 2; i++)
        bytes_put(key + 8 * i, 8, siphash(grants->key, (const uint8_t *)halves[i], strlen(halves[i])));
    return siphash(key, (const uint8_t *)text, strlen(text));
}
