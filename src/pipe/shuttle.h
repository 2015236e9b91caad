/* SPDX-License-Identifier: ISC */
/*
 * What goes through a pipe once both sides know each other: bytes from the plain side in packets to the peer, and what
 * is in the peer's packets to the plain side, both ways at once. Nothing is read that cannot be passed on, so a slow
 * reader slows the writer down and takes no memory.
 *
 * The plain side gets no byte that the peer's key has not authenticated. An end of the stream is the kernel's word
 * alone: the wire has none of its own, so that whoever sits between the two can end it, between two packets, and it
 * looks like an end of the peer's. Within a packet it is found (CUT).
 */
#ifndef OSTIARY_SHUTTLE_H
#define OSTIARY_SHUTTLE_H

#include "pipe_crypt.h"

#include <stdint.h>

struct shuttle {
    int peer_fd; /* the encrypted side: a stream socket */
    int in_fd;   /* the plain side; a socket is the same in both */
    int out_fd;
    struct pipe_session *session;
    int64_t idle_ms; /* the end where for so long not a byte has moved; 0: never */
    int signal_fd;   /* readable when it is to end; -1: nothing does */
};

enum shuttle_result {
    SHUTTLE_DONE,   /* both sides have ended, and all that came before has been passed on */
    SHUTTLE_CUT,    /* the peer's stream ended within a packet */
    SHUTTLE_FORGED, /* a packet that is none of the peer's, or not the next */
    SHUTTLE_ODD,    /* one of the peer's, of a length that there is not */
    SHUTTLE_LEFT,   /* the peer's connection broke; errno says how. What it had sent before has been passed on */
    SHUTTLE_DEAF,   /* the plain side, a socket, took no more; errno says how. All that it sent has been passed on */
    SHUTTLE_BROKE,  /* the plain side broke; errno says how */
    SHUTTLE_IDLE,
    SHUTTLE_SIGNAL,
    SHUTTLE_UNABLE /* for want of memory, or libgcrypt refused; errno says which, or 0 */
};

/*
 * Run until it is over. How many bytes went out to the peer and came in from it, to the plain side, is in *out and *in.
 * None of the descriptors' flags are changed. Each side is told of the other's end by shutdown(2); out_fd, where it is
 * no socket, is closed for it. signal_fd is not read from. SIGPIPE is ignored.
 *
 * What must not look like an end is for the caller: after anything but DONE he resets the plain side, and after
 * anything but DONE and DEAF the peer (shuttle_reset).
 */
enum shuttle_result shuttle_run(const struct shuttle *shuttle, uint64_t *out, uint64_t *in);

/*
 * Let the connection end by a reset when it is closed, so that nobody takes what has come for all. Of what is no TCP
 * connection it does nothing.
 */
void shuttle_reset(int fd);

#endif
