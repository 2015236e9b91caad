/* SPDX-License-Identifier: ISC */
/* See target.h. Called by the client, for -a, -p and its operand. */
#include "target.h"

#include "number.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

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

/* getaddrinfo(3) rather than inet_pton(3), for it knows scopes too: fe80::1%eth0. */
static bool is_ipv6(const char *host)
{
    const struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
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
        if (!is_ipv6(made.host))
            return TARGET_BAD_IPV6;
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
    }
    return "is not understood";
}
