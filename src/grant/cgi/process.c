/* SPDX-License-Identifier: ISC */
/* See process.h. */
#include "process.h"

#include "log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define DESCRIPTORS 16 /* three, the log, the socket, and what the C library opens for a moment */
#define CPU_S       10

static int close_descriptors(void)
{
    int fd;

    if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
        return -1;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return -1;
    } while (fd <= STDERR_FILENO);
    return close(fd);
}

static int set_limits(void)
{
    static const struct {
        __rlimit_resource_t of;
        rlim_t most;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NPROC, 0},
        {RLIMIT_NOFILE, DESCRIPTORS},
        {RLIMIT_CPU, CPU_S},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit;

        if (getrlimit(limits[i].of, &limit) != 0)
            return -1;
        if (limit.rlim_max > limits[i].most)
            limit.rlim_max = limits[i].most;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(limits[i].of, &limit) != 0)
            return -1;
    }
    return 0;
}

static void on_alarm(int number)
{
    (void)number;
    log_write_end(LOG_END_DEADLINE);
    _exit(EX_TEMPFAIL);
}

/* The server may have left the signal blocked or ignored. */
static int set_alarm(void)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    sigset_t ours;

    log_prepare_end(LOG_END_DEADLINE, 0, LOG_ERR, "ended after %d s, in the middle of it: what kept it?",
                    PROCESS_LIMIT_S);
    sigemptyset(&ours);
    sigaddset(&ours, SIGALRM);
    if (sigaction(SIGALRM, &action, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &ours, NULL) != 0)
        return -1;
    alarm(PROCESS_LIMIT_S);
    return 0;
}

int process_confine(void)
{
    umask(077);
    if (close_descriptors() != 0 || set_limits() != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    return set_alarm();
}
