/* SPDX-License-Identifier: ISC */
/*
 * Loaded into the handler with LD_PRELOAD: time that stands still, chance that does not exist, and a witness of what
 * was asked for. With OSTIARY_TEST_FROZEN the seed counter of the table is all that differs between two handlers.
 *
 * OSTIARY_TEST_CLOCK=MS    CLOCK_REALTIME stands at so many milliseconds since 1970, which may be negative; so does
 *                          CLOCK_BOOTTIME: the machine was started in 1970, and its clock was right ever since
 * OSTIARY_TEST_AHEAD=MS    but for CLOCK_REALTIME, which was set forward by so much since; or back
 * OSTIARY_TEST_FROZEN=1    so do all other clocks, random bytes are zero, and every process is number 1
 * OSTIARY_TEST_CHANCE=N    so many getrandom calls work, and all later ones fail with EIO
 * OSTIARY_TEST_CALLS=FILE  append "gcrypt" when libgcrypt is initialised, and "random LEN" for each getrandom
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000

/* Kept here: the handler may clear its environment. */
static bool clock_stands;
static bool frozen;
static long chances = LONG_MAX;
static long long clock_ms;
static long long ahead_ms;
static char calls[512];

__attribute__((constructor)) static void remember(void)
{
    const char *value = getenv("OSTIARY_TEST_CLOCK");

    if (value != NULL) {
        clock_stands = true;
        clock_ms = strtoll(value, NULL, 10);
    }
    value = getenv("OSTIARY_TEST_AHEAD");
    if (value != NULL)
        ahead_ms = strtoll(value, NULL, 10);
    frozen = getenv("OSTIARY_TEST_FROZEN") != NULL;
    value = getenv("OSTIARY_TEST_CHANCE");
    if (value != NULL)
        chances = strtol(value, NULL, 10);
    value = getenv("OSTIARY_TEST_CALLS");
    if (value != NULL)
        snprintf(calls, sizeof(calls), "%s", value);
}

static void witness(const char *line)
{
    const size_t len = strlen(line);
    int fd;

    if (calls[0] == '\0')
        return;
    fd = open(calls, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, len) != (ssize_t)len)
        abort();
    close(fd);
}

/* The function that this one stands before. dlsym gives an object pointer, which ISO C cannot cast to a function. */
static void next(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

/* The same for libgcrypt, which the handler loads for itself: it is not behind this object, where RTLD_NEXT looks. */
static void next_gcrypt(const char *name, void *function)
{
    void *library = dlopen("libgcrypt.so.20", RTLD_LAZY | RTLD_NOLOAD);
    void *found = library != NULL ? dlsym(library, name) : NULL;

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
    dlclose(library);
}

/* Below zero, too, the nanoseconds count upwards. */
static void stand_at(long long ms, struct timespec *now)
{
    const long long second = ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);

    now->tv_sec = (time_t)second;
    now->tv_nsec = (long)(ms - second * 1000) * NS_PER_MS;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*function)(clockid_t, struct timespec *);

    if (clock_stands && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME || frozen)) {
        stand_at(clock == CLOCK_REALTIME ? clock_ms + ahead_ms : clock_ms, now);
        return 0;
    }
    next("clock_gettime", &function);
    return function(clock, now);
}

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    ssize_t (*function)(void *, size_t, unsigned);

    char line[32];

    snprintf(line, sizeof(line), "random %zu\n", len);
    witness(line);
    if (chances-- <= 0) {
        errno = EIO;
        return -1;
    }
    if (frozen) {
        memset(bytes, 0, len);
        return (ssize_t)len;
    }
    next("getrandom", &function);
    return function(bytes, len, flags);
}

pid_t getpid(void)
{
    pid_t (*function)(void);

    if (frozen)
        return 1;
    next("getpid", &function);
    return function();
}

const char *gcry_check_version(const char *wanted)
{
    const char *(*function)(const char *);

    witness("gcrypt\n");
    next_gcrypt("gcry_check_version", &function);
    return function(wanted);
}
