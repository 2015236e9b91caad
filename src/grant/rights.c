/* SPDX-License-Identifier: ISC */
/* See rights.h. */
#include "rights.h"

#include "keeper.h"
#include "users.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool is_user(const char *name, uid_t uid)
{
    struct user user = {0};
    const bool is = users_by_name(name, &user) == USERS_FOUND && user.entry.pw_uid == uid;

    free(user.buffer);
    return is;
}

enum rights_asker rights_asker_of(const struct gates *gates, uid_t uid)
{
    if (uid == 0)
        return RIGHTS_ROOT;
    if (is_user(KEEPER_NAME, uid))
        return RIGHTS_SEALED;
    return is_user(gates->web_user, uid) ? RIGHTS_WEB : RIGHTS_NOBODY;
}

/* Users of the form need not be users of this machine: those that are not are in no group. */
static bool is_in_group(const char *name, const char *group_name)
{
    struct user user = {0};
    gid_t group;
    gid_t *groups = NULL;
    size_t count = 0;
    bool is_in = false;

    if (users_group(group_name, &group) == USERS_FOUND && users_by_name(name, &user) == USERS_FOUND &&
        users_groups(name, user.entry.pw_gid, &groups, &count) == 0)
        for (size_t i = 0; i < count; i++)
            is_in |= groups[i] == group;
    free(groups);
    free(user.buffer);
    return is_in;
}

static bool is_about(const struct gates_rule *rule, const char *user)
{
    switch (rule->who) {
    case GATES_USER:
        return strcmp(rule->name, user) == 0;
    case GATES_GROUP:
        return is_in_group(user, rule->name);
    case GATES_EVERYBODY:
        return true;
    }
    return false;
}

static bool has_gate(const struct gates_rule *rule, const struct gate *gate)
{
    for (size_t i = 0; i < rule->to_count; i++)
        if (rule->to[i] == gate)
            return true;
    return false;
}

bool rights_may_open(const struct gates *gates, const struct gate *gate, const char *user)
{
    if (rights_may_all(gates, gate, user))
        return true;
    for (size_t i = 0; gate->web && i < gates->user_count; i++)
        if (has_gate(&gates->users[i], gate) && is_about(&gates->users[i], user))
            return true;
    return false;
}

bool rights_may_all(const struct gates *gates, const struct gate *gate, const char *user)
{
    for (size_t i = 0; gate->web && gate->web_admin && i < gates->admin_count; i++)
        if (is_about(&gates->admins[i], user))
            return true;
    return false;
}
