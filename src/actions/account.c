/* SPDX-License-Identifier: ISC */
/* See account.h. */
#include "account.h"

#include "number.h"
#include "users.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct number_range id_range = {0, UINT32_MAX - 1}; /* the last one means "no change" to the kernel */

static bool is_number(const char *text)
{
    uint64_t number;

    return number_parse(text, id_range, &number) == NUMBER_OK;
}

static enum account_fault resolve_group(const char *group, gid_t *gid)
{
    uint64_t number;

    if (number_parse(group, id_range, &number) == NUMBER_OK) {
        *gid = (gid_t)number;
        return ACCOUNT_OK;
    }
    switch (users_group(group, gid)) {
    case USERS_FOUND:
        return ACCOUNT_OK;
    case USERS_NONE:
        return ACCOUNT_NO_GROUP;
    case USERS_FAILED:
        break;
    }
    return ACCOUNT_LOOKUP;
}

/* All that the database lists for a user, the one gid for a bare number (NULL). */
static int list_groups(struct account *account, const struct passwd *entry)
{
    if (entry != NULL)
        return users_groups(entry->pw_name, account->gid, &account->groups, &account->group_count);

    account->groups = malloc(sizeof(*account->groups));
    if (account->groups == NULL)
        return -1;
    account->groups[0] = account->gid;
    account->group_count = 1;
    return 0;
}

/* entry: NULL for a bare number. account->uid is set. */
static enum account_fault fill(const char *user, const char *group, const struct passwd *entry, struct account *account)
{
    if (group != NULL) {
        const enum account_fault fault = resolve_group(group, &account->gid);

        if (fault != ACCOUNT_OK)
            return fault;
    } else if (entry != NULL) {
        account->gid = entry->pw_gid;
    } else {
        return ACCOUNT_NEEDS_GROUP;
    }

    const char *shell = entry != NULL ? entry->pw_shell : "";
    account->name = strdup(entry != NULL ? entry->pw_name : user);
    account->home = strdup(entry != NULL ? entry->pw_dir : "/");
    account->shell = strdup(*shell != '\0' ? shell : "/bin/sh");
    if (account->name == NULL || account->home == NULL || account->shell == NULL || list_groups(account, entry) != 0)
        return ACCOUNT_LOOKUP;
    return ACCOUNT_OK;
}

/*
 * Does the database know the user? A number that it does not know, or for which it is not to be asked, is one all the
 * same: then found->buffer is NULL.
 */
static enum account_fault find(const char *user, bool ask, uid_t *uid, struct user *found)
{
    uint64_t number;
    const bool numeric = number_parse(user, id_range, &number) == NUMBER_OK;

    if (!ask) {
        *uid = (uid_t)number;
        return ACCOUNT_OK;
    }
    switch (numeric ? users_by_uid((uid_t)number, found) : users_by_name(user, found)) {
    case USERS_FOUND:
        *uid = found->entry.pw_uid;
        return ACCOUNT_OK;
    case USERS_NONE:
        if (!numeric)
            return ACCOUNT_NO_USER;
        *uid = (uid_t)number;
        return ACCOUNT_OK;
    case USERS_FAILED:
        break;
    }
    return ACCOUNT_LOOKUP;
}

enum account_fault account_resolve(const char *user, const char *group, struct account *account)
{
    struct user found = {0};
    enum account_fault fault;

    *account = (struct account){.by_numbers = group != NULL && is_number(user) && is_number(group)};
    fault = find(user, !account->by_numbers, &account->uid, &found);
    if (fault == ACCOUNT_OK)
        fault = fill(user, group, found.buffer != NULL ? &found.entry : NULL, account);
    free(found.buffer);
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

/* Then look, rather than believe. */
static int become_effectively(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
    /* Of the three, the change of uid takes the rights that the others need, or gives them. */
    if (uid == 0 && seteuid(0) != 0)
        return -1;
    if (setgroups(group_count, groups) != 0 || setegid(gid) != 0 || seteuid(uid) != 0)
        return -1;
    errno = EPERM;
    return geteuid() == uid && getegid() == gid ? 0 : -1;
}

static int remember_groups(struct account_before *before)
{
    const int count = getgroups(0, NULL);

    if (count < 0)
        return -1;
    before->groups = reallocarray(NULL, count > 0 ? (size_t)count : 1, sizeof(*before->groups));
    if (before->groups == NULL)
        return -1;
    before->group_count = (size_t)count;
    before->gid = getegid();
    return getgroups(count, before->groups) == count ? 0 : -1;
}

int account_enter(const struct account *account, struct account_before *before)
{
    *before = (struct account_before){0};
    if (geteuid() != 0)
        return 0;
    if (remember_groups(before) == 0) {
        before->changed = true;
        if (become_effectively(account->uid, account->gid, account->groups, account->group_count) == 0)
            return 0;
    }

    const int reason = errno;
    account_leave(before);
    errno = reason;
    return -1;
}

int account_leave(struct account_before *before)
{
    const int status = before->changed ? become_effectively(0, before->gid, before->groups, before->group_count) : 0;
    const int reason = errno;

    free(before->groups);
    *before = (struct account_before){0};
    errno = reason;
    return status;
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
