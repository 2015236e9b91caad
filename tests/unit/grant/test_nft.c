/* SPDX-License-Identifier: ISC */
/* nft.h, as far as it is text: what nft is told, what must never be part of it, and what is read of its answers. */
#include "firewall.h"

#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct nft_table nothing;

/* Where the first packet of a connection by TCP is marked. */
#define FIRST_SYN_AT(hook)                                                                                             \
    ("add rule inet ostiary_grants " hook                                                                              \
     " ct direction original tcp flags & (fin|syn|rst|ack) == syn ct label set 113\n")

/* ---- The table --------------------------------------------------------------------------------------------------- */

static const char one_gate[] =
    "add table inet ostiary_grants\n"
    "flush table inet ostiary_grants\n"
    "add counter inet ostiary_grants ssh_shut\n"
    "add set inet ostiary_grants ssh_4_32 { type ipv4_addr; flags timeout; counter; size 65536; }\n"
    "add set inet ostiary_grants ssh_6_128 { type ipv6_addr; flags timeout; counter; size 65536; }\n"
    "add set inet ostiary_grants ssh_6_64 { type ipv6_addr; flags timeout; counter; size 65536; }\n"
    "add chain inet ostiary_grants gate_ssh\n"
    "add rule inet ostiary_grants gate_ssh ip saddr @ssh_4_32 return\n"
    "add rule inet ostiary_grants gate_ssh ip6 saddr @ssh_6_128 return\n"
    "add rule inet ostiary_grants gate_ssh ip6 saddr & ffff:ffff:ffff:ffff:: @ssh_6_64 return\n"
    "add rule inet ostiary_grants gate_ssh ct state established,related return\n"
    "add rule inet ostiary_grants gate_ssh counter name ssh_shut drop\n"
    "add chain inet ostiary_grants input { type filter hook input priority filter - 5; policy accept; }\n"
    "add rule inet ostiary_grants input iif \"lo\" accept\n"
    "add rule inet ostiary_grants input tcp dport { 22 } jump gate_ssh\n";

static void test_one_gate(void)
{
    struct gate gate = firewall_gate("ssh", 22);
    const struct gates gates = {.list = &gate, .count = 1};
    const struct nft_lengths lengths = {0};
    struct text script = {0};

    nft_write_table(&script, &gates, &lengths, &nothing);
    check(!script.failed, "a table is written");
    check_text(script.bytes, one_gate,
               "a gate has its sets, looks into them, lets through what is under way, and shuts");
    text_free(&script);
}

/* Write a table, and say whether these lines are in it, in this order. */
static bool has_lines(const struct text *script, const char *const *lines, size_t count)
{
    const char *at = script->bytes;

    for (size_t i = 0; i < count; i++) {
        at = strstr(at, lines[i]);
        if (at == NULL) {
            check_show("missing", lines[i]);
            check_show("in", script->bytes);
            return false;
        }
    }
    return true;
}

static void test_options(void)
{
    static const char *const lines[] = {
        "add set inet ostiary_grants all_4_8 { type ipv4_addr; flags timeout; counter; size 7; }\n",
        "add set inet ostiary_grants all_4_0 {",
        "add set inet ostiary_grants all_6_56 {",
        "add set inet ostiary_grants all_6_0 {",
        "add rule inet ostiary_grants gate_all ip saddr & 255.0.0.0 @all_4_8 return\n",
        "add rule inet ostiary_grants gate_all ip saddr & 0.0.0.0 @all_4_0 return\n",
        "add rule inet ostiary_grants gate_all ip6 saddr & ffff:ffff:ffff:ff00:: @all_6_56 return\n",
        "add rule inet ostiary_grants gate_all ip6 saddr & :: @all_6_0 return\n",
        "add rule inet ostiary_grants gate_all ip saddr { 192.0.2.0/24, 198.51.100.7/32 } return\n",
        "add rule inet ostiary_grants gate_all ip6 saddr { 2001:db8::/32 } return\n",
        "add rule inet ostiary_grants gate_all meta l4proto != tcp ct direction reply return\n",
        "add rule inet ostiary_grants gate_all ct direction reply ct label 113 return\n",
        "add rule inet ostiary_grants gate_all meta l4proto { icmp, ipv6-icmp } ct state related return\n",
        "nd-neighbor-solicit",
        "mld-listener-query",
        "udp sport 67 udp dport 68 return\n",
        "add rule inet ostiary_grants gate_all counter name all_shut drop\n",
        "add rule inet ostiary_grants input iif \"lo\" accept\n",
        "add rule inet ostiary_grants input tcp dport { 5018, 80-81 } accept\n",
        "add rule inet ostiary_grants input udp dport { 53 } accept\n",
        "add rule inet ostiary_grants input iifname \"eth0\" jump gate_all\n",
        "add chain inet ostiary_grants forward { type filter hook forward",
        "add rule inet ostiary_grants forward tcp dport { 5018, 80-81 } accept\n",
        "add rule inet ostiary_grants forward tcp dport { 22 } jump gate_inner\n",
        "add rule inet ostiary_grants forward udp dport { 60000-61000 } jump gate_inner\n",
        "add chain inet ostiary_grants output { type filter hook output priority filter - 5; policy accept; }\n",
        FIRST_SYN_AT("output"),
    };
    struct source always[] = {firewall_network("192.0.2.0/24"), firewall_network("2001:db8::/32"),
                              firewall_network("198.51.100.7")};
    struct gate list[] = {firewall_gate("all", 1), firewall_gate("inner", 22), firewall_gate("elsewhere", 23)};
    const struct gates gates = {
        .list = list,
        .count = COUNT(list),
        .always = always,
        .always_count = COUNT(always),
        .free = {{GATE_TCP, 5018, 5018}, {GATE_UDP, 53, 53}, {GATE_TCP, 80, 81}},
        .free_count = 3,
    };
    struct nft_lengths lengths[COUNT(list)] = {{.ipv4 = {[0] = true, [8] = true}, .ipv6 = {[0] = true}}};
    struct text script = {0};

    list[0].any = list[0].cut = true;
    list[0].interface = "eth0";
    list[0].port_count = 0;
    list[0].size = 7;
    list[0].ipv6_prefix = 56;
    list[1].hook = GATE_FORWARD;
    list[1].ports[list[1].port_count++] = (struct gate_ports){GATE_UDP, 60000, 61000};
    list[2].by_commands = true;
    nft_write_table(&script, &gates, lengths, &nothing);
    check(!script.failed && has_lines(&script, lines, COUNT(lines)), "each option is in the rules, in their order");
    check(strstr(script.bytes, "elsewhere") == NULL, "what another firewall opens is not in the table");
    check(strstr(script.bytes, "forward iif") == NULL, "loopback is at no other hook than input");
    text_free(&script);

    list[0].by_commands = list[1].by_commands = true;
    nft_write_table(&script, &gates, lengths, &nothing);
    check_text(script.bytes, "add table inet ostiary_grants\ndelete table inet ostiary_grants\n",
               "without any gate of nftables the table is removed");
    text_free(&script);
}

/* With established=cut a packet in the direction of answers is none, but where the gate is "any". */
static void test_cut(void)
{
    static const char *const router[] = {
        "add rule inet ostiary_grants gate_ssh ct direction reply ct label 113 return\n",
        "hook forward",
        FIRST_SYN_AT("forward"),
        "add rule inet ostiary_grants forward tcp dport { 80 } accept\n",
        "add rule inet ostiary_grants forward jump gate_ssh\n",
    };
    struct gate gate = firewall_gate("ssh", 22);
    const struct gates gates = {.list = &gate, .count = 1, .free = {{GATE_TCP, 80, 80}}, .free_count = 1};
    char output[] = "output";
    char *chains[] = {output};
    const struct nft_table now = {.chains = chains, .chain_count = 1};
    const struct nft_lengths lengths = {0};
    struct text script = {0};

    gate.cut = true;
    nft_write_table(&script, &gates, &lengths, &now);
    check(!script.failed && strstr(script.bytes, " ct ") == NULL,
          "with cut, at ports nobody comes in by what connection tracking says");
    check(strstr(script.bytes, "delete chain inet ostiary_grants output\n") != NULL,
          "the chain that labels is removed where no gate needs it");
    text_free(&script);
    gate.any = true;
    gate.hook = GATE_FORWARD;
    nft_write_table(&script, &gates, &lengths, &now);
    check(!script.failed && has_lines(&script, router, COUNT(router)),
          "on a router what passes through is labelled before anything is let through");
    check(strstr(script.bytes, "hook output") == NULL, "and what leaves the router itself is not");
    text_free(&script);
}

/* Over a table that is there. */
static void test_reload(void)
{
    static const char *const lines[] = {
        "flush table inet ostiary_grants\n",
        "delete chain inet ostiary_grants gate_gone\n",
        "delete chain inet ostiary_grants forward\n",
        "delete set inet ostiary_grants ssh_4_32\n",
        "delete set inet ostiary_grants ssh_6_128\n",
        "delete set inet ostiary_grants ssh_4_24\n",
        "delete set inet ostiary_grants gone_4_32\n",
        "delete counter inet ostiary_grants gone_shut\n",
        "add set inet ostiary_grants ssh_4_32 {",
        "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n",
        "delete element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n",
        "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 counter packets 3 bytes 0 timeout 0d0h0m5s0ms }\n",
    };
    char ssh_4_32[] = "ssh_4_32", ssh_6_128[] = "ssh_6_128", ssh_6_64[] = "ssh_6_64", ssh_4_24[] = "ssh_4_24",
         gone_4_32[] = "gone_4_32", mine[] = "counter", gate_ssh[] = "gate_ssh", gate_gone[] = "gate_gone",
         input[] = "input", forward[] = "forward";
    struct nft_set sets[] = {{ssh_4_32, 100, true},   {ssh_6_128, 65536, false}, {ssh_6_64, 65536, true},
                             {ssh_4_24, 65536, true}, {gone_4_32, 65536, true},  {mine, 1, false}};
    char *chains[] = {gate_ssh, gate_gone, input, forward, mine};
    struct nft_counter counters[] = {{"ssh", 1}, {"gone", 1}};
    struct nft_element elements[] = {firewall_element("ssh", "192.0.2.7", 5000),
                                     firewall_element("ssh", "2001:db8::/64", 5000),
                                     firewall_element("gone", "192.0.2.8", 5000)};
    const struct nft_table now = {
        .loaded = true,
        .elements = elements,
        .element_count = COUNT(elements),
        .counters = counters,
        .counter_count = COUNT(counters),
        .sets = sets,
        .set_count = COUNT(sets),
        .chains = chains,
        .chain_count = COUNT(chains),
    };
    struct gate gate = firewall_gate("ssh", 22);
    const struct gates gates = {.list = &gate, .count = 1};
    const struct nft_lengths lengths = {0};
    struct text script = {0};

    elements[0].packets = 3;
    nft_write_table(&script, &gates, &lengths, &now);
    check(!script.failed && has_lines(&script, lines, COUNT(lines)),
          "what belongs to no gate is removed, and a set that has changed is made anew with what was in it");
    check(strstr(script.bytes, "delete set inet ostiary_grants ssh_6_64") == NULL &&
              strstr(script.bytes, "delete chain inet ostiary_grants gate_ssh") == NULL &&
              strstr(script.bytes, "delete chain inet ostiary_grants input") == NULL &&
              strstr(script.bytes, "delete counter inet ostiary_grants ssh_shut") == NULL,
          "what is still needed stays");
    check(strstr(script.bytes, "2001:db8::") == NULL, "elements of sets that stay are not touched");
    check(strstr(script.bytes, " counter\n") == NULL, "what has no name of ours is left alone");
    text_free(&script);

    gate.size = 0;
    nft_write_table(&script, &gates, &lengths, &now);
    check(script.failed, "a set for nothing is none");
    text_free(&script);
}

static void test_keeps_a_size(void)
{
    char name[] = "ssh_4_32";
    struct nft_set set = {name, 100, true};
    struct nft_element elements[] = {firewall_element("ssh", "192.0.2.7", 5000),
                                     firewall_element("ssh", "192.0.2.8", 5000)};
    const struct nft_table now = {.elements = elements, .element_count = 2, .sets = &set, .set_count = 1};
    struct gate gate = firewall_gate("ssh", 22);
    const struct gates gates = {.list = &gate, .count = 1};
    const struct nft_lengths lengths = {0};
    struct text script = {0};

    gate.size = 1;
    nft_write_table(&script, &gates, &lengths, &now);
    check(!script.failed && strstr(script.bytes, "delete set") == NULL,
          "a set is not made too small for what is in it");
    text_free(&script);
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

static void test_open_and_close(void)
{
    struct nft_element element = firewall_element("ssh", "192.0.2.7", 90061150);
    struct text script = {0};

    element.packets = 12;
    snprintf(element.user, sizeof(element.user), "alice");
    nft_write_open(&script, &element);
    check_text(script.bytes,
               "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n"
               "delete element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n"
               "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 counter packets 12 bytes 0 "
               "timeout 1d1h1m1s100ms comment \"alice\" }\n",
               "open is add, delete, add, and the time is rounded down");
    text_free(&script);
    nft_write_close(&script, &element);
    check_text(script.bytes,
               "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n"
               "delete element inet ostiary_grants ssh_4_32 { 192.0.2.7 }\n",
               "close is add, delete");
    text_free(&script);
}

static void opens_as(const char *network, uint64_t left_ms, const char *wanted)
{
    const struct nft_element element = firewall_element("ssh", network, left_ms);
    struct text script = {0};

    nft_write_open(&script, &element);
    check(!script.failed && strstr(script.bytes, wanted) != NULL, "%s for %ju ms: %s", network, (uintmax_t)left_ms,
          wanted);
    text_free(&script);
}

static void test_places(void)
{
    opens_as("0.0.0.0/0", 1000, "ssh_4_0 { 0.0.0.0 }");
    opens_as("10.0.0.0/8", 1000, "ssh_4_8 { 10.0.0.0 }");
    opens_as("::/0", 1000, "ssh_6_0 { :: }");
    opens_as("2001:db8:1:2::/64", 1000, "ssh_6_64 { 2001:db8:1:2:: }");
    opens_as("2001:db8::7", 1000, "ssh_6_128 { 2001:db8::7 }");
    opens_as("64:ff9b::192.0.2.7", 1000, "ssh_6_128 { 64:ff9b::c000:207 }");
    opens_as("192.0.2.7", 1, "timeout 0d0h0m0s100ms");
    opens_as("192.0.2.7", 199, "timeout 0d0h0m0s100ms");
    opens_as("192.0.2.7", UINT64_C(3650) * 86400 * 1000, "timeout 3650d0h0m0s0ms");
}

static void refuses(const struct nft_element *element, const char *what)
{
    struct text one = {0}, all = {0};

    nft_write_open(&one, element);
    nft_write_open_all(&all, element, 1);
    check(one.failed && all.failed && one.len == 0 && all.len == 0, "never in a script: %s", what);
    text_free(&one);
    text_free(&all);
}

static void test_refusals(void)
{
    static const char *const names[] = {"", "Ssh", "s h", "ssh;flush ruleset", "ssh\n", "1", "a\"", "ssh_4_32}"};
    static const char *const users[] = {"a b", "a\"", "a\\", "-a", "@a", "a\n", "a{", "\xc3\xa4"};
    struct nft_element element = firewall_element("ssh", "192.0.2.7", 0);
    struct text script = {0};

    refuses(&element, "a time of 0, which is for ever");
    element.left_ms = UINT64_C(100001) * 86400 * 1000;
    refuses(&element, "a time that the kernel does not take");
    element.left_ms = 1000;
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(element.gate, sizeof(element.gate), "%s", names[i]);
        refuses(&element, "a name that is no gate's");
    }
    snprintf(element.gate, sizeof(element.gate), "ssh");
    for (size_t i = 0; i < COUNT(users); i++) {
        snprintf(element.user, sizeof(element.user), "%s", users[i]);
        refuses(&element, "a name that is no user's");
    }
    element.user[0] = '\0';
    element.network = firewall_network("fe80::1%eth0");
    refuses(&element, "a link-local host, whose interface no set can hold");
    nft_write_close(&script, &element);
    check(script.failed && script.len == 0, "nor in one that closes");
    text_free(&script);
    element.network = firewall_network("192.0.2.7");
    element.network.prefix = 127;
    refuses(&element, "a network with bits behind its prefix");
    element.network.prefix = 129;
    refuses(&element, "a prefix that there is not");
}

static void test_bad_gates(void)
{
    static const char *const interfaces[] = {"", "eth0\"", "a b", "eth0*", "abcdefghijklmnop", ":00", "e\\"};
    struct gate gate = firewall_gate("ssh", 22);
    struct source always = firewall_network("fe80::1%eth0");
    struct gates gates = {.list = &gate, .count = 1};
    const struct nft_lengths lengths = {0};
    struct text script = {0};

    for (size_t i = 0; i < COUNT(interfaces); i++) {
        gate.interface = interfaces[i];
        nft_write_table(&script, &gates, &lengths, &nothing);
        check(script.failed && strstr(script.bytes, "gate_ssh") == NULL, "never in a table: interface %s",
              interfaces[i]);
        text_free(&script);
    }
    gate.interface = NULL;
    gate.name = "ssh }";
    nft_write_table(&script, &gates, &lengths, &nothing);
    check(script.failed && strstr(script.bytes, "ssh }") == NULL, "never in a table: a name that is no gate's");
    text_free(&script);
    gate.name = "ssh";
    gates.always = &always;
    gates.always_count = 1;
    nft_write_table(&script, &gates, &lengths, &nothing);
    check(script.failed, "never in a table: a link-local host for ALWAYS, which would be anybody's neighbour");
    text_free(&script);
}

static void test_open_all(void)
{
    struct nft_element elements[] = {
        firewall_element("web", "192.0.2.9", 1000),     firewall_element("ssh", "192.0.2.7", 1000),
        firewall_element("ssh", "2001:db8::/64", 1000), firewall_element("ssh", "192.0.2.8", 1000),
        firewall_element("ssh", "192.0.2.7", 2000),
    };
    struct text script = {0};

    nft_write_open_all(&script, elements, COUNT(elements));
    check(!script.failed &&
              strstr(script.bytes, "add element inet ostiary_grants ssh_4_32 { 192.0.2.7, 192.0.2.8 }\n") != NULL &&
              strstr(script.bytes, "delete element inet ostiary_grants ssh_4_32 { 192.0.2.7, 192.0.2.8 }\n") != NULL,
          "many of one set are one command, and each of them once");
    check(strstr(script.bytes, "192.0.2.7 counter packets 0 bytes 0 timeout 0d0h0m2s0ms, 192.0.2.8 counter") != NULL,
          "of two that are alike it is the one that lasts longer");
    check(strstr(script.bytes, "web_4_32 { 192.0.2.9 }") != NULL &&
              strstr(script.bytes, "ssh_6_64 { 2001:db8:: }") != NULL,
          "each is in its own set");
    text_free(&script);
    nft_write_open_all(&script, elements, 0);
    check(!script.failed && script.len == 0, "nothing to open is nothing to say");
    elements[3].left_ms = 0;
    nft_write_open_all(&script, elements, COUNT(elements));
    check(script.failed && script.len == 0, "with one that must not be, none is");
    text_free(&script);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

#define OURS "\"family\":\"inet\",\"table\":\"ostiary_grants\""
#define SET(name, type, more)                                                                                          \
    "{\"set\":{" OURS ",\"name\":\"" name "\",\"type\":\"" type                                                        \
    "\",\"handle\":2,\"size\":3,\"flags\":[\"timeout\"]" more ",\"stmt\":[{\"counter\":null}]}}"

static const char listed[] =
    "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\",\"json_schema_version\":1}},"
    "{\"table\":{\"family\":\"inet\",\"name\":\"ostiary_grants\",\"handle\":1}},"
    "{\"counter\":{" OURS ",\"name\":\"ssh_shut\",\"handle\":1,\"packets\":17,\"bytes\":0}},"
    "{\"counter\":{" OURS ",\"name\":\"mine\",\"handle\":1,\"packets\":17,\"bytes\":0}}," SET(
        "ssh_4_32", "ipv4_addr",
        ",\"elem\":[{\"elem\":{\"val\":\"192.0.2.7\",\"timeout\":90184,\"expires\":90183,\"comment\":\"alice\","
        "\"counter\":{\"packets\":5,\"bytes\":9}}},{\"elem\":{\"val\":\"192.0.2.8\",\"timeout\":60,\"expires\":0}},"
        "\"192.0.2.9\",{\"elem\":{\"val\":\"192.0.2.10\",\"comment\":\"a "
        "b\"}},{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}},"
        "\"::1\",7]") "," SET("ssh_6_64", "ipv6_addr",
                              ",\"elem\":[{\"elem\":{\"val\":\"2001:db8::\",\"timeout\":60,\"expires\":59}},\"2001:db8:"
                              ":1\","
                              "\"::ffff:192.0.2.0\"]") "," SET("ssh_4_8", "ipv4_addr",
                                                               ",\"timeout\":60") ","
                                                                                  "{\"set\":{\"family\":\"ip\","
                                                                                  "\"table\":\"ostiary_grants\","
                                                                                  "\"name\":\"ssh_4_32\",\"type\":"
                                                                                  "\"ipv4_addr\",\"elem\":[\"192.0.2."
                                                                                  "77\"]}},"
                                                                                  "{\"set\":{" OURS
                                                                                  ",\"name\":\"mine\",\"type\":\"ipv4_"
                                                                                  "addr\",\"elem\":[\"192.0.2.78\"]}},"
                                                                                  "{\"chain\":{" OURS
                                                                                  ",\"name\":\"gate_ssh\",\"handle\":5}"
                                                                                  "},"
                                                                                  "{\"chain\":{" OURS
                                                                                  ",\"name\":\"input\",\"handle\":6,"
                                                                                  "\"type\":\"filter\",\"hook\":"
                                                                                  "\"input\",\"prio\":-5,\"policy\":"
                                                                                  "\"accept\"}},"
                                                                                  "{\"rule\":{" OURS
                                                                                  ",\"chain\":\"input\",\"handle\":50,"
                                                                                  "\"expr\":[{\"accept\":null}]}}]}";

static void is_element(const struct nft_element *element, const char *network, uint64_t left_ms, const char *user)
{
    char text[ADDRESS_TEXT_LEN];

    address_format_source(&element->network, text);
    check_text(text, network, "an element's network");
    check_number(element->left_ms, left_ms, "what is left of it");
    check_text(element->user, user, "its user");
    check_text(element->gate, "ssh", "its gate");
}

static void test_parse(void)
{
    struct nft_table table;

    if (!check(nft_parse_table(listed, strlen(listed), &table) == 0, "what nft lists is read"))
        return;
    check(table.loaded, "with rules at a hook the table is loaded");
    check_number(table.element_count, 5, "elements that this program could have made");
    is_element(&table.elements[0], "192.0.2.7", 90183000, "alice");
    check_number(table.elements[0].packets, 5, "its packets");
    is_element(&table.elements[1], "192.0.2.8", 1, "");
    is_element(&table.elements[2], "192.0.2.9", 0, "");
    is_element(&table.elements[3], "192.0.2.10", 0, "");
    is_element(&table.elements[4], "2001:db8::/64", 59000, "");
    check(table.set_count == 3 && table.sets[0].usual && table.sets[0].size == 3 && !table.sets[2].usual,
          "sets, and whether they are as this program makes them");
    check(table.counter_count == 1 && table.counters[0].shut == 17 && strcmp(table.counters[0].gate, "ssh") == 0,
          "the counter of a gate");
    check_number(table.chain_count, 2, "chains");
    nft_free_table(&table);
    check(table.elements == NULL && table.element_count == 0, "what was freed is empty");
}

static bool parses(const char *json)
{
    struct nft_table table;
    const bool parsed = nft_parse_table(json, strlen(json), &table) == 0;

    nft_free_table(&table);
    return parsed;
}

static void test_parse_others(void)
{
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "{\"nftables\":{}}",
                                        "{\"nftables\":[],\"nftables\":[]}",
                                        "{\"nftables\":[]} x",
                                        "{\"nftables\":[\"\xff\"]}"};
    struct nft_table table;

    for (size_t i = 0; i < COUNT(wrong); i++)
        check(!parses(wrong[i]), "it is no list of nft's: %s", i == COUNT(wrong) - 1 ? "no UTF-8" : wrong[i]);
    check(parses("{\"nftables\":[1,null,\"a\",[],{},{\"set\":1},{\"rule\":[]},{\"chain\":null},{\"counter\":{}}]}"),
          "what is of another kind is passed over");
    for (size_t len = 0; len < strlen(listed); len++) {
        if (nft_parse_table(listed, len, &table) == 0) {
            check(false, "half a list is none, but its first %zu bytes were taken for one", len);
            nft_free_table(&table);
        }
    }
}

/* The kernel's answer for 192.0.2.7 with a minute left, 5 packets and user alice, as it has been seen (little-endian).
 */
static const char answer[] = "13000100"
                             "6f7374696172795f6772616e747300"
                             "00" /* the table */
                             "0d000200"
                             "7373685f345f333200"
                             "000000" /* the set */
                             "74000380"
                             "70000180" /* the elements, and the one */
                             "10000180"
                             "0c000100"
                             "00000000c0000207" /* not its key, which is not looked at */
                             "0c000400"
                             "000000000000ea60"
                             "0c000500"
                             "000000000000ea5f" /* its time, and what is left */
                             "0c000600"
                             "0006616c69636500" /* its user */
                             "34000780"
                             "0c000100"
                             "636f756e74657200"
                             "24000280" /* a counter */
                             "0c000100"
                             "0000000000000009"
                             "0c000200"
                             "0000000000000005"
                             "0c000300"
                             "0000000000000000";

static void test_parse_element(void)
{
    struct nft_element element = firewall_element("ssh", "192.0.2.7", 0);
    uint8_t bytes[256];
    const size_t len = check_unhex(answer, bytes, sizeof(bytes));

    check(nft_parse_element(bytes, len, &element) == 0 && element.left_ms == 59999 && element.packets == 5 &&
              strcmp(element.user, "alice") == 0,
          "an element is read from the kernel's answer");
    check(nft_parse_element(bytes, 36, &element) == -1, "not where there is none in it");
    /* Cut, and changed: nothing is read but what is there, as the sanitizers see. */
    for (size_t i = 0; i < len; i++) {
        uint8_t *copy = malloc(i + 1);

        memcpy(copy, bytes, i + 1);
        (void)nft_parse_element(copy, i + 1, &element);
        free(copy);
        bytes[i] ^= 0xff;
        (void)nft_parse_element(bytes, len, &element);
        bytes[i] ^= 0xff;
    }
}

static void test_complete(void)
{
    struct gate list[] = {firewall_gate("ssh", 22), firewall_gate("inner", 23)};
    struct gates gates = {.list = list, .count = 1};
    struct nft_table table;
    char missing[] = "ssh_6_128";

    nft_parse_table(listed, strlen(listed), &table);
    check(!nft_is_complete(&table, &gates), "a table without a set for each host is not complete");
    table.sets[2].name[0] = '\0';
    memcpy(table.sets[1].name, "ssh_6_64", sizeof("ssh_6_64"));
    free(table.sets[2].name);
    table.sets[2].name = strdup(missing);
    check(nft_is_complete(&table, &gates), "with all that its gates need it is");
    table.loaded = false;
    check(!nft_is_complete(&table, &gates), "one that was flushed is not");
    table.loaded = true;
    list[0].hook = GATE_FORWARD;
    check(!nft_is_complete(&table, &gates), "nor one without the hook of a gate");
    list[0].hook = GATE_INPUT;
    gates.count = 2;
    check(!nft_is_complete(&table, &gates), "nor one without a gate");
    list[1].by_commands = true;
    check(nft_is_complete(&table, &gates), "a gate of another firewall needs nothing");
    list[0].by_commands = true;
    check(nft_is_complete(&nothing, &gates), "without any gate of nftables nothing is complete");
    nft_free_table(&table);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------- */

#define RULE(chain, statements) "{\"rule\":{" OURS ",\"chain\":\"" chain "\",\"expr\":[" statements "]}},"
#define IS(left, right)         "{\"match\":{\"op\":\"==\",\"left\":" left ",\"right\":" right "}}"
#define FIELD(protocol, field)  "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"" field "\"}}"
#define KEY(kind, key)          "{\"" kind "\":{\"key\":\"" key "\"}}"
#define RETURN                  ",{\"return\":null}"
#define LOOK(family, set)       RULE("gate_ssh", IS(FIELD(family, "saddr"), "\"@" set "\"") RETURN)

/* What nft lists of the table of one gate, in pieces. */
static const char *const loaded[] = {
    "{\"nftables\":[",
    "{\"chain\":{" OURS ",\"name\":\"gate_ssh\"}},",
    "{\"chain\":{" OURS
    ",\"name\":\"input\",\"type\":\"filter\",\"hook\":\"input\",\"prio\":-5,\"policy\":\"accept\"}},",
    LOOK("ip", "ssh_4_32"),
    LOOK("ip6", "ssh_6_128"),
    RULE("gate_ssh", IS("{\"&\":[" FIELD("ip6", "saddr") ",\"ffff:ffff:ffff:ffff::\"]}", "\"@ssh_6_64\"") RETURN),
    RULE("gate_ssh", IS(KEY("ct", "state"), "[\"established\",\"related\"]") RETURN),
    RULE("gate_ssh", "{\"counter\":\"ssh_shut\"},{\"drop\":null}"),
    RULE("input", IS(KEY("meta", "iif"), "\"lo\"") ",{\"accept\":null}"),
    RULE("input",
         IS(KEY("meta", "l4proto"), "\"tcp\"") "," IS(
             FIELD("tcp", "dport"), "{\"set\":[{\"range\":[80,90]},22]}") ",{\"jump\":{\"target\":\"gate_ssh\"}}"),
    "{}]}",
};

/* Has the table its rules, where one piece is another? */
static bool has_rules(const struct gates *gates, size_t number, const char *other)
{
    struct text json = {0};
    struct nft_table table;
    bool has;

    for (size_t i = 0; i < COUNT(loaded); i++)
        text_add(&json, "%s", i == number ? other : loaded[i]);
    check(nft_parse_table(json.bytes, json.len, &table) == 0, "it is a list of nft's");
    has = nft_has_rules(&table, gates);
    nft_free_table(&table);
    text_free(&json);
    return has;
}

static void test_rules(void)
{
    static const struct {
        size_t number;
        const char *other, *what;
    } wrong[] = {
        {2, "{\"chain\":{" OURS ",\"name\":\"input\"}},", "a chain that is at no hook"},
        {2, "{\"chain\":{" OURS ",\"name\":\"input\",\"hook\":\"forward\",\"policy\":\"accept\"}},", "at another hook"},
        {3, LOOK("ip", "ssh_4_24"), "another set"},
        {3, RULE("gate_ssh", "{\"return\":null}") LOOK("ip", "ssh_4_32"), "a rule more, in front"},
        {7, RULE("gate_ssh", "{\"counter\":\"ssh_shut\"},{\"drop\":null}") RULE("gate_ssh", "{\"drop\":null}"),
         "a rule more, behind"},
        {7, RULE("gate_ssh", "{\"counter\":\"ssh_shut\"},{\"accept\":null}"), "another verdict"},
        {7, RULE("gate_ssh", "{\"limit\":{\"rate\":1,\"per\":\"second\"}},{\"counter\":\"ssh_shut\"},{\"drop\":null}"),
         "a statement more"},
        {8, RULE("input", IS(KEY("meta", "iif"), "\"eth0\"") ",{\"accept\":null}"), "another interface"},
        {8, RULE("input", "{\"accept\":null}"), "a condition less"},
        {8,
         RULE("input",
              "{\"match\":{\"op\":\"!=\",\"left\":" KEY("meta", "iif") ",\"right\":\"lo\"}},{\"accept\":null}"),
         "the contrary"},
        {9, RULE("input", IS(FIELD("tcp", "dport"), "22") ",{\"jump\":{\"target\":\"gate_ssh\"}}"), "a port less"},
        {9,
         RULE("input",
              IS(FIELD("tcp", "dport"), "{\"set\":[{\"range\":[80,90]},22]}") ",{\"jump\":{\"target\":\"gate_web\"}}"),
         "a jump elsewhere"},
        {10, RULE("input", "{\"drop\":null}") "{}]}", "a rule behind all"},
    };
    struct gate gate = firewall_gate("ssh", 22);
    const struct gates gates = {.list = &gate, .count = 1};

    gate.ports[gate.port_count++] = (struct gate_ports){GATE_TCP, 80, 80};
    gate.ports[gate.port_count++] = (struct gate_ports){GATE_TCP, 81, 90};
    check(has_rules(&gates, COUNT(loaded), NULL), "the rules are those that would be written");
    check(has_rules(&gates, 10, RULE("mine", "{\"drop\":null}") "{}]}"), "so they are beside a chain of no gate's");
    for (size_t i = 1; i + 1 < COUNT(loaded); i++)
        check(!has_rules(&gates, i, ""), "without its piece %zu it has not its rules", i);
    for (size_t i = 0; i < COUNT(wrong); i++)
        check(!has_rules(&gates, wrong[i].number, wrong[i].other), "nor with %s", wrong[i].what);
}

int main(void)
{
    test_one_gate();
    test_options();
    test_cut();
    test_reload();
    test_keeps_a_size();
    test_open_and_close();
    test_places();
    test_refusals();
    test_bad_gates();
    test_open_all();
    test_parse();
    test_parse_others();
    test_parse_element();
    test_complete();
    test_rules();
    return check_end();
}
