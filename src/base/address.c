/* SPDX-License-Identifier: ISC */
/* See address.h. */
#include "address.h"

#include "number.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define IPV4_PREFIX_BITS 96 /* of ::ffff:0:0/96, in front of an IPv4 address */
#define ADDRESS_BITS     128
#define LINK_LOCAL_BITS  10 /* of fe80::/10 */
#define LINK_BITS        64 /* what all hosts of one link have in common */
#define INTERFACE_AT     2  /* where a link-local source has its interface */
#define SIX_TO_FOUR_BITS 48 /* 2002::/16 and an IPv4 address */
#define VAST_IPV4_BITS   8
#define VAST_IPV6_BITS   17

static const uint8_t ipv4_mapped[IPV4_PREFIX_BITS / 8] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nat64[IPV4_PREFIX_BITS / 8] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t six_to_four[2] = {0x20, 0x02};

static bool is_link_local(const uint8_t bytes[static SOURCE_ADDRESS_LEN])
{
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

/* Zero every bit behind the first prefix ones. */
static void cut(uint8_t bytes[static SOURCE_ADDRESS_LEN], uint8_t prefix)
{
    for (unsigned bit = prefix; bit < ADDRESS_BITS; bit++)
        bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

static bool ends_in_zeros(const uint8_t bytes[static SOURCE_ADDRESS_LEN], uint8_t prefix)
{
    uint8_t cleared[SOURCE_ADDRESS_LEN];

    memcpy(cleared, bytes, sizeof(cleared));
    cut(cleared, prefix);
    return memcmp(cleared, bytes, sizeof(cleared)) == 0;
}

/* Has a link-local address zeros where RFC 4291 has them, between its first bits and the host's own? */
static bool is_regular(const uint8_t bytes[static SOURCE_ADDRESS_LEN])
{
    uint8_t front[SOURCE_ADDRESS_LEN];

    memcpy(front, bytes, sizeof(front));
    cut(front, LINK_BITS);
    return ends_in_zeros(front, LINK_LOCAL_BITS);
}

/* The address as the table has it. */
static void place(const struct address *address, uint8_t bytes[static SOURCE_ADDRESS_LEN])
{
    memcpy(bytes, address->bytes, SOURCE_ADDRESS_LEN);
    if (!is_link_local(bytes))
        return;
    if (!is_regular(bytes))
        cut(bytes, LINK_LOCAL_BITS);
    memset(bytes + INTERFACE_AT, 0, INTERFACE_ID_LEN);
    if (address->interface[0] != '\0')
        interface_id(address->interface, bytes + INTERFACE_AT);
}

static struct address from_ipv4(const struct in_addr *ipv4)
{
    struct address address = {0};

    memcpy(address.bytes, ipv4_mapped, sizeof(ipv4_mapped));
    memcpy(address.bytes + sizeof(ipv4_mapped), &ipv4->s_addr, 4);
    return address;
}

int address_from_socket(int fd, const struct sockaddr_storage *peer, struct address *address)
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
        *address = (struct address){0};
        memcpy(address->bytes, ipv6.sin6_addr.s6_addr, sizeof(address->bytes));
        if (is_link_local(address->bytes))
            interface_of_socket(fd, ipv6.sin6_scope_id, address->interface);
        return 0;
    }
    return -1;
}

/* Without an interface. */
static enum address_result parse_bare(const char *text, struct address *address)
{
    struct in_addr ipv4;

    *address = (struct address){0};
    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        *address = from_ipv4(&ipv4);
        return ADDRESS_OK;
    }
    return inet_pton(AF_INET6, text, address->bytes) == 1 ? ADDRESS_OK : ADDRESS_MALFORMED;
}

/* The first len bytes of a text, without what follows. False: they are too many for any address. */
static bool copy_front(const char *text, size_t len, char front[static ADDRESS_TEXT_LEN])
{
    if (len >= ADDRESS_TEXT_LEN)
        return false;
    memcpy(front, text, len);
    front[len] = '\0';
    return true;
}

/* With an interface or without one, whether it needs one or not. */
static enum address_result parse_any(const char *text, struct address *address)
{
    char host[ADDRESS_TEXT_LEN];
    const char *percent = strchr(text, '%');

    if (percent == NULL)
        return parse_bare(text, address);
    if (!interface_is_text(percent + 1) || !copy_front(text, (size_t)(percent - text), host) ||
        parse_bare(host, address) != ADDRESS_OK || !is_link_local(address->bytes))
        return ADDRESS_MALFORMED;
    memcpy(address->interface, percent + 1, strlen(percent + 1) + 1);
    return ADDRESS_OK;
}

enum address_result address_parse(const char *text, struct address *address)
{
    const enum address_result result = parse_any(text, address);

    if (result == ADDRESS_OK && is_link_local(address->bytes) && address->interface[0] == '\0')
        return ADDRESS_NEEDS_INTERFACE;
    return result;
}

/* The neighbours on all interfaces or on one, or a part of those on one. */
static enum address_result take_link_local(const struct address *address, uint8_t prefix, struct source *network)
{
    const bool any_interface = address->interface[0] == '\0';

    if (any_interface && prefix > LINK_BITS)
        return ADDRESS_NEEDS_INTERFACE;
    if ((!any_interface && prefix < LINK_LOCAL_BITS) || (prefix < ADDRESS_BITS && !is_regular(address->bytes)))
        return ADDRESS_MALFORMED;
    *network = (struct source){.prefix = prefix};
    if (prefix >= LINK_LOCAL_BITS && prefix <= LINK_BITS)
        network->prefix = any_interface ? LINK_LOCAL_BITS : LINK_BITS;
    place(address, network->address);
    return ADDRESS_OK;
}

/* How many bits "/PREFIX" leaves of the address; no text: all. */
static bool parse_prefix(const char *text, bool dotted, uint8_t *bits)
{
    const struct number_range range = {0, dotted ? ADDRESS_BITS - IPV4_PREFIX_BITS : ADDRESS_BITS};
    uint64_t prefix;

    *bits = ADDRESS_BITS;
    if (text == NULL)
        return true;
    if (number_parse(text + 1, range, &prefix) != NUMBER_OK)
        return false;
    *bits = (uint8_t)(dotted ? prefix + IPV4_PREFIX_BITS : prefix);
    return true;
}

enum address_result address_parse_network(const char *text, struct source *network)
{
    char host[ADDRESS_TEXT_LEN];
    const char *slash = strchr(text, '/');
    struct address address;
    uint8_t prefix;

    if (!copy_front(text, slash != NULL ? (size_t)(slash - text) : strlen(text), host) ||
        parse_any(host, &address) != ADDRESS_OK || !parse_prefix(slash, strchr(host, ':') == NULL, &prefix) ||
        !ends_in_zeros(address.bytes, prefix))
        return ADDRESS_MALFORMED;
    if (is_link_local(address.bytes))
        return take_link_local(&address, prefix, network);
    *network = (struct source){.prefix = prefix};
    memcpy(network->address, address.bytes, sizeof(network->address));
    return ADDRESS_OK;
}

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->bytes, ipv4_mapped, sizeof(ipv4_mapped)) == 0;
}

uint8_t address_source_prefix(const struct source *network, uint8_t ipv6_prefix)
{
    const uint8_t *bytes = network->address;

    if (memcmp(bytes, ipv4_mapped, sizeof(ipv4_mapped)) == 0 || memcmp(bytes, nat64, sizeof(nat64)) == 0 ||
        is_link_local(bytes))
        return ADDRESS_BITS;
    return memcmp(bytes, six_to_four, sizeof(six_to_four)) == 0 ? SIX_TO_FOUR_BITS : ipv6_prefix;
}

/* Within ::/8 are ::1, IPv4 and NAT64. */
bool address_is_allocated(const struct source *source)
{
    const uint8_t *bytes = source->address;

    return bytes[0] != 0 && !is_link_local(bytes) && memcmp(bytes, six_to_four, sizeof(six_to_four)) != 0;
}

void address_widen(struct source *network, uint8_t prefix)
{
    network->prefix = prefix;
    cut(network->address, prefix);
}

struct source address_source(const struct address *address, uint8_t ipv6_prefix)
{
    struct source source = {0};

    place(address, source.address);
    address_widen(&source, address_source_prefix(&source, ipv6_prefix));
    return source;
}

bool address_covers(const struct source *wide, const struct source *narrow)
{
    uint8_t cleared[SOURCE_ADDRESS_LEN];

    memcpy(cleared, narrow->address, sizeof(cleared));
    cut(cleared, wide->prefix);
    return wide->prefix <= narrow->prefix && memcmp(cleared, wide->address, sizeof(cleared)) == 0;
}

bool address_within(const struct address *address, const struct source *network)
{
    struct source host = {.prefix = ADDRESS_BITS};

    place(address, host.address);
    return address_covers(network, &host);
}

bool address_is_vast(const struct source *network)
{
    const struct {
        struct source world;
        uint8_t prefix; /* a part of it with fewer bits than these is vast */
    } worlds[] = {
        {{.address = {[10] = 0xff, [11] = 0xff}, .prefix = IPV4_PREFIX_BITS}, IPV4_PREFIX_BITS + VAST_IPV4_BITS},
        {{.address = {0x00, 0x64, 0xff, 0x9b}, .prefix = IPV4_PREFIX_BITS}, IPV4_PREFIX_BITS + VAST_IPV4_BITS},
        {{.address = {0x20}, .prefix = 3}, VAST_IPV6_BITS},
    };

    for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
        if (address_covers(network, &worlds[i].world) ||
            (address_covers(&worlds[i].world, network) && network->prefix < worlds[i].prefix))
            return true;
    }
    return false;
}

void address_format_bare(const struct address *address, char text[static ADDRESS_TEXT_LEN])
{
    /* Neither can fail: the buffer is large enough for both families. */
    if (address_is_ipv4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(ipv4_mapped), text, ADDRESS_TEXT_LEN);
    else
        inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_LEN);
}

void address_format(const struct address *address, char text[static ADDRESS_TEXT_LEN])
{
    address_format_bare(address, text);
    if (address->interface[0] == '\0')
        return;

    const size_t used = strlen(text);
    snprintf(text + used, ADDRESS_TEXT_LEN - used, "%%%s", address->interface);
}

void address_format_source(const struct source *source, char text[static ADDRESS_TEXT_LEN])
{
    struct address address = {0};
    unsigned prefix = source->prefix;

    memcpy(address.bytes, source->address, sizeof(address.bytes));
    if (is_link_local(address.bytes) && prefix >= LINK_BITS) {
        interface_find(address.bytes + INTERFACE_AT, address.interface);
        memset(address.bytes + INTERFACE_AT, 0, INTERFACE_ID_LEN);
    }
    address_format(&address, text);
    if (prefix == ADDRESS_BITS)
        return;
    if (address_is_ipv4(&address) && prefix >= IPV4_PREFIX_BITS)
        prefix -= IPV4_PREFIX_BITS;

    const size_t used = strlen(text);
    snprintf(text + used, ADDRESS_TEXT_LEN - used, "/%u", prefix);
}
