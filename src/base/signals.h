/* SPDX-License-Identifier: ISC */
/*
 * Signals that have to wait while something must not be left half done: the echo of a terminal that is off, a seed that
 * may come at any moment and has to be answered. They are blocked and looked for, never handled: there is no
 * instruction at which one could arrive at a bad time. When they are released, they act as if they came then.
 */
#ifndef OSTIARY_SIGNALS_H
#define OSTIARY_SIGNALS_H

#include <signal.h>

struct signals {
    int pending_fd; /* poll(2) finds it readable when a signal waits that would end or stop the process; -1: none */
    sigset_t before;
};

/* Those that somebody may send to end or stop this process, without what it ignores (nohup) or had blocked already. */
void signals_that_end(sigset_t *set);

/*
 * Let all signals wait but SIGKILL, SIGSTOP and those of a broken program. Where descriptors are short
 * pending_fd is -1: then they wait as well, and nobody is told of them.
 */
void signals_hold(struct signals *held);

/* What has come meanwhile acts in here: it may end the process, or stop it and return when it goes on. */
void signals_release(struct signals *held);

#endif
