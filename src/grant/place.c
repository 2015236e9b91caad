/* SPDX-License-Identifier: ISC */
/* See place.h. */
#include "place.h"

#include "address.h"
#include "number.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_BITS     96 /* in front of an IPv4 address */
#define ADDRESS_BITS    128
#define LINK_LOCAL_BITS 10 /* of fe80::/10; an interface stands behind it (address.h) */

static bool is_of_ipv4(const struct source *network)
{
    struct address address = {0};

    memcpy(address.bytes, network->address, sizeof(address.bytes));
    return network->prefix >= MAPPED_BITS && address_is_ipv4(&address);
}

static bool has_interface(const struct source *network)
{
    return network->prefix > LINK_LOCAL_BITS && network->address[0] == 0xfe && (network->address[1] & 0xc0) == 0x80;
}

static bool ends_in_zeros(const struct source *network)
{
    struct source cut = *network;

    address_widen(&cut, cut.prefix);
    return memcmp(cut.address, network->address, sizeof(cut.address)) == 0;
}

bool place_find(const char *gate, const struct source *network, struct place *place,
                char address[static INET6_ADDRSTRLEN])
{
    struct address bare = {0};

    if (!gates_is_name(gate) || strlen(gate) > GATES_NAME_MAX || network->prefix > ADDRESS_BITS ||
        has_interface(network) || !ends_in_zeros(network))
        return false;
    memset(place, 0, sizeof(*place));
    memcpy(place->gate, gate, strlen(gate));
    place->ipv6 = !is_of_ipv4(network);
    place->prefix = (uint8_t)(network->prefix - (place->ipv6 ? 0 : MAPPED_BITS));
    memcpy(bare.bytes, network->address, sizeof(bare.bytes));
    if (place->ipv6)
        inet_ntop(AF_INET6, bare.bytes, address, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET, bare.bytes + MAPPED_BITS / 8, address, INET6_ADDRSTRLEN);
    return true;
}

void place_name(const struct place *place, char name[static PLACE_NAME_LEN])
{
    snprintf(name, PLACE_NAME_LEN, "%.*s_%c_%u", GATES_NAME_MAX, place->gate, place->ipv6 ? '6' : '4',
             (unsigned)place->prefix);
}

/* The name from behind: the prefix, the family, and what is left is the gate's. */
bool place_parse(const char *name, struct place *place)
{
    const char *prefix = strrchr(name, '_');
    const size_t gate_len = prefix != NULL && prefix - name > 2 ? (size_t)(prefix - name) - 2 : 0;
    char again[PLACE_NAME_LEN];
    uint64_t bits;

    memset(place, 0, sizeof(*place));
    if (gate_len == 0 || gate_len > GATES_NAME_MAX)
        return false;
    place->ipv6 = prefix[-1] == '6';
    if (number_parse(prefix + 1, (struct number_range){0, place->ipv6 ? ADDRESS_BITS : ADDRESS_BITS - MAPPED_BITS},
                     &bits) != NUMBER_OK)
        return false;
    place->prefix = (uint8_t)bits;
    memcpy(place->gate, name, gate_len);
    place_name(place, again);
    return gates_is_name(place->gate) && strcmp(again, name) == 0;
}

bool place_network(const struct place *place, const char *address, struct source *network)
{
    struct source read = {.prefix = place->prefix};
    struct place back;
    char text[INET6_ADDRSTRLEN];

    if (place->ipv6) {
        if (inet_pton(AF_INET6, address, read.address) != 1)
            return false;
    } else {
        read.prefix = (uint8_t)(read.prefix + MAPPED_BITS);
        memset(read.address + 10, 0xff, 2);
        if (inet_pton(AF_INET, address, read.address + MAPPED_BITS / 8) != 1)
            return false;
    }
    /* ::ffff:192.0.2.7 in a set for IPv6 is the address of no packet. */
    if (!place_find(place->gate, &read, &back, text) || back.ipv6 != place->ipv6)
        return false;
    *network = read;
    return true;
}

void place_mask(const struct place *place, char mask[static INET6_ADDRSTRLEN])
{
    struct source ones = {.prefix = ADDRESS_BITS};

    memset(ones.address, 0xff, sizeof(ones.address));
    address_widen(&ones, place->prefix);
    inet_ntop(place->ipv6 ? AF_INET6 : AF_INET, ones.address, mask, INET6_ADDRSTRLEN);
}
