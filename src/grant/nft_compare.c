/* SPDX-License-Identifier: ISC */
/*
 * Are the rules that are loaded those that would be written? See nft.h. Both are brought to one short form, the gist of
 * a rule: what it looks at, in its order, with sets, interfaces and ports by name, and what becomes of the packet. What
 * the versions of nft write in different ways is not in it. A statement that this program never writes has a gist that
 * no rule of its own has.
 */
#include "nft.h"
#include "nft_gist.h"

#include <stdlib.h>
#include <string.h>

#define RULE  "add rule inet " NFT_TABLE " "
#define CHAIN "add chain inet " NFT_TABLE " "
#define ENDS  " ,;{}\n"

/* Words that are part of a gist. Those in front of a name are, with the name. */
static const char *const kept[] = {"saddr",  "dport", "iif",      "iifname", "state", "direction",
                                   "label",  "type",  "hoplimit", "ttl",     "sport", "flags",
                                   "accept", "drop",  "return",   "policy",  NULL};
static const char *const named[] = {"jump", "hook", "counter name", NULL};

bool gist_keeps(const char *word, size_t len)
{
    for (const char *const *at = kept; *at != NULL; at++)
        if (strlen(*at) == len && strncmp(*at, word, len) == 0)
            return true;
    return false;
}

void gist_ports(struct text *gist, const bool ports[static GIST_PORTS])
{
    for (size_t first = 0; first < GIST_PORTS; first++) {
        size_t last = first;

        if (!ports[first])
            continue;
        while (last + 1 < GIST_PORTS && ports[last + 1])
            last++;
        text_add(gist, " %zu-%zu", first, last);
        first = last;
    }
}

/* ---- The gist of a line of a script ------------------------------------------------------------------------------ */

/* "{ 22, 80-90 }", or one. Gives what is behind. */
static const char *take_ports(struct text *gist, const char *at)
{
    bool ports[GIST_PORTS] = {false};

    at += strspn(at, " {");
    while (*at >= '0' && *at <= '9') {
        char *end;
        const unsigned long first = strtoul(at, &end, 10);
        const unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

        for (unsigned long port = first; port <= last && port < GIST_PORTS; port++)
            ports[port] = true;
        at = end + strspn(end, ", ");
    }
    gist_ports(gist, ports);
    return at;
}

/* One word of a rule, and what belongs to it. Gives what is behind. */
static const char *take_word(struct text *gist, const char *at)
{
    const size_t len = strcspn(at, ENDS);

    for (const char *const *before = named; *before != NULL; before++)
        if (strncmp(at, *before, strlen(*before)) == 0 && at[strlen(*before)] == ' ') {
            const char *name = at + strlen(*before) + 1;

            text_add(gist, " %.*s", (int)(name - at + (ptrdiff_t)strcspn(name, ENDS)), at);
            return name + strcspn(name, ENDS);
        }
    if (*at == '"')
        text_add(gist, " %.*s", (int)(len - 2), at + 1);
    else if (*at == '@' || gist_keeps(at, len))
        text_add(gist, " %.*s", (int)len, at);
    at += len;
    return strncmp(at - strlen("dport"), "dport", strlen("dport")) == 0 ? take_ports(gist, at) : at;
}

/* "gate_ssh saddr @ssh_4_32 return\n", of what follows "add rule inet ostiary_grants ". */
static void take_line(struct text *gists, const char *at)
{
    const size_t chain_len = strcspn(at, " \n");

    text_add(gists, "%.*s", (int)chain_len, at);
    at += chain_len;
    while (*at != '\n') {
        at += strspn(at, " ,;{}");
        if (*at != '\n')
            at = take_word(gists, at);
    }
    text_add(gists, "\n");
}

static void take_script(struct text *gists, const char *script)
{
    for (const char *at = script; *at != '\0'; at += strcspn(at, "\n") + 1) {
        if (strncmp(at, RULE, strlen(RULE)) == 0)
            take_line(gists, at + strlen(RULE));
        else if (strncmp(at, CHAIN, strlen(CHAIN)) == 0)
            take_line(gists, at + strlen(CHAIN));
    }
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */

/* The lengths for which the kernel has sets: each of them has to be looked into. */
static void find_lengths(const struct nft_table *table, const struct gates *gates, struct nft_lengths *lengths)
{
    for (size_t i = 0; i < table->set_count; i++) {
        struct place place;
        const struct gate *gate = place_parse(table->sets[i].name, &place) ? gates_find(gates, place.gate) : NULL;

        if (gate != NULL && place.ipv6)
            lengths[gate - gates->list].ipv6[place.prefix] = true;
        else if (gate != NULL)
            lengths[gate - gates->list].ipv4[place.prefix] = true;
    }
}

/* The next line at or behind this place that is of the chain with which the other begins; NULL: none. */
static const char *next_of(const char *at, const char *chain)
{
    const size_t len = strcspn(chain, " \n");

    while (at != NULL && *at != '\0') {
        if (strcspn(at, " \n") == len && strncmp(at, chain, len) == 0)
            return at;
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

static bool is_one_line(const char *one, const char *other)
{
    const size_t len = strcspn(one, "\n");

    return strcspn(other, "\n") == len && strncmp(one, other, len) == 0;
}

/* Has each chain that is wanted just its lines, in their order? The lines of one stand together in what is wanted. */
static bool have_all(const char *wanted, const char *found)
{
    while (*wanted != '\0') {
        const char *chain = wanted;
        const char *at = next_of(found, chain);

        while (*wanted != '\0' && next_of(wanted, chain) == wanted) {
            if (at == NULL || !is_one_line(wanted, at))
                return false;
            at = next_of(at + strcspn(at, "\n") + 1, chain);
            wanted += strcspn(wanted, "\n") + 1;
        }
        if (at != NULL)
            return false;
    }
    return true;
}

bool nft_has_rules(const struct nft_table *table, const struct gates *gates)
{
    const struct nft_table nothing = {0};
    struct nft_lengths *lengths = calloc(gates->count + 1, sizeof(*lengths));
    struct text script = {0}, gists = {0};
    bool has = lengths != NULL;

    if (has) {
        find_lengths(table, gates, lengths);
        nft_write_table(&script, gates, lengths, &nothing);
        take_script(&gists, script.bytes != NULL ? script.bytes : "");
        has = !script.failed && !gists.failed &&
              have_all(gists.bytes != NULL ? gists.bytes : "", table->gists != NULL ? table->gists : "");
    }
    text_free(&script);
    text_free(&gists);
    free(lengths);
    return has;
}
