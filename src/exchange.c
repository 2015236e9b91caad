/* SPDX-License-Identifier: ISC */
/* See exchange.h. */
#include "exchange.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

int64_t exchange_now_ms(void)
{
    struct timespec now;

    /* Cannot fail: the clock exists and the pointer is good. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What poll(2) may wait for at the most until the deadline; 0 when it has passed. */
static int time_left(int64_t deadline_ms)
{
    const int64_t left = deadline_ms - exchange_now_ms();

    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool exchange_has_left(int peer_fd)
{
    struct pollfd peer = {.fd = peer_fd, .events = POLLRDHUP};

    return poll(&peer, 1, 0) > 0;
}

bool exchange_pause(int peer_fd, uint64_t wait_ms)
{
    const int64_t deadline_ms = exchange_now_ms() + (int64_t)wait_ms;
    struct pollfd peer = {.fd = peer_fd, .events = POLLRDHUP};

    for (int left = time_left(deadline_ms); left > 0; left = time_left(deadline_ms)) {
        if (poll(&peer, 1, left) > 0)
            return false;
    }
    return true;
}

/*
 * Wait until the socket is ready for these events; what it is ready for already counts, though the deadline has passed
 * while this process did not run. EXCHANGE_REPLIED stands for "go on".
 */
static enum exchange_result wait_ready(int peer_fd, short events, int64_t deadline_ms)
{
    struct pollfd peer = {.fd = peer_fd, .events = events};

    for (;;) {
        const int left = time_left(deadline_ms);
        const int ready = poll(&peer, 1, left);

        if (ready > 0)
            return EXCHANGE_REPLIED;
        if (ready == 0 && left == 0)
            return EXCHANGE_TIMEOUT;
        if (ready < 0 && errno != EINTR)
            return EXCHANGE_UNABLE;
    }
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* A call on the socket has failed: for want of memory on this machine, or because of the peer? */
static enum exchange_result blame(enum exchange_result peers_fault)
{
    return errno == ENOMEM || errno == ENOBUFS ? EXCHANGE_UNABLE : peers_fault;
}

/*
 * Is any of what was sent still unacknowledged? Asked when the peer's stream has ended: the segment that ends it also
 * acknowledges all that the peer's system had received by then, so what is missing in it came too late for the peer.
 */
static bool is_unacknowledged(int peer_fd)
{
    int bytes = 0;

    return ioctl(peer_fd, TIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static enum exchange_result send_seed(int peer_fd, int64_t deadline_ms, const uint8_t seed[static SEED_LEN])
{
    size_t sent = 0;

    while (sent < SEED_LEN) {
        const ssize_t count = send(peer_fd, seed + sent, SEED_LEN - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        enum exchange_result ready;

        if (count > 0) {
            sent += (size_t)count;
            continue;
        }
        if (count < 0 && !is_transient(errno))
            return blame(EXCHANGE_LEFT);
        ready = wait_ready(peer_fd, POLLOUT, deadline_ms);
        if (ready != EXCHANGE_REPLIED)
            return ready == EXCHANGE_TIMEOUT ? EXCHANGE_LEFT : ready;
    }
    return EXCHANGE_REPLIED;
}

static enum exchange_result read_reply(int peer_fd, int64_t deadline_ms, uint8_t reply[static REPLY_LEN])
{
    size_t got = 0;

    while (got < REPLY_LEN) {
        const enum exchange_result ready = wait_ready(peer_fd, POLLIN, deadline_ms);
        ssize_t count;

        if (ready != EXCHANGE_REPLIED)
            return ready;
        count = recv(peer_fd, reply + got, REPLY_LEN - got, MSG_DONTWAIT);
        if (count > 0)
            got += (size_t)count;
        else if (count == 0 && is_unacknowledged(peer_fd))
            return EXCHANGE_UNREACHED;
        else if (count == 0)
            return got == 0 ? EXCHANGE_NO_REPLY : EXCHANGE_SHORT_REPLY;
        else if (!is_transient(errno))
            return blame(EXCHANGE_GONE);
    }
    return EXCHANGE_REPLIED;
}

enum exchange_result exchange_run(int peer_fd, int64_t deadline_ms, const uint8_t seed[static SEED_LEN],
                                  uint8_t reply[static REPLY_LEN])
{
    enum exchange_result result;

    memset(reply, 0, REPLY_LEN);
    if (exchange_has_left(peer_fd))
        return EXCHANGE_LEFT;
    result = send_seed(peer_fd, deadline_ms, seed);
    if (result == EXCHANGE_REPLIED)
        result = read_reply(peer_fd, deadline_ms, reply);
    if (result != EXCHANGE_REPLIED)
        memset(reply, 0, REPLY_LEN);
    return result;
}

int64_t exchange_reply_age_ms(int peer_fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    return getsockopt(peer_fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_last_data_recv : 0;
}

void exchange_send_receipt(int peer_fd, const uint8_t receipt[static RECEIPT_LEN])
{
    /* A peer that does not want it has closed by now; then this fails, and nothing depends on it. */
    if (send(peer_fd, receipt, RECEIPT_LEN, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

void exchange_end(int peer_fd)
{
    shutdown(peer_fd, SHUT_RDWR);
}
