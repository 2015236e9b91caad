/* SPDX-License-Identifier: ISC */
/* How a client ends, for its caller: EXIT STATUS of ostclient(1) and ostpipe(1). */
#ifndef OSTIARY_STATUS_H
#define OSTIARY_STATUS_H

#include <sysexits.h>

enum exit_status {
    STATUS_DONE = EX_OK,
    STATUS_USAGE = EX_USAGE,               /* 64 */
    STATUS_COMMAND = EX_NOINPUT,           /* 66 */
    STATUS_NO_HOST = EX_NOHOST,            /* 68 */
    STATUS_NO_CONNECTION = EX_UNAVAILABLE, /* 69 */
    STATUS_NO_RESOURCES = EX_OSERR,        /* 71 */
    STATUS_NO_REPLY = EX_IOERR,            /* 74 */
    STATUS_NO_SEED = EX_TEMPFAIL,          /* 75 */
    STATUS_PROTOCOL = EX_PROTOCOL,         /* 76 */
    STATUS_NOT_ACCEPTED = EX_NOPERM,       /* 77 */
    STATUS_NO_SECRET = EX_CONFIG           /* 78 */
};

#endif
