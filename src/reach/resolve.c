/* SPDX-License-Identifier: ISC */
/* See resolve.h. */
#include "resolve.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_TEXT_LEN sizeof("65535")

/* What the child says, in one piece. */
struct told {
    enum resolve_result result;
    struct resolve_answer answer;
};

static void keep(const struct addrinfo *found, struct resolve_answer *answer)
{
    for (; found != NULL && answer->count < RESOLVE_ADDRESSES_MAX; found = found->ai_next) {
        struct connect_address *address = &answer->addresses[answer->count];

        if (found->ai_addrlen > sizeof(address->name))
            continue;
        memcpy(&address->name, found->ai_addr, found->ai_addrlen);
        address->len = found->ai_addrlen;
        answer->count++;
    }
}

static enum resolve_result judge(int gai_status, int error, struct resolve_answer *answer)
{
    switch (gai_status) {
    case 0:
        return answer->count > 0 ? RESOLVE_OK : RESOLVE_UNKNOWN;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return RESOLVE_UNKNOWN;
    default:
        /* "System error" alone would help nobody. */
        snprintf(answer->reason, sizeof(answer->reason), "%s",
                 gai_status == EAI_SYSTEM ? strerror(error) : gai_strerror(gai_status));
        return RESOLVE_FAILED;
    }
}

/* Ask here and now. With AI_NUMERICHOST no name service is asked. */
static enum resolve_result ask(const struct resolve_query *query, int flags, struct resolve_answer *answer)
{
    const struct addrinfo hints = {
        .ai_family = query->family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_TEXT_LEN];
    int gai_status;

    memset(answer, 0, sizeof(*answer));
    snprintf(port, sizeof(port), "%u", (unsigned)query->port);
    gai_status = getaddrinfo(query->host, port, &hints, &found);
    if (gai_status != 0)
        return judge(gai_status, errno, answer);
    keep(found, answer);
    freeaddrinfo(found);
    return judge(0, 0, answer);
}

/* ---- In a child ---- */

/* Of the pipe, only the end to write to is kept: the name service may need the descriptor of the other. */
_Noreturn static void tell(const struct resolve_query *query, pid_t parent, const int pipe_fds[static 2])
{
    const int answer_fd = pipe_fds[1];
    struct told told = {0};
    const uint8_t *bytes = (const uint8_t *)&told;
    size_t sent = 0;

    close(pipe_fds[0]);
    /* It must not outlive who asked; if he has ended before this, somebody else is the parent already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(1);
    told.result = ask(query, 0, &told.answer);
    while (sent < sizeof(told)) {
        const ssize_t count = write(answer_fd, bytes + sent, sizeof(told) - sent);

        if (count < 0 && errno != EINTR)
            _exit(1);
        if (count > 0)
            sent += (size_t)count;
    }
    _exit(0);
}

static enum stream_result hear(int answer_fd, int64_t deadline_ms, struct told *told)
{
    const struct stream_limit limit = stream_until(deadline_ms);
    uint8_t *bytes = (uint8_t *)told;
    size_t got = 0;

    while (got < sizeof(*told)) {
        const enum stream_result ready = stream_wait(answer_fd, POLLIN, limit);
        ssize_t count;

        if (ready != STREAM_OK)
            return ready;
        count = read(answer_fd, bytes + got, sizeof(*told) - got);
        if (count == 0)
            return STREAM_END;
        if (count > 0)
            got += (size_t)count;
        else if (errno != EINTR)
            return STREAM_FAULT;
    }
    return STREAM_OK;
}

/* A module of the name service has been in the child: what comes from there is looked at. */
static bool is_sound(const struct told *told)
{
    const struct resolve_answer *answer = &told->answer;

    if (told->result > RESOLVE_FAILED || answer->count > RESOLVE_ADDRESSES_MAX ||
        (answer->count == 0) == (told->result == RESOLVE_OK))
        return false;
    for (size_t i = 0; i < answer->count; i++)
        if (answer->addresses[i].len > sizeof(answer->addresses[i].name))
            return false;
    return memchr(answer->reason, '\0', sizeof(answer->reason)) != NULL;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Returns false where no process can be started, or no pipe to it be had. */
static bool ask_in_child(const struct resolve_query *query, int64_t deadline_ms, struct told *told)
{
    const pid_t parent = getpid();
    enum stream_result heard;
    int pipe_fds[2];
    pid_t child;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return false;
    child = fork();
    if (child == 0)
        tell(query, parent, pipe_fds);
    close(pipe_fds[1]);
    if (child < 0) {
        close(pipe_fds[0]);
        return false;
    }
    heard = hear(pipe_fds[0], deadline_ms, told);
    close(pipe_fds[0]);
    end_child(child);
    if (heard == STREAM_TIMEOUT)
        told->result = RESOLVE_TIMEOUT;
    else if (heard != STREAM_OK || !is_sound(told))
        *told = (struct told){.result = RESOLVE_FAILED, .answer = {.reason = "the look-up ended without an answer"}};
    return true;
}

/* ---- In this process ---- */

/* For the signal handler, which has no other way to know. */
static const struct resolve_query *asked;

static void on_timer(int number)
{
    (void)number;
    asked->too_late(asked->too_late_text);
}

static enum resolve_result ask_with_timer(const struct resolve_query *query, int64_t deadline_ms,
                                          struct resolve_answer *answer)
{
    const int64_t left = deadline_ms - clock_now_ms();
    const struct itimerval limit = {.it_value = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000}};
    const struct sigaction handler = {.sa_handler = on_timer};
    struct sigaction handler_before;
    struct itimerval limit_before;
    sigset_t alarm, mask_before;
    enum resolve_result result;

    if (left <= 0)
        return RESOLVE_TIMEOUT;
    asked = query;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigaction(SIGALRM, &handler, &handler_before);
    sigprocmask(SIG_UNBLOCK, &alarm, &mask_before);
    setitimer(ITIMER_REAL, &limit, &limit_before);

    result = ask(query, 0, answer);

    setitimer(ITIMER_REAL, &limit_before, NULL);
    sigaction(SIGALRM, &handler_before, NULL);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    return result;
}

enum resolve_result resolve_host(const struct resolve_query *query, int64_t deadline_ms, struct resolve_answer *answer)
{
    struct told told = {0};
    const enum resolve_result numeric = ask(query, AI_NUMERICHOST, answer);

    if (numeric == RESOLVE_OK)
        return RESOLVE_OK;
    /* No name has a colon: an IPv6 address whose interface is not there. */
    if (strchr(query->host, ':') != NULL)
        return numeric == RESOLVE_UNKNOWN ? RESOLVE_NO_INTERFACE : numeric;
    if (!ask_in_child(query, deadline_ms, &told))
        return ask_with_timer(query, deadline_ms, answer);
    *answer = told.answer;
    return told.result;
}
