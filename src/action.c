/* SPDX-License-Identifier: ISC */
/* See action.h. */
#include "action.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_USER "/usr/local/bin:/usr/bin:/bin"

/* fd 0 is the peer until here. Above 2, everything is closed by execve at the latest. */
static int replace_descriptors(void)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
        return -1;
    return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* Groups, gid, uid, in this order: each needs the rights that the next gives up. Then look, rather than believe. */
static int take_identity(const struct account *account)
{
    /* A handler without root's rights, which runs actions as itself, has nothing to change and may not try. */
    if (geteuid() != 0) {
        errno = EPERM;
        return account_is_current(account) ? 0 : -1;
    }
    if (setgroups(account->group_count, account->groups) != 0 ||
        setresgid(account->gid, account->gid, account->gid) != 0 ||
        setresuid(account->uid, account->uid, account->uid) != 0)
        return -1;
    errno = EPERM;
    if (!account_is_current(account) || getgroups(0, NULL) != (int)account->group_count)
        return -1;
    if (account->uid != 0 && setresuid(0, 0, 0) == 0)
        return -1;
    return 0;
}

/* As at login: default signals, none blocked, umask 022, the core limit back, the root directory, a session of its own.
 */
static int reset_state(rlim_t core_limit)
{
    struct rlimit core;
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        /* SIGKILL, SIGSTOP and the two that the C library keeps cannot be set, and need not be. */
        if (signal(number, SIG_DFL) == SIG_ERR && errno != EINVAL)
            return -1;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        return -1;
    umask(022);
    if (getrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    core.rlim_cur = core_limit;
    if (setrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    /* Fails where the launcher has made this process a leader already, which is as good. */
    if (setsid() < 0 && errno != EPERM)
        return -1;
    return chdir("/");
}

/* NAME=value, or NULL when memory ran out. */
static char *variable(const char *name, const char *value)
{
    char *text = NULL;

    return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

#define ENVIRONMENT_MAX 13 /* what make_environment lists, and the NULL behind it */

/* The whole environment: this list, and nothing that the launcher or the peer had a say in but what systemd sets. */
static int make_environment(const struct action *action, char *environment[static ENVIRONMENT_MAX])
{
    const struct account *account = action->account;
    char port[8];

    snprintf(port, sizeof(port), "%u", action->port);
    const struct {
        const char *name, *value;
    } list[] = {
        {"PATH", account->uid == 0 ? PATH_ROOT : PATH_USER},
        {"HOME", account->home},
        {"USER", account->name},
        {"LOGNAME", account->name},
        {"SHELL", account->shell},
        {"LANG", "C.UTF-8"},
        {"OSTIARY_ACTION", action->name},
        {"OSTIARY_ADDRESS", action->address},
        {"OSTIARY_INTERFACE", action->interface[0] != '\0' ? action->interface : NULL},
        {"OSTIARY_PORT", port},
        {"INVOCATION_ID", getenv("INVOCATION_ID")},
        {"JOURNAL_STREAM", getenv("JOURNAL_STREAM")},
    };
    size_t count = 0;

    _Static_assert(sizeof(list) / sizeof(list[0]) < ENVIRONMENT_MAX, "the NULL has a place");
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].value == NULL)
            continue;
        environment[count] = variable(list[i].name, list[i].value);
        if (environment[count++] == NULL)
            return -1;
    }
    return 0;
}

/* execve(2) takes char *const[], though it changes nothing. */
static void execute(const struct action *action, char *const environment[])
{
    const char *const argv[] = {action->command, action->address, NULL};
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = argv};

    execve(action->command, arguments.out, environment);
}

static enum action_fault become(const struct action *action, char *environment[static ENVIRONMENT_MAX])
{
    if (make_environment(action, environment) != 0)
        return ACTION_FAULT_STATE;
    if (replace_descriptors() != 0)
        return ACTION_FAULT_DESCRIPTORS;
    if (take_identity(action->account) != 0)
        return ACTION_FAULT_IDENTITY;
    if (reset_state(action->core_limit) != 0)
        return ACTION_FAULT_STATE;
    execute(action, environment);
    return ACTION_FAULT_EXEC;
}

enum action_fault action_become(const struct action *action)
{
    char *environment[ENVIRONMENT_MAX] = {NULL};
    const enum action_fault fault = become(action, environment);
    const int error = errno;

    for (size_t i = 0; i < ENVIRONMENT_MAX; i++)
        free(environment[i]);
    errno = error;
    return fault;
}

const char *action_fault_text(enum action_fault fault)
{
    switch (fault) {
    case ACTION_FAULT_DESCRIPTORS:
        return "cannot replace the descriptors";
    case ACTION_FAULT_IDENTITY:
        return "cannot take on its user and groups";
    case ACTION_FAULT_STATE:
        return "cannot make its environment, signals, limits and directory";
    case ACTION_FAULT_EXEC:
        break;
    }
    return "cannot be run";
}
