/* SPDX-License-Identifier: ISC */
/* Addresses and networks as address.c, a subject of its own, may read them: any. */
#ifndef OSTIARY_PROOF_ANY_ADDRESS_H
#define OSTIARY_PROOF_ANY_ADDRESS_H

#include "address.h"
#include "any.h"

#include <string.h>

static enum address_result any_result(void)
{
    return (enum address_result)Frama_C_interval(ADDRESS_OK, ADDRESS_NEEDS_INTERFACE);
}

enum address_result address_parse(const char *text, struct address *address)
{
    //@ assert text_is_a_string: valid_read_string(text);
    any_bytes(address->bytes, sizeof(address->bytes));
    any_bytes(address->interface, sizeof(address->interface) - 1);
    address->interface[sizeof(address->interface) - 1] = '\0';
    return any_result();
}

enum address_result address_parse_network(const char *text, struct source *network)
{
    const enum address_result result = any_result();

    //@ assert text_is_a_string: valid_read_string(text);
    if (result != ADDRESS_OK)
        return result;
    any_bytes(network->address, sizeof(network->address));
    network->prefix = (uint8_t)any_size(0, 128);
    network->is_network = false;
    return ADDRESS_OK;
}

bool address_is_vast(const struct source *network)
{
    //@ assert network_is_set: \initialized(&network->prefix);
    return any_bool();
}

bool address_within(const struct address *address, const struct source *network)
{
    //@ assert address_is_set: \initialized(address->bytes + (0 .. SOURCE_ADDRESS_LEN - 1));
    //@ assert network_is_set: \initialized(&network->prefix);
    return any_bool();
}

#endif
