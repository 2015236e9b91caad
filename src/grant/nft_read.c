/* SPDX-License-Identifier: ISC */
/*
 * What nft lists as JSON: see nft.h. Of the table nothing is believed but what this program could have made itself;
 * other things in it, and other tables, are passed over.
 */
#include "nft.h"
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

/* The rules tell that the table was not only made, or flushed. */
static void read_rule(const json_t *rule, struct nft_table *table)
{
    table->loaded |= is_ours(rule) && (is_text(rule, "chain", "input") || is_text(rule, "chain", "forward"));
}

static int read_object(const json_t *object, struct nft_table *table)
{
    const json_t *set = json_object_get(object, "set");
    const json_t *chain = json_object_get(object, "chain");
    const json_t *counter = json_object_get(object, "counter");

    read_rule(json_object_get(object, "rule"), table);
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

    *table = (struct nft_table){0};
    for (size_t i = 0; status == 0 && i < json_array_size(list); i++)
        status = read_object(json_array_get(list, i), table);
    json_decref(root);
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
