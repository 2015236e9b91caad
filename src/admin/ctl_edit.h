/* SPDX-License-Identifier: ISC */
/*
 * The configuration as a file that a command changes. It is replaced as a whole or stays as it is, whatever fails and
 * whenever the command is killed; owner, mode and every byte that is not the command's business are kept.
 *
 * The new text stands beside the configuration, as .NAME.ostiaryctl, until it takes its place. That file is also what
 * two commands at once agree by: who has its lock goes first, and the other waits.
 *
 * Each function says what went wrong, on standard error, and gives the exit status for it.
 */
#ifndef OSTIARY_CTL_EDIT_H
#define OSTIARY_CTL_EDIT_H

#include "ctl.h"

#include <sys/stat.h>

struct ctl_edit {
    char path[PATH_MAX]; /* the file itself, behind all symbolic links */
    bool exists;
    uid_t uid; /* of the file that is there; where there is none, the caller says what it is to have */
    gid_t gid;
    mode_t mode;
    struct locked text; /* what is there, with a NUL behind; wiped at the end, for it may hold secrets */
    size_t len;
    bool replaced; /* the new text has taken its place */

    /* The rest is ctl_edit.c's own. */
    struct stat before;
    int dir_fd;
    int new_fd;
    char name[NAME_MAX + 1];
    char new_name[NAME_MAX + 1];
};

/* Wait for whoever is at it, and read what is there. ctl_edit_end is called after every result. */
enum ctl_status ctl_edit_begin(const char *config_path, struct ctl_edit *edit);

/* Put the new text in the place of the old one. With edit->replaced set, a failure is about the disk alone. */
enum ctl_status ctl_edit_replace(struct ctl_edit *edit, const uint8_t *text, size_t len);

void ctl_edit_end(struct ctl_edit *edit);

#endif
