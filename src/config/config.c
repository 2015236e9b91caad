/* SPDX-License-Identifier: ISC */
/*
 * See config.h. The table of keywords, the settings, and the way from a file to a struct config. What is the same for
 * every kind of configuration is in parser.c, keyword.c and value.c; ACTION, KILL, LOCKOUT_ACTION and all that concerns
 * secrets is in entry.c.
 */
#include "config.h"

#include "address.h"
#include "entry.h"
#include "file.h"
#include "keyword.h"
#include "number.h"
#include "parser.h"
#include "scan.h"
#include "value.h"
#include "wipe.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define DAY                 (24 * 60 * 60)
#define TEN_YEARS           (3650 * DAY)
#define DELAY_DEFAULT       5
#define IPV6_PREFIX_DEFAULT 64 /* what one host has at least: RFC 4291, 2.5.4 */

/* No line that adds an entry, an exemption or a secret is shorter: KILL="x" and its newline. */
#define LINE_MIN 9

enum setting {
    SETTING_NONE,
    SETTING_DELAY,
    SETTING_DELAY_MAX_WAIT,
    SETTING_WAITING_MAX,
    SETTING_COMM_TIMEOUT,
    SETTING_MAX_BAD_CONNS,
    SETTING_MAX_SINGLE_ERRS,
    SETTING_MAX_TOTAL_ERRS,
    SETTING_LOCKOUT_TIME,
    SETTING_STRIKE_TIME
};

static struct config *config_of(const struct parser *parser)
{
    const struct reading *reading = parser->file;

    return reading->config;
}

static unsigned *setting_of(struct config *config, enum setting setting)
{
    switch (setting) {
    case SETTING_DELAY:
        return &config->delay;
    case SETTING_DELAY_MAX_WAIT:
        return &config->delay_max_wait;
    case SETTING_WAITING_MAX:
        return &config->waiting_max;
    case SETTING_COMM_TIMEOUT:
        return &config->comm_timeout;
    case SETTING_MAX_BAD_CONNS:
        return &config->max_bad_conns;
    case SETTING_MAX_SINGLE_ERRS:
        return &config->max_single_errs;
    case SETTING_MAX_TOTAL_ERRS:
        return &config->max_total_errs;
    case SETTING_LOCKOUT_TIME:
        return &config->lockout_time;
    case SETTING_STRIKE_TIME:
        return &config->strike_time;
    case SETTING_NONE:
        break;
    }
    return NULL;
}

static void take_number(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t number;

    if (value_number(parser, keyword, line, &number))
        *setting_of(config_of(parser), (enum setting)keyword->setting) = (unsigned)number;
}

static void take_delay(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t zero;

    if (line->field_count != 1 || number_parse(line->fields[0].text, (struct number_range){0, 0}, &zero) != NUMBER_OK) {
        take_number(parser, keyword, line);
        return;
    }
    config_of(parser)->delay = DELAY_DEFAULT;
    parser_warn(parser, "0 is taken as %d, as Ostiary 4.0 took it: write DELAY=%d", DELAY_DEFAULT, DELAY_DEFAULT);
}

static void take_time(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t seconds;

    if (value_time(parser, keyword, line, &seconds))
        *setting_of(config_of(parser), (enum setting)keyword->setting) = (unsigned)seconds;
}

static void take_ipv6_prefix(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t number;

    if (!value_number(parser, keyword, line, &number))
        return;
    config_of(parser)->ipv6_prefix = (uint8_t)number;
    if (number > IPV6_PREFIX_DEFAULT)
        parser_warn(parser,
                    "one host has all of a /%u, and so a great many sources, by which it alone can lock its whole "
                    "/56: write IPV6_PREFIX=%u or less",
                    IPV6_PREFIX_DEFAULT, IPV6_PREFIX_DEFAULT);
}

static void take_table_size(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    value_number(parser, keyword, line, &config_of(parser)->table_size);
}

static void take_port(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct reading *reading = parser->file;
    struct config *config = reading->config;
    uint64_t number;

    if (!value_number(parser, keyword, line, &number))
        return;
    for (size_t i = 0; i < config->port_count; i++) {
        if (config->ports[i] == number)
            return;
    }
    if (config->port_count == CONFIG_PORTS_MAX) {
        parser_error(parser, "there are more than %d ports: take some out", CONFIG_PORTS_MAX);
        return;
    }
    reading->port_line = parser->line;
    config->ports[config->port_count++] = (uint16_t)number;
}

/* Where the ports of an old file would not be the ones it meant. One with an IPv6 address in it is none of 4.0's. */
static void judge_ports(struct parser *parser)
{
    const struct reading *reading = parser->file;
    const struct config *config = reading->config;

    if (config->port_count == 0 || (config->local_ip != NULL && strchr(config->local_ip, ':') != NULL))
        return;
    parser->keyword = "PORT";
    parser->line = reading->port_line;
    if (config->port_count > 1)
        parser_warn(parser,
                    "all %zu ports are opened, where Ostiary 4.0 opened the last one alone: keep those that you "
                    "mean",
                    config->port_count);
    if (config->local_ip == NULL)
        parser_note(parser, "is open to IPv6 as well, which Ostiary 4.0 did not have: LOCAL_IP=\"0.0.0.0\" keeps it to "
                            "IPv4, LOCAL_IP=\"::\" says that both are meant");
}

static void take_close_when_full(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const int flag = value_flag(parser, line);

    (void)keyword;
    if (flag >= 0)
        config_of(parser)->close_when_full = flag == 1;
}

static void take_ignored_flag(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    if (value_flag(parser, line) >= 0)
        parser_warn(parser, "has no effect: %s", keyword->no_effect);
}

static void take_ignored_value(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    if (value_only(parser, line) != NULL)
        parser_warn(parser, "has no effect: %s", keyword->no_effect);
}

static void take_loglevel(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const int level = value_log_level(parser, line);

    (void)keyword;
    if (level >= 0)
        config_of(parser)->log_level = level;
}

static void take_delay_scope(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    static const char *const words[] = {"source", "all", NULL};
    const int scope = value_choice(parser, line, words, "source, all");

    (void)keyword;
    if (scope >= 0)
        config_of(parser)->delay_all = scope == 1;
}

static void take_local_ip(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *address = value_address(parser, keyword, line);

    if (address != NULL)
        config_of(parser)->local_ip = address;
}

static void take_exempt(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct config *config = config_of(parser);

    if (!value_network(parser, keyword, line, &config->exempt[config->exempt_count]))
        return;
    if (address_is_vast(&config->exempt[config->exempt_count]))
        parser_warn(parser, "so many addresses are as good as everybody, and each of them may guess for ever: name the "
                            "few networks that must never be locked out");
    config->exempt_count++;
}

static void take_state_dir(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *path = value_state_dir(parser, keyword, line);

    if (path != NULL)
        config_of(parser)->state_dir = path;
}

static void take_action(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    entry_take_action(parser, line);
}

static void take_kill(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    entry_take_kill(parser, line);
}

static void take_lockout_action(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    entry_take_lockout_action(parser, line);
}

static void take_default_uid(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    entry_take_default_uid(parser, line);
}

static void take_default_gid(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    (void)keyword;
    entry_take_default_gid(parser, line);
}

/* clang-format off */
static const struct keyword keywords[] = {
    {.name = "ACTION", .take = take_action, .repeatable = true,
     .example = "ACTION=\"\",\"/usr/local/sbin/backup\",\"secret-file=/etc/ostiary/backup.secret\""},
    {.name = "KILL", .take = take_kill, .repeatable = true,
     .example = "KILL=\"\",\"secret-file=/etc/ostiary/kill.secret\""},
    {.name = "LOCKOUT_ACTION", .take = take_lockout_action, .repeatable = true,
     .example = "LOCKOUT_ACTION=\"\",\"/usr/local/sbin/locked-out\""},
    {.name = "DEFAULT_UID", .take = take_default_uid, .repeatable = true, .example = "DEFAULT_UID=nobody"},
    {.name = "DEFAULT_GID", .take = take_default_gid, .repeatable = true, .example = "DEFAULT_GID=nogroup"},
    {.name = "DELAY", .take = take_delay, .setting = SETTING_DELAY, .range = {1, 3600}, .example = "DELAY=5"},
    {.name = "DELAY_MAX_WAIT", .take = take_number, .setting = SETTING_DELAY_MAX_WAIT, .range = {0, 3600},
     .example = "DELAY_MAX_WAIT=30"},
    {.name = "WAITING_MAX", .take = take_number, .setting = SETTING_WAITING_MAX, .range = {0, 60},
     .example = "WAITING_MAX=2"},
    {.name = "DELAY_SCOPE", .take = take_delay_scope, .example = "DELAY_SCOPE=source"},
    {.name = "COMM_TIMEOUT", .take = take_number, .setting = SETTING_COMM_TIMEOUT, .range = {1, 3600},
     .example = "COMM_TIMEOUT=5"},
    {.name = "MAX_BAD_CONNS", .take = take_number, .setting = SETTING_MAX_BAD_CONNS, .range = {1, 1000000},
     .example = "MAX_BAD_CONNS=3"},
    {.name = "MAX_SINGLE_ERRS", .take = take_number, .setting = SETTING_MAX_SINGLE_ERRS, .range = {0, UINT32_MAX},
     .example = "MAX_SINGLE_ERRS=0"},
    {.name = "MAX_TOTAL_ERRS", .take = take_number, .setting = SETTING_MAX_TOTAL_ERRS, .range = {0, UINT32_MAX},
     .example = "MAX_TOTAL_ERRS=0"},
    {.name = "EXIT_ON_IPCACHE_FULL", .take = take_close_when_full, .alone = true, .example = "EXIT_ON_IPCACHE_FULL"},
    {.name = "LOCKOUT_TIME", .take = take_time, .setting = SETTING_LOCKOUT_TIME, .range = {0, TEN_YEARS},
     .example = "LOCKOUT_TIME=1d"},
    {.name = "STRIKE_TIME", .take = take_time, .setting = SETTING_STRIKE_TIME, .range = {1, TEN_YEARS},
     .example = "STRIKE_TIME=1h"},
    {.name = "IPV6_PREFIX", .take = take_ipv6_prefix, .range = {32, 128}, .example = "IPV6_PREFIX=64"},
    {.name = "EXEMPT", .take = take_exempt, .repeatable = true, .example = "EXEMPT=\"192.0.2.0/24\""},
    {.name = "MIN_LOGLEVEL", .take = take_loglevel, .example = "MIN_LOGLEVEL=LOG_INFO"},
    {.name = "PORT", .take = take_port, .repeatable = true, .range = {1, 65535}, .example = "PORT=5018"},
    {.name = "LOCAL_IP", .take = take_local_ip, .example = "LOCAL_IP=\"192.0.2.1\""},
    {.name = "STATE_DIR", .take = take_state_dir, .example = "STATE_DIR=\"/var/lib/ostiary\""},
    {.name = "TABLE_SIZE", .take = take_table_size, .range = {64, 16777216}, .example = "TABLE_SIZE=65536"},
    {.name = "SKIP_DETACH", .take = take_ignored_flag, .alone = true, .example = "SKIP_DETACH",
     .no_effect = "there is no daemon that could detach"},
    {.name = "PIDFILE", .take = take_ignored_value, .example = "PIDFILE=\"/run/ostiary.pid\"",
     .no_effect = "there is no daemon that could have a pid file"},
    {.name = "IGNORE_URANDOM", .take = take_ignored_flag, .alone = true, .example = "IGNORE_URANDOM",
     .no_effect = "random bytes always come from getrandom(2)"},
};
/* clang-format on */

static const struct keyword_table table = {
    .list = keywords,
    .count = sizeof(keywords) / sizeof(keywords[0]),
    .manual = "ostiary.cfg(5)",
};
_Static_assert(sizeof(keywords) / sizeof(keywords[0]) <= KEYWORDS_MAX, "the table is not larger than it may be");

/* How many lines can add something. What is wiped at the end is not larger than it has to be: each page of it costs. */
static size_t count_lines(const char *text, size_t len)
{
    const size_t most = len / LINE_MIN + 1;
    size_t start = 0;
    size_t count = 1;

    while (count < most && start < len) {
        const char *newline = memchr(text + start, '\n', len - start);

        if (newline == NULL)
            break;
        start = (size_t)(newline - text) + 1;
        count++;
    }
    return count;
}

static int begin(struct parser *parser, const char *text, size_t len)
{
    struct reading *reading = parser->file;
    struct config *config = reading->config;
    const size_t lines_max = count_lines(text, len);

    config->memory = parser_begin(parser, text, len, lines_max * (sizeof(struct config_entry) + sizeof(struct source)));
    if (config->memory == NULL)
        return -1;
    config->entries = config->memory;
    config->exempt = (void *)(config->entries + lines_max);
    return entry_begin(parser, lines_max);
}

static void set_defaults(struct config *config)
{
    *config = (struct config){
        .delay = DELAY_DEFAULT,
        .delay_max_wait = 30,
        .waiting_max = 2,
        .comm_timeout = 5,
        .max_bad_conns = 3,
        .lockout_time = DAY,
        .strike_time = 60 * 60,
        .ipv6_prefix = IPV6_PREFIX_DEFAULT,
        .log_level = LOG_INFO,
        .state_dir = "/var/lib/ostiary",
        .table_size = 65536,
    };
}

const char *config_severity_text(enum config_severity severity)
{
    switch (severity) {
    case CONFIG_NOTE:
        return "note";
    case CONFIG_WARNING:
        return "warning";
    case CONFIG_ERROR:
        break;
    }
    return "error";
}

int config_parse(char *text, size_t len, const struct config_reader *reader, struct config *config)
{
    struct reading reading = {.config = config};
    struct parser parser = {.reader = reader, .file = &reading};

    set_defaults(config);
    if (begin(&parser, text, len) == 0) {
        keyword_read_lines(&parser, &table, text, len);
        judge_ports(&parser);
        entry_finish(&parser);
    }
    parser_end(&parser);
    entry_end(&parser);
    wipe_stack();
    if (parser.errors == 0)
        return 0;
    config_free(config);
    return -1;
}

int config_load(const struct config_reader *reader, struct config *config)
{
    struct parser parser = {.reader = reader};
    struct locked text = {0};
    size_t len = 0;

    *config = (struct config){0};

    const enum file_fault fault = file_read_private(reader->path, CONFIG_SIZE_MAX, &text, &len);
    if (fault != FILE_OK) {
        parser_error_file(&parser, "file", fault, ": make it, as 'ostiaryctl add' does, or name another one with -c");
        return -1;
    }

    const int status = config_parse((char *)text.bytes, len, reader, config);
    locked_free(&text);
    return status;
}

void config_free(struct config *config)
{
    locked_free(&config->secrets);
    free(config->secret_list);
    free(config->memory);
    *config = (struct config){0};
}
