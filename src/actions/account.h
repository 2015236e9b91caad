/* SPDX-License-Identifier: ISC */
/*
 * The identity an action runs as, from the user and group that the configuration names. It asks the user database
 * (users.h), which may have to ask a server: never before the reply has arrived.
 */
#ifndef OSTIARY_ACCOUNT_H
#define OSTIARY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum account_fault {
    ACCOUNT_OK,
    ACCOUNT_NO_USER,     /* no user of that name */
    ACCOUNT_NO_GROUP,    /* no group of that name */
    ACCOUNT_NEEDS_GROUP, /* a number without a passwd entry, and no group given */
    ACCOUNT_LOOKUP       /* the database did not answer, or memory ran out: errno says why */
};

struct account {
    bool by_numbers; /* user and group were numbers: then nobody has been asked, and nothing more is known of them */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* what initgroups(3) would set, gid among them; by numbers the gid alone */
    size_t group_count;
    char *name; /* the number as text where no passwd entry is known; then home is "/" and shell /bin/sh */
    char *home;
    char *shell;
};

/*
 * user: number or name; group: number or name, or NULL for the user's own. Where both are numbers they are taken as
 * they are, and the user database is not asked: that would load NSS and its modules, which costs more than the rest of
 * the action's start. The caller frees the account.
 */
enum account_fault account_resolve(const char *user, const char *group, struct account *account);

/* Is this process that user already, with that group, and in no group but the account's? */
bool account_is_current(const struct account *account);

/* What account_enter has changed. */
struct account_before {
    bool changed;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
};

/*
 * Take on the account's groups, gid and uid effectively, to look at files as it would; account_leave makes this process
 * root again. A process that is not root is taken for the account already. Both return 0, or -1 with errno: then
 * account_enter has changed nothing, and after account_leave the process must end.
 */
int account_enter(const struct account *account, struct account_before *before);
int account_leave(struct account_before *before);

void account_free(struct account *account);

/* What is wrong, for "user 'x': TEXT". */
const char *account_fault_text(enum account_fault fault);

#endif
