/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as what nft prints of the table, and what the kernel answers about one element. Whatever is read of them
 * can be written again, and nothing but what this program could have made itself gets into a script. The input: 'e' and
 * an answer, or JSON.
 */
#include "fuzz.h"
#include "nft.h"

#include <arpa/inet.h>

/* What the table is loaded for: "ssh" is in the corpus, with its sets. */
static struct gate list[] = {
    {.name = "ssh", .ports = {{GATE_TCP, 22, 22}}, .port_count = 1, .size = 3, .ipv6_prefix = 64},
    {.name = "all", .any = true, .hook = GATE_FORWARD, .size = 65536, .ipv6_prefix = 56},
};
static const struct gates gates = {.list = list, .count = 2};

/* A line for each command, none of which is about anything but the table. */
static void demand_script(struct text *script)
{
    static const char table[] = "inet ostiary_grants";

    for (const char *at = script->bytes; at != NULL && *at != '\0';) {
        const size_t len = strcspn(at, "\n");

        DEMAND(at[len] == '\n');
        DEMAND(memmem(at, len, table, strlen(table)) != NULL);
        DEMAND(strncmp(at, "add ", 4) == 0 || strncmp(at, "delete ", 7) == 0 || strncmp(at, "flush table ", 12) == 0);
        for (size_t i = 0; i < len; i++)
            DEMAND(at[i] >= ' ' && at[i] <= '~');
        at += len + 1;
    }
    text_free(script);
}

static void demand_element(const struct nft_element *element)
{
    struct text script = {0};

    DEMAND(gates_is_name(element->gate));
    DEMAND(element->user[0] == '\0' || gates_is_user(element->user));
    nft_write_close(&script, element);
    if (element->left_ms > 0)
        nft_write_open(&script, element);
    DEMAND(!script.failed);
    demand_script(&script);
}

static void try_table(const char *json, size_t len)
{
    const struct nft_lengths lengths[2] = {{.ipv4 = {[8] = true}}};
    struct text script = {0};
    struct nft_table table;

    if (nft_parse_table(json, len, &table) != 0) {
        DEMAND(table.elements == NULL && table.element_count == 0 && table.sets == NULL && table.chains == NULL);
        return;
    }
    for (size_t i = 0; i < table.element_count; i++)
        demand_element(&table.elements[i]);
    DEMAND(!nft_is_complete(&table, &gates) || table.loaded);
    DEMAND(!nft_has_rules(&table, &gates) || table.loaded);
    nft_write_table(&script, &gates, lengths, &table);
    DEMAND(!script.failed);
    demand_script(&script);
    nft_free_table(&table);
}

static void try_element(const uint8_t *bytes, size_t len)
{
    struct nft_element element = {.gate = "ssh",
                                  .network = {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}, 128}};

    if (nft_parse_element(bytes, len, &element) == 0)
        demand_element(&element);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);

    DEMAND(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    if (len > 0 && copy[0] == 'e')
        try_element((const uint8_t *)copy + 1, len - 1);
    else
        try_table(copy, len);
    free(copy);
    return 0;
}
