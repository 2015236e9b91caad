/* SPDX-License-Identifier: ISC */
/* See stream.h. */
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A server that sends more than this without being asked may have its reset. */
#define DISCARD_BLOCKS 64

int64_t stream_now_ms(void)
{
    struct timespec now;

    /* Cannot fail: the clock exists and the pointer is good. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum stream_result stream_wait(int fd, short events, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};

    for (;;) {
        const int64_t left = deadline_ms - stream_now_ms();
        int count;

        if (left <= 0)
            return STREAM_TIMEOUT;
        count = poll(&ready, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (count > 0)
            return STREAM_OK;
        if (count < 0 && errno != EINTR)
            return STREAM_FAULT;
    }
}

static enum stream_result finish_connecting(int server_fd, int64_t deadline_ms)
{
    const enum stream_result ready = stream_wait(server_fd, POLLOUT, deadline_ms);
    int error = 0;
    socklen_t len = sizeof(error);

    if (ready != STREAM_OK)
        return ready;
    if (getsockopt(server_fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return STREAM_FAULT;
    /* A reset, unlike a refusal, comes from a connection that was made: whoever reads next finds it ended. */
    if (error == 0 || error == ECONNRESET)
        return STREAM_OK;
    errno = error;
    return STREAM_FAULT;
}

enum stream_result stream_connect(const struct addrinfo *address, int64_t deadline_ms, int *server_fd)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum stream_result result = STREAM_FAULT;

    *server_fd = -1;
    if (fd < 0)
        return STREAM_FAULT;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        result = STREAM_OK;
    else if (errno == EINPROGRESS || errno == EINTR)
        result = finish_connecting(fd, deadline_ms);

    if (result == STREAM_OK) {
        *server_fd = fd;
    } else {
        const int reason = errno;

        close(fd);
        errno = reason;
    }
    return result;
}

static int is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

enum stream_result stream_send(int server_fd, const uint8_t *bytes, size_t len, int64_t deadline_ms)
{
    size_t sent = 0;

    while (sent < len) {
        const enum stream_result ready = stream_wait(server_fd, POLLOUT, deadline_ms);
        ssize_t count;

        if (ready != STREAM_OK)
            return ready;
        count = send(server_fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (count >= 0)
            sent += (size_t)count;
        else if (!is_transient(errno))
            return STREAM_FAULT;
    }
    return STREAM_OK;
}

enum stream_result stream_receive(int server_fd, uint8_t *bytes, size_t len, int64_t deadline_ms, size_t *got)
{
    *got = 0;
    while (*got < len) {
        const enum stream_result ready = stream_wait(server_fd, POLLIN, deadline_ms);
        ssize_t count;

        if (ready != STREAM_OK)
            return ready;
        count = recv(server_fd, bytes + *got, len - *got, 0);
        if (count == 0)
            return STREAM_END;
        if (count > 0)
            *got += (size_t)count;
        else if (!is_transient(errno))
            return STREAM_FAULT;
    }
    return STREAM_OK;
}

void stream_discard(int server_fd)
{
    uint8_t block[4096];

    for (unsigned i = 0; i < DISCARD_BLOCKS; i++)
        if (recv(server_fd, block, sizeof(block), MSG_DONTWAIT) <= 0)
            return;
}
