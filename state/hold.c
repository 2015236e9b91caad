/* SPDX-License-Identifier: ISC */
/* See hold.h. */
#include "hold.h"

#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/time.h>

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

enum hold_result hold_file(int fd, enum hold_way way, unsigned limit_ms)
{
    const int operation = way == HOLD_ALONE ? LOCK_EX : LOCK_SH;
    enum hold_result result = HOLD_FAILED;
    struct surroundings before;
    int error = 0;

    if (flock(fd, operation | LOCK_NB) == 0)
        return HOLD_HELD;
    if (errno != EWOULDBLOCK && errno != EINTR)
        return HOLD_FAILED;

    const int64_t deadline_ms = clock_now_ms() + limit_ms;
    arm(limit_ms, &before);
    for (;;) {
        if (flock(fd, operation) == 0) {
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

void hold_release(int fd)
{
    const int error = errno;

    flock(fd, LOCK_UN);
    errno = error;
}
