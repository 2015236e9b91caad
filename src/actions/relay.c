/* SPDX-License-Identifier: ISC */
/* See relay.h. */
#include "relay.h"

#include "address.h"
#include "local.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LOOK_MS 5 /* between two looks at what has become of the line; a hang-up is seen at once */

int relay_connect(const char *path, int *fd)
{
    return local_connect(path, LOCAL_ROOT_OR_SELF, fd);
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
