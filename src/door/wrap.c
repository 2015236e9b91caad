/* SPDX-License-Identifier: ISC */
/* See wrap.h. Built only with -Dlibwrap=enabled. */
#include "wrap.h"

#include <syslog.h>
#include <tcpd.h>

/* libwrap expects its caller to define these. */
int allow_severity = LOG_DEBUG;
int deny_severity = LOG_INFO;

bool wrap_allows(const struct sockaddr_storage *peer)
{
    struct sockaddr_storage client = *peer;
    struct request_info request;

    /* A process that lives on: "twist" would replace it, and is refused. */
    resident = 1;
    request_init(&request, RQ_DAEMON, "ostiaryd", RQ_CLIENT_SIN, &client, 0);
    sock_methods(&request);
    return hosts_access(&request) != 0;
}
