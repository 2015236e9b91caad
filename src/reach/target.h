/* SPDX-License-Identifier: ISC */
/*
 * "ADDR[:PORT]" as people write it: a name, an IPv4 address, [IPv6], or a bare IPv6 address without a port. An IPv6
 * address of the local link (fe80::) has its interface behind a "%".
 * Pure text work: no name is looked up, and a port is a number, never the name of a service.
 */
#ifndef OSTIARY_TARGET_H
#define OSTIARY_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#define TARGET_HOST_MAX 255

struct target {
    char host[TARGET_HOST_MAX + 1]; /* without brackets */
    int family;                     /* AF_INET or AF_INET6 when the host is an address, AF_UNSPEC when it is a name */
    bool has_port;
    uint16_t port;
};

enum target_fault {
    TARGET_OK,
    TARGET_NO_HOST,
    TARGET_LONG_HOST,
    TARGET_BAD_PORT,
    TARGET_BAD_BRACKETS,
    TARGET_BAD_IPV6,
    TARGET_NO_INTERFACE,      /* an address of the local link, which every interface has */
    TARGET_NEEDLESS_INTERFACE /* with an address that needs none */
};

/* Decimal digits, 1 to 65535. Returns 0 or -1. */
int target_parse_port(const char *text, uint16_t *port);

/* Nothing but *target is written, and that only on TARGET_OK. */
enum target_fault target_parse(const char *text, struct target *target);

/* What is wrong and what to write instead, for "'ADDR': TEXT". */
const char *target_fault_text(enum target_fault fault);

#endif
