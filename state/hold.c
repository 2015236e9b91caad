/* SPDX-License-Identifier: ISC */
/* See hold.h. */
#include "hold.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * How often the waiting is interrupted to look at the clock once the limit has passed. The timer repeats, for its first
 * signal may come just before the call that it is to interrupt.
 */
#define REMINDER_US 20000

static void on_alarm(int number)
{
    (void)number; /* interrupting flock is all it is for */
}

/* What waiting changes in the process, to be put back. */
struct surroundings {
    struct sigaction action;
    struct itimerval timer;
    sigset_t mask;
};

static void arm(unsigned limit_ms, struct surroundings *before)
{
    const struct sigaction wake = {.sa_handler = on_alarm}; /* without SA_RESTART */
    const struct itimerval timer = {
        .it_value = {.tv_sec = limit_ms / 1000, .tv_usec = (suseconds_t)(limit_ms % 1000) * 1000 + 1},
        .it_interval = {.tv_usec = REMINDER_US},
    };
    sigset_t alarm_only;

    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigaction(SIGALRM, &wake, &before->action);
    sigprocmask(SIG_UNBLOCK, &alarm_only, &before->mask);
    setitimer(ITIMER_REAL, &timer, &before->timer);
}

/* The timer first: a signal that is still on its way must meet our handler, not the one from before. */
static void disarm(const struct surroundings *before)
{
    const struct itimerval none = {0};

    setitimer(ITIMER_REAL, &none, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
    sigaction(SIGALRM, &before->action, NULL);
    setitimer(ITIMER_REAL, &before->timer, NULL);
}

/* What is to be locked. */
struct lock {
    int fd;
    int operation;            /* of flock(2) */
    const struct flock *byte; /* or, where it is not NULL, this */
};

/* Returns 0, or -1 with errno, which is EAGAIN where somebody else has it and this does not wait. */
static int take(const struct lock *lock, bool waits)
{
    struct flock byte;

    if (lock->byte == NULL)
        return flock(lock->fd, waits ? lock->operation : lock->operation | LOCK_NB);
    byte = *lock->byte;
    return fcntl(lock->fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &byte);
}

static enum hold_result hold(const struct lock *lock, unsigned limit_ms)
{
    enum hold_result result = HOLD_FAILED;
    struct surroundings before;
    int error = 0;

    if (take(lock, false) == 0)
        return HOLD_HELD;
    if (errno != EAGAIN && errno != EINTR)
        return HOLD_FAILED;
    if (limit_ms == 0)
        return HOLD_BUSY;

    const int64_t deadline_ms = clock_now_ms() + limit_ms;
    arm(limit_ms, &before);
    for (;;) {
        if (take(lock, true) == 0) {
            result = HOLD_HELD;
            break;
        }
        if (errno != EINTR) {
            error = errno;
            break;
        }
        if (clock_now_ms() >= deadline_ms) {
            result = HOLD_BUSY;
            break;
        }
    }
    disarm(&before);
    if (result == HOLD_FAILED)
        errno = error;
    return result;
}

enum hold_result hold_file(int fd, enum hold_way way, unsigned limit_ms)
{
    return hold(&(const struct lock){.fd = fd, .operation = way == HOLD_ALONE ? LOCK_EX : LOCK_SH}, limit_ms);
}

enum hold_result hold_byte(int fd, int64_t at, unsigned limit_ms)
{
    const struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    return hold(&(const struct lock){.fd = fd, .byte = &byte}, limit_ms);
}

void hold_release(int fd)
{
    const int error = errno;

    flock(fd, LOCK_UN);
    errno = error;
}

void hold_release_byte(int fd, int64_t at)
{
    struct flock byte = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    const int error = errno;

    fcntl(fd, F_OFD_SETLK, &byte);
    errno = error;
}
