/* SPDX-License-Identifier: ISC */
/*
 * A state directory of the harness's own, in $TMPDIR (run.sh puts that into memory), emptied for each input. What is
 * left when the harness dies is run.sh's to remove.
 */
#ifndef OSTIARY_SCRATCH_DIR_H
#define OSTIARY_SCRATCH_DIR_H

#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[256];
static int scratch_fd = -1;

static inline void scratch_dir_empty(void)
{
    static const char *const names[] = {"lockout",         "lockout.new", "lockout.convert",
                                        "lockout.rebuild", "closed",      "closed.new"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (unlinkat(scratch_fd, names[i], 0) != 0)
            (void)unlinkat(scratch_fd, names[i], AT_REMOVEDIR);
}

static inline void scratch_dir_remove(void)
{
    scratch_dir_empty();
    rmdir(scratch_dir);
}

static inline void scratch_dir_make(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(scratch_dir, sizeof(scratch_dir), "%s/ostiary-fuzz.XXXXXX", parent != NULL ? parent : "/tmp");
    DEMAND(mkdtemp(scratch_dir) != NULL);
    scratch_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DEMAND(scratch_fd >= 0);
    atexit(scratch_dir_remove);
}

static inline void scratch_dir_write(const char *name, const void *bytes, size_t len)
{
    const int fd = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    DEMAND(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

/* Up to room bytes of a file; returns how many, 0 for a file that is not there. */
static inline size_t scratch_dir_read(const char *name, void *bytes, size_t room)
{
    const int fd = openat(scratch_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0)
        return 0;
    len = read(fd, bytes, room);
    close(fd);
    return len > 0 ? (size_t)len : 0;
}

#endif
