/* SPDX-License-Identifier: ISC */
/* See action.h. */
#include "action.h"

#include "deadline.h"
#include "log.h"
#include "proc.h"
#include "program.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Letting go ---- */

/*
 * Whoever has a session keyring has the keys in it, root's own for example. A kernel without keys has none to give
 * away. EPERM is a container's filter: what may not speak of keys here may not as the action either.
 */
static int leave_keyring(void)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS || errno == EPERM)
        return 0;
    return -1;
}

/* What the kernel says of this process, of fields that proc(5) numbers. */
struct self {
    long terminal;       /* 7: 0 for none */
    unsigned long flags; /* 9 */
};

static int look_at_self(struct self *self)
{
    char line[PROC_LINE_LEN];
    const char *fields = proc_fields(0, line);

    if (fields == NULL)
        return -1;
    errno = EINVAL;
    return sscanf(fields, "%*c %*d %*d %*d %ld %*d %lu", &self->terminal, &self->flags) == 2 ? 0 : -1;
}

/* None is left when /dev/tty says so, or, where there is no such file, the kernel. */
static int give_up_terminal(void)
{
    const int terminal_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct self self;
    int status;

    if (terminal_fd < 0 && errno == ENXIO)
        return 0;
    if (terminal_fd < 0) {
        const int error = errno;

        if (look_at_self(&self) == 0 && self.terminal == 0)
            return 0;
        errno = error;
        return -1;
    }
    /* Who leads a session takes the terminal from all in it, and is sent SIGHUP. */
    signal(SIGHUP, SIG_IGN);
    status = ioctl(terminal_fd, TIOCNOTTY);
    close(terminal_fd);
    return status;
}

/* A session of its own has no terminal. Whoever leads a group or a session already cannot have one, and gives it up. */
static int leave_terminal(void)
{
    if (setsid() >= 0)
        return 0;
    return errno == EPERM ? give_up_terminal() : -1;
}

/* Those in the inheritable set, and with them the ambient ones, would be the action's. */
static int leave_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    __u32 inheritable = 0;

    if (syscall(SYS_capget, &header, sets) != 0)
        return -1;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        inheritable |= sets[i].inheritable;
        sets[i].inheritable = 0;
    }
    return inheritable == 0 ? 0 : (int)syscall(SYS_capset, &header, sets);
}

enum action_fault action_detach(void)
{
    if (leave_keyring() != 0)
        return ACTION_FAULT_KEYRING;
    if (leave_terminal() != 0)
        return ACTION_FAULT_TERMINAL;
    return leave_capabilities() != 0 ? ACTION_FAULT_CAPABILITIES : ACTION_OK;
}

/* ---- Taking on ---- */

static int give_back(__rlimit_resource_t resource, rlim_t soft)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return -1;
    limit.rlim_cur = soft;
    return setrlimit(resource, &limit);
}

/*
 * The command gets the connection, and the receipt by a pipe, which is never swapped. The connection must not be where
 * the log is: a line of it would go to the peer.
 */
static int hand_over(const struct action *action)
{
    int pipe_fds[2];

    log_make_way(ACTION_PEER_FD);
    if (pipe2(pipe_fds, O_CLOEXEC) != 0 ||
        write(pipe_fds[1], action->receipt, action->receipt_len) != (ssize_t)action->receipt_len)
        return -1;
    return dup2(pipe_fds[0], STDIN_FILENO) < 0 ? -1 : dup2(action->peer_fd, ACTION_PEER_FD);
}

/*
 * /dev/null is opened before the identity, which need not be able to. Above 2, everything is closed by execve, but what
 * is handed over. With the last descriptor that is made, the launcher's limit holds again.
 */
static int replace_descriptors(struct action *action, int null_fd)
{
    const bool hands_over = action->receipt != NULL && action->sends_receipt;

    if (action->receipt != NULL) {
        action->peer_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, ACTION_PEER_FD + hands_over);
        if (action->peer_fd < 0)
            return -1;
    }
    if ((hands_over ? hand_over(action) : dup2(null_fd, STDIN_FILENO)) < 0 ||
        give_back(RLIMIT_NOFILE, action->limits.descriptors) != 0)
        return -1;
    return close_range((unsigned)(ACTION_PEER_FD + hands_over), ~0U, CLOSE_RANGE_CLOEXEC);
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

/* The kernel notes when a change of uid comes to a user with more processes than RLIMIT_NPROC, and lets execve fail. */
#define PROCESSES_EXCEEDED 0x1000 /* PF_NPROC_EXCEEDED of linux/sched.h */

static bool has_too_many_processes(void)
{
    struct self self;

    return look_at_self(&self) == 0 && (self.flags & PROCESSES_EXCEEDED) != 0;
}

/* As at login: default signals, none blocked, umask 022, the root directory; and core files as the launcher allows
 * them. */
static int reset_state(rlim_t core_limit)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        /* SIGKILL, SIGSTOP and the two that the C library keeps cannot be set, and need not be. That of the deadline is
         * caught until the last moment; execve sets it back. */
        if (number != DEADLINE_SIGNAL && signal(number, SIG_DFL) == SIG_ERR && errno != EINVAL)
            return -1;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        return -1;
    umask(022);
    if (give_back(RLIMIT_CORE, core_limit) != 0)
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
static int make_environment(struct action *action)
{
    const struct account *account = action->account;
    char port[8];

    snprintf(port, sizeof(port), "%u", action->port);
    const struct {
        const char *name, *value;
    } list[] = {
        {"PATH", program_path(account)},
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
        /* What is said into the stream has the handler's name, and ostgrant has one of its own in the log. */
        {"JOURNAL_STREAM", action->sends_receipt ? NULL : getenv("JOURNAL_STREAM")},
    };
    size_t count = 0;

    _Static_assert(sizeof(list) / sizeof(list[0]) < ACTION_ENVIRONMENT_MAX, "the NULL has a place");
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].value == NULL)
            continue;
        action->environment[count] = variable(list[i].name, list[i].value);
        if (action->environment[count++] == NULL)
            return -1;
    }
    return 0;
}

enum action_fault action_take_on(struct action *action)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    action->peer_fd = -1;
    if (null_fd < 0)
        return ACTION_FAULT_DESCRIPTORS;
    if (make_environment(action) != 0)
        return ACTION_FAULT_STATE;
    if (take_identity(action->account) != 0)
        return ACTION_FAULT_IDENTITY;
    if (has_too_many_processes())
        return ACTION_FAULT_PROCESSES;
    if (reset_state(action->limits.core) != 0)
        return ACTION_FAULT_STATE;
    return replace_descriptors(action, null_fd) != 0 ? ACTION_FAULT_DESCRIPTORS : ACTION_OK;
}

/* ---- Starting ---- */

enum action_fault action_start(const struct action *action)
{
    /* execve(2) takes char *const[], though it changes nothing. */
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = action->arguments};

    if (action->receipt != NULL && !action->sends_receipt) {
        stream_send_at_once(action->peer_fd, action->receipt, action->receipt_len);
        stream_end(action->peer_fd);
    }
    /* The one timer that an execve(2) leaves: nobody has to stay to watch over the command. */
    if (action->timeout_s > 0)
        alarm(action->timeout_s);
    execve(action->arguments[0], arguments.out, action->environment);
    alarm(0);
    return ACTION_FAULT_EXEC;
}

void action_free(struct action *action)
{
    for (size_t i = 0; i < ACTION_ENVIRONMENT_MAX; i++)
        free(action->environment[i]);
}

const char *action_fault_text(enum action_fault fault)
{
    switch (fault) {
    case ACTION_OK:
        break;
    case ACTION_FAULT_KEYRING:
        return "cannot leave the launcher's session keyring";
    case ACTION_FAULT_TERMINAL:
        return "cannot give up the launcher's terminal";
    case ACTION_FAULT_CAPABILITIES:
        return "cannot drop the launcher's inheritable capabilities";
    case ACTION_FAULT_DESCRIPTORS:
        return "cannot replace the descriptors";
    case ACTION_FAULT_IDENTITY:
        return "cannot take on its user and groups";
    case ACTION_FAULT_PROCESSES:
        return "its user has as many processes as RLIMIT_NPROC lets him have: end some, or raise it (LimitNPROC= in a "
               "unit)";
    case ACTION_FAULT_STATE:
        return "cannot make its environment, signals, limits and directory";
    case ACTION_FAULT_LATE:
        return "COMM_TIMEOUT has passed since the reply, and nobody waits for it any more: is this machine too busy?";
    case ACTION_FAULT_EXEC:
        return "cannot be run";
    }
    return "is ready";
}

bool action_fault_has_errno(enum action_fault fault)
{
    return fault != ACTION_OK && fault != ACTION_FAULT_PROCESSES && fault != ACTION_FAULT_LATE;
}
