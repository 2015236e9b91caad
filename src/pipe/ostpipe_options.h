/* SPDX-License-Identifier: ISC */
/* The command line of ostpipe, which is spipe's and a little more. */
#ifndef OSTIARY_OSTPIPE_OPTIONS_H
#define OSTIARY_OSTPIPE_OPTIONS_H

#include "connect.h"
#include "handshake.h"
#include "target.h"

#include <limits.h>

struct ostpipe_options {
    bool help;
    bool version;
    bool verbose;
    const char *socket_path; /* of a unix socket that is the target; NULL: */
    struct target target;    /* with its port */
    const char *target_text; /* as it was written */
    const char *key_file;
    enum handshake_secrecy secrecy;
    bool keepalive;
    int64_t timeout_ms; /* for the connection, and again for the handshake */
    bool has_source;
    struct connect_address source;
    char fault[512]; /* what is wrong with the command line; empty: nothing */
};

extern const char ostpipe_usage_line[];
extern const char ostpipe_usage_help[];

void ostpipe_options_parse(int argc, char *argv[], struct ostpipe_options *options);

#endif
