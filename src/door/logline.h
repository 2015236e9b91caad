/* SPDX-License-Identifier: ISC */
/*
 * The handler's outcome lines, read back: "accepted source=192.0.2.7 action=backup uid=33 gid=33". ostiaryd(8) lists
 * them. So are those of ostgrant(8): "granted gate=ssh network=192.0.2.7 user=alice left=90000 by=knock". Anything that
 * is not exactly such a line is none; nothing in a line is trusted to be what its key says.
 */
#ifndef OSTIARY_LOGLINE_H
#define OSTIARY_LOGLINE_H

#include "address.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

#define LOGLINE_LEN    512 /* an outcome line is shorter than this */
#define LOGLINE_FIELDS 8

struct logline_field {
    const char *key;
    const char *value;
};

struct logline {
    const char
        *outcome;    /* accepted, rejected, locked, refused or closed; of a grant: granted, renewed, ended or refused */
    bool has_source; /* a door can be closed without one, and a grant has none */
    struct address source;
    bool has_network; /* what a grant is for; that of a visit's source is a field */
    struct source network;
    const char *who;                             /* the text of source or network; NULL where there is neither */
    struct logline_field fields[LOGLINE_FIELDS]; /* all others, in their order */
    size_t field_count;
    char text[LOGLINE_LEN]; /* what the pointers point into */
};

/* Take len bytes apart, without their line feed. Returns 0, or -1: it is no outcome line of a handler. */
int logline_parse(const char *bytes, size_t len, struct logline *line);

/* The same for what ostgrant logs. */
int logline_parse_grant(const char *bytes, size_t len, struct logline *line);

/* The value of a field, or NULL. */
const char *logline_value(const struct logline *line, const char *key);

#endif
