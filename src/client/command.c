/* SPDX-License-Identifier: ISC */
/*
 * See command.h. Called by key.c, before anything is connected, and by replier.c.
 *
 * The command leads a process group of its own, so that it can be ended with what it has started; where it may ask
 * somebody it gets the foreground of the terminal, as a shell gives it. Signals are blocked and read from a signalfd:
 * there is no handler, and no instruction at which one could leave a command behind.
 */
#include "command.h"

#include "clock.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#define GRACE_MS    1000 /* from SIGTERM to SIGKILL */
#define REST_PIECES 1024 /* more than what a pipe holds has, and an end for what goes on writing */

/* A terminal whose foreground we are; fd is -1 where there is none, or it is none of the command's. */
struct terminal {
    int fd;
    struct termios before;
};

/* A command that runs. */
struct child {
    const struct command_run *run;
    struct command_ending *ending;
    pid_t pid;
    int signal_fd; /* that it has ended or stopped, and what comes for us */
    int output_fd;
    int words_fd;  /* its standard error; -1 where that is ours */
    int tell_fd;   /* an error that has kept it from starting; the end: it has started */
    size_t seen;   /* bytes of its output, dropped ones included */
    bool has_line; /* the first line is complete */
    struct terminal terminal;
    bool is_held; /* signals are, and the next two are what was before */
    sigset_t mask_before;
    struct sigaction child_before; /* what SIGCHLD did */
};

/* The command's own ends; -1: none. */
struct ends {
    int input_fd, output_fd, words_fd, tell_fd;
};

/* ---- Words ---- */

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n';
}

/* One word, from *text to where it ends, at *to. */
static enum command_fault take_word(const char **text, char **to)
{
    char quote = '\0';

    for (; **text != '\0' && (quote != '\0' || !is_blank(**text)); (*text)++) {
        if (quote == '\0' && (**text == '\'' || **text == '"'))
            quote = **text;
        else if (quote != '\0' && **text == quote)
            quote = '\0';
        else
            *(*to)++ = **text;
    }
    *(*to)++ = '\0';
    return quote == '\0' ? COMMAND_GOOD : COMMAND_QUOTE;
}

enum command_fault command_split(const char *text, struct command *command)
{
    char *to = command->text;
    size_t count = 0;

    *command = (struct command){0};
    if (strlen(text) > COMMAND_TEXT_MAX)
        return COMMAND_LONG;
    for (;;) {
        while (is_blank(*text))
            text++;
        if (*text == '\0')
            break;
        if (count == COMMAND_WORDS_MAX)
            return COMMAND_MANY;
        command->words[count++] = to;
        if (take_word(&text, &to) != COMMAND_GOOD)
            return COMMAND_QUOTE;
    }
    return count == 0 || command->words[0][0] == '\0' ? COMMAND_EMPTY : COMMAND_GOOD;
}

const char *command_fault_text(enum command_fault fault)
{
    switch (fault) {
    case COMMAND_GOOD:
        break;
    case COMMAND_EMPTY:
        return "names no command";
    case COMMAND_LONG:
        return "is too long: at most 4095 bytes";
    case COMMAND_MANY:
        return "has too many words: at most 64";
    case COMMAND_QUOTE:
        return "has a quote that is not closed";
    }
    return "is good";
}

/* ---- The terminal ---- */

static void find_terminal(struct child *child)
{
    struct terminal *terminal = &child->terminal;

    terminal->fd = child->run->is_asking ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (terminal->fd < 0)
        return;
    if (tcgetpgrp(terminal->fd) == getpgrp() && tcgetattr(terminal->fd, &terminal->before) == 0)
        return;
    close(terminal->fd);
    terminal->fd = -1;
}

/* Give the foreground to a process group; SIGTTOU is blocked, so that it can be taken back as well. */
static void give_terminal(int terminal_fd, pid_t group)
{
    if (terminal_fd >= 0)
        (void)tcsetpgrp(terminal_fd, group);
}

/* Take it back, as it was: a command that was killed may have left it without echo. */
static void take_terminal(const struct terminal *terminal, bool is_restored)
{
    give_terminal(terminal->fd, getpgrp());
    if (terminal->fd >= 0 && is_restored)
        (void)tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
}

/* What is to end us meanwhile waits, and ends the command as well. */
static void stop_ourselves(const struct child *child)
{
    sigset_t stop, held;

    sigemptyset(&stop);
    if (!sigismember(&child->mask_before, SIGTSTP))
        sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, &held);
    raise(SIGTSTP);
    sigprocmask(SIG_SETMASK, &held, NULL);
}

/*
 * The command was stopped (^Z), or we are to be: whoever started us sees us stop, and when we go on, so does the
 * command. One without a terminal has no part in it.
 */
static void stand_still(const struct child *child)
{
    const int terminal_fd = child->terminal.fd;
    struct termios meanwhile;

    if (terminal_fd < 0 || tcgetattr(terminal_fd, &meanwhile) != 0) {
        stop_ourselves(child);
        return;
    }
    kill(-child->pid, SIGTSTP);
    take_terminal(&child->terminal, true);
    stop_ourselves(child);
    if (tcgetpgrp(terminal_fd) == getpgrp()) {
        (void)tcsetattr(terminal_fd, TCSADRAIN, &meanwhile);
        give_terminal(terminal_fd, child->pid);
    }
    kill(-child->pid, SIGCONT);
}

/*
 * The command wants the terminal, and we are in the background: whoever started us sees us stop. Where we go on in the
 * foreground, the command gets it; else it stands still until its time is over.
 */
static void wait_for_terminal(struct child *child)
{
    stop_ourselves(child);
    find_terminal(child);
    if (child->terminal.fd < 0)
        return;
    give_terminal(child->terminal.fd, child->pid);
    kill(-child->pid, SIGCONT);
}

/* ---- The child, until it is the command ---- */

_Noreturn static void become(const struct child *child, const struct ends *ends, pid_t parent)
{
    const bool is_asking = child->run->is_asking;
    int error;

    /* A session of its own has no terminal. */
    if ((is_asking ? setpgid(0, 0) : setsid()) < 0)
        goto failed;
    give_terminal(child->terminal.fd, getpid());
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        goto failed;
    /* It may have ended before the last call. */
    if (getppid() != parent)
        _exit(EX_OK);
    if (dup2(ends->input_fd, STDIN_FILENO) < 0 || dup2(ends->output_fd, STDOUT_FILENO) < 0 ||
        (ends->words_fd >= 0 && dup2(ends->words_fd, STDERR_FILENO) < 0))
        goto failed;
    if (sigaction(SIGCHLD, &child->child_before, NULL) == 0 && sigprocmask(SIG_SETMASK, child->run->mask, NULL) == 0)
        execvp(child->run->command->words[0], child->run->command->words);
failed:
    error = errno;
    (void)!write(ends->tell_fd, &error, sizeof(error));
    _exit(EX_UNAVAILABLE);
}

/* ---- Starting ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_ends(struct ends *ends)
{
    close_fd(&ends->input_fd);
    close_fd(&ends->output_fd);
    close_fd(&ends->words_fd);
    close_fd(&ends->tell_fd);
}

static int new_pipe(int flags, int *read_fd, int *write_fd)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | flags) != 0)
        return -1;
    *read_fd = fds[0];
    *write_fd = fds[1];
    return 0;
}

/* All of it is in the pipe before anybody reads, and nobody waits for a command that does not. */
static int new_input(const struct command_run *run, int *input_fd)
{
    int write_fd;
    ssize_t written;

    if (run->input == NULL) {
        *input_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return *input_fd < 0 ? -1 : 0;
    }
    if (new_pipe(0, input_fd, &write_fd) != 0)
        return -1;
    do
        written = write(write_fd, run->input, run->input_len);
    while (written < 0 && errno == EINTR);
    if (written >= 0 && written != (ssize_t)run->input_len)
        errno = EIO;
    const int error = errno;
    close_fd(&write_fd);
    errno = error;
    return written == (ssize_t)run->input_len ? 0 : -1;
}

static int open_ends(struct child *child, struct ends *ends)
{
    if (new_input(child->run, &ends->input_fd) != 0 || new_pipe(0, &child->output_fd, &ends->output_fd) != 0 ||
        new_pipe(O_NONBLOCK, &child->tell_fd, &ends->tell_fd) != 0)
        return -1;
    return child->run->is_heard ? 0 : new_pipe(0, &child->words_fd, &ends->words_fd);
}

/* From here on signals wait, and are read. Where SIGCHLD is ignored, nobody could say how the command has ended. */
static int hold_signals(struct child *child)
{
    const struct sigaction as_usual = {.sa_handler = SIG_DFL};
    sigset_t watched, held;

    signals_that_end(&watched);
    sigaddset(&watched, SIGCHLD);
    held = watched;
    sigaddset(&held, SIGTTOU);
    if (sigprocmask(SIG_BLOCK, &held, &child->mask_before) != 0)
        return -1;
    child->is_held = true;
    sigaction(SIGCHLD, &as_usual, &child->child_before);
    child->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    return child->signal_fd < 0 ? -1 : 0;
}

static int start(struct child *child)
{
    struct ends ends = {.input_fd = -1, .output_fd = -1, .words_fd = -1, .tell_fd = -1};
    const pid_t self = getpid();
    int status = -1;

    if (open_ends(child, &ends) == 0) {
        child->pid = fork();
        if (child->pid == 0)
            become(child, &ends, self);
        status = child->pid > 0 ? 0 : -1;
    }
    if (status == 0 && child->run->is_asking) {
        /* Both do it, so that it is done whoever is first. */
        (void)setpgid(child->pid, child->pid);
        give_terminal(child->terminal.fd, child->pid);
    }
    const int error = errno;
    close_ends(&ends);
    errno = error;
    return status;
}

/* ---- While it runs ---- */

/* One piece of its output, behind what is there. False: that is the end, for it does not fit or cannot be read. */
static bool take_output(struct child *child)
{
    const struct command_run *run = child->run;
    size_t *len = &child->ending->len;
    /* Behind a complete line, whatever comes is written over what came. */
    uint8_t *at = run->room + *len;
    const ssize_t count = read(child->output_fd, at, run->room_len - *len);
    const uint8_t *end;

    if (count < 0 && errno != EINTR && errno != EAGAIN) {
        child->ending->result = COMMAND_UNABLE;
        child->ending->number = errno;
        return false;
    }
    if (count == 0)
        close_fd(&child->output_fd);
    if (count <= 0)
        return true;
    child->seen += (size_t)count;
    if (!child->has_line) {
        end = run->is_line ? memchr(at, '\n', (size_t)count) : NULL;
        child->has_line = end != NULL;
        *len += end != NULL ? (size_t)(end - at) : (size_t)count;
    }
    if (child->has_line ? child->seen <= COMMAND_OUTPUT_MAX : *len < run->room_len)
        return true;
    child->ending->result = COMMAND_TOO_MUCH;
    return false;
}

static void take_words(struct child *child)
{
    struct command_ending *ending = child->ending;
    char dropped[256];
    const bool is_kept = ending->said_len < COMMAND_SAID_MAX;
    const ssize_t count = read(child->words_fd, is_kept ? ending->said + ending->said_len : dropped,
                               is_kept ? COMMAND_SAID_MAX - ending->said_len : sizeof(dropped));

    if (count > 0 && is_kept)
        ending->said_len += (size_t)count;
    else if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
        close_fd(&child->words_fd);
}

/* Has it started? True: it has not, and has said why. */
static bool hear_of_fault(struct child *child)
{
    int error;
    const ssize_t count = read(child->tell_fd, &error, sizeof(error));

    close_fd(&child->tell_fd);
    if (count != (ssize_t)sizeof(error))
        return false;
    child->ending->result = COMMAND_NOT_STARTED;
    child->ending->number = error;
    return true;
}

/* What it has written and we have not read when it ends. Whoever else holds the pipes is not waited for. */
static bool take_rest(struct child *child)
{
    for (unsigned i = 0; i < REST_PIECES; i++) {
        struct pollfd rest[] = {{.fd = child->output_fd, .events = POLLIN}, {.fd = child->words_fd, .events = POLLIN}};

        if (poll(rest, 2, 0) <= 0)
            return true;
        if (rest[0].revents != 0 && !take_output(child))
            return false;
        if (rest[1].revents != 0)
            take_words(child);
    }
    return true;
}

/* It has ended by itself. */
static void judge(struct child *child, int status)
{
    struct command_ending *ending = child->ending;

    child->pid = -1;
    if (child->tell_fd >= 0 && hear_of_fault(child))
        return;
    if (!take_rest(child))
        return;
    if (WIFSIGNALED(status)) {
        ending->number = WTERMSIG(status);
        /* What was typed to end it was meant for us, too. */
        ending->result = child->terminal.fd >= 0 && (ending->number == SIGINT || ending->number == SIGQUIT)
                             ? COMMAND_INTERRUPTED
                             : COMMAND_SIGNAL;
        return;
    }
    ending->number = WEXITSTATUS(status);
    ending->result = ending->number == 0 ? COMMAND_DONE : COMMAND_STATUS;
}

/* It has ended, or stopped. True: that is the end. */
static bool take_change(struct child *child)
{
    pid_t changed;
    int status;

    do
        changed = waitpid(child->pid, &status, WNOHANG | WUNTRACED);
    while (changed < 0 && errno == EINTR);
    if (changed < 0) {
        child->ending->result = COMMAND_UNABLE;
        child->ending->number = errno;
        return true;
    }
    if (changed == 0)
        return false;
    if (!WIFSTOPPED(status)) {
        judge(child, status);
        return true;
    }
    if (child->terminal.fd >= 0)
        stand_still(child);
    else if (child->run->is_asking && (WSTOPSIG(status) == SIGTTIN || WSTOPSIG(status) == SIGTTOU))
        wait_for_terminal(child);
    return false;
}

/* Each of the signals that wait. True: that is the end, and ending says which. */
static bool take_signal(struct child *child)
{
    struct signalfd_siginfo signal;

    if (read(child->signal_fd, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
        return false;
    if (signal.ssi_signo == SIGCHLD)
        return take_change(child);
    if (signal.ssi_signo == SIGTSTP) {
        stand_still(child);
        return false;
    }
    child->ending->result = COMMAND_INTERRUPTED;
    child->ending->number = (int)signal.ssi_signo;
    return true;
}

static void attend(struct child *child)
{
    struct command_ending *ending = child->ending;

    for (;;) {
        struct pollfd news[] = {{.fd = child->signal_fd, .events = POLLIN},
                                {.fd = child->output_fd, .events = POLLIN},
                                {.fd = child->words_fd, .events = POLLIN},
                                {.fd = child->tell_fd, .events = POLLIN}};
        const int left_ms = clock_left_ms(child->run->deadline_ms);

        ending->result = COMMAND_TIME;
        if (left_ms == 0)
            return;
        if (poll(news, 4, left_ms) < 0 && errno != EINTR) {
            *ending = (struct command_ending){.result = COMMAND_UNABLE, .number = errno};
            return;
        }
        if (news[3].revents != 0 && hear_of_fault(child))
            return;
        if (news[1].revents != 0 && !take_output(child))
            return;
        if (news[2].revents != 0)
            take_words(child);
        if (news[0].revents != 0 && take_signal(child))
            return;
    }
}

/* ---- The end ---- */

static bool has_ended(const struct child *child)
{
    siginfo_t info = {0};

    /* It stays there to be buried: its number must not become somebody else's. */
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->pid;
}

/* End it, with all that it has started in its group, and bury it. */
static void end(const struct child *child)
{
    const int64_t patience_ms = clock_now_ms() + GRACE_MS;

    kill(-child->pid, SIGTERM);
    kill(-child->pid, SIGCONT);
    while (!has_ended(child) && clock_left_ms(patience_ms) > 0)
        (void)poll(NULL, 0, 10);
    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void command_run(const struct command_run *run, struct command_ending *ending)
{
    struct child child = {.run = run,
                          .ending = ending,
                          .pid = -1,
                          .signal_fd = -1,
                          .output_fd = -1,
                          .words_fd = -1,
                          .tell_fd = -1,
                          .terminal = {.fd = -1}};

    *ending = (struct command_ending){.result = COMMAND_UNABLE};
    find_terminal(&child);
    if (hold_signals(&child) == 0 && start(&child) == 0)
        attend(&child);
    else
        ending->number = errno;
    const bool was_killed = child.pid > 0;
    if (was_killed)
        end(&child);
    take_terminal(&child.terminal,
                  was_killed || ending->result == COMMAND_SIGNAL || ending->result == COMMAND_INTERRUPTED);

    /* Of a line, what came behind it goes; of what was in vain, all does. */
    if (ending->result != COMMAND_DONE)
        ending->len = 0;
    explicit_bzero(run->room + ending->len, run->room_len - ending->len);
    close_fd(&child.terminal.fd);
    close_fd(&child.output_fd);
    close_fd(&child.words_fd);
    close_fd(&child.tell_fd);
    close_fd(&child.signal_fd);
    if (child.is_held) {
        sigaction(SIGCHLD, &child.child_before, NULL);
        sigprocmask(SIG_SETMASK, &child.mask_before, NULL);
    }
}

void command_ending_text(const struct command_ending *ending, char text[static COMMAND_TEXT_LEN])
{
    switch (ending->result) {
    case COMMAND_NOT_STARTED:
        snprintf(text, COMMAND_TEXT_LEN, "cannot be run: %s", strerror(ending->number));
        return;
    case COMMAND_STATUS:
        snprintf(text, COMMAND_TEXT_LEN, "ended with status %d", ending->number);
        return;
    case COMMAND_SIGNAL:
        snprintf(text, COMMAND_TEXT_LEN, "was ended by signal %d (%s)", ending->number, strsignal(ending->number));
        return;
    case COMMAND_TIME:
        snprintf(text, COMMAND_TEXT_LEN, "was not done within its time limit, and was ended");
        return;
    case COMMAND_TOO_MUCH:
        snprintf(text, COMMAND_TEXT_LEN, "printed too much, and was ended");
        return;
    case COMMAND_UNABLE:
        snprintf(text, COMMAND_TEXT_LEN, "could not be started: %s: are too few processes or files allowed (ulimit)?",
                 strerror(ending->number));
        return;
    case COMMAND_INTERRUPTED:
        snprintf(text, COMMAND_TEXT_LEN, "was ended by signal %d (%s), which is ignored here", ending->number,
                 strsignal(ending->number));
        return;
    case COMMAND_DONE:
        break;
    }
    text[0] = '\0';
}
