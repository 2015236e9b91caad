/* SPDX-License-Identifier: ISC */
/* See signals.h. Called by the prompt and by the client's knock. */
#include "signals.h"

#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void signals_that_end(sigset_t *set)
{
    static const int candidates[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGTSTP};
    sigset_t blocked;

    sigemptyset(set);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (size_t i = 0; i < LENGTH(candidates); i++) {
        struct sigaction action;

        if (sigismember(&blocked, candidates[i]) == 0 && sigaction(candidates[i], NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            sigaddset(set, candidates[i]);
    }
}

/* Not the last descriptor: whoever has signals wait is about to open something. */
static int new_signal_fd(const sigset_t *set)
{
    const int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    const int spare_fd = fd < 0 ? -1 : dup(fd);

    if (spare_fd >= 0) {
        close(spare_fd);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

void signals_hold(struct signals *held)
{
    static const int of_broken_programs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t ending, all;

    signals_that_end(&ending);
    sigfillset(&all);
    for (size_t i = 0; i < LENGTH(of_broken_programs); i++)
        sigdelset(&all, of_broken_programs[i]);
    held->pending_fd = new_signal_fd(&ending);
    sigprocmask(SIG_BLOCK, &all, &held->before);
}

void signals_release(struct signals *held)
{
    if (held->pending_fd >= 0)
        close(held->pending_fd);
    held->pending_fd = -1;
    sigprocmask(SIG_SETMASK, &held->before, NULL);
}
