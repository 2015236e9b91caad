/* SPDX-License-Identifier: ISC */
/* foreign.h: what other tables do with the packets of a gate, and who would be shut out. */
#include "foreign.h"

#include "check.h"
#include "firewall.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Rulesets ---------------------------------------------------------------------------------------------------- */

#define OURS "\"family\":\"inet\",\"table\":\"ostiary_grants\""
#define OWN_SET(name, type)                                                                                            \
    "{\"set\":{" OURS ",\"name\":\"" name "\",\"type\":\"" type "\",\"size\":3,\"flags\":[\"timeout\"]}},"
/* Our table, complete, for one gate at input. */
#define LOADED                                                                                                         \
    OWN_SET("ssh_4_32", "ipv4_addr")                                                                                   \
    OWN_SET("ssh_6_64", "ipv6_addr")                                                                                   \
    OWN_SET("ssh_6_128", "ipv6_addr")                                                                                  \
    "{\"chain\":{" OURS                                                                                                \
    ",\"name\":\"input\",\"type\":\"filter\",\"hook\":\"input\",\"prio\":-5,\"policy\":\"accept\"}},"                  \
    "{\"chain\":{" OURS ",\"name\":\"gate_ssh\"}},"                                                                    \
    "{\"rule\":{" OURS ",\"chain\":\"gate_ssh\",\"expr\":[{\"drop\":null}]}},"                                         \
    "{\"rule\":{" OURS ",\"chain\":\"input\",\"expr\":[{\"jump\":{\"target\":\"gate_ssh\"}}]}},"

static char heard[8192]; /* the severities of what was reported, a letter each, and the texts in lines */
static char letters[64];

static void hear(void *context, const struct config_finding *finding)
{
    const size_t used = strlen(heard), count = strlen(letters);

    (void)context;
    snprintf(heard + used, sizeof(heard) - used, "%s:%u: %s\n", finding->file, finding->line, finding->text);
    snprintf(letters + count, sizeof(letters) - count, "%c", "nwe"[finding->severity]);
}

static const struct foreign_hearer hearer = {hear, NULL};

static void forget(void)
{
    heard[0] = letters[0] = '\0';
}

static struct gate ssh;
static struct gates gates = {.path = "grants.cfg", .list = &ssh, .count = 1};

static void reset(void)
{
    ssh = firewall_gate("ssh", 22);
    ssh.line = 3;
    forget();
}

/* One more table, "ip filter" or another, with a chain at a hook, and rules: "CHAIN EXPR" each. */
struct foreign_table {
    const char *family, *hook, *policy;
    const char *rules[8][2];
};

static const char *ruleset_with(const struct foreign_table *table)
{
    static char json[16384];
    size_t used =
        (size_t)snprintf(json, sizeof(json),
                         "{\"nftables\":[" LOADED
                         "{\"chain\":{\"family\":\"%s\",\"table\":\"filter\",\"name\":\"INPUT\",\"type\":\"filter\","
                         "\"hook\":\"%s\",\"prio\":0,\"policy\":\"%s\"}}",
                         table->family, table->hook, table->policy);

    for (size_t i = 0; i < COUNT(table->rules) && table->rules[i][0] != NULL; i++)
        used += (size_t)snprintf(json + used, sizeof(json) - used,
                                 ",{\"rule\":{\"family\":\"%s\",\"table\":\"filter\",\"chain\":\"%s\",\"expr\":[%s]}}",
                                 table->family, table->rules[i][0], table->rules[i][1]);
    snprintf(json + used, sizeof(json) - used, "]}");
    return json;
}

/* The severities of what is found: "" for nothing. */
static void finds(const struct foreign_table *table, const char *wanted, const char *what)
{
    const char *json = ruleset_with(table);

    forget();
    check(foreign_check_ruleset(json, strlen(json), &gates, &hearer) == 0, "it is a ruleset");
    check_text(letters, wanted, what);
    if (strcmp(letters, wanted) != 0)
        check_show("heard", heard);
}

#define MATCH(left, right) "{\"match\":{\"op\":\"==\",\"left\":" left ",\"right\":" right "}}"
#define PORT               "{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}}"
#define SADDR              "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
#define IIFNAME            "{\"meta\":{\"key\":\"iifname\"}}"
#define STATE(states)      "{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":" states "}}"
#define ACCEPT             "{\"accept\":null}"
#define DROP               "{\"drop\":null}"
#define REJECT             "{\"reject\":{\"type\":\"icmpx\",\"expr\":\"admin-prohibited\"}}"
#define JUMP(chain)        "{\"jump\":{\"target\":\"" chain "\"}}"
#define GOTO(chain)        "{\"goto\":{\"target\":\"" chain "\"}}"
#define LIMIT              "{\"limit\":{\"rate\":25,\"burst\":5,\"per\":\"second\"}}"
#define NETWORK            "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}"

static void test_policy(void)
{
    reset();
    finds(&(struct foreign_table){"inet", "input", "accept", {{NULL}}}, "", "a chain that accepts is none's business");
    finds(&(struct foreign_table){"inet", "input", "drop", {{NULL}}}, "w", "one that drops all is");
    check(strstr(heard, "grants.cfg:3: gate 'ssh': the chain 'INPUT' of the table 'inet filter'") == heard,
          "it is said which");
    finds(&(struct foreign_table){"ip", "input", "drop", {{NULL}}}, "w", "one of iptables too");
    finds(&(struct foreign_table){"inet", "prerouting", "drop", {{NULL}}}, "w", "and one that comes before");
    finds(&(struct foreign_table){"inet", "forward", "drop", {{NULL}}}, "", "not one at another hook");
    finds(&(struct foreign_table){"bridge", "input", "drop", {{NULL}}}, "", "nor one of another family");
    ssh.hook = GATE_FORWARD;
    finds(&(struct foreign_table){"inet", "forward", "drop", {{NULL}}}, "ew", "a gate in a router is of that hook");
    reset();
}

/* A host with a firewall as people write it, where these rules stand before its policy. */
static void with_rule(const char *expr, const char *wanted, const char *what)
{
    finds(&(struct foreign_table){"inet",
                                  "input",
                                  "drop",
                                  {{"INPUT", MATCH(IIFNAME, "\"lo\"") "," ACCEPT},
                                   {"INPUT", STATE("[\"established\",\"related\"]") "," ACCEPT},
                                   {"INPUT", MATCH(PORT, "80") "," ACCEPT},
                                   {"INPUT", MATCH("{\"meta\":{\"key\":\"l4proto\"}}",
                                                   "{\"set\":[\"icmp\",\"ipv6-icmp\"]}") "," ACCEPT},
                                   {"INPUT", expr}}},
          wanted, what);
}

static void test_accepts(void)
{
    reset();
    with_rule("{\"counter\":{\"packets\":0,\"bytes\":0}}", "w",
              "loopback, what is under way, other ports: none of these is the gate's");
    with_rule(MATCH(PORT, "22") "," ACCEPT, "", "its port accepted");
    with_rule(MATCH(PORT, "{\"set\":[22,80]}") "," ACCEPT, "", "its port among others");
    with_rule(MATCH(PORT, "{\"set\":[{\"range\":[20,25]}]}") "," ACCEPT, "", "its port in a range");
    with_rule(MATCH(PORT, "{\"range\":[20,25]}") "," ACCEPT, "", "its port in a range alone");
    with_rule(MATCH(PORT, "23") "," ACCEPT, "w", "another port");
    with_rule(MATCH("{\"payload\":{\"protocol\":\"udp\",\"field\":\"dport\"}}", "22") "," ACCEPT, "w",
              "another protocol");
    with_rule(MATCH("{\"payload\":{\"protocol\":\"th\",\"field\":\"dport\"}}", "22") "," ACCEPT, "",
              "whatever protocol");
    with_rule(MATCH(PORT, "22") "," LIMIT "," ACCEPT, "", "its port, as often as anybody needs");
    with_rule(MATCH(PORT, "22") "," STATE("\"new\"") "," ACCEPT, "", "its new connections");
    with_rule(MATCH("{\"meta\":{\"key\":\"l4proto\"}}", "\"tcp\"") "," ACCEPT, "", "its protocol");
    with_rule(MATCH(SADDR, NETWORK) "," MATCH(PORT, "22") "," ACCEPT, "w",
              "its port, from some places, and IPv4 alone: no IPv6 comes in");
    with_rule(MATCH(IIFNAME, "\"eth1\"") "," MATCH(PORT, "22") "," ACCEPT, "n",
              "its port, at one interface: some may come in");
    with_rule(MATCH(PORT, "\"@open\"") "," ACCEPT, "n", "ports in a set that nobody knows");
    with_rule(MATCH(IIFNAME, "\"eth1\"") "," ACCEPT, "w", "all that comes in elsewhere");
    with_rule("{\"xt\":null}," ACCEPT, "w", "what iptables knows alone");
    ssh.interface = "eth1";
    with_rule(MATCH(IIFNAME, "\"eth1\"") "," ACCEPT, "", "all that comes in where the gate is");
    with_rule(MATCH(IIFNAME, "\"eth0\"") "," ACCEPT, "w", "all that comes in where the gate is not");
    reset();
}

static void drops(const char *expr, const char *wanted, const char *what)
{
    finds(&(struct foreign_table){"inet", "input", "accept", {{"INPUT", expr}}}, wanted, what);
}

static void test_drops(void)
{
    reset();
    drops(DROP, "w", "all");
    drops(REJECT, "w", "all, with a word");
    drops(MATCH(PORT, "22") "," DROP, "w", "its port");
    drops(MATCH(PORT, "23") "," DROP, "", "another port");
    drops("{\"match\":{\"op\":\"!=\",\"left\":" PORT ",\"right\":80}}," DROP, "w", "each port but one");
    drops(STATE("\"invalid\"") "," DROP, "", "what is no connection");
    drops(MATCH(PORT, "22") "," MATCH(SADDR, "\"@banned\"") "," DROP, "", "who is banned");
    drops(MATCH(PORT, "22") "," LIMIT "," DROP, "", "who comes too often");
    drops("{\"match\":{\"op\":\"!=\",\"left\":" SADDR ",\"right\":" NETWORK "}}," MATCH(PORT, "22") "," DROP, "n",
          "its port, but from one network");
    drops("{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},\"data\":{\"set\":[[\"invalid\"," DROP
          "],[\"established\"," ACCEPT "]]}}}",
          "", "in a map: what is no connection");
    drops("{\"vmap\":{\"key\":" PORT ",\"data\":{\"set\":[[80," ACCEPT "],[22," DROP "]]}}}", "w",
          "in a map: its port");
    drops("{\"vmap\":{\"key\":" PORT ",\"data\":\"@ports\"}}", "", "a map that nobody knows");
    ssh.ports[0].last = 30;
    drops(MATCH(PORT, "22") "," DROP, "n", "one of its ports");
    reset();
}

/* Conditions, each of which is met by all packets of the gate, by none, by some, or by nobody knows whom. */
#define META(key)     "{\"meta\":{\"key\":\"" key "\"}}"
#define PROTOCOL      "{\"payload\":{\"protocol\":\"ip\",\"field\":\"protocol\"}}"
#define WITH(op, ...) "{\"match\":{\"op\":\"" op "\",\"left\":" __VA_ARGS__ "}}"

static void test_conditions(void)
{
    reset();
    drops(MATCH(META("nfproto"), "\"ipv4\"") "," DROP, "w", "all of IPv4");
    drops(MATCH(META("nfproto"), "\"ipv6\"") "," DROP, "w", "all of IPv6");
    drops(MATCH(META("protocol"), "\"ip\"") "," DROP, "w", "all of IPv4, in other words");
    drops(MATCH(META("protocol"), "\"arp\"") "," DROP, "", "what is neither");
    drops(MATCH(META("l4proto"), "\"@protocols\"") "," DROP, "", "protocols that nobody knows");
    drops(MATCH(PROTOCOL, "\"tcp\"") "," DROP, "w", "its protocol");
    drops(MATCH(PROTOCOL, "\"udp\"") "," DROP, "", "another protocol");
    drops(MATCH(META("oifname"), "\"eth0\"") "," DROP, "n", "what goes out at one interface");
    drops(MATCH(META("iifname"), "\"@outside\"") "," DROP, "", "what comes in where nobody knows");
    drops(MATCH(META("mark"), "1") "," DROP, "", "what bears a mark");
    drops(MATCH("{\"ct\":{\"key\":\"mark\"}}", "1") "," DROP, "", "or is of a connection that does");
    drops(MATCH(PORT, "\"ssh\"") "," DROP, "", "a port by a name");
    drops(WITH("!=", PORT ",\"right\":22") "," DROP, "", "each port but its own");
    drops(WITH("<", PORT ",\"right\":1024") "," DROP, "", "a comparison that is not looked into");
    with_rule("{\"vmap\":{\"key\":{\"concat\":[" SADDR "," PORT
              "]},\"data\":{\"set\":[[{\"concat\":[\"10.0.0.1\",22]}," ACCEPT "]]}}}",
              "n", "its port from one address, in a map of both");
    reset();
}

static void test_jumps(void)
{
    reset();
    finds(
        &(struct foreign_table){
            "inet", "input", "drop", {{"INPUT", JUMP("services")}, {"services", MATCH(PORT, "22") "," ACCEPT}}},
        "", "its port accepted in another chain");
    finds(
        &(struct foreign_table){"inet",
                                "input",
                                "drop",
                                {{"INPUT", JUMP("services")}, {"services", "{\"return\":null}"}, {"services", ACCEPT}}},
        "w", "what stands behind a return is not reached");
    finds(
        &(struct foreign_table){
            "inet",
            "input",
            "drop",
            {{"INPUT", GOTO("services")}, {"INPUT", ACCEPT}, {"services", MATCH(PORT, "80") "," ACCEPT}}},
        "w", "nor what stands behind a goto");
    finds(
        &(struct foreign_table){
            "inet", "input", "accept", {{"INPUT", MATCH(PORT, "80") "," JUMP("web")}, {"web", DROP}}},
        "", "a jump for another port");
    finds(
        &(struct foreign_table){
            "inet", "input", "accept", {{"INPUT", MATCH(IIFNAME, "\"eth1\"") "," JUMP("guests")}, {"guests", DROP}}},
        "n", "a jump for some");
    finds(&(struct foreign_table){"inet", "input", "accept", {{"INPUT", JUMP("INPUT")}, {"INPUT", DROP}}}, "w",
          "a chain that jumps to itself has an end");
    finds(
        &(struct foreign_table){
            "inet",
            "input",
            "accept",
            {{"INPUT", JUMP("INPUT")}, {"INPUT", JUMP("INPUT")}, {"INPUT", JUMP("INPUT")}, {"INPUT", JUMP("INPUT")}}},
        "", "and one with more ways than can be walked");
}

static void test_any(void)
{
    reset();
    ssh.any = true;
    ssh.port_count = 0;
    drops(MATCH(PORT, "22") "," DROP, "", "a port of a gate for all packets");
    drops(DROP, "w", "all packets");
    with_rule(MATCH(PORT, "22") "," ACCEPT, "n", "some of its ports");
    reset();
}

static int rules(const char *list)
{
    char json[8192];

    forget();
    snprintf(json, sizeof(json), "{\"nftables\":[%s{}]}", list);
    return foreign_check_ruleset(json, strlen(json), &gates, &hearer);
}

static void test_ours(void)
{
    struct gate list[2];

    reset();
    check(rules(LOADED) == 0 && letters[0] == '\0', "with its rules loaded nothing is said of a gate");
    check(rules("") == 0 && strcmp(letters, "e") == 0, "without them it is said that nothing is shut");
    check(strstr(heard, "grants.cfg:0: the rules are not loaded") == heard, "once");
    list[0] = ssh;
    list[1] = firewall_gate("web", 80);
    list[1].line = 4;
    gates.list = list;
    gates.count = 2;
    check(rules(LOADED) == 0 && strcmp(letters, "e") == 0 &&
              strstr(heard, "grants.cfg:4: gate 'web' is not in") == heard,
          "a gate that is missing is named");
    list[0].by_commands = list[1].by_commands = true;
    check(rules("") == 0 && letters[0] == '\0', "gates of another firewall need none");
    gates.list = &ssh;
    gates.count = 1;
    check(foreign_check_ruleset("{", 1, &gates, &hearer) == -1, "what is no JSON is none");
}

static void test_strange_names(void)
{
    reset();
    check(rules(LOADED "{\"chain\":{\"family\":\"inet\",\"table\":\"a\\n\xc3\xa4\",\"name\":\"b\",\"hook\":\"input\","
                       "\"policy\":\"drop\"}},") == 0 &&
              strstr(heard, "'inet a\?\?\?'") != NULL,
          "a name that could not stand in a line is shown without what it is made of");
}

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

#define HEADER "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
/* 192.0.2.1:22 is listened to, and 198.51.100.9:40000 and 127.0.0.1 are there; [2001:db8::9]:40001 by IPv6. */
static const char tcp[] = HEADER "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
                                 "   1: 010200C0:0016 096433C6:9C40 01 00000000:00000000 00:00000000 00000000     0\n"
                                 "   2: 0100007F:0016 0100007F:9C44 01 00000000:00000000 00:00000000 00000000     0\n"
                                 "   3: 010200C0:9C47 0A6433C6:0016 01 00000000:00000000 00:00000000 00000000     0\n";
static const char tcp6[] = HEADER
    "   0: B80D0120000000000000000001000000:0016 B80D0120000000000000000009000000:9C41 01 00000000:00000000 00:0 0 0\n"
    "   1: 0000000000000000FFFF0000010200C0:0016 0000000000000000FFFF00000B6433C6:9C42 01 00000000:00000000 00:0 0 0\n"
    "   2: 0000000000000000FFFF0000010200C0:0016 0000000000000000FFFF0000";

static const struct nft_table nothing;

static void session(const char *ssh_connection, const struct nft_table *now, const char *wanted, const char *what)
{
    const struct foreign_sockets sockets = {ssh_connection, tcp, tcp6};

    forget();
    foreign_check_sessions(&sockets, &gates, now, &hearer);
    check_text(letters, wanted, what);
    if (strcmp(letters, wanted) != 0)
        check_show("heard", heard);
}

static void test_session(void)
{
    static const char here[] = "198.51.100.9 40000 192.0.2.1 22";
    struct nft_element element = firewall_element("ssh", "198.51.100.0/24", 1000);
    const struct nft_table granted = {.loaded = true, .elements = &element, .element_count = 1};
    struct source always = firewall_network("198.51.100.0/24");

    reset();
    session(here, &nothing, "w", "a session that the gate shuts");
    check(strstr(heard, "from 198.51.100.9 to port 22") != NULL &&
              strstr(heard, "ostgrant grant ssh 198.51.100.9") != NULL,
          "with its address, and what to do");
    check(strstr(heard, "it may go on") != NULL, "and what becomes of it");
    ssh.cut = true;
    session(here, &nothing, "w", "likewise where it is cut");
    check(strstr(heard, "it ends when the rules are loaded") != NULL, "and then it ends");
    ssh.cut = false;
    session("2001:db8::9 40001 2001:db8::1 22", &nothing, "w", "by IPv6");
    session("198.51.100.11 40002 192.0.2.1 22", &nothing, "w", "by IPv4 at a socket for IPv6");
    session(here, &granted, "", "what is granted");
    snprintf(element.gate, sizeof(element.gate), "web");
    session(here, &granted, "w", "at another gate");
    gates.always = &always;
    gates.always_count = 1;
    session(here, &nothing, "", "what is in ALWAYS");
    gates.always_count = 0;
    gates.free[0] = ssh.ports[0];
    gates.free_count = 1;
    session(here, &nothing, "", "a port that is in FREE");
    gates.free_count = 0;
    ssh.ports[0].protocol = GATE_UDP;
    session(here, &nothing, "", "another protocol");
    ssh.any = true;
    session(here, &nothing, "w", "a gate for all packets");
    reset();
    ssh.hook = GATE_FORWARD;
    session(here, &nothing, "", "another hook");
    reset();
    ssh.by_commands = true;
    session(here, &nothing, "", "another firewall");
    reset();
}

static void test_others(void)
{
    static const char *const old[] = {NULL,
                                      "",
                                      "198.51.100.9",
                                      "198.51.100.9 40000 192.0.2.1",
                                      "198.51.100.9 1 192.0.2.1 22",
                                      "a b c d",
                                      "198.51.100.9 40000 192.0.2.1 99999"};
    struct nft_element element = firewall_element("ssh", "0.0.0.0/0", 1000);
    const struct nft_table granted = {.loaded = true, .elements = &element, .element_count = 1};

    reset();
    for (size_t i = 0; i < COUNT(old); i++)
        session(old[i], &nothing, "n", "where no session is known, all who are connected are asked about");
    check(strstr(heard, "3 connections are there now") != NULL &&
              strstr(heard, "as from 198.51.100.9 to port 22") != NULL,
          "how many, and one of them; not this machine itself, nor whom it has called");
    session(NULL, &granted, "n", "who is granted is not among them");
    check(strstr(heard, "1 connection is there now") != NULL && strstr(heard, "2001:db8::9") != NULL, "the other is");
    ssh.ports[0].first = ssh.ports[0].last = 23;
    session(NULL, &nothing, "", "nobody is connected to another port");
    reset();
}

int main(void)
{
    test_policy();
    test_accepts();
    test_drops();
    test_conditions();
    test_jumps();
    test_any();
    test_ours();
    test_strange_names();
    test_session();
    test_others();
    return check_end();
}
