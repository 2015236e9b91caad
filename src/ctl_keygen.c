/* SPDX-License-Identifier: ISC */
/* ostiaryctl keygen: a random secret that every client can send and ostiary.cfg can hold. See ctl.h. */
#include "ctl.h"
#include "locked.h"

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing that quoting would change, and nothing that is mistaken for something else when it is read aloud. */
static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
#define ALPHABET_LEN (sizeof(alphabet) - 1)

/* 57 characters make 5.8 bits each: 186 bits, and 4.0 clients can send them all. */
#define SECRET_LEN 32

struct secret_memory {
    uint8_t random[64];
    char line[SECRET_LEN + 1]; /* the secret and a line feed */
};

static void make_secret(struct secret_memory *memory)
{
    size_t made = 0;

    while (made < SECRET_LEN) {
        if (getrandom(memory->random, sizeof(memory->random), 0) != (ssize_t)sizeof(memory->random))
            err(CTL_OS, "no random bytes from the kernel");
        /* Six bits choose a character; those that would choose none are thrown away, so that all are equally likely. */
        for (size_t i = 0; i < sizeof(memory->random) && made < SECRET_LEN; i++)
            if ((memory->random[i] & 63) < ALPHABET_LEN)
                memory->line[made++] = alphabet[memory->random[i] & 63];
    }
    memory->line[made] = '\n';
}

enum ctl_status ctl_keygen(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct locked locked;
    struct secret_memory *memory;
    struct stat status;
    size_t written = 0;

    (void)ctl;
    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    if (locked_new(sizeof(*memory), &locked) != 0)
        err(CTL_OS, "no locked memory for a secret");
    memory = (void *)locked.bytes;
    make_secret(memory);
    /* Not through stdio, whose buffer would keep it. */
    while (written < sizeof(memory->line)) {
        const ssize_t len = write(STDOUT_FILENO, memory->line + written, sizeof(memory->line) - written);

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
