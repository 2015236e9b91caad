/* SPDX-License-Identifier: ISC */
/* See private.h; FORMAT.md, "STATE_DIR-root". */
#include "private.h"

#include "bytes.h"
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX    "-root"
#define SEED_NAME "seed"

/* The file: magic, number, key, check. */
#define MAGIC     "ostseed\n"
#define MAGIC_LEN 8
#define NUMBER_AT 8
#define KEY_AT    16
#define CHECK_AT  32
#define FILE_LEN  40

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

/* It is root's, and nobody else may so much as look; of the directory above it others may not have the say. */
static bool is_roots(int dir_fd)
{
    struct stat info;
    struct stat above;

    if (fstat(dir_fd, &info) != 0 || fstatat(dir_fd, "..", &above, 0) != 0)
        return false;
    return info.st_uid == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) == 0 && above.st_uid == 0 &&
           ((above.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (above.st_mode & S_ISVTX) != 0);
}

static enum store_fault open_directory(const char *state_dir, int *dir_fd)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    char path[PATH_MAX];

    if (name_directory(state_dir, path) != 0)
        return STORE_PRIVATE_FAILED;
    *dir_fd = open(path, flags);
    if (*dir_fd < 0 && errno == ENOENT && (mkdir(path, 0700) == 0 || errno == EEXIST))
        *dir_fd = open(path, flags);
    if (*dir_fd < 0)
        return STORE_PRIVATE_FAILED;
    return is_roots(*dir_fd) ? STORE_OK : STORE_PRIVATE_OWNER;
}

static void encode(const struct private_seed *seed, uint8_t bytes[static FILE_LEN])
{
    memcpy(bytes, MAGIC, MAGIC_LEN);
    bytes_put(bytes + NUMBER_AT, 8, seed->number);
    memcpy(bytes + KEY_AT, seed->key, SIPHASH_KEY_LEN);
    bytes_put(bytes + CHECK_AT, 8, siphash(seed->key, bytes, CHECK_AT));
}

static bool decode(const uint8_t bytes[static FILE_LEN], struct private_seed *seed)
{
    memcpy(seed->key, bytes + KEY_AT, SIPHASH_KEY_LEN);
    seed->number = bytes_get(bytes + NUMBER_AT, 8);
    return memcmp(bytes, MAGIC, MAGIC_LEN) == 0 &&
           bytes_get(bytes + CHECK_AT, 8) == siphash(seed->key, bytes, CHECK_AT);
}

/* What is in the file, or where it is empty, what a new one begins with: then its maker was killed, or is this one. */
static enum store_fault read_seed(int fd, struct private_seed *seed)
{
    uint8_t bytes[FILE_LEN + 1];
    const ssize_t len = pread(fd, bytes, sizeof bytes, 0);

    if (len < 0)
        return STORE_PRIVATE_FAILED;
    if (len == 0) {
        seed->number = create_first_seed();
        return create_random(seed->key, sizeof seed->key);
    }
    return len == FILE_LEN && decode(bytes, seed) ? STORE_OK : STORE_PRIVATE_DAMAGED;
}

static enum store_fault write_seed(int fd, const struct private_seed *seed)
{
    uint8_t bytes[FILE_LEN];
    ssize_t written;

    encode(seed, bytes);
    written = pwrite(fd, bytes, sizeof bytes, 0);
    if (written >= 0 && (size_t)written < sizeof bytes)
        errno = ENOSPC;
    return written == (ssize_t)sizeof bytes ? STORE_OK : STORE_PRIVATE_FAILED;
}

/* With the lock held. */
static enum store_fault count_up(int fd, struct private_seed *seed)
{
    enum store_fault fault = read_seed(fd, seed);

    if (fault != STORE_OK)
        return fault;
    seed->number++;
    return write_seed(fd, seed);
}

static enum store_fault next_in(int dir_fd, unsigned patience_ms, struct private_seed *seed)
{
    const int fd = openat(dir_fd, SEED_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    enum store_fault fault = STORE_PRIVATE_FAILED;

    if (fd < 0)
        return fault;
    switch (hold_file(fd, HOLD_ALONE, patience_ms)) {
    case HOLD_FAILED:
        break;
    case HOLD_BUSY:
        fault = STORE_BUSY;
        break;
    case HOLD_HELD:
        fault = count_up(fd, seed);
        break;
    }
    const int error = errno;
    close(fd); /* and the lock is given back */
    errno = error;
    return fault;
}

enum store_fault private_next_seed(const struct store *store, uint64_t table_number, struct private_seed *seed)
{
    enum store_fault fault;
    int dir_fd = -1;

    if (!store->owner.other) {
        seed->number = table_number;
        memcpy(seed->key, store->header.key, sizeof seed->key);
        return STORE_OK;
    }
    fault = open_directory(store->options.directory, &dir_fd);
    if (fault == STORE_OK)
        fault = next_in(dir_fd, store->options.patience_ms, seed);
    if (dir_fd >= 0) {
        const int error = errno;

        close(dir_fd);
        errno = error;
    }
    return fault;
}
