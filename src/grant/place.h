/* SPDX-License-Identifier: ISC */
/*
 * In which set of the table "inet ostiary_grants" an open network is: GATE_4_32, GATE_6_64, ... (nft.h). Whatever
 * leaves here as text has been made here of checked parts, so that nothing but what it says gets into a script.
 */
#ifndef OSTIARY_PLACE_H
#define OSTIARY_PLACE_H

#include "gates.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PLACE_NAME_LEN (GATES_NAME_MAX + sizeof("_6_128")) /* with the NUL */

/* A set. */
struct place {
    char gate[GATES_NAME_MAX + 1];
    bool ipv6;
    uint8_t prefix; /* of the family: 0 to 32, or to 128 */
};

/*
 * Where a network belongs. Its address is text for nft. False: the name is no gate's; or no set can hold the network,
 * since it has bits set behind its prefix, or is link-local with an interface.
 */
bool place_find(const char *gate, const struct source *network, struct place *place,
                char address[static INET6_ADDRSTRLEN]);

/* The name of a set, and back: false where it is none of ours. */
void place_name(const struct place *place, char name[static PLACE_NAME_LEN]);
bool place_parse(const char *name, struct place *place);

/* The network of this address in such a set; false where it is none. */
bool place_network(const struct place *place, const char *address, struct source *network);

/* "255.255.255.0", "ffff:ffff::": what an address keeps of itself. */
void place_mask(const struct place *place, char mask[static INET6_ADDRSTRLEN]);

#endif
