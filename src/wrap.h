/* SPDX-License-Identifier: ISC */
/*
 * hosts.allow and hosts.deny, as service ostiaryd, where the program was built with libwrap (meson option libwrap).
 */
#ifndef OSTIARY_WRAP_H
#define OSTIARY_WRAP_H

#include <stdbool.h>

/* May the peer on this connection come in? Always true without libwrap. A file that cannot be read denies. */
bool wrap_allows(int peer_fd);

#endif
