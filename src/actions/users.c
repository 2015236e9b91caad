/* SPDX-License-Identifier: ISC */
/* See users.h: by way of NSS. */
#include "users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#define ROOM_FIRST 4096          /* bytes for one passwd or group entry, doubled while it is too small */
#define ROOM_MAX   (1024 * 1024) /* of a group with very many members */

/* What an entry points into. */
struct room {
    char *bytes;
    size_t len;
};

/* Returns 0 or an error number, which is never ERANGE. */
static int grow(struct room *room)
{
    const size_t len = room->len == 0 ? ROOM_FIRST : room->len * 2;
    char *grown = len > ROOM_MAX ? NULL : realloc(room->bytes, len);

    if (grown == NULL)
        return len > ROOM_MAX ? E2BIG : ENOMEM;
    *room = (struct room){.bytes = grown, .len = len};
    return 0;
}

/* "Not found" has many names in getpwnam_r(3); those that could as well be a want of rights or of descriptors do not
 * count. */
static enum users_answer judge(int error, const void *found)
{
    if (error == 0 && found != NULL)
        return USERS_FOUND;
    if (error == 0 || error == ENOENT || error == ESRCH)
        return USERS_NONE;
    errno = error;
    return USERS_FAILED;
}

/* Hand the entry and its room over if there is one. */
static enum users_answer keep(int error, const struct passwd *found, struct room *room, struct user *user)
{
    const enum users_answer answer = judge(error, found);

    *user = (struct user){0};
    if (answer == USERS_FOUND)
        *user = (struct user){.entry = *found, .buffer = room->bytes};
    else
        free(room->bytes);
    return answer;
}

/* name: NULL to look for the uid. */
static enum users_answer find_user(const char *name, uid_t uid, struct user *user)
{
    struct room room = {0};
    struct passwd entry;
    struct passwd *found = NULL;
    int error;

    do {
        error = grow(&room);
        if (error == 0)
            error = name != NULL ? getpwnam_r(name, &entry, room.bytes, room.len, &found)
                                 : getpwuid_r(uid, &entry, room.bytes, room.len, &found);
    } while (error == ERANGE);
    return keep(error, found, &room, user);
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
    struct room room = {0};
    struct group entry;
    struct group *found = NULL;
    int error;

    do {
        error = grow(&room);
        if (error == 0)
            error = getgrnam_r(name, &entry, room.bytes, room.len, &found);
    } while (error == ERANGE);

    const enum users_answer answer = judge(error, found);
    if (answer == USERS_FOUND)
        *gid = found->gr_gid;
    free(room.bytes);
    return answer;
}

int users_groups(const char *name, gid_t gid, gid_t **groups, size_t *count)
{
    gid_t *list = NULL;
    int room = 16;

    for (;;) {
        int wanted = room;
        gid_t *grown = reallocarray(list, (size_t)room, sizeof(*grown));

        if (grown == NULL) {
            free(list);
            return -1;
        }
        list = grown;
        if (getgrouplist(name, gid, list, &wanted) >= 0) {
            *groups = list;
            *count = (size_t)wanted;
            return 0;
        }
        room = wanted > room ? wanted : room * 2;
    }
}
