/* SPDX-License-Identifier: ISC */
/* See users.h: /etc/passwd and /etc/group, for static linking. What fgetpwent_r(3) reads has the format of passwd(5).
 */
#include "users.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWD "/etc/passwd"
#define GROUP  "/etc/group"

/* One of the files, being read, and room for any entry of it. */
struct reader {
    FILE *file;
    char *room;
    size_t room_len;
};

static void end(struct reader *reader)
{
    const int error = errno;

    free(reader->room);
    if (reader->file != NULL)
        fclose(reader->file);
    *reader = (struct reader){0};
    errno = error;
}

/* Returns 0, or -1 with errno. A group's entry has a pointer for each member, who takes two bytes of the file or more.
 */
static int begin(const char *path, struct reader *reader)
{
    struct stat status;

    *reader = (struct reader){.file = fopen(path, "re")};
    if (reader->file == NULL || fstat(fileno(reader->file), &status) != 0)
        goto fail;
    /* The C library asks the kernel at each line where in the file it is, unless it has been told once. */
    rewind(reader->file);
    reader->room_len = (size_t)status.st_size * sizeof(char *) + BUFSIZ;
    reader->room = malloc(reader->room_len);
    if (reader->room == NULL)
        goto fail;
    return 0;
fail:
    end(reader);
    return -1;
}

/* A name that begins like this is an instruction to the NIS of old, not an entry. */
static bool is_instruction(const char *name)
{
    return name[0] == '+' || name[0] == '-';
}

/* The next entry. NULL at the end, with errno 0, and on an error. */
static struct passwd *next_user(struct reader *reader, struct passwd *entry)
{
    struct passwd *found = NULL;
    int error;

    do {
        error = fgetpwent_r(reader->file, entry, reader->room, reader->room_len, &found);
    } while (error == 0 && is_instruction(found->pw_name));
    errno = error == ENOENT ? 0 : error;
    return error == 0 ? found : NULL;
}

static struct group *next_group(struct reader *reader, struct group *entry)
{
    struct group *found = NULL;
    int error;

    do {
        error = fgetgrent_r(reader->file, entry, reader->room, reader->room_len, &found);
    } while (error == 0 && is_instruction(found->gr_name));
    errno = error == ENOENT ? 0 : error;
    return error == 0 ? found : NULL;
}

/* name: NULL to look for the uid. */
static enum users_answer find_user(const char *name, uid_t uid, struct user *user)
{
    struct reader reader;
    struct passwd *found;

    *user = (struct user){0};
    if (begin(PASSWD, &reader) != 0)
        return USERS_FAILED;
    do {
        found = next_user(&reader, &user->entry);
    } while (found != NULL && (name != NULL ? strcmp(found->pw_name, name) != 0 : found->pw_uid != uid));

    const enum users_answer answer = found != NULL ? USERS_FOUND : errno == 0 ? USERS_NONE : USERS_FAILED;
    if (answer == USERS_FOUND) {
        user->buffer = reader.room;
        reader.room = NULL;
    }
    end(&reader);
    return answer;
}

enum users_answer users_by_name(const char *name, struct user *user)
{
    return find_user(name, 0, user);
}

enum users_answer users_by_uid(uid_t uid, struct user *user)
{
    return find_user(NULL, uid, user);
}

enum users_answer users_group(const char *name, gid_t *gid)
{
    struct reader reader;
    struct group entry;
    struct group *found;

    if (begin(GROUP, &reader) != 0)
        return USERS_FAILED;
    do {
        found = next_group(&reader, &entry);
    } while (found != NULL && strcmp(found->gr_name, name) != 0);

    const enum users_answer answer = found != NULL ? USERS_FOUND : errno == 0 ? USERS_NONE : USERS_FAILED;
    if (answer == USERS_FOUND)
        *gid = found->gr_gid;
    end(&reader);
    return answer;
}

static bool lists(const struct group *group, const char *name)
{
    for (char **member = group->gr_mem; *member != NULL; member++)
        if (strcmp(*member, name) == 0)
            return true;
    return false;
}

/* Unless it is there already. Returns 0, or -1 without memory. */
static int add(gid_t gid, gid_t **groups, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if ((*groups)[i] == gid)
            return 0;

    gid_t *grown = reallocarray(*groups, *count + 1, sizeof(*grown));
    if (grown == NULL)
        return -1;
    grown[(*count)++] = gid;
    *groups = grown;
    return 0;
}

int users_groups(const char *name, gid_t gid, gid_t **groups, size_t *count)
{
    struct reader reader;
    struct group entry;
    struct group *found;
    int status;

    *groups = NULL;
    *count = 0;
    if (begin(GROUP, &reader) != 0)
        return -1;
    status = add(gid, groups, count);
    while (status == 0 && (found = next_group(&reader, &entry)) != NULL)
        if (lists(found, name))
            status = add(found->gr_gid, groups, count);
    if (errno != 0)
        status = -1;
    if (status != 0) {
        free(*groups);
        *groups = NULL;
        *count = 0;
    }
    end(&reader);
    return status;
}
