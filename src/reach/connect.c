/* SPDX-License-Identifier: ISC */
/* See connect.h. */
#include "connect.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <unistd.h>

/* A server that sends more than this without being asked may have its reset. */
#define DISCARD_BLOCKS 64

void connect_refuse(int server_fd)
{
    /* Of a TCP segment, which begins with its header: drop those that bear data, let acknowledgements and ends through.
     */
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* the header's length in words, in the upper half of the byte */
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog filter = {.len = sizeof(program) / sizeof(program[0]), .filter = program};

    setsockopt(server_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

void connect_listen(int server_fd)
{
    const int ignored = 0;

    setsockopt(server_fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored));
}

/*
 * To leave a connection that may be made in this very moment, and in which a seed may follow at once: first refuse
 * whatever it brings, then look whether it is there. If so it is kept, and else the close brings it down without a
 * byte.
 */
static enum stream_result wait_connected(int server_fd, struct stream_limit limit)
{
    enum stream_result result = stream_wait(server_fd, POLLOUT, limit);

    if (result != STREAM_OK) {
        const int reason = errno;

        connect_refuse(server_fd);
        if (stream_wait(server_fd, POLLOUT, stream_until(0)) == STREAM_OK) {
            connect_listen(server_fd);
            result = STREAM_OK;
        }
        errno = reason;
    }
    return result;
}

static enum stream_result finish_connecting(int server_fd, struct stream_limit limit)
{
    const enum stream_result ready = wait_connected(server_fd, limit);
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

enum stream_result connect_to(const struct connect_address *address, const struct connect_address *source,
                              struct stream_limit limit, int *server_fd)
{
    const int fd = socket(address->name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum stream_result result = STREAM_FAULT;

    *server_fd = -1;
    if (fd < 0)
        return STREAM_FAULT;
    if (source != NULL && bind(fd, (const struct sockaddr *)&source->name, source->len) != 0)
        result = STREAM_FAULT;
    else if (connect(fd, (const struct sockaddr *)&address->name, address->len) == 0)
        result = STREAM_OK;
    else if (errno == EINPROGRESS || errno == EINTR)
        result = finish_connecting(fd, limit);

    if (result == STREAM_OK) {
        *server_fd = fd;
    } else {
        const int reason = errno;

        close(fd);
        errno = reason;
    }
    return result;
}

size_t connect_discard(int server_fd, bool *ended)
{
    uint8_t block[4096];
    size_t discarded = 0;

    *ended = false;
    for (unsigned i = 0; i < DISCARD_BLOCKS; i++) {
        const ssize_t count = recv(server_fd, block, sizeof(block), MSG_DONTWAIT);

        if (count > 0)
            discarded += (size_t)count;
        else if (count < 0 && errno == EINTR)
            continue;
        else {
            *ended = count == 0;
            break;
        }
    }
    return discarded;
}
