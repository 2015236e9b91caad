/* SPDX-License-Identifier: ISC */
/* address.h: strict text in, canonical text out, and which source an address is counted as. */
#include "address.h"

#include "check.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <unistd.h>

#define ETH0 ":61670be3d9bd" /* by the SipHash of golden/make.py */

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
        {"FE80::1%eth0", "fe80::1%eth0"},
        {"febf:1::1%br-lan.100", "febf:1::1%br-lan.100"},
        {"fe80::1%abcdefghijklmno", "fe80::1%abcdefghijklmno"},
        {"fe80::1%:0123456789ab", "fe80::1%:0123456789ab"},
    };
    static const char *const bad[] = {"",
                                      "192.0.2",
                                      "192.0.2.256",
                                      "192.0.2.7.1",
                                      "0xc0.0.2.7",
                                      "192.0.2.7 ",
                                      " 192.0.2.7",
                                      "192.0.2.7/32",
                                      "localhost",
                                      "*",
                                      "2001:db8",
                                      "2001:db8::1::",
                                      "[::1]",
                                      "2001:db8::1%lo",
                                      "::1\n",
                                      "1",
                                      "3221225991",
                                      "192.000.002.007",
                                      "192.0.2.7%eth0",
                                      "fe80::1%",
                                      "fe80::1%2",
                                      "fe80::1%eth0%eth0",
                                      "fe80::1%abcdefghijklmnop",
                                      "%eth0",
                                      "fe80::1%eth0/128",
                                      "fe80::1%et h0",
                                      "fe80::1%et:h0",
                                      "fe80::1%:0123456789",
                                      "fe80::1%:0123456789ag",
                                      "fec0::1%eth0"};
    char text[ADDRESS_TEXT_LEN];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct address address = parsed(good[i].in);

        address_format(&address, text);
        check_text(text, good[i].out, "it is printed in its one canonical form");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address address;

        check(address_parse(bad[i], &address) == ADDRESS_MALFORMED, "no address: '%.*s'", (int)strcspn(bad[i], "\n"),
              bad[i]);
    }
    {
        struct address address;

        check(address_parse("fe80::1", &address) == ADDRESS_NEEDS_INTERFACE, "a link-local address needs an interface");
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
    check(address_from_socket(-1, &peer, &address) == 0, "an IPv4 peer is known");
    address_format(&address, text);
    check_text(text, "192.0.2.7", "an IPv4 peer has its address");

    inet_pton(AF_INET6, "::ffff:192.0.2.7", &ipv6.sin6_addr);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(-1, &peer, &address) == 0 && address_is_ipv4(&address), "an IPv4-mapped peer is IPv4");
    address_format(&address, text);
    check_text(text, "192.0.2.7", "an IPv4-mapped peer has its IPv4 address");

    inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(-1, &peer, &address) == 0 && !address_is_ipv4(&address), "an IPv6 peer is IPv6");
    address_format(&address, text);
    check_text(text, "2001:db8::1", "an IPv6 peer has its address");

    peer.ss_family = AF_UNIX;
    check(address_from_socket(-1, &peer, &address) != 0, "a local peer has no address");
}

/* The interface of a link-local peer is looked for where the socket is. lo is interface 1 everywhere. */
static void test_link_local_socket(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage peer = {0};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_scope_id = 1};
    struct address address;
    char text[ADDRESS_TEXT_LEN];

    inet_pton(AF_INET6, "fe80::1", &ipv6.sin6_addr);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(fd, &peer, &address) == 0, "a link-local peer is known");
    address_format(&address, text);
    check_text(text, "fe80::1%lo", "with its interface");
    address_format_bare(&address, text);
    check_text(text, "fe80::1", "and without");

    ipv6.sin6_scope_id = 2000000000;
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(fd, &peer, &address) == 0, "a peer whose interface has gone is known");
    address_format(&address, text);
    check_text(text, "fe80::1%:000000000000", "and says so");
    check(address_parse(text, &address) == 0, "in a way that can be read");

    inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr);
    ipv6.sin6_scope_id = 1;
    memcpy(&peer, &ipv6, sizeof(ipv6));
    check(address_from_socket(fd, &peer, &address) == 0 && address.interface[0] == '\0',
          "an address of the whole net has no interface");
    close(fd);
}

/* The interfaces of this host; or one of our own, whose name is none that stands in a text. */
static struct if_nameindex odd[] = {{.if_index = 7, .if_name = (char[]){"a b%"}}, {0}};
static bool is_odd;

struct if_nameindex *__wrap_if_nameindex(void);
struct if_nameindex *__real_if_nameindex(void);
void __wrap_if_freenameindex(struct if_nameindex *list);
void __real_if_freenameindex(struct if_nameindex *list);

struct if_nameindex *__wrap_if_nameindex(void)
{
    return is_odd ? odd : __real_if_nameindex();
}

void __wrap_if_freenameindex(struct if_nameindex *list)
{
    if (list != odd)
        __real_if_freenameindex(list);
}

static void test_odd_interface(void)
{
    uint8_t id[INTERFACE_ID_LEN], other[INTERFACE_ID_LEN];
    char text[INTERFACE_TEXT_LEN];

    is_odd = true;
    check(!interface_is_text(odd[0].if_name), "the kernel takes names that we do not");
    interface_id(odd[0].if_name, id);
    interface_find(id, text);
    interface_id(text, other);
    check(text[0] == ':' && interface_is_text(text) && memcmp(id, other, sizeof(id)) == 0,
          "such a one is written in digits, which mean the same");
    is_odd = false;
}

static void test_interface(void)
{
    static const char *const names[] = {"eth0", "eth1", "eth10", "lo", "0e", "wg0.1-a_b@c+d"};
    uint8_t id[INTERFACE_ID_LEN], other[INTERFACE_ID_LEN];
    char text[INTERFACE_TEXT_LEN];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(interface_is_text(names[i]), "%s is an interface", names[i]);
        interface_id(names[i], id);
        for (size_t j = 0; j < i; j++) {
            interface_id(names[j], other);
            check(memcmp(id, other, sizeof(id)) != 0, "%s is not %s", names[i], names[j]);
        }
    }
    interface_id("lo", id);
    interface_find(id, text);
    check_text(text, "lo", "an interface that this host has is found by its bytes");
    interface_id("gone0", id);
    interface_find(id, text);
    check(text[0] == ':' && interface_is_text(text), "one that it has not is written in digits");
    interface_id(text, other);
    check(memcmp(id, other, sizeof(id)) == 0, "which mean the same");
    /* FORMAT.md: the table of another day must have the same bytes. */
    interface_id("eth0", id);
    interface_find(id, text);
    check(text[0] == ':' ? strcmp(text, ETH0) == 0 : strcmp(text, "eth0") == 0, "eth0 has the bytes it always has");
    interface_id(ETH0, other);
    check(memcmp(id, other, sizeof(id)) == 0, "these");
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
        "fe80::1/64",
        "fe80:1::/32",
        "fe80:1::%eth0/64",
        "fe80:1::1%eth0/96",
        "fe80::%eth0/9",
        "2001:db8::%eth0/64",
        "fe80::/64%eth0",
        "192.0.2.0%eth0/24",
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
        check(address_parse_network(bad[i], &source) == ADDRESS_MALFORMED, "no network: '%s'", bad[i]);
}

static void test_link_local_network(void)
{
    struct source source;
    char printed[ADDRESS_TEXT_LEN];

    network("fe80::1%lo", "fe80::1%lo", "fe80::1%eth0");
    network("fe80::%lo/64", "fe80::1%lo", "fe80::1%eth0");
    network("fe80::2:0:0%lo/96", "fe80::2:0:1%lo", "fe80::3:0:1%lo");
    network("fe80::/10", "fe80::1%eth0", "fec0::1");
    network("fe80::/10", "febf::1%lo", "2001:db8::1");
    network("fe80::/9", "fec0::1", "2001:db8::1");
    check(address_parse_network("fe80::/64", &source) == 0, "people write fe80::/64");
    address_format_source(&source, printed);
    check_text(printed, "fe80::/10", "and mean all link-local addresses");
    check(address_parse_network("fe80::%lo/10", &source) == 0, "or fe80::/10 with an interface");
    address_format_source(&source, printed);
    check_text(printed, "fe80::%lo/64", "and mean all on that interface");
    check(address_parse_network("fe80::1", &source) == ADDRESS_NEEDS_INTERFACE &&
              address_parse_network("fe80::/96", &source) == ADDRESS_NEEDS_INTERFACE,
          "a part of a link is on one interface");
}

static void test_vast(void)
{
    static const char *const vast[] = {
        "0.0.0.0/0", "128.0.0.0/1", "16.0.0.0/7",   "::/0",         "::/1",          "2000::/3",          "2000::/4",
        "2002::/16", "2a00::/12",   "64:ff9b::/96", "64:ff9b::/32", "::ffff:0:0/96", "64:ff9b::8000:0/97"};
    static const char *const narrow[] = {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32",      "2a00::/17",     "fc00::/7",
                                         "fe80::/10",  "ff00::/8",  "64:ff9b::a00:0/104", "2002:a00::/24", "::1"};
    struct source source;

    for (size_t i = 0; i < sizeof(vast) / sizeof(vast[0]); i++)
        check(address_parse_network(vast[i], &source) == 0 && address_is_vast(&source), "%s is as good as everybody",
              vast[i]);
    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
        check(address_parse_network(narrow[i], &source) == 0 && !address_is_vast(&source), "%s is not", narrow[i]);
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

/* Schemes in which one address of a network is nobody the others know. */
static void test_source_schemes(void)
{
    struct source source;

    for (unsigned prefix = 32; prefix <= 128; prefix += 16) {
        source_is("64:ff9b::192.0.2.7", (uint8_t)prefix, "64:ff9b::c000:207");
        source_is("2002:c000:207:5::1", (uint8_t)prefix, "2002:c000:207::/48");
        source_is("fe80::1%lo", (uint8_t)prefix, "fe80::1%lo");
        source_is("fe80::ffff:ffff:ffff:ffff%lo", (uint8_t)prefix, "fe80::ffff:ffff:ffff:ffff%lo");
    }
    /* What else looks like a scheme counts as any other network. */
    source_is("64:ff9b:1::192.0.2.7", 64, "64:ff9b:1::/64");
    source_is("64:ff9b:0:0:0:1::", 64, "64:ff9b::/64");
    source_is("2001:0:1:2:3:4:5:6", 64, "2001:0:1:2::/64");
    source_is("2003:c000:207:5::1", 64, "2003:c000:207:5::/64");

    /* A neighbour can give himself any of these: they must neither be many sources nor somebody else. */
    source_is("fe80:1::1%lo", 64, "fe80::%lo");
    source_is("febf:ffff:ffff:ffff::2%lo", 64, "fe80::%lo");

    const struct address one = parsed("fe80::1%eth0"), other = parsed("fe80::1%eth1");
    const struct source a = address_source(&one, 64), b = address_source(&other, 64);
    check(memcmp(&a, &b, sizeof(a)) != 0, "one address on two interfaces is two sources");
    check(address_within(&one, &a) && !address_within(&other, &a), "and neither is the other");
    check(address_covers(&a, &a) && !address_covers(&a, &b), "in the table as well");

    check(address_parse_network("2002:c000:207::/48", &source) == 0 && address_source_prefix(&source, 64) == 48,
          "of 6to4 a /48 is a source");
    address_widen(&source, 16);
    check(source.prefix == 16 && address_within(&(const struct address){.bytes = {0x20, 0x02, 9}}, &source),
          "a wider prefix is a wider network");
}

static void test_allocated(void)
{
    static const char *const texts[] = {"192.0.2.7",          "64:ff9b::192.0.2.7", "64:ff9b:1::1",
                                        "2002:c000:207:5::1", "fe80::1%lo",         "::1"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct address address = parsed(texts[i]);
        const struct source source = address_source(&address, 64);

        check(!address_is_allocated(&source), "the networks around %s are not its owner's", texts[i]);
    }
    for (unsigned prefix = 32; prefix <= 128; prefix += 16) {
        const struct address global = parsed("2001:db8:1:2::7"), local = parsed("fd00:1:2:3::7");
        const struct source a = address_source(&global, (uint8_t)prefix), b = address_source(&local, (uint8_t)prefix);

        check(address_is_allocated(&a) && address_is_allocated(&b), "those around any other are, with %u bits", prefix);
        check(!a.is_network && !b.is_network, "and it is a source");
    }
}

int main(void)
{
    test_text();
    test_socket();
    test_link_local_socket();
    test_interface();
    test_odd_interface();
    test_network();
    test_link_local_network();
    test_vast();
    test_source();
    test_source_schemes();
    test_allocated();
    return check_end();
}
