/* SPDX-License-Identifier: ISC */
/* See wrap.h. Built only with -Dlibwrap=enabled. */
#include "wrap.h"

#include <syslog.h>
#include <tcpd.h>

/* libwrap expects its caller to define these. */
int allow_severity = LOG_DEBUG;
int deny_severity = LOG_INFO;

bool wrap_allows(int peer_fd)
{
    struct request_info request;

    /* Makes libwrap refuse the option "twist", which would run a command with the connection as its output. */
    resident = 1;
    request_init(&request, RQ_DAEMON, "ostiaryd", RQ_FILE, peer_fd, 0);
    fromhost(&request);
    return hosts_access(&request) != 0;
}
