/* SPDX-License-Identifier: ISC */
/*
 * What the web server says of who asks. The environment is read once, what is wanted of it is copied, and all of it is
 * wiped: some servers put the password there.
 *
 * Three variables are the server's own word: who has been authenticated (REMOTE_USER), from which address
 * (REMOTE_ADDR), and whether by TLS (HTTPS). What begins with HTTP_ is the browser's word, or anybody's; three such are
 * kept, and can only have a form refused. X-Forwarded-For is not read at all.
 */
#ifndef OSTIARY_VISITOR_H
#define OSTIARY_VISITOR_H

#include "address.h"
#include "gates.h"
#include "refusal.h"

#include <stdbool.h>

/* What is kept of the environment, copies all: NULL where it is missing. */
struct visitor_variables {
    const char *request_method;
    char *query_string; /* is taken apart in place */
    const char *content_type;
    const char *content_length;
    const char *remote_user;
    const char *remote_addr;
    const char *https;
    const char *sec_fetch_site;
    const char *origin;
    const char *host;
    bool is_double; /* one of the server's own is there twice, and differs: which of them is meant? */
};

struct visitor {
    struct visitor_variables variables;
    char user[GATES_USER_MAX + 1]; /* "" until it is known to be a name */
    char seen[ADDRESS_TEXT_LEN];   /* the address, normalized; "" until it is known to be one */
    bool is_here;                  /* a loopback address */
    bool by_tls;
};

/* Copy what is wanted, and wipe the whole environment. Returns 0, or -1 without memory. */
int visitor_read_environment(struct visitor_variables *variables);

/* Who asks, and may he be answered at all? variables is set. */
enum refusal visitor_check(struct visitor *visitor);

/* Does the browser say that the form is of this site's page? Other sites' forms come with the visitor's password too.
 */
bool visitor_is_on_our_page(const struct visitor *visitor);

/* Was the page asked for by a link or a form of another site? What it says was done need not be true then. */
bool visitor_comes_from_elsewhere(const struct visitor *visitor);

#endif
