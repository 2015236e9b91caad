/* SPDX-License-Identifier: ISC */
/* How ostgrant is asked: lines and what only looks like one, reasons, and a conversation with whoever answers. */
#include "check.h"
#include "request.h"
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Lines --------------------------------------------------------------------------------------------------------
 */

static void check_none(const char *bytes, const char *what)
{
    struct request_line line;

    check(request_parse(bytes, strlen(bytes), &line) == -1, "no line: %s", what);
}

static void check_fields(const char *bytes, const char *want)
{
    struct request_line line;
    char text[REQUEST_LINE_MAX + 1];
    size_t used;

    if (!check(request_parse(bytes, strlen(bytes), &line) == 0, "a line: %s", bytes))
        return;
    used = (size_t)snprintf(text, sizeof(text), "%s", line.word);
    for (size_t i = 0; i < line.field_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "|%s|%s", line.fields[i].key, line.fields[i].value);
    check_text(text, want, "its parts");
}

static void test_lines(void)
{
    struct request_line line;

    check_fields("open gate=ssh address=192.0.2.7 user=alice", "open|gate|ssh|address|192.0.2.7|user|alice");
    check_fields("close gate=ssh address=2001:db8::/32 user=a for=b",
                 "close|gate|ssh|address|2001:db8::/32|user|a|for|b");
    check_fields("ok", "ok");
    check_fields("no reason=gate", "no|reason|gate");
    check_fields("token value=a=b", "token|value|a=b");
    check_fields("x a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12",
                 "x|a|1|b|2|c|3|d|4|e|5|f|6|g|7|h|8|i|9|j|10|k|11|l|12");

    check_none("", "nothing");
    check_none("Open gate=ssh", "a word in capitals");
    check_none("gate=ssh", "no word");
    check_none(" open gate=ssh", "a blank in front");
    check_none("open  gate=ssh", "two blanks");
    check_none("open gate=ssh ", "a blank at the end");
    check_none("open gate", "no value");
    check_none("open gate=", "an empty value");
    check_none("open =ssh", "an empty key");
    check_none("open GATE=ssh", "a key in capitals");
    check_none("open gate=ssh user=alice gate=web", "a field twice");
    check_none("open\tgate=ssh", "a tab");
    check_none("open gate=ssh\n", "a line feed");
    check_none("open user=\xc3\xa4", "no ASCII");
    check_none("open user=\x7f", "a control character");
    check_none("x a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13", "more fields than any line has");

    check(request_parse("open gate=ssh\0 user=a", 21, &line) == -1, "no line: a NUL in it");
    check(request_parse("open gate=ssh and more", 13, &line) == 0, "len says where a line ends");
    check_text(request_value(&line, "gate"), "ssh", "a value by its key");
    check(request_value(&line, "user") == NULL, "no value for a key that is not there");
    check(request_value(&line, "gat") == NULL && request_value(&line, "gates") == NULL, "nor for one that is like it");
}

static void test_longest(void)
{
    char longest[REQUEST_LINE_MAX];
    struct request_line line;

    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "open user=", 10);
    check(request_parse(longest, sizeof(longest) - 1, &line) == 0, "a line of the greatest length");
    check_number(strlen(request_value(&line, "user")), REQUEST_LINE_MAX - 1 - 10, "and all of it is there");
    check(request_parse(longest, sizeof(longest), &line) == -1, "no line: too long by one");
}

static void test_reasons(void)
{
    for (enum request_reason reason = REQUEST_MALFORMED; reason <= REQUEST_FAILED; reason++)
        check(request_reason_of(request_reason_word(reason)) == reason, "a reason is read as it is written: %s",
              request_reason_word(reason));
    check(request_reason_of("done") == REQUEST_FAILED, "a refusal does not say that it was done");
    check(request_reason_of("unreachable") == REQUEST_FAILED, "nor that nobody has answered");
    check(request_reason_of("") == REQUEST_FAILED && request_reason_of("gates") == REQUEST_FAILED,
          "a reason that is unknown is a failure");
    check_text(request_reason_word(REQUEST_UNREACHABLE), "unreachable", "and nobody's answer has a word");
}

/* ---- Asking -------------------------------------------------------------------------------------------------------
 */

#define QUESTION "open gate=ssh address=192.0.2.7 user=alice"

static int64_t patience_ms = REQUEST_LIMIT_MS;

struct stream_limit __wrap_stream_from_now(int64_t milliseconds);
struct stream_limit __real_stream_from_now(int64_t milliseconds);

/* Whoever asks has so much patience in this test, or all that he should have. */
struct stream_limit __wrap_stream_from_now(int64_t milliseconds)
{
    check_number((uint64_t)milliseconds, REQUEST_LIMIT_MS, "it waits for as long as it should");
    return __real_stream_from_now(patience_ms);
}

static uid_t as_user; /* who asks */

static char dir[] = "/tmp/ostiary-request.XXXXXX";
static char path[sizeof(dir) + 8];

/* Who answers: with these bytes, when it has the line. */
struct server {
    const char *bytes;
    size_t len;
    bool hears_nothing; /* it drops the connection at once */
    bool never_ends;    /* it keeps the connection until it is killed */
    uid_t uid;          /* who listens */
};

static int need(int result, const char *what)
{
    if (result < 0) {
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(99);
    }
    return result;
}

/* Exits with 0 where it was asked what it should be, with one line and nothing behind it. */
static void serve(int listen_fd, const struct server *server)
{
    const int fd = need(accept(listen_fd, NULL, NULL), "accept");
    char line[2 * REQUEST_LINE_MAX];
    size_t got = 0;

    if (server->hears_nothing)
        _exit(0);
    while (got < sizeof(line) && (got == 0 || line[got - 1] != '\n')) {
        const ssize_t count = read(fd, line + got, sizeof(line) - got);

        if (count <= 0)
            _exit(2);
        got += (size_t)count;
    }
    if (got != strlen(QUESTION) + 1 || memcmp(line, QUESTION "\n", got) != 0)
        _exit(1);
    /* In two pieces, as a stream may come. */
    if (server->len > 1)
        (void)!write(fd, server->bytes, 1);
    (void)!write(fd, server->bytes + (server->len > 1), server->len - (server->len > 1));
    while (server->never_ends)
        pause();
    _exit(0);
}

static pid_t start(const struct server *server)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int fd = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    pid_t pid;

    memcpy(name.sun_path, path, sizeof(path));
    need(bind(fd, (const struct sockaddr *)&name, sizeof(name)), "bind");
    need(chmod(path, 0777), "chmod");
    need(seteuid(server->uid), "seteuid");
    need(listen(fd, 5), "listen");
    need(seteuid(0), "seteuid");
    fflush(stdout);
    pid = need(fork(), "fork");
    if (pid == 0)
        serve(fd, server);
    close(fd);
    return pid;
}

/* What became of the server: its exit status, or -1 where it had to be killed. */
static int stop(pid_t pid, bool by_force)
{
    int status = 0;

    if (by_force)
        kill(pid, SIGKILL);
    need(waitpid(pid, &status, 0), "waitpid");
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct asked {
    enum request_reason reason;
    int error;
    char *answer;
    size_t len;
    int server;
};

static struct asked ask(const struct server *server, size_t limit)
{
    const pid_t pid = start(server);
    struct asked asked = {.answer = path};

    need(seteuid(as_user), "seteuid");
    errno = 0;
    asked.reason = request_ask(path, QUESTION, limit, &asked.answer, &asked.len);
    asked.error = errno;
    need(seteuid(0), "seteuid");
    asked.server = stop(pid, server->never_ends || asked.error == EPERM);
    return asked;
}

/* What a text as answer comes to; its own text is given back whole unless it is none. */
static void check_answer(const char *bytes, enum request_reason reason, int error, const char *what)
{
    const struct server server = {.bytes = bytes, .len = strlen(bytes)};
    struct asked asked = ask(&server, REQUEST_LINE_MAX);

    check(asked.reason == reason && (error == 0 || asked.error == error), "%s", what);
    check_number((uint64_t)asked.server, 0, "the line was sent as it is, with a line feed");
    if (error != 0)
        check(asked.answer == NULL && asked.len == 0, "and there is no answer");
    else
        check(asked.answer != NULL && asked.len == strlen(bytes) && strcmp(asked.answer, bytes) == 0,
              "and there is all of it");
    free(asked.answer);
}

static void test_answers(void)
{
    check_answer("ok\n", REQUEST_DONE, 0, "ok: it was done");
    check_answer("ok until=1795293540 left=90000\n", REQUEST_DONE, 0, "ok with fields: it was done");
    check_answer("token value=0f\ngrant gate=ssh mine=yes\nok\n", REQUEST_DONE, 0, "lines before the last");
    check_answer("no reason=gate\n", REQUEST_NO_GATE, 0, "no: the reason is given");
    check_answer("ok\nno reason=busy\n", REQUEST_BUSY, 0, "the last line counts, and no other");
    check_answer("no reason=unheard-of\n", REQUEST_FAILED, 0, "a reason that is unknown");

    check_answer("", REQUEST_UNREACHABLE, ECONNRESET, "the connection ends without a word");
    check_answer("ok", REQUEST_UNREACHABLE, EPROTO, "an answer that was cut short is none");
    check_answer("ok\nno reason=bu", REQUEST_UNREACHABLE, EPROTO, "nor are the lines in front of what was cut short");
    check_answer("\n", REQUEST_UNREACHABLE, EPROTO, "an empty line is no answer");
    check_answer("ok\n\n", REQUEST_UNREACHABLE, EPROTO, "nor is one behind it");
    check_answer("okay\n", REQUEST_UNREACHABLE, EPROTO, "a word that is like it");
    check_answer("no\n", REQUEST_UNREACHABLE, EPROTO, "a refusal without its reason");
    check_answer("no reason=\n", REQUEST_UNREACHABLE, EPROTO, "and with an empty one");
}

static void test_limits(void)
{
    static const char bytes[] = "token value=0f\nok\n";
    const struct server server = {.bytes = bytes, .len = sizeof(bytes) - 1};
    struct asked asked = ask(&server, sizeof(bytes) - 1);

    check(asked.reason == REQUEST_DONE && asked.len == sizeof(bytes) - 1, "an answer of the greatest length");
    free(asked.answer);
    asked = ask(&server, sizeof(bytes) - 2);
    check(asked.reason == REQUEST_UNREACHABLE && asked.error == EMSGSIZE && asked.answer == NULL,
          "an answer that is too long by one");
}

static void test_others(void)
{
    const struct server foreign = {.bytes = "ok\n", .len = 3, .uid = 65534};
    const struct server deaf = {.hears_nothing = true};
    const struct server slow = {.bytes = "ok\n", .len = 3, .never_ends = true};
    struct asked asked = ask(&foreign, REQUEST_LINE_MAX);

    check(asked.reason == REQUEST_UNREACHABLE && asked.error == EPERM && asked.answer == NULL,
          "a listener who is not root hears nothing");
    as_user = foreign.uid;
    asked = ask(&foreign, REQUEST_LINE_MAX);
    as_user = 0;
    check(asked.reason == REQUEST_UNREACHABLE && asked.error == EPERM, "nor does one who is the same user as asks");
    asked = ask(&deaf, REQUEST_LINE_MAX);
    check(asked.reason == REQUEST_UNREACHABLE && (asked.error == ECONNRESET || asked.error == EPIPE),
          "one that drops the connection has not answered");
    patience_ms = 300;
    asked = ask(&slow, REQUEST_LINE_MAX);
    check(asked.reason == REQUEST_UNREACHABLE && asked.error == ETIMEDOUT && asked.answer == NULL,
          "one that does not end in time has not answered, whatever it has said");
    patience_ms = REQUEST_LIMIT_MS;
}

static void test_nobody(void)
{
    const struct server server = {.bytes = "no reason=full\n", .len = 15};
    char line[REQUEST_LINE_MAX + 1], far[200];
    char *answer;
    size_t len;
    pid_t pid;

    check(request_ask(path, QUESTION, 100, &answer, &len) == REQUEST_UNREACHABLE && errno == ENOENT, "no socket");
    memset(far, '/', sizeof(far));
    far[sizeof(far) - 1] = '\0';
    check(request_ask(far, QUESTION, 100, &answer, &len) == REQUEST_UNREACHABLE && errno == ENAMETOOLONG,
          "a path that no socket can have");
    pid = start(&server);
    check(request_ask(path, QUESTION, 100, NULL, NULL) == REQUEST_FULL, "nobody wants the answer itself");
    stop(pid, false);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    pid = start(&server);
    check(request_ask(path, line, 100, NULL, NULL) == REQUEST_UNREACHABLE && errno == EMSGSIZE,
          "a line that is too long is not sent");
    check_number((uint64_t)stop(pid, false), 2, "and whoever listens is told nothing");
}

int main(void)
{
    test_lines();
    test_longest();
    test_reasons();
    if (geteuid() != 0) {
        check(true, "asking # SKIP needs root");
        return check_end();
    }
    need(mkdtemp(dir) != NULL ? chmod(dir, 0755) : -1, "mkdtemp");
    snprintf(path, sizeof(path), "%s/socket", dir);
    test_answers();
    test_limits();
    test_others();
    test_nobody();
    rmdir(dir);
    return check_end();
}
