/* SPDX-License-Identifier: ISC */
/*
 * From a host to its addresses before a deadline. A name service that does not answer cannot hold the caller up: it is
 * asked in a child process, which is killed when the time is over, and in which a module of the name service can do no
 * harm. Needs no thread. The child gets nothing of what is in locked memory (locked.h).
 */
#ifndef OSTIARY_RESOLVE_H
#define OSTIARY_RESOLVE_H

#include "connect.h"

#include <stddef.h>
#include <stdint.h>

#define RESOLVE_ADDRESSES_MAX 64 /* what a name has beyond these is left out */

struct resolve_query {
    const char *host;
    uint16_t port;
    int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
    /*
     * Where no process can be started either, the name service is asked in this one, and a timer alone can end that: at
     * the deadline this is called, out of a signal handler, and must end the process.
     */
    void (*too_late)(const char *text);
    const char *too_late_text;
};

enum resolve_result {
    RESOLVE_OK,
    RESOLVE_UNKNOWN,      /* there is no such host, or it has no address of this family */
    RESOLVE_NO_INTERFACE, /* an address of the local link, and this machine has no interface of that name */
    RESOLVE_TIMEOUT,      /* no answer before the deadline */
    RESOLVE_FAILED        /* it could not be looked up; the reason is there */
};

struct resolve_answer {
    size_t count; /* at least one, on RESOLVE_OK */
    struct connect_address addresses[RESOLVE_ADDRESSES_MAX];
    char reason[128]; /* in words, of RESOLVE_FAILED */
};

enum resolve_result resolve_host(const struct resolve_query *query, int64_t deadline_ms, struct resolve_answer *answer);

#endif
