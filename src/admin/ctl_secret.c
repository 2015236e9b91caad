/* SPDX-License-Identifier: ISC */
/* See ctl_secret.h. Called by add, remove and keygen. */
#include "ctl_secret.h"

#include "file.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define DIRECTORY_NAME "ostiary"

/* ---- a new one ------------------------------------------------------------------------------------------------- */

/* Nothing that quoting would change, and nothing that is mistaken for something else when it is read aloud. */
static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
#define ALPHABET_LEN (sizeof(alphabet) - 1)

/* 57 characters make 5.8 bits each: 186 bits, and 4.0 clients can send them all. */
#define SECRET_LEN (CTL_SECRET_LINE - 1)

struct secret_memory {
    char line[CTL_SECRET_LINE];
    uint8_t random[64];
};

void ctl_secret_new(struct locked *secret)
{
    struct secret_memory *memory;
    size_t made = 0;

    if (locked_new(sizeof(*memory), secret) != 0)
        err(CTL_OS, "no locked memory for a secret");
    memory = (void *)secret->bytes;
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

/* ---- its place ------------------------------------------------------------------------------------------------- */

static enum ctl_status too_long(const char *path)
{
    errno = ENAMETOOLONG;
    return ctl_complain(path);
}

static enum ctl_status name_places(const char *config_path, const char *file_name, struct ctl_secret *secret)
{
    const char *slash = strrchr(config_path, '/');
    char beside[PATH_MAX];

    if (ctl_real_directory(config_path, beside) != 0)
        return ctl_complain_of_directory(config_path);
    if (snprintf(secret->name, sizeof(secret->name), "%s", file_name) > NAME_MAX ||
        snprintf(secret->mark, sizeof(secret->mark), ".%s.%s", file_name, slash == NULL ? config_path : slash + 1) >
            NAME_MAX)
        return too_long(config_path);
    if (snprintf(secret->directory, PATH_MAX, "%s/" DIRECTORY_NAME, beside) >= PATH_MAX ||
        snprintf(secret->path, PATH_MAX, "%s/%s", secret->directory, secret->name) >= PATH_MAX ||
        snprintf(secret->mark_path, PATH_MAX, "%s/%s", secret->directory, secret->mark) >= PATH_MAX)
        return too_long(config_path);
    return CTL_OK;
}

/* Who else could write there could put another file in the place of ours. */
static enum ctl_status open_directory(struct ctl_secret *secret)
{
    struct stat status;

    secret->dir_fd = open(secret->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (secret->dir_fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        warnx(
            "%s: secrets are kept in a directory of this name, and not behind a symbolic link: move away what is there",
            secret->directory);
        return CTL_STATE;
    }
    if (secret->dir_fd < 0 || fstat(secret->dir_fd, &status) != 0)
        return ctl_complain(secret->directory);
    if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        warnx("%s: secrets are safe there only when nobody else can write to it: chown root, and chmod 755",
              secret->directory);
        return CTL_CONFIG;
    }
    return CTL_OK;
}

enum ctl_status ctl_secret_open(const char *config_path, const char *file_name, struct ctl_secret *secret)
{
    enum ctl_status status;

    *secret = (struct ctl_secret){.dir_fd = -1};
    status = name_places(config_path, file_name, secret);
    if (status == CTL_OK && (access(secret->directory, F_OK) == 0 || errno != ENOENT))
        status = open_directory(secret);
    return status;
}

void ctl_secret_close(struct ctl_secret *secret)
{
    if (secret->dir_fd >= 0)
        close(secret->dir_fd);
    secret->dir_fd = -1;
}

/* The secrets in it are closed by their own modes: a client's user, or the sealed door's, has to get to his. */
enum ctl_status ctl_secret_make_directory(struct ctl_secret *secret, const struct ctl_edit *edit)
{
    enum ctl_status result = CTL_OK;
    struct stat status;

    if (secret->dir_fd < 0) {
        secret->made_directory = mkdir(secret->directory, 0755) == 0;
        if (!secret->made_directory && errno != EEXIST)
            return ctl_complain(secret->directory);
        result = open_directory(secret);
        if (result == CTL_OK && secret->made_directory && fchmod(secret->dir_fd, 0755) != 0)
            result = ctl_complain(secret->directory);
    }
    if (result != CTL_OK)
        return result;
    if (fstat(secret->dir_fd, &status) != 0)
        return ctl_complain(secret->directory);
    if ((edit->mode & S_IRGRP) == 0 || (status.st_mode & S_IXOTH) != 0 ||
        (status.st_gid == edit->gid && (status.st_mode & S_IXGRP) != 0))
        return CTL_OK;
    warnx("%s: it is closed to the group that may read the configuration: chmod 755; the secrets in it have modes of "
          "their own",
          secret->directory);
    return CTL_CONFIG;
}

static bool find(const struct ctl_secret *secret, const char *name, struct stat *status)
{
    return secret->dir_fd >= 0 && fstatat(secret->dir_fd, name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool ctl_secret_exists(const struct ctl_secret *secret)
{
    struct stat status;

    return find(secret, secret->name, &status);
}

static bool is_marked(const struct ctl_secret *secret)
{
    struct stat named;
    struct stat marked;

    return find(secret, secret->name, &named) && find(secret, secret->mark, &marked) && named.st_dev == marked.st_dev &&
           named.st_ino == marked.st_ino;
}

/* ---- who uses it ----------------------------------------------------------------------------------------------- */

/* By whatever path. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;

    return strcmp(a, b) == 0 ||
           (stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

static bool is_named_by(const struct config_entry *entry, const char *path)
{
    for (size_t i = 0; i < entry->secret_count; i++) {
        if (entry->secrets[i].origin == CONFIG_SECRET_FILE && is_same_file(entry->secrets[i].path, path))
            return true;
    }
    return entry->codes.origin == CONFIG_SECRET_FILE && is_same_file(entry->codes.path, path);
}

static bool is_named_in(const struct config *config, const char *path, unsigned but_line)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (entry->line != but_line && is_named_by(entry, path))
            return true;
    }
    return false;
}

/* One that has errors, if only that there is no action in it any more, names no file whose name is not in its text. */
static const char *shared_with_broken(const char *other_path, const char *path)
{
    const char *name = strrchr(path, '/');
    struct locked text;
    size_t len;
    bool named;

    if (file_read_private(other_path, CONFIG_SIZE_MAX, &text, &len) != FILE_OK)
        return "the other door's configuration cannot be read, and may name it";
    named = len > 0 && memmem(text.bytes, len, name, strlen(name)) != NULL;
    locked_free(&text);
    return named ? "the other door's configuration, which has errors, may name it" : NULL;
}

const char *ctl_secret_shared(const struct ctl *ctl, const char *path, unsigned but_line)
{
    char other_path[PATH_MAX];
    struct config other;
    bool named;

    if (is_named_in(&ctl->config, path, but_line))
        return "another line names it too";
    switch (ctl_load_other(ctl->config_path, other_path, &other)) {
    case CTL_OTHER_NONE:
        return NULL;
    case CTL_OTHER_BROKEN:
        return shared_with_broken(other_path, path);
    case CTL_OTHER_LOADED:
        break;
    }
    named = is_named_in(&other, path, 0);
    config_free(&other);
    return named ? "the other door's configuration names it too" : NULL;
}

/* What add makes: NAME.secret, NAME.totp and NAME.hotp. */
static bool is_of_add(const char *name)
{
    static const char *const suffixes[] = {".secret", ".totp", ".hotp"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; name[0] != '.' && dot != NULL && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (strcmp(dot, suffixes[i]) == 0)
            return true;
    }
    return false;
}

/* Then a unit may name the files, which nobody here can know. */
static bool has_credentials(const struct config *config)
{
    for (size_t i = 0; i < config->secret_count; i++) {
        if (config->secret_list[i].origin == CONFIG_SECRET_CREDENTIAL)
            return true;
    }
    for (size_t i = 0; i < config->entry_count; i++) {
        if (config->entries[i].codes.origin == CONFIG_SECRET_CREDENTIAL)
            return true;
    }
    return false;
}

/* Is the name in this file, as far as can be known? */
static bool is_in_file(const char *other, const char *path)
{
    const char *name = strrchr(path, '/');
    struct locked text;
    size_t len;
    bool found;

    if (file_read_public(other, CONFIG_SIZE_MAX, &text, &len) != FILE_OK)
        return true;
    found = len > 0 && memmem(text.bytes, len, name, strlen(name)) != NULL;
    locked_free(&text);
    return found;
}

/* Is it in the text of another configuration beside this one: one that is a copy, or that is still to come? */
static bool is_in_text(const char *beside, const char *path)
{
    DIR *directory = opendir(beside);
    const struct dirent *entry;
    char other[PATH_MAX];
    bool found = false;

    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, "ostiary", strlen("ostiary")) != 0 || strcmp(entry->d_name, DIRECTORY_NAME) == 0 ||
            snprintf(other, sizeof(other), "%s/%s", beside, entry->d_name) >= (int)sizeof(other))
            continue;
        found = is_in_file(other, path);
    }
    if (directory != NULL)
        closedir(directory);
    return found || directory == NULL;
}

void ctl_check_unused(const struct ctl *ctl, struct ctl_findings *findings)
{
    char beside[PATH_MAX], path[PATH_MAX];
    const struct ctl_subject subject = {findings, path};
    const struct dirent *entry;
    DIR *directory;

    if (has_credentials(&ctl->config) || ctl_real_directory(ctl->config_path, beside) != 0 ||
        snprintf(path, sizeof(path), "%s/" DIRECTORY_NAME, beside) >= (int)sizeof(path))
        return;
    directory = opendir(path);
    if (directory == NULL)
        return; /* there is none, or it is not for this user to see */
    while ((entry = readdir(directory)) != NULL) {
        if (!is_of_add(entry->d_name) ||
            snprintf(path, sizeof(path), "%s/" DIRECTORY_NAME "/%s", beside, entry->d_name) >= (int)sizeof(path))
            continue;
        if (ctl_secret_shared(ctl, path, 0) == NULL && !is_in_text(beside, path))
            ctl_find(&subject, CONFIG_NOTE,
                     "no line of %s names it: remove it, unless a client on this host knocks with it elsewhere",
                     ctl->config_path);
    }
    closedir(directory);
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

static enum ctl_status sync_directory(const struct ctl_secret *secret)
{
    return fsync(secret->dir_fd) == 0 ? CTL_OK : ctl_complain(secret->directory);
}

/* The name first: a mark alone means nothing, a name alone could be anybody's. */
static enum ctl_status unlink_both(struct ctl_secret *secret)
{
    if (unlinkat(secret->dir_fd, secret->name, 0) != 0 && errno != ENOENT)
        return ctl_complain(secret->path);
    secret->published = false;
    return ctl_secret_unmark(secret);
}

enum ctl_status ctl_secret_unmark(struct ctl_secret *secret)
{
    if (secret->dir_fd >= 0 && unlinkat(secret->dir_fd, secret->mark, 0) != 0 && errno != ENOENT)
        return ctl_complain(secret->mark_path);
    secret->marked = false;
    return CTL_OK;
}

enum ctl_status ctl_secret_sweep(struct ctl_secret *secret, bool *swept)
{
    *swept = is_marked(secret);
    return *swept ? unlink_both(secret) : ctl_secret_unmark(secret);
}

static int write_line(int fd, const uint8_t *bytes, size_t len)
{
    const ssize_t written = write(fd, bytes, len);

    if (written >= 0 && (size_t)written < len)
        errno = ENOSPC;
    return written == (ssize_t)len ? 0 : -1;
}

enum ctl_status ctl_secret_write(struct ctl_secret *secret, const struct ctl_edit *edit, const uint8_t *bytes,
                                 size_t len)
{
    const int fd = openat(secret->dir_fd, secret->mark, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum ctl_status result = CTL_OK;
    struct stat status;

    if (fd < 0)
        return ctl_complain(secret->mark_path);
    secret->marked = true;
    if (write_line(fd, bytes, len) != 0 || fstat(fd, &status) != 0 ||
        ((status.st_uid != edit->uid || status.st_gid != edit->gid) && fchown(fd, edit->uid, edit->gid) != 0) ||
        fchmod(fd, edit->mode & (S_IRUSR | S_IWUSR | S_IRGRP)) != 0 || fsync(fd) != 0)
        result = ctl_complain(secret->path);
    close(fd);
    return result;
}

enum ctl_status ctl_secret_publish(struct ctl_secret *secret)
{
    if (linkat(secret->dir_fd, secret->mark, secret->dir_fd, secret->name, 0) != 0) {
        if (errno != EEXIST)
            return ctl_complain(secret->path);
        warnx("%s: somebody has just made it", secret->path);
        return CTL_NOT_SO;
    }
    secret->published = true;
    return sync_directory(secret);
}

void ctl_secret_undo(struct ctl_secret *secret)
{
    if (secret->published)
        unlink_both(secret);
    else if (secret->marked)
        ctl_secret_unmark(secret);
    if (secret->made_directory)
        rmdir(secret->directory);
}

enum ctl_status ctl_secret_mark(struct ctl_secret *secret)
{
    if (!is_marked(secret)) {
        enum ctl_status status = ctl_secret_unmark(secret);

        if (status != CTL_OK)
            return status;
        if (linkat(secret->dir_fd, secret->name, secret->dir_fd, secret->mark, 0) != 0)
            return ctl_complain(secret->path);
    }
    secret->marked = true;
    return sync_directory(secret);
}

enum ctl_status ctl_secret_remove(struct ctl_secret *secret)
{
    const enum ctl_status status = unlink_both(secret);

    return status == CTL_OK ? sync_directory(secret) : status;
}
