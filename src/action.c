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

#define PATH_ROOT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_USER "PATH=/usr/local/bin:/usr/bin:/bin"

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

/* The whole environment: this list, and nothing that the launcher or the peer had a say in but what systemd sets. */
static int make_environment(const struct action *action, const char *environment[static 12])
{
    static const char *const inherited[] = {"INVOCATION_ID", "JOURNAL_STREAM"};
    char port[8];
    size_t count = 0;

    snprintf(port, sizeof(port), "%u", action->port);
    environment[count++] = action->account->uid == 0 ? PATH_ROOT : PATH_USER;
    environment[count++] = variable("HOME", action->account->home);
    environment[count++] = variable("USER", action->account->name);
    environment[count++] = variable("LOGNAME", action->account->name);
    environment[count++] = variable("SHELL", action->account->shell);
    environment[count++] = "LANG=C.UTF-8";
    environment[count++] = variable("OSTIARY_ACTION", action->name);
    environment[count++] = variable("OSTIARY_ADDRESS", action->address);
    environment[count++] = variable("OSTIARY_PORT", port);
    for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++) {
        const char *value = getenv(inherited[i]);

        if (value != NULL)
            environment[count++] = variable(inherited[i], value);
    }
    for (size_t i = 0; i < count; i++)
        if (environment[i] == NULL)
            return -1;
    environment[count] = NULL;
    return 0;
}

/* execve(2) takes char *const[], though it changes nothing. */
static void execute(const char *command, const char *const argv[], const char *const environment[])
{
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = argv}, variables = {.in = environment};

    execve(command, arguments.out, variables.out);
}

enum action_fault action_become(const struct action *action)
{
    const char *const argv[] = {action->command, action->address, NULL};
    const char *environment[12];

    if (make_environment(action, environment) != 0)
        return ACTION_FAULT_STATE;
    if (replace_descriptors() != 0)
        return ACTION_FAULT_DESCRIPTORS;
    if (take_identity(action->account) != 0)
        return ACTION_FAULT_IDENTITY;
    if (reset_state(action->core_limit) != 0)
        return ACTION_FAULT_STATE;
    execute(action->command, argv, environment);
    return ACTION_FAULT_EXEC;
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
