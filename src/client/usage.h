/* SPDX-License-Identifier: ISC */
/* The command line of ostclient: which options there are, what they say, and which of them go together. */
#ifndef OSTIARY_USAGE_H
#define OSTIARY_USAGE_H

#include "target.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    bool help;
    bool version;
    bool quiet;
    bool verbose;
    bool wait;
    int family;
    bool has_target;
    struct target target;
    bool has_port;
    uint16_t port;
    bool has_fd;
    int fd;
    const char *key_file; /* NULL: none */
    uint64_t timeout;     /* seconds */
    uint64_t retries;
    char fault[1024]; /* what is wrong with the command line; empty: nothing */
};

/* The lines "usage: ..." and, for --help, what follows them. */
extern const char usage_line[];
extern const char usage_help[];

/* Read all of it, defaults where nothing is given; what is wrong is in fault, and the rest must then not be used. */
void usage_parse(int argc, char *argv[], struct options *options);

#endif
