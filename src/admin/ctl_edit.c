/* SPDX-License-Identifier: ISC */
/* See ctl_edit.h. Called by add and remove. */
#include "ctl_edit.h"

#include "clock.h"

#include "file.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES_MAX                                                                                                      \
    16 /* for another command that takes our file away, as its new configuration, while we wait for it                 \
        */

/* The path of a file that is not there yet. */
static enum ctl_status resolve_absent(const char *config_path, struct ctl_edit *edit)
{
    const char *slash = strrchr(config_path, '/');
    char directory[PATH_MAX];
    struct stat status;

    if (lstat(config_path, &status) == 0) {
        warnx("%s: it is a symbolic link to nothing: make the file that it names, or remove the link", config_path);
        return CTL_CONFIG;
    }
    if (ctl_real_directory(config_path, directory) != 0)
        return ctl_complain_of_directory(config_path);
    if (snprintf(edit->path, sizeof(edit->path), "%s/%s", directory, slash == NULL ? config_path : slash + 1) >=
        PATH_MAX) {
        errno = ENAMETOOLONG;
        return ctl_complain(config_path);
    }
    return CTL_OK;
}

/* The path behind all links, and the names in its directory. */
static enum ctl_status resolve(const char *config_path, struct ctl_edit *edit)
{
    enum ctl_status status = CTL_OK;

    if (realpath(config_path, edit->path) == NULL)
        status = errno == ENOENT ? resolve_absent(config_path, edit) : ctl_complain(config_path);
    if (status != CTL_OK)
        return status;
    if (snprintf(edit->name, sizeof(edit->name), "%s", strrchr(edit->path, '/') + 1) > NAME_MAX ||
        snprintf(edit->new_name, sizeof(edit->new_name), ".%s.ostiaryctl", edit->name) > NAME_MAX) {
        errno = ENAMETOOLONG;
        return ctl_complain(edit->path);
    }
    return CTL_OK;
}

/* Open the file beside the configuration, or make it, and take its lock. -1: errno says why. */
static int hold_new(struct ctl_edit *edit, unsigned patience_ms)
{
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    struct stat status;

    edit->new_fd = openat(edit->dir_fd, edit->new_name, flags, 0600);
    if (edit->new_fd < 0 || fstat(edit->new_fd, &status) != 0)
        return -1;
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink > 1) {
        errno = EEXIST;
        return -1;
    }
    switch (hold_file(edit->new_fd, HOLD_ALONE, patience_ms)) {
    case HOLD_HELD:
        return 0;
    case HOLD_BUSY:
        errno = ETIMEDOUT;
        break;
    case HOLD_FAILED:
        break;
    }
    return -1;
}

/* Is what we have locked still what has the name? */
static bool has_its_name(const struct ctl_edit *edit)
{
    struct stat ours;
    struct stat named;

    return fstat(edit->new_fd, &ours) == 0 && fstatat(edit->dir_fd, edit->new_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static void forget_new(struct ctl_edit *edit)
{
    const int error = errno;

    if (edit->new_fd >= 0)
        close(edit->new_fd);
    edit->new_fd = -1;
    errno = error;
}

/* Whoever had the lock may have taken the file away, as the new configuration: then another one has its name. */
static int hold_named(struct ctl_edit *edit)
{
    const int64_t deadline_ms = clock_now_ms() + CTL_PATIENCE_MS;

    for (;;) {
        const int left_ms = clock_left_ms(deadline_ms);

        if (left_ms == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (hold_new(edit, (unsigned)left_ms) != 0) {
            forget_new(edit);
            return -1;
        }
        if (has_its_name(edit))
            return 0;
        forget_new(edit);
    }
}

static enum ctl_status take_turn(struct ctl_edit *edit)
{
    char directory[PATH_MAX];

    if (ctl_real_directory(edit->path, directory) != 0)
        return ctl_complain(edit->path);
    edit->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (edit->dir_fd < 0)
        return ctl_complain(directory);
    if (hold_named(edit) == 0)
        return CTL_OK;
    if (errno == ETIMEDOUT) {
        warnx("%s: another command is changing it: try again", edit->path);
        return CTL_STATE;
    }
    snprintf(directory, sizeof(directory), "the file beside the configuration, %s", edit->new_name);
    return ctl_complain(directory);
}

static enum ctl_status read_text(struct ctl_edit *edit)
{
    enum file_fault fault;

    if (stat(edit->path, &edit->before) != 0)
        return errno == ENOENT ? CTL_OK : ctl_complain(edit->path);
    fault = file_read_private(edit->path, CONFIG_SIZE_MAX, &edit->text, &edit->len);
    if (fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ)
        return ctl_complain(edit->path);
    if (fault != FILE_OK) {
        warnx("%s: the file %s", edit->path, file_fault_text(fault));
        return CTL_CONFIG;
    }
    edit->exists = true;
    edit->uid = edit->before.st_uid;
    edit->gid = edit->before.st_gid;
    edit->mode = edit->before.st_mode & 07777;
    return CTL_OK;
}

enum ctl_status ctl_edit_begin(const char *config_path, struct ctl_edit *edit)
{
    enum ctl_status status;

    *edit = (struct ctl_edit){.dir_fd = -1, .new_fd = -1};
    status = resolve(config_path, edit);
    if (status == CTL_OK)
        status = take_turn(edit);
    return status == CTL_OK ? read_text(edit) : status;
}

static int write_all(int fd, const uint8_t *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t written = pwrite(fd, text + done, len - done, (off_t)done);

        if (written == 0)
            errno = ENOSPC;
        if (written == 0 || (written < 0 && errno != EINTR))
            return -1;
        if (written > 0)
            done += (size_t)written;
    }
    return 0;
}

/* What an interrupted command has left goes first. The mode last: until then nobody but its owner can open it. */
static int fill(const struct ctl_edit *edit, const uint8_t *text, size_t len)
{
    struct stat status;

    if (ftruncate(edit->new_fd, 0) != 0 || write_all(edit->new_fd, text, len) != 0 || fstat(edit->new_fd, &status) != 0)
        return -1;
    if ((status.st_uid != edit->uid || status.st_gid != edit->gid) && fchown(edit->new_fd, edit->uid, edit->gid) != 0)
        return -1;
    return fchmod(edit->new_fd, edit->mode) != 0 || fsync(edit->new_fd) != 0 ? -1 : 0;
}

/* Somebody with an editor does not ask for our lock. */
static bool is_as_it_was(const struct ctl_edit *edit)
{
    struct stat now;

    if (stat(edit->path, &now) != 0)
        return !edit->exists && errno == ENOENT;
    return edit->exists && now.st_dev == edit->before.st_dev && now.st_ino == edit->before.st_ino &&
           now.st_size == edit->before.st_size && now.st_ctim.tv_sec == edit->before.st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == edit->before.st_ctim.tv_nsec;
}

enum ctl_status ctl_edit_replace(struct ctl_edit *edit, const uint8_t *text, size_t len)
{
    if (fill(edit, text, len) != 0)
        return ctl_complain(edit->path);
    if (!is_as_it_was(edit)) {
        warnx("%s: somebody has changed it meanwhile: try again", edit->path);
        return CTL_STATE;
    }
    if (renameat(edit->dir_fd, edit->new_name, edit->dir_fd, edit->name) != 0)
        return ctl_complain(edit->path);
    edit->replaced = true;
    if (fsync(edit->dir_fd) != 0) {
        warn("%s: it is changed, but may not be on the disk", edit->path);
        return CTL_STATE;
    }
    return CTL_OK;
}

void ctl_edit_end(struct ctl_edit *edit)
{
    if (edit->new_fd >= 0) {
        if (!edit->replaced)
            unlinkat(edit->dir_fd, edit->new_name, 0);
        close(edit->new_fd); /* and the next one has its turn */
    }
    if (edit->dir_fd >= 0)
        close(edit->dir_fd);
    locked_free(&edit->text);
}
