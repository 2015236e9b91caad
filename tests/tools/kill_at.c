/* SPDX-License-Identifier: ISC */
/*
 * Run a program and kill it with SIGKILL at its Nth stop. It stops twice for each system call that could change what
 * others see: before the kernel does anything, and after it has done it. A call that only reads, or that changes
 * nothing but the process, which SIGKILL ends, makes no other moment of the one before it. What the program becomes by
 * execve(2) is no longer part of it.
 *
 * usage: kill_at N COMMAND [ARGUMENT...]
 *
 * Exit status: 137 when it was killed; its own, with "kill_at: STOPS stops" on standard error, when it came to its end
 * before that. N of 0 kills nothing.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
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

/* Only what is certain; any other call is one that others could see. */
static bool is_unseen(unsigned long long number)
{
    static const long unseen[] = {
        SYS_brk,          SYS_clock_gettime,  SYS_clock_nanosleep, SYS_faccessat,
        SYS_fstat,        SYS_getcwd,         SYS_getegid,         SYS_geteuid,
        SYS_getgid,       SYS_getpeername,    SYS_getpid,          SYS_getppid,
        SYS_getrandom,    SYS_getsockname,    SYS_getsockopt,      SYS_getuid,
        SYS_lseek,        SYS_madvise,        SYS_mlock,           SYS_mmap,
        SYS_mprotect,     SYS_munmap,         SYS_newfstatat,      SYS_pread64,
        SYS_prlimit64,    SYS_read,           SYS_readlinkat,      SYS_rseq,
        SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_set_robust_list, SYS_set_tid_address,
        SYS_statfs,       SYS_umask,          SYS_uname,
#ifdef SYS_access
        SYS_access,
#endif
#ifdef SYS_arch_prctl
        SYS_arch_prctl,
#endif
#ifdef SYS_poll
        SYS_poll,
#endif
#ifdef SYS_readlink
        SYS_readlink,
#endif
#ifdef SYS_stat
        SYS_lstat,        SYS_stat,
#endif
    };

    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (number == (unsigned long long)unseen[i])
            return true;
    return false;
}

/* Does this stop, before or behind a system call, count? What is before it is remembered for what is behind it. */
static bool counts(pid_t pid)
{
    static bool unseen;
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
        err(EX_OSERR, "ptrace");
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        unseen = is_unseen(info.entry.nr);
    return !unseen;
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
        } else if (programs == 1 && counts(pid) && ++stops == at) {
            kill(pid, SIGKILL);
            wait_for(pid);
            return STATUS_KILLED;
        }
    }
}
