/* SPDX-License-Identifier: ISC */
/* See proc.h. */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The name, in parentheses, may hold anything, a parenthesis too. */
static const char *behind_name(const char *line)
{
    const char *end = strrchr(line, ')');

    errno = EINVAL;
    return end != NULL && end[1] == ' ' ? end + 2 : NULL;
}

const char *proc_fields(pid_t pid, char line[static PROC_LINE_LEN])
{
    char path[32] = "/proc/self/stat";
    ssize_t len;
    int stat_fd;

    if (pid != 0)
        snprintf(path, sizeof(path), "/proc/%jd/stat", (intmax_t)pid);
    stat_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (stat_fd < 0)
        return NULL;
    len = read(stat_fd, line, PROC_LINE_LEN - 1);
    close(stat_fd);
    if (len < 0)
        return NULL;
    line[len] = '\0';
    return behind_name(line);
}

/* What is wanted of the fields, as proc(5) numbers them. */
struct facts {
    char state;     /* 3 */
    long threads;   /* 20 */
    uint64_t start; /* 22 */
};

static int read_facts(const char *fields, struct facts *facts)
{
    char behind;

    if (fields == NULL)
        return -1;
    errno = EINVAL;
    /* With what stands behind the last one: a number that is cut off would be another. */
    return sscanf(fields, "%c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %" SCNu64 "%c",
                  &facts->state, &facts->threads, &facts->start, &behind) == 4
               ? 0
               : -1;
}

int proc_self(struct proc *self)
{
    char line[PROC_LINE_LEN];
    struct facts facts;
    uint64_t number;

    if (read_facts(proc_fields(0, line), &facts) != 0)
        return -1;
    /* Of another pid namespace, it has other numbers. */
    errno = ESRCH;
    if (sscanf(line, "%" SCNu64, &number) != 1 || number != (uint64_t)getpid())
        return -1;
    *self = (struct proc){getpid(), facts.start};
    return 0;
}

/*
 * Can there be one that is not to be seen? A process of this user's own is none to look at as long as it is a handler:
 * it is not dumpable. Where execve(2) gives no rights, nothing that this user has started has become another's; but
 * root, also while it acts as an owner, starts actions as whoever they are to be.
 */
static enum proc_state look_for_hidden(pid_t pid)
{
    if (kill(pid, 0) == 0)
        return getuid() != 0 ? PROC_RUNS : PROC_HIDDEN;
    if (errno == ESRCH)
        return PROC_ENDED;
    return getuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? PROC_ENDED : PROC_HIDDEN;
}

enum proc_state proc_look(const struct proc *process)
{
    char line[PROC_LINE_LEN];
    struct facts facts;

    if (read_facts(proc_fields(process->pid, line), &facts) != 0)
        return look_for_hidden(process->pid);
    if (facts.start != process->start)
        return PROC_ENDED;
    /* The first thread of a program can end before the others do, and then looks like a zombie. */
    return (facts.state == 'Z' || facts.state == 'X') && facts.threads <= 1 ? PROC_ENDED : PROC_RUNS;
}
