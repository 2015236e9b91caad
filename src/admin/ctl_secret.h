/* SPDX-License-Identifier: ISC */
/*
 * A secret in a file of its own: NAME.secret in the directory `ostiary` beside the configuration, which is
 * /etc/ostiary/NAME.secret for /etc/ostiary.cfg.
 *
 * The file and the line that names it cannot come, or go, in one step. So from before the first step until after the
 * last the file has a second name, its mark: .NAME.secret.CONFIGURATION. A secret that has its mark and no line is what
 * an interrupted command has left, was never in use or is not to be any more, and can be taken away. Nothing else ever
 * is.
 *
 * Each function says what went wrong, on standard error, and gives the exit status for it.
 */
#ifndef OSTIARY_CTL_SECRET_H
#define OSTIARY_CTL_SECRET_H

#include "ctl_edit.h"

struct ctl_secret {
    char directory[PATH_MAX]; /* absolute */
    char path[PATH_MAX];
    char mark_path[PATH_MAX];

    /* The rest is ctl_secret.c's own. */
    char name[NAME_MAX + 1];
    char mark[NAME_MAX + 1];
    int dir_fd; /* -1: there is no such directory */
    bool made_directory;
    bool marked;    /* the mark is ours to remove */
    bool published; /* and so is the file */
};

/* The place of a secret. file_name is the last part of its path. ctl_secret_close is called after every result. */
enum ctl_status ctl_secret_open(const char *config_path, const char *file_name, struct ctl_secret *secret);
void ctl_secret_close(struct ctl_secret *secret);

/* Make the directory, where it is missing; where the configuration's group may read it, it has to get through. */
enum ctl_status ctl_secret_make_directory(struct ctl_secret *secret, const struct ctl_edit *edit);

/* Is the file there, whatever it is? */
bool ctl_secret_exists(const struct ctl_secret *secret);

/*
 * Does a line of ctl->config but this one name the file, or the other door's configuration, as far as can be known?
 * Gives why not to touch it, or NULL.
 */
const char *ctl_secret_shared(const struct ctl *ctl, const char *path, unsigned but_line);

/* Take away what an interrupted command has left; *swept says whether there was something. No line may name it. */
enum ctl_status ctl_secret_sweep(struct ctl_secret *secret, bool *swept);

/* Making one: write it under its mark, for who may read the configuration; give it its name, if nobody has it; or undo.
 */
enum ctl_status ctl_secret_write(struct ctl_secret *secret, const struct ctl_edit *edit, const uint8_t *bytes,
                                 size_t len);
enum ctl_status ctl_secret_publish(struct ctl_secret *secret);
void ctl_secret_undo(struct ctl_secret *secret);

/* Taking one away: mark it, while its line is there; and remove it, when the line is gone. */
enum ctl_status ctl_secret_mark(struct ctl_secret *secret);
enum ctl_status ctl_secret_remove(struct ctl_secret *secret);

/* The end of making one, or of not taking it away: the mark goes. */
enum ctl_status ctl_secret_unmark(struct ctl_secret *secret);

/* A new secret of 186 bits and a line feed: CTL_SECRET_LINE bytes. Exits when there is none. Free it with locked_free.
 */
#define CTL_SECRET_LINE 33
void ctl_secret_new(struct locked *secret);

#endif
