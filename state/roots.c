/* SPDX-License-Identifier: ISC */
/* See roots.h. */
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "-root"

/* STATE_DIR-root, without the slashes that STATE_DIR may end in. Returns 0, or -1 with errno. */
static int name_directory(const char *state_dir, char path[static PATH_MAX])
{
    size_t len = strlen(state_dir);

    while (len > 1 && state_dir[len - 1] == '/')
        len--;
    if (snprintf(path, PATH_MAX, "%.*s" SUFFIX, (int)len, state_dir) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static void close_keeping_errno(int fd)
{
    const int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
}

static bool is_trusted(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

/* The directory above it, in which others may not have the say: they could have the name by now, or make it a link. */
static enum roots_result open_above(char *path, char **name, int *above_fd)
{
    char *slash = strrchr(path, '/');
    struct stat info;

    *name = slash + 1;
    *slash = '\0';
    *above_fd = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*above_fd < 0 || fstat(*above_fd, &info) != 0)
        return ROOTS_FAILED;
    if (!is_trusted(info.st_uid) || ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (info.st_mode & S_ISVTX) == 0))
        return ROOTS_OWNER;
    return ROOTS_OK;
}

/* It is root's, and nobody else may so much as look. */
static bool is_private(int dir_fd)
{
    struct stat info;

    return fstat(dir_fd, &info) == 0 && is_trusted(info.st_uid) && (info.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static enum roots_result open_at(int above_fd, const char *name, bool make, int *dir_fd)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    *dir_fd = openat(above_fd, name, flags);
    if (make && *dir_fd < 0 && errno == ENOENT && (mkdirat(above_fd, name, 0700) == 0 || errno == EEXIST))
        *dir_fd = openat(above_fd, name, flags);
    if (*dir_fd < 0)
        return !make && errno == ENOENT ? ROOTS_ABSENT : ROOTS_FAILED;
    if (is_private(*dir_fd))
        return ROOTS_OK;
    close_keeping_errno(*dir_fd);
    *dir_fd = -1;
    return ROOTS_OWNER;
}

enum roots_result roots_open(const char *state_dir, bool make, int *dir_fd)
{
    char path[PATH_MAX];
    int above_fd = -1;
    char *name;
    enum roots_result result;

    *dir_fd = -1;
    if (name_directory(state_dir, path) != 0)
        return ROOTS_FAILED;
    result = open_above(path, &name, &above_fd);
    if (result == ROOTS_OK)
        result = open_at(above_fd, name, make, dir_fd);
    close_keeping_errno(above_fd);
    return result;
}
