/* SPDX-License-Identifier: ISC */
/* See private.h; FORMAT.md, "STATE_DIR-root". */
#include "private.h"

#include "bytes.h"
#include "create.h"
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SEED_NAME "seed"

/*
 * Where its numbers begin, beside the clock's. The table's begin at the clock alone, which reaches this in the year
 * 2262: so both never meet, though a clock and a random generator that stand still give the two one beginning and one
 * key.
 */
#define FIRST_BIT (UINT64_C(1) << 63)

/* The file: magic, number, key, check. */
#define MAGIC     "ostseed\n"
#define MAGIC_LEN 8
#define NUMBER_AT 8
#define KEY_AT    16
#define CHECK_AT  32
#define FILE_LEN  40

static void close_keeping_errno(int fd)
{
    const int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
}

/* The caller closes *dir_fd, which is -1 with ROOTS_ABSENT too: then it is not there, and was not to be made. */
static enum store_fault open_directory(const char *state_dir, bool make, int *dir_fd)
{
    switch (roots_open(state_dir, make, dir_fd)) {
    case ROOTS_OK:
    case ROOTS_ABSENT:
        return STORE_OK;
    case ROOTS_FAILED:
        return STORE_PRIVATE_FAILED;
    case ROOTS_OWNER:
        break;
    }
    return STORE_PRIVATE_OWNER;
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
        seed->number = create_first_seed() | FIRST_BIT;
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

/* How the file is used. */
struct use {
    int flags;
    enum hold_way way;
    enum store_fault (*step)(int fd, struct private_seed *seed); /* with the lock held */
};

static enum store_fault use_file(int dir_fd, const struct use *use, unsigned patience_ms, struct private_seed *seed)
{
    const int fd = openat(dir_fd, SEED_NAME, use->flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    enum store_fault fault = STORE_PRIVATE_FAILED;

    if (fd < 0)
        return fault;
    switch (hold_file(fd, use->way, patience_ms)) {
    case HOLD_FAILED:
        break;
    case HOLD_BUSY:
        fault = STORE_BUSY;
        break;
    case HOLD_HELD:
        fault = use->step(fd, seed);
        break;
    }
    close_keeping_errno(fd); /* and the lock is given back */
    return fault;
}

enum store_fault private_next_seed(const struct store *store, uint64_t table_number, struct private_seed *seed)
{
    static const struct use next = {O_RDWR | O_CREAT, HOLD_ALONE, count_up};
    enum store_fault fault;
    int dir_fd;

    if (!store->owner.other) {
        seed->number = table_number;
        memcpy(seed->key, store->header.key, sizeof seed->key);
        return STORE_OK;
    }
    fault = open_directory(store->options.directory, true, &dir_fd);
    if (fault == STORE_OK)
        fault = use_file(dir_fd, &next, store->options.patience_ms, seed);
    close_keeping_errno(dir_fd);
    return fault;
}

enum store_fault private_look(const char *state_dir, unsigned patience_ms)
{
    static const struct use look = {O_RDONLY, HOLD_SHARED, read_seed};
    struct private_seed seed;
    int dir_fd;
    enum store_fault fault = open_directory(state_dir, false, &dir_fd);

    if (fault == STORE_OK && dir_fd >= 0)
        fault = use_file(dir_fd, &look, patience_ms, &seed);
    if (fault == STORE_PRIVATE_FAILED && dir_fd >= 0 && errno == ENOENT)
        fault = STORE_OK; /* the first handler makes it */
    close_keeping_errno(dir_fd);
    explicit_bzero(&seed, sizeof seed);
    return fault;
}
