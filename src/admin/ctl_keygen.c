/* SPDX-License-Identifier: ISC */
/* ostiaryctl keygen: a random secret that every client can send and ostiary.cfg can hold. See ctl.h. */
#include "ctl_secret.h"

#include <err.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum ctl_status ctl_keygen(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct locked locked;
    struct stat status;
    size_t written = 0;

    (void)ctl;
    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    ctl_secret_new(&locked);
    /* Not through stdio, whose buffer would keep it. */
    while (written < CTL_SECRET_LINE) {
        const ssize_t len = write(STDOUT_FILENO, locked.bytes + written, CTL_SECRET_LINE - written);

        if (len < 0 && errno != EINTR) {
            const int error = errno;

            locked_free(&locked);
            errno = error;
            err(CTL_STATE, "standard output");
        }
        written += len > 0 ? (size_t)len : 0;
    }
    locked_free(&locked);
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        warnx("others than you may read the file: chmod 600 it, and run 'umask 077' before the next time");
    return CTL_OK;
}
