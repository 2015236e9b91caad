/* SPDX-License-Identifier: ISC */
/*
 * How ostgrant is asked over a unix socket: by the sealed door's handler, and by ostgrant.cgi. One connection, one
 * request line, an answer of lines, and its end. Who asks is known by SO_PEERCRED, never by what is said.
 *
 * A line is a word and fields, "open gate=ssh address=192.0.2.7 user=alice", one blank between them, of printable
 * ASCII, at most REQUEST_LINE_MAX bytes with its line feed. A value has no blank; a field stands at most once. The
 * request:
 *
 *   open   gate= address=A[/N] user= [for=] [lifetime=SECONDS] [others=close] [seen=A] [token=]
 *   close  gate= address=A[/N] user= [for=] [seen=A] [token=]
 *   others gate= user= seen=A token=          close all of user's at this gate but what is open for seen
 *   show   user= seen=A                       what the form shows; gives a token
 *
 * user= is who has been authenticated, for= (by default the same) to whom the grant belongs. seen=, the address that
 * the web server sees, and token= belong to the form alone. The answer: any number of
 *
 *   gate   name= lifetime=S most=S renew=no|asking|use network=A[/N] admin=no|yes
 *   grant  gate= network=A[/N] user= left=S packets=N state=open|opening|closing|waiting mine=no|yes
 *   count  gate= shut=N                       packets that were dropped: for admins
 *   token  value=HEX
 *   admin  value=yes
 *
 * and at the end "ok" (open: with until=SECONDS-SINCE-1970 left=S), or "no reason=WORD" (enum request_reason).
 */
#ifndef OSTIARY_REQUEST_H
#define OSTIARY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_LINE_MAX   512
#define REQUEST_FIELDS_MAX 12
#define REQUEST_LIMIT_MS   20000 /* for who asks, until the end of the answer */
#define REQUEST_READ_MS    5000  /* for who answers, until it has the request */

struct request_field {
    const char *key;
    const char *value;
};

/* It points into itself, so that it cannot be copied. */
struct request_line {
    const char *word;                                /* lower-case letters, as each key; "" of what is no line */
    struct request_field fields[REQUEST_FIELDS_MAX]; /* no value is empty */
    size_t field_count;
    char text[REQUEST_LINE_MAX]; /* what the pointers point into */
};

/* Take a line of len bytes, without its line feed, apart. Returns 0, or -1: it is none. Any bytes are safe. */
int request_parse(const char *bytes, size_t len, struct request_line *line);

/* The value of a field, or NULL. */
const char *request_value(const struct request_line *line, const char *key);

enum request_reason {
    REQUEST_DONE,
    REQUEST_MALFORMED,     /* "malformed": a line that is none, or lacks a field */
    REQUEST_NOT_PERMITTED, /* "permission": this process, or this user, may not */
    REQUEST_NO_GATE,       /* "gate": there is none of that name */
    REQUEST_BAD_ADDRESS,   /* "address" */
    REQUEST_BAD_LIFETIME,  /* "lifetime": 0, or more than the gate's most */
    REQUEST_NOT_OPEN,      /* "none": close, and it is not open */
    REQUEST_TOKEN,         /* "token": missing, wrong or old */
    REQUEST_FULL,          /* "full": the gate's set, or the record */
    REQUEST_BUSY,          /* "busy" */
    REQUEST_CONFIG,        /* "config": ostiary-grants.cfg has an error */
    REQUEST_FAILED,        /* "failed": the log says why */
    REQUEST_UNREACHABLE    /* of who asks alone: nobody has answered */
};
const char *request_reason_word(enum request_reason reason);
enum request_reason request_reason_of(const char *word); /* REQUEST_FAILED for one that is unknown */

/*
 * Connect to the socket at path, whose listener must be root, send the line (without its line feed), and read the
 * answer to its end, within REQUEST_LIMIT_MS. *answer gets its lines, NUL-terminated, *len bytes, at most limit; the
 * caller frees it (NULL: nobody wants it). Gives what the last line says; or REQUEST_UNREACHABLE with errno, and
 * *answer NULL: ECONNRESET where the connection was ended without a word, EPROTO where the answer has no such last
 * line, EMSGSIZE where it, or the line, is too long. It may have been done all the same.
 */
enum request_reason request_ask(const char *path, const char *line, size_t limit, char **answer, size_t *len);

#endif
