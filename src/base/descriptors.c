/* SPDX-License-Identifier: ISC */
/* See descriptors.h. */
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int descriptors_make_room(rlim_t *before)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -1;
    *before = limit.rlim_cur;
    if (limit.rlim_cur >= DESCRIPTORS_WANTED)
        return 0;
    if (limit.rlim_max < DESCRIPTORS_WANTED) {
        errno = EMFILE;
        return -1;
    }
    limit.rlim_cur = DESCRIPTORS_WANTED;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

int descriptors_fill(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return -1;
    return 0;
}
