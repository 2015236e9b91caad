/* SPDX-License-Identifier: ISC */
/* What the tests of the firewall share: gates and networks as a configuration would have them. */
#ifndef OSTIARY_FIREWALL_H
#define OSTIARY_FIREWALL_H

#include "address.h"
#include "nft.h"

#include <stdio.h>
#include <stdlib.h>

/* A network by its text, which has to be one. */
static inline struct source firewall_network(const char *text)
{
    struct source network = {0};

    if (address_parse_network(text, &network) != ADDRESS_OK) {
        printf("Bail out! '%s' is no network\n", text);
        exit(99);
    }
    return network;
}

/* A gate with the defaults, for one TCP port. */
static inline struct gate firewall_gate(const char *name, uint16_t port)
{
    return (struct gate){
        .name = name,
        .ports = {{GATE_TCP, port, port}},
        .port_count = 1,
        .size = 65536,
        .lifetime_s = 90000,
        .most_s = 180000,
        .ipv6_prefix = 64,
    };
}

static inline struct nft_element firewall_element(const char *gate, const char *network, uint64_t left_ms)
{
    struct nft_element element = {.network = firewall_network(network), .left_ms = left_ms};

    snprintf(element.gate, sizeof(element.gate), "%s", gate);
    return element;
}

#endif
