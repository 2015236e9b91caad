/* SPDX-License-Identifier: ISC */
/*
 * What a process does first when a launcher has started it with a peer on its descriptors. Used by the handler alone.
 */
#ifndef OSTIARY_HARDEN_H
#define OSTIARY_HARDEN_H

#include <stdbool.h>
#include <sys/resource.h>

/* What the launcher gave. */
enum harden_peer {
    HARDEN_NO_SOCKET,  /* fd 0 is no TCP connection at all: somebody ran the program by hand */
    HARDEN_WRONG_KIND, /* fd 0 is a listening, datagram or other socket: the launcher is set up wrongly */
    HARDEN_CONNECTION  /* fd 0 is a stream socket; whether the peer is still there is for getpeername(2) to say */
};

/*
 * Make it impossible that anything printed reaches the peer: where fd 1 or 2 is the same socket as fd 0 (inetd,
 * xinetd), any other connection of the network, or closed, it becomes /dev/null; every descriptor above 2 is closed.
 * Comes before anything can be printed.
 * *stderr_usable says whether fd 2 is still what the launcher gave. Returns 0, or -1 with errno when that could not be
 * done: then nothing may be printed and the process must end.
 */
int harden_descriptors(bool *stderr_usable);

enum harden_peer harden_peer_kind(void);

/* Soft limits as the launcher had set them, which the action gets back. */
struct harden_limits {
    rlim_t core;
    rlim_t descriptors;
};

/*
 * umask 077, not dumpable, no core file, no timer, SIGPIPE and SIGXFSZ ignored. Gives before->core. Returns 0, or -1
 * with errno.
 */
int harden_process(struct harden_limits *before);

#endif
