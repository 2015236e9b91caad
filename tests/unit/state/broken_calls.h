/* SPDX-License-Identifier: ISC */
/*
 * The functions of the C library that state/ calls for the kernel, in front of the real ones: whichever call one asks
 * for fails, and however. For the one file of a test program, before all other headers.
 */
#ifndef OSTIARY_BROKEN_CALLS_H
#define OSTIARY_BROKEN_CALLS_H

#undef _FORTIFY_SOURCE /* its inline functions would stand in the way of ours */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A way to fail. ENOENT is for openat alone: of other calls it would be an answer, and a lie. */
struct way {
    const char *name;
    const char *only; /* the one call that fails so; NULL: any */
    int error;        /* what it gives; 0: it transfers less than it was asked to, see part */
    int later;        /* what all later ones of the same name give; 0: only one fails */
    bool all_later;   /* and those of other names too */
    bool nothing;     /* error 0: it transfers nothing at all */
};

static const struct way ways[] = {
    {"fails once with EIO", .error = EIO},
    {"fails once with EPERM", .error = EPERM},
    {"fails once with EINVAL", .error = EINVAL},
    {"is interrupted once", .error = EINTR},
    {"is interrupted, and then fails for ever", .error = EINTR, .later = EIO},
    {"finds the disk full from then on", .error = ENOSPC, .later = ENOSPC},
    {"is the first of all that fail", .error = EIO, .later = EIO, .all_later = true},
    {"is not supported, and whatever comes instead fails", .error = EINVAL, .later = EIO, .all_later = true},
    {"is not known to the kernel", .error = ENOSYS},
    {"fails for ever with ENOENT", .only = "openat", .error = ENOENT, .later = ENOENT},
    {.name = "transfers only half"},
    {"writes nothing", .only = "pwrite", .nothing = true},
};

static struct {
    unsigned nth;     /* the call that fails, from 1; 0: none */
    unsigned seen;    /* so far */
    const char *call; /* the name of the one that failed; NULL: none yet */
    struct way how;
} broken;

static bool is_to_fail(const char *call)
{
    if (broken.nth == 0 || (broken.how.only != NULL && strcmp(broken.how.only, call) != 0))
        return false;
    broken.seen++;
    if (broken.seen == broken.nth)
        broken.call = call;
    return broken.seen >= broken.nth;
}

static bool fails(const char *call)
{
    if (broken.how.error == 0 || !is_to_fail(call))
        return false;
    if (broken.seen > broken.nth && !broken.how.all_later && strcmp(call, broken.call) != 0)
        return false;
    errno = broken.seen == broken.nth ? broken.how.error : broken.how.later;
    return errno != 0;
}

/* How much of so many bytes is read or written. */
static size_t part(const char *call, size_t len)
{
    if (broken.how.error != 0 || len < 2 || !is_to_fail(call) || broken.seen != broken.nth)
        return len;
    return broken.how.nothing ? 0 : len / 2;
}

int open(const char *path, int flags, ...)
{
    return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("openat") ? -1 : (int)syscall(SYS_openat, fd, path, flags, mode);
}

int fstat(int fd, struct stat *info)
{
    return fails("fstat") ? -1 : (int)syscall(SYS_newfstatat, fd, "", info, AT_EMPTY_PATH);
}

int fstatat(int fd, const char *path, struct stat *info, int flags)
{
    return fails("fstatat") ? -1 : (int)syscall(SYS_newfstatat, fd, path, info, flags);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    return fails("pread") ? -1 : syscall(SYS_pread64, fd, bytes, part("pread", len), offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return fails("pwrite") ? -1 : syscall(SYS_pwrite64, fd, bytes, part("pwrite", len), offset);
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return fails("read") ? -1 : syscall(SYS_read, fd, bytes, part("read", len));
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return fails("write") ? -1 : syscall(SYS_write, fd, bytes, part("write", len));
}

/* The same bytes each time, so that the files of two runs can be compared. */
ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    const size_t count = part("getrandom", len);

    (void)flags;
    if (fails("getrandom"))
        return -1;
    memset(bytes, 0x5a, count);
    return (ssize_t)count;
}

/* A lock can always be given back. */
int flock(int fd, int operation)
{
    return operation != LOCK_UN && fails("flock") ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int ftruncate(int fd, off_t len)
{
    return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

/* Nothing here is about the power supply. */
int fsync(int fd)
{
    (void)fd;
    return fails("fsync") ? -1 : 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return fails("fdatasync") ? -1 : 0;
}

/* It gives the error, and errno is nothing to it. */
int posix_fallocate(int fd, off_t offset, off_t len)
{
    const int error = errno;
    const int result = fails("posix_fallocate") || syscall(SYS_fallocate, fd, 0, offset, len) != 0 ? errno : 0;

    errno = error;
    return result;
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return fails("mkdirat") ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int unlinkat(int fd, const char *path, int flags)
{
    return fails("unlinkat") ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return fails("linkat") ? -1 : (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return fails("renameat") ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return fails("renameat2") ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

#endif
