/* SPDX-License-Identifier: ISC */
/*
 * The least that a super-server can be: for each connection the command, with the connection as 0 and 1, one at a time;
 * and a report of what it cost (report.h). Every command that is measured is started by this one.
 *
 * usage: spawner COMMAND [ARGUMENT...]      (with the two descriptors of report.h)
 *
 * The kernel counts as a process' peak memory what it had before execve too, which is what this one has: so it is
 * linked statically with musl, and smaller than whatever it starts.
 */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* vfork: the time of the exec is written by the child into our own memory. */
static pid_t start(char **argv, int peer_fd, volatile int64_t *exec_ns)
{
    const pid_t pid = vfork();

    if (pid != 0)
        return pid;
    if (dup2(peer_fd, 0) < 0 || dup2(peer_fd, 1) < 0)
        _exit(127);
    *exec_ns = now_ns();
    execv(argv[0], argv);
    _exit(127);
}

static void wait_for_all(struct report *report)
{
    struct rusage usage;
    int status;

    while (wait4(-1, &status, 0, &usage) > 0 || errno == EINTR) {
        report->cpu_us += (int64_t)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
        report->cpu_us += (int64_t)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
        report->faults += usage.ru_minflt + usage.ru_majflt;
        if (usage.ru_maxrss > report->rss_kib)
            report->rss_kib = usage.ru_maxrss;
    }
    report->end_ns = now_ns();
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    /* What a command leaves behind is waited for, and counts. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 || fcntl(REPORT_LISTEN_FD, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) != 0)
        return 71;
    for (;;) {
        const int peer_fd = accept4(REPORT_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
        struct report report = {0};

        if (peer_fd < 0)
            return 71;
        if (start(argv + 1, peer_fd, &report.exec_ns) < 0)
            return 71;
        close(peer_fd);
        wait_for_all(&report);
        if (write(REPORT_FD, &report, sizeof(report)) != (ssize_t)sizeof(report))
            return 0;
    }
}
