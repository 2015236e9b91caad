/* SPDX-License-Identifier: ISC */
/* See relay.h. */
#include "relay.h"

#include "address.h"
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 5 /* between two looks at what has become of the line; a hang-up is seen at once */

_Static_assert(CONFIG_SOCKET_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
               "sun_path has room for the NUL too");

/* The one who called listen(2): for a systemd socket unit that is PID 1. */
static bool is_trusted(int fd)
{
    struct ucred listener;
    socklen_t len = sizeof(listener);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &len) != 0)
        return false;
    errno = EPERM;
    return listener.uid == 0 || listener.uid == geteuid();
}

int relay_connect(const char *path, int *fd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const size_t len = strlen(path);
    int error;

    if (len > CONFIG_SOCKET_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, len);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return -1;
    if (connect(*fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && is_trusted(*fd))
        return 0;
    error = errno;
    close(*fd);
    *fd = -1;
    errno = error;
    return -1;
}

int relay_send(int fd, const char *address)
{
    char line[ADDRESS_TEXT_LEN + 1];
    const int len = snprintf(line, sizeof(line), "%s\n", address);

    /* An empty buffer takes a line this short whole, or not at all. */
    return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* The kernel notes a hang-up with bytes unread as a reset, before it forgets them. */
static int look(int fd, int *unread)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (ioctl(fd, TIOCOUTQ, unread) != 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

int relay_wait(int fd)
{
    struct pollfd listener = {.fd = fd}; /* for a hang-up alone */
    int hung_up = 0;
    int unread = 0;

    while (look(fd, &unread) == 0) {
        if (unread == 0)
            return 0;
        errno = ECONNRESET;
        if (hung_up > 0)
            return -1;
        hung_up = poll(&listener, 1, LOOK_MS);
        if (hung_up < 0 && errno != EINTR)
            return -1;
    }
    return -1;
}
