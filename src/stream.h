/* SPDX-License-Identifier: ISC */
/*
 * Bytes through a descriptor within a limit: the client's side of the network. No call waits beyond its limit, each
 * looks at least once, however late it is, and none raises SIGPIPE.
 */
#ifndef OSTIARY_STREAM_H
#define OSTIARY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum stream_result {
    STREAM_OK,
    STREAM_END,     /* the other side closed before all of it had come */
    STREAM_TIMEOUT, /* the deadline has passed */
    STREAM_SIGNAL,  /* a signal waits */
    STREAM_FAULT    /* errno says why */
};

/* What ends a wait that is otherwise in vain. */
struct stream_limit {
    int64_t deadline_ms; /* absolute, of stream_now_ms */
    int signal_fd;       /* readable when a signal waits (signals.h); -1: none ends it */
};

struct stream_address {
    struct sockaddr_storage name;
    socklen_t len;
};

/* Milliseconds of the monotonic clock. */
int64_t stream_now_ms(void);

/* So long from now, whatever signals come. */
struct stream_limit stream_from_now(int64_t milliseconds);

/* Wait until poll(2) reports one of the events, an error or a hangup. */
enum stream_result stream_wait(int fd, short events, struct stream_limit limit);

/* Connect to one address. *server_fd is a non-blocking socket, the caller's to close, or -1. */
enum stream_result stream_connect(const struct stream_address *address, struct stream_limit limit, int *server_fd);

/* Send all bytes; OK means that the kernel has them and delivers them even after close(2). */
enum stream_result stream_send(int server_fd, const uint8_t *bytes, size_t len, struct stream_limit limit);

/* Receive until there are len bytes; *got says how many there are, before and after, whatever the result. */
enum stream_result stream_receive(int server_fd, uint8_t *bytes, size_t len, struct stream_limit limit, size_t *got);

/*
 * From now on no byte from the server is taken, or acknowledged to it; those that have been can still be received. So
 * who finds none after this can leave, and the server's kernel knows that nothing has reached him. It lasts until
 * stream_listen, or for as long as the socket. Where the kernel has no socket filters, or none for this user, it does
 * nothing: then a byte may come unseen between a last look and the end.
 */
void stream_refuse(int server_fd);
void stream_listen(int server_fd);

/*
 * Throw away what has arrived so far, up to a limit, and say how much it was. Unread bytes would turn a close into a
 * reset. *ended: the server has ended its side.
 */
size_t stream_discard(int server_fd, bool *ended);

#endif
