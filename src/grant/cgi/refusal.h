/* SPDX-License-Identifier: ISC */
/*
 * All for which the form is not done as it was asked: what the browser gets, what the log says, and what a person
 * reads. What ostgrant itself has refused it has logged itself.
 */
#ifndef OSTIARY_REFUSAL_H
#define OSTIARY_REFUSAL_H

#include <stdbool.h>

enum refusal {
    REFUSAL_NONE,
    /* The web server is not set up as it has to be. */
    REFUSAL_TWICE,
    REFUSAL_NO_USER,
    REFUSAL_NOBODY,
    REFUSAL_USER,
    REFUSAL_SEEN,
    REFUSAL_HTTPS,
    REFUSAL_HERE,
    /* What no page of ours sends. */
    REFUSAL_METHOD,
    REFUSAL_QUERY,
    REFUSAL_SITE,
    REFUSAL_TYPE,
    REFUSAL_NO_BODY,
    REFUSAL_LENGTH,
    REFUSAL_SIZE,
    REFUSAL_SHORT,
    REFUSAL_FORM,
    /* What was typed. */
    REFUSAL_ADDRESS,
    REFUSAL_WHOM,
    REFUSAL_HOURS,
    /* What ostgrant answered: those of enum request_reason, in the same order. */
    REFUSAL_MALFORMED,
    REFUSAL_NOT_PERMITTED,
    REFUSAL_NO_GATE,
    REFUSAL_BAD_ADDRESS,
    REFUSAL_LIFETIME,
    REFUSAL_NOT_OPEN,
    REFUSAL_TOKEN,
    REFUSAL_FULL,
    REFUSAL_BUSY,
    REFUSAL_CONFIG,
    REFUSAL_FAILED,
    /* It did not answer, or not in its protocol; there was no memory. */
    REFUSAL_UNREACHABLE,
    REFUSAL_ANSWER,
    REFUSAL_MEMORY
};

struct refusal_text {
    unsigned status;    /* of HTTP */
    const char *reason; /* a word for the log; NULL: ostgrant has logged it */
    const char *cause;  /* what it was, and what to do about it, for the log */
    const char *said;   /* the same for who looks at the page */
    bool with_page;     /* who asked is known and has our page: it is shown again, with this at its head */
};

const struct refusal_text *refusal_text(enum refusal refusal);

#endif
