/* SPDX-License-Identifier: ISC */
/* See grants_file.h and grants.h; FORMAT.md, "Grants". */
#include "grants_file.h"

#include "create.h"
#include "grants_bytes.h"
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 16    /* for a record that is deleted while it is waited for */
#define NOTE_MS   60000 /* the time is noted so often */

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

uint64_t grants_file_slots(const struct grants *grants)
{
    return grants->file_len <= HEAD_LEN
               ? 0
               : (grants->file_len - HEAD_LEN + GRANTS_BYTES_SLOT_LEN - 1) / GRANTS_BYTES_SLOT_LEN;
}

enum grants_fault grants_file_read(const struct grants *grants, uint64_t offset, uint8_t *bytes, size_t len)
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

enum grants_fault grants_file_write(struct grants *grants, uint64_t offset, const uint8_t *bytes, size_t len)
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
        return GRANTS_OK;
    if (errno == ELOOP || errno == EISDIR)
        return GRANTS_UNSAFE;
    return errno == ENOENT && grants->options.read_only ? GRANTS_ABSENT : GRANTS_CANNOT_OPEN;
}

enum grants_fault grants_file_write_head(struct grants *grants)
{
    struct grants_header header = {.latest_ms = grants->noted_ms};
    uint8_t head[HEAD_LEN];

    memcpy(header.key, grants->key, sizeof header.key);
    grants_bytes_encode_head(&header, head);
    return grants_file_write(grants, 0, head, sizeof head);
}

/* A record that nobody has written to yet, alone. */
static enum grants_fault begin(struct grants *grants)
{
    if (create_random(grants->key, sizeof grants->key) != STORE_OK)
        return GRANTS_CANNOT_CREATE;
    grants->noted_ms = 0;
    return grants_file_write_head(grants) == GRANTS_OK && fsync(grants->fd) == 0 && fsync(grants->dir_fd) == 0
               ? GRANTS_OK
               : GRANTS_CANNOT_CREATE;
}

/* Has nobody written to it yet? Damage is for who holds it to find. */
static enum grants_fault see_if_new(struct grants *grants, bool *is_new)
{
    struct grants_header header;
    uint8_t head[HEAD_LEN];
    bool one_damaged;
    enum grants_fault fault = judge_file(grants->fd, &grants->file_len);

    *is_new = false;
    if (fault != GRANTS_OK || grants->file_len > HEAD_LEN)
        return fault;
    fault = grants_file_read(grants, 0, head, sizeof head);
    *is_new = fault == GRANTS_OK && grants_bytes_decode_head(head, &header, &one_damaged) == RECORD_EMPTY;
    return fault;
}

/* The maker of one that is new may be at work, or was killed. */
static enum grants_fault begin_if_new(struct grants *grants)
{
    bool is_new;
    enum grants_fault fault = see_if_new(grants, &is_new);

    if (fault != GRANTS_OK || !is_new || grants->options.read_only)
        return fault;
    fault = lock(grants, HOLD_ALONE);
    if (fault != GRANTS_OK)
        return fault;
    fault = see_if_new(grants, &is_new);
    if (fault == GRANTS_OK && is_new)
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
    grants->piece = malloc(GRANTS_FILE_PIECE_LEN);
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
static enum grants_fault see_name(const struct grants *grants, bool *has_name)
{
    struct stat named, opened;

    *has_name = false;
    if (fstat(grants->fd, &opened) != 0)
        return GRANTS_CANNOT_OPEN;
    if (fstatat(grants->dir_fd, GRANTS_NAME, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? GRANTS_OK : GRANTS_CANNOT_OPEN;
    *has_name = named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
    return GRANTS_OK;
}

static enum grants_fault hold_named(struct grants *grants, enum hold_way way)
{
    enum grants_fault fault = GRANTS_OK;

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        bool has_name;

        if (grants->fd < 0)
            fault = open_record(grants);
        if (fault == GRANTS_OK)
            fault = lock(grants, way);
        if (fault != GRANTS_OK)
            return fault;
        grants->held = true;
        fault = see_name(grants, &has_name);
        if (fault != GRANTS_OK || has_name)
            return fault == GRANTS_OK ? judge_file(grants->fd, &grants->file_len) : fault;
        grants->held = false;
        close_keeping_errno(&grants->fd);
    }
    errno = ESTALE;
    return GRANTS_CANNOT_OPEN;
}

static enum grants_fault read_head(struct grants *grants)
{
    struct grants_header header;
    uint8_t head[HEAD_LEN];
    enum grants_fault fault = grants_file_read(grants, 0, head, sizeof head);

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
    grants->noted_ms = header.latest_ms;
    return grants_file_slots(grants) <= GRANTS_MAX ? GRANTS_OK : GRANTS_DAMAGED;
}

enum grants_fault grants_file_note(struct grants *grants, uint64_t least_ms)
{
    const uint64_t wall_ms = grants->now.wall_ms < RECORD_TIME_MAX ? grants->now.wall_ms : RECORD_TIME_MAX;

    if (wall_ms < grants->noted_ms + least_ms)
        return GRANTS_OK;
    grants->noted_ms = wall_ms;
    return grants_file_write_head(grants);
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
        (void)grants_file_note(grants, NOTE_MS);
    return GRANTS_OK;
}

void grants_release(struct grants *grants)
{
    if (grants->held)
        hold_release(grants->fd);
    grants->held = false;
}
