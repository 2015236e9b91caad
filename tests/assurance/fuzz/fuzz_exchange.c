/* SPDX-License-Identifier: ISC */
/*
 * The server's side of the wire against any peer: fragments, silence, cuts, and a system that interrupts. The input:
 * the time limit, then the peer's script (virtual_net.h).
 */
#include "virtual_net.h"

#include <limits.h>
#include <sys/ioctl.h>

#define poll          net_poll
#define recv          net_recv
#define send          net_send
#define clock_gettime net_clock_gettime
#include "../../../src/base/clock.c"
#include "../../../src/base/stream.c"
#include "../../../src/knock/exchange.c"
#undef poll
#undef recv
#undef send
#undef clock_gettime

static const uint8_t seed[SEED_LEN] = "the seed goes out first, 32 byte";
static const uint8_t receipt[RECEIPT_LEN] = "the receipt goes out last, so so";

static int64_t limit_of(uint8_t choice)
{
    static const int64_t limits[] = {5000, 1000, 3600000, 1, 0, -1000, INT64_C(5) * INT_MAX};

    return limits[choice % (sizeof(limits) / sizeof(limits[0]))];
}

static void demand_result(enum exchange_result result, const uint8_t reply[static REPLY_LEN], int peer_fd)
{
    static const uint8_t zeros[REPLY_LEN];
    int unread = 0;

    if (result != EXCHANGE_OK)
        DEMAND(memcmp(reply, zeros, REPLY_LEN) == 0);
    switch (result) {
    case EXCHANGE_OK:
        DEMAND(net.said_len >= REPLY_LEN && memcmp(reply, net.said, REPLY_LEN) == 0);
        /* What the peer sends beyond its 32 bytes is never read. */
        DEMAND(ioctl(peer_fd, FIONREAD, &unread) == 0 && (size_t)unread == net.said_len - REPLY_LEN);
        break;
    case EXCHANGE_NO_REPLY:
        DEMAND(net.said_len == 0);
        break;
    case EXCHANGE_SHORT_REPLY:
        DEMAND(net.said_len > 0 && net.said_len < REPLY_LEN);
        break;
    case EXCHANGE_TIMEOUT:
        DEMAND(net.now_ms >= net.deadline_ms);
        break;
    case EXCHANGE_LEFT:
    case EXCHANGE_UNREACHED:
    case EXCHANGE_UNABLE:
    case EXCHANGE_GONE:
        break;
    }
}

/* I3: on the wire is the seed, or its beginning, and nothing else. */
static void demand_heard(enum exchange_result result)
{
    const bool is_open = net.peer_fd >= 0;

    net_listen();
    DEMAND(net.heard_len <= SEED_LEN && memcmp(net.heard, seed, net.heard_len) == 0);
    if (is_open && (result == EXCHANGE_OK || result == EXCHANGE_NO_REPLY || result == EXCHANGE_SHORT_REPLY))
        DEMAND(net.heard_len == SEED_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_input input = {bytes, len};
    const int64_t limit_ms = limit_of(fuzz_byte(&input));
    const uint64_t pause_ms = fuzz_byte(&input);
    uint8_t reply[REPLY_LEN] = {0};
    enum exchange_result result;
    int64_t start_ms;

    net_begin(input);
    const int peer_fd = net_pair(0);
    start_ms = net.now_ms;
    net.deadline_ms = start_ms + limit_ms;
    result = exchange_send_seed(peer_fd, net.deadline_ms, seed);
    DEMAND(result == EXCHANGE_OK || result == EXCHANGE_LEFT || result == EXCHANGE_UNABLE);
    if (result == EXCHANGE_OK) {
        reply[0] = 1;
        result = exchange_read_reply(peer_fd, net.deadline_ms, reply);
    }
    demand_result(result, reply, peer_fd);
    DEMAND(net.now_ms <= (limit_ms > 0 ? net.deadline_ms : start_ms));
    demand_heard(result);

    net.deadline_ms = net.now_ms + (int64_t)pause_ms;
    if (stream_pause(peer_fd, pause_ms))
        DEMAND(net.now_ms == net.deadline_ms);
    if (result == EXCHANGE_OK && net.peer_fd >= 0) {
        net.send_fault = 0;
        net.send_most = SIZE_MAX;
        stream_send_at_once(peer_fd, receipt, RECEIPT_LEN);
        net_listen();
        DEMAND(net.heard_len == SEED_LEN + RECEIPT_LEN && memcmp(net.heard + SEED_LEN, receipt, RECEIPT_LEN) == 0);
    }
    stream_end(peer_fd);
    if (net.peer_fd >= 0) {
        net_listen();
        DEMAND(recv(net.peer_fd, reply, sizeof(reply), MSG_DONTWAIT) == 0);
    }
    net_hang_up();
    close(peer_fd);
    return 0;
}
