/* SPDX-License-Identifier: ISC */
/*
 * Loaded into a program with LD_PRELOAD: one call does half of what it was asked for, and says so. It is really done:
 * what strace could inject would be a lie about the other half.
 *
 * OSTIARY_FAULT_SHORT=NAME:N  the Nth call of NAME (read, pread, pwrite, write, send, recv, getrandom) that is for more
 *                             than one byte
 * OSTIARY_FAULT_MARK=FILE     is created when it does, so that the caller knows when N has passed the last one
 *
 * Calls within the C library, as of stdio, do not come by here. A local socket takes a message whole, or not at all.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Called by what the compiler makes of these where it knows the size of the buffer. */
extern ssize_t __read_chk(int fd, void *bytes, size_t len, size_t room);
extern ssize_t __pread_chk(int fd, void *bytes, size_t len, off_t offset, size_t room);
extern ssize_t __recv_chk(int fd, void *bytes, size_t len, size_t room, int flags);

/* Kept here: the program may clear its environment. */
static char chosen[16];
static const char *mark_path;
static unsigned long left;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("OSTIARY_FAULT_SHORT");
    const size_t len = text == NULL ? 0 : strcspn(text, ":");

    mark_path = getenv("OSTIARY_FAULT_MARK");
    if (mark_path == NULL || len == 0 || len >= sizeof(chosen))
        return;
    memcpy(chosen, text, len);
    left = strtoul(text + len + 1, NULL, 10);
}

/* The function that this one stands before. dlsym gives an object pointer, which ISO C cannot cast to a function. */
static void next(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

/* How much of len is to be done. */
static size_t cut(const char *name, size_t len)
{
    if (len < 2 || strcmp(chosen, name) != 0 || left == 0 || --left != 0)
        return len;
    close(open(mark_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return len / 2;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    ssize_t (*function)(int, void *, size_t);

    next("read", &function);
    return function(fd, bytes, cut("read", len));
}

ssize_t __read_chk(int fd, void *bytes, size_t len, size_t room)
{
    return len <= room ? read(fd, bytes, len) : -1;
}

ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    ssize_t (*function)(int, void *, size_t, off_t);

    next("pread", &function);
    return function(fd, bytes, cut("pread", len), offset);
}

ssize_t __pread_chk(int fd, void *bytes, size_t len, off_t offset, size_t room)
{
    return len <= room ? pread(fd, bytes, len, offset) : -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    ssize_t (*function)(int, const void *, size_t, off_t);

    next("pwrite", &function);
    return function(fd, bytes, cut("pwrite", len), offset);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    ssize_t (*function)(int, const void *, size_t);

    next("write", &function);
    return function(fd, bytes, cut("write", len));
}

static bool is_local(int fd)
{
    int domain = 0;
    socklen_t len = sizeof(domain);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    ssize_t (*function)(int, const void *, size_t, int);

    next("send", &function);
    return function(fd, bytes, is_local(fd) ? len : cut("send", len), flags);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    ssize_t (*function)(int, void *, size_t, int);

    next("recv", &function);
    return function(fd, bytes, cut("recv", len), flags);
}

ssize_t __recv_chk(int fd, void *bytes, size_t len, size_t room, int flags)
{
    return len <= room ? recv(fd, bytes, len, flags) : -1;
}

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    ssize_t (*function)(void *, size_t, unsigned);

    next("getrandom", &function);
    return function(bytes, cut("getrandom", len), flags);
}
