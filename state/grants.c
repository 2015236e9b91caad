/* SPDX-License-Identifier: ISC */
/* See grants.h; FORMAT.md, "Grants". */
#include "grants.h"

#include "bytes.h"
#include "create.h"
#include "grants_bytes.h"
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX   16    /* for a record that is deleted while it is waited for */
#define PIECE_SLOTS 256   /* that are read at once */
#define ROOM_SLOTS  64    /* for which room is taken at once */
#define NOTE_MS     60000 /* the time is noted so often */

#define SLOT_LEN GRANTS_BYTES_SLOT_LEN
#define HEAD_LEN GRANTS_BYTES_HEAD_LEN

static void close_keeping_errno(int *fd)
{
    const int error = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = error;
}

/* ---- Bytes of the file ------------------------------------------------------------------------------------------- */

static uint64_t slot_at(uint64_t slot)
{
    return HEAD_LEN + slot * SLOT_LEN;
}

/* What is left of a slot that was cut counts as one. */
static uint64_t slot_count(const struct grants *grants)
{
    return grants->file_len <= HEAD_LEN ? 0 : (grants->file_len - HEAD_LEN + SLOT_LEN - 1) / SLOT_LEN;
}

/* len bytes; those that the file does not have are zero. */
static enum grants_fault read_bytes(const struct grants *grants, uint64_t offset, uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t got = pread(grants->fd, bytes + done, len - done, (off_t)(offset + done));

        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return GRANTS_CANNOT_READ;
    }
    memset(bytes + done, 0, len - done);
    return GRANTS_OK;
}

static enum grants_fault write_bytes(struct grants *grants, uint64_t offset, const uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t got = pwrite(grants->fd, bytes + done, len - done, (off_t)(offset + done));

        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0) {
            errno = ENOSPC;
            return GRANTS_CANNOT_WRITE;
        } else if (errno != EINTR) {
            return GRANTS_CANNOT_WRITE;
        }
    }
    if (grants->file_len < offset + len)
        grants->file_len = offset + len;
    return GRANTS_OK;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------
 */

static enum grants_fault lock(const struct grants *grants, enum hold_way way)
{
    switch (hold_file(grants->fd, way, grants->options.patience_ms)) {
    case HOLD_FAILED:
        return GRANTS_CANNOT_LOCK;
    case HOLD_BUSY:
        return GRANTS_BUSY;
    case HOLD_HELD:
        break;
    }
    return GRANTS_OK;
}

static enum grants_fault open_directory(struct grants *grants)
{
    switch (roots_open(grants->options.state_dir, !grants->options.read_only, &grants->dir_fd)) {
    case ROOTS_OK:
        return GRANTS_OK;
    case ROOTS_ABSENT:
        return GRANTS_ABSENT;
    case ROOTS_FAILED:
        return GRANTS_DIRECTORY;
    case ROOTS_OWNER:
        break;
    }
    return GRANTS_DIRECTORY_OWNER;
}

static enum grants_fault judge_file(int fd, uint64_t *len)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return GRANTS_CANNOT_OPEN;
    *len = (uint64_t)info.st_size;
    return S_ISREG(info.st_mode) && (info.st_uid == 0 || info.st_uid == geteuid()) &&
                   (info.st_mode & (S_IRWXG | S_IRWXO)) == 0
               ? GRANTS_OK
               : GRANTS_UNSAFE;
}

/* O_NONBLOCK: a FIFO must not make anybody wait. O_NOATIME is the owner's privilege, so it may be refused. */
static enum grants_fault open_file(struct grants *grants)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

    if (grants->options.read_only) {
        grants->fd = openat(grants->dir_fd, GRANTS_NAME, O_RDONLY | O_NOATIME | flags);
        if (grants->fd < 0 && errno == EPERM)
            grants->fd = openat(grants->dir_fd, GRANTS_NAME, O_RDONLY | flags);
    } else {
        grants->fd = openat(grants->dir_fd, GRANTS_NAME, O_RDWR | O_CREAT | flags, 0600);
    }
    if (grants->fd >= 0)
        return judge_file(grants->fd, &grants->file_len);
    if (errno == ELOOP || errno == EISDIR)
        return GRANTS_UNSAFE;
    return errno == ENOENT && grants->options.read_only ? GRANTS_ABSENT : GRANTS_CANNOT_OPEN;
}

static enum grants_fault write_head(struct grants *grants)
{
    struct grants_header header = {.latest_ms = grants->latest_ms};
    uint8_t head[HEAD_LEN];

    memcpy(header.key, grants->key, sizeof header.key);
    grants_bytes_encode_head(&header, head);
    return write_bytes(grants, 0, head, sizeof head);
}

/* A record that nobody has written to yet, alone. What could not be written is taken back. */
static enum grants_fault begin(struct grants *grants)
{
    if (create_random(grants->key, sizeof grants->key) != STORE_OK)
        return GRANTS_CANNOT_CREATE;
    grants->latest_ms = 0;
    if (write_head(grants) == GRANTS_OK && fsync(grants->fd) == 0 && fsync(grants->dir_fd) == 0)
        return GRANTS_OK;
    const int error = errno;
    (void)!ftruncate(grants->fd, 0);
    errno = error;
    return GRANTS_CANNOT_CREATE;
}

/* One without slots may be new, or its maker was killed. Damage is for who holds it to find. */
static enum grants_fault begin_if_new(struct grants *grants)
{
    struct grants_header header;
    uint8_t head[HEAD_LEN];
    bool one_damaged;
    enum grants_fault fault;

    if (grants->options.read_only || grants->file_len > HEAD_LEN)
        return GRANTS_OK;
    fault = lock(grants, HOLD_ALONE);
    if (fault != GRANTS_OK)
        return fault;
    fault = judge_file(grants->fd, &grants->file_len);
    if (fault == GRANTS_OK)
        fault = read_bytes(grants, 0, head, sizeof head);
    if (fault == GRANTS_OK && grants->file_len <= HEAD_LEN &&
        grants_bytes_decode_head(head, &header, &one_damaged) == RECORD_EMPTY)
        fault = begin(grants);
    hold_release(grants->fd);
    return fault;
}

static enum grants_fault open_record(struct grants *grants)
{
    enum grants_fault fault = open_file(grants);

    if (fault == GRANTS_OK)
        fault = begin_if_new(grants);
    if (fault != GRANTS_OK)
        close_keeping_errno(&grants->fd);
    return fault;
}

enum grants_fault grants_open(const struct grants_options *options, struct grants *grants)
{
    enum grants_fault fault;

    *grants = GRANTS_CLOSED;
    grants->options = *options;
    grants->piece = malloc((size_t)PIECE_SLOTS * SLOT_LEN);
    fault = grants->piece != NULL ? open_directory(grants) : GRANTS_CANNOT_OPEN;
    if (fault == GRANTS_OK)
        fault = open_record(grants);
    if (fault != GRANTS_OK)
        grants_close(grants);
    return fault;
}

void grants_close(struct grants *grants)
{
    close_keeping_errno(&grants->fd);
    close_keeping_errno(&grants->dir_fd);
    free(grants->piece);
    *grants = GRANTS_CLOSED;
}

/* ---- Holding ------------------------------------------------------------------------------------------------------
 */

/* Does the descriptor's file have the name still? It may have been deleted or moved while we waited. */
static bool is_named(const struct grants *grants)
{
    struct stat named, opened;

    return fstatat(grants->dir_fd, GRANTS_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(grants->fd, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static enum grants_fault hold_named(struct grants *grants, enum hold_way way)
{
    enum grants_fault fault;

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        fault = grants->fd >= 0 ? GRANTS_OK : open_record(grants);
        if (fault == GRANTS_OK)
            fault = lock(grants, way);
        if (fault != GRANTS_OK)
            return fault;
        if (is_named(grants)) {
            grants->held = true;
            return judge_file(grants->fd, &grants->file_len);
        }
        close_keeping_errno(&grants->fd);
    }
    errno = ESTALE;
    return GRANTS_CANNOT_OPEN;
}

static enum grants_fault read_head(struct grants *grants)
{
    struct grants_header header;
    uint8_t head[HEAD_LEN];
    enum grants_fault fault = read_bytes(grants, 0, head, sizeof head);

    if (fault != GRANTS_OK)
        return fault;
    switch (grants_bytes_decode_head(head, &header, &grants->header_damaged)) {
    case RECORD_WHOLE:
        break;
    case RECORD_EMPTY:
        return grants->file_len <= HEAD_LEN ? GRANTS_ABSENT : GRANTS_DAMAGED;
    case RECORD_OLD:
    case RECORD_FOREIGN:
        return GRANTS_FOREIGN;
    case RECORD_DAMAGED:
        return GRANTS_DAMAGED;
    }
    memcpy(grants->key, header.key, sizeof grants->key);
    grants->latest_ms = header.latest_ms;
    return slot_count(grants) <= GRANTS_MAX ? GRANTS_OK : GRANTS_DAMAGED;
}

/* In the header, where the wall clock has gone on by so much since it was written. */
static enum grants_fault note_time(struct grants *grants, uint64_t least_ms)
{
    const uint64_t wall_ms = grants->now.wall_ms < RECORD_TIME_MAX ? grants->now.wall_ms : RECORD_TIME_MAX;

    if (wall_ms < grants->latest_ms + least_ms)
        return GRANTS_OK;
    grants->latest_ms = wall_ms;
    return write_head(grants);
}

enum grants_fault grants_hold(struct grants *grants, enum hold_way way, const struct moment *now)
{
    enum grants_fault fault = hold_named(grants, way);

    grants->now = *now;
    grants->damaged = 0;
    grants->looked_at = 0;
    grants->first_free = 0;
    grants->piece_slots = 0;
    if (fault == GRANTS_OK)
        fault = read_head(grants);
    if (fault != GRANTS_OK) {
        grants_release(grants);
        return fault;
    }
    if (way == HOLD_ALONE && !grants->options.read_only)
        (void)note_time(grants, NOTE_MS);
    return GRANTS_OK;
}

void grants_release(struct grants *grants)
{
    if (grants->held)
        hold_release(grants->fd);
    grants->held = false;
}

int grants_lock_fd(const struct grants *grants)
{
    return grants->fd;
}

/* ---- Looking ------------------------------------------------------------------------------------------------------
 */

/* The bytes of a slot, which is there; valid until the next call. */
static enum grants_fault look(struct grants *grants, uint64_t slot, const uint8_t **bytes)
{
    const uint64_t left = slot_count(grants) - slot;
    const uint64_t slots = left < PIECE_SLOTS ? left : PIECE_SLOTS;
    enum grants_fault fault = GRANTS_OK;

    if (slot < grants->piece_at || slot - grants->piece_at >= grants->piece_slots) {
        fault = read_bytes(grants, slot_at(slot), grants->piece, (size_t)slots * SLOT_LEN);
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
    for (; *at < slot_count(grants); ++*at) {
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

    for (*slot = 0; *slot < slot_count(grants); ++*slot) {
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
    enum grants_fault fault = grants->header_damaged ? write_head(grants) : GRANTS_OK;

    if (fault == GRANTS_OK)
        fault = note_time(grants, 1);
    if (fault == GRANTS_OK)
        fault = write_bytes(grants, slot_at(slot), bytes, SLOT_LEN);
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

    for (*slot = grants->first_free; *slot < slot_count(grants); ++*slot) {
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
    enum grants_fault fault = write_head(grants);
    struct grant grant;
    const uint8_t *bytes;

    *count = 0;
    for (uint64_t slot = 0; fault == GRANTS_OK && slot < slot_count(grants); slot++) {
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
