/* SPDX-License-Identifier: ISC */
/* See gate.h. */
#include "gate.h"

#include "keyword.h"
#include "number.h"
#include "ports.h"
#include "value.h"

#include <string.h>

#define MINUTE           60u
#define HOUR             (60 * MINUTE)
#define DAY              (24 * HOUR)
#define TEN_YEARS        (3650 * DAY)
#define TICK             MINUTE /* how often the timer job looks, at least */
#define INTERFACE_MAX    15     /* IFNAMSIZ without its NUL */
#define IPV6_SITE_BITS   48     /* no provider gives one customer more than such a network */
#define HOURS_LIKELY_MAX 100    /* a number that is no larger may be meant for hours */
#define KNOCK_PORT       5018   /* where a listener is by default */
#define HTTPS_PORT       443

/* ---- Options ---- */

enum option {
    OPTION_HOOK,
    OPTION_INTERFACE,
    OPTION_ESTABLISHED,
    OPTION_SIZE,
    OPTION_GRANT,
    OPTION_REVOKE,
    OPTION_LIST,
    OPTION_MOST,
    OPTION_OTHER /* whether it was given does not matter */
};

static struct gate *gate_of(const struct parser *parser)
{
    const struct gates_reading *reading = parser->file;

    return reading->gate;
}

static bool is_given(const struct parser *parser, enum option option)
{
    const struct gates_reading *reading = parser->file;

    return (reading->given & (1u << option)) != 0;
}

static void note_given(struct parser *parser, const struct keyword *option)
{
    struct gates_reading *reading = parser->file;

    reading->given |= 1u << option->setting;
}

static void take_hook(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    static const char *const words[] = {"input", "forward", NULL};
    const int hook = value_choice(parser, line, words, "input, forward");

    note_given(parser, option);
    if (hook >= 0)
        gate_of(parser)->hook = hook == 1 ? GATE_FORWARD : GATE_INPUT;
}

static bool is_interface(const char *text, size_t len)
{
    static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-";

    return len >= 1 && len <= INTERFACE_MAX && strspn(text, bytes) == len && strcmp(text, ".") != 0 &&
           strcmp(text, "..") != 0;
}

static void take_interface(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    const struct scan_field *field = &line->fields[0];

    note_given(parser, option);
    if (!is_interface(field->text, field->len))
        parser_error(parser, "must be the name of one interface, of at most %d bytes, as in %s", INTERFACE_MAX,
                     option->example);
    else if (strcmp(field->text, "lo") == 0)
        parser_error(parser, "is lo, which no gate ever shuts: name the interface that strangers come by");
    else
        gate_of(parser)->interface = parser_keep(parser, field->text, field->len);
}

/* Hours are what such times are thought of in, and what OOBA's were; a number alone is of seconds in all of ours. */
static void take_duration(struct parser *parser, const struct keyword *option, const struct scan_line *line,
                          uint64_t *seconds)
{
    const struct scan_field *field = &line->fields[0];

    if (value_time(parser, option, line, seconds) && *seconds <= HOURS_LIKELY_MAX &&
        strspn(field->text, "0123456789") == field->len)
        parser_warn(parser, "is so many seconds: for hours write %s, or with an s behind it to hear no more of this",
                    option->example);
}

static void take_lifetime(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    take_duration(parser, option, line, &gate_of(parser)->lifetime_s);
}

static void take_most(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    note_given(parser, option);
    take_duration(parser, option, line, &gate_of(parser)->most_s);
}

static void take_renew(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    static const char *const words[] = {"no", "asking", "use", NULL};
    const int renew = value_choice(parser, line, words, "no, asking, use");

    (void)option;
    if (renew >= 0)
        gate_of(parser)->renew = (enum gate_renew)renew;
}

static void take_ipv6_prefix(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    uint64_t number;

    if (!value_number(parser, option, line, &number))
        return;
    gate_of(parser)->ipv6_prefix = (uint8_t)number;
    if (number < IPV6_SITE_BITS)
        parser_warn(parser,
                    "is less than one customer's network has, so that many strangers come in with each: write "
                    "%d or more",
                    IPV6_SITE_BITS);
}

static void take_established(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    static const char *const words[] = {"keep", "cut", NULL};
    const int choice = value_choice(parser, line, words, "keep, cut");

    note_given(parser, option);
    if (choice >= 0)
        gate_of(parser)->cut = choice == 1;
}

static void take_yes(struct parser *parser, const struct scan_line *line, bool *flag)
{
    static const char *const words[] = {"no", "yes", NULL};
    const int choice = value_choice(parser, line, words, "no, yes");

    if (choice >= 0)
        *flag = choice == 1;
}

static void take_web(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    (void)option;
    take_yes(parser, line, &gate_of(parser)->web);
}

static void take_web_admin(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    (void)option;
    take_yes(parser, line, &gate_of(parser)->web_admin);
}

static void take_sealed(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    (void)option;
    take_yes(parser, line, &gate_of(parser)->sealed);
}

static void take_size(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    uint64_t number;

    note_given(parser, option);
    if (value_number(parser, option, line, &number))
        gate_of(parser)->size = (unsigned)number;
}

/* Whether there is such a file is looked at when it is run. */
static const char *command_of(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    const struct scan_field *field = &line->fields[0];

    note_given(parser, option);
    if (!value_is_path(field) || field->text[field->len - 1] == '/') {
        parser_error(parser, "must be the absolute path of a file, as in %s", option->example);
        return NULL;
    }
    value_warn_of_blank(parser, field);
    return parser_keep(parser, field->text, field->len);
}

static void take_grant(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    gate_of(parser)->grant = command_of(parser, option, line);
}

static void take_revoke(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    gate_of(parser)->revoke = command_of(parser, option, line);
}

static void take_list(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    gate_of(parser)->list = command_of(parser, option, line);
}

/* clang-format off */
static const struct keyword options[] = {
    {.name = "lifetime", .take = take_lifetime, .setting = OPTION_OTHER, .range = {1, TEN_YEARS},
     .example = "\"lifetime=25h\""},
    {.name = "most", .take = take_most, .setting = OPTION_MOST, .range = {1, TEN_YEARS}, .example = "\"most=50h\""},
    {.name = "renew", .take = take_renew, .setting = OPTION_OTHER, .example = "\"renew=asking\""},
    {.name = "hook", .take = take_hook, .setting = OPTION_HOOK, .example = "\"hook=forward\""},
    {.name = "interface", .take = take_interface, .setting = OPTION_INTERFACE, .example = "\"interface=eth0\""},
    {.name = "ipv6-prefix", .take = take_ipv6_prefix, .setting = OPTION_OTHER, .range = {GATES_PREFIX_LEAST, 128},
     .example = "\"ipv6-prefix=64\""},
    {.name = "established", .take = take_established, .setting = OPTION_ESTABLISHED,
     .example = "\"established=cut\""},
    {.name = "web", .take = take_web, .setting = OPTION_OTHER, .example = "\"web=yes\""},
    {.name = "web-admin", .take = take_web_admin, .setting = OPTION_OTHER, .example = "\"web-admin=yes\""},
    {.name = "sealed", .take = take_sealed, .setting = OPTION_OTHER, .example = "\"sealed=yes\""},
    {.name = "size", .take = take_size, .setting = OPTION_SIZE, .range = {1, GATES_SIZE_MAX},
     .example = "\"size=65536\""},
    {.name = "grant", .take = take_grant, .setting = OPTION_GRANT, .example = "\"grant=/usr/local/sbin/open\""},
    {.name = "revoke", .take = take_revoke, .setting = OPTION_REVOKE, .example = "\"revoke=/usr/local/sbin/close\""},
    {.name = "list", .take = take_list, .setting = OPTION_LIST, .example = "\"list=/usr/local/sbin/open-list\""},
};
/* clang-format on */

static const struct keyword_table option_table = {
    .list = options,
    .count = sizeof(options) / sizeof(options[0]),
    .manual = "ostiary-grants.cfg(5)",
};
_Static_assert(sizeof(options) / sizeof(options[0]) <= KEYWORDS_MAX, "the table is not larger than it may be");

/* ---- One line ---- */

static void take_name(struct parser *parser, const struct scan_field *field, struct gate *gate)
{
    const struct gates_reading *reading = parser->file;
    const struct gate *earlier;

    if (!gates_is_name(field->text)) {
        parser_error(parser,
                     "the name must be 1 to %d of a-z 0-9 _ -, the first a letter, as in GATE=\"ssh\",\"tcp 22\"",
                     GATES_NAME_MAX);
        return;
    }
    earlier = gates_find(reading->gates, field->text);
    if (earlier != NULL)
        parser_error(parser, "line %u has a gate of this name already: give each its own", earlier->line);
    else
        gate->name = parser_keep(parser, field->text, field->len);
}

static void judge_ports(struct parser *parser, const struct gate *gate)
{
    for (size_t i = 0; i < gate->port_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ports_overlap(&gate->ports[i], &gate->ports[j])) {
                parser_error(parser, "port %s %u is named twice: keep one",
                             ports_protocol_text(gate->ports[i].protocol),
                             gate->ports[i].first > gate->ports[j].first ? gate->ports[i].first : gate->ports[j].first);
                return;
            }
        }
    }
}

static void take_ports(struct parser *parser, const struct scan_field *field, struct gate *gate)
{
    enum ports_fault fault = PORTS_OK;

    gate->any = strcmp(field->text, "any") == 0;
    if (!gate->any)
        fault = ports_parse(field->text, gate->ports, &gate->port_count);
    if (fault == PORTS_MALFORMED)
        parser_error(parser, "%s; or be \"any\", for all there is", ports_fault_text(fault));
    else if (fault != PORTS_OK)
        parser_error(parser, "%s", ports_fault_text(fault));
    else
        judge_ports(parser, gate);
}

/* What a gate of commands must have, and what it cannot have. */
static void judge_commands(struct parser *parser, const struct gate *gate)
{
    const enum option others[] = {OPTION_HOOK, OPTION_INTERFACE, OPTION_ESTABLISHED, OPTION_SIZE};

    if (!is_given(parser, OPTION_GRANT) || !is_given(parser, OPTION_REVOKE))
        parser_error(parser,
                     "needs its ports behind the name, as in GATE=\"ssh\",\"tcp 22\"; or, for another firewall, "
                     "grant= and revoke=");
    if (gate->renew == GATE_RENEW_USE && !is_given(parser, OPTION_LIST))
        parser_error(parser, "with renew=use there must be a list=, for nobody else can tell what is used");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (is_given(parser, others[i])) {
            parser_error(parser, "hook=, interface=, established= and size= are for gates with ports: with grant= and "
                                 "revoke= leave them out");
            return;
        }
    }
}

/* On a router the same port is behind it in both directions. */
static void judge_hook(struct parser *parser, const struct gate *gate)
{
    if (gate->hook == GATE_FORWARD && gate->interface == NULL)
        parser_warn(parser, "with hook=forward and no interface= it shuts what comes from inside as well: name the "
                            "interface that strangers come by, as in \"interface=eth0\"");
}

static void judge_kind(struct parser *parser, const struct gate *gate)
{
    if (gate->by_commands)
        judge_commands(parser, gate);
    else if (is_given(parser, OPTION_GRANT) || is_given(parser, OPTION_REVOKE) || is_given(parser, OPTION_LIST))
        parser_error(parser, "a gate has ports, or commands of another firewall: with grant=, revoke= and list= leave "
                             "the ports out");
}

static void say_most(struct parser *parser, const struct gate *gate)
{
    char most[NUMBER_TIME_LEN], lifetime[NUMBER_TIME_LEN];

    number_format_time(gate->most_s, most);
    number_format_time(gate->lifetime_s, lifetime);
    parser_error(parser,
                 "most= is less than the lifetime: the longest time that anybody may have is %s, and the lifetime %s; "
                 "write lifetime=%s as well, or a longer most=",
                 most, lifetime, most);
}

/* By default twice the lifetime: 50h, where that is the default too. */
static void set_most(struct parser *parser, struct gate *gate)
{
    if (!is_given(parser, OPTION_MOST)) {
        gate->most_s = gate->lifetime_s < TEN_YEARS / 2 ? 2 * gate->lifetime_s : TEN_YEARS;
        return;
    }
    if (gate->most_s == 0) /* what is wrong with it is said already */
        return;
    if (gate->most_s < gate->lifetime_s)
        say_most(parser, gate);
    else if (gate->most_s == gate->lifetime_s && gate->renew == GATE_RENEW_USE)
        parser_warn(parser,
                    "with renew=use and a most= that is the lifetime nothing is ever renewed by use: raise most=");
}

static void judge_times(struct parser *parser, struct gate *gate)
{
    set_most(parser, gate);
    if (gate->renew == GATE_RENEW_USE && gate->lifetime_s < 3 * TICK)
        parser_warn(parser,
                    "with renew=use a lifetime of less than 3m can end before its use is seen, for which ostgrant "
                    "looks once a minute");
    if (gate->by_commands && gate->lifetime_s < TICK)
        parser_warn(parser, "with grant= and revoke= a lifetime of less than 1m lasts longer: ostgrant ends it, which "
                            "looks once a minute");
}

static bool is_option(const struct scan_field *field)
{
    return memchr(field->text, '=', field->len) != NULL;
}

static void take_all(struct parser *parser, const struct scan_line *line, struct gate *gate)
{
    size_t next = 1;

    take_name(parser, &line->fields[0], gate);
    if (line->field_count > next && !is_option(&line->fields[next]))
        take_ports(parser, &line->fields[next++], gate);
    gate->by_commands = next == 1;
    keyword_read_options(parser, &option_table, line, next);
    judge_kind(parser, gate);
    judge_hook(parser, gate);
    judge_times(parser, gate);
    if (gate->sealed)
        parser_note(parser, "with sealed=yes whoever takes over the handler of the sealed door, which is no root, can "
                            "open it to any address");
}

void gate_take(struct parser *parser, const struct scan_line *line)
{
    struct gates_reading *reading = parser->file;
    struct gates *gates = reading->gates;

    reading->has_gate = true;
    if (gates->count == GATES_MAX) {
        parser_error(parser, "there are more than %d gates: take some out, or give some several ports", GATES_MAX);
        return;
    }
    reading->gate = &gates->list[gates->count];
    reading->given = 0;
    *reading->gate = (struct gate){
        .line = parser->line,
        .size = 65536,
        .lifetime_s = 25 * HOUR,
        .renew = GATE_RENEW_ASKING,
        .ipv6_prefix = 64,
    };
    take_all(parser, line, reading->gate);
    if (reading->gate->name != NULL) /* else no USER could mean it; with another error none of them is kept */
        gates->count++;
}

/* ---- All of them together ---- */

static bool is_one_way(const struct gate *a, const struct gate *b)
{
    return a->hook == b->hook &&
           (a->interface == NULL || b->interface == NULL || strcmp(a->interface, b->interface) == 0);
}

/* A packet that meets two gates needs both: the second one of a port could only ever shut what the first has open. */
static void judge_pair(struct parser *parser, const struct gate *gate, const struct gate *earlier)
{
    if (gate->by_commands || earlier->by_commands || !is_one_way(gate, earlier))
        return;
    if (gate->any || earlier->any) {
        parser_error(parser, "shuts what the gate of line %u does too, where one of them is \"any\": keep one",
                     earlier->line);
        return;
    }
    for (size_t i = 0; i < gate->port_count; i++) {
        for (size_t j = 0; j < earlier->port_count; j++) {
            const struct gate_ports *ports = &gate->ports[i];

            if (ports_overlap(ports, &earlier->ports[j])) {
                parser_error(parser, "port %s %u is one of the gate in line %u: take it out of one of them",
                             ports_protocol_text(ports->protocol),
                             ports->first > earlier->ports[j].first ? ports->first : earlier->ports[j].first,
                             earlier->line);
                return;
            }
        }
    }
}

static void judge_free(struct parser *parser, const struct gates_reading *reading, const struct gate *gate)
{
    const struct gates *gates = reading->gates;

    for (size_t i = 0; i < gate->port_count; i++) {
        for (size_t j = 0; j < gates->free_count; j++) {
            if (ports_cover(&gates->free[j], &gate->ports[i]))
                parser_error(parser,
                             "port %s %u is FREE in line %u, where no gate could shut it: take it out of one of "
                             "them",
                             ports_protocol_text(gate->ports[i].protocol), gate->ports[i].first,
                             reading->free_lines[j]);
        }
    }
}

static bool has_web(const struct gates *gates)
{
    for (size_t i = 0; i < gates->count; i++) {
        if (gates->list[i].web || gates->list[i].web_admin)
            return true;
    }
    return false;
}

/* Would it shut out those who come to open it? */
static void judge_own_doors(struct parser *parser, const struct gates *gates, const struct gate *gate)
{
    if (gate->by_commands || gate->hook != GATE_INPUT)
        return;
    if (gate->any && gates->free_count == 0)
        parser_error(parser,
                     "everything would be shut, the knock itself too: write FREE=\"tcp %d\", or the port of your "
                     "door",
                     KNOCK_PORT);
    else if (ports_have(gate->ports, gate->port_count, GATE_TCP, KNOCK_PORT) &&
             !ports_have(gates->free, gates->free_count, GATE_TCP, KNOCK_PORT))
        parser_warn(parser, "shuts port tcp %d, where the door for knocks is by default: write FREE=\"tcp %d\"",
                    KNOCK_PORT, KNOCK_PORT);
    else if (gate->any && has_web(gates) && !ports_have(gates->free, gates->free_count, GATE_TCP, HTTPS_PORT))
        parser_warn(parser, "shuts port tcp %d, where a web form is as a rule: write FREE=\"tcp %d\"", HTTPS_PORT,
                    HTTPS_PORT);
}

void gate_judge_all(struct parser *parser)
{
    const struct gates_reading *reading = parser->file;
    const struct gates *gates = reading->gates;

    parser->keyword = "GATE";
    for (size_t i = 0; i < gates->count; i++) {
        parser->line = gates->list[i].line;
        for (size_t j = 0; j < i; j++)
            judge_pair(parser, &gates->list[i], &gates->list[j]);
        judge_free(parser, reading, &gates->list[i]);
        judge_own_doors(parser, gates, &gates->list[i]);
    }
}
