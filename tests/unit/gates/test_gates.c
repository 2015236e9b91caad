/* SPDX-License-Identifier: ISC */
/*
 * gates.h. Most cases are files in tests/data/gates (its path is the first argument): good ones are read, broken ones
 * are refused, and each has the findings that it wants (corpus.h). The second argument is the example that is
 * installed.
 */
#include "gates.h"

#include "check.h"
#include "corpus.h"
#include "ports.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define MARK "zz9" /* in every senseless value of the corpus */
#define GATE "GATE=\"ssh\",\"tcp 22\"\n"

static struct findings last; /* of the last file that was read */

static struct config_reader new_reader(void)
{
    last = (struct findings){0};
    return (struct config_reader){.path = "ostiary-grants.cfg", .report = findings_collect, .context = &last};
}

/* Parse a copy of exactly len bytes and a NUL, to which nothing that is kept may point. */
static int parse_bytes(const char *bytes, size_t len, struct gates *gates)
{
    const struct config_reader reader = new_reader();
    char *text = malloc(len + 1);

    memcpy(text, bytes, len);
    text[len] = '\0';
    const int status = gates_parse(text, len, &reader, gates);
    memset(text, 0xdb, len + 1);
    free(text);
    return status;
}

static int parse(const char *text, struct gates *gates)
{
    return parse_bytes(text, strlen(text), gates);
}

/* ---- The corpus ---- */

static void check_file(const char *path, const char *name, bool good)
{
    static char expected[FINDINGS_LEN];
    struct gates gates;
    size_t len;
    char *content = corpus_read(path, &len);

    corpus_expected(path, content, expected);
    const int status = parse_bytes(content, len, &gates);
    check(status == (good ? 0 : -1), "%s is %s", name, good ? "good" : "refused");
    check_text(last.text, expected, "and says exactly what was expected");
    check(good || (gates.memory == NULL && gates.count == 0 && gates.list == NULL), "%s leaves nothing", name);
    check(strstr(last.text, MARK) == NULL, "no finding of %s quotes what has no sense", name);
    gates_free(&gates);
    free(content);
}

static void check_good(const char *path, const char *name)
{
    check_file(path, name, true);
}

static void check_broken(const char *path, const char *name)
{
    check_file(path, name, false);
}

static void test_corpus(const char *corpus)
{
    const unsigned good = corpus_each(corpus, "good", check_good);
    const unsigned broken = corpus_each(corpus, "broken", check_broken);

    check(good >= 25 && broken >= 100, "%u good files and %u broken ones were found", good, broken);
}

static void load_good(const char *corpus, const char *name, struct gates *gates)
{
    char path[PATH_MAX];
    size_t len;

    snprintf(path, sizeof(path), "%s/good/%s.cfg", corpus, name);
    char *content = corpus_read(path, &len);
    check(parse_bytes(content, len, gates) == 0, "%s is read", name);
    free(content);
}

/* ---- What good files mean ---- */

static void check_ports(const struct gate_ports *ports, enum gate_protocol protocol, unsigned first, unsigned end)
{
    check(ports->protocol == protocol && ports->first == first && ports->last == end, "%s %u-%u",
          ports_protocol_text(protocol), first, end);
}

static void test_defaults(void)
{
    struct gates gates;

    check(parse(GATE, &gates) == 0 && last.count == 0, "one GATE is enough, and nothing is found");
    const struct gate *gate = &gates.list[0];
    check_number(gates.count, 1, "one gate");
    check_text(gate->name, "ssh", "its name");
    check_number(gate->line, 1, "its line");
    check_number(gate->port_count, 1, "one port");
    check_ports(&gate->ports[0], GATE_TCP, 22, 22);
    check(!gate->by_commands && !gate->any && gate->hook == GATE_INPUT && gate->interface == NULL, "input, everywhere");
    check(gate->grant == NULL && gate->revoke == NULL && gate->list == NULL, "no command");
    check_number(gate->lifetime_s, 90000, "lifetime is 25h");
    check_number(gate->most_s, 180000, "most is 50h");
    check(gate->renew == GATE_RENEW_ASKING && !gate->cut, "renew is asking, established is keep");
    check_number(gate->ipv6_prefix, 64, "ipv6-prefix is 64");
    check(!gate->sealed && !gate->web && !gate->web_admin, "neither sealed nor web nor web-admin");
    check_number(gate->size, 65536, "size is 65536");
    check(gates.always_count == 0 && gates.free_count == 0 && gates.user_count == 0 && gates.admin_count == 0,
          "there is no ALWAYS, FREE, USER and ADMIN");
    check_text(gates.web_user, "www-data", "WEB_USER is www-data");
    check_text(gates.state_dir, "/var/lib/ostiary", "STATE_DIR is /var/lib/ostiary");
    check_number((uint64_t)gates.log_level, LOG_INFO, "MIN_LOGLEVEL is LOG_INFO");
    check_text(gates.path, "ostiary-grants.cfg", "the path is kept");
    gates_free(&gates);
    check(gates.memory == NULL && gates.list == NULL && gates.count == 0, "nothing is left when freed");
    gates_free(&gates);
}

static void test_all_gates(const struct gates *gates)
{
    const struct gate *ssh = gates_find(gates, "ssh");
    const struct gate *lan = gates_find(gates, "lan_2");
    const struct gate *router = gates_find(gates, "router-x");

    if (!check(gates->count == 3 && ssh != NULL && lan != NULL && router != NULL, "each gate is found by its name"))
        return;
    check(gates_find(gates, "ss") == NULL && gates_find(gates, "") == NULL, "and no other");
    check(ssh->lifetime_s == 43200 && ssh->most_s == 259200 && ssh->renew == GATE_RENEW_USE, "the times of a gate");
    check(ssh->ipv6_prefix == 56 && ssh->cut && ssh->web && ssh->web_admin && !ssh->sealed && ssh->size == 128,
          "and what else it has");
    check_text(ssh->interface, "eth0", "and its interface");
    check_number(lan->port_count, 3, "several ports, of two protocols");
    check_ports(&lan->ports[0], GATE_TCP, 1000, 2000);
    check_ports(&lan->ports[1], GATE_TCP, 3000, 3000);
    check_ports(&lan->ports[2], GATE_UDP, 60000, 61000);
    check(lan->hook == GATE_FORWARD && lan->renew == GATE_RENEW_NO, "a gate of a router");
    check(router->by_commands && router->port_count == 0 && !router->any, "a gate of commands");
    check_text(router->grant, "/usr/local/sbin/open", "grant=");
    check_text(router->revoke, "/usr/local/sbin/close", "revoke=");
    check_text(router->list, "/usr/local/sbin/open-list", "list=");
}

static void test_who(const struct gates *gates)
{
    const struct gates_rule *users = gates->users;

    if (!check(gates->user_count == 3 && gates->admin_count == 2, "each USER and ADMIN is there"))
        return;
    check(users[0].who == GATES_USER && users[0].to_count == 2 && users[0].to[0] == gates_find(gates, "ssh") &&
              users[0].to[1] == gates_find(gates, "router-x"),
          "a user with two gates");
    check_text(users[0].name, "alice", "his name");
    check(users[1].who == GATES_GROUP && users[1].to_count == 1 && users[1].to[0] == users[0].to[0], "a group");
    check_text(users[1].name, "staff", "its name, without the @");
    check(users[2].who == GATES_EVERYBODY && users[2].name == NULL && users[2].to[0] == users[0].to[1], "everybody");
    check(gates->admins[0].who == GATES_USER && gates->admins[1].who == GATES_GROUP && gates->admins[1].to == NULL,
          "the admins of one line");
    check_text(gates->admins[1].name, "wheel", "each by its name");
    check_text(gates->web_user, "http", "WEB_USER");
}

static void test_all(const char *corpus)
{
    struct gates gates;

    load_good(corpus, "all-keywords", &gates);
    test_all_gates(&gates);
    test_who(&gates);
    check_number(gates.free_count, 4, "FREE adds up");
    check_ports(&gates.free[2], GATE_UDP, 53, 53);
    check_ports(&gates.free[3], GATE_TCP, 443, 443);
    check(gates.always_count == 3 && gates.always[0].prefix == 96 + 24 && gates.always[1].prefix == 48 &&
              gates.always[2].prefix == 128,
          "ALWAYS, each with its prefix");
    check_text(gates.state_dir, "/srv/ostiary", "STATE_DIR");
    check_number((uint64_t)gates.log_level, LOG_DEBUG, "MIN_LOGLEVEL");
    gates_free(&gates);
}

static void test_some(const char *corpus)
{
    struct gates gates;

    load_good(corpus, "any", &gates);
    check(gates.list[0].any && gates.list[0].port_count == 0 && !gates.list[0].by_commands, "\"any\" has no ports");
    gates_free(&gates);

    load_good(corpus, "always-overlap", &gates);
    check(gates.always_count == 3 && gates.always[0].prefix == 96 + 8 && gates.always[1].prefix == 32 &&
              gates.always[2].prefix == 10,
          "of networks that lie within each other the widest is kept");
    gates_free(&gates);

    load_good(corpus, "always-everybody", &gates);
    check(gates.always_count == 2 && gates.always[0].prefix == 96 && gates.always[1].prefix == 0,
          "all of IPv6 does not have IPv4 within");
    gates_free(&gates);

    load_good(corpus, "user-before-gate", &gates);
    check(gates.users[0].to[0] == &gates.list[0], "a USER may stand before its gate");
    gates_free(&gates);

    load_good(corpus, "longest", &gates);
    check(strlen(gates.list[0].name) == GATES_NAME_MAX && strlen(gates.users[0].name) == GATES_USER_MAX &&
              gates.list[0].port_count == GATES_PORTS_MAX,
          "what is as long as it may be is whole");
    check_number(gates.list[0].lifetime_s, UINT64_C(3650) * 86400, "lifetime=3650d");
    gates_free(&gates);

    load_good(corpus, "commands-short", &gates);
    check_number(gates.list[0].most_s, 118, "most= is twice the lifetime where it is not written");
    gates_free(&gates);
    check(parse("GATE=\"a\",\"tcp 1\",\"lifetime=3000d\"\n", &gates) == 0 &&
              gates.list[0].most_s == UINT64_C(3650) * 86400,
          "and not more than any may be");
    gates_free(&gates);
}

/* The limits, and one more. */
static void test_limits(void)
{
    static char text[262144];
    size_t len = 0;
    struct gates gates;

    for (unsigned i = 1; i <= GATES_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "GATE=g%u,\"tcp %u\",web=yes\n", i, i);
    for (unsigned i = 0; i < GATES_USERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "USER=u%u,g1,g2,g3,g4,g5,g6,g7,g8,g9,g10,g11,g12,g13,g14,g15\n", i);
    for (unsigned i = 0; i < GATES_ALWAYS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "ALWAYS=10.0.0.%u\n", i);
    for (unsigned i = 1; i <= GATES_PORTS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "FREE=\"udp %u\"\n", i);
    check(parse(text, &gates) == 0 && gates.count == GATES_MAX && gates.user_count == GATES_USERS_MAX &&
              gates.always_count == GATES_ALWAYS_MAX && gates.free_count == GATES_PORTS_MAX,
          "as many as there may be of each");
    check(gates.count == GATES_MAX && gates.users[GATES_USERS_MAX - 1].to[14] == gates_find(&gates, "g15"),
          "and the last is whole");
    gates_free(&gates);
}

/* ---- The example ---- */

/* Take the # away from each line that has a keyword right behind it. */
static void uncomment(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        const bool starts = in == text || in[-1] == '\n';

        if (!starts || *in != '#' || in[1] < 'A' || in[1] > 'Z')
            *out++ = *in;
    }
    *out = '\0';
}

static void test_example(const char *path)
{
    struct gates defaults;
    struct gates gates;
    size_t len;
    char *text = corpus_read(path, &len);

    check(parse(text, &gates) != 0, "the example that is installed shuts nothing as it is");
    check_text(last.text, "0: error: there is no GATE: nothing is shut, and nothing could be opened\n",
               "and says so, and nothing else is wrong with it");
    uncomment(text);
    check(parse(text, &gates) == 0 && last.count == 0, "with every line uncommented it is good");
    check_text(last.text, "", "and nothing is found");
    check(parse(GATE, &defaults) == 0 && strcmp(gates.state_dir, defaults.state_dir) == 0 &&
              strcmp(gates.web_user, defaults.web_user) == 0 && gates.log_level == defaults.log_level,
          "it shows the defaults");
    check(gates.count >= 3 && gates.always_count >= 1 && gates.free_count >= 1 && gates.user_count >= 1 &&
              gates.admin_count >= 1,
          "and an example of all else");
    gates_free(&gates);
    gates_free(&defaults);
    free(text);
}

/* ---- Names and networks ---- */

static void test_names(void)
{
    static const char *const names[] = {"a", "ssh", "s-2_x", "abcdefghijklmnopqrstuvwx"};
    static const char *const no_names[] = {
        "", "A", "1a", "-a", "_a", "a b", "a.b", "\xc3\xa4", "abcdefghijklmnopqrstuvwxy"};
    static const char *const users[] = {"a", "Alice", "alice@example.org", "a.b-c_d+e", "4711", "+a", ".a", "_a"};
    static const char *const no_users[] = {"", "-a", "@a", "a b", "a\\b", "a/b", "a:b", "a\"b", "a\nb", "\xc3\xa4"};
    char longest[GATES_USER_MAX + 2];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check(gates_is_name(names[i]), "'%s' could be a gate", names[i]);
    for (size_t i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++)
        check(!gates_is_name(no_names[i]), "'%s' could not", no_names[i]);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        check(gates_is_user(users[i]), "'%s' could be a user", users[i]);
    for (size_t i = 0; i < sizeof(no_users) / sizeof(no_users[0]); i++)
        check(!gates_is_user(no_users[i]), "name %zu could not", i);
    memset(longest, 'u', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    check(!gates_is_user(longest) && gates_is_user(longest + 1), "64 bytes are the most");
}

static void opens(const char *host, uint8_t ipv6_prefix, const char *want)
{
    const struct gate gate = {.ipv6_prefix = ipv6_prefix};
    char text[ADDRESS_TEXT_LEN] = "nothing";
    struct address address;
    struct source network, parsed;

    /* Networks are compared as they are in memory: nothing of it may be what was there before. */
    memset(&network, 0xa5, sizeof(network));
    memset(&parsed, 0x5a, sizeof(parsed));
    if (address_parse(host, &address) == ADDRESS_OK && gates_network(&gate, &address, &network)) {
        address_format_source(&network, text);
        check(address_parse_network(text, &parsed) == ADDRESS_OK && memcmp(&parsed, &network, sizeof(parsed)) == 0,
              "the same network as when it is read");
    }
    check_text(text, want, host);
    if (strcmp(want, "nothing") != 0)
        check(gates_can_hold(&network), "which a set can hold");
}

static void holds(const char *text, bool want)
{
    struct source network;

    check(address_parse_network(text, &network) == ADDRESS_OK && gates_can_hold(&network) == want,
          "a set can %shold %s", want ? "" : "not ", text);
}

static void has_hosts(const char *text, bool want)
{
    struct source network;

    check(address_parse_network(text, &network) == ADDRESS_OK && gates_has_hosts(&network) == want,
          "%s is the address of %s host", text, want ? "some" : "no");
}

static void test_hosts(void)
{
    static const char *const some[] = {"192.0.2.7",       "0.0.0.0/0",       "0.0.0.0/7",   "::/0",
                                       "64:ff9b::/96",    "1.0.0.0",         "126.0.0.0/8", "128.0.0.0",
                                       "223.255.255.255", "255.255.255.254", "2001:db8::1"};
    static const char *const none[] = {"127.0.0.1",       "127.0.0.0/8",     "0.0.0.0", "224.0.0.1",
                                       "239.255.255.255", "255.255.255.255", "::",      "::1",
                                       "::/64",           "ff02::1",         "ff00::/8"};

    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        has_hosts(some[i], true);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        has_hosts(none[i], false);
}

static void test_networks(void)
{
    opens("192.0.2.7", 64, "192.0.2.7");
    opens("::ffff:192.0.2.7", 64, "192.0.2.7");
    opens("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64");
    opens("2001:db8:1:2:3:4:5:6", 56, "2001:db8:1::/56");
    opens("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6");
    opens("2001:db8:1:2:3:4:5:6", 32, "2001:db8::/32");
    opens("64:ff9b::192.0.2.7", 64, "64:ff9b::c000:207");
    opens("64:ff9b:1::1", 64, "64:ff9b:1::/64");
    opens("2002:c000:207::1", 64, "2002:c000:207::/64");
    opens("fe80::1%eth0", 64, "nothing");
    holds("192.0.2.0/24", true);
    holds("0.0.0.0/0", true);
    holds("::/0", true);
    holds("2000::/3", true);
    holds("2001:db8::/32", true);
    holds("::/8", false);
    holds("::/80", false);
    holds("fe80::/10", false);
    holds("fe80::1%lo", false);
    holds("fe80::%lo/64", false);
    holds("fe80::/9", true);
}

/* ---- The file ---- */

static char scratch[] = "/tmp/ostiary-test-gates-XXXXXX";
static char file_path[sizeof(scratch) + 16];

static void load_is(mode_t mode, const char *want, const char *what)
{
    struct config_reader reader = new_reader();
    struct gates gates;

    reader.path = file_path;
    chmod(file_path, mode);
    check((gates_load(&reader, &gates) == 0) == (want[0] == '\0'), "I8: %s", what);
    check_text(last.text, want, "with the reason");
    check(want[0] == '\0' || gates.memory == NULL, "and nothing is left");
    gates_free(&gates);
}

static void test_load(void)
{
    FILE *file;

    snprintf(file_path, sizeof(file_path), "%s/gates.cfg", scratch);
    load_is(
        0600,
        "0: error: the file cannot be opened: No such file or directory: make it, as ostiary-grants.cfg(5) shows, or "
        "name another one with -c\n",
        "a missing file");
    file = fopen(file_path, "w");
    fputs(GATE, file);
    fclose(file);
    load_is(0600, "", "a file of root's alone is read");
    load_is(0644, "", "so is one that others may read: there is no secret in it");
    load_is(0664, "0: error: the file is writable by its group or others: chmod go-w\n",
            "one that the group can write");
    load_is(0646, "0: error: the file is writable by its group or others: chmod go-w\n", "one that others can write");
    if (geteuid() == 0) {
        check(chown(file_path, 65534, 0) == 0, "the file gets another owner");
        load_is(0644, "0: error: the file is owned by neither root nor the user who reads it: chown root\n",
                "one of another user");
    }
    unlink(file_path);
}

/* ---- Every input ends, soon and within bounds ---- */

static double seconds_for(const char *pattern, size_t len)
{
    const size_t pattern_len = strlen(pattern);
    char *text = malloc(len + 1);
    struct gates gates;

    for (size_t i = 0; i < len; i++)
        text[i] = pattern[i % pattern_len];
    text[len] = '\0';
    const clock_t start = clock();
    parse_bytes(text, len, &gates);
    const clock_t end = clock();
    gates_free(&gates);
    free(text);
    return (double)(end - start) / CLOCKS_PER_SEC;
}

static void test_linear_time(void)
{
    static const char *const patterns[] = {"GATE=a,any\n",
                                           "GATE=\"a\",\"tcp 1,2,3,4\"\n",
                                           "ALWAYS=::1\n",
                                           "USER=*,a\n",
                                           "USER=a,a,a,a,a,a,a,a,a,a,a,a\n",
                                           "ADMIN=a,b,c,d,e,f,g\n",
                                           "FREE=\"tcp 1\"\n",
                                           "GATE=a,\"tcp 1\",lifetme=1,hok=1,x=1,y=1,z=1\n",
                                           "GATE=\"a\",\"tcp 1-65535,1-65535,1-65535,1-65535,1-65535,1-65535\"\n"};

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        const double small = seconds_for(patterns[i], CONFIG_SIZE_MAX / 16);
        const double large = seconds_for(patterns[i], CONFIG_SIZE_MAX);

        /* 16 times the size: quadratic is 256 times the time. What is too fast counts as 5 milliseconds. */
        check(large <= 64 * (small > 0.005 ? small : 0.005), "pattern %zu takes time linear in its length", i);
        printf("# 64 KiB %.4f s, 1 MiB %.4f s\n", small, large);
    }
}

static void test_damage(const char *corpus)
{
    static const char bytes[] = {'\0', '\n', '"', '\\', ',', '=', '#', ' ', '-', '0', '/', '@', '%', '\x80', '\x7f'};
    char path[PATH_MAX];
    struct gates gates;
    size_t len;
    unsigned odd = 0;

    snprintf(path, sizeof(path), "%s/good/all-keywords.cfg", corpus);
    char *content = corpus_read(path, &len);
    for (size_t i = 0; i < len; i++) {
        const char kept = content[i];

        for (size_t j = 0; j < sizeof(bytes); j++) {
            content[i] = bytes[j];
            odd += (parse_bytes(content, len, &gates) == 0) == (strstr(last.text, ": error: ") != NULL);
            gates_free(&gates);
        }
        content[i] = kept;
        odd += (parse_bytes(content, i, &gates) == 0) == (strstr(last.text, ": error: ") != NULL);
        gates_free(&gates);
    }
    check(len > 500 && odd == 0,
          "a file that is cut or has one byte changed, at each of %zu places, is refused with an "
          "error, or has none",
          len);
    free(content);
}

int main(int argc, char **argv)
{
    if (argc != 3 || mkdtemp(scratch) == NULL)
        return 99;
    test_corpus(argv[1]);
    test_defaults();
    test_all(argv[1]);
    test_some(argv[1]);
    test_limits();
    test_example(argv[2]);
    test_names();
    test_networks();
    test_hosts();
    test_load();
    test_linear_time();
    test_damage(argv[1]);
    rmdir(scratch);
    return check_end();
}
