/* SPDX-License-Identifier: ISC */
/*
 * Loaded into the handler with LD_PRELOAD, to count and to break what cannot be broken from outside.
 *
 * OSTIARY_TEST_TALLY=FILE  append "setkey LEN" for each HMAC key that libgcrypt is given
 * OSTIARY_TEST_BREAK=NAME  NAME fails, or pretends to have worked and does nothing:
 *     getrandom                       fails with EIO
 *     getrandom-32                    fails with EIO where 32 bytes are wanted, as for a seed
 *     setgroups setresgid setresuid   return 0 and change nothing (initgroups goes with setgroups)
 *     mlock                           fails with ENOMEM
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Kept here: the handler may clear its environment. */
static char broken[32];
static char tally[512];

__attribute__((constructor)) static void remember(void)
{
    const char *value = getenv("OSTIARY_TEST_BREAK");

    if (value != NULL)
        snprintf(broken, sizeof(broken), "%s", value);
    value = getenv("OSTIARY_TEST_TALLY");
    if (value != NULL)
        snprintf(tally, sizeof(tally), "%s", value);
}

static bool is_broken(const char *name)
{
    return strcmp(broken, name) == 0;
}

/* The function that this one stands before. dlsym gives an object pointer, which ISO C cannot cast to a function. */
static void next(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

gcry_error_t gcry_md_setkey(gcry_md_hd_t md, const void *key, size_t len)
{
    gcry_error_t (*function)(gcry_md_hd_t, const void *, size_t);

    if (tally[0] != '\0') {
        char line[32];
        const int used = snprintf(line, sizeof(line), "setkey %zu\n", len);
        const int fd = open(tally, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, line, (size_t)used) != used)
            abort();
        close(fd);
    }
    next("gcry_md_setkey", &function);
    return function(md, key, len);
}

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    ssize_t (*function)(void *, size_t, unsigned);

    if (is_broken("getrandom") || (len == 32 && is_broken("getrandom-32"))) {
        errno = EIO;
        return -1;
    }
    next("getrandom", &function);
    return function(bytes, len, flags);
}

int mlock(const void *address, size_t len)
{
    int (*function)(const void *, size_t);

    if (is_broken("mlock")) {
        errno = ENOMEM;
        return -1;
    }
    next("mlock", &function);
    return function(address, len);
}

int setgroups(size_t count, const gid_t *groups)
{
    int (*function)(size_t, const gid_t *);

    if (is_broken("setgroups"))
        return 0;
    next("setgroups", &function);
    return function(count, groups);
}

int initgroups(const char *user, gid_t group)
{
    int (*function)(const char *, gid_t);

    if (is_broken("setgroups"))
        return 0;
    next("initgroups", &function);
    return function(user, group);
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    int (*function)(gid_t, gid_t, gid_t);

    if (is_broken("setresgid"))
        return 0;
    next("setresgid", &function);
    return function(real, effective, saved);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    int (*function)(uid_t, uid_t, uid_t);

    if (is_broken("setresuid"))
        return 0;
    next("setresuid", &function);
    return function(real, effective, saved);
}
