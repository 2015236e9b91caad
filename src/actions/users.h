/* SPDX-License-Identifier: ISC */
/*
 * The system's user database: who a user is, and in which groups. account.c makes an identity of it.
 *
 * users.c asks NSS, which may read files or ask a server. users_files.c takes its place in programs that are linked
 * statically: it reads /etc/passwd and /etc/group and nothing else, since the modules of NSS belong to whatever
 * C library the machine has by then, and that need not be the one inside the program.
 */
#ifndef OSTIARY_USERS_H
#define OSTIARY_USERS_H

#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

enum users_answer {
    USERS_FOUND,
    USERS_NONE,  /* the database has no such entry */
    USERS_FAILED /* it did not answer, or memory ran out: errno says why */
};

struct user {
    struct passwd entry;
    char *buffer; /* what the entry points into; the caller frees it. NULL unless the user was found */
};

enum users_answer users_by_name(const char *name, struct user *user);
enum users_answer users_by_uid(uid_t uid, struct user *user);

enum users_answer users_group(const char *name, gid_t *gid);

/*
 * What initgroups(3) would set for a user of that name: gid first, then the other groups that list the name. The caller
 * frees the array. Returns 0, or -1 with errno.
 */
int users_groups(const char *name, gid_t gid, gid_t **groups, size_t *count);

#endif
