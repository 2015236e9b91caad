/* SPDX-License-Identifier: ISC */
/*
 * hosts.allow and hosts.deny, as service ostiaryd, where the program was built with libwrap (meson option libwrap).
 */
#ifndef OSTIARY_WRAP_H
#define OSTIARY_WRAP_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * May the peer at this address come in? Always true without libwrap. It is never given the connection, so that its
 * options "twist" and "banners" have nowhere to write to.
 */
bool wrap_allows(const struct sockaddr_storage *peer);

#endif
