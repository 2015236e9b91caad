/* SPDX-License-Identifier: ISC */
/*
 * Files that must be who they claim to be: judged by the open descriptor, never by a path that may change meanwhile.
 * Each failure has its own reason, and file_fault_text says it with the remedy; nothing here logs or exits.
 */
#ifndef OSTIARY_FILE_H
#define OSTIARY_FILE_H

#include "locked.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum file_fault {
    FILE_OK,
    FILE_CANNOT_OPEN, /* errno says why */
    FILE_CANNOT_READ, /* errno says why */
    FILE_NOT_REGULAR,
    FILE_FOREIGN_OWNER, /* neither root nor the effective user */
    FILE_WRITABLE,      /* by group or others */
    FILE_READABLE,      /* by others */
    FILE_TOO_LARGE,
    FILE_CHANGED,      /* while it was read */
    FILE_NO_MEMORY,    /* locked memory: errno says why */
    FILE_NOT_ABSOLUTE, /* the rest: only for commands */
    FILE_NOT_EXECUTABLE,
    FILE_NOT_SEARCHABLE, /* a directory, by the effective user */
    FILE_NOT_ROOTS,      /* a command that root runs, or a directory above it, is not owned by root */
    FILE_OTHERS_WRITE,   /* the same, writable by someone else than root */
    FILE_TOO_MANY_LINKS
};

/*
 * Read a whole file that holds secrets into locked memory: a regular file (a symbolic link to one is good), owned by
 * root or the effective user, not writable by group or others, not readable by others, at most limit bytes. text->bytes
 * has one NUL behind the content; *len counts without it. A FIFO or device is refused without waiting. The caller frees
 * text with locked_free.
 */
enum file_fault file_read_private(const char *path, size_t limit, struct locked *text, size_t *len);

/* The same for a file without secrets, which others may read. */
enum file_fault file_read_public(const char *path, size_t limit, struct locked *text, size_t *len);

/*
 * As file_read_private for a file that holds one secret of many, into locked memory that the caller has already: room
 * has limit + 1 bytes. No NUL is put behind the content; what follows it is changed, and after a fault all of room is
 * zero.
 */
enum file_fault file_read_secret(const char *path, size_t limit, uint8_t *room, size_t *len);

/* A command that has been found: both descriptors are O_PATH, and file_close_command closes them. */
struct file_command {
    int dir_fd; /* the directory that it is in, behind all links */
    int fd;
    char name[NAME_MAX + 1]; /* in that directory */
};

/*
 * May this command be run as an action? It must be an absolute path to a regular, executable file, on a way that this
 * process may walk, as its effective user. For one that runs as root, the file and each directory on the way to it,
 * through every symbolic link, must be owned by root and writable by root alone. On a fault, culprit holds the path
 * that is at fault, and nothing is open.
 */
enum file_fault file_open_command(const char *path, bool as_root, struct file_command *command,
                                  char culprit[static 4096]);

void file_close_command(struct file_command *command);

/* What the fault is and what to do about it, without the path: "is readable by others: chmod o-r". */
const char *file_fault_text(enum file_fault fault);

#endif
