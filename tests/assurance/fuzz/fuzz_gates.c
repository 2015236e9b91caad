/* SPDX-License-Identifier: ISC */
/* Any text as ostiary-grants.cfg. The input is the text. */
#include "gates.h"

#include "fuzz.h"

#include <syslog.h>

#define TEN_YEARS (UINT64_C(3650) * 24 * 60 * 60)

struct findings {
    unsigned lines; /* in the text */
    unsigned errors;
};

static void take_finding(void *context, const struct config_finding *finding)
{
    struct findings *findings = context;

    findings->errors += finding->severity == CONFIG_ERROR;
    DEMAND(finding->line <= findings->lines);
    DEMAND(finding->text[0] != '\0');
    for (const char *at = finding->text; *at != '\0'; at++)
        DEMAND((unsigned char)*at >= ' ' && (unsigned char)*at < 0x7f);
}

static bool overlap(const struct gate_ports *a, const struct gate_ports *b)
{
    return a->protocol == b->protocol && a->first <= b->last && b->first <= a->last;
}

static void demand_ports(const struct gate_ports *list, size_t count)
{
    DEMAND(count <= GATES_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        DEMAND(list[i].first >= 1 && list[i].first <= list[i].last);
        DEMAND(list[i].protocol == GATE_TCP || list[i].protocol == GATE_UDP);
        for (size_t j = 0; j < i; j++)
            DEMAND(!overlap(&list[i], &list[j]));
    }
}

static void demand_gate(const struct gates *gates, const struct gate *gate)
{
    DEMAND(gates_is_name(gate->name) && gates_find(gates, gate->name) == gate);
    DEMAND(gate->lifetime_s >= 1 && gate->lifetime_s <= gate->most_s && gate->most_s <= TEN_YEARS);
    DEMAND(gate->ipv6_prefix >= 32 && gate->ipv6_prefix <= 128);
    DEMAND(gate->size >= 1 && gate->size <= GATES_SIZE_MAX);
    DEMAND((int)gate->by_commands + (int)gate->any + (gate->port_count > 0) == 1);
    DEMAND(gate->by_commands == (gate->grant != NULL) && gate->by_commands == (gate->revoke != NULL));
    DEMAND(gate->by_commands || gate->list == NULL);
    DEMAND(!gate->by_commands || (gate->grant[0] == '/' && gate->revoke[0] == '/' && gate->interface == NULL));
    DEMAND(gate->list == NULL || gate->list[0] == '/');
    DEMAND(!gate->by_commands || gate->renew != GATE_RENEW_USE || gate->list != NULL);
    DEMAND(gate->interface == NULL || (strlen(gate->interface) >= 1 && strlen(gate->interface) <= 15));
    demand_ports(gate->ports, gate->port_count);
}

/* Two gates that a packet can meet have no port in common, for then it would need both. */
static void demand_apart(const struct gate *a, const struct gate *b)
{
    if (a->by_commands || b->by_commands || a->hook != b->hook)
        return;
    if (a->interface != NULL && b->interface != NULL && strcmp(a->interface, b->interface) != 0)
        return;
    DEMAND(!a->any && !b->any);
    for (size_t i = 0; i < a->port_count; i++)
        for (size_t j = 0; j < b->port_count; j++)
            DEMAND(!overlap(&a->ports[i], &b->ports[j]));
}

static void demand_rule(const struct gates *gates, const struct gates_rule *rule, bool is_admin)
{
    DEMAND((rule->who == GATES_EVERYBODY) == (rule->name == NULL));
    DEMAND(rule->name == NULL || gates_is_user(rule->name));
    DEMAND(is_admin ? rule->to == NULL : rule->to_count >= 1 && rule->to_count <= 15);
    for (size_t i = 0; i < rule->to_count; i++)
        DEMAND(rule->to[i] >= gates->list && rule->to[i] < gates->list + gates->count);
}

static void demand_always(const struct gates *gates)
{
    DEMAND(gates->always_count <= GATES_ALWAYS_MAX);
    for (size_t i = 0; i < gates->always_count; i++) {
        const struct source *network = &gates->always[i];

        DEMAND(network->prefix <= 128);
        DEMAND(network->prefix <= 10 || network->address[0] != 0xfe || (network->address[1] & 0xc0) != 0x80);
        for (size_t j = 0; j < i; j++)
            DEMAND(network->prefix != gates->always[j].prefix ||
                   memcmp(network->address, gates->always[j].address, SOURCE_ADDRESS_LEN) != 0);
    }
}

static void demand_sound(const struct gates *gates)
{
    DEMAND(gates->count >= 1 && gates->count <= GATES_MAX);
    for (size_t i = 0; i < gates->count; i++) {
        demand_gate(gates, &gates->list[i]);
        for (size_t j = 0; j < i; j++)
            demand_apart(&gates->list[i], &gates->list[j]);
    }
    DEMAND(gates->user_count <= GATES_USERS_MAX && gates->admin_count <= GATES_ADMINS_MAX);
    for (size_t i = 0; i < gates->user_count; i++)
        demand_rule(gates, &gates->users[i], false);
    for (size_t i = 0; i < gates->admin_count; i++)
        demand_rule(gates, &gates->admins[i], true);
    demand_ports(gates->free, gates->free_count);
    demand_always(gates);
    DEMAND(gates_is_user(gates->web_user) && strcmp(gates->web_user, "root") != 0);
    DEMAND(gates->state_dir[0] == '/' && gates->log_level >= LOG_EMERG && gates->log_level <= LOG_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct findings findings = {.lines = 1};
    const struct config_reader reader = {.path = "grants.cfg", .report = take_finding, .context = &findings};
    char *text = malloc(len + 1);
    struct gates gates;

    DEMAND(text != NULL);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)bytes[i];
        findings.lines += bytes[i] == '\n';
    }
    text[len] = '\0';
    const int status = gates_parse(text, len, &reader, &gates);
    memset(text, 0xdb, len + 1); /* nothing that is kept may point to it */
    free(text);
    DEMAND((status == 0) == (findings.errors == 0));
    if (status == 0)
        demand_sound(&gates);
    else
        DEMAND(gates.list == NULL && gates.memory == NULL && gates.count == 0);
    gates_free(&gates);
    DEMAND(gates.memory == NULL);
    return 0;
}
