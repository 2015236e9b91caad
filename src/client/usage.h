/* SPDX-License-Identifier: ISC */
/* The command line of ostclient: which options there are, what they say, and which of them go together. */
#ifndef OSTIARY_USAGE_H
#define OSTIARY_USAGE_H

#include "command.h"
#include "stretch_label.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the secret comes from. */
enum secret_source { FROM_TERMINAL, FROM_FD, FROM_FILE, FROM_CREDENTIAL, FROM_COMMAND, FROM_REPLY_COMMAND };

struct options {
    bool help;
    bool version;
    bool quiet;
    bool verbose;
    bool wait;
    bool is_check; /* of the secret alone: nothing is connected, and no target is needed */
    int family;
    bool has_target;
    struct target target;
    bool has_port;
    uint16_t port;
    enum secret_source from;
    int fd;
    const char *key_file;
    const char *credential;
    struct command command;   /* of FROM_COMMAND and FROM_REPLY_COMMAND */
    uint64_t command_timeout; /* seconds; 0: it is not given */
    bool has_label;
    struct stretch_label label; /* how the secret is made of what is typed or read */
    const char *totp_file;      /* of the key that a code is made of; NULL: none is */
    bool asks_code;             /* and a person has it */
    uint64_t timeout;           /* seconds */
    uint64_t retries;
    char fault[1024]; /* what is wrong with the command line; empty: nothing */
};

/* The lines "usage: ..." and, for --help, what follows them. */
extern const char usage_line[];
extern const char usage_help[];

/* Read all of it, defaults where nothing is given; what is wrong is in fault, and the rest must then not be used. */
void usage_parse(int argc, char *argv[], struct options *options);

#endif
