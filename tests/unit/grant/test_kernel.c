/* SPDX-License-Identifier: ISC */
/*
 * nft.h against the kernel, in a network namespace of this test's own: what is loaded, what a reload keeps, what an
 * element has, and what each fault is. Which packets come through is shown by e2e/grant.
 */
#include "firewall.h"

#include "check.h"
#include "clock.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOUR_MS      UINT64_C(3600000)

static struct nft *nft;
static struct gate list[2];
static struct gates gates = {.path = "grants.cfg", .list = list, .count = 1};
static struct nft_lengths lengths[2];

/* A script that has not failed, and what comes of it. */
static enum nft_result run(struct text *script)
{
    const enum nft_result result = script->failed ? NFT_FAILED : nft_run(nft, script->bytes);

    if (result == NFT_FAILED)
        printf("# nft says: %s\n", nft_said(nft));
    text_free(script);
    return result;
}

static enum nft_result load(void)
{
    struct nft_table now;
    struct text script = {0};
    enum nft_result result = nft_read_table(nft, &now);

    if (result != NFT_OK)
        return result;
    nft_write_table(&script, &gates, lengths, &now);
    nft_free_table(&now);
    return run(&script);
}

static enum nft_result open_one(const char *gate, const char *network, uint64_t left_ms)
{
    struct nft_element element = firewall_element(gate, network, left_ms);
    struct text script = {0};

    element.packets = 7;
    snprintf(element.user, sizeof(element.user), "alice");
    nft_write_open(&script, &element);
    return run(&script);
}

static enum nft_result close_one(const char *gate, const char *network)
{
    const struct nft_element element = firewall_element(gate, network, 0);
    struct text script = {0};

    nft_write_close(&script, &element);
    return run(&script);
}

/* What is left of an element: 0 where it is not there. */
static uint64_t left_of(const char *gate, const char *network)
{
    struct nft_element element = firewall_element(gate, network, 0);
    bool found = false;

    if (nft_read_element(nft, &element, &found) != NFT_OK || !found)
        return 0;
    return element.left_ms;
}

static bool is_about(uint64_t left_ms, uint64_t wanted_ms)
{
    return left_ms <= wanted_ms && left_ms + 600000 > wanted_ms;
}

static bool is_complete(void)
{
    struct nft_table now;
    const bool complete = nft_read_table(nft, &now) == NFT_OK && nft_is_complete(&now, &gates);

    nft_free_table(&now);
    return complete;
}

static void test_without_table(void)
{
    struct nft_element element = firewall_element("ssh", "192.0.2.7", 0);
    struct nft_table now;
    bool found;

    check(nft_read_table(nft, &now) == NFT_OK && !now.loaded, "no table is no fault");
    check(open_one("ssh", "192.0.2.7", HOUR_MS) == NFT_NOT_LOADED, "without one nothing can be opened");
    check(nft_read_element(nft, &element, &found) == NFT_NOT_LOADED, "nor looked for");
    check(nft_run(nft, "nonsense\n") == NFT_FAILED && nft_said(nft)[0] != '\0' && strchr(nft_said(nft), '\n') == NULL,
          "what is nonsense is said in a line: %s", nft_said(nft));
}

static void test_open(void)
{
    struct nft_element element = firewall_element("ssh", "192.0.2.7", 0);
    struct nft_table now;
    bool found;

    check(load() == NFT_OK && is_complete(), "the table is loaded, and complete");
    check(open_one("ssh", "192.0.2.7", HOUR_MS) == NFT_OK && is_about(left_of("ssh", "192.0.2.7"), HOUR_MS),
          "an hour is open");
    check(open_one("ssh", "192.0.2.7", 2 * HOUR_MS) == NFT_OK && is_about(left_of("ssh", "192.0.2.7"), 2 * HOUR_MS),
          "then two");
    check(open_one("ssh", "192.0.2.7", HOUR_MS) == NFT_OK && is_about(left_of("ssh", "192.0.2.7"), HOUR_MS),
          "and one again");
    check(nft_read_element(nft, &element, &found) == NFT_OK && found && element.packets == 7 &&
              strcmp(element.user, "alice") == 0 && strcmp(element.gate, "ssh") == 0,
          "its count goes on, and it has a user");
    check(open_one("ssh", "2001:db8::/64", HOUR_MS) == NFT_OK &&
              open_one("ssh", "64:ff9b::192.0.2.7", HOUR_MS) == NFT_OK,
          "so is a network, and a host behind a translator");
    check(nft_read_table(nft, &now) == NFT_OK && now.element_count == 3 && now.loaded, "all of them are read");
    nft_free_table(&now);
    check(close_one("ssh", "192.0.2.7") == NFT_OK && left_of("ssh", "192.0.2.7") == 0, "what is closed is not there");
    check(nft_read_element(nft, &element, &found) == NFT_OK && !found, "which is no fault, for its set is there");
    check(close_one("ssh", "192.0.2.7") == NFT_OK, "closing it again is no fault");
    check(open_one("ssh", "10.0.0.0/8", HOUR_MS) == NFT_NOT_LOADED, "a length without a set is not loaded");
}

static void test_ends(void)
{
    check(open_one("ssh", "192.0.2.9", 1) == NFT_OK, "the shortest time");
    while (left_of("ssh", "192.0.2.9") > 0)
        usleep(10000);
    check(true, "ends");
    check(open_one("ssh", "192.0.2.9", UINT64_C(3650) * 24 * HOUR_MS) == NFT_OK &&
              is_about(left_of("ssh", "192.0.2.9"), UINT64_C(3650) * 24 * HOUR_MS),
          "the longest is kept");
    check(close_one("ssh", "192.0.2.9") == NFT_OK, "and can be closed");
}

/* Networks that overlap, each with its own end. */
static void test_overlap(void)
{
    static const char *const networks[] = {"0.0.0.0/0", "192.0.0.0/8", "192.0.2.0/24",
                                           "192.0.2.7", "::/0",        "2001:db8::/32"};

    lengths[0].ipv4[0] = lengths[0].ipv4[8] = lengths[0].ipv4[24] = true;
    lengths[0].ipv6[0] = lengths[0].ipv6[32] = true;
    check(load() == NFT_OK && is_about(left_of("ssh", "2001:db8::/64"), HOUR_MS),
          "sets for other lengths, and nothing lost");
    for (size_t i = 0; i < COUNT(networks); i++)
        check(open_one("ssh", networks[i], (i + 1) * HOUR_MS) == NFT_OK, "%s is open", networks[i]);
    for (size_t i = 0; i < COUNT(networks); i++)
        check(is_about(left_of("ssh", networks[i]), (i + 1) * HOUR_MS), "%s has its own end", networks[i]);
    check(close_one("ssh", "0.0.0.0/0") == NFT_OK && is_about(left_of("ssh", "192.0.2.7"), 4 * HOUR_MS),
          "closing all is no other's end");
}

static void test_full(void)
{
    list[0].size = 2;
    check(load() == NFT_OK, "a set may be made smaller");
    check(open_one("ssh", "192.0.2.8", HOUR_MS) == NFT_OK, "a second host");
    check(open_one("ssh", "192.0.2.9", HOUR_MS) == NFT_SET_FULL, "a third finds the set full");
    check(open_one("ssh", "192.0.2.8", 3 * HOUR_MS) == NFT_OK && is_about(left_of("ssh", "192.0.2.8"), 3 * HOUR_MS),
          "one that is there is renewed all the same");
    check(close_one("ssh", "192.0.2.9") == NFT_SET_FULL, "closing the third says so too");
    list[0].size = 1;
    check(load() == NFT_OK && is_about(left_of("ssh", "192.0.2.8"), 3 * HOUR_MS) && left_of("ssh", "192.0.2.7") > 0,
          "a set that would be too small for what is in it loses nothing");
    list[0].size = 1000;
    check(load() == NFT_OK && is_about(left_of("ssh", "192.0.2.8"), 3 * HOUR_MS) && left_of("ssh", "192.0.2.7") > 0,
          "nor does one that is made larger");
    check(open_one("ssh", "192.0.2.9", HOUR_MS) == NFT_OK, "and then there is room");
}

/* A set as somebody else has made it, under our name. */
static void test_other_kind(void)
{
    const char *script = "add table inet ostiary_grants; flush table inet ostiary_grants\n"
                         "delete set inet ostiary_grants ssh_4_32\n"
                         "add set inet ostiary_grants ssh_4_32 { type ipv4_addr; flags timeout, interval; }\n"
                         "add element inet ostiary_grants ssh_4_32 { 192.0.2.7 timeout 1h comment \"alice\" }\n";

    check(nft_run(nft, script) == NFT_OK && !is_complete(), "a table whose rules were flushed is not complete");
    check(load() == NFT_OK && is_complete() && is_about(left_of("ssh", "192.0.2.7"), HOUR_MS),
          "a set of another kind is made anew with what was in it");
    check(open_one("ssh", "192.0.2.7", HOUR_MS) == NFT_OK, "and can be used");
}

/* Options of each kind, and back. */
static void test_options(void)
{
    static struct source always[] = {{.address = {[10] = 0xff, [11] = 0xff}, .prefix = 96},
                                     {.address = {0xfe, 0x80}, .prefix = 10}};

    list[0].any = list[0].cut = true;
    list[0].interface = "eth0";
    list[0].port_count = 0;
    gates.free[0] = (struct gate_ports){GATE_TCP, 5018, 5018};
    gates.free[1] = (struct gate_ports){GATE_UDP, 60000, 61000};
    gates.free_count = 2;
    gates.always = always;
    gates.always_count = COUNT(always);
    list[1] = firewall_gate("inner", 22);
    list[1].hook = GATE_FORWARD;
    list[1].any = true;
    gates.count = 2;
    check(load() == NFT_OK && is_complete() && left_of("ssh", "192.0.2.7") > 0,
          "gates with other options, and one more");
    check(open_one("inner", "192.0.2.7", HOUR_MS) == NFT_OK, "which can be opened");
    gates.count = 1;
    gates.always_count = 0;
    list[0].any = list[0].cut = false;
    list[0].interface = NULL;
    list[0].port_count = 1;
    check(load() == NFT_OK && is_complete() && left_of("ssh", "192.0.2.7") > 0 && left_of("inner", "192.0.2.7") == 0,
          "one that is gone is gone, and the other is as it was");
}

static bool has_nothing_of(const char *gate)
{
    struct nft_table now;
    bool nothing = nft_read_table(nft, &now) == NFT_OK;

    for (size_t i = 0; i < now.set_count; i++)
        nothing &= strstr(now.sets[i].name, gate) == NULL;
    for (size_t i = 0; i < now.chain_count; i++)
        nothing &= strstr(now.chains[i], gate) == NULL && strcmp(now.chains[i], "forward") != 0;
    for (size_t i = 0; i < now.counter_count; i++)
        nothing &= strcmp(now.counters[i].gate, gate) != 0;
    nft_free_table(&now);
    return nothing;
}

static void test_gone(void)
{
    struct nft_table now;
    char *json;
    size_t len;

    check(has_nothing_of("inner"), "nothing of it is left: no set, chain or counter");
    check(nft_run(nft, "add chain inet ostiary_grants mine; add set inet ostiary_grants mine { type mark; }\n") ==
                  NFT_OK &&
              load() == NFT_OK,
          "what somebody else has put there is in nobody's way");
    check(nft_read_ruleset(nft, &json, &len) == NFT_OK && len == strlen(json) && strstr(json, "gate_ssh") != NULL,
          "the whole ruleset can be read");
    free(json);
    list[0].by_commands = true;
    check(load() == NFT_OK && nft_read_table(nft, &now) == NFT_OK && now.chain_count == 0,
          "without gates there is no table");
    nft_free_table(&now);
    list[0].by_commands = false;
}

static struct nft_element *many(size_t count)
{
    struct nft_element *elements = calloc(count, sizeof(*elements));

    for (size_t i = 0; elements != NULL && i < count; i++) {
        elements[i] = firewall_element("ssh", "10.0.0.0", HOUR_MS);
        elements[i].network.address[13] = (uint8_t)(i >> 16);
        elements[i].network.address[14] = (uint8_t)(i >> 8);
        elements[i].network.address[15] = (uint8_t)i;
        snprintf(elements[i].user, sizeof(elements[i].user), "user%zu", i);
    }
    return elements;
}

static void test_many(size_t count)
{
    struct nft_element *elements = many(count);
    struct text script = {0};
    struct nft_table now;
    int64_t begin = clock_now_ms();

    list[0].size = 200000;
    check(load() == NFT_OK, "a table for many");
    nft_write_open_all(&script, elements, count);
    printf("# %zu elements as text: %jd ms, %zu bytes\n", count, (intmax_t)(clock_now_ms() - begin), script.len);
    begin = clock_now_ms();
    check(run(&script) == NFT_OK, "%zu are opened at once", count);
    printf("# in the kernel: %jd ms\n", (intmax_t)(clock_now_ms() - begin));
    begin = clock_now_ms();
    check(nft_read_table(nft, &now) == NFT_OK && now.element_count == count, "and read");
    printf("# read: %jd ms\n", (intmax_t)(clock_now_ms() - begin));
    begin = clock_now_ms();
    check(load() == NFT_OK, "and kept by a reload");
    printf("# reload: %jd ms\n", (intmax_t)(clock_now_ms() - begin));
    begin = clock_now_ms();
    check(open_one("ssh", "10.0.0.1", 2 * HOUR_MS) == NFT_OK && is_about(left_of("ssh", "10.0.0.1"), 2 * HOUR_MS),
          "one among them is renewed");
    printf("# one renewed, and read: %jd ms\n", (intmax_t)(clock_now_ms() - begin));
    list[0].size = 300000;
    begin = clock_now_ms();
    check(load() == NFT_OK && is_about(left_of("ssh", "10.0.0.1"), 2 * HOUR_MS), "and all are kept by a larger set");
    printf("# into a larger set: %jd ms\n", (intmax_t)(clock_now_ms() - begin));
    nft_free_table(&now);
    free(elements);
}

/* In a process of its own: with no right to change anything. */
static int without_right(void)
{
    const int said_fd = memfd_create("said", 0);
    struct nft_table now;

    if (dup2(said_fd, STDERR_FILENO) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setgid(65534) != 0 ||
        setuid(65534) != 0)
        return 99;
    nft = nft_open();
    if (nft == NULL)
        return 98;
    if (nft_read_table(nft, &now) != NFT_NOT_PERMITTED)
        return 1;
    if (open_one("ssh", "192.0.2.7", HOUR_MS) != NFT_NOT_PERMITTED)
        return 2;
    return lseek(said_fd, 0, SEEK_CUR) == 0 ? 0 : 3;
}

static void test_without_right(void)
{
    int status = -1;
    const pid_t pid = fork();

    if (pid == 0)
        _exit(without_right());
    waitpid(pid, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "who may not is told so, and nothing comes to standard error: %d", WEXITSTATUS(status));
}

/* What libnftables might print goes nowhere: all of this test's own lines are TAP. */
int main(int argc, char **argv)
{
    (void)argv;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        printf("1..0 # SKIP needs root, and a network namespace\n");
        return 0;
    }
    nft = nft_open();
    if (nft == NULL) {
        printf("1..0 # SKIP no netlink\n");
        return 0;
    }
    list[0] = firewall_gate("ssh", 22);
    test_without_right();
    test_without_table();
    test_open();
    test_ends();
    test_overlap();
    test_full();
    test_other_kind();
    test_options();
    test_gone();
    test_many(argc > 1 ? 100000 : 1000);
    nft_close(nft);
    return check_end();
}
