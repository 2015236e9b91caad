/* SPDX-License-Identifier: ISC */
/* See packet.h. */
#include "packet.h"

#include <string.h>

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Is it the name of a set, of which it is not known what is in it? */
static bool is_named_set(const json_t *value)
{
    return json_is_string(value) && json_string_value(value)[0] == '@';
}

static enum packet_share all_or_none(bool is_so)
{
    return is_so ? PACKET_ALL : PACKET_NONE;
}

/* What a value consists of: the members of a set or a list, or itself. */
static size_t count_members(const json_t *value)
{
    const json_t *set = json_object_get(value, "set");

    if (json_is_array(set))
        return json_array_size(set);
    return json_is_array(value) ? json_array_size(value) : 1;
}

static const json_t *member(const json_t *value, size_t index)
{
    const json_t *set = json_object_get(value, "set");
    const json_t *found = value;

    if (json_is_array(set))
        found = json_array_get(set, index);
    else if (json_is_array(value))
        found = json_array_get(value, index);
    /* One with a comment or a counter has them around it. */
    return json_object_get(json_object_get(found, "elem"), "val") != NULL
               ? json_object_get(json_object_get(found, "elem"), "val")
               : found;
}

/* Is one of its members this text, or this number? */
static bool has(const json_t *value, const char *text, json_int_t number)
{
    for (size_t i = 0; i < count_members(value); i++) {
        const json_t *one = member(value, i);

        if (is(json_string_value(one), text) || (json_is_integer(one) && json_integer_value(one) == number))
            return true;
    }
    return false;
}

/* ---- Kinds of conditions ----------------------------------------------------------------------------------------- */

/* How many ports of [first, last] a member stands for. */
static uint64_t covered_by(const json_t *one, const struct gate_ports *ports)
{
    const json_t *range = json_object_get(one, "range");
    json_int_t first = json_integer_value(one);
    json_int_t last = first;

    if (json_is_array(range)) {
        first = json_integer_value(json_array_get(range, 0));
        last = json_integer_value(json_array_get(range, 1));
    } else if (!json_is_integer(one)) {
        return 0;
    }
    first = first > ports->first ? first : ports->first;
    last = last < ports->last ? last : ports->last;
    return first <= last ? (uint64_t)(last - first) + 1 : 0;
}

static enum packet_share compare_port(const struct packet *packet, const json_t *value)
{
    uint64_t covered = 0;

    if (packet->ports == NULL || is_named_set(value))
        return PACKET_FEW;
    for (size_t i = 0; i < count_members(value); i++)
        covered += covered_by(member(value, i), packet->ports);
    if (covered == 0)
        return PACKET_NONE;
    return covered > (uint64_t)(packet->ports->last - packet->ports->first) ? PACKET_ALL : PACKET_SOME;
}

static enum packet_share compare_protocol(const struct packet *packet, const json_t *value)
{
    if (packet->ports == NULL || is_named_set(value))
        return PACKET_FEW;
    return all_or_none(packet->ports->protocol == GATE_TCP ? has(value, "tcp", 6) : has(value, "udp", 17));
}

/* Nothing from outside comes in at lo. */
static enum packet_share compare_interface(const struct packet *packet, const json_t *value)
{
    if (is_named_set(value))
        return PACKET_FEW;
    if (packet->interface != NULL)
        return all_or_none(has(value, packet->interface, -1) || has(value, "*", -1));
    return count_members(value) == 1 && has(value, "lo", 1) ? PACKET_NONE : PACKET_SOME;
}

static enum packet_share compare_meta(const struct packet *packet, const char *key, const json_t *value)
{
    if (is(key, "iif") || is(key, "iifname"))
        return compare_interface(packet, value);
    if (is(key, "oif") || is(key, "oifname"))
        return PACKET_SOME;
    if (is(key, "l4proto"))
        return compare_protocol(packet, value);
    if (is(key, "nfproto"))
        return all_or_none(packet->ipv6 ? has(value, "ipv6", 10) : has(value, "ipv4", 2));
    if (is(key, "protocol"))
        return all_or_none(packet->ipv6 ? has(value, "ip6", 0x86dd) : has(value, "ip", 0x0800));
    return PACKET_FEW;
}

static enum packet_share compare_network_header(const struct packet *packet, const char *field, const json_t *value)
{
    if (is(field, "protocol") || is(field, "nexthdr"))
        return compare_protocol(packet, value);
    if ((is(field, "saddr") || is(field, "daddr")) && !is_named_set(value))
        return PACKET_SOME;
    return PACKET_FEW;
}

static enum packet_share compare_payload(const struct packet *packet, const json_t *payload, const json_t *value)
{
    const char *protocol = text_of(payload, "protocol");

    if (is(protocol, "ip") || is(protocol, "ip6"))
        return compare_network_header(packet, text_of(payload, "field"), value);
    return is(text_of(payload, "field"), "dport") ? compare_port(packet, value) : PACKET_FEW;
}

/* Has the packet the header that is looked into? One without is not compared at all, not even with "!=". */
static bool has_header(const struct packet *packet, const json_t *payload)
{
    const char *protocol = text_of(payload, "protocol");

    if (is(protocol, "ip") || is(protocol, "ip6"))
        return is(protocol, "ip6") == packet->ipv6;
    return packet->ports == NULL || is(protocol, "th") ||
           is(protocol, packet->ports->protocol == GATE_TCP ? "tcp" : "udp");
}

/* Its first packet is a new one. */
static enum packet_share compare_ct(const char *key, const json_t *value)
{
    if (!is(key, "state") || is_named_set(value))
        return PACKET_FEW;
    return all_or_none(has(value, "new", 8));
}

static enum packet_share negate(enum packet_share share)
{
    if (share == PACKET_ALL)
        return PACKET_NONE;
    return share == PACKET_NONE ? PACKET_ALL : share;
}

/* Is the destination port in it, alone or as a part? */
static bool asks_for_port(const json_t *left)
{
    const json_t *parts = json_object_get(left, "concat");

    for (size_t i = 0; i < json_array_size(parts); i++)
        if (is(text_of(json_object_get(json_array_get(parts, i), "payload"), "field"), "dport"))
            return true;
    return is(text_of(json_object_get(left, "payload"), "field"), "dport");
}

struct packet_match packet_compare(const struct packet *packet, const json_t *left, const json_t *value)
{
    const json_t *meta = json_object_get(left, "meta");
    const json_t *payload = json_object_get(left, "payload");
    const json_t *ct = json_object_get(left, "ct");
    struct packet_match match = {.share = PACKET_FEW, .names_port = asks_for_port(left)};

    if (payload != NULL && !has_header(packet, payload))
        match.share = PACKET_NONE;
    else if (meta != NULL)
        match.share = compare_meta(packet, text_of(meta, "key"), value);
    else if (payload != NULL)
        match.share = compare_payload(packet, payload, value);
    else if (ct != NULL)
        match.share = compare_ct(text_of(ct, "key"), value);
    return match;
}

static struct packet_match compare_statement(const struct packet *packet, const json_t *statement)
{
    const char *op = text_of(statement, "op");
    const json_t *left = json_object_get(statement, "left");
    const json_t *payload = json_object_get(left, "payload");
    struct packet_match match = packet_compare(packet, left, json_object_get(statement, "right"));

    if (payload != NULL && !has_header(packet, payload))
        return match;
    if (is(op, "!="))
        match.share = negate(match.share);
    else if (!is(op, "==") && !is(op, "in"))
        match.share = PACKET_FEW;
    return match;
}

void packet_narrow(const struct packet *packet, const json_t *statement, struct packet_match *match)
{
    static const char *const conditions[] = {"xt", "quota", "ct count", "connlimit", "meter", "last"};
    const json_t *compared = json_object_get(statement, "match");
    struct packet_match one = {.share = PACKET_ALL};

    if (compared != NULL)
        one = compare_statement(packet, compared);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (json_object_get(statement, conditions[i]) != NULL)
            one.share = PACKET_FEW;
    if (json_object_get(statement, "limit") != NULL)
        match->is_limited = true;
    match->names_port |= one.names_port;
    if (one.share < match->share)
        match->share = one.share;
}
