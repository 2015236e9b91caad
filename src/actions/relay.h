/* SPDX-License-Identifier: ISC */
/*
 * An action that is somebody else's to run: the handler, which then needs no right of its own, only tells a socket
 * in the file system which peer has knocked. What listens there (a systemd socket unit) decides what it means.
 *
 * The message is the address of the peer, a link-local one with its interface (fe80::1%eth0), and a newline. Nothing is
 * read back. Whether the action has begun is seen from the line: it is the action that reads it, and a listener that
 * will not start one, as systemd with MaxConnections=, closes the connection without.
 */
#ifndef OSTIARY_RELAY_H
#define OSTIARY_RELAY_H

/*
 * Connect to the stream socket at this path, or fail at once. Who listens there must be root or this process' own user,
 * else anybody who can make a file there could take the knock: EPERM. Returns 0, or -1 with errno; the caller closes
 * *fd.
 */
int relay_connect(const char *path, int *fd);

/* Send the line. Returns 0, or -1 with errno: EPIPE where the listener took the connection and dropped it. */
int relay_send(int fd, const char *address);

/*
 * Wait until the line has been read. Returns 0, or -1 with errno: ECONNRESET where it never will be. There is no limit
 * but the deadline of the process (deadline.h).
 */
int relay_wait(int fd);

#endif
