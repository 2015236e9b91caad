/* SPDX-License-Identifier: ISC */
/*
 * Run a program and kill it with SIGKILL at its Nth stop. It stops twice for each system call: before the kernel does
 * anything, and after it has done it. What the program becomes by execve(2) is no longer part of it.
 *
 * usage: kill_at N COMMAND [ARGUMENT...]
 *
 * Exit status: 137 when it was killed; its own, with "kill_at: STOPS stops" on standard error, when it came to its end
 * before that. N of 0 kills nothing.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define STATUS_KILLED 137

static int wait_for(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        err(EX_OSERR, "waitpid");
    return status;
}

static pid_t start(char **command)
{
    const pid_t pid = fork();

    if (pid < 0)
        err(EX_OSERR, "fork");
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            err(EX_OSERR, "ptrace");
        /* So that the tracer can set its options before the program begins. */
        raise(SIGSTOP);
        execvp(command[0], command);
        err(EX_UNAVAILABLE, "%s", command[0]);
    }
    wait_for(pid);
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0)
        err(EX_OSERR, "ptrace");
    return pid;
}

static int finish(unsigned long stops, int status)
{
    fprintf(stderr, "kill_at: %lu stops\n", stops);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int main(int argc, char **argv)
{
    unsigned long stops = 0;
    unsigned programs = 0;
    unsigned long at;
    pid_t pid;

    if (argc < 3)
        errx(EX_USAGE, "usage: kill_at N COMMAND [ARGUMENT...]");
    at = strtoul(argv[1], NULL, 10);
    pid = start(argv + 2);

    for (long signal_to_deliver = 0;;) {
        int status;

        if (ptrace(PTRACE_SYSCALL, pid, NULL, signal_to_deliver) != 0)
            err(EX_OSERR, "ptrace");
        signal_to_deliver = 0;
        status = wait_for(pid);
        if (!WIFSTOPPED(status))
            return finish(stops, status);
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
            programs++;
            if (programs == 2) {
                ptrace(PTRACE_DETACH, pid, NULL, NULL);
                return finish(stops, wait_for(pid));
            }
        } else if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signal_to_deliver = WSTOPSIG(status);
        } else if (programs == 1 && ++stops == at) {
            kill(pid, SIGKILL);
            wait_for(pid);
            return STATUS_KILLED;
        }
    }
}
