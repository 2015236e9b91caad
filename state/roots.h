/* SPDX-License-Identifier: ISC */
/*
 * The directory STATE_DIR-root, beside STATE_DIR: for what only processes with root's rights may rest on. It is never
 * in STATE_DIR, for whose a directory is can rename what is in there. FORMAT.md, "STATE_DIR-root".
 */
#ifndef OSTIARY_ROOTS_H
#define OSTIARY_ROOTS_H

#include <stdbool.h>

enum roots_result {
    ROOTS_OK,
    ROOTS_ABSENT, /* it is not there, and was not to be made */
    ROOTS_FAILED, /* errno */
    ROOTS_OWNER   /* it, or the directory above it, is not root's alone; nothing was made there */
};

/*
 * Open it, and make it where it is missing and make says so. state_dir is absolute. A process that is not root works
 * with one of its own user as well as with root's. The caller closes *dir_fd, which is -1 unless this returns ROOTS_OK.
 */
enum roots_result roots_open(const char *state_dir, bool make, int *dir_fd);

#endif
