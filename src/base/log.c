/* SPDX-License-Identifier: ISC */
/* See log.h. */
#include "log.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer lines are cut: a path of full length and what is wrong with it fit. */
#define LINE_LEN 5120
/* And what stands around the text. */
#define AROUND_LEN 64
#define RECORD_LEN (LINE_LEN + AROUND_LEN)

/* A line as it goes to its destination. */
struct record {
    char bytes[RECORD_LEN];
    size_t len;
};

static enum { TO_SYSLOG, TO_STDERR, TO_JOURNAL } destination = TO_SYSLOG;
static const char *tag = "ostiaryd";
static int least_urgent = LOG_INFO;
static bool stderr_is_socket;

static int syslog_fd = -1;
static bool syslog_is_stream;    /* then a NUL ends each line */
static int64_t patience_ends_ms; /* 0: nothing has had to wait yet */
static uintmax_t lost;           /* lines since the last one that was taken */

/* Two for each line of each end: the one that is ready stays whole while the next is made. */
static struct record ends[LOG_ENDS][LOG_END_LINES][2];
static struct record *volatile ready[LOG_ENDS][LOG_END_LINES];

/* ---- Where lines go ---- */

/* systemd sets $JOURNAL_STREAM to DEVICE:INODE of the stream that it connected to the journal. */
static bool is_journal(const struct stat *status)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];

    if (stream == NULL)
        return false;
    snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)status->st_dev, (uintmax_t)status->st_ino);
    return strcmp(stream, mine) == 0;
}

void log_open(bool to_stderr)
{
    struct stat status = {0};
    const bool known = fstat(STDERR_FILENO, &status) == 0;

    stderr_is_socket = known && S_ISSOCK(status.st_mode);
    if (known && is_journal(&status))
        destination = TO_JOURNAL;
    else
        destination = to_stderr ? TO_STDERR : TO_SYSLOG;
}

void log_open_syslog(const char *name)
{
    tag = name;
    destination = TO_SYSLOG;
}

void log_set_level(int level)
{
    least_urgent = level;
}

/* ---- Getting them there, without waiting: from here to the end of deliver all is good for a signal handler ---- */

static void forget_syslog(void)
{
    if (syslog_fd >= 0)
        close(syslog_fd);
    syslog_fd = -1;
}

/* Connect to /dev/log, whichever kind of socket listens there. */
static bool reach_syslog(void)
{
    static const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    static const int kinds[] = {SOCK_DGRAM, SOCK_STREAM};

    for (size_t i = 0; syslog_fd < 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        syslog_fd = socket(AF_UNIX, kinds[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (syslog_fd < 0)
            return false;
        syslog_is_stream = kinds[i] == SOCK_STREAM;
        if (connect(syslog_fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
            const bool other_kind = errno == EPROTOTYPE;

            forget_syslog();
            if (!other_kind)
                return false;
        }
    }
    return syslog_fd >= 0;
}

void log_reach(void)
{
    /* What cannot be reached is tried again with each line. */
    if (destination == TO_SYSLOG && !reach_syslog())
        return;
}

void log_make_way(int fd)
{
    if (syslog_fd != fd)
        return;
    /* Where there is no room for another one, it is reached anew with the next line. */
    syslog_fd = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
    close(fd);
}

static bool send_whole(int fd, const char *bytes, size_t len)
{
    const ssize_t sent = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    /* Half a line would spoil the next one of a stream: EPIPE, so that it is connected to anew. */
    if (sent >= 0 && (size_t)sent != len)
        errno = EPIPE;
    return sent >= 0 && (size_t)sent == len;
}

/* A service that has been started anew is another one than we were connected to. */
static bool send_to_syslog(const struct record *record)
{
    for (unsigned try = 0; try < 2; try++) {
        if (!reach_syslog())
            return false;
        /* The NUL behind the text is part of the record. */
        if (send_whole(syslog_fd, record->bytes, record->len + (syslog_is_stream ? 1 : 0)))
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return false;
        forget_syslog();
    }
    return false;
}

/*
 * What poll(2) finds ready takes a line that is no longer than PIPE_BUF: a pipe at once, a file as fast as files go.
 * Whoever else writes to the same pipe may be faster; then the deadline of the process is what ends the waiting.
 */
static bool write_to_stderr(const struct record *record)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (stderr_is_socket)
        return send_whole(STDERR_FILENO, record->bytes, record->len);
    if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT) {
        errno = out.revents == 0 ? EAGAIN : EPIPE;
        return false;
    }
    return write(STDERR_FILENO, record->bytes, record->len) >= 0;
}

/* False, with EAGAIN where it could be taken a little later. */
static bool deliver(const struct record *record)
{
    return destination == TO_SYSLOG ? send_to_syslog(record) : write_to_stderr(record);
}

/* ---- Lines ---- */

/* Gives its length. */
static size_t make_printable(char *text)
{
    size_t len = 0;

    for (; text[len] != '\0'; len++)
        if (text[len] < ' ' || text[len] > '~')
            text[len] = '?';
    return len;
}

/* What a pipe takes in one piece is less than what the other destinations do. */
static void limit_to_pipe(struct record *record)
{
    if (destination == TO_SYSLOG || stderr_is_socket || record->len <= PIPE_BUF)
        return;
    record->len = PIPE_BUF;
    record->bytes[PIPE_BUF - 1] = '\n';
}

/* What stands before a line. Without the time: whoever listens at /dev/log here has the same clock, and takes it so. */
static int begin_record(int priority, char bytes[static RECORD_LEN])
{
    switch (destination) {
    case TO_SYSLOG:
        return snprintf(bytes, AROUND_LEN - 1, "<%d>%s[%jd]: ", LOG_AUTH | priority, tag, (intmax_t)getpid());
    case TO_JOURNAL:
        return snprintf(bytes, AROUND_LEN - 1, "<%d>", priority);
    case TO_STDERR:
        break;
    }
    return snprintf(bytes, AROUND_LEN - 1, "%s[%jd]: ", tag, (intmax_t)getpid());
}

__attribute__((format(printf, 2, 0))) static void make_record(int priority, const char *format, va_list arguments,
                                                              struct record *record)
{
    const int begun = begin_record(priority, record->bytes);
    char *text = record->bytes + (begun < 0 ? 0 : begun < AROUND_LEN - 1 ? begun : AROUND_LEN - 2);

    if (vsnprintf(text, LINE_LEN, format, arguments) < 0)
        text[0] = '\0';
    text += make_printable(text);
    if (destination != TO_SYSLOG) {
        *text++ = '\n';
        *text = '\0';
    }
    record->len = (size_t)(text - record->bytes);
    limit_to_pipe(record);
}

/* Until the log may take another line, or the patience of the process is at its end. */
static bool wait_for_room(void)
{
    struct pollfd out = {.fd = destination == TO_SYSLOG ? syslog_fd : STDERR_FILENO, .events = POLLOUT};
    const int64_t now = clock_now_ms();

    if (patience_ends_ms == 0)
        patience_ends_ms = now + LOG_PATIENCE_MS;
    return out.fd >= 0 && now < patience_ends_ms && poll(&out, 1, (int)(patience_ends_ms - now)) > 0;
}

static bool deliver_in_time(const struct record *record)
{
    while (!deliver(record))
        if (errno != EAGAIN || !wait_for_room())
            return false;
    return true;
}

__attribute__((format(printf, 2, 3))) static bool say(int priority, const char *format, ...)
{
    struct record record;
    va_list arguments;

    va_start(arguments, format);
    make_record(priority, format, arguments, &record);
    va_end(arguments);
    return deliver_in_time(&record);
}

void log_line(int priority, const char *format, ...)
{
    struct record record;
    va_list arguments;

    if (priority > least_urgent)
        return;
    va_start(arguments, format);
    make_record(priority, format, arguments, &record);
    va_end(arguments);
    if (lost != 0 && say(LOG_WARNING, "%ju line%s before this could not be logged", lost, lost == 1 ? "" : "s"))
        lost = 0;
    if (lost != 0 || !deliver_in_time(&record))
        lost++;
}

void log_prepare_end(enum log_end end, unsigned number, int priority, const char *format, ...)
{
    struct record *two = ends[end][number];
    struct record *next = ready[end][number] == &two[0] ? &two[1] : &two[0];
    va_list arguments;

    va_start(arguments, format);
    make_record(priority, format, arguments, next);
    va_end(arguments);
    ready[end][number] = priority > least_urgent ? NULL : next;
}

void log_drop_end(enum log_end end, unsigned number)
{
    ready[end][number] = NULL;
}

void log_write_end(enum log_end end)
{
    for (unsigned i = 0; i < LOG_END_LINES; i++) {
        const struct record *record = ready[end][i];

        /* There is nobody any more to count it if it is lost. */
        if (record != NULL && !deliver(record))
            return;
    }
}
