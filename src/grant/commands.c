/* SPDX-License-Identifier: ISC */
/*
 * The commands of another firewall: see commands.h. One at a time. Each is started by a keeper, which is a fork of this
 * process and so has its turn at the gate (turn.h). The keeper waits until the command has ended, or its time is up, or
 * the process that wanted it is gone; it kills what is left of the command's group, and says what has become of it.
 */
#include "commands.h"

#include "address.h"
#include "clock.h"
#include "file.h"
#include "number.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TELL_FD    3   /* where a command, until it is one, says what stops it */
#define GRACE_S    5   /* how long what is killed may take to end, before its keeper gives it up */
#define VERDICT_MS 100 /* how long a few bytes may take between two processes of which one is about to end */
#define PATH_ROOT  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LIST_LINE  128 /* bytes of a line at most, with its end */
#define BLANKS     " \t"
#define PIECE      65536

/* A command that runs. */
struct child {
    pid_t pid;
    int end_fd; /* readable when it has ended */
    int64_t deadline_ms;
};

/* What a list has printed so far. */
struct output {
    char *bytes;
    size_t len, room;
    size_t limit;  /* more is not taken */
    bool too_much; /* there was more */
};

/* What a process has in common with the keeper; -1 where it is closed, or there is none. Its own ends come first. */
struct channels {
    int line[2];   /* of a socket */
    int output[2]; /* of a pipe, for what the command prints */
};

/* What its keeper says of it. */
struct verdict {
    enum commands_result result;
    int number; /* its status or signal; of COMMANDS_CANNOT_RUN errno */
};

/* ---- The child, until it is the command -------------------------------------------------------------------------- */

static int reset_state(pid_t parent)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        if (signal(number, SIG_DFL) == SIG_ERR && errno != EINVAL)
            return -1;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 || setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -1;
    /* It may have ended before the last call. */
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    umask(022);
    return chdir("/");
}

/* *tell_fd first goes where nothing is in the way, so that what stops the rest can be said. */
static int replace_descriptors(int output_fd, int *tell_fd)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int high_tell = fcntl(*tell_fd, F_DUPFD_CLOEXEC, TELL_FD + 1);

    if (null_fd < 0 || high_tell < 0)
        return -1;
    *tell_fd = high_tell;
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(output_fd < 0 ? null_fd : output_fd, STDOUT_FILENO) < 0 ||
        dup3(high_tell, TELL_FD, O_CLOEXEC) < 0)
        return -1;
    *tell_fd = TELL_FD;
    return close_range(TELL_FD + 1, ~0U, 0);
}

_Noreturn static void become(const char *const argv[], int output_fd, int tell_fd, pid_t parent)
{
    static const char path[] = "PATH=" PATH_ROOT;
    static const char language[] = "LANG=C.UTF-8";
    static const char home[] = "HOME=/";
    static const char *const environment[] = {path, language, home, NULL};
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = argv}, variables = {.in = environment};
    int error;

    /* execve(2) takes char *const[], though it changes nothing. */
    if (replace_descriptors(output_fd, &tell_fd) == 0 && reset_state(parent) == 0)
        execve(argv[0], arguments.out, variables.out);
    error = errno;
    (void)!write(tell_fd, &error, sizeof(error));
    _exit(EXIT_FAILURE);
}

/* ---- The keeper ---------------------------------------------------------------------------------------------------
 */

/*
 * Kill all of its group, and wait until the last of it is gone: what its members have left is the keeper's (see
 * begin_keeping). Its number is nobody else's until then. Gives how it ended.
 */
static int bury(struct child *child)
{
    int status = 0;

    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    while (waitpid(-child->pid, NULL, 0) > 0 || errno == EINTR)
        continue;
    if (child->end_fd >= 0)
        close(child->end_fd);
    child->end_fd = -1;
    return status;
}

/* Has it become the command? Its end of tell is closed by the exec, or says what has stopped it. */
static int hear(struct child *child, int tell_fd)
{
    int error;
    const ssize_t len = read(tell_fd, &error, sizeof(error));

    if (len == 0)
        return 0;
    if (len != sizeof(error))
        error = len < 0 ? errno : EPROTO;
    (void)bury(child);
    errno = error;
    return -1;
}

/* Start it, with its output there. */
static int start(const char *const argv[], int output_fd, struct child *child)
{
    int tell[2];
    const pid_t self = getpid();
    int status = -1;

    *child = (struct child){.end_fd = -1, .deadline_ms = clock_now_ms() + COMMANDS_LIMIT_S * 1000};
    if (pipe2(tell, O_CLOEXEC) != 0)
        return -1;
    child->pid = fork();
    if (child->pid == 0)
        become(argv, output_fd, tell[1], self);
    close(tell[1]);
    if (child->pid > 0) {
        /* Both do it: it is a group of its own whoever is first. */
        (void)setpgid(child->pid, child->pid);
        status = hear(child, tell[0]);
    }
    close(tell[0]);
    if (status != 0)
        return -1;
    child->end_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->end_fd >= 0)
        return 0;
    const int error = errno;
    (void)bury(child);
    errno = error;
    return -1;
}

/* False where its time is up, or nobody wants it any more: the other end of the line is closed. */
static bool has_ended(const struct child *child, int line_fd)
{
    for (;;) {
        struct pollfd ends[] = {{.fd = child->end_fd, .events = POLLIN}, {.fd = line_fd, .events = POLLIN}};
        const int left_ms = clock_left_ms(child->deadline_ms);

        if (left_ms == 0)
            return false;
        if (poll(ends, 2, left_ms) < 0 && errno != EINTR)
            return false;
        if (ends[1].revents != 0)
            return false;
        if (ends[0].revents != 0)
            return true;
    }
}

static enum commands_result judge(int ended, int *status)
{
    if (WIFSIGNALED(ended)) {
        *status = WTERMSIG(ended);
        return COMMANDS_SIGNAL;
    }
    *status = WEXITSTATUS(ended);
    return *status == 0 ? COMMANDS_OK : COMMANDS_STATUS;
}

/*
 * What a terminal sends to us is not for it: it notices that we are gone. What its command's children leave behind
 * becomes its own, so that it can wait for their end; and where even SIGKILL ends nothing, an alarm ends the keeper, so
 * that nobody waits for the lock for good.
 */
static void begin_keeping(void)
{
    sigset_t alarm_only;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm(COMMANDS_LIMIT_S + GRACE_S);
}

_Noreturn static void keep(const char *const argv[], int output_fd, int line_fd)
{
    struct verdict verdict = {.result = COMMANDS_CANNOT_RUN};
    struct child child;

    begin_keeping();
    if (start(argv, output_fd, &child) != 0) {
        verdict.number = errno;
    } else {
        if (output_fd >= 0)
            close(output_fd);
        const bool in_time = has_ended(&child, line_fd);
        const int ended = bury(&child);

        verdict.result = in_time ? judge(ended, &verdict.number) : COMMANDS_TIME;
    }
    (void)stream_send(line_fd, (const uint8_t *)&verdict, sizeof(verdict), stream_from_now(VERDICT_MS));
    _exit(EXIT_SUCCESS);
}

/* ---- The process that wants it ------------------------------------------------------------------------------------
 */

/* Keeps errno. */
static void close_end(int *fd)
{
    const int error = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = error;
}

/* Take what is there to be read. False: there will be no more of it. */
static bool take_output(int output_fd, struct output *output)
{
    char *more;
    ssize_t len;

    if (output->room - output->len < PIECE) {
        more = realloc(output->bytes, output->room * 2 + PIECE);
        if (more == NULL) {
            output->too_much = true;
            return false;
        }
        output->bytes = more;
        output->room = output->room * 2 + PIECE;
    }
    len = read(output_fd, output->bytes + output->len, PIECE);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (len <= 0)
        return false;
    output->len += (size_t)len;
    output->too_much |= output->len > output->limit;
    return !output->too_much;
}

/* Until the keeper has spoken, or is gone, and what the command has printed is read; or is too much. */
static void listen_to(int line_fd, int output_fd, struct output *output)
{
    for (;;) {
        struct pollfd ends[] = {{.fd = line_fd, .events = POLLIN}, {.fd = output_fd, .events = POLLIN}};

        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            return;
        if (ends[1].revents != 0 && !take_output(output_fd, output)) {
            if (output->too_much)
                return;
            output_fd = -1;
        }
        if (ends[1].revents == 0 && ends[0].revents != 0)
            return;
    }
}

/* Hear what the keeper says, and let it go: where it has not spoken yet, it kills the command. */
static enum commands_result conclude(pid_t keeper, int *line_fd, int *status)
{
    struct verdict verdict;
    size_t got = 0;
    const bool spoken =
        stream_receive(*line_fd, (uint8_t *)&verdict, sizeof(verdict), stream_from_now(VERDICT_MS), &got) == STREAM_OK;
    int ended = 0;

    close_end(line_fd);
    while (waitpid(keeper, &ended, 0) < 0 && errno == EINTR)
        continue;
    if (!spoken)
        return WIFSIGNALED(ended) && WTERMSIG(ended) != SIGALRM ? judge(ended, status) : COMMANDS_TIME;
    if (verdict.result == COMMANDS_CANNOT_RUN)
        errno = verdict.number;
    else
        *status = verdict.number;
    return verdict.result;
}

/* What root runs must be root's. */
static bool is_safe(const char *path)
{
    struct file_command command = {.dir_fd = -1, .fd = -1};
    char culprit[PATH_MAX];
    const enum file_fault fault = file_open_command(path, geteuid() == 0, &command, culprit);

    file_close_command(&command);
    return fault == FILE_OK || fault == FILE_CANNOT_OPEN;
}

static enum commands_result run_kept(const char *const argv[], struct channels *channels, struct output *output,
                                     int *status)
{
    const pid_t keeper = fork();

    if (keeper < 0)
        return COMMANDS_CANNOT_RUN;
    if (keeper == 0) {
        close_end(&channels->line[0]);
        close_end(&channels->output[0]);
        keep(argv, channels->output[1], channels->line[1]);
    }
    close_end(&channels->line[1]);
    close_end(&channels->output[1]);
    listen_to(channels->line[0], channels->output[0], output);
    return conclude(keeper, &channels->line[0], status);
}

static enum commands_result run(const char *const argv[], struct output *output, int *status)
{
    struct channels channels = {{-1, -1}, {-1, -1}};
    enum commands_result result = COMMANDS_CANNOT_RUN;

    *status = 0;
    if (!is_safe(argv[0]))
        return COMMANDS_UNSAFE;
    /* What a launcher has left would let the kernel bury it, and forget how it ended. */
    signal(SIGCHLD, SIG_DFL);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channels.line) == 0 &&
        (output == NULL || pipe2(channels.output, O_CLOEXEC) == 0))
        result = run_kept(argv, &channels, output, status);
    for (int i = 0; i < 2; i++) {
        close_end(&channels.line[i]);
        close_end(&channels.output[i]);
    }
    return result;
}

/* ---- What is asked of it ----------------------------------------------------------------------------------------- */

static enum commands_result change(const char *path, const struct source *network, uint64_t seconds, const char *user,
                                   int *status)
{
    char address[ADDRESS_TEXT_LEN];
    char time[24];
    const char *const argv[] = {path, address, time, user, NULL};

    *status = 0;
    if (user[0] != '\0' && !gates_is_user(user)) {
        errno = EINVAL;
        return COMMANDS_CANNOT_RUN;
    }
    address_format_source(network, address);
    snprintf(time, sizeof(time), "%" PRIu64, seconds);
    return run(argv, NULL, status);
}

enum commands_result commands_grant(const struct gate *gate, const struct source *network, uint64_t seconds,
                                    const char *user, int *status)
{
    return change(gate->grant, network, seconds, user, status);
}

enum commands_result commands_revoke(const struct gate *gate, const struct source *network, const char *user,
                                     int *status)
{
    return change(gate->revoke, network, 0, user, status);
}

/* "ADDRESS[/N] COUNT"; the line is changed. */
static bool parse_line(char *line, struct commands_network *network)
{
    char *count = line + strcspn(line, BLANKS);

    if (*count == '\0')
        return false;
    *count++ = '\0';
    count += strspn(count, BLANKS);
    return address_parse_network(line, &network->network) == ADDRESS_OK &&
           number_parse(count, (struct number_range){0, INT64_MAX}, &network->packets) == NUMBER_OK;
}

/* All of it, or nothing. */
static bool parse_list(struct output *output, size_t max, struct commands_network **list, size_t *count)
{
    char *end;

    *list = calloc(max > 0 ? max : 1, sizeof(**list));
    for (char *line = output->bytes; *list != NULL && line < output->bytes + output->len; line = end + 1) {
        end = memchr(line, '\n', output->len - (size_t)(line - output->bytes));
        if (end == NULL || *count == max)
            return false;
        *end = '\0';
        if (strlen(line) != (size_t)(end - line) || !parse_line(line, &(*list)[*count]))
            return false;
        ++*count;
    }
    return *list != NULL;
}

enum commands_result commands_list(const struct gate *gate, size_t max, struct commands_network **list, size_t *count,
                                   int *status)
{
    const char *const argv[] = {gate->list, NULL};
    struct output output = {.limit = max * LIST_LINE};
    enum commands_result result = run(argv, &output, status);

    *list = NULL;
    *count = 0;
    if (output.too_much || (result == COMMANDS_OK && !parse_list(&output, max, list, count)))
        result = COMMANDS_LINES;
    if (result != COMMANDS_OK) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    free(output.bytes);
    return result;
}

const char *commands_result_text(enum commands_result result)
{
    switch (result) {
    case COMMANDS_OK:
        break;
    case COMMANDS_CANNOT_RUN:
        return "cannot be run";
    case COMMANDS_UNSAFE:
        return "could be changed by others than root, or is no command: 'ostgrant check' says what to do";
    case COMMANDS_STATUS:
        return "has failed, with status";
    case COMMANDS_SIGNAL:
        return "was ended by signal";
    case COMMANDS_TIME:
        return "did not end within 10 seconds, and was killed";
    case COMMANDS_LINES:
        return "printed other lines than ADDRESS[/N] COUNT, or too many: nothing of it is believed";
    }
    return "has done it";
}
