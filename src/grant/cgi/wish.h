/* SPDX-License-Identifier: ISC */
/*
 * What a form asks for, and the line by which ostgrant is asked for it. Whether it may be is ostgrant's to say; here is
 * seen to it that nothing but a name, an address and a number gets into the line.
 */
#ifndef OSTIARY_WISH_H
#define OSTIARY_WISH_H

#include "form.h"
#include "refusal.h"
#include "request.h"
#include "visitor.h"

#include <stdbool.h>
#include <stdint.h>

#define WISH_TOKEN_MAX 64

/* The names of the form's fields, and the values of those that are not typed. */
#define WISH_FIELD_DEED    "do"
#define WISH_FIELD_GATE    "gate"
#define WISH_FIELD_TOKEN   "token"
#define WISH_FIELD_HOURS   "hours"
#define WISH_FIELD_OTHERS  "others"
#define WISH_FIELD_ADDRESS "address"
#define WISH_FIELD_USER    "user"
#define WISH_OTHERS_CLOSE  "close"

enum wish_deed { WISH_OPEN, WISH_RENEW, WISH_CLOSE, WISH_OTHERS };
const char *wish_deed_word(enum wish_deed deed); /* "open", "renew", "close", "others" */
bool wish_deed_of(const char *word, enum wish_deed *deed);

struct wish {
    enum wish_deed deed;
    char gate[GATES_NAME_MAX + 1];
    char address[ADDRESS_TEXT_LEN]; /* of somebody else, or a network; "": the one that is seen */
    char user[GATES_USER_MAX + 1];  /* to whom it belongs; "": who asks */
    uint64_t lifetime_s;            /* 0: the gate's */
    bool closes_others;
    char token[WISH_TOKEN_MAX + 1];
};

/* What the form asks for. */
enum refusal wish_take(const struct form *form, struct wish *wish);

/* The request for it. Returns 0, or -1: it has no room, which cannot be for a wish that was taken from a form. */
int wish_line(const struct wish *wish, const struct visitor *visitor, char line[static REQUEST_LINE_MAX + 1]);

#endif
