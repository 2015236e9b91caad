/* SPDX-License-Identifier: ISC */
/* See file.h. Called by config.c and the tools for files with secrets, and before a command is run. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as many as the kernel follows */

/* ---- Files with secrets ---- */

/* What has no secret, others may read. */
static enum file_fault judge(const struct stat *status, size_t limit, bool is_private)
{
    if (!S_ISREG(status->st_mode))
        return FILE_NOT_REGULAR;
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return FILE_FOREIGN_OWNER;
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return FILE_WRITABLE;
    if (is_private && (status->st_mode & S_IROTH) != 0)
        return FILE_READABLE;
    if ((uintmax_t)status->st_size > limit)
        return FILE_TOO_LARGE;
    return FILE_OK;
}

/*
 * Half a file could mean something else than the whole, so one that is shorter or longer than it was is refused. Of a
 * longer one a byte more comes than it had: room has size + 1 bytes. A regular file gives all that is asked for as far
 * as it goes, so that a read of its size is the last.
 */
static enum file_fault read_whole(int fd, size_t size, uint8_t *room, size_t *len)
{
    ssize_t got;

    *len = 0;
    do {
        got = read(fd, room + *len, size + 1 - *len);
        if (got < 0 && errno != EINTR)
            return FILE_CANNOT_READ;
        if (got > 0)
            *len += (size_t)got;
    } while (got != 0 && *len < size);
    return *len == size ? FILE_OK : FILE_CHANGED;
}

static enum file_fault open_file(const char *path, size_t limit, bool is_private, int *file_fd, size_t *size)
{
    struct stat status;
    enum file_fault fault = FILE_CANNOT_READ;

    /* O_NONBLOCK: the open of a FIFO or a device must not wait; on a regular file it does nothing. */
    *file_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*file_fd < 0)
        return errno == ENXIO ? FILE_NOT_REGULAR : FILE_CANNOT_OPEN;
    if (fstat(*file_fd, &status) == 0)
        fault = judge(&status, limit, is_private);
    *size = fault == FILE_OK ? (size_t)status.st_size : 0;
    return fault;
}

/* Without another word in errno. */
static void close_quietly(int fd)
{
    const int reason = errno;

    if (fd >= 0)
        close(fd);
    errno = reason;
}

static enum file_fault read_locked(const char *path, size_t limit, bool is_private, struct locked *text, size_t *len)
{
    int file_fd;
    size_t size;
    enum file_fault fault = open_file(path, limit, is_private, &file_fd, &size);

    if (fault == FILE_OK && locked_new(size + 1, text) != 0)
        fault = FILE_NO_MEMORY;
    if (fault == FILE_OK && (fault = read_whole(file_fd, size, text->bytes, len)) != FILE_OK) {
        const int reason = errno;

        locked_free(text);
        errno = reason;
    }
    close_quietly(file_fd);
    return fault;
}

enum file_fault file_read_private(const char *path, size_t limit, struct locked *text, size_t *len)
{
    return read_locked(path, limit, true, text, len);
}

enum file_fault file_read_public(const char *path, size_t limit, struct locked *text, size_t *len)
{
    return read_locked(path, limit, false, text, len);
}

enum file_fault file_read_secret(const char *path, size_t limit, uint8_t *room, size_t *len)
{
    int file_fd;
    size_t size;
    enum file_fault fault = open_file(path, limit, true, &file_fd, &size);

    if (fault == FILE_OK)
        fault = read_whole(file_fd, size, room, len);
    if (fault != FILE_OK)
        explicit_bzero(room, limit + 1);
    close_quietly(file_fd);
    return fault;
}

/* ---- Commands ---- */

/*
 * A walk from / to the command, one component at a time, each opened relative to the directory before it: what was
 * judged is what is walked through. Symbolic links are resolved here, so that no step is taken unseen.
 */
struct walk {
    bool as_root;
    unsigned links;
    int dir_fd;             /* where the walk is; O_PATH */
    char pending[PATH_MAX]; /* what is still to go, from dir_fd */
    char *culprit;          /* the path from / to what was looked at last; PATH_MAX bytes */
    struct file_command *command;
};

/* Only root can change it. Of a directory the sticky bit does not help: others could put the file there first. */
static enum file_fault judge_ownership(const struct stat *status)
{
    if (status->st_uid != 0)
        return FILE_NOT_ROOTS;
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return FILE_OTHERS_WRITE;
    return FILE_OK;
}

/* Go to an opened directory; the walk owns dir_fd from now on. */
static enum file_fault enter(struct walk *walk, int dir_fd)
{
    struct stat status;

    if (walk->dir_fd >= 0)
        close(walk->dir_fd);
    walk->dir_fd = dir_fd;
    if (dir_fd < 0 || fstat(dir_fd, &status) != 0)
        return FILE_CANNOT_OPEN;
    return walk->as_root ? judge_ownership(&status) : FILE_OK;
}

static enum file_fault enter_root(struct walk *walk)
{
    memcpy(walk->culprit, "/", 2);
    return enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Put a name behind the path, or take the last one away. */
static bool add_name(char path[static PATH_MAX], const char *name)
{
    const size_t used = path[1] == '\0' ? 0 : strlen(path);
    const size_t len = strlen(name);

    if (used + len + 1 >= PATH_MAX)
        return false;
    path[used] = '/';
    memcpy(path + used + 1, name, len + 1);
    return true;
}

static void cut_name(char path[static PATH_MAX])
{
    char *slash = strrchr(path, '/');

    slash[slash == path ? 1 : 0] = '\0';
}

static enum file_fault too_long(void)
{
    errno = ENAMETOOLONG;
    return FILE_CANNOT_OPEN;
}

/* Take the next name off what is pending; an empty one when nothing is left. */
static enum file_fault next_name(struct walk *walk, char name[static NAME_MAX + 1])
{
    const char *start = walk->pending + strspn(walk->pending, "/");
    const size_t len = strcspn(start, "/");

    if (len > NAME_MAX)
        return too_long();
    memcpy(name, start, len);
    name[len] = '\0';
    memmove(walk->pending, start + len, strlen(start + len) + 1);
    return FILE_OK;
}

/* Put the target of a link in front of what is pending. The link itself is in a directory that has been judged. */
static enum file_fault follow(struct walk *walk, int link_fd)
{
    char target[PATH_MAX];
    const ssize_t got = readlinkat(link_fd, "", target, sizeof(target));
    const size_t rest = strlen(walk->pending);

    if (got <= 0)
        return FILE_CANNOT_OPEN;
    if (++walk->links > LINKS_MAX)
        return FILE_TOO_MANY_LINKS;
    if ((size_t)got + rest >= sizeof(walk->pending))
        return too_long();
    memmove(walk->pending + got, walk->pending, rest + 1);
    memcpy(walk->pending, target, (size_t)got);
    cut_name(walk->culprit);
    return target[0] == '/' ? enter_root(walk) : FILE_OK;
}

static enum file_fault judge_command(const struct walk *walk, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return FILE_NOT_REGULAR;
    if (walk->pending[0] != '\0') {
        errno = ENOTDIR;
        return FILE_CANNOT_OPEN;
    }
    if ((status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return FILE_NOT_EXECUTABLE;
    return walk->as_root ? judge_ownership(status) : FILE_OK;
}

/* A file that is not there, or a directory that must not be searched: then it is the directory that is at fault. */
static enum file_fault cannot_open(struct walk *walk)
{
    if (errno != EACCES)
        return FILE_CANNOT_OPEN;
    cut_name(walk->culprit);
    return FILE_NOT_SEARCHABLE;
}

/* At the command: hand over what the walk has open. */
static void arrive(struct walk *walk, int fd, const char *name)
{
    *walk->command = (struct file_command){.dir_fd = walk->dir_fd, .fd = fd};
    memcpy(walk->command->name, name, strlen(name) + 1);
    walk->dir_fd = -1;
}

/* One name further. *arrived: at the command, and the result is the last word on it. */
static enum file_fault step(struct walk *walk, bool *arrived)
{
    char name[NAME_MAX + 1];
    struct stat status;
    enum file_fault fault = next_name(walk, name);

    if (fault != FILE_OK)
        return fault;
    if (name[0] == '\0')
        return FILE_NOT_REGULAR; /* the way ends in a directory */
    if (strcmp(name, ".") == 0)
        return FILE_OK;
    if (strcmp(name, "..") == 0) {
        cut_name(walk->culprit);
        return enter(walk, openat(walk->dir_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    if (!add_name(walk->culprit, name))
        return too_long();

    const int fd = openat(walk->dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cannot_open(walk);
    if (fstat(fd, &status) != 0)
        fault = FILE_CANNOT_OPEN;
    else if (S_ISDIR(status.st_mode))
        return enter(walk, fd);
    else if (S_ISLNK(status.st_mode))
        fault = follow(walk, fd);
    else
        *arrived = (fault = judge_command(walk, &status)) == FILE_OK;

    const int reason = errno;
    if (*arrived)
        arrive(walk, fd, name);
    else
        close(fd);
    errno = reason;
    return fault;
}

enum file_fault file_open_command(const char *path, bool as_root, struct file_command *command,
                                  char culprit[static 4096])
{
    struct walk walk = {.as_root = as_root, .dir_fd = -1, .culprit = culprit, .command = command};
    const size_t len = strnlen(path, sizeof(walk.pending));
    bool arrived = false;

    _Static_assert(PATH_MAX == 4096, "the size of culprit");
    *command = (struct file_command){.dir_fd = -1, .fd = -1};
    memset(culprit, 0, PATH_MAX);
    memcpy(culprit, path, len < PATH_MAX ? len : PATH_MAX - 1);
    if (path[0] != '/')
        return FILE_NOT_ABSOLUTE;
    if (len == sizeof(walk.pending))
        return too_long();
    memcpy(walk.pending, path, len + 1);

    enum file_fault fault = enter_root(&walk);
    while (fault == FILE_OK && !arrived)
        fault = step(&walk, &arrived);

    const int reason = errno;
    if (walk.dir_fd >= 0)
        close(walk.dir_fd);
    errno = reason;
    return fault;
}

void file_close_command(struct file_command *command)
{
    if (command->fd >= 0)
        close(command->fd);
    if (command->dir_fd >= 0)
        close(command->dir_fd);
    *command = (struct file_command){.dir_fd = -1, .fd = -1};
}

const char *file_fault_text(enum file_fault fault)
{
    switch (fault) {
    case FILE_OK:
        break;
    case FILE_CANNOT_OPEN:
        return "cannot be opened";
    case FILE_CANNOT_READ:
        return "cannot be read";
    case FILE_NOT_REGULAR:
        return "is not a regular file: name a file, no directory, FIFO or device";
    case FILE_FOREIGN_OWNER:
        return "is owned by neither root nor the user who reads it: chown root";
    case FILE_WRITABLE:
        return "is writable by its group or others: chmod go-w";
    case FILE_READABLE:
        return "is readable by others: chmod o-r";
    case FILE_TOO_LARGE:
        return "is too large: 1 MiB is the most for a configuration, 1 KiB for a secret";
    case FILE_CHANGED:
        return "changed while it was read: try again";
    case FILE_NO_MEMORY:
        return "does not fit into locked memory (raise RLIMIT_MEMLOCK, in a unit LimitMEMLOCK=; a container may lack "
               "CAP_IPC_LOCK)";
    case FILE_NOT_ABSOLUTE:
        return "is no absolute path: write it from / on";
    case FILE_NOT_EXECUTABLE:
        return "is not executable: chmod +x";
    case FILE_NOT_SEARCHABLE:
        return "is a directory that the user it runs as may not search: chmod +x";
    case FILE_NOT_ROOTS:
        return "is not owned by root, though root runs it or what is in it: chown root";
    case FILE_OTHERS_WRITE:
        return "is writable by its group or others, though root runs it or what is in it: chmod go-w";
    case FILE_TOO_MANY_LINKS:
        return "goes through more than 40 symbolic links: write the real path";
    }
    return "is in order";
}
