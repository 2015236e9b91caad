/* SPDX-License-Identifier: ISC */
/* See store.h; FORMAT.md, "Locking". */
#include "store.h"

#include "convert.h"
#include "create.h"
#include "head.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 16 /* for a table that is deleted while it is waited for */

static void close_keeping_errno(int fd)
{
    const int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
}

static bool is_trusted_owner(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

/* Whom to be there. False: it belongs to somebody who has no business with it. */
static bool find_owner(const struct stat *info, uid_t keeper, struct owner *owner)
{
    *owner = (struct owner){.other = false};
    if (is_trusted_owner(info->st_uid))
        return true;
    if (geteuid() != 0 || info->st_uid != keeper)
        return false;
    *owner = (struct owner){.other = true, .uid = info->st_uid, .gid = info->st_gid};
    return true;
}

static enum store_fault open_directory(const char *directory, uid_t keeper, struct owner *owner, int *dir_fd)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum store_fault fault = STORE_OK;
    struct stat info;

    *dir_fd = -1;
    if (fd < 0)
        return errno == ENOENT ? STORE_NO_DIRECTORY : STORE_DIRECTORY_CANNOT_OPEN;
    if (fstat(fd, &info) != 0)
        fault = STORE_DIRECTORY_CANNOT_OPEN;
    else if (!find_owner(&info, keeper, owner))
        fault = STORE_DIRECTORY_OWNER;
    else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        fault = STORE_DIRECTORY_OPEN;
    if (fault == STORE_OK)
        *dir_fd = fd;
    else
        close_keeping_errno(fd);
    return fault;
}

enum store_fault store_open_directory(const char *directory, int *dir_fd)
{
    struct owner owner;

    return open_directory(directory, 0, &owner, dir_fd);
}

static enum store_fault judge_file(const struct stat *info)
{
    if (!S_ISREG(info->st_mode))
        return STORE_NOT_REGULAR;
    if (!is_trusted_owner(info->st_uid))
        return STORE_FOREIGN_OWNER;
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return STORE_WRITABLE;
    if ((info->st_mode & S_IRWXO) != 0)
        return STORE_READABLE;
    return STORE_OK;
}

/* Keep the descriptor if the file behind it is one to trust; else it is closed. */
static enum store_fault adopt(struct store *store, int fd)
{
    enum store_fault fault = STORE_CANNOT_OPEN;
    struct stat info;

    if (fstat(fd, &info) == 0)
        fault = judge_file(&info);
    if (fault != STORE_OK) {
        close_keeping_errno(fd);
        return fault;
    }
    store->table_fd = fd;
    store->device = info.st_dev;
    store->inode = info.st_ino;
    return STORE_OK;
}

/* O_NONBLOCK: a FIFO must not make anybody wait. O_NOATIME is the owner's privilege, so it may be refused. */
static int open_file(const struct store *store)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd;

    if (!store->options.read_only)
        return openat(store->dir_fd, CREATE_TABLE_NAME, O_RDWR | flags);
    fd = openat(store->dir_fd, CREATE_TABLE_NAME, O_RDONLY | O_NOATIME | flags);
    if (fd < 0 && errno == EPERM)
        fd = openat(store->dir_fd, CREATE_TABLE_NAME, O_RDONLY | flags);
    return fd;
}

static enum store_fault open_table(struct store *store)
{
    const struct create_order order = {
        .places = store->options.places,
        .now = store->options.now,
        .patience_ms = store->options.patience_ms,
    };

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        const int fd = open_file(store);

        if (fd >= 0)
            return adopt(store, fd);
        if (errno == ELOOP || errno == EISDIR)
            return STORE_NOT_REGULAR;
        if (errno != ENOENT)
            return STORE_CANNOT_OPEN;
        if (store->options.read_only)
            return STORE_ABSENT;
        const enum store_fault fault = create_table(store->dir_fd, &order);
        if (fault != STORE_OK)
            return fault;
    }
    return STORE_VANISHED;
}

enum store_fault store_act(struct store *store)
{
    return owner_begin(&store->owner) == 0 ? STORE_OK : STORE_CANNOT_BE_OWNER;
}

enum store_fault store_open(const struct store_options *options, struct store *store)
{
    enum store_fault fault;

    *store = (struct store){.dir_fd = -1, .table_fd = -1, .options = *options};
    fault = open_directory(options->directory, options->keeper, &store->owner, &store->dir_fd);
    if (fault == STORE_OK)
        fault = store_act(store);
    if (fault == STORE_OK)
        fault = open_table(store);
    owner_end(&store->owner);
    if (fault != STORE_OK)
        store_close(store);
    return fault;
}

void store_close(struct store *store)
{
    close_keeping_errno(store->table_fd);
    close_keeping_errno(store->dir_fd);
    store->table_fd = -1;
    store->dir_fd = -1;
    store->held = false;
    owner_end(&store->owner);
}

/* Lock what is named `lockout` at the moment of having the lock: it may have been deleted or moved while we waited. */
static enum store_fault hold_named(struct store *store, enum hold_way way)
{
    struct stat named;

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        switch (hold_file(store->table_fd, way, store->options.patience_ms)) {
        case HOLD_FAILED:
            return STORE_CANNOT_LOCK;
        case HOLD_BUSY:
            return STORE_BUSY;
        case HOLD_HELD:
            break;
        }
        if (fstatat(store->dir_fd, CREATE_TABLE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            named.st_dev == store->device && named.st_ino == store->inode) {
            store->held = true;
            store->file_len = (uint64_t)named.st_size;
            return STORE_OK;
        }
        close(store->table_fd);
        store->table_fd = -1;
        const enum store_fault fault = open_table(store);
        if (fault != STORE_OK)
            return fault;
    }
    return STORE_VANISHED;
}

enum store_fault store_hold_unread(struct store *store, enum hold_way way)
{
    enum store_fault fault = store_act(store);

    if (fault == STORE_OK && store->table_fd < 0)
        fault = open_table(store);
    if (fault == STORE_OK)
        fault = hold_named(store, way);
    if (fault != STORE_OK)
        owner_end(&store->owner);
    return fault;
}

/* What time is it? A mark that is the first of its boot is written before anything that goes by it. */
static enum store_fault tell_time(struct store *store, enum hold_way way, const struct moment *moment)
{
    bool new_boot;

    store->counters.mark = moment_next_mark(&store->counters.mark, moment, &new_boot);
    store->now_ms = store->counters.mark.table_ms;
    store->now = store->now_ms / 1000;
    return new_boot && way == HOLD_ALONE ? store_write_counters(store) : STORE_OK;
}

static enum store_fault hold_as_is(struct store *store, enum hold_way way, const struct moment *moment)
{
    uint8_t head[RECORD_NETWORKS_AT];
    enum store_fault fault;

    store->now_ms = 0;
    store->now = 0;
    fault = store_hold_unread(store, way);
    if (fault != STORE_OK)
        return fault;
    fault = store_read(store, 0, head, sizeof head);
    if (fault == STORE_OK)
        fault = head_judge(head, store->file_len, &store->header, &store->counters);
    if (fault == STORE_OK && moment != NULL)
        fault = tell_time(store, way, moment);
    if (fault != STORE_OK)
        store_release(store);
    return fault;
}

enum store_fault store_hold(struct store *store, enum hold_way way, const struct moment *moment)
{
    enum store_fault fault = hold_as_is(store, way, moment);

    if (fault != STORE_OLD || store->options.read_only)
        return fault;
    fault = convert_table(store);
    return fault == STORE_OK ? hold_as_is(store, way, moment) : fault;
}

void store_release(struct store *store)
{
    if (store->held)
        hold_release(store->table_fd);
    store->held = false;
    owner_end(&store->owner);
}

enum store_fault store_read(const struct store *store, uint64_t offset, uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t got = pread(store->table_fd, bytes + done, len - done, (off_t)(offset + done));

        if (got == 0)
            return STORE_DAMAGED; /* shorter than it says */
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return STORE_CANNOT_READ;
    }
    return STORE_OK;
}

enum store_fault store_write(const struct store *store, uint64_t offset, const uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t got = pwrite(store->table_fd, bytes + done, len - done, (off_t)(offset + done));

        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0) {
            errno = ENOSPC;
            return STORE_CANNOT_WRITE;
        } else if (errno != EINTR) {
            return STORE_CANNOT_WRITE;
        }
    }
    return STORE_OK;
}

enum store_fault store_write_counters(const struct store *store)
{
    uint8_t bytes[RECORD_LEN];

    record_encode_counters(&store->counters, store->header.key, bytes);
    return store_write(store, RECORD_COUNTERS_AT, bytes, sizeof bytes);
}

enum store_fault store_new_generation(const struct store *store, uint64_t *generation)
{
    uint64_t random = 0;
    const enum store_fault fault = create_random(&random, sizeof random);

    /* Should the random generator stand still: less than 256 times can all strikes be forgotten between two seeds. */
    *generation = random + (store->counters.seed << 8);
    return fault;
}

enum store_fault store_sync(const struct store *store)
{
    return fdatasync(store->table_fd) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

uint64_t store_slot_at(uint64_t index)
{
    return RECORD_HEAD_LEN + index * RECORD_LEN;
}
