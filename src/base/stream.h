/* SPDX-License-Identifier: ISC */
/*
 * Bytes through a connection within a limit, for both sides of the network. No call waits beyond its limit, each looks
 * at least once, however late it is, and none raises SIGPIPE. The descriptor's flags are left alone: under systemd the
 * handler shares its connection with PID 1.
 */
#ifndef OSTIARY_STREAM_H
#define OSTIARY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_result {
    STREAM_OK,
    STREAM_END,     /* the other side closed before all of it had come */
    STREAM_TIMEOUT, /* the deadline has passed */
    STREAM_SIGNAL,  /* a signal waits */
    STREAM_UNABLE,  /* poll(2) failed, and the other side has no part in it; errno says why */
    STREAM_FAULT    /* the connection has one; errno says which */
};

/* What ends a wait that is otherwise in vain. */
struct stream_limit {
    int64_t deadline_ms; /* absolute, of clock_now_ms */
    int signal_fd;       /* readable when a signal waits; -1: none ends it */
};

/* Until this time (clock_now_ms), whatever signals come. */
struct stream_limit stream_until(int64_t deadline_ms);

/* So long from now, whatever signals come. */
struct stream_limit stream_from_now(int64_t milliseconds);

/* Wait until poll(2) reports one of the events, an error or a hangup. */
enum stream_result stream_wait(int fd, short events, struct stream_limit limit);

/* Send all bytes; OK means that the kernel has them and delivers them even after close(2). */
enum stream_result stream_send(int fd, const uint8_t *bytes, size_t len, struct stream_limit limit);

/* Receive until there are len bytes; *got says how many there are, before and after, whatever the result. */
enum stream_result stream_receive(int fd, uint8_t *bytes, size_t len, struct stream_limit limit, size_t *got);

/* Send what the connection takes at once: the other side may have gone, and must not be waited for. */
void stream_send_at_once(int fd, const uint8_t *bytes, size_t len);

/* Has the other side ended its half of the connection, or all of it? Then nothing more can come from it. */
bool stream_has_left(int fd);

/* Wait for wait_ms milliseconds; false as soon as the other side has left. */
bool stream_pause(int fd, uint64_t wait_ms);

/* End the connection for both directions, now: the launcher may hold a duplicate that close(2) would leave open. */
void stream_end(int fd);

#endif
