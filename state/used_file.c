/* SPDX-License-Identifier: ISC */
/* See used_file.h and used.h; FORMAT.md, "Used codes and secrets". */
#include "used_file.h"

#include "create.h"
#include "roots.h"
#include "used_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NAME      "used.new"
#define LOOKS_MAX     3 /* at a record that is being written */
#define LOOK_PAUSE_MS 2
#define TRIES_MAX     16 /* for a record that is removed while it is waited for */

#define HEAD_LEN USED_BYTES_HEAD_LEN
#define SLOT_LEN USED_BYTES_SLOT_LEN

static void close_keeping_errno(int *fd)
{
    const int error = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = error;
}

/* ---- Bytes of the file ------------------------------------------------------------------------------------------- */

static uint64_t slot_at(uint64_t number)
{
    return HEAD_LEN + number * SLOT_LEN;
}

/* Returns how many of the bytes the file has, or -1 with errno. */
static ssize_t read_at(int fd, uint64_t offset, uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t got = pread(fd, bytes + done, len - done, (off_t)(offset + done));

        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

/* One pwrite, which does not straddle a page: a kill leaves all of it or nothing. */
static enum used_fault write_at(int fd, uint64_t offset, const uint8_t *bytes, size_t len)
{
    ssize_t written;

    do
        written = pwrite(fd, bytes, len, (off_t)offset);
    while (written < 0 && errno == EINTR);
    if (written >= 0 && (size_t)written < len)
        errno = ENOSPC;
    return written == (ssize_t)len ? USED_OK : USED_CANNOT_WRITE;
}

enum used_fault used_file_write_head(const struct used *used)
{
    struct used_header header = {.slots = used->slots, .floor_s = used->floor_s};
    uint8_t head[HEAD_LEN];

    memcpy(header.key, used->key, sizeof header.key);
    used_bytes_encode_head(&header, head);
    return write_at(used->fd, 0, head, sizeof head);
}

enum used_fault used_file_write_slot(struct used *used, uint64_t number, const uint8_t bytes[static SLOT_LEN])
{
    const enum used_fault fault = write_at(used->fd, slot_at(number), bytes, SLOT_LEN);

    if (fault == USED_OK && number < used->slots)
        memcpy(used->bytes + number * SLOT_LEN, bytes, SLOT_LEN);
    return fault;
}

enum used_fault used_sync(const struct used *used)
{
    return fdatasync(used->fd) == 0 ? USED_OK : USED_CANNOT_WRITE;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static enum used_fault lock(int fd, enum hold_way way, unsigned patience_ms)
{
    switch (hold_file(fd, way, patience_ms)) {
    case HOLD_FAILED:
        return USED_CANNOT_LOCK;
    case HOLD_BUSY:
        return USED_BUSY;
    case HOLD_HELD:
        break;
    }
    return USED_OK;
}

static enum used_fault open_roots(struct used *used)
{
    switch (roots_open(used->options.state_dir, !used->options.read_only, &used->dir_fd)) {
    case ROOTS_OK:
        return USED_OK;
    case ROOTS_ABSENT:
        return USED_ABSENT;
    case ROOTS_FAILED:
        return USED_DIRECTORY;
    case ROOTS_OWNER:
        break;
    }
    return USED_DIRECTORY_OWNER;
}

/* In STATE_DIR root works as whoever has the directory, if that is another: he can do what he likes in there. */
static enum used_fault open_shared(struct used *used)
{
    struct stat info;

    used->dir_fd = open(used->options.state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (used->dir_fd < 0 || fstat(used->dir_fd, &info) != 0)
        return USED_DIRECTORY;
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return USED_DIRECTORY_OWNER;
    if (info.st_uid == geteuid())
        return USED_OK;
    if (geteuid() != 0)
        return USED_DIRECTORY_OWNER;
    used->owner = (struct owner){.other = true, .uid = info.st_uid, .gid = info.st_gid};
    return USED_OK;
}

static enum used_fault judge_file(int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return USED_CANNOT_OPEN;
    return S_ISREG(info.st_mode) && (info.st_uid == 0 || info.st_uid == geteuid()) &&
                   (info.st_mode & (S_IRWXG | S_IRWXO)) == 0
               ? USED_OK
               : USED_UNSAFE;
}

/* O_NONBLOCK: a FIFO must not make anybody wait. */
static enum used_fault open_file(struct used *used)
{
    const int way = used->options.read_only ? O_RDONLY : O_RDWR;

    used->fd = openat(used->dir_fd, USED_NAME, way | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (used->fd >= 0)
        return judge_file(used->fd);
    if (errno == ENOENT)
        return USED_ABSENT;
    return errno == ELOOP || errno == EISDIR ? USED_UNSAFE : USED_CANNOT_OPEN;
}

/* An empty one that is whole, under another name. */
static enum used_fault make_file(const struct used *used)
{
    struct used made = {.floor_s = used->options.floor_s};
    enum used_fault fault = USED_CANNOT_CREATE;

    if (create_file(used->dir_fd, NEW_NAME, &made.fd) == STORE_OK &&
        create_random(made.key, sizeof made.key) == STORE_OK && used_file_write_head(&made) == USED_OK &&
        fsync(made.fd) == 0)
        fault = USED_OK;
    close_keeping_errno(&made.fd);
    return fault;
}

/* Under the lock of the directory; replaces says whether one that is there goes. */
static enum used_fault create(struct used *used, bool replaces)
{
    enum used_fault fault = lock(used->dir_fd, HOLD_ALONE, used->options.patience_ms);
    struct stat info;

    if (fault != USED_OK)
        return fault;
    if (replaces || fstatat(used->dir_fd, USED_NAME, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        fault = make_file(used);
        if (fault == USED_OK &&
            (renameat2(used->dir_fd, NEW_NAME, used->dir_fd, USED_NAME, 0) != 0 || fsync(used->dir_fd) != 0))
            fault = USED_CANNOT_CREATE;
    }
    hold_release(used->dir_fd);
    return fault;
}

static enum used_fault open_record(struct used *used)
{
    enum used_fault fault = open_file(used);

    for (unsigned i = 0; fault == USED_ABSENT && !used->options.read_only && i < TRIES_MAX; i++) {
        fault = create(used, false);
        if (fault == USED_OK)
            fault = open_file(used);
    }
    if (fault != USED_OK)
        close_keeping_errno(&used->fd);
    return fault;
}

enum used_fault used_open(const struct used_options *options, struct used *used)
{
    enum used_fault fault;

    *used = USED_CLOSED;
    used->options = *options;
    fault = options->shared ? open_shared(used) : open_roots(used);
    if (fault != USED_OK)
        used_close(used);
    return fault;
}

void used_close(struct used *used)
{
    used_release(used);
    close_keeping_errno(&used->fd);
    close_keeping_errno(&used->dir_fd);
    *used = USED_CLOSED;
}

/* ---- Holding ----------------------------------------------------------------------------------------------------- */

/* Does the descriptor's file have the name still? It may have been removed or replaced while we waited. */
static bool has_name(const struct used *used)
{
    struct stat named, opened;

    return fstat(used->fd, &opened) == 0 && fstatat(used->dir_fd, USED_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static enum used_fault hold_named(struct used *used, enum hold_way way)
{
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        enum used_fault fault = used->fd >= 0 ? USED_OK : open_record(used);

        if (fault == USED_OK && !used->options.unlocked)
            fault = lock(used->fd, way, used->options.patience_ms);
        if (fault != USED_OK)
            return fault;
        used->held = true;
        if (has_name(used))
            return USED_OK;
        used->held = false;
        close_keeping_errno(&used->fd);
    }
    errno = ESTALE;
    return USED_CANNOT_OPEN;
}

static enum used_fault read_head(struct used *used)
{
    struct used_header header;
    uint8_t head[HEAD_LEN] = {0};

    if (read_at(used->fd, 0, head, sizeof head) < 0)
        return USED_CANNOT_READ;
    switch (used_bytes_decode_head(head, &header, &used->header_damaged)) {
    case RECORD_WHOLE:
        break;
    case RECORD_FOREIGN:
    case RECORD_OLD:
        return USED_FOREIGN;
    case RECORD_EMPTY:
    case RECORD_DAMAGED:
        return USED_DAMAGED;
    }
    memcpy(used->key, header.key, sizeof used->key);
    used->slots = header.slots;
    used->floor_s = header.floor_s;
    return USED_OK;
}

enum used_fault used_file_read_slots(struct used *used)
{
    const size_t len = (size_t)used->slots * SLOT_LEN;
    ssize_t got;

    free(used->bytes);
    used->bytes = malloc(len + 1);
    if (used->bytes == NULL)
        return USED_CANNOT_READ;
    got = read_at(used->fd, HEAD_LEN, used->bytes, len);
    if (got < 0)
        return USED_CANNOT_READ;
    /* What a file that was cut has lost is damaged: not a byte of it is what somebody has written. */
    memset(used->bytes + (size_t)got / SLOT_LEN * SLOT_LEN, 0xff, len - (size_t)got / SLOT_LEN * SLOT_LEN);
    return USED_OK;
}

static enum used_fault read_all(struct used *used)
{
    enum used_fault fault = read_head(used);

    return fault == USED_OK ? used_file_read_slots(used) : fault;
}

/* Without the lock a record that is being written looks damaged for a moment. */
static enum used_fault read_unlocked(struct used *used)
{
    enum used_fault fault = read_all(used);

    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        struct used_totals totals = {0};

        if (fault == USED_OK)
            used_count(used, &totals);
        if (fault != USED_DAMAGED && totals.damaged == 0)
            break;
        poll(NULL, 0, LOOK_PAUSE_MS);
        fault = read_all(used);
    }
    return fault;
}

enum used_fault used_hold(struct used *used, enum hold_way way)
{
    enum used_fault fault = owner_begin(&used->owner) == 0 ? USED_OK : USED_CANNOT_BE_OWNER;

    if (fault == USED_OK)
        fault = hold_named(used, way);
    if (fault == USED_OK)
        fault = used->options.unlocked ? read_unlocked(used) : read_all(used);
    if (fault != USED_OK)
        used_release(used);
    return fault;
}

void used_release(struct used *used)
{
    if (used->held && !used->options.unlocked)
        hold_release(used->fd);
    used->held = false;
    free(used->bytes);
    used->bytes = NULL;
    owner_end(&used->owner);
}

enum used_fault used_file_begin_anew(struct used *used, uint64_t floor_s)
{
    enum used_fault fault = owner_begin(&used->owner) == 0 ? USED_OK : USED_CANNOT_BE_OWNER;

    used->options.floor_s = floor_s;
    if (fault == USED_OK)
        fault = create(used, true);
    close_keeping_errno(&used->fd);
    owner_end(&used->owner);
    return fault;
}
