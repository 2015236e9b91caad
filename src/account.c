/* SPDX-License-Identifier: ISC */
/* See account.h. */
#include "account.h"

#include "number.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_LEN_FIRST 4096          /* bytes for one passwd or group entry, doubled while it is too small */
#define ENTRY_LEN_MAX   (1024 * 1024) /* of a group with very many members */

static const struct number_range id_range = {0, UINT32_MAX - 1}; /* the last one means "no change" to the kernel */

/* One answer of the user database. found is false when it has no such entry. */
struct lookup {
    bool found;
    struct passwd user;
    struct group group;
    char *buffer; /* what the entry points into */
};

/* The four functions of one shape: by name or by number, users or groups. */
static int ask(const char *name, const uint64_t *id, bool user, size_t len, struct lookup *lookup)
{
    struct passwd *user_found = NULL;
    struct group *group_found = NULL;
    int error;

    if (user && id != NULL)
        error = getpwuid_r((uid_t)*id, &lookup->user, lookup->buffer, len, &user_found);
    else if (user)
        error = getpwnam_r(name, &lookup->user, lookup->buffer, len, &user_found);
    else
        error = getgrnam_r(name, &lookup->group, lookup->buffer, len, &group_found);
    lookup->found = user_found != NULL || group_found != NULL;
    return error;
}

/* Ask with a buffer that grows. Returns 0 (found or not) or -1 with errno. */
static int look_up(const char *name, const uint64_t *id, bool user, struct lookup *lookup)
{
    *lookup = (struct lookup){0};
    for (size_t len = ENTRY_LEN_FIRST; len <= ENTRY_LEN_MAX; len *= 2) {
        char *grown = realloc(lookup->buffer, len);
        int error;

        if (grown == NULL)
            return -1;
        lookup->buffer = grown;
        error = ask(name, id, user, len, lookup);
        /* "Not found" has many names: getpwnam_r(3) lists these. */
        if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
            return 0;
        if (error != ERANGE) {
            errno = error;
            return -1;
        }
    }
    errno = ERANGE;
    return -1;
}

static enum account_fault resolve_group(const char *group, gid_t *gid)
{
    struct lookup lookup;
    uint64_t number;
    enum account_fault fault = ACCOUNT_LOOKUP;

    if (number_parse(group, id_range, &number) == NUMBER_OK) {
        *gid = (gid_t)number;
        return ACCOUNT_OK;
    }
    if (look_up(group, NULL, false, &lookup) == 0) {
        fault = lookup.found ? ACCOUNT_OK : ACCOUNT_NO_GROUP;
        if (lookup.found)
            *gid = lookup.group.gr_gid;
    }
    free(lookup.buffer);
    return fault;
}

/* The supplementary groups: all that the database lists for a named user, the one gid for a bare number. */
static int list_groups(struct account *account, const char *name)
{
    int room = 16;

    for (;;) {
        int count = room;
        gid_t *grown = reallocarray(account->groups, (size_t)room, sizeof(*grown));

        if (grown == NULL)
            return -1;
        account->groups = grown;
        if (name == NULL) {
            account->groups[0] = account->gid;
            account->group_count = 1;
            return 0;
        }
        if (getgrouplist(name, account->gid, account->groups, &count) >= 0) {
            account->group_count = (size_t)count;
            return 0;
        }
        room = count > room ? count : room * 2;
    }
}

static enum account_fault fill(const char *user, const char *group, const struct lookup *lookup, uint64_t number,
                               struct account *account)
{
    enum account_fault fault;

    account->uid = lookup->found ? lookup->user.pw_uid : (uid_t)number;
    if (group != NULL) {
        fault = resolve_group(group, &account->gid);
        if (fault != ACCOUNT_OK)
            return fault;
    } else if (lookup->found) {
        account->gid = lookup->user.pw_gid;
    } else {
        return ACCOUNT_NEEDS_GROUP;
    }

    const char *shell = lookup->found ? lookup->user.pw_shell : "";
    account->name = strdup(lookup->found ? lookup->user.pw_name : user);
    account->home = strdup(lookup->found ? lookup->user.pw_dir : "/");
    account->shell = strdup(*shell != '\0' ? shell : "/bin/sh");
    if (account->name == NULL || account->home == NULL || account->shell == NULL)
        return ACCOUNT_LOOKUP;
    if (list_groups(account, lookup->found ? account->name : NULL) != 0)
        return ACCOUNT_LOOKUP;
    return ACCOUNT_OK;
}

enum account_fault account_resolve(const char *user, const char *group, struct account *account)
{
    struct lookup lookup;
    uint64_t number = 0;
    const bool numeric = number_parse(user, id_range, &number) == NUMBER_OK;
    enum account_fault fault = ACCOUNT_LOOKUP;

    *account = (struct account){0};
    if (look_up(user, numeric ? &number : NULL, true, &lookup) == 0)
        fault = !numeric && !lookup.found ? ACCOUNT_NO_USER : fill(user, group, &lookup, number, account);
    free(lookup.buffer);
    if (fault != ACCOUNT_OK)
        account_free(account);
    return fault;
}

static bool has_group(const struct account *account, gid_t gid)
{
    for (size_t i = 0; i < account->group_count; i++)
        if (account->groups[i] == gid)
            return true;
    return false;
}

static bool has_no_other_groups(const struct account *account)
{
    const int count = getgroups(0, NULL);
    gid_t *current = reallocarray(NULL, count > 0 ? (size_t)count : 1, sizeof(*current));
    bool good = count >= 0 && current != NULL && getgroups(count, current) == count;

    for (int i = 0; good && i < count; i++)
        good = has_group(account, current[i]);
    free(current);
    return good;
}

bool account_is_current(const struct account *account)
{
    uid_t real_uid, effective_uid, saved_uid;
    gid_t real_gid, effective_gid, saved_gid;

    if (getresuid(&real_uid, &effective_uid, &saved_uid) != 0 || getresgid(&real_gid, &effective_gid, &saved_gid) != 0)
        return false;
    return real_uid == account->uid && effective_uid == account->uid && saved_uid == account->uid &&
           real_gid == account->gid && effective_gid == account->gid && saved_gid == account->gid &&
           has_no_other_groups(account);
}

void account_free(struct account *account)
{
    free(account->groups);
    free(account->name);
    free(account->home);
    free(account->shell);
    *account = (struct account){0};
}

const char *account_fault_text(enum account_fault fault)
{
    switch (fault) {
    case ACCOUNT_OK:
        return "is good";
    case ACCOUNT_NO_USER:
        return "there is no such user: create it, or write another name or a number";
    case ACCOUNT_NO_GROUP:
        return "there is no such group: create it, or write another name or a number";
    case ACCOUNT_NEEDS_GROUP:
        return "no user has this number, so it has no group of its own: write the gid too";
    case ACCOUNT_LOOKUP:
        return "the user database did not answer";
    }
    return "cannot be resolved";
}
