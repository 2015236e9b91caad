/* SPDX-License-Identifier: ISC */
/* See exchange.h. */
#include "exchange.h"

#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The connection has failed: for want of memory on this machine, or because of the peer? */
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

enum exchange_result exchange_send_seed(int peer_fd, int64_t deadline_ms, const uint8_t seed[static SEED_LEN])
{
    if (stream_has_left(peer_fd))
        return EXCHANGE_LEFT;
    switch (stream_send(peer_fd, seed, SEED_LEN, stream_until(deadline_ms))) {
    case STREAM_OK:
        return EXCHANGE_OK;
    case STREAM_UNABLE:
        return EXCHANGE_UNABLE;
    case STREAM_FAULT:
        return blame(EXCHANGE_LEFT);
    case STREAM_TIMEOUT:
    case STREAM_END:
    case STREAM_SIGNAL:
        break;
    }
    return EXCHANGE_LEFT;
}

/* What it means that the peer's stream ended after so many bytes. */
static enum exchange_result judge_end(int peer_fd, size_t got)
{
    if (is_unacknowledged(peer_fd))
        return EXCHANGE_UNREACHED;
    return got == 0 ? EXCHANGE_NO_REPLY : EXCHANGE_SHORT_REPLY;
}

static enum exchange_result receive(int peer_fd, int64_t deadline_ms, uint8_t reply[static REPLY_LEN])
{
    size_t got = 0;

    switch (stream_receive(peer_fd, reply, REPLY_LEN, stream_until(deadline_ms), &got)) {
    case STREAM_OK:
        return EXCHANGE_OK;
    case STREAM_END:
        return judge_end(peer_fd, got);
    case STREAM_UNABLE:
        return EXCHANGE_UNABLE;
    case STREAM_FAULT:
        return blame(EXCHANGE_GONE);
    case STREAM_TIMEOUT:
    case STREAM_SIGNAL:
        break;
    }
    return EXCHANGE_TIMEOUT;
}

enum exchange_result exchange_read_reply(int peer_fd, int64_t deadline_ms, uint8_t reply[static REPLY_LEN])
{
    enum exchange_result result;

    memset(reply, 0, REPLY_LEN);
    result = receive(peer_fd, deadline_ms, reply);
    if (result != EXCHANGE_OK)
        memset(reply, 0, REPLY_LEN);
    return result;
}

int64_t exchange_reply_age_ms(int peer_fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    return getsockopt(peer_fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_last_data_recv : 0;
}
