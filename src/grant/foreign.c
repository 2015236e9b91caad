/* SPDX-License-Identifier: ISC */
/* What other tables do with the packets of a gate: see foreign.h. Sessions are in foreign_sessions.c. */
#include "foreign.h"

#include "packet.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16     /* jumps within jumps, as the kernel has it */
#define STEPS_MAX 200000 /* rules that are looked at for one chain at a hook: jumps can make any number of ways */

/* A rule, and where it is. */
struct rule {
    const char *family, *table, *chain;
    size_t number; /* they are listed in their order */
    const json_t *statements;
};

struct ruleset {
    const json_t *list;
    struct rule *rules; /* by chain */
    size_t count;
};

/* What a chain does with a packet. */
enum course { COURSE_GOES_ON, COURSE_ACCEPTED, COURSE_DROPPED };

/* One look at a chain that is at a hook. */
struct walk {
    const struct ruleset *ruleset;
    struct packet packet;
    const char *family, *table;
    unsigned steps;
    bool some_accepted; /* by a rule for their port, some are */
    bool some_dropped;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static bool is(const char *text, const char *wanted)
{
    return strcmp(text, wanted) == 0;
}

/* ---- Rules by their chain ---------------------------------------------------------------------------------------- */

static int compare_chains(const struct rule *one, const struct rule *other)
{
    int order = strcmp(one->family, other->family);

    if (order == 0)
        order = strcmp(one->table, other->table);
    return order != 0 ? order : strcmp(one->chain, other->chain);
}

static int compare_rules(const void *left, const void *right)
{
    const struct rule *one = left, *other = right;
    const int order = compare_chains(one, other);

    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

static int index_rules(struct ruleset *ruleset)
{
    const size_t size = json_array_size(ruleset->list);

    ruleset->rules = calloc(size > 0 ? size : 1, sizeof(*ruleset->rules));
    if (ruleset->rules == NULL)
        return -1;
    for (size_t i = 0; i < size; i++) {
        const json_t *rule = json_object_get(json_array_get(ruleset->list, i), "rule");

        if (rule != NULL)
            ruleset->rules[ruleset->count++] = (struct rule){text_of(rule, "family"), text_of(rule, "table"),
                                                             text_of(rule, "chain"), i, json_object_get(rule, "expr")};
    }
    qsort(ruleset->rules, ruleset->count, sizeof(*ruleset->rules), compare_rules);
    return 0;
}

/* The first rule of a chain, and where there is none, one of another chain or the end. */
static size_t find_chain(const struct ruleset *ruleset, const struct rule *chain)
{
    size_t low = 0, high = ruleset->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare_chains(&ruleset->rules[middle], chain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- What a chain does ------------------------------------------------------------------------------------------- */

static enum course walk_chain(struct walk *walk, const char *chain, struct packet_match so_far, unsigned depth);

/* What is said of a packet that matches so far. *ends: this chain has nothing more to say of any. */
static enum course obey(struct walk *walk, const json_t *verdict, struct packet_match match, unsigned depth, bool *ends)
{
    const bool all = match.share == PACKET_ALL;
    const json_t *jump = json_object_get(verdict, "jump");
    const json_t *target = jump != NULL ? jump : json_object_get(verdict, "goto");
    enum course course = COURSE_GOES_ON;

    if (json_object_get(verdict, "accept") != NULL) {
        walk->some_accepted |= match.names_port;
        course = all ? COURSE_ACCEPTED : COURSE_GOES_ON;
    } else if (json_object_get(verdict, "drop") != NULL || json_object_get(verdict, "reject") != NULL) {
        if (all && !match.is_limited)
            course = COURSE_DROPPED;
        walk->some_dropped |= match.share == PACKET_SOME && !match.is_limited;
    } else if (target != NULL) {
        course = walk_chain(walk, text_of(target, "target"), match, depth + 1);
    }
    *ends = all && (course != COURSE_GOES_ON || json_object_get(verdict, "return") != NULL ||
                    json_object_get(verdict, "goto") != NULL);
    return *ends ? course : COURSE_GOES_ON;
}

static struct packet_match both(struct packet_match one, struct packet_match other)
{
    return (struct packet_match){
        .share = one.share < other.share ? one.share : other.share,
        .names_port = one.names_port || other.names_port,
        .is_limited = one.is_limited || other.is_limited,
    };
}

/* A map whose members can be seen: each of them is a rule. */
static enum course obey_map(struct walk *walk, const json_t *map, struct packet_match so_far, unsigned depth,
                            bool *ends)
{
    const json_t *pairs = json_object_get(json_object_get(map, "data"), "set");
    enum course course = COURSE_GOES_ON;

    for (size_t i = 0; i < json_array_size(pairs) && !*ends; i++) {
        const json_t *pair = json_array_get(pairs, i);
        const struct packet_match match =
            packet_compare(&walk->packet, json_object_get(map, "key"), json_array_get(pair, 0));

        if (match.share > PACKET_NONE)
            course = obey(walk, json_array_get(pair, 1), both(so_far, match), depth, ends);
    }
    return course;
}

static enum course walk_rule(struct walk *walk, const json_t *statements, struct packet_match match, unsigned depth,
                             bool *ends)
{
    enum course course = COURSE_GOES_ON;

    for (size_t i = 0; i < json_array_size(statements) && match.share > PACKET_NONE && !*ends; i++) {
        const json_t *statement = json_array_get(statements, i);
        const json_t *map = json_object_get(statement, "vmap");

        packet_narrow(&walk->packet, statement, &match);
        if (match.share == PACKET_NONE)
            break;
        course = map != NULL ? obey_map(walk, map, match, depth, ends) : obey(walk, statement, match, depth, ends);
    }
    return course;
}

static enum course walk_chain(struct walk *walk, const char *chain, struct packet_match so_far, unsigned depth)
{
    const struct rule wanted = {.family = walk->family, .table = walk->table, .chain = chain};
    const struct ruleset *ruleset = walk->ruleset;

    if (depth > DEPTH_MAX)
        return COURSE_GOES_ON;
    for (size_t i = find_chain(ruleset, &wanted);
         i < ruleset->count && compare_chains(&ruleset->rules[i], &wanted) == 0 && walk->steps < STEPS_MAX; i++) {
        bool ends = false;
        enum course course;

        walk->steps++;
        course = walk_rule(walk, ruleset->rules[i].statements, so_far, depth, &ends);
        if (ends)
            return course;
    }
    return COURSE_GOES_ON;
}

/* ---- What is said of it ------------------------------------------------------------------------------------------ */

/* How bad it is for a gate; of several ports and families the worst is said. */
enum harm { HARM_NONE, HARM_SOME, HARM_ALL };

static enum harm look(const struct ruleset *ruleset, const json_t *chain, const struct packet *packet)
{
    struct walk walk = {
        .ruleset = ruleset,
        .packet = *packet,
        .family = text_of(chain, "family"),
        .table = text_of(chain, "table"),
    };
    enum course course = walk_chain(&walk, text_of(chain, "name"), (struct packet_match){.share = PACKET_ALL}, 0);

    if (walk.steps >= STEPS_MAX)
        return HARM_NONE;
    if (course == COURSE_GOES_ON && is(text_of(chain, "policy"), "drop"))
        course = COURSE_DROPPED;
    if (course == COURSE_DROPPED)
        return walk.some_accepted ? HARM_SOME : HARM_ALL;
    return walk.some_dropped ? HARM_SOME : HARM_NONE;
}

static bool has_family(const json_t *chain, bool ipv6)
{
    const char *family = text_of(chain, "family");

    return is(family, "inet") || is(family, ipv6 ? "ip6" : "ip");
}

static enum harm look_for_gate(const struct ruleset *ruleset, const json_t *chain, const struct gate *gate)
{
    struct packet packet = {.interface = gate->interface};
    enum harm worst = HARM_NONE;

    for (unsigned ipv6 = 0; ipv6 <= 1; ipv6++) {
        packet.ipv6 = ipv6;
        if (!has_family(chain, ipv6))
            continue;
        for (size_t i = 0; i < (gate->any ? 1 : gate->port_count); i++) {
            enum harm harm;

            packet.ports = gate->any ? NULL : &gate->ports[i];
            harm = look(ruleset, chain, &packet);
            worst = harm > worst ? harm : worst;
        }
    }
    return worst;
}

struct check {
    const struct gates *gates;
    const struct foreign_hearer *hearer;
};

__attribute__((format(printf, 4, 5))) static void report(const struct check *check, const struct gate *gate,
                                                         enum config_severity severity, const char *format, ...)
{
    char text[FOREIGN_TEXT_LEN];
    const struct config_finding finding = {
        .file = check->gates->path, .line = gate != NULL ? gate->line : 0, .severity = severity, .text = text};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* Names of tables and chains are anybody's. */
    for (char *at = text; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    check->hearer->report(check->hearer->context, &finding);
}

static void report_harm(const struct check *check, const struct gate *gate, const json_t *chain, enum harm harm)
{
    const char *family = text_of(chain, "family"), *table = text_of(chain, "table"), *name = text_of(chain, "name");

    if (harm == HARM_ALL)
        report(
            check, gate, CONFIG_WARNING,
            "gate '%s': the chain '%.64s' of the table '%.8s %.64s' seems to drop what this gate lets in, so that "
            "nobody "
            "can come in: each table has to let a packet through. Accept the gate's packets there; who has no grant is "
            "shut out all the same",
            gate->name, name, family, table);
    else if (harm == HARM_SOME)
        report(check, gate, CONFIG_NOTE,
               "gate '%s': the chain '%.64s' of the table '%.8s %.64s' may drop some of what this gate lets in, for it "
               "accepts its packets from some places alone",
               gate->name, name, family, table);
}

/* Is it at a hook that the gate's packets come by, and not ours? */
static bool is_on_the_way(const json_t *chain, const struct gate *gate)
{
    const char *hook = text_of(chain, "hook");

    if (is(text_of(chain, "family"), "inet") && is(text_of(chain, "table"), NFT_TABLE))
        return false;
    return is(hook, "prerouting") || is(hook, gate->hook == GATE_INPUT ? "input" : "forward");
}

static void check_others(const struct check *check, const struct ruleset *ruleset)
{
    for (size_t i = 0; i < json_array_size(ruleset->list); i++) {
        const json_t *chain = json_object_get(json_array_get(ruleset->list, i), "chain");

        for (size_t j = 0; chain != NULL && j < check->gates->count; j++) {
            const struct gate *gate = &check->gates->list[j];

            if (!gate->by_commands && is_on_the_way(chain, gate))
                report_harm(check, gate, chain, look_for_gate(ruleset, chain, gate));
        }
    }
}

/* ---- Our own table ----------------------------------------------------------------------------------------------- */

static void check_ours(const struct check *check, const struct nft_table *table)
{
    struct gates one = {.count = 1};
    const struct gate *first = NULL; /* of nftables */

    for (size_t i = 0; i < check->gates->count && first == NULL; i++)
        if (!check->gates->list[i].by_commands)
            first = &check->gates->list[i];
    if (first != NULL && !table->loaded) {
        report(check, NULL, CONFIG_ERROR,
               "the rules are not loaded, so that nothing is shut: grant yourself first, as in 'ostgrant grant %s "
               "YOUR-ADDRESS', which loads them too, and see that ostiary-grants.service is enabled",
               first->name);
        return;
    }
    for (size_t i = 0; i < check->gates->count; i++) {
        one.list = &check->gates->list[i];
        if (!nft_is_complete(table, &one))
            report(check, one.list, CONFIG_ERROR, "gate '%s' is not in the rules that are loaded: run 'ostgrant load'",
                   one.list->name);
    }
}

int foreign_check_ruleset(const char *json, size_t len, const struct gates *gates, const struct foreign_hearer *hearer)
{
    const struct check check = {gates, hearer};
    struct ruleset ruleset = {0};
    struct nft_table table;
    json_t *root;
    int status;

    if (nft_parse_table(json, len, &table) != 0)
        return -1;
    root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    ruleset.list = json_object_get(root, "nftables");
    status = root != NULL ? index_rules(&ruleset) : -1;
    if (status == 0) {
        check_ours(&check, &table);
        check_others(&check, &ruleset);
    }
    free(ruleset.rules);
    json_decref(root);
    nft_free_table(&table);
    return status;
}
