/* SPDX-License-Identifier: ISC */
/* See local.h. */
#include "local.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(LOCAL_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1, "sun_path has room for the NUL too");

static bool is_trusted(int fd, enum local_trust trust)
{
    struct ucred listener;
    socklen_t len = sizeof(listener);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &len) != 0)
        return false;
    errno = EPERM;
    return listener.uid == 0 || (trust == LOCAL_ROOT_OR_SELF && listener.uid == geteuid());
}

int local_connect(const char *path, enum local_trust trust, int *fd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const size_t len = strlen(path);
    int error;

    *fd = -1;
    if (len > LOCAL_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, len);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return -1;
    if (connect(*fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && is_trusted(*fd, trust))
        return 0;
    error = errno;
    close(*fd);
    *fd = -1;
    errno = error;
    return -1;
}
