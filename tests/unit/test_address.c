/* SPDX-License-Identifier: ISC */
/* address.h: strict text in, canonical text out, and which source an address is counted as. */
#include "address.h"

#include "check.h"

#include <arpa/inet.h>

static struct address parsed(const char *text)
{
    struct address address = {0};

    check(address_parse(text, &address) == 0, "'%s' is an address", text);
    return address;
}

static void test_text(void)
{
    static const struct {
        const char *in, *out;
    } good[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::FFFF:c000:207", "192.0.2.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    static const char *const bad[] = {"",           "192.0.2",       "192.0.2.256",    "192.0.2.7.1", "0xc0.0.2.7",
                                      "192.0.2.7 ", " 192.0.2.7",    "192.0.2.7/32",   "localhost",   "*",
                                      "2001:db8",   "2001:db8::1::", "[::1]",          "fe80::1%lo",  "::1\n",
                                      "1",          "3221225991",    "192.000.002.007"};
    char text[ADDRESS_TEXT_LEN];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct address address = parsed(good[i].in);

        address_format(&address, text);
        check_text(text, good[i].out, "it is printed in its one canonical form");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address address;

        check(address_parse(bad[i], &address) != 0, "no address: '%.*s'", (int)strcspn(bad[i], "\n"), bad[i]);
    }
}

static void test_socket(void)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct address address;
    char text[ADDRESS_TEXT_LEN];

    inet_pton(AF_INET, "192.0.2.7", &ipv4.sin_addr);
    memcpy(&peer, &ipv4, sizeof(ipv4));
    check(address_from_socket(&peer, &address) == 0, "an IPv4 peer is known");
    address_format(&address, text);
    check_text(text, "192.0.2.7", "an IPv4 peer has its address");

    inet_pton(AF_INET6, "::ffff:192.0.2.7", &ipv6.sin6_addr);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(&peer, &address) == 0 && address_is_ipv4(&address), "an IPv4-mapped peer is IPv4");
    address_format(&address, text);
    check_text(text, "192.0.2.7", "an IPv4-mapped peer has its IPv4 address");

    inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(&peer, &address) == 0 && !address_is_ipv4(&address), "an IPv6 peer is IPv6");
    address_format(&address, text);
    check_text(text, "2001:db8::1", "an IPv6 peer has its address");

    peer.ss_family = AF_UNIX;
    check(address_from_socket(&peer, &address) != 0, "a local peer has no address");
}

static void network(const char *text, const char *inside, const char *outside)
{
    struct source source;
    char printed[ADDRESS_TEXT_LEN];

    if (!check(address_parse_network(text, &source) == 0, "'%s' is a network", text))
        return;
    address_format_source(&source, printed);
    check_text(printed, text, "it is printed as it was written");

    const struct address in = parsed(inside);
    check(address_within(&in, &source), "%s is in %s", inside, text);
    if (outside != NULL) {
        const struct address out = parsed(outside);

        check(!address_within(&out, &source), "%s is not in %s", outside, text);
    }
}

static void test_network(void)
{
    static const char *const bad[] = {
        "192.0.2.7/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "/24",
        "192.0.2.0/24/24",
        "::/129",
        "2001:db8::1/64",
        "192.0.2/24",
        "",
        "192.0.2.0/0x18",
        "10.0.0.0/ 8",
        "0.0.0.1/0",
        "any",
        "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/32"};
    struct source source;

    network("192.0.2.0/24", "192.0.2.255", "192.0.3.0");
    network("192.0.2.7", "192.0.2.7", "192.0.2.6");
    network("192.0.2.128/25", "192.0.2.128", "192.0.2.127");
    network("0.0.0.0/0", "203.0.113.1", "2001:db8::1");
    network("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::");
    network("::/0", "192.0.2.7", NULL);
    network("2001:db8::1", "2001:db8::1", "2001:db8::2");
    check(address_parse_network("192.0.2.7/32", &source) == 0 && source.prefix == 128, "a /32 is one IPv4 host");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check(address_parse_network(bad[i], &source) != 0, "no network: '%s'", bad[i]);
}

static void source_is(const char *text, uint8_t prefix, const char *want)
{
    const struct address address = parsed(text);
    const struct source source = address_source(&address, prefix);
    char printed[ADDRESS_TEXT_LEN];

    address_format_source(&source, printed);
    check_text(printed, want, "it is counted as its source");
}

static void test_source(void)
{
    source_is("192.0.2.7", 64, "192.0.2.7");
    source_is("192.0.2.7", 32, "192.0.2.7");
    source_is("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64");
    source_is("2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::/48");
    source_is("2001:db8:1:ff:3:4:5:6", 57, "2001:db8:1:80::/57");
    source_is("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6");
}

int main(void)
{
    test_text();
    test_socket();
    test_network();
    test_source();
    return check_end();
}
