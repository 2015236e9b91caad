/* SPDX-License-Identifier: ISC */
/* What ostgrant answers to "show" (request.h): which gates there are for a user, and what is open. */
#ifndef OSTIARY_ANSWER_H
#define OSTIARY_ANSWER_H

#include "address.h"
#include "gates.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_GRANTS_MAX 500        /* more are no page that anybody reads; how many they are is known */
#define ANSWER_LEN_MAX    (16 << 20) /* bytes: a hundred thousand grants */
#define ANSWER_TOKEN_LEN  65         /* with the NUL */

struct answer_gate {
    char name[GATES_NAME_MAX + 1];
    char network[ADDRESS_TEXT_LEN]; /* what is opened for the address that is seen; "": nothing can be */
    uint64_t lifetime_s, most_s;
    enum gate_renew renew;
    bool admin; /* this user may name others there */
};

/* UNSETTLED: any other, as where the firewall has lost what the record says. */
enum answer_state { ANSWER_OPENING, ANSWER_OPEN, ANSWER_CLOSING, ANSWER_WAITING, ANSWER_UNSETTLED };

struct answer_grant {
    char gate[GATES_NAME_MAX + 1];
    char network[ADDRESS_TEXT_LEN];
    char user[GATES_USER_MAX + 1]; /* "": nobody's */
    uint64_t left_s, packets;
    enum answer_state state;
    bool mine;
};

struct answer_count {
    char gate[GATES_NAME_MAX + 1];
    uint64_t shut; /* packets */
};

struct answer {
    struct answer_gate gates[GATES_MAX];
    size_t gate_count;
    struct answer_grant grants[ANSWER_GRANTS_MAX]; /* mine first, and else in the order of the answer */
    size_t grant_count, left_out;
    struct answer_count counts[GATES_MAX];
    size_t count_count;
    char token[ANSWER_TOKEN_LEN];
    bool admin;
};

/*
 * Read len bytes of lines. Returns 0; or -1: a line is none, or one of these has not what it has to have, and nothing
 * in *answer is to be used. Lines that begin with another word are left alone. Any bytes are safe.
 */
int answer_parse(const char *bytes, size_t len, struct answer *answer);

#endif
