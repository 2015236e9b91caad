/* SPDX-License-Identifier: ISC */
/*
 * Who knocks, as the table knows it: an address in the IPv6 form (IPv4 as ::ffff:a.b.c.d) of which
 * the first prefix bits count and all others are zero. An IPv4 host has prefix 128.
 */
#ifndef OSTIARY_SOURCE_H
#define OSTIARY_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_ADDRESS_LEN 16

struct source {
    uint8_t address[SOURCE_ADDRESS_LEN];
    uint8_t prefix; /* 0 to 128 */
    bool
        is_network; /* not who knocks, but a network that sources are in, for which their strikes are counted as well */
};

#endif
