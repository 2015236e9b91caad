/* SPDX-License-Identifier: ISC */
/*
 * One request over a unix socket (request.h), as a launcher has accepted it: who asks is asked of the kernel, what he
 * may is in rights.h, what is done in deeds.h. Whatever comes of it is answered in one line that says so.
 */
#ifndef OSTIARY_SERVE_H
#define OSTIARY_SERVE_H

#include "gates.h"
#include "request.h"

/* Serve the peer on this descriptor. Gives the status to exit with: 0 also where the request was refused. */
int serve(const struct gates *gates, int peer_fd);

/* Read his request, and answer that it cannot be done for this reason, which has been told. */
void serve_refusal(int peer_fd, enum request_reason reason);

#endif
