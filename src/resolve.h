/* SPDX-License-Identifier: ISC */
/*
 * From a host to all its addresses before a deadline. A name server that does not answer cannot hold
 * the caller up: the question is then left behind, to end with the process.
 */
#ifndef OSTIARY_RESOLVE_H
#define OSTIARY_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

struct resolve_query {
    const char *host;
    uint16_t port;
    int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
};

enum resolve_result {
    RESOLVE_OK,
    RESOLVE_UNKNOWN, /* there is no such host, or it has no address of this family */
    RESOLVE_TIMEOUT, /* no answer before the deadline (stream_now_ms) */
    RESOLVE_FAILED   /* the lookup could not be made: *gai_status is for gai_strerror(3) */
};

/* On RESOLVE_OK the list is the caller's, for freeaddrinfo(3), and holds at least one address. */
enum resolve_result resolve_host(const struct resolve_query *query, int64_t deadline_ms, struct addrinfo **addresses,
                                 int *gai_status);

#endif
