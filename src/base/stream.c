/* SPDX-License-Identifier: ISC */
/* See stream.h. */
#include "stream.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

struct stream_limit stream_until(int64_t deadline_ms)
{
    return (struct stream_limit){.deadline_ms = deadline_ms, .signal_fd = -1};
}

struct stream_limit stream_from_now(int64_t milliseconds)
{
    return stream_until(clock_now_ms() + milliseconds);
}

enum stream_result stream_wait(int fd, short events, struct stream_limit limit)
{
    struct pollfd inputs[] = {{.fd = fd, .events = events}, {.fd = limit.signal_fd, .events = POLLIN}};

    /* However late it is there is one look: the process may have been stopped, or waited for a processor. */
    for (;;) {
        const int left = clock_left_ms(limit.deadline_ms);
        const int count = poll(inputs, limit.signal_fd >= 0 ? 2 : 1, left);

        if (count > 0)
            return inputs[0].revents != 0 ? STREAM_OK : STREAM_SIGNAL;
        if (count < 0 && errno != EINTR)
            return STREAM_UNABLE;
        if (left == 0)
            return STREAM_TIMEOUT;
    }
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Both do what can be done at once without asking poll(2) first, which may fail; and once more when it is late. */
enum stream_result stream_send(int fd, const uint8_t *bytes, size_t len, struct stream_limit limit)
{
    bool is_late = false;
    size_t sent = 0;

    while (sent < len) {
        const ssize_t count = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        enum stream_result ready;

        if (count >= 0) {
            sent += (size_t)count;
            continue;
        }
        if (!is_transient(errno))
            return STREAM_FAULT;
        if (is_late)
            return STREAM_TIMEOUT;
        ready = stream_wait(fd, POLLOUT, limit);
        if (ready != STREAM_OK)
            return ready;
        is_late = clock_left_ms(limit.deadline_ms) == 0;
    }
    return STREAM_OK;
}

enum stream_result stream_receive(int fd, uint8_t *bytes, size_t len, struct stream_limit limit, size_t *got)
{
    bool is_late = false;

    while (*got < len) {
        const ssize_t count = recv(fd, bytes + *got, len - *got, MSG_DONTWAIT);
        enum stream_result ready;

        if (count == 0)
            return STREAM_END;
        if (count > 0) {
            *got += (size_t)count;
            continue;
        }
        if (!is_transient(errno))
            return STREAM_FAULT;
        if (is_late)
            return STREAM_TIMEOUT;
        ready = stream_wait(fd, POLLIN, limit);
        if (ready != STREAM_OK)
            return ready;
        is_late = clock_left_ms(limit.deadline_ms) == 0;
    }
    return STREAM_OK;
}

void stream_send_at_once(int fd, const uint8_t *bytes, size_t len)
{
    /* Who does not want it has closed by now; then this fails, and nothing depends on it. */
    if (send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

bool stream_has_left(int fd)
{
    return stream_wait(fd, POLLRDHUP, stream_until(0)) == STREAM_OK;
}

bool stream_pause(int fd, uint64_t wait_ms)
{
    const struct stream_limit limit = stream_from_now((int64_t)wait_ms);

    /* A poll(2) that fails at once must not make the pause a short one. */
    for (;;) {
        const enum stream_result result = stream_wait(fd, POLLRDHUP, limit);

        if (result == STREAM_OK)
            return false;
        if (clock_left_ms(limit.deadline_ms) == 0)
            return true;
    }
}

void stream_end(int fd)
{
    shutdown(fd, SHUT_RDWR);
}
