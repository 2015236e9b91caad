/* SPDX-License-Identifier: ISC */
/*
 * Why an address cannot be reached, in words: what connect(2) said, and what an IPv6 address of the local link lacks.
 * Such an address (fe80::) is the same on every interface, so it means nothing without one: fe80::1%eth0.
 */
#ifndef OSTIARY_REACH_H
#define OSTIARY_REACH_H

#include "connect.h"

#define REACH_TEXT_LEN 512

enum reach_fault {
    REACH_OK,           /* as far as can be seen without connecting */
    REACH_NO_INTERFACE, /* an address of the local link without an interface */
    REACH_UNKNOWN       /* ... with one that this machine does not have */
};

enum reach_fault reach_check(const struct connect_address *address);

/* What is missing and what can be written, for "ADDR: TEXT". */
void reach_fault_text(enum reach_fault fault, char text[static REACH_TEXT_LEN]);

/* The names of the interfaces that fe80:: addresses can be reached through, or that there is none. */
void reach_interfaces(char text[static REACH_TEXT_LEN]);

/* What an error of connecting means, and what to look at, for "ADDR: TEXT". */
void reach_error_text(int error, char text[static REACH_TEXT_LEN]);

#endif
