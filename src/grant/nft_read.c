/* SPDX-License-Identifier: ISC */
/*
 * What nft lists as JSON: see nft.h. Of the table nothing is believed but what this program could have made itself;
 * other things in it, and other tables, are passed over.
 */
#include "nft.h"
#include "nft_gist.h"
#include "place.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_MAX_S (UINT64_C(100000) * 86400)

/* ---- Arrays that grow -------------------------------------------------------------------------------------------- */

/* The array with room for one more behind its count items, which is made when count is a power of two; NULL: no memory.
 */
static void *make_room(void *items, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items;
    return reallocarray(items, count > 0 ? count * 2 : 1, size);
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static bool is_text(const json_t *object, const char *key, const char *wanted)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL && strcmp(value, wanted) == 0;
}

/* 0 where it is missing, no number, or below that. */
static uint64_t number(const json_t *object, const char *key)
{
    const json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

/* Of a set, a chain, a rule, ...: is it in our table? */
static bool is_ours(const json_t *object)
{
    return is_text(object, "family", "inet") && is_text(object, "table", NFT_TABLE);
}

/* ---- Sets and their elements ------------------------------------------------------------------------------------- */

/*
 * What is left of it: an element that ends has both times, the second in whole seconds; within its last second that is
 * 0, which must not be taken for one that never ends.
 */
static uint64_t read_left(const json_t *object)
{
    const uint64_t left_s = number(object, "expires");

    if (json_object_get(object, "timeout") == NULL)
        return 0;
    if (left_s == 0)
        return 1;
    return (left_s < LEFT_MAX_S ? left_s : LEFT_MAX_S) * 1000;
}

/* One element: a text where it has nothing but its address. False: it is none of ours. */
static bool read_element(const json_t *listed, const struct place *place, struct nft_element *element)
{
    const json_t *object = json_object_get(listed, "elem");
    const char *address = json_string_value(json_is_string(listed) ? listed : json_object_get(object, "val"));
    const char *user = json_string_value(json_object_get(object, "comment"));

    memset(element, 0, sizeof(*element));
    if (address == NULL || !place_network(place, address, &element->network))
        return false;
    memcpy(element->gate, place->gate, sizeof(element->gate));
    element->left_ms = read_left(object);
    element->packets = number(json_object_get(object, "counter"), "packets");
    if (user != NULL && gates_is_user(user) && strlen(user) <= GATES_USER_MAX)
        memcpy(element->user, user, strlen(user));
    return true;
}

static int read_elements(const json_t *set, const struct place *place, struct nft_table *table)
{
    const json_t *list = json_object_get(set, "elem");

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct nft_element *room = make_room(table->elements, table->element_count, sizeof(*room));

        if (room == NULL)
            return -1;
        table->elements = room;
        if (read_element(json_array_get(list, i), place, &table->elements[table->element_count]))
            table->element_count++;
    }
    return 0;
}

/* Has it the flags and the counter that this program gives it, and no other? */
static bool is_usual(const json_t *set, const struct place *place)
{
    const json_t *flags = json_object_get(set, "flags");
    const json_t *stmt = json_object_get(set, "stmt");
    const char *flag = json_string_value(json_array_get(flags, 0));

    return is_text(set, "type", place->ipv6 ? "ipv6_addr" : "ipv4_addr") && json_array_size(flags) == 1 &&
           flag != NULL && strcmp(flag, "timeout") == 0 && json_object_get(set, "timeout") == NULL &&
           json_array_size(stmt) == 1 && json_object_get(json_array_get(stmt, 0), "counter") != NULL;
}

static int read_set(const json_t *set, struct nft_table *table)
{
    const char *name = json_string_value(json_object_get(set, "name"));
    struct nft_set read = {.size = number(set, "size")};
    struct nft_set *room;
    struct place place;

    if (!is_ours(set) || name == NULL || !place_parse(name, &place))
        return 0;
    room = make_room(table->sets, table->set_count, sizeof(*room));
    if (room == NULL)
        return -1;
    table->sets = room;
    read.usual = is_usual(set, &place);
    read.name = strdup(name);
    if (read.name == NULL)
        return -1;
    table->sets[table->set_count++] = read;
    return read_elements(set, &place, table);
}

/* ---- The rest of the table --------------------------------------------------------------------------------------- */

static int read_chain(const json_t *chain, struct nft_table *table)
{
    const char *name = json_string_value(json_object_get(chain, "name"));
    char **room;

    if (!is_ours(chain) || name == NULL)
        return 0;
    room = make_room(table->chains, table->chain_count, sizeof(*room));
    if (room == NULL)
        return -1;
    table->chains = room;
    room[table->chain_count] = strdup(name);
    if (room[table->chain_count] == NULL)
        return -1;
    table->chain_count++;
    return 0;
}

static int read_counter(const json_t *counter, struct nft_table *table)
{
    const char *name = json_string_value(json_object_get(counter, "name"));
    const char *end = name != NULL ? strrchr(name, '_') : NULL;
    struct nft_counter read = {.shut = number(counter, "packets")};
    struct nft_counter *room;

    if (!is_ours(counter) || end == NULL || strcmp(end, "_shut") != 0 || end - name > GATES_NAME_MAX)
        return 0;
    memcpy(read.gate, name, (size_t)(end - name));
    if (!gates_is_name(read.gate))
        return 0;
    room = make_room(table->counters, table->counter_count, sizeof(*room));
    if (room == NULL)
        return -1;
    table->counters = room;
    table->counters[table->counter_count++] = read;
    return 0;
}

/* ---- Rules, as their gists ----------------------------------------------------------------------------------------
 */

/* The name of what an object has first, which is what kind of thing it is; "" where it is none. */
static const char *kind_of(json_t *object)
{
    void *first = json_object_iter(object);

    return first != NULL ? json_object_iter_key(first) : "";
}

static void mark_ports(const json_t *value, bool ports[static GIST_PORTS])
{
    const json_t *set = json_object_get(value, "set"), *range = json_object_get(value, "range");
    const json_int_t first = json_integer_value(json_is_array(range) ? json_array_get(range, 0) : value);
    const json_int_t last = json_is_array(range) ? json_integer_value(json_array_get(range, 1)) : first;

    for (size_t i = 0; i < json_array_size(set); i++)
        if (json_object_get(json_array_get(set, i), "set") == NULL)
            mark_ports(json_array_get(set, i), ports);
    for (json_int_t port = first; set == NULL && port >= 0 && port <= last && port < GIST_PORTS; port++)
        ports[port] = true;
}

/* What nft itself puts in front of a condition, so that it is asked of the right packets alone. */
static bool is_mere_protocol(const char *name)
{
    return strcmp(name, "l4proto") == 0 || strcmp(name, "nfproto") == 0 || strcmp(name, "protocol") == 0 ||
           strcmp(name, "nexthdr") == 0;
}

/* "saddr @ssh_4_32", "dport 22-22", ... */
static void add_match(struct text *gist, const json_t *match)
{
    const json_t *right = json_object_get(match, "right");
    json_t *left = json_object_get(match, "left");
    json_t *whole = json_object_get(left, "&") != NULL ? json_array_get(json_object_get(left, "&"), 0) : left;
    const json_t *what = json_object_get(whole, kind_of(whole));
    const char *field = json_string_value(json_object_get(what, "field"));
    const char *name = field != NULL ? field : json_string_value(json_object_get(what, "key"));
    const char *text = json_string_value(right);
    bool ports[GIST_PORTS] = {false};

    if (name != NULL && is_mere_protocol(name))
        return;
    if (name == NULL || !gist_keeps(name, strlen(name)) || is_text(match, "op", "!=")) {
        text_add(gist, " ?");
        return;
    }
    text_add(gist, " %s", name);
    if (text != NULL && (text[0] == '@' || strncmp(name, "iif", strlen("iif")) == 0))
        text_add(gist, " %s", text);
    if (strcmp(name, "dport") != 0)
        return;
    mark_ports(right, ports);
    gist_ports(gist, ports);
}

static void add_statement(struct text *gist, json_t *statement)
{
    const char *kind = kind_of(statement);
    const json_t *what = json_object_get(statement, kind);
    const char *target = json_string_value(json_object_get(what, "target"));
    const char *key = json_string_value(json_object_get(json_object_get(json_object_get(what, "key"), "ct"), "key"));

    if (strcmp(kind, "match") == 0)
        add_match(gist, what);
    else if (strcmp(kind, "counter") == 0 && json_is_string(what))
        text_add(gist, " counter name %s", json_string_value(what));
    else if (strcmp(kind, "jump") == 0 && target != NULL)
        text_add(gist, " jump %s", target);
    else if (strcmp(kind, "mangle") == 0 && key != NULL)
        text_add(gist, " %s", key);
    else
        text_add(gist, " %s", gist_keeps(kind, strlen(kind)) ? kind : "?");
}

/* The rules tell that the table was not only made, or flushed. */
static void read_rule(const json_t *rule, struct nft_table *table, struct text *gists)
{
    const json_t *statements = json_object_get(rule, "expr");
    const char *chain = json_string_value(json_object_get(rule, "chain"));

    if (!is_ours(rule) || chain == NULL)
        return;
    table->loaded |= is_text(rule, "chain", "input") || is_text(rule, "chain", "forward");
    text_add(gists, "%s", chain);
    for (size_t i = 0; i < json_array_size(statements); i++)
        add_statement(gists, json_array_get(statements, i));
    text_add(gists, "\n");
}

/* A chain that is at no hook sees no packet. */
static void read_hook(const json_t *chain, struct text *gists)
{
    const char *name = json_string_value(json_object_get(chain, "name"));
    const char *hook = json_string_value(json_object_get(chain, "hook"));
    const char *policy = json_string_value(json_object_get(chain, "policy"));

    if (!is_ours(chain) || name == NULL)
        return;
    text_add(gists, "%s", name);
    if (hook != NULL)
        text_add(gists, " type hook %s policy %s", hook, policy != NULL ? policy : "?");
    text_add(gists, "\n");
}

static int read_object(const json_t *object, struct nft_table *table, struct text *gists)
{
    const json_t *set = json_object_get(object, "set");
    const json_t *chain = json_object_get(object, "chain");
    const json_t *counter = json_object_get(object, "counter");

    read_rule(json_object_get(object, "rule"), table, gists);
    read_hook(chain, gists);
    if (set != NULL)
        return read_set(set, table);
    if (chain != NULL)
        return read_chain(chain, table);
    return counter != NULL ? read_counter(counter, table) : 0;
}

int nft_parse_table(const char *json, size_t len, struct nft_table *table)
{
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(root, "nftables");
    int status = json_is_array(list) ? 0 : -1;
    struct text gists = {0};

    *table = (struct nft_table){0};
    for (size_t i = 0; status == 0 && i < json_array_size(list); i++)
        status = read_object(json_array_get(list, i), table, &gists);
    json_decref(root);
    table->gists = gists.bytes;
    if (gists.failed)
        status = -1;
    if (status != 0)
        nft_free_table(table);
    return status;
}

void nft_free_table(struct nft_table *table)
{
    for (size_t i = 0; i < table->set_count; i++)
        free(table->sets[i].name);
    for (size_t i = 0; i < table->chain_count; i++)
        free(table->chains[i]);
    free(table->sets);
    free(table->chains);
    free(table->gists);
    free(table->elements);
    free(table->counters);
    *table = (struct nft_table){0};
}

/* ---- Is all there? ----------------------------------------------------------------------------------------------- */

static bool has_chain(const struct nft_table *table, const char *prefix, const char *name)
{
    for (size_t i = 0; i < table->chain_count; i++)
        if (strncmp(table->chains[i], prefix, strlen(prefix)) == 0 &&
            strcmp(table->chains[i] + strlen(prefix), name) == 0)
            return true;
    return false;
}

static bool has_set(const struct nft_table *table, const struct gate *gate, bool ipv6, uint8_t prefix)
{
    struct place place = {.ipv6 = ipv6, .prefix = prefix};
    char name[PLACE_NAME_LEN];

    strncpy(place.gate, gate->name, GATES_NAME_MAX);
    place_name(&place, name);
    for (size_t i = 0; i < table->set_count; i++)
        if (strcmp(table->sets[i].name, name) == 0)
            return true;
    return false;
}

bool nft_is_complete(const struct nft_table *table, const struct gates *gates)
{
    for (size_t i = 0; i < gates->count; i++) {
        const struct gate *gate = &gates->list[i];

        if (gate->by_commands)
            continue;
        if (!table->loaded || !has_chain(table, "", gate->hook == GATE_INPUT ? "input" : "forward") ||
            !has_chain(table, "gate_", gate->name) || !has_set(table, gate, false, 32) ||
            !has_set(table, gate, true, gate->ipv6_prefix) || !has_set(table, gate, true, 128))
            return false;
    }
    return true;
}
