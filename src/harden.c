/* SPDX-License-Identifier: ISC */
/* See harden.h. */
#include "harden.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_socket(int fd, const struct stat *peer)
{
    struct stat status;

    return S_ISSOCK(peer->st_mode) && fstat(fd, &status) == 0 && status.st_dev == peer->st_dev &&
           status.st_ino == peer->st_ino;
}

int harden_descriptors(bool *stderr_usable)
{
    struct stat peer;
    int null_fd;

    *stderr_usable = false;
    if (close_range(3, ~0U, 0) != 0)
        return -1;
    /* open(2) gives the lowest free number: a closed 0, 1 or 2 is filled before it can become something else. */
    do {
        null_fd = open("/dev/null", O_RDWR);
        if (null_fd < 0)
            return -1;
    } while (null_fd <= STDERR_FILENO);

    if (fstat(STDIN_FILENO, &peer) != 0)
        return -1;
    *stderr_usable = !is_same_socket(STDERR_FILENO, &peer);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (is_same_socket(fd, &peer) && dup2(null_fd, fd) < 0)
            return -1;
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

int harden_process(rlim_t *core_limit)
{
    struct rlimit core;

    umask(077);
    if (getrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    *core_limit = core.rlim_cur;
    core.rlim_cur = 0;
    if (setrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return -1;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    return 0;
}
