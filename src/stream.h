/* SPDX-License-Identifier: ISC */
/*
 * Bytes through a descriptor before an absolute deadline on the monotonic clock: the client's side of the network.
 * No call waits beyond its deadline, and none raises SIGPIPE.
 */
#ifndef OSTIARY_STREAM_H
#define OSTIARY_STREAM_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

enum stream_result {
    STREAM_OK,
    STREAM_END,     /* the other side closed before all of it had come */
    STREAM_TIMEOUT, /* the deadline has passed */
    STREAM_FAULT    /* errno says why */
};

/* Milliseconds of the monotonic clock. */
int64_t stream_now_ms(void);

/* Wait until poll(2) reports one of the events, an error or a hangup. */
enum stream_result stream_wait(int fd, short events, int64_t deadline_ms);

/* Connect to one address. *server_fd is a non-blocking socket, the caller's to close, or -1. */
enum stream_result stream_connect(const struct addrinfo *address, int64_t deadline_ms, int *server_fd);

/* Send all bytes; OK means that the kernel has them and delivers them even after close(2). */
enum stream_result stream_send(int server_fd, const uint8_t *bytes, size_t len, int64_t deadline_ms);

/* Receive exactly len bytes; *got says how many have come, whatever the result. */
enum stream_result stream_receive(int server_fd, uint8_t *bytes, size_t len, int64_t deadline_ms, size_t *got);

/* Throw away what has arrived so far, up to a limit. Unread bytes would turn a close into a reset. */
void stream_discard(int server_fd);

#endif
