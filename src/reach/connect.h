/* SPDX-License-Identifier: ISC */
/*
 * The client's connection to a server: how it comes about, and how it is left so that a seed can neither arrive
 * unanswered nor be lost. What goes through it is for stream.h.
 */
#ifndef OSTIARY_CONNECT_H
#define OSTIARY_CONNECT_H

#include "stream.h"

#include <sys/socket.h>

struct connect_address {
    struct sockaddr_storage name;
    socklen_t len;
};

/*
 * Connect to one address, from an address of this host, or NULL: from any. *server_fd is a non-blocking socket, the
 * caller's to close, or -1.
 */
enum stream_result connect_to(const struct connect_address *address, const struct connect_address *source,
                              struct stream_limit limit, int *server_fd);

/*
 * From now on no byte from the server is taken, or acknowledged to it; those that have been can still be received. So
 * who finds none after this can leave, and the server's kernel knows that nothing has reached him. It lasts until
 * connect_listen, or for as long as the socket. Where the kernel has no socket filters, or none for this user, it does
 * nothing: then a byte may come unseen between a last look and the end.
 */
void connect_refuse(int server_fd);
void connect_listen(int server_fd);

/*
 * Throw away what has arrived so far, up to a limit, and say how much it was. Unread bytes would turn a close into a
 * reset. *ended: the server has ended its side.
 */
size_t connect_discard(int server_fd, bool *ended);

#endif
