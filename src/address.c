/* SPDX-License-Identifier: ISC */
/* See address.h. */
#include "address.h"

#include "number.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define IPV4_PREFIX_BITS 96 /* of ::ffff:0:0/96, in front of an IPv4 address */
#define ADDRESS_BITS     128

static const uint8_t ipv4_mapped[IPV4_PREFIX_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static struct address from_ipv4(const struct in_addr *ipv4)
{
    struct address address;

    memcpy(address.bytes, ipv4_mapped, sizeof(ipv4_mapped));
    memcpy(address.bytes + sizeof(ipv4_mapped), &ipv4->s_addr, 4);
    return address;
}

int address_from_socket(const struct sockaddr_storage *peer, struct address *address)
{
    if (peer->ss_family == AF_INET) {
        struct sockaddr_in ipv4;

        memcpy(&ipv4, peer, sizeof(ipv4));
        *address = from_ipv4(&ipv4.sin_addr);
        return 0;
    }
    if (peer->ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;

        memcpy(&ipv6, peer, sizeof(ipv6));
        memcpy(address->bytes, ipv6.sin6_addr.s6_addr, sizeof(address->bytes));
        return 0;
    }
    return -1;
}

int address_parse(const char *text, struct address *address)
{
    struct in_addr ipv4;

    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        *address = from_ipv4(&ipv4);
        return 0;
    }
    return inet_pton(AF_INET6, text, address->bytes) == 1 ? 0 : -1;
}

/* Zero every bit behind the first prefix ones. */
static void cut(uint8_t bytes[static SOURCE_ADDRESS_LEN], uint8_t prefix)
{
    for (unsigned bit = prefix; bit < ADDRESS_BITS; bit++)
        bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

int address_parse_network(const char *text, struct source *network)
{
    char host[ADDRESS_TEXT_LEN];
    const char *slash = strchr(text, '/');
    const size_t host_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct address address;
    uint64_t prefix = ADDRESS_BITS;

    if (host_len >= sizeof(host))
        return -1;
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    if (address_parse(host, &address) != 0)
        return -1;
    if (slash != NULL) {
        const bool dotted = strchr(host, ':') == NULL;
        const struct number_range range = {0, dotted ? ADDRESS_BITS - IPV4_PREFIX_BITS : ADDRESS_BITS};

        if (number_parse(slash + 1, range, &prefix) != NUMBER_OK)
            return -1;
        if (dotted)
            prefix += IPV4_PREFIX_BITS;
    }

    struct source cleared = {.prefix = (uint8_t)prefix};
    memcpy(cleared.address, address.bytes, sizeof(cleared.address));
    cut(cleared.address, cleared.prefix);
    if (memcmp(cleared.address, address.bytes, sizeof(cleared.address)) != 0)
        return -1;
    *network = cleared;
    return 0;
}

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->bytes, ipv4_mapped, sizeof(ipv4_mapped)) == 0;
}

struct source address_source(const struct address *address, uint8_t ipv6_prefix)
{
    struct source source = {.prefix = address_is_ipv4(address) ? ADDRESS_BITS : ipv6_prefix};

    memcpy(source.address, address->bytes, sizeof(source.address));
    cut(source.address, source.prefix);
    return source;
}

bool address_within(const struct address *address, const struct source *network)
{
    struct address cleared = *address;

    cut(cleared.bytes, network->prefix);
    return memcmp(cleared.bytes, network->address, sizeof(cleared.bytes)) == 0;
}

void address_format(const struct address *address, char text[static ADDRESS_TEXT_LEN])
{
    /* Neither can fail: the buffer is large enough for both families. */
    if (address_is_ipv4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(ipv4_mapped), text, ADDRESS_TEXT_LEN);
    else
        inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_LEN);
}

void address_format_source(const struct source *source, char text[static ADDRESS_TEXT_LEN])
{
    struct address address;
    unsigned prefix = source->prefix;

    memcpy(address.bytes, source->address, sizeof(address.bytes));
    address_format(&address, text);
    if (prefix == ADDRESS_BITS)
        return;
    if (address_is_ipv4(&address) && prefix >= IPV4_PREFIX_BITS)
        prefix -= IPV4_PREFIX_BITS;

    const size_t used = strlen(text);
    snprintf(text + used, ADDRESS_TEXT_LEN - used, "/%u", prefix);
}
