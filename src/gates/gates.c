/* SPDX-License-Identifier: ISC */
/* See gates.h. The lines but for GATE, which are in gate.c, and what there is to ask of a struct gates. */
#include "gates.h"

#include "file.h"
#include "gate.h"
#include "keyword.h"
#include "locked.h"
#include "parser.h"
#include "ports.h"
#include "siphash.h"
#include "text.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define IPV4_BITS       96 /* of ::ffff:0:0/96, in front of an IPv4 address */
#define LINK_LOCAL_BITS 10 /* of fe80::/10 */

static struct gates *gates_of(const struct parser *parser)
{
    const struct gates_reading *reading = parser->file;

    return reading->gates;
}

/* ---- Names ---- */

_Static_assert(GATES_NAME_MAX == VALUE_GATE_MAX, "what ostiary.cfg can name can be a gate's name");

bool gates_is_name(const char *text)
{
    return value_is_gate(text);
}

bool gates_is_user(const char *text)
{
    static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
    const size_t len = strnlen(text, GATES_USER_MAX + 1);

    return len >= 1 && len <= GATES_USER_MAX && text[0] != '-' && text[0] != '@' && strspn(text, bytes) == len;
}

const struct gate *gates_find(const struct gates *gates, const char *name)
{
    for (size_t i = 0; i < gates->count; i++) {
        if (strcmp(gates->list[i].name, name) == 0)
            return &gates->list[i];
    }
    return NULL;
}

/* ---- Networks ---- */

static bool is_link_local(const uint8_t bytes[static SOURCE_ADDRESS_LEN])
{
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool gates_can_hold(const struct source *network)
{
    static const struct source all_of_ipv4 = {.address = {[10] = 0xff, [11] = 0xff}, .prefix = IPV4_BITS};

    if (network->prefix >= LINK_LOCAL_BITS && is_link_local(network->address))
        return false;
    return network->prefix == 0 || network->prefix >= IPV4_BITS || !address_covers(network, &all_of_ipv4);
}

bool gates_network(const struct gate *gate, const struct address *address, struct source *network)
{
    static const struct source translator = {.address = {0x00, 0x64, 0xff, 0x9b}, .prefix = IPV4_BITS};
    const bool is_host = address_is_ipv4(address) || address_within(address, &translator);

    if (is_link_local(address->bytes))
        return false;
    *network = (struct source){0}; /* all of it: networks are compared as they are in memory */
    memcpy(network->address, address->bytes, sizeof(network->address));
    address_widen(network, is_host ? 128 : gate->ipv6_prefix);
    return true;
}

bool gates_is_ipv4(const struct source *network)
{
    struct address address = {0};

    memcpy(address.bytes, network->address, sizeof(address.bytes));
    return address_is_ipv4(&address);
}

bool gates_lies_within(const struct source *narrow, const struct source *wide)
{
    return gates_is_ipv4(narrow) == gates_is_ipv4(wide) && address_covers(wide, narrow);
}

bool gates_has_hosts(const struct source *network)
{
    static const struct source without[] = {
        {.address = {[10] = 0xff, [11] = 0xff, [12] = 0}, .prefix = IPV4_BITS + 8},   /* 0.0.0.0/8 */
        {.address = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = IPV4_BITS + 8}, /* 127.0.0.0/8 */
        {.address = {[10] = 0xff, [11] = 0xff, [12] = 224}, .prefix = IPV4_BITS + 4}, /* 224.0.0.0/4 */
        {.address = {[10] = 0xff, [11] = 0xff, 255, 255, 255, 255}, .prefix = 128},
        {.address = {0}, .prefix = 16},   /* :: and ::1, however wide a gate opens them */
        {.address = {0xff}, .prefix = 8}, /* ff00::/8 */
    };

    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        if (gates_lies_within(network, &without[i]))
            return false;
    return true;
}

/* ---- ALWAYS and FREE ---- */

/* The list has no network that lies within another: a set of the firewall takes none that overlap. */
static void add_always(struct parser *parser, const struct source *network)
{
    struct gates_reading *reading = parser->file;
    struct gates *gates = reading->gates;
    size_t kept = 0;

    for (size_t i = 0; i < gates->always_count; i++) {
        if (gates_lies_within(network, &gates->always[i])) {
            parser_warn(parser, "is within the network of line %u already: one of the two is enough",
                        reading->always_lines[i]);
            return;
        }
    }
    for (size_t i = 0; i < gates->always_count; i++) {
        if (gates_lies_within(&gates->always[i], network)) {
            parser_warn(parser, "has the network of line %u within: one of the two is enough",
                        reading->always_lines[i]);
        } else {
            gates->always[kept] = gates->always[i];
            reading->always_lines[kept++] = reading->always_lines[i];
        }
    }
    gates->always[kept] = *network;
    reading->always_lines[kept] = parser->line;
    gates->always_count = kept + 1;
}

/* A link-local address, with its interface or without. */
static bool is_neighbour(const char *text)
{
    struct source network;

    return strchr(text, '%') != NULL || address_parse_network(text, &network) == ADDRESS_NEEDS_INTERFACE;
}

static void take_always(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct source network;

    if (line->field_count == 1 && is_neighbour(line->fields[0].text)) {
        parser_error(parser, "a link-local address cannot be told from that of another interface here: write fe80::/10 "
                             "for all neighbours, or give its interface no gate");
        return;
    }
    if (!value_network(parser, keyword, line, &network))
        return;
    if (gates_of(parser)->always_count == GATES_ALWAYS_MAX) {
        parser_error(parser, "there are more than %d networks: take some out, or name the one that has them all",
                     GATES_ALWAYS_MAX);
        return;
    }
    if (address_is_vast(&network))
        parser_warn(parser,
                    "so many addresses are as good as everybody, and no gate shuts one of them out: name the few "
                    "networks that must always come in, and open to all with ostgrant grant, for a time");
    add_always(parser, &network);
}

static void take_free(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct gates_reading *reading = parser->file;
    struct gates *gates = reading->gates;
    const size_t before = gates->free_count;
    const char *text = value_only(parser, line);

    (void)keyword;
    if (text == NULL)
        return;

    const enum ports_fault fault = ports_parse(text, gates->free, &gates->free_count);
    if (fault != PORTS_OK) {
        gates->free_count = before;
        parser_error(parser, "%s", ports_fault_text(fault));
        return;
    }
    for (size_t i = before; i < gates->free_count; i++) {
        reading->free_lines[i] = parser->line;
        for (size_t j = 0; j < i; j++) {
            if (ports_overlap(&gates->free[i], &gates->free[j]))
                parser_error(parser, "port %s %u is FREE in line %u already: keep one",
                             ports_protocol_text(gates->free[i].protocol),
                             gates->free[i].first > gates->free[j].first ? gates->free[i].first : gates->free[j].first,
                             reading->free_lines[j]);
        }
    }
}

/* ---- USER, ADMIN and WEB_USER ---- */

/* "alice", "@wheel" or "*". False after reporting that it is none of them. */
static bool take_who(struct parser *parser, const struct scan_field *field, struct gates_rule *rule)
{
    const bool is_group = field->text[0] == '@';

    *rule = (struct gates_rule){.line = parser->line, .who = is_group ? GATES_GROUP : GATES_USER};
    if (strcmp(field->text, "*") == 0) {
        rule->who = GATES_EVERYBODY;
        return true;
    }
    if (!gates_is_user(field->text + (is_group ? 1 : 0))) {
        parser_error(parser,
                     "must name a user, 1 to %d of A-Z a-z 0-9 . _ @ + -, the first neither - nor @; or a group, as in "
                     "\"@wheel\"; or \"*\", everybody",
                     GATES_USER_MAX);
        return false;
    }
    rule->name = parser_keep(parser, field->text + (is_group ? 1 : 0), field->len - (is_group ? 1 : 0));
    return true;
}

/* Which gates they are is known when all lines have been read. */
static void take_user(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct gates_reading *reading = parser->file;
    struct gates *gates = reading->gates;
    struct gates_rule rule;

    if (gates->user_count == GATES_USERS_MAX) {
        parser_error(parser, "there are more than %d such lines: name a group, as in USER=\"@staff\",\"ssh\"",
                     GATES_USERS_MAX);
        return;
    }
    if (line->field_count < 2) {
        parser_error(parser, "needs the gates behind the user, as in %s", keyword->example);
        return;
    }
    if (!take_who(parser, &line->fields[0], &rule))
        return;
    rule.to = &reading->room->to[reading->to_count];
    rule.to_count = line->field_count - 1;
    for (size_t i = 1; i < line->field_count; i++)
        reading->room->to_names[reading->to_count++] = parser_keep(parser, line->fields[i].text, line->fields[i].len);
    gates->users[gates->user_count++] = rule;
}

static void take_admin(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct gates *gates = gates_of(parser);
    struct gates_rule rule;

    (void)keyword;
    for (size_t i = 0; i < line->field_count; i++) {
        if (gates->admin_count == GATES_ADMINS_MAX) {
            parser_error(parser, "there are more than %d: name a group, as in ADMIN=\"@wheel\"", GATES_ADMINS_MAX);
            return;
        }
        if (!take_who(parser, &line->fields[i], &rule))
            continue;
        if (rule.who == GATES_EVERYBODY)
            parser_warn(parser,
                        "whoever the web server lets in may then open every gate with web-admin=yes to anybody: "
                        "name those who shall");
        gates->admins[gates->admin_count++] = rule;
    }
}

static bool is_number(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

static void take_web_user(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct gates_reading *reading = parser->file;
    const char *text = value_only(parser, line);

    reading->web_user_line = parser->line;
    if (text == NULL)
        return;
    if (!gates_is_user(text) || is_number(text))
        parser_error(parser, "must be the name of the user that the web server runs as, as in %s", keyword->example);
    else if (strcmp(text, "root") == 0 || strcmp(text, "ostiary") == 0)
        parser_error(parser, "must be neither root nor ostiary, who may do other things: give the web server a user of "
                             "its own");
    else
        reading->gates->web_user = parser_keep(parser, text, line->fields[0].len);
}

/* ---- Settings ---- */

static void take_loglevel(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const int level = value_log_level(parser, line);

    (void)keyword;
    if (level >= 0)
        gates_of(parser)->log_level = level;
}

static void take_state_dir(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *path = value_state_dir(parser, keyword, line);

    if (path != NULL)
        gates_of(parser)->state_dir = path;
}

static void take_gate(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    gate_take(parser, line);
}

/* clang-format off */
static const struct keyword keywords[] = {
    {.name = "GATE", .take = take_gate, .repeatable = true, .example = "GATE=\"ssh\",\"tcp 22\""},
    {.name = "ALWAYS", .take = take_always, .repeatable = true, .example = "ALWAYS=\"192.0.2.0/24\""},
    {.name = "FREE", .take = take_free, .repeatable = true, .example = "FREE=\"tcp 5018\""},
    {.name = "USER", .take = take_user, .repeatable = true, .example = "USER=\"alice\",\"ssh\""},
    {.name = "ADMIN", .take = take_admin, .repeatable = true, .example = "ADMIN=\"carol\",\"@wheel\""},
    {.name = "WEB_USER", .take = take_web_user, .example = "WEB_USER=\"www-data\""},
    {.name = "MIN_LOGLEVEL", .take = take_loglevel, .example = "MIN_LOGLEVEL=LOG_INFO"},
    {.name = "STATE_DIR", .take = take_state_dir, .example = "STATE_DIR=\"/var/lib/ostiary\""},
};
/* clang-format on */

static const struct keyword_table table = {
    .list = keywords,
    .count = sizeof(keywords) / sizeof(keywords[0]),
    .manual = "ostiary-grants.cfg(5)",
};
_Static_assert(sizeof(keywords) / sizeof(keywords[0]) <= KEYWORDS_MAX, "the table is not larger than it may be");

/* ---- What can only be said at the end ---- */

/* What was written is not repeated, but where it stands. */
static void name_gates(struct parser *parser, const struct gates *gates, size_t field)
{
    struct text names = {0};

    for (size_t i = 0; i < gates->count; i++)
        text_add(&names, "%s%s", i == 0 ? "" : ", ", gates->list[i].name);
    parser_error(parser, "the gate in field %zu is none that a GATE line has: there are %s", field,
                 names.failed || names.bytes == NULL ? "?" : names.bytes);
    text_free(&names);
}

/* What a USER may open from the web is nothing else than what the web may open. */
static void find_gates(struct parser *parser, const struct gates_reading *reading, const struct gates_rule *rule)
{
    const size_t first = (size_t)(rule->to - reading->room->to);

    for (size_t i = first; i < first + rule->to_count; i++) {
        const char *name = reading->room->to_names[i];
        const struct gate *gate = name != NULL && gates_is_name(name) ? gates_find(reading->gates, name) : NULL;

        reading->room->to[i] = gate;
        if (gate == NULL)
            name_gates(parser, reading->gates, i - first + 2);
        else if (!gate->web)
            parser_warn(parser,
                        "the gate '%s' is not open to the web form, for which USER is: write \"web=yes\" in line %u",
                        gate->name, gate->line);
    }
}

static bool is_anybodys(const struct gates *gates, const struct gate *gate)
{
    for (size_t i = 0; i < gates->user_count; i++) {
        for (size_t j = 0; j < gates->users[i].to_count; j++) {
            if (gates->users[i].to[j] == gate)
                return true;
        }
    }
    return false;
}

/* Gates that the web form could open to nobody, and lines that are for the web form alone. */
static void judge_web(struct parser *parser, const struct gates_reading *reading)
{
    const struct gates *gates = reading->gates;
    bool has_web = false;
    bool has_admin = false;

    parser->keyword = "GATE";
    for (size_t i = 0; i < gates->count; i++) {
        const struct gate *gate = &gates->list[i];

        has_web |= gate->web || gate->web_admin;
        has_admin |= gate->web_admin;
        parser->line = gate->line;
        if (gate->web && !is_anybodys(gates, gate))
            parser_warn(parser, "has web=yes, and no USER line names it: nobody can open it there");
        if (gate->web_admin && gates->admin_count == 0)
            parser_warn(parser, "has web-admin=yes, and there is no ADMIN who could use it");
    }
    if (gates->admin_count > 0 && !has_admin) {
        parser->keyword = "ADMIN";
        parser->line = gates->admins[0].line;
        parser_warn(parser, "has no effect: no GATE has web-admin=yes");
    }
    if (reading->web_user_line != 0 && !has_web) {
        parser->keyword = "WEB_USER";
        parser->line = reading->web_user_line;
        parser_warn(parser, "has no effect: no GATE has web=yes or web-admin=yes");
    }
}

static void finish(struct parser *parser)
{
    const struct gates_reading *reading = parser->file;

    if (!reading->has_gate) {
        parser->line = 0;
        if (parser->errors == 0)
            parser_error(parser, "there is no GATE: nothing is shut, and nothing could be opened");
        return;
    }
    gate_judge_all(parser);
    parser->keyword = "USER";
    for (size_t i = 0; i < reading->gates->user_count; i++) {
        parser->line = reading->gates->users[i].line;
        find_gates(parser, reading, &reading->gates->users[i]);
    }
    /* Who could open a gate is known when each line is right. */
    if (parser->errors == 0)
        judge_web(parser, reading);
}

/* ---- The whole file ---- */

static int begin(struct parser *parser, const char *text, size_t len)
{
    struct gates_reading *reading = parser->file;
    struct gates *gates = reading->gates;

    *gates = (struct gates){
        .path = parser->reader->path,
        .web_user = "www-data",
        .state_dir = GATES_STATE_DIR,
        .log_level = LOG_INFO,
    };
    gates->memory = parser_begin(parser, text, len, sizeof(struct gates_room));
    if (gates->memory == NULL)
        return -1;
    reading->room = gates->memory;
    gates->list = reading->room->list;
    gates->always = reading->room->always;
    gates->users = reading->room->users;
    gates->admins = reading->room->admins;
    return 0;
}

int gates_parse(char *text, size_t len, const struct config_reader *reader, struct gates *gates)
{
    struct gates_reading reading = {.gates = gates};
    struct parser parser = {.reader = reader, .file = &reading};

    if (begin(&parser, text, len) == 0) {
        keyword_read_lines(&parser, &table, text, len);
        finish(&parser);
    }
    parser_end(&parser);
    if (parser.errors == 0)
        return 0;
    gates_free(gates);
    return -1;
}

int gates_load(const struct config_reader *reader, struct gates *gates)
{
    struct parser parser = {.reader = reader};
    struct locked text = {0};
    size_t len = 0;

    *gates = (struct gates){0};

    const enum file_fault fault = file_read_public(reader->path, CONFIG_SIZE_MAX, &text, &len);
    if (fault != FILE_OK) {
        parser_error_file(&parser, "file", fault,
                          ": make it, as ostiary-grants.cfg(5) shows, or name another one with -c");
        return -1;
    }

    const uint64_t digest = gates_digest(text.bytes, len);
    const int status = gates_parse((char *)text.bytes, len, reader, gates);
    if (status == 0)
        gates->digest = digest;
    locked_free(&text);
    return status;
}

uint64_t gates_digest(const void *text, size_t len)
{
    static const uint8_t key[SIPHASH_KEY_LEN] = {0};

    return siphash(key, text, len);
}

void gates_free(struct gates *gates)
{
    free(gates->memory);
    *gates = (struct gates){0};
}
