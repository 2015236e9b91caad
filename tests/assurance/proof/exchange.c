/* SPDX-License-Identifier: ISC */
/* The exchange with a peer and a kernel that do whatever the system calls may do. */
#include "exchange.h"

#include "any.h"
#include "any_clock.h"
#include "clock.h"
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define WAIT_MAX_MS (3600 * 1000) /* of DELAY_MAX_WAIT and COMM_TIMEOUT */

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    (void)timeout;
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = (short)Frama_C_short_interval(INT16_MIN, INT16_MAX);
    if (any_bool()) {
        errno = Frama_C_interval(1, 133);
        return -1;
    }
    return Frama_C_interval(0, (int)count);
}

/* One state for each number of bytes: what is left is len minus that, and intervals could not say so. */
static ssize_t any_count(size_t least, size_t most)
{
    const size_t count = any_size(least, most);

    //@ split count;
    return (ssize_t)count;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    (void)fd;
    (void)flags;
    //@ assert \valid_read((char *)bytes + (0 .. len - 1)) && \initialized((char *)bytes + (0 .. len - 1));
    if (any_bool()) {
        errno = Frama_C_interval(1, 133);
        return -1;
    }
    return any_count(0, len);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    ssize_t count;

    (void)fd;
    (void)flags;
    //@ assert \valid((char *)bytes + (0 .. len - 1));
    if (any_bool()) {
        errno = Frama_C_interval(1, 133);
        return -1;
    }
    count = any_count(0, len);
    if (count > 0)
        any_bytes(bytes, (size_t)count);
    return count;
}

/* TIOCOUTQ, which gives a number of bytes. */
int ioctl(int fd, int request, ...)
{
    va_list arguments;

    (void)fd;
    (void)request;
    if (any_bool()) {
        errno = Frama_C_interval(1, 133);
        return -1;
    }
    va_start(arguments, request);
    *va_arg(arguments, int *) = Frama_C_interval(0, INT_MAX);
    va_end(arguments);
    return 0;
}

/* TCP_INFO. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    (void)fd;
    (void)level;
    (void)name;
    //@ assert room_is_there: \valid((char *)value + (0 .. *len - 1));
    if (any_bool())
        return -1;
    any_bytes(value, *len);
    return 0;
}

int shutdown(int fd, int how)
{
    (void)fd;
    (void)how;
    return -any_bool();
}

int main(void)
{
    uint8_t seed[SEED_LEN];
    uint8_t reply[REPLY_LEN];
    uint8_t receipt[RECEIPT_LEN];
    int64_t deadline_ms;

    any_bytes(seed, sizeof(seed));
    any_bytes(receipt, sizeof(receipt));
    stream_has_left(0);
    /* As the client waits: a signal ends it. */
    stream_wait(0, POLLIN, (struct stream_limit){.deadline_ms = clock_now_ms(), .signal_fd = 1});
    stream_pause(0, any_size(0, WAIT_MAX_MS));
    deadline_ms = clock_now_ms() + (int64_t)any_size(0, WAIT_MAX_MS);
    exchange_send_seed(0, deadline_ms, seed);
    exchange_read_reply(0, deadline_ms, reply);
    //@ assert every_byte_is_set: \initialized(reply + (0 .. 31));
    exchange_reply_age_ms(0);
    stream_send_at_once(0, receipt, RECEIPT_LEN);
    stream_end(0);
    return 0;
}
