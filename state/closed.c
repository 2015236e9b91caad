/* SPDX-License-Identifier: ISC */
/* See closed.h. */
#include "closed.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NAME "closed.new"

static enum store_fault look_for(int dir_fd, const char *name, bool *there)
{
    struct stat info;

    *there = true;
    if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return STORE_OK;
    if (errno != ENOENT)
        return STORE_CLOSED_UNKNOWN;
    *there = false;
    return STORE_OK;
}

/* What closes the door: NULL if nothing does, or the name of the file. */
static enum store_fault find_bar(int dir_fd, enum doors door, const char **name)
{
    enum store_fault fault;
    bool there;

    *name = doors_closed_name(DOOR_EVERY);
    fault = look_for(dir_fd, *name, &there);
    if (fault == STORE_OK && !there && door != DOOR_EVERY) {
        *name = doors_closed_name(door);
        fault = look_for(dir_fd, *name, &there);
    }
    if (fault == STORE_OK && !there)
        *name = NULL;
    return fault;
}

enum store_fault closed_look(int dir_fd, enum doors door, bool *closed)
{
    const char *name;
    const enum store_fault fault = find_bar(dir_fd, door, &name);

    *closed = name != NULL;
    return fault;
}

/* "2026-11-21T20:39:00Z REASON\n" */
static size_t compose(const char *reason, uint64_t now_ms, char line[static CLOSED_LINE_LEN])
{
    size_t len;

    clock_format_utc(now_ms / 1000, line);
    len = strlen(line);
    line[len++] = ' ';
    for (; *reason != '\0' && len < CLOSED_LINE_LEN - 1; reason++)
        line[len++] = *reason >= ' ' && *reason <= '~' ? *reason : '?';
    line[len++] = '\n';
    return len;
}

static int write_line(int dir_fd, const char *line, size_t len)
{
    int result = -1;
    int error;
    int fd;

    if (unlinkat(dir_fd, NEW_NAME, 0) != 0 && errno != ENOENT)
        return -1;
    fd = openat(dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    const ssize_t written = write(fd, line, len);
    if (written >= 0 && (size_t)written < len)
        errno = ENOSPC;
    else if (written >= 0 && fdatasync(fd) == 0)
        result = 0;
    error = errno;
    close(fd);
    errno = error;
    return result;
}

/* Keeps errno. */
static bool is_there(int dir_fd, const char *name)
{
    const int error = errno;
    struct stat info;
    const bool there = fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);

    errno = error;
    return there;
}

static enum store_fault close_alone(int dir_fd, enum doors door, const struct closed_because *closing, bool *was_open)
{
    char line[CLOSED_LINE_LEN];
    bool closed;
    enum store_fault fault;

    fault = closed_look(dir_fd, door, &closed);
    if (fault != STORE_OK || closed)
        return fault;
    /* On a full disk the line is lost, and the door closed all the same: it is the name that closes it. */
    if (write_line(dir_fd, line, compose(closing->reason, closing->now_ms, line)) != 0 && !is_there(dir_fd, NEW_NAME))
        return STORE_CLOSED_FAILED;
    if (renameat(dir_fd, NEW_NAME, dir_fd, doors_closed_name(door)) != 0 || fsync(dir_fd) != 0)
        return STORE_CLOSED_FAILED;
    *was_open = true;
    return STORE_OK;
}

enum store_fault closed_write(int dir_fd, enum doors door, const struct closed_because *closing, bool *was_open)
{
    enum store_fault fault;
    bool did_close = false;

    switch (hold_file(dir_fd, HOLD_ALONE, closing->patience_ms)) {
    case HOLD_FAILED:
        return STORE_CLOSED_FAILED;
    case HOLD_BUSY:
        return STORE_BUSY;
    case HOLD_HELD:
        break;
    }
    fault = close_alone(dir_fd, door, closing, &did_close);
    hold_release(dir_fd);
    if (was_open != NULL)
        *was_open = did_close;
    return fault;
}

enum store_fault closed_remove(int dir_fd)
{
    for (unsigned door = 0; door <= DOOR_EVERY; door++)
        if (unlinkat(dir_fd, doors_closed_name((enum doors)door), 0) != 0 && errno != ENOENT)
            return STORE_CLOSED_FAILED;
    return fsync(dir_fd) == 0 ? STORE_OK : STORE_CLOSED_FAILED;
}

enum store_fault closed_read(int dir_fd, enum doors door, bool *closed, char line[static CLOSED_LINE_LEN])
{
    enum store_fault fault;
    const char *name;
    ssize_t len = -1;
    int fd;

    line[0] = '\0';
    fault = find_bar(dir_fd, door, &name);
    *closed = name != NULL;
    if (fault != STORE_OK || !*closed)
        return fault;
    fd = openat(dir_fd, name, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == EPERM)
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return STORE_OK;
    len = read(fd, line, CLOSED_LINE_LEN - 1);
    close(fd);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?'; /* whoever the directory belongs to can write whatever he likes */
    return STORE_OK;
}
