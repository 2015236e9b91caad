/* SPDX-License-Identifier: ISC */
/*
 * Network addresses: from a socket, from text, to text, and to the source that the lockout table counts by.
 * Text is parsed strictly: what is not wholly an address is an error, never a wildcard; no name is looked up.
 *
 * A link-local address (fe80::/10) means a host only together with an interface: "fe80::1%eth0". As a struct source it
 * has six bytes that stand for the interface (interface.h) behind the first two, where the address itself has zeros.
 */
#ifndef OSTIARY_ADDRESS_H
#define OSTIARY_ADDRESS_H

#include "interface.h"
#include "source.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* "ffff:…:ffff%interface/128" or an IPv4-mapped address in full, with the NUL. */
#define ADDRESS_TEXT_LEN (INET6_ADDRSTRLEN + INTERFACE_TEXT_LEN + 4)

/* One host: IPv4 is held as ::ffff:a.b.c.d, so that both spellings are one address. */
struct address {
    uint8_t bytes[SOURCE_ADDRESS_LEN];
    char interface[INTERFACE_TEXT_LEN]; /* of a link-local address, where it is known; else "" */
};

enum address_result {
    ADDRESS_OK,
    ADDRESS_MALFORMED,
    ADDRESS_NEEDS_INTERFACE /* a link-local host without one could be anybody's neighbour */
};

/* What to write instead, for people: "fe80::1%eth0". */
#define ADDRESS_EXAMPLE_LINK_LOCAL "fe80::1%eth0"

/* The address of a peer, which is that of this socket. Returns 0, or -1 if it is neither IPv4 nor IPv6. */
int address_from_socket(int fd, const struct sockaddr_storage *peer, struct address *address);

/* "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "fe80::1%eth0". */
enum address_result address_parse(const char *text, struct address *address);

/*
 * "ADDR" or "ADDR/PREFIX"; PREFIX counts in the family that is written: 0 to 32 for IPv4, 0 to 128 for IPv6. Malformed
 * is also one with bits set beyond the prefix ("192.0.2.7/24"). fe80::/10, or /64, is the neighbours on all interfaces,
 * fe80::%eth0/64 those on one.
 */
enum address_result address_parse_network(const char *text, struct source *network);

bool address_is_ipv4(const struct address *address);

/*
 * The source that an address is counted as. One host by itself: IPv4, also behind a translator (64:ff9b::/96), and
 * link-local with its interface. With all of its network: 6to4 (2002::/16), of which one IPv4 host has a /48, and every
 * other IPv6 host, with ipv6_prefix bits, 32 to 128.
 *
 * RFC 4291 has zeros behind the first ten bits of a link-local address, up to the 64th. All addresses of an interface
 * that have not are one source, fe80::%eth0: a neighbour can make up as many as he likes.
 */
struct source address_source(const struct address *address, uint8_t ipv6_prefix);

/* How many bits of an address in this network, of its first one if they differ, make a source. */
uint8_t address_source_prefix(const struct source *network, uint8_t ipv6_prefix);

/*
 * Is it a source by its ipv6_prefix, so that the networks around it belong to whoever has it, or to his provider? Not
 * so an IPv4 host, also one behind a translator or with 6to4, a neighbour on a link, and the host itself (::1).
 */
bool address_is_allocated(const struct source *source);

/* Widen a network to a shorter prefix. */
void address_widen(struct source *network, uint8_t prefix);

bool address_within(const struct address *address, const struct source *network);

/* Is each address of narrow in wide? */
bool address_covers(const struct source *wide, const struct source *narrow);

/* Is it everybody, or as good as that: wider than an IPv4 /8, or a part of the IPv6 internet wider than a /17? */
bool address_is_vast(const struct source *network);

/* "192.0.2.7" for IPv4, RFC 5952 text for IPv6, with the interface of a link-local address behind it. */
void address_format(const struct address *address, char text[static ADDRESS_TEXT_LEN]);

/* What is in this text of an address, and of a source, whose interface is not here now, or has no name that is text. */
#define ADDRESS_ELSEWHERE "%:"

/* The same without the interface. */
void address_format_bare(const struct address *address, char text[static ADDRESS_TEXT_LEN]);

/* As address_format, with "/PREFIX" behind it where the source is more than one host. */
void address_format_source(const struct source *source, char text[static ADDRESS_TEXT_LEN]);

#endif
