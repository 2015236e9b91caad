/* SPDX-License-Identifier: ISC */
/* ostiaryctl keygen: a secret that every client can send and ostiary.cfg can hold: random, or a passphrase's. See
 * ctl.h.
 */
#include "ctl_passphrase.h"
#include "ctl_secret.h"

#include <err.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not through stdio, whose buffer would keep it. */
static void write_all(struct locked *secret, size_t len)
{
    size_t written = 0;

    while (written < len) {
        const ssize_t count = write(STDOUT_FILENO, secret->bytes + written, len - written);

        if (count < 0 && errno != EINTR) {
            const int error = errno;

            locked_free(secret);
            errno = error;
            err(CTL_STATE, "standard output");
        }
        written += count > 0 ? (size_t)count : 0;
    }
}

enum ctl_status ctl_keygen(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"stretch", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    const char *text = NULL;
    struct stretch_label label;
    struct locked secret;
    struct stat status;

    (void)ctl;
    while (ctl_option(argc, argv, ":", options) != -1)
        text = optarg;
    ctl_arguments(argc, argv, 0, 0);
    ctl_hide_memory();
    if (text != NULL) {
        ctl_passphrase_label("keygen", text, &label);
        const enum ctl_status made = ctl_passphrase_secret(&label, &secret);

        if (made != CTL_OK)
            return made;
    } else {
        ctl_secret_new(&secret);
    }
    write_all(&secret, text != NULL ? CTL_PASSPHRASE_LINE : CTL_SECRET_LINE);
    locked_free(&secret);
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        warnx("others than you may read the file: chmod 600 it, and run 'umask 077' before the next time");
    return CTL_OK;
}
