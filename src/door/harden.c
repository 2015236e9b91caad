/* SPDX-License-Identifier: ISC */
/* See harden.h. */
#include "harden.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * Could something printed here reach a peer? What is the same socket as fd 0 (inetd, xinetd), and any other connection
 * of the network, whatever the launcher meant by it. The journal's socket is neither.
 */
static bool is_peer(int fd)
{
    struct stat first, status;
    int domain = 0;
    socklen_t len = sizeof(domain);

    /* What cannot be looked at may be the peer. */
    if (fstat(fd, &status) != 0)
        return true;
    if (!S_ISSOCK(status.st_mode))
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX)
        return true;
    return fstat(STDIN_FILENO, &first) != 0 || (status.st_dev == first.st_dev && status.st_ino == first.st_ino);
}

int harden_descriptors(bool *stderr_usable)
{
    int null_fd;

    *stderr_usable = fcntl(STDERR_FILENO, F_GETFD) != -1 && !is_peer(STDERR_FILENO);
    if (close_range(3, ~0U, 0) != 0)
        return -1;
    /* open(2) gives the lowest free number: a closed 0, 1 or 2 is filled before it can become something else. */
    do {
        null_fd = open("/dev/null", O_RDWR);
        if (null_fd < 0)
            return -1;
    } while (null_fd <= STDERR_FILENO);

    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (!is_peer(fd))
            continue;
        if (dup2(null_fd, fd) < 0)
            return -1;
        if (fd == STDERR_FILENO)
            *stderr_usable = false;
    }
    close(null_fd);
    return 0;
}

enum harden_peer harden_peer_kind(void)
{
    int type = 0;
    int domain = 0;
    int listening = 0;
    socklen_t len = sizeof(int);

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
        return HARDEN_NO_SOCKET;
    len = sizeof(int);
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0)
        return HARDEN_WRONG_KIND;
    len = sizeof(int);
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0)
        return HARDEN_WRONG_KIND;
    if (type != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6) || listening)
        return HARDEN_WRONG_KIND;
    return HARDEN_CONNECTION;
}

/* Timers outlive exec: one of the launcher's would end this process, or the action, at any moment. */
static int clear_timers(void)
{
    static const struct itimerval none;

    if (setitimer(ITIMER_REAL, &none, NULL) != 0 || setitimer(ITIMER_VIRTUAL, &none, NULL) != 0)
        return -1;
    return setitimer(ITIMER_PROF, &none, NULL);
}

int harden_process(struct harden_limits *before)
{
    struct rlimit core;

    umask(077);
    if (getrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    before->core = core.rlim_cur;
    core.rlim_cur = 0;
    if (setrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return -1;
    /* A launcher's file size limit shall be an error of write(2), not a death without a word. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -1;
    return clear_timers();
}
