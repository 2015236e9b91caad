/* SPDX-License-Identifier: ISC */
/*
 * Loaded into one of the programs with LD_PRELOAD, to count and to break what cannot be broken from outside.
 *
 * OSTIARY_TEST_TALLY=FILE  append "setkey LEN" for each HMAC key that libgcrypt is given
 * OSTIARY_TEST_BREAK=NAME  NAME fails, or pretends to have worked and does nothing:
 *     getrandom                       fails with EIO
 *     getrandom-32                    fails with EIO where 32 bytes are wanted, as for a seed
 *     setgroups setresgid setresuid   return 0 and change nothing (initgroups goes with setgroups)
 *     mlock mlock-N                   fails with ENOMEM: each time, or the Nth, up to 9
 *     tcsetattr                       fails with EIO
 *     hang-getpwnam_r hang-getgrouplist
 *                                     take an hour
 *     deaf-getpwnam_r                 takes an hour, and no signal comes through
 *     abort-gcry_md_open              ends the process, as libgcrypt does where it cannot go on
 *     sd_journal_add_match sd_journal_seek_tail sd_journal_next sd_journal_wait
 *                                     give -EIO
 *     clock-N                         the Nth reading of the wall clock fails with EINVAL
 *     close-N                         works, and when it ends a connection, the tally gets "close 0" and N s pass first
 *     sleep                           clock_nanosleep is interrupted at once the first time, and else over at once; the
 *                                     tally gets "sleep MS"
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
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

static void count(const char *what, size_t number)
{
    char line[32];
    int used, fd;

    if (tally[0] == '\0')
        return;
    used = snprintf(line, sizeof(line), "%s %zu\n", what, number);
    fd = open(tally, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)used) != used)
        abort();
    close(fd);
}

gcry_error_t gcry_md_setkey(gcry_md_hd_t md, const void *key, size_t len)
{
    gcry_error_t (*function)(gcry_md_hd_t, const void *, size_t);

    count("setkey", len);
    next_gcrypt("gcry_md_setkey", &function);
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
    static int calls;

    calls++;
    if (is_broken("mlock") || (strncmp(broken, "mlock-", 6) == 0 && broken[6] == (char)('0' + calls))) {
        errno = ENOMEM;
        return -1;
    }
    next("mlock", &function);
    return function(address, len);
}

static void hang(void)
{
    const struct timespec hour = {.tv_sec = 3600};

    while (nanosleep(&hour, NULL) != 0)
        continue;
}

int getpwnam_r(const char *name, struct passwd *entry, char *room, size_t len, struct passwd **found)
{
    int (*function)(const char *, struct passwd *, char *, size_t, struct passwd **);
    sigset_t all;

    if (is_broken("deaf-getpwnam_r")) {
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        hang();
    }
    if (is_broken("hang-getpwnam_r"))
        hang();
    next("getpwnam_r", &function);
    return function(name, entry, room, len, found);
}

int getgrouplist(const char *name, gid_t gid, gid_t *groups, int *count)
{
    int (*function)(const char *, gid_t, gid_t *, int *);

    if (is_broken("hang-getgrouplist"))
        hang();
    next("getgrouplist", &function);
    return function(name, gid, groups, count);
}

gcry_error_t gcry_md_open(gcry_md_hd_t *md, int algorithm, unsigned flags)
{
    gcry_error_t (*function)(gcry_md_hd_t *, int, unsigned);

    if (is_broken("abort-gcry_md_open"))
        abort();
    next_gcrypt("gcry_md_open", &function);
    return function(md, algorithm, flags);
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

/* As in the headers of libsystemd: what the journal is, is not looked at. */
int sd_journal_add_match(void *journal, const void *data, size_t len);
int sd_journal_seek_tail(void *journal);
int sd_journal_next(void *journal);
int sd_journal_wait(void *journal, uint64_t timeout);

int sd_journal_add_match(void *journal, const void *data, size_t len)
{
    int (*function)(void *, const void *, size_t);

    if (is_broken("sd_journal_add_match"))
        return -EIO;
    next("sd_journal_add_match", &function);
    return function(journal, data, len);
}

int sd_journal_seek_tail(void *journal)
{
    int (*function)(void *);

    if (is_broken("sd_journal_seek_tail"))
        return -EIO;
    next("sd_journal_seek_tail", &function);
    return function(journal);
}

int sd_journal_next(void *journal)
{
    int (*function)(void *);

    if (is_broken("sd_journal_next"))
        return -EIO;
    next("sd_journal_next", &function);
    return function(journal);
}

int sd_journal_wait(void *journal, uint64_t timeout)
{
    int (*function)(void *, uint64_t);

    if (is_broken("sd_journal_wait"))
        return -EIO;
    next("sd_journal_wait", &function);
    return function(journal, timeout);
}

int tcsetattr(int fd, int when, const struct termios *settings)
{
    int (*function)(int, int, const struct termios *);

    if (is_broken("tcsetattr")) {
        errno = EIO;
        return -1;
    }
    next("tcsetattr", &function);
    return function(fd, when, settings);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*function)(clockid_t, struct timespec *);
    static unsigned long readings;

    if (clock == CLOCK_REALTIME && strncmp(broken, "clock-", 6) == 0 && ++readings == strtoul(broken + 6, NULL, 10)) {
        errno = EINVAL;
        return -1;
    }
    next("clock_gettime", &function);
    return function(clock, now);
}

int close(int fd)
{
    int (*function)(int);
    struct timespec pause = {0};
    int kind = 0;
    socklen_t len = sizeof(kind);

    if (strncmp(broken, "close-", 6) == 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 &&
        kind == SOCK_STREAM) {
        count("close", 0);
        pause.tv_sec = (time_t)strtoul(broken + 6, NULL, 10);
        nanosleep(&pause, NULL);
    }
    next("close", &function);
    return function(fd);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left)
{
    int (*function)(clockid_t, int, const struct timespec *, struct timespec *);
    static bool interrupted;

    if (!is_broken("sleep")) {
        next("clock_nanosleep", &function);
        return function(clock, flags, wanted, left);
    }
    if (!interrupted) {
        interrupted = true;
        return EINTR;
    }
    count("sleep", (size_t)wanted->tv_sec * 1000 + (size_t)wanted->tv_nsec / 1000000);
    return 0;
}
