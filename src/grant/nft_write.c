/* SPDX-License-Identifier: ISC */
/*
 * The table as text for libnftables: see nft.h. Nothing here asks the kernel. What comes from a configuration or a
 * record is checked once more before it becomes part of a script, whoever has checked it before.
 */
#include "nft.h"
#include "place.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE           "inet " NFT_TABLE
#define GATE_CHAIN      "gate_"
#define SET_KIND        "flags timeout; counter;"
#define LEFT_MAX_MS     (UINT64_C(100000) * 86400 * 1000) /* more is out of the kernel's range */
#define LEFT_STEP_MS    100 /* one tick of the slowest clock is 10 ms, and no tick at all would be for ever */
#define IPV4_BITS       32
#define IPV6_BITS       128
#define IPV4_IN_IPV6    96
#define INTERFACE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-"

/*
 * Before what other tables do at "filter": a packet that is shut out shall not use up their limits, nor fill their
 * logs. And after connection tracking, which says what is under way, and after the translation of addresses on the way
 * in.
 */
#define PRIORITY "filter - 5"

/*
 * A connection of TCP that was begun by its first packet, of whoever's side. No other program is known to use labels;
 * marks are in many a ruleset.
 */
#define BEGUN_LABEL "113"
#define BEGUN_CHAIN "output"

static const char *const hooks[] = {[GATE_INPUT] = "input", [GATE_FORWARD] = "forward"};
static const char *const protocols[] = {[GATE_TCP] = "tcp", [GATE_UDP] = "udp"};

/* What must not get into a script makes all of it one that is not run. */
static void refuse(struct text *script)
{
    script->failed = true;
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

/* "add element inet ostiary_grants ssh_4_32 { ", to be followed by addresses. */
static void begin_elements(struct text *script, const char *verb, const struct place *place)
{
    char name[PLACE_NAME_LEN];

    place_name(place, name);
    text_add(script, "%s element " TABLE " %s { ", verb, name);
}

/* No unit may have more than eight digits in nft. */
static void write_time(struct text *script, uint64_t left_ms)
{
    const uint64_t tenths = left_ms < LEFT_STEP_MS ? 1 : left_ms / LEFT_STEP_MS;
    const uint64_t seconds = tenths / 10;

    text_add(script, "%" PRIu64 "d%" PRIu64 "h%" PRIu64 "m%" PRIu64 "s%" PRIu64 "ms", seconds / 86400,
             seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, tenths % 10 * LEFT_STEP_MS);
}

/* How an element stands in a list: its address alone, or all of it. */
enum form { ADDRESS_ALONE, WHOLE };

static void write_element(struct text *script, const struct nft_element *element, enum form form, const char *address)
{
    if (form == ADDRESS_ALONE) {
        text_add(script, "%s", address);
        return;
    }
    text_add(script, "%s counter packets %" PRIu64 " bytes 0 timeout ", address, element->packets);
    write_time(script, element->left_ms);
    if (element->user[0] != '\0')
        text_add(script, " comment \"%s\"", element->user);
}

/* One command for elements of one set, which stand one after the other. */
static void write_run(struct text *script, const char *verb, enum form form, const struct nft_element *const *elements,
                      size_t count)
{
    struct place place;
    char address[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < count; i++) {
        /* They have been found before. */
        if (!place_find(elements[i]->gate, &elements[i]->network, &place, address))
            return;
        if (i == 0)
            begin_elements(script, verb, &place);
        else
            text_add(script, ", ");
        write_element(script, elements[i], form, address);
    }
    text_add(script, " }\n");
}

static bool may_be_written(const struct nft_element *element)
{
    struct place place;
    char address[INET6_ADDRSTRLEN];

    return place_find(element->gate, &element->network, &place, address) && element->left_ms > 0 &&
           element->left_ms <= LEFT_MAX_MS && (element->user[0] == '\0' || gates_is_user(element->user));
}

/* The order of sets, and within one of addresses; of two that are alike the one that lasts longer comes first. */
static int compare(const struct nft_element *one, const struct nft_element *other)
{
    int order = strcmp(one->gate, other->gate);

    if (order == 0)
        order = (int)one->network.prefix - (int)other->network.prefix;
    if (order == 0)
        order = memcmp(one->network.address, other->network.address, sizeof(one->network.address));
    if (order == 0 && one->left_ms != other->left_ms)
        order = one->left_ms > other->left_ms ? -1 : 1;
    return order;
}

static int compare_pointers(const void *one, const void *other)
{
    const struct nft_element *const *left = one;
    const struct nft_element *const *right = other;

    return compare(*left, *right);
}

static bool same_set(const struct nft_element *one, const struct nft_element *other)
{
    struct place place, other_place;
    char address[INET6_ADDRSTRLEN];

    return place_find(one->gate, &one->network, &place, address) &&
           place_find(other->gate, &other->network, &other_place, address) &&
           strcmp(place.gate, other_place.gate) == 0 && place.ipv6 == other_place.ipv6 &&
           place.prefix == other_place.prefix;
}

static void open_sorted(struct text *script, const struct nft_element *const *elements, size_t count)
{
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && same_set(elements[begin], elements[end]); end++)
            continue;
        write_run(script, "add", ADDRESS_ALONE, elements + begin, end - begin);
        write_run(script, "delete", ADDRESS_ALONE, elements + begin, end - begin);
        write_run(script, "add", WHOLE, elements + begin, end - begin);
    }
}

/* Nothing can be deleted twice: of those that are alike the first remains. Returns how many there are. */
static size_t leave_each_once(const struct nft_element **sorted, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const struct nft_element *last = kept > 0 ? sorted[kept - 1] : NULL;

        if (last == NULL || strcmp(last->gate, sorted[i]->gate) != 0 ||
            last->network.prefix != sorted[i]->network.prefix ||
            memcmp(last->network.address, sorted[i]->network.address, sizeof(last->network.address)) != 0)
            sorted[kept++] = sorted[i];
    }
    return kept;
}

void nft_write_open_all(struct text *script, const struct nft_element *elements, size_t count)
{
    const struct nft_element **sorted;

    for (size_t i = 0; i < count; i++)
        if (!may_be_written(&elements[i]))
            refuse(script);
    sorted = count == 0 || script->failed ? NULL : calloc(count, sizeof(*sorted));
    if (sorted == NULL) {
        script->failed |= count > 0;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &elements[i];
    qsort(sorted, count, sizeof(*sorted), compare_pointers);
    open_sorted(script, sorted, leave_each_once(sorted, count));
    free(sorted);
}

void nft_write_open(struct text *script, const struct nft_element *element)
{
    if (may_be_written(element))
        open_sorted(script, &element, 1);
    else
        refuse(script);
}

void nft_write_close(struct text *script, const struct nft_element *element)
{
    struct place place;
    char address[INET6_ADDRSTRLEN];

    if (!place_find(element->gate, &element->network, &place, address)) {
        refuse(script);
        return;
    }
    write_run(script, "add", ADDRESS_ALONE, &element, 1);
    write_run(script, "delete", ADDRESS_ALONE, &element, 1);
}

/* ---- What a packet has to meet to come to a gate ----------------------------------------------------------------- */

static size_t count_ports(const struct gate_ports *ports, size_t count, enum gate_protocol protocol)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += ports[i].protocol == protocol;
    return found;
}

/* "tcp dport { 22, 80-90 } ", of the ports of one protocol. */
static void write_ports(struct text *script, const struct gate_ports *ports, size_t count, enum gate_protocol protocol)
{
    const char *before = "{ ";

    text_add(script, "%s dport ", protocols[protocol]);
    for (size_t i = 0; i < count; i++) {
        if (ports[i].protocol != protocol)
            continue;
        text_add(script, "%s%u", before, ports[i].first);
        if (ports[i].last != ports[i].first)
            text_add(script, "-%u", ports[i].last);
        before = ", ";
    }
    text_add(script, " } ");
}

/* Packets to these ports at this hook get a verdict. Interface: where they come in, "" for anywhere. */
static void write_port_rules(struct text *script, const char *chain_and_interface, const struct gate_ports *ports,
                             size_t count, const char *verdict)
{
    for (enum gate_protocol protocol = GATE_TCP; protocol <= GATE_UDP; protocol++) {
        if (count_ports(ports, count, protocol) == 0)
            continue;
        text_add(script, "add rule " TABLE " %s ", chain_and_interface);
        write_ports(script, ports, count, protocol);
        text_add(script, "%s\n", verdict);
    }
}

static void write_jump(struct text *script, const struct gate *gate)
{
    char verdict[sizeof("jump " GATE_CHAIN) + GATES_NAME_MAX];
    char chain[sizeof("forward iifname \"\"") + INTERFACE_TEXT_LEN];

    snprintf(verdict, sizeof(verdict), "jump " GATE_CHAIN "%s", gate->name);
    snprintf(chain, sizeof(chain), "%s", hooks[gate->hook]);
    if (gate->interface != NULL)
        snprintf(chain, sizeof(chain), "%s iifname \"%s\"", hooks[gate->hook], gate->interface);
    if (gate->any)
        text_add(script, "add rule " TABLE " %s %s\n", chain, verdict);
    else
        write_port_rules(script, chain, gate->ports, gate->port_count, verdict);
}

/* ---- What a gate does with a packet ------------------------------------------------------------------------------ */

static void write_lookup(struct text *script, const struct place *place)
{
    const char *family = place->ipv6 ? "ip6" : "ip";
    char name[PLACE_NAME_LEN];
    char mask[INET6_ADDRSTRLEN];

    place_name(place, name);
    place_mask(place, mask);
    text_add(script, "add rule " TABLE " " GATE_CHAIN "%s %s saddr ", place->gate, family);
    if (place->prefix < (place->ipv6 ? IPV6_BITS : IPV4_BITS))
        text_add(script, "& %s ", mask);
    text_add(script, "@%s return\n", name);
}

/* The networks of ALWAYS in one family, which may overlap: nft makes one of them. */
static void write_always(struct text *script, const struct gates *gates, const char *gate, bool ipv6)
{
    const char *before = "{ ";
    struct place place;
    char address[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < gates->always_count; i++) {
        if (!place_find(gate, &gates->always[i], &place, address)) {
            refuse(script);
            return;
        }
        if (place.ipv6 != ipv6)
            continue;
        if (before[0] == '{')
            text_add(script, "add rule " TABLE " " GATE_CHAIN "%s %s saddr ", gate, ipv6 ? "ip6" : "ip");
        text_add(script, "%s%s/%u", before, address, (unsigned)place.prefix);
        before = ", ";
    }
    if (before[0] == ',')
        text_add(script, " } return\n");
}

/*
 * With cut only what was begun from inside is answered. To connection tracking a side that merely goes on with what it
 * has forgotten, or has never seen, has begun it too: so of TCP only what has the label of a connection whose first
 * packet was seen. Behind ports nothing is answered: what has a gate's port on this side was begun from outside.
 */
static void write_under_way(struct text *script, const struct gate *gate)
{
    static const char *const answers[] = {
        "meta l4proto != tcp ct direction reply return",
        "ct direction reply ct label " BEGUN_LABEL " return",
        "meta l4proto { icmp, ipv6-icmp } ct state related return",
        NULL,
    };

    if (!gate->cut)
        text_add(script, "add rule " TABLE " " GATE_CHAIN "%s ct state established,related return\n", gate->name);
    for (const char *const *at = answers; gate->cut && gate->any && *at != NULL; at++)
        text_add(script, "add rule " TABLE " " GATE_CHAIN "%s %s\n", gate->name, *at);
}

/*
 * What a machine behind a gate for all packets cannot live without. Errors are what the discovery of an MTU is made of.
 * The rest comes from the link alone: what has been forwarded cannot have a hop limit of 255, and should not have one
 * of 1.
 */
static void write_necessities(struct text *script, const struct gate *gate)
{
    static const char *const errors[] = {
        "icmp type { destination-unreachable, time-exceeded, parameter-problem }",
        "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }",
        NULL,
    };
    static const char *const link[] = {
        "ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }",
        "ip6 hoplimit 1 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report "
        "}",
        "ip ttl 1 ip protocol igmp",
        "meta nfproto ipv4 udp sport 67 udp dport 68",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546",
        NULL,
    };

    if (!gate->any)
        return;
    for (const char *const *at = errors; *at != NULL; at++)
        text_add(script, "add rule " TABLE " " GATE_CHAIN "%s %s return\n", gate->name, *at);
    if (gate->hook == GATE_INPUT)
        for (const char *const *at = link; *at != NULL; at++)
            text_add(script, "add rule " TABLE " " GATE_CHAIN "%s %s return\n", gate->name, *at);
}

/* ---- The sets of a gate ------------------------------------------------------------------------------------------ */

static bool has_set(const struct gate *gate, const struct nft_lengths *lengths, bool ipv6, uint8_t prefix)
{
    if (ipv6)
        return prefix == IPV6_BITS || prefix == gate->ipv6_prefix || lengths->ipv6[prefix];
    return prefix == IPV4_BITS || lengths->ipv4[prefix];
}

/* Call write for each set of a gate. */
static void each_set(struct text *script, const struct gate *gate, const struct nft_lengths *lengths,
                     void (*write)(struct text *script, const struct gate *gate, const struct place *place))
{
    for (unsigned ipv6 = 0; ipv6 <= 1; ipv6++) {
        for (unsigned prefix = ipv6 ? IPV6_BITS + 1 : IPV4_BITS + 1; prefix-- > 0;) {
            struct place place = {.ipv6 = ipv6, .prefix = (uint8_t)prefix};

            snprintf(place.gate, sizeof(place.gate), "%s", gate->name);
            if (has_set(gate, lengths, ipv6, place.prefix))
                write(script, gate, &place);
        }
    }
}

static void write_set(struct text *script, const struct gate *gate, const struct place *place)
{
    char name[PLACE_NAME_LEN];

    place_name(place, name);
    text_add(script, "add set " TABLE " %s { type %s; " SET_KIND " size %u; }\n", name,
             place->ipv6 ? "ipv6_addr" : "ipv4_addr", gate->size);
}

static void write_set_lookup(struct text *script, const struct gate *gate, const struct place *place)
{
    (void)gate;
    write_lookup(script, place);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

static bool is_here(const struct gate *gate)
{
    return gate != NULL && !gate->by_commands;
}

static bool has_hook(const struct gates *gates, enum gate_hook hook)
{
    for (size_t i = 0; i < gates->count; i++)
        if (is_here(&gates->list[i]) && gates->list[i].hook == hook)
            return true;
    return false;
}

/* Does a gate at this hook ask who has begun a connection? */
static bool asks_who_began(const struct gates *gates, enum gate_hook hook)
{
    for (size_t i = 0; i < gates->count; i++)
        if (is_here(&gates->list[i]) && gates->list[i].hook == hook && gates->list[i].any && gates->list[i].cut)
            return true;
    return false;
}

static bool may_be_gate(const struct gate *gate)
{
    if (!gates_is_name(gate->name) || strlen(gate->name) > GATES_NAME_MAX || gate->size == 0)
        return false;
    return gate->interface == NULL || (gate->interface[0] != '\0' && strlen(gate->interface) < INTERFACE_TEXT_LEN &&
                                       gate->interface[strspn(gate->interface, INTERFACE_CHARS)] == '\0');
}

/* What is written, and over what. */
struct plan {
    const struct gates *gates;
    const struct nft_lengths *lengths;
    const struct nft_table *now;
    bool *remade; /* of the sets that are there: is it made anew? */
};

/* The gate that a set is still needed for, or NULL. */
static const struct gate *owner_of(const struct plan *plan, const struct place *place)
{
    const struct gate *gate = gates_find(plan->gates, place->gate);

    if (!is_here(gate) || !has_set(gate, &plan->lengths[gate - plan->gates->list], place->ipv6, place->prefix))
        return NULL;
    return gate;
}

static bool is_in(const struct nft_element *element, const struct place *set)
{
    struct place place;
    char address[INET6_ADDRSTRLEN];

    return place_find(element->gate, &element->network, &place, address) && strcmp(place.gate, set->gate) == 0 &&
           place.ipv6 == set->ipv6 && place.prefix == set->prefix;
}

static size_t count_in(const struct nft_table *now, const struct place *set)
{
    size_t count = 0;

    for (size_t i = 0; i < now->element_count; i++)
        count += is_in(&now->elements[i], set);
    return count;
}

/* Is it to be made anew? Not where what is in it would not fit any more: then it keeps its old size. */
static bool is_other(const struct plan *plan, const struct nft_set *set, const struct place *place,
                     const struct gate *gate)
{
    return (!set->usual || set->size != gate->size) && count_in(plan->now, place) <= gate->size;
}

/* Those of no gate, and those that are made anew. */
static void delete_sets(struct text *script, const struct plan *plan)
{
    for (size_t i = 0; i < plan->now->set_count; i++) {
        const struct nft_set *set = &plan->now->sets[i];
        const struct gate *gate;
        struct place place;

        if (!place_parse(set->name, &place))
            continue;
        gate = owner_of(plan, &place);
        plan->remade[i] = gate != NULL && is_other(plan, set, &place, gate);
        if (gate == NULL || plan->remade[i])
            text_add(script, "delete set " TABLE " %s\n", set->name);
    }
}

/* Chains that are ours by their name, and of no gate any more. */
static void delete_chains(struct text *script, const struct plan *plan)
{
    for (size_t i = 0; i < plan->now->chain_count; i++) {
        const char *name = plan->now->chains[i];
        const bool of_gate = strncmp(name, GATE_CHAIN, strlen(GATE_CHAIN)) == 0;
        bool stale = of_gate && gates_is_name(name + strlen(GATE_CHAIN)) &&
                     !is_here(gates_find(plan->gates, name + strlen(GATE_CHAIN)));

        for (enum gate_hook hook = GATE_INPUT; hook <= GATE_FORWARD; hook++)
            stale |= strcmp(name, hooks[hook]) == 0 && !has_hook(plan->gates, hook);
        stale |= strcmp(name, BEGUN_CHAIN) == 0 && !asks_who_began(plan->gates, GATE_INPUT);
        if (stale)
            text_add(script, "delete chain " TABLE " %s\n", name);
    }
}

static void delete_counters(struct text *script, const struct plan *plan)
{
    for (size_t i = 0; i < plan->now->counter_count; i++)
        if (gates_is_name(plan->now->counters[i].gate) &&
            !is_here(gates_find(plan->gates, plan->now->counters[i].gate)))
            text_add(script, "delete counter " TABLE " %s_shut\n", plan->now->counters[i].gate);
}

/* Was it in a set that is made anew? What never ends is none of ours. */
static bool is_to_be_kept(const struct plan *plan, const struct nft_element *element)
{
    char name[PLACE_NAME_LEN], address[INET6_ADDRSTRLEN];
    const struct gate *gate;
    struct place place;

    if (element->left_ms == 0 || !place_find(element->gate, &element->network, &place, address))
        return false;
    gate = owner_of(plan, &place);
    place_name(&place, name);
    for (size_t i = 0; gate != NULL && i < plan->now->set_count; i++)
        if (strcmp(plan->now->sets[i].name, name) == 0)
            return plan->remade[i];
    return false;
}

/* What was in sets that are made anew goes back into them. */
static void write_kept(struct text *script, const struct plan *plan)
{
    const size_t room = plan->now->element_count;
    struct nft_element *kept = calloc(room > 0 ? room : 1, sizeof(*kept));
    size_t count = 0;

    if (kept == NULL) {
        refuse(script);
        return;
    }
    for (size_t i = 0; i < room; i++)
        if (is_to_be_kept(plan, &plan->now->elements[i]))
            kept[count++] = plan->now->elements[i];
    nft_write_open_all(script, kept, count);
    free(kept);
}

static void write_label(struct text *script, const char *chain)
{
    text_add(script,
             "add rule " TABLE
             " %s ct direction original tcp flags & (fin|syn|rst|ack) == syn ct label set " BEGUN_LABEL "\n",
             chain);
}

/* What this host begins leaves by another hook than that of its gates; what passes through it, by the same. */
static void write_begun(struct text *script, const struct gates *gates)
{
    if (!asks_who_began(gates, GATE_INPUT))
        return;
    text_add(script,
             "add chain " TABLE " " BEGUN_CHAIN " { type filter hook output priority " PRIORITY "; policy accept; }\n");
    write_label(script, BEGUN_CHAIN);
}

static void write_hook(struct text *script, const struct gates *gates, enum gate_hook hook)
{
    if (!has_hook(gates, hook))
        return;
    text_add(script, "add chain " TABLE " %s { type filter hook %s priority " PRIORITY "; policy accept; }\n",
             hooks[hook], hooks[hook]);
    if (hook == GATE_INPUT)
        text_add(script, "add rule " TABLE " input iif \"lo\" accept\n");
    else if (asks_who_began(gates, hook))
        write_label(script, hooks[hook]);
    write_port_rules(script, hooks[hook], gates->free, gates->free_count, "accept");
    for (size_t i = 0; i < gates->count; i++)
        if (is_here(&gates->list[i]) && gates->list[i].hook == hook)
            write_jump(script, &gates->list[i]);
}

static void write_gate(struct text *script, const struct gates *gates, const struct gate *gate,
                       const struct nft_lengths *lengths)
{
    if (!may_be_gate(gate)) {
        refuse(script);
        return;
    }
    text_add(script, "add counter " TABLE " %s_shut\n", gate->name);
    each_set(script, gate, lengths, write_set);
    text_add(script, "add chain " TABLE " " GATE_CHAIN "%s\n", gate->name);
    each_set(script, gate, lengths, write_set_lookup);
    write_always(script, gates, gate->name, false);
    write_always(script, gates, gate->name, true);
    write_under_way(script, gate);
    write_necessities(script, gate);
    text_add(script, "add rule " TABLE " " GATE_CHAIN "%s counter name %s_shut drop\n", gate->name, gate->name);
}

static void write_all(struct text *script, const struct plan *plan)
{
    const struct gates *gates = plan->gates;

    text_add(script, "flush table " TABLE "\n");
    delete_chains(script, plan);
    delete_sets(script, plan);
    delete_counters(script, plan);
    for (size_t i = 0; i < gates->count; i++)
        if (is_here(&gates->list[i]))
            write_gate(script, gates, &gates->list[i], &plan->lengths[i]);
    for (enum gate_hook hook = GATE_INPUT; hook <= GATE_FORWARD; hook++)
        write_hook(script, gates, hook);
    write_begun(script, gates);
    write_kept(script, plan);
}

void nft_write_table(struct text *script, const struct gates *gates, const struct nft_lengths *lengths,
                     const struct nft_table *now)
{
    const struct plan plan = {
        .gates = gates,
        .lengths = lengths,
        .now = now,
        .remade = calloc(now->set_count > 0 ? now->set_count : 1, sizeof(*plan.remade)),
    };

    text_add(script, "add table " TABLE "\n");
    if (now->dormant)
        text_add(script, "delete table " TABLE "\nadd table " TABLE "\n");
    if (plan.remade == NULL)
        refuse(script);
    else if (has_hook(gates, GATE_INPUT) || has_hook(gates, GATE_FORWARD))
        write_all(script, &plan);
    else
        text_add(script, "delete table " TABLE "\n");
    free(plan.remade);
}
