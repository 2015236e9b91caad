/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the ruleset of a machine, and as what it says of its connections. The input: '{' begins a ruleset; else
 * the first line is $SSH_CONNECTION, and the rest /proc/net/tcp and tcp6.
 */
#include "foreign.h"
#include "fuzz.h"

static struct gate list[] = {
    {.line = 1,
     .name = "ssh",
     .ports = {{GATE_TCP, 22, 22}, {GATE_UDP, 60000, 61000}},
     .port_count = 2,
     .size = 3,
     .ipv6_prefix = 64},
    {.line = 2, .name = "all", .any = true, .interface = "eth0", .size = 65536, .ipv6_prefix = 56},
    {.line = 3,
     .name = "inner",
     .hook = GATE_FORWARD,
     .ports = {{GATE_TCP, 80, 90}},
     .port_count = 1,
     .size = 3,
     .ipv6_prefix = 64},
};
static const struct gates gates = {.path = "grants.cfg", .list = list, .count = 3};

static void hear(void *context, const struct config_finding *finding)
{
    (void)context;
    DEMAND(finding->line <= 3 && finding->file == gates.path);
    DEMAND(finding->text[0] != '\0' && strlen(finding->text) < FOREIGN_TEXT_LEN);
    for (const char *at = finding->text; *at != '\0'; at++)
        DEMAND(*at >= ' ' && *at <= '~');
}

static const struct foreign_hearer hearer = {hear, NULL};

static void try_sessions(char *text)
{
    static struct nft_element element = {.gate = "ssh", .network = {{[10] = 0xff, [11] = 0xff, [12] = 10}, 104}};
    const struct nft_table now = {.loaded = true, .elements = &element, .element_count = 1};
    char *rest = strchr(text, '\n');
    struct foreign_sockets sockets = {.ssh_connection = text, .tcp = "", .tcp6 = ""};

    if (rest != NULL) {
        *rest = '\0';
        sockets.tcp = sockets.tcp6 = rest + 1;
    }
    foreign_check_sessions(&sockets, &gates, &now, &hearer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);

    DEMAND(text != NULL);
    if (len > 0)
        memcpy(text, bytes, len);
    text[len] = '\0';
    if (text[0] == '{')
        (void)foreign_check_ruleset(text, len, &gates, &hearer);
    else
        try_sessions(text);
    free(text);
    return 0;
}
