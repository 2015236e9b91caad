/* SPDX-License-Identifier: ISC */
/* log.h with each kind of log that there is, full, absent and started anew (I13). What is /dev/log here is a socket of
 * ours. */
#include "log.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char scratch[64];
static struct sockaddr_un sink_name = {.sun_family = AF_UNIX};

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t len);
int __real_connect(int fd, const struct sockaddr *name, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t len)
{
    const struct sockaddr_un *wanted = (const struct sockaddr_un *)(const void *)name;

    if (!check(strcmp(wanted->sun_path, "/dev/log") == 0, "it is /dev/log that is connected to"))
        return -1;
    return __real_connect(fd, (const struct sockaddr *)&sink_name, len);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);

static unsigned sends_short; /* so many of the next take the first half */
static unsigned sends_fail;  /* so many meet a service that has just ended */

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    if (sends_fail > 0) {
        sends_fail--;
        errno = EPIPE;
        return -1;
    }
    if (sends_short > 0) {
        sends_short--;
        len /= 2;
    }
    return __real_send(fd, bytes, len, flags);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whatever listens at /dev/log from now on. */
static int new_sink(int kind)
{
    const int sink_fd = socket(AF_UNIX, kind | SOCK_NONBLOCK, 0);

    unlink(sink_name.sun_path);
    check(bind(sink_fd, (const struct sockaddr *)&sink_name, sizeof(sink_name)) == 0 &&
              (kind == SOCK_DGRAM || listen(sink_fd, 1) == 0),
          "there is a /dev/log");
    return sink_fd;
}

/* One datagram, or what has come through a stream, is just this behind the tag and the number of the process. */
static void got(int fd, const char *priority, const char *tag, const char *rest, size_t rest_len)
{
    char wanted[256];
    char bytes[256] = "";
    const int head_len = snprintf(wanted, sizeof(wanted), "%s%s[%jd]: ", priority, tag, (intmax_t)getpid());
    const ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    memcpy(wanted + head_len, rest, rest_len);
    if (!check(len == head_len + (ssize_t)rest_len && memcmp(bytes, wanted, (size_t)len) == 0, "the log has: %s", rest))
        printf("# it has %zd bytes: %s\n", len, bytes);
}

static void test_datagrams(void)
{
    int sink_fd = new_sink(SOCK_DGRAM);

    log_open_syslog("sometool");
    log_line(LOG_ERR, "the first of %d", 2);
    got(sink_fd, "<35>", "sometool", "the first of 2", 14);
    log_line(LOG_DEBUG, "not for anybody");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "for everybody");
    got(sink_fd, "<39>", "sometool", "for everybody", 13);
    log_set_level(LOG_INFO);

    close(sink_fd);
    sink_fd = new_sink(SOCK_DGRAM);
    log_line(LOG_NOTICE, "to a service that was started anew");
    got(sink_fd, "<37>", "sometool", "to a service that was started anew", 34);

    close(sink_fd);
    unlink(sink_name.sun_path);
    log_line(LOG_NOTICE, "to nobody");
    sink_fd = new_sink(SOCK_DGRAM);
    log_line(LOG_NOTICE, "to somebody");
    got(sink_fd, "<36>", "sometool", "1 line before this could not be logged", 38);
    got(sink_fd, "<37>", "sometool", "to somebody", 11);
    close(sink_fd);
}

static void test_stream(void)
{
    const int sink_fd = new_sink(SOCK_STREAM);
    char bytes[256] = "";
    int first_fd, second_fd;

    log_line(LOG_NOTICE, "through a stream");
    first_fd = accept(sink_fd, NULL, NULL);
    got(first_fd, "<37>", "sometool", "through a stream", 17);
    close(first_fd);
    log_line(LOG_NOTICE, "through another");
    second_fd = accept(sink_fd, NULL, NULL);
    got(second_fd, "<37>", "sometool", "through another", 16);
    sends_short = 1;
    log_line(LOG_NOTICE, "in two halves");
    close(second_fd);
    second_fd = accept(sink_fd, NULL, NULL);
    got(second_fd, "<37>", "sometool", "in two halves", 14);
    sends_fail = 2;
    log_line(LOG_NOTICE, "to a service that ends twice");
    check_number(sends_fail, 0, "a line is tried twice, and then given up");
    close(second_fd);
    log_line(LOG_NOTICE, "to one that stays");
    /* The first in the queue is the one that has been given up. */
    close(accept(sink_fd, NULL, NULL));
    second_fd = accept(sink_fd, NULL, NULL);
    check(recv(second_fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT) > 0 &&
              strstr(bytes, "1 line before this could not be logged") != NULL,
          "I13: and the next that can be logged says so");
    close(second_fd);
    close(sink_fd);
    unlink(sink_name.sun_path);
}

/* ---- Standard error ---- */

static int kept_fd;

/* Standard error is the end of a pipe that is written to; gives the other. */
static int begin_pipe(int *write_fd)
{
    int ends[2];

    check(pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0, "there is a pipe");
    dup2(ends[1], STDERR_FILENO);
    *write_fd = ends[1];
    log_open(true);
    return ends[0];
}

static void fill(int fd)
{
    static const char block[PIPE_BUF];
    const int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    fcntl(fd, F_SETFL, flags);
}

static void empty(int fd)
{
    char block[PIPE_BUF];

    while (read(fd, block, sizeof(block)) > 0)
        continue;
}

/* The patience of the process is spent here: nothing that comes later waits. */
static void test_full_pipe(void)
{
    char text[512] = "";
    int write_fd;
    const int read_fd = begin_pipe(&write_fd);
    const int64_t start_ms = now_ms();

    fill(write_fd);
    log_line(LOG_NOTICE, "the first");
    check(now_ms() - start_ms >= LOG_PATIENCE_MS, "I13: a full log is waited for a little");
    for (unsigned i = 0; i < 1000; i++)
        log_line(LOG_NOTICE, "and all later ones");
    check(now_ms() - start_ms < LOG_PATIENCE_MS + 10000, "I13: once, and not for each line");
    empty(read_fd);
    log_line(LOG_NOTICE, "there is room");
    check(read(read_fd, text, sizeof(text) - 1) > 0 &&
              strstr(text, "]: 1001 lines before this could not be logged\n") != NULL &&
              strstr(text, "]: there is room\n") != NULL,
          "I13: the next line that can be logged comes behind one that says how many could not");
    close(write_fd);
    close(read_fd);
}

/* A process that writes to it dies of SIGPIPE, if it does. */
static void test_broken_pipe(void)
{
    int write_fd;
    const int read_fd = begin_pipe(&write_fd);

    signal(SIGPIPE, SIG_DFL);
    close(read_fd);
    log_line(LOG_NOTICE, "to nobody");
    check(true, "a pipe that nobody reads ends no process");
    close(write_fd);
}

static void test_long_line(void)
{
    static char path[8192];
    static char text[8192];
    int write_fd;
    const int read_fd = begin_pipe(&write_fd);
    ssize_t len;

    memset(path, 'x', sizeof(path) - 1);
    log_line(LOG_NOTICE, "a short one");
    empty(read_fd);
    log_line(LOG_NOTICE, "%s", path);
    len = read(read_fd, text, sizeof(text));
    check(len == PIPE_BUF && text[len - 1] == '\n' && text[len - 2] == 'x',
          "a pipe gets lines that it takes in one piece");
    close(write_fd);
    close(read_fd);
}

static void test_full_socket(void)
{
    char text[1024] = "";
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "there is a stream, as the journal's");
    dup2(pair[1], STDERR_FILENO);
    log_open(true);
    while (send(pair[1], text, 1, MSG_DONTWAIT) > 0)
        continue;
    log_line(LOG_NOTICE, "to a stream that is full");
    while (recv(pair[0], text, sizeof(text), MSG_DONTWAIT) > 0)
        continue;
    log_line(LOG_NOTICE, "to one that is not");
    memset(text, 0, sizeof(text));
    check(recv(pair[0], text, sizeof(text) - 1, MSG_DONTWAIT) > 0 &&
              strstr(text, "1 line before this could not be logged\n") != NULL,
          "I13: a stream that is full holds nobody up either");
    close(pair[0]);
    log_line(LOG_NOTICE, "to nobody");
    check(true, "and one that nobody reads ends no process");
    close(pair[1]);
}

/* What is in the pipe, which holds lines that were written one by one. */
static size_t read_all(int fd, char *text, size_t room)
{
    size_t len = 0;

    for (ssize_t got = 0; got >= 0 && len<room - 1; len += got> 0 ? (size_t)got : 0)
        got = read(fd, text + len, room - 1 - len);
    text[len] = '\0';
    return len;
}

static bool ends_with_three(const char *text)
{
    const char *first = strstr(text, "the second step\n");
    const char *second = first != NULL ? strstr(first, "more of it\n") : NULL;

    return second != NULL && strstr(second, "and the last of it\n") != NULL;
}

static void test_ends(void)
{
    char text[256] = "";
    int write_fd;
    const int read_fd = begin_pipe(&write_fd);

    log_write_end(LOG_END_DEADLINE);
    log_prepare_end(LOG_END_DEADLINE, 0, LOG_WARNING, "%s step", "the first");
    log_prepare_end(LOG_END_DEADLINE, 0, LOG_WARNING, "%s step", "the second");
    log_prepare_end(LOG_END_ABORT, 0, LOG_WARNING, "another end");
    check(read(read_fd, text, sizeof(text)) < 0 && errno == EAGAIN, "a line that is ready is not written");
    log_write_end(LOG_END_DEADLINE);
    check(read(read_fd, text, sizeof(text) - 1) > 0 && strstr(text, "]: the second step\n") != NULL &&
              strstr(text, "first") == NULL,
          "but when the end comes, the last one that was made ready");
    log_prepare_end(LOG_END_DEADLINE, 2, LOG_WARNING, "more of it");
    log_prepare_end(LOG_END_DEADLINE, LOG_END_LINES - 1, LOG_WARNING, "and the last of it");
    log_write_end(LOG_END_DEADLINE);
    check(read_all(read_fd, text, sizeof(text)) > 0 && ends_with_three(text),
          "an end has several lines, in their order");
    log_drop_end(LOG_END_DEADLINE, 2);
    log_drop_end(LOG_END_DEADLINE, LOG_END_LINES - 1);
    log_write_end(LOG_END_DEADLINE);
    check(read_all(read_fd, text, sizeof(text)) > 0 && strstr(text, "the second step") != NULL &&
              strstr(text, "of it") == NULL,
          "of which each can be taken away");
    log_prepare_end(LOG_END_DEADLINE, 0, LOG_DEBUG, "nothing that is heeded");
    log_write_end(LOG_END_DEADLINE);
    check(read(read_fd, text, sizeof(text)) < 0, "and none that is not urgent enough");
    fill(write_fd);
    log_write_end(LOG_END_ABORT);
    check(true, "I13: at the end nobody waits for a full log");
    close(write_fd);
    close(read_fd);
}

int main(void)
{
    alarm(600);
    snprintf(scratch, sizeof(scratch), "/tmp/ostiary-test-log.XXXXXX");
    if (!check(mkdtemp(scratch) != NULL, "there is a place for a socket"))
        return check_end();
    snprintf(sink_name.sun_path, sizeof(sink_name.sun_path), "%s/log", scratch);
    kept_fd = dup(STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    test_datagrams();
    test_stream();
    test_full_pipe();
    test_broken_pipe();
    test_long_line();
    test_full_socket();
    test_ends();
    dup2(kept_fd, STDERR_FILENO);
    check(rmdir(scratch) == 0, "and it is gone again");
    return check_end();
}
