/* SPDX-License-Identifier: ISC */
/* See create.h; FORMAT.md, "Crash". */
#include "create.h"

#include "clock.h"
#include "head.h"
#include "hold.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NAME "lockout.new"

uint64_t create_round_places(uint64_t places)
{
    if (places < RECORD_PLACES_MIN)
        return RECORD_PLACES_MIN;
    if (places > RECORD_PLACES_MAX)
        return RECORD_PLACES_MAX;
    return (places + RECORD_BUCKET_SLOTS - 1) / RECORD_BUCKET_SLOTS * RECORD_BUCKET_SLOTS;
}

enum store_fault create_random(void *bytes, size_t len)
{
    ssize_t got;

    /* Without waiting: a machine that has just started may not have any for minutes, and somebody has the lock. */
    do
        got = getrandom(bytes, len, GRND_NONBLOCK);
    while (got < 0 && errno == EINTR);
    if (got >= 0 && (size_t)got < len) {
        errno = EIO; /* up to 256 bytes it gives all or nothing */
        return STORE_NO_RANDOM;
    }
    return got < 0 ? STORE_NO_RANDOM : STORE_OK;
}

/*
 * Nanoseconds since 1970: no table gives out a thousand million seeds in a second, so one that was made later begins
 * behind all that an earlier one gave out, even if the random generator stands still.
 */
uint64_t create_first_seed(void)
{
    return (uint64_t)clock_wall_ns();
}

enum store_fault create_file(int dir_fd, const char *name, int *fd)
{
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        return STORE_CANNOT_CREATE;
    *fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd >= 0 ? STORE_OK : STORE_CANNOT_CREATE;
}

static enum store_fault fill(int fd, uint64_t places, const struct moment *now)
{
    uint8_t head[RECORD_NETWORKS_AT];
    struct record_header header = {.places = places};
    const struct record_counters counters = {.seed = create_first_seed(), .mark = moment_first_mark(now)};

    if (create_random(header.key, sizeof header.key) != STORE_OK)
        return STORE_NO_RANDOM;
    head_encode(&header, &counters, head);
    const ssize_t written = pwrite(fd, head, sizeof head, 0);
    if (written >= 0 && (size_t)written < sizeof head)
        errno = ENOSPC;
    if (written != (ssize_t)sizeof head || ftruncate(fd, (off_t)record_file_len(places)) != 0 || fsync(fd) != 0)
        return STORE_CANNOT_CREATE;
    return STORE_OK;
}

/* Give the finished table its name, unless somebody has the name already. */
static enum store_fault publish(int dir_fd)
{
    int done = renameat2(dir_fd, NEW_NAME, dir_fd, CREATE_TABLE_NAME, RENAME_NOREPLACE);

    if (done != 0 && (errno == EINVAL || errno == ENOSYS)) {
        done = linkat(dir_fd, NEW_NAME, dir_fd, CREATE_TABLE_NAME, 0);
        if (done == 0)
            done = unlinkat(dir_fd, NEW_NAME, 0);
    }
    if (done != 0 && errno != EEXIST)
        return STORE_CANNOT_CREATE;
    return fsync(dir_fd) == 0 ? STORE_OK : STORE_CANNOT_CREATE;
}

static enum store_fault create_alone(int dir_fd, uint64_t places, const struct moment *now)
{
    struct stat info;
    enum store_fault fault;
    int fd = -1;

    if (fstatat(dir_fd, CREATE_TABLE_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return STORE_OK;
    if (errno != ENOENT)
        return STORE_CANNOT_CREATE;
    fault = create_file(dir_fd, NEW_NAME, &fd);
    if (fault == STORE_OK)
        fault = fill(fd, places, now);
    if (fd >= 0) {
        const int error = errno;

        close(fd);
        errno = error;
    }
    return fault == STORE_OK ? publish(dir_fd) : fault;
}

enum store_fault create_table(int dir_fd, const struct create_order *order)
{
    enum store_fault fault;

    switch (hold_file(dir_fd, HOLD_ALONE, order->patience_ms)) {
    case HOLD_FAILED:
        return STORE_CANNOT_LOCK;
    case HOLD_BUSY:
        return STORE_BUSY;
    case HOLD_HELD:
        break;
    }
    fault = create_alone(dir_fd, create_round_places(order->places), &order->now);
    hold_release(dir_fd);
    return fault;
}
