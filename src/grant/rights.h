/* SPDX-License-Identifier: ISC */
/*
 * Who may open what, of those who ask over a socket. Who asks is told by the kernel: the user of the sealed door's
 * handler, or that of the web server. What the web server says about its own users is believed, for nobody else could
 * know; so whatever runs as its user is, to us, every user of the form, and a gate says how far that goes (web=,
 * web-admin=).
 */
#ifndef OSTIARY_RIGHTS_H
#define OSTIARY_RIGHTS_H

#include "gates.h"

#include <stdbool.h>
#include <sys/types.h>

enum rights_asker {
    RIGHTS_NOBODY, /* neither of the others: nothing at all */
    RIGHTS_SEALED, /* the handler of the sealed door */
    RIGHTS_WEB,    /* the web server */
    RIGHTS_ROOT
};

/* Who is this user? Asks the user database for the two names. */
enum rights_asker rights_asker_of(const struct gates *gates, uid_t uid);

/* May this user of the form open that gate for himself (USER=)? */
bool rights_may_open(const struct gates *gates, const struct gate *gate, const char *user);

/* May he there name other addresses, networks and users (ADMIN=)? */
bool rights_may_all(const struct gates *gates, const struct gate *gate, const char *user);

#endif
