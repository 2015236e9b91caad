/* SPDX-License-Identifier: ISC */
/*
 * What a rule of nftables would do with a packet of which only some is known: a new connection from outside to the
 * ports of a gate. Rules are JSON as nft lists them. Used by foreign.c alone.
 */
#ifndef OSTIARY_PACKET_H
#define OSTIARY_PACKET_H

#include "gates.h"

#include <jansson.h>
#include <stdbool.h>

struct packet {
    bool ipv6;
    const struct gate_ports *ports; /* NULL: any packet, of any protocol */
    const char *interface;          /* where it comes in; NULL: anywhere outside */
};

/* For how many of such packets something is true. In this order, so that of two conditions the smaller number holds. */
enum packet_share {
    PACKET_NONE,
    PACKET_FEW,  /* it depends on what few of them have: a set of addresses, a mark, a rate */
    PACKET_SOME, /* it depends on where they come from or go to */
    PACKET_ALL
};

struct packet_match {
    enum packet_share share;
    bool names_port; /* it asks for the port */
    bool is_limited; /* there is a rate in it, within which it is true */
};

/* Does this statement let a rule go on to its next? One that is no condition does for all. */
void packet_narrow(const struct packet *packet, const json_t *statement, struct packet_match *match);

/* The same for one key of a verdict map: does what stands left of it have this value? */
struct packet_match packet_compare(const struct packet *packet, const json_t *left, const json_t *value);

#endif
