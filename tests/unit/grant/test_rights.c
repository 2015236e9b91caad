/* SPDX-License-Identifier: ISC */
/* rights.h: who asks, and what he may, for each way to name him. The user database is a stand-in. */
#include "rights.h"

#include "users.h"

#include "check.h"

#include <stdlib.h>

#define OSTIARY_UID 950
#define WEB_UID     33
#define ALICE_UID   1000
#define WHEEL       10
#define STAFF       50

static bool database_answers = true;

/* ---- The user database: ostiary, www-data, and alice, who is in wheel ---- */

enum users_answer users_by_name(const char *name, struct user *user)
{
    static const struct {
        const char *name;
        uid_t uid;
    } all[] = {{"ostiary", OSTIARY_UID}, {"www-data", WEB_UID}, {"alice", ALICE_UID}};

    if (!database_answers)
        return USERS_FAILED;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i].name, name) == 0) {
            *user = (struct user){.entry = {.pw_uid = all[i].uid, .pw_gid = STAFF}};
            return USERS_FOUND;
        }
    return USERS_NONE;
}

enum users_answer users_group(const char *name, gid_t *gid)
{
    *gid = strcmp(name, "wheel") == 0 ? WHEEL : STAFF;
    return strcmp(name, "wheel") == 0 || strcmp(name, "staff") == 0 ? USERS_FOUND : USERS_NONE;
}

int users_groups(const char *name, gid_t gid, gid_t **groups, size_t *count)
{
    *count = strcmp(name, "alice") == 0 ? 2 : 1;
    *groups = calloc(2, sizeof **groups);
    if (*groups == NULL)
        return -1;
    (*groups)[0] = gid;
    (*groups)[1] = WHEEL;
    return 0;
}

/* ---- The configuration ---- */

enum { OPEN, HOME, SHUT, COUNT };

static struct gate list[COUNT] = {
    [OPEN] = {.name = "open", .web = true, .web_admin = true},
    [HOME] = {.name = "home", .web = true},
    [SHUT] = {.name = "shut"},
};
static const struct gate *all_gates[COUNT] = {&list[OPEN], &list[HOME], &list[SHUT]};
static const struct gate *home_alone[] = {&list[HOME]};

/* What somebody may at each gate, as letters: a all, o open, - nothing. */
static const char *may(const struct gates *gates, const char *user)
{
    static char text[COUNT + 1];

    for (size_t i = 0; i < COUNT; i++)
        text[i] = rights_may_all(gates, &list[i], user) ? 'a' : rights_may_open(gates, &list[i], user) ? 'o' : '-';
    return text;
}

static void test_users(void)
{
    struct gates_rule one = {.who = GATES_USER, .name = "bob", .to = home_alone, .to_count = 1};
    struct gates gates = {.list = list, .count = COUNT, .users = &one, .user_count = 1};

    check_text(may(&gates, "bob"), "-o-", "a user has the gates that USER names");
    check_text(may(&gates, "bobby"), "---", "and nobody else has");
    one = (struct gates_rule){.who = GATES_EVERYBODY, .to = all_gates, .to_count = COUNT};
    check_text(may(&gates, "anybody"), "oo-", "all have what is given to all, but for gates without web=yes");
    one = (struct gates_rule){.who = GATES_GROUP, .name = "wheel", .to = all_gates, .to_count = COUNT};
    check_text(may(&gates, "alice"), "oo-", "who is in a group has what is its");
    check_text(may(&gates, "ostiary"), "---", "who is not has nothing");
    check_text(may(&gates, "stranger"), "---", "nor who is no user of this machine");
    one.name = "nosuch";
    check_text(may(&gates, "alice"), "---", "nor is anybody in a group that is not there");
    one.name = "wheel";
    database_answers = false;
    check_text(may(&gates, "alice"), "---", "nor while the database does not answer");
    database_answers = true;
}

static void test_admins(void)
{
    struct gates_rule one = {.who = GATES_USER, .name = "carol"};
    struct gates gates = {.list = list, .count = COUNT, .admins = &one, .admin_count = 1};

    check_text(may(&gates, "carol"), "a--", "an admin may all where the gate has web-admin=yes, and nothing elsewhere");
    check_text(may(&gates, "alice"), "---", "and nobody else may");
    one = (struct gates_rule){.who = GATES_GROUP, .name = "staff"};
    check_text(may(&gates, "alice"), "a--", "the group by which somebody logs in counts");
}

static void test_askers(void)
{
    const struct gates gates = {.web_user = "www-data"};
    const struct gates own = {.web_user = "httpd"};

    check(rights_asker_of(&gates, 0) == RIGHTS_ROOT, "root is root");
    check(rights_asker_of(&gates, OSTIARY_UID) == RIGHTS_SEALED, "the user of the sealed door is known by its name");
    check(rights_asker_of(&gates, WEB_UID) == RIGHTS_WEB, "and that of the web server");
    check(rights_asker_of(&own, WEB_UID) == RIGHTS_NOBODY, "unless WEB_USER says another");
    check(rights_asker_of(&gates, ALICE_UID) == RIGHTS_NOBODY, "anybody else is nobody");
    database_answers = false;
    check(rights_asker_of(&gates, WEB_UID) == RIGHTS_NOBODY && rights_asker_of(&gates, OSTIARY_UID) == RIGHTS_NOBODY,
          "and so are all but root while the database does not answer");
    database_answers = true;
}

int main(void)
{
    test_users();
    test_admins();
    test_askers();
    return check_end();
}
