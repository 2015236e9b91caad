/* SPDX-License-Identifier: ISC */
/*
 * A network and a clock that follow a script: the code under test has one end of a real socket pair, and whenever it
 * waits, the other end does what the script says next. Nothing sleeps: when the script has ended, waiting makes the
 * clock go on. A harness includes this, maps the system's names to those here, and then includes the code.
 */
#ifndef OSTIARY_VIRTUAL_NET_H
#define OSTIARY_VIRTUAL_NET_H

#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NET_HEARD_MAX 256
#define NET_SAID_MAX  65536

enum net_step {
    NET_SAY,           /* as many bytes as the next one says, out of the script */
    NET_SAY_32,        /* 32 bytes out of the script */
    NET_SAY_REHEARSED, /* the bytes in net.rehearsed, made by the harness */
    NET_SAY_MUCH,      /* 4096 bytes */
    NET_STOP_SAYING,
    NET_CLOSE,
    NET_LISTEN, /* read what has come */
    NET_LATER,  /* up to 4 s pass */
    NET_INTERRUPT,
    NET_POLL_FAULT,
    NET_POLL_WRONG, /* ready, and it is not */
    NET_RECV_FAULT,
    NET_RECV_LITTLE,
    NET_SEND_FAULT,
    NET_SEND_LITTLE,
    NET_STEPS
};

static struct {
    int peer_fd; /* the script's end; -1 when closed */
    int64_t now_ms;
    int64_t deadline_ms; /* nothing may wait beyond it */
    struct fuzz_input script;
    void (*rehearse)(void); /* called before NET_SAY_REHEARSED; may be NULL */
    uint8_t rehearsed[32];
    bool rehearsed_said; /* when they could be an answer: the code has received, and sends or has sent */
    bool has_received, has_sent;
    bool has_held_back;         /* bytes that had come, from the code */
    int recv_fault, send_fault; /* errno of the next call; 0: none */
    size_t recv_most, send_most;
    uint8_t said[NET_SAID_MAX]; /* by the peer, all that went into the socket */
    size_t said_len;
    uint8_t heard[NET_HEARD_MAX];
    size_t heard_len;
} net;

static inline void net_begin(struct fuzz_input script)
{
    memset(&net, 0, sizeof(net));
    net.peer_fd = -1;
    net.now_ms = 1000000;
    net.script = script;
    net.recv_most = net.send_most = SIZE_MAX;
}

/* A new pair: gives the end of the code under test. */
static inline int net_pair(int flags)
{
    int pair[2];

    DEMAND(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, pair) == 0);
    if (net.peer_fd >= 0)
        close(net.peer_fd);
    net.peer_fd = pair[1];
    return pair[0];
}

static inline void net_listen(void)
{
    while (net.peer_fd >= 0 && net.heard_len < NET_HEARD_MAX) {
        const ssize_t len = recv(net.peer_fd, net.heard + net.heard_len, NET_HEARD_MAX - net.heard_len, MSG_DONTWAIT);

        if (len <= 0)
            return;
        net.heard_len += (size_t)len;
    }
}

static inline void net_hang_up(void)
{
    net_listen();
    if (net.peer_fd >= 0)
        close(net.peer_fd);
    net.peer_fd = -1;
}

static inline void net_say(const uint8_t *bytes, size_t len)
{
    ssize_t sent;

    if (net.peer_fd < 0 || len == 0 || len > NET_SAID_MAX - net.said_len)
        return;
    sent = send(net.peer_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        memcpy(net.said + net.said_len, bytes, (size_t)sent);
        net.said_len += (size_t)sent;
    }
}

static inline int net_errno(uint8_t choice)
{
    static const int errors[] = {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOTCONN, EPIPE, ENOBUFS, EHOSTUNREACH};

    return errors[choice % (sizeof(errors) / sizeof(errors[0]))];
}

/* What the next step makes of a call of poll: its result, or -2 to look at the socket. */
static inline int net_take_step(struct pollfd *fd, int64_t end_ms)
{
    uint8_t bytes[4096] = {0};

    switch ((enum net_step)(fuzz_byte(&net.script) % NET_STEPS)) {
    case NET_SAY:
        net_say(bytes, fuzz_take(&net.script, bytes, fuzz_byte(&net.script)));
        break;
    case NET_SAY_32:
        fuzz_take(&net.script, bytes, 32);
        net_say(bytes, 32);
        break;
    case NET_SAY_REHEARSED:
        if (net.rehearse != NULL)
            net.rehearse();
        net.rehearsed_said |= net.has_sent || (net.has_received && (fd->events & POLLOUT) != 0);
        net_say(net.rehearsed, sizeof(net.rehearsed));
        break;
    case NET_SAY_MUCH:
        memset(bytes, fuzz_byte(&net.script), sizeof(bytes));
        net_say(bytes, sizeof(bytes));
        break;
    case NET_STOP_SAYING:
        if (net.peer_fd >= 0)
            shutdown(net.peer_fd, SHUT_WR);
        break;
    case NET_CLOSE:
        net_hang_up();
        break;
    case NET_LISTEN:
        net_listen();
        break;
    case NET_LATER:
        net.now_ms += (int64_t)fuzz_byte(&net.script) * 16;
        if (net.now_ms >= end_ms) {
            net.now_ms = end_ms;
            return poll(fd, 1, 0);
        }
        break;
    case NET_INTERRUPT:
        errno = EINTR;
        return -1;
    case NET_POLL_FAULT:
        errno = ENOMEM;
        return -1;
    case NET_POLL_WRONG:
        fd->revents = fd->events;
        return 1;
    case NET_RECV_FAULT:
        net.recv_fault = net_errno(fuzz_byte(&net.script));
        break;
    case NET_RECV_LITTLE:
        net.recv_most = 1 + fuzz_byte(&net.script) % 40;
        break;
    case NET_SEND_FAULT:
        net.send_fault = net_errno(fuzz_byte(&net.script));
        break;
    case NET_SEND_LITTLE:
        net.send_most = 1 + fuzz_byte(&net.script) % 40;
        break;
    case NET_STEPS:
        break;
    }
    return -2;
}

/* The first of the descriptors is the socket. A second one, if any, becomes ready when the harness makes it so. */
static inline int net_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    const int64_t end_ms = net.now_ms + timeout;

    /* A look, and no wait: nothing happens meanwhile. */
    if (timeout == 0)
        return poll(fds, count, 0);
    DEMAND(count >= 1 && count <= 2 && timeout > 0 && end_ms <= net.deadline_ms);
    for (;;) {
        const bool over = net.script.left == 0;
        int result = over ? -2 : net_take_step(fds, end_ms);

        if (result != -2)
            return result;
        result = poll(fds, count, 0);
        if (result != 0)
            return result;
        if (over) {
            net.now_ms = end_ms;
            return 0;
        }
    }
}

static inline int net_clock_gettime(clockid_t clock, struct timespec *now)
{
    DEMAND(clock == CLOCK_MONOTONIC);
    *now = (struct timespec){.tv_sec = (time_t)(net.now_ms / 1000), .tv_nsec = (long)(net.now_ms % 1000) * 1000000};
    return 0;
}

/* The fault that is due, if any: -1 and errno. */
static inline int net_fault(int *fault)
{
    if (*fault == 0)
        return 0;
    errno = *fault;
    *fault = 0;
    return -1;
}

static inline ssize_t net_recv(int fd, void *bytes, size_t len, int flags)
{
    net.has_received = true;
    net.has_held_back |= net.recv_fault != 0 || len > net.recv_most;
    if (net_fault(&net.recv_fault) != 0)
        return -1;
    return recv(fd, bytes, len < net.recv_most ? len : net.recv_most, flags | MSG_DONTWAIT);
}

static inline ssize_t net_send(int fd, const void *bytes, size_t len, int flags)
{
    net.has_sent = true;
    if (net_fault(&net.send_fault) != 0)
        return -1;
    return send(fd, bytes, len < net.send_most ? len : net.send_most, flags | MSG_DONTWAIT);
}

#endif
