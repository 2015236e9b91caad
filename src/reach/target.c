/* SPDX-License-Identifier: ISC */
/* See target.h. Called by the client, for -a, -p and its operand. */
#include "target.h"

#include "number.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Where the host and the port are in the text. */
struct parts {
    const char *host;
    size_t host_len;
    const char *port; /* NULL: none */
    bool must_be_ipv6;
};

int target_parse_port(const char *text, uint16_t *port)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){1, 65535}, &number) != NUMBER_OK)
        return -1;
    *port = (uint16_t)number;
    return 0;
}

static enum target_fault split_brackets(const char *text, struct parts *parts)
{
    const char *end = strchr(text, ']');

    if (end == NULL || (end[1] != '\0' && end[1] != ':'))
        return TARGET_BAD_BRACKETS;
    *parts = (struct parts){
        .host = text + 1,
        .host_len = (size_t)(end - text) - 1,
        .port = end[1] == ':' ? end + 2 : NULL,
        .must_be_ipv6 = true,
    };
    return TARGET_OK;
}

static enum target_fault split(const char *text, struct parts *parts)
{
    const char *colon = strchr(text, ':');

    if (text[0] == '[')
        return split_brackets(text, parts);
    *parts = (struct parts){.host = text, .host_len = strlen(text)};
    if (colon == NULL)
        return TARGET_OK;
    if (strchr(colon + 1, ':') != NULL) {
        parts->must_be_ipv6 = true;
        return TARGET_OK;
    }
    parts->host_len = (size_t)(colon - text);
    parts->port = colon + 1;
    return TARGET_OK;
}

/* Is there such an interface? That is a question for later, when the network may be up. */
static enum target_fault judge_ipv6(const char *host)
{
    const char *percent = strchr(host, '%');
    const size_t len = percent != NULL ? (size_t)(percent - host) : strlen(host);
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;

    if (len >= sizeof(text))
        return TARGET_BAD_IPV6;
    memcpy(text, host, len);
    if (inet_pton(AF_INET6, text, &address) != 1)
        return TARGET_BAD_IPV6;
    if (!IN6_IS_ADDR_LINKLOCAL(&address))
        return percent == NULL ? TARGET_OK : TARGET_NEEDLESS_INTERFACE;
    return percent != NULL && percent[1] != '\0' ? TARGET_OK : TARGET_NO_INTERFACE;
}

enum target_fault target_parse(const char *text, struct target *target)
{
    struct parts parts;
    struct target made = {.family = AF_UNSPEC};
    struct in_addr ipv4;
    const enum target_fault fault = split(text, &parts);

    if (fault != TARGET_OK)
        return fault;
    if (parts.host_len == 0)
        return TARGET_NO_HOST;
    if (parts.host_len > TARGET_HOST_MAX)
        return TARGET_LONG_HOST;
    memcpy(made.host, parts.host, parts.host_len);
    if (parts.port != NULL) {
        if (target_parse_port(parts.port, &made.port) != 0)
            return TARGET_BAD_PORT;
        made.has_port = true;
    }
    if (parts.must_be_ipv6) {
        const enum target_fault ipv6 = judge_ipv6(made.host);

        if (ipv6 != TARGET_OK)
            return ipv6;
        made.family = AF_INET6;
    } else if (inet_pton(AF_INET, made.host, &ipv4) == 1) {
        made.family = AF_INET;
    }
    *target = made;
    return TARGET_OK;
}

const char *target_fault_text(enum target_fault fault)
{
    switch (fault) {
    case TARGET_OK:
        return "is good";
    case TARGET_NO_HOST:
        return "has no host: write HOST or HOST:PORT";
    case TARGET_LONG_HOST:
        return "is too long for a host name";
    case TARGET_BAD_PORT:
        return "has a port that is not a number from 1 to 65535";
    case TARGET_BAD_BRACKETS:
        return "has a bracket without its fellow: write [IPV6] or [IPV6]:PORT";
    case TARGET_BAD_IPV6:
        return "is no IPv6 address: write HOST:PORT or [IPV6]:PORT";
    case TARGET_NO_INTERFACE:
        return "needs its interface, as in fe80::1%eth0 or [fe80::1%eth0]:5018";
    case TARGET_NEEDLESS_INTERFACE:
        return "has an interface and needs none: leave out what begins with %";
    }
    return "is not understood";
}
