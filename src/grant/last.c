/* SPDX-License-Identifier: ISC */
/* See last.h. */
#include "last.h"

#include "config.h"
#include "file.h"
#include "locked.h"
#include "roots.h"
#include "scan.h"
#include "tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define NAME     GATES_NAME
#define NEW_NAME NAME ".new"

/* ---- Keeping ---- */

static bool write_all(int fd, const struct locked *text, size_t len)
{
    size_t written = 0;

    while (written < len) {
        const ssize_t now = write(fd, text->bytes + written, len - written);

        if (now < 0)
            return false;
        written += (size_t)now;
    }
    return fsync(fd) == 0;
}

/* Whole, or not at all: under another name first. */
static bool write_copy(int dir_fd, const struct locked *text, size_t len)
{
    const int fd = openat(dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && write_all(fd, text, len);
    const int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return written && renameat(dir_fd, NEW_NAME, dir_fd, NAME) == 0;
}

/* Is the copy there, and the same? */
static bool is_kept(int dir_fd, const struct locked *text, size_t len)
{
    const int fd = openat(dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct locked copy = {0};
    struct stat info;
    bool same = false;

    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size == (off_t)len && locked_new(len + 1, &copy) == 0)
        same = read(fd, copy.bytes, len) == (ssize_t)len && memcmp(copy.bytes, text->bytes, len) == 0;
    if (fd >= 0)
        close(fd);
    locked_free(&copy);
    return same;
}

void last_keep(const struct gates *gates)
{
    struct locked text = {0};
    size_t len = 0;
    int dir_fd = -1;

    if (file_read_public(gates->path, CONFIG_SIZE_MAX, &text, &len) != FILE_OK)
        return; /* it was there a moment ago, and is looked at again at the next load */
    if (gates_digest(text.bytes, len) == gates->digest && roots_open(gates->state_dir, true, &dir_fd) == ROOTS_OK &&
        !is_kept(dir_fd, &text, len) && !write_copy(dir_fd, &text, len))
        tell_wrong(LOG_WARNING,
                   "no copy of %s could be kept in %s-root: %s: with an error in the file, a boot would "
                   "shut nothing",
                   gates->path, gates->state_dir, strerror(errno));
    if (dir_fd >= 0)
        close(dir_fd);
    locked_free(&text);
}

void last_forget(const struct gates *gates)
{
    int dir_fd = -1;

    if (roots_open(gates->state_dir, false, &dir_fd) != ROOTS_OK)
        return;
    (void)unlinkat(dir_fd, NAME, 0);
    close(dir_fd);
}

bool last_is(const struct gates *gates)
{
    struct locked text = {0};
    size_t len = 0;
    int dir_fd = -1;
    bool is = false;

    if (file_read_public(gates->path, CONFIG_SIZE_MAX, &text, &len) == FILE_OK &&
        roots_open(gates->state_dir, false, &dir_fd) == ROOTS_OK)
        is = is_kept(dir_fd, &text, len);
    if (dir_fd >= 0)
        close(dir_fd);
    locked_free(&text);
    return is;
}

static void hear_nothing(void *context, const struct config_finding *finding)
{
    (void)context;
    (void)finding;
}

int last_read(const struct gates *gates, struct gates *copy)
{
    char path[PATH_MAX];
    const struct config_reader reader = {.path = path, .report = hear_nothing};
    int status;

    if (snprintf(path, sizeof path, "%s-root/" NAME, gates->state_dir) >= (int)sizeof path)
        return -1;
    status = gates_load(&reader, copy);
    copy->path = NULL;
    return status;
}

/* ---- Finding ---- */

/* The STATE_DIR of a text that has errors, but perhaps not there. */
static void find_state_dir(char *text, size_t len, char dir[static PATH_MAX])
{
    size_t start = 0;

    snprintf(dir, PATH_MAX, "%s", GATES_STATE_DIR);
    while (start < len) {
        char *newline = memchr(text + start, '\n', len - start);
        const size_t end = newline == NULL ? len : (size_t)(newline - text);
        struct scan_line line;

        if (scan_line(text + start, end - start, &line) == SCAN_OK && line.keyword != NULL &&
            strcmp(line.keyword, "STATE_DIR") == 0 && line.field_count == 1 && line.fields[0].text[0] == '/')
            snprintf(dir, PATH_MAX, "%s", line.fields[0].text);
        start = end + 1;
    }
}

bool last_find(const char *config_path, char path[static PATH_MAX])
{
    struct locked text = {0};
    char dir[PATH_MAX] = GATES_STATE_DIR;
    size_t len = 0;
    size_t dir_len;

    if (file_read_public(config_path, CONFIG_SIZE_MAX, &text, &len) == FILE_OK)
        find_state_dir((char *)text.bytes, len, dir);
    locked_free(&text);
    dir_len = strlen(dir);
    while (dir_len > 1 && dir[dir_len - 1] == '/')
        dir_len--;
    return snprintf(path, PATH_MAX, "%.*s-root/" NAME, (int)dir_len, dir) < PATH_MAX && access(path, R_OK) == 0;
}
