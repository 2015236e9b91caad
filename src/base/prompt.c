/* SPDX-License-Identifier: ISC */
/*
 * See prompt.h.
 *
 * Signals that would end or stop the process are blocked and read from a signalfd while the echo is off: there is no
 * handler, so no instruction at which one can arrive and leave the terminal silent.
 */
#include "prompt.h"

#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct session {
    int tty_fd;
    int signal_fd;
    struct termios before;
    sigset_t mask_before;
    sigset_t watched;
};

/* Put the terminal back, and drop what was typed beyond the line: it may be part of a secret. */
static void echo_on(const struct session *session)
{
    sigset_t background;
    sigset_t before;

    /* In the background, changing the terminal would stop the process before it is done. */
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    sigprocmask(SIG_BLOCK, &background, &before);
    while (tcsetattr(session->tty_fd, TCSAFLUSH, &session->before) != 0 && errno == EINTR)
        continue;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static int echo_off(const struct session *session)
{
    struct termios silent = session->before;

    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    while (tcsetattr(session->tty_fd, TCSAFLUSH, &silent) != 0)
        if (errno != EINTR)
            return -1;
    return 0;
}

static int say(const struct session *session, const char *text)
{
    const size_t len = strlen(text);

    return write(session->tty_fd, text, len) == (ssize_t)len ? 0 : -1;
}

/* Read the line until its end or a signal. */
static enum prompt_result read_line(const struct session *session, const struct locked *room, size_t *len,
                                    int *signal_number)
{
    struct pollfd inputs[] = {{.fd = session->signal_fd, .events = POLLIN}, {.fd = session->tty_fd, .events = POLLIN}};

    *len = 0;
    while (*len < room->len) {
        struct signalfd_siginfo signal;
        ssize_t count;

        if (poll(inputs, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return PROMPT_FAULT;
        }
        if (inputs[0].revents != 0) {
            if (read(session->signal_fd, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
                return PROMPT_FAULT;
            *signal_number = (int)signal.ssi_signo;
            return PROMPT_SIGNAL;
        }
        count = read(session->tty_fd, room->bytes + *len, room->len - *len);
        if (count == 0)
            return PROMPT_OK;
        if (count > 0)
            *len += (size_t)count;
        else if (errno != EINTR && errno != EAGAIN)
            return PROMPT_FAULT;
        if (*len > 0 && room->bytes[*len - 1] == '\n') {
            (*len)--;
            return PROMPT_OK;
        }
    }
    return PROMPT_OK;
}

/* One question, one answer, with the echo off in between. */
static enum prompt_result ask_once(struct session *session, const char *question, const struct locked *room,
                                   size_t *len, int *signal_number)
{
    enum prompt_result result = PROMPT_FAULT;
    int reason;

    if (tcgetattr(session->tty_fd, &session->before) != 0)
        return PROMPT_FAULT;
    sigprocmask(SIG_BLOCK, &session->watched, &session->mask_before);
    if (echo_off(session) == 0) {
        if (say(session, question) == 0)
            result = read_line(session, room, len, signal_number);
        reason = errno;
        echo_on(session);
        /* The newline that was typed has not been shown. */
        if (say(session, "\n") != 0 && result == PROMPT_OK)
            result = PROMPT_FAULT;
        errno = reason;
    }
    reason = errno;
    if (result != PROMPT_OK)
        explicit_bzero(room->bytes, room->len);
    /* A signal that arrived after the line was read acts here, with the terminal restored. */
    sigprocmask(SIG_SETMASK, &session->mask_before, NULL);
    errno = reason;
    return result;
}

enum prompt_result prompt_ask(const char *question, const struct locked *room, size_t *len, int *signal_number)
{
    struct session session = {.tty_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), .signal_fd = -1};
    enum prompt_result result = PROMPT_FAULT;
    int reason;

    if (session.tty_fd < 0)
        return PROMPT_NO_TERMINAL;
    signals_that_end(&session.watched);
    session.signal_fd = signalfd(-1, &session.watched, SFD_CLOEXEC);
    if (session.signal_fd >= 0) {
        do {
            result = ask_once(&session, question, room, len, signal_number);
            if (result == PROMPT_SIGNAL && *signal_number == SIGTSTP)
                raise(SIGTSTP);
        } while (result == PROMPT_SIGNAL && *signal_number == SIGTSTP);
    }
    reason = errno;
    if (session.signal_fd >= 0)
        close(session.signal_fd);
    close(session.tty_fd);
    errno = reason;
    return result;
}
