/* SPDX-License-Identifier: ISC */
/*
 * Network addresses: from a socket, from text, to text, and to the source that the lockout table counts by.
 * Text is parsed strictly: what is not wholly an address is an error, never a wildcard; no name is looked up.
 */
#ifndef OSTIARY_ADDRESS_H
#define OSTIARY_ADDRESS_H

#include "source.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* "ffff:…:ffff/128" or an IPv4-mapped address in full, with the NUL. */
#define ADDRESS_TEXT_LEN (INET6_ADDRSTRLEN + 4)

/* One host: IPv4 is held as ::ffff:a.b.c.d, so that both spellings are one address. */
struct address {
    uint8_t bytes[SOURCE_ADDRESS_LEN];
};

/* The address of a peer. Returns 0, or -1 if it is neither IPv4 nor IPv6. */
int address_from_socket(const struct sockaddr_storage *peer, struct address *address);

/* "192.0.2.7", "::ffff:192.0.2.7" or "2001:db8::1". Returns 0 or -1. */
int address_parse(const char *text, struct address *address);

/*
 * "ADDR" or "ADDR/PREFIX"; PREFIX counts in the family that is written: 0 to 32 for IPv4, 0 to 128 for IPv6.
 * Returns 0, or -1 for a malformed text and for one with bits set beyond the prefix ("192.0.2.7/24").
 */
int address_parse_network(const char *text, struct source *network);

bool address_is_ipv4(const struct address *address);

/* The source that an address is counted as: an IPv4 host by itself, an IPv6 host with its whole prefix (32 to 128). */
struct source address_source(const struct address *address, uint8_t ipv6_prefix);

bool address_within(const struct address *address, const struct source *network);

/* "192.0.2.7" for IPv4, RFC 5952 text for IPv6. */
void address_format(const struct address *address, char text[static ADDRESS_TEXT_LEN]);

/* As address_format, with "/PREFIX" behind it where the source is more than one host. */
void address_format_source(const struct source *source, char text[static ADDRESS_TEXT_LEN]);

#endif
