/* SPDX-License-Identifier: ISC */
/*
 * Processes, as proc(5) shows them: what is told of one, and whether one that was noted earlier is there still. A
 * number alone does not say so, for it is given again. Number and start do, within one boot and for processes that see
 * the same numbers: those of one pid namespace.
 */
#ifndef OSTIARY_PROC_H
#define OSTIARY_PROC_H

#include <stdint.h>
#include <sys/types.h>

#define PROC_LINE_LEN 1024

/* A process, from its start to its end, whatever program it becomes by execve(2). */
struct proc {
    pid_t pid;
    uint64_t start; /* clock ticks from the boot until it was started */
};

enum proc_state {
    PROC_ENDED,
    PROC_RUNS,
    PROC_HIDDEN /* there is one of this number, of which nothing can be seen: hidepid= of /proc, say */
};

/*
 * The fields of /proc/PID/stat from the third on, in line, which holds more than that; with pid 0 those of this
 * process. NULL with errno.
 */
const char *proc_fields(pid_t pid, char line[static PROC_LINE_LEN]);

/* This process. Returns 0, or -1 with errno: without a /proc that has the numbers of this process nothing is known. */
int proc_self(struct proc *self);

/* Has it ended? One that nobody has waited for yet, a zombie, has. */
enum proc_state proc_look(const struct proc *process);

#endif
