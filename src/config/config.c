/* SPDX-License-Identifier: ISC */
/*
 * See config.h. The table of keywords, the settings, and the way from a file to a struct config. Lines are taken
 * apart by scan.c; ACTION, KILL, LOCKOUT_ACTION and all that concerns secrets is in entry.c.
 */
#include "config.h"

#include "address.h"
#include "entry.h"
#include "file.h"
#include "number.h"
#include "parser.h"
#include "scan.h"
#include "wipe.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define DAY               (24 * 60 * 60)
#define TEN_YEARS         (3650 * DAY)
#define STATE_DIR_MAX_LEN (PATH_MAX - 64) /* leaves room for the names in it */
#define HINT_DISTANCE_MAX 2
#define WORD_MAX          24 /* longer than each keyword by more than HINT_DISTANCE_MAX */
#define DELAY_DEFAULT     5

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

struct keyword;
typedef void take_function(struct parser *parser, const struct keyword *keyword, const struct scan_line *line);

struct keyword {
    const char *name;
    const char *example; /* how a right line looks */
    take_function *take;
    bool repeatable;      /* else a second line is warned of, and holds */
    bool alone;           /* may stand without a value */
    enum setting setting; /* for take_number and take_time */
    struct number_range range;
    const char *no_effect; /* for take_ignored: why */
};

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

/* The text of a line that has exactly one value; else NULL, after reporting it. */
static const char *only_value(struct parser *parser, const struct scan_line *line)
{
    if (line->field_count == 1)
        return line->fields[0].text;
    parser_error(parser, "takes one value, not %zu", line->field_count);
    return NULL;
}

/* A whole number within the keyword's range. */
static bool number_of(struct parser *parser, const struct keyword *keyword, const struct scan_line *line,
                      uint64_t *number)
{
    const char *text = only_value(parser, line);

    if (text == NULL)
        return false;
    if (number_parse(text, keyword->range, number) == NUMBER_OK)
        return true;
    parser_error(parser, "must be a whole number from %ju to %ju, in digits alone, as in %s",
                 (uintmax_t)keyword->range.low, (uintmax_t)keyword->range.high, keyword->example);
    return false;
}

static void take_number(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t number;

    if (number_of(parser, keyword, line, &number))
        *setting_of(parser->config, keyword->setting) = (unsigned)number;
}

static void take_delay(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t zero;

    if (line->field_count != 1 || number_parse(line->fields[0].text, (struct number_range){0, 0}, &zero) != NUMBER_OK) {
        take_number(parser, keyword, line);
        return;
    }
    parser->config->delay = DELAY_DEFAULT;
    parser_warn(parser, "0 is taken as %d, as Ostiary 4.0 took it: write DELAY=%d", DELAY_DEFAULT, DELAY_DEFAULT);
}

static void take_time(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *text = only_value(parser, line);
    uint64_t seconds;

    if (text == NULL)
        return;
    if (number_parse_time(text, keyword->range, &seconds) != NUMBER_OK) {
        parser_error(parser, "must be a time such as 600, 10m, 12h or 7d, from %ju s to %ju d, as in %s",
                     (uintmax_t)keyword->range.low, (uintmax_t)keyword->range.high / DAY, keyword->example);
        return;
    }
    *setting_of(parser->config, keyword->setting) = (unsigned)seconds;
}

static void take_ipv6_prefix(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    uint64_t number;

    if (number_of(parser, keyword, line, &number))
        parser->config->ipv6_prefix = (uint8_t)number;
}

static void take_table_size(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    number_of(parser, keyword, line, &parser->config->table_size);
}

static void take_port(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct config *config = parser->config;
    uint64_t number;

    if (!number_of(parser, keyword, line, &number))
        return;
    for (size_t i = 0; i < config->port_count; i++) {
        if (config->ports[i] == number)
            return;
    }
    if (config->port_count == CONFIG_PORTS_MAX) {
        parser_error(parser, "there are more than %d ports: take some out", CONFIG_PORTS_MAX);
        return;
    }
    parser->port_line = parser->line;
    config->ports[config->port_count++] = (uint16_t)number;
}

/* Where the ports of an old file would not be the ones it meant. One with an IPv6 address in it is none of 4.0's. */
static void judge_ports(struct parser *parser)
{
    const struct config *config = parser->config;

    if (config->port_count == 0 || (config->local_ip != NULL && strchr(config->local_ip, ':') != NULL))
        return;
    parser->keyword = "PORT";
    parser->line = parser->port_line;
    if (config->port_count > 1)
        parser_warn(parser,
                    "all %zu ports are opened, where Ostiary 4.0 opened the last one alone: keep those that you "
                    "mean",
                    config->port_count);
    if (config->local_ip == NULL)
        parser_note(parser, "is open to IPv6 as well, which Ostiary 4.0 did not have: LOCAL_IP=\"0.0.0.0\" keeps it to "
                            "IPv4, LOCAL_IP=\"::\" says that both are meant");
}

/* One of a few words, by its place in the list; -1 after reporting that it is none of them. */
static int choice_of(struct parser *parser, const struct scan_line *line, const char *const *words, const char *list)
{
    const char *text = only_value(parser, line);

    if (text == NULL)
        return -1;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    parser_error(parser, "must be one of %s", list);
    return -1;
}

/* A word alone is a yes. Returns -1 after reporting that the value is none. */
static int flag_of(struct parser *parser, const struct scan_line *line)
{
    static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on", NULL};

    if (line->field_count == 0)
        return 1;

    const int choice = choice_of(parser, line, words, "yes, no, on, off, true, false, 1, 0, or stand without a value");
    return choice < 0 ? -1 : choice % 2;
}

static void take_close_when_full(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const int flag = flag_of(parser, line);

    (void)keyword;
    if (flag >= 0)
        parser->config->close_when_full = flag == 1;
}

static void take_ignored_flag(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    if (flag_of(parser, line) >= 0)
        parser_warn(parser, "has no effect: %s", keyword->no_effect);
}

static void take_ignored_value(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    if (only_value(parser, line) != NULL)
        parser_warn(parser, "has no effect: %s", keyword->no_effect);
}

static void take_loglevel(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    static const char *const words[] = {"LOG_EMERG",  "LOG_ALERT", "LOG_CRIT",  "LOG_ERR", "LOG_WARNING",
                                        "LOG_NOTICE", "LOG_INFO",  "LOG_DEBUG", NULL};
    _Static_assert(LOG_EMERG == 0 && LOG_ERR == 3 && LOG_DEBUG == 7, "a word's place is its level");

    const int level = choice_of(
        parser, line, words, "LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG");
    (void)keyword;
    if (level >= 0)
        parser->config->log_level = level;
}

static void take_delay_scope(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    static const char *const words[] = {"source", "all", NULL};
    const int scope = choice_of(parser, line, words, "source, all");

    (void)keyword;
    if (scope >= 0)
        parser->config->delay_all = scope == 1;
}

static void report_no_interface(struct parser *parser, const struct keyword *keyword)
{
    parser_error(parser, "a link-local address means nothing without its interface: write it as in %s=\"%s\"",
                 keyword->name, ADDRESS_EXAMPLE_LINK_LOCAL);
}

/* Of what is no address, or none with an interface: what it has to be, and an example of it. */
static void report_malformed(struct parser *parser, const struct keyword *keyword, const char *text, const char *what)
{
    if (strchr(text, '%') != NULL)
        parser_error(parser,
                     "an interface can stand behind a link-local address alone, and by its name, not its number: write "
                     "it as in %s=\"%s\"",
                     keyword->name, ADDRESS_EXAMPLE_LINK_LOCAL);
    else
        parser_error(parser, "must be an %s, as in %s", what, keyword->example);
}

static void take_local_ip(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *text = only_value(parser, line);
    struct address address;

    if (text == NULL)
        return;
    const enum address_result result = address_parse(text, &address);
    if (result == ADDRESS_NEEDS_INTERFACE)
        report_no_interface(parser, keyword);
    else if (result != ADDRESS_OK || address.interface[0] == ':') /* which is no name to bind to */
        report_malformed(parser, keyword, text, "IPv4 or IPv6 address");
    else
        parser->config->local_ip = parser_keep(parser, text, line->fields[0].len);
}

static void take_exempt(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    struct config *config = parser->config;
    const char *text = only_value(parser, line);

    if (text == NULL)
        return;
    switch (address_parse_network(text, &config->exempt[config->exempt_count])) {
    case ADDRESS_OK:
        break;
    case ADDRESS_NEEDS_INTERFACE:
        report_no_interface(parser, keyword);
        return;
    case ADDRESS_MALFORMED:
        report_malformed(parser, keyword, text, "address or a network without bits behind its prefix");
        return;
    }
    if (address_is_vast(&config->exempt[config->exempt_count]))
        parser_warn(parser, "so many addresses are as good as everybody, and each of them may guess for ever: name the "
                            "few networks that must never be locked out");
    config->exempt_count++;
}

static void take_state_dir(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *text = only_value(parser, line);

    if (text == NULL)
        return;
    if (text[0] != '/' || line->fields[0].len > STATE_DIR_MAX_LEN) {
        parser_error(parser, "must be an absolute path, as in %s", keyword->example);
        return;
    }
    parser->config->state_dir = parser_keep(parser, text, line->fields[0].len);
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

#define KEYWORD_COUNT (sizeof(keywords) / sizeof(keywords[0]))

static const struct keyword *find_keyword(const char *word)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (strcmp(keywords[i].name, word) == 0)
            return &keywords[i];
    }
    return NULL;
}

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t least_of_two = a < b ? a : b;

    return least_of_two < c ? least_of_two : c;
}

/* Levenshtein's distance between two words of at most WORD_MAX bytes, one row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    const size_t len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            const size_t replaced = diagonal + (a[i] != b[j] ? 1 : 0);

            diagonal = row[j + 1];
            row[j + 1] = least(replaced, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[len];
}

static const struct keyword *nearest_keyword(const char *word)
{
    const struct keyword *nearest = NULL;
    size_t nearest_distance = HINT_DISTANCE_MAX + 1;

    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        const size_t found = distance(word, keywords[i].name);

        if (found < nearest_distance) {
            nearest = &keywords[i];
            nearest_distance = found;
        }
    }
    return nearest;
}

/* The word itself is not repeated: what is no keyword may be a part of a secret. */
static void report_unknown(struct parser *parser, const char *word)
{
    char capitals[WORD_MAX + 1];
    const size_t len = strnlen(word, WORD_MAX + 1);
    const struct keyword *meant = NULL;

    if (len <= WORD_MAX && !parser_is_mute(parser)) {
        for (size_t i = 0; i <= len; i++)
            capitals[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 'a' + 'A' : word[i]);
        meant = nearest_keyword(capitals);
        explicit_bzero(capitals, sizeof(capitals));
    }
    if (meant != NULL)
        parser_error(parser, "the keyword is unknown: did you mean %s? Keywords are in capitals", meant->name);
    else
        parser_error(parser, "the keyword is unknown: ostiary.cfg(5) has them all");
}

static void take_line(struct parser *parser, const struct keyword *keyword, const struct scan_line *line,
                      unsigned *seen_line)
{
    if (!keyword->repeatable && *seen_line != 0)
        parser_warn(parser, "is given already in line %u: this one holds", *seen_line);
    *seen_line = parser->line;
    if (line->field_count == 0 && !keyword->alone)
        parser_error(parser, "needs a value, as in %s", keyword->example);
    else
        keyword->take(parser, keyword, line);
}

static void read_line(struct parser *parser, char *text, size_t len, unsigned seen_lines[static KEYWORD_COUNT])
{
    struct scan_line line;
    const enum scan_fault fault = scan_line(text, len, &line);
    const struct keyword *keyword = line.keyword != NULL ? find_keyword(line.keyword) : NULL;

    parser->keyword = keyword != NULL ? keyword->name : NULL;
    if (line.keyword != NULL && keyword == NULL)
        report_unknown(parser, line.keyword);
    else if (fault != SCAN_OK)
        parser_error(parser, "%s", scan_fault_text(fault));
    else if (keyword != NULL)
        take_line(parser, keyword, &line, &seen_lines[keyword - keywords]);
}

/* Editors put it there unseen. Then the line is read as if it was not, for what else there is to say. */
static size_t mark_at(struct parser *parser, const char *text, size_t len)
{
    if (!scan_has_mark(text, len))
        return 0;
    parser->keyword = NULL;
    parser_error(parser,
                 "a byte order mark, which cannot be seen, is at the start of this line: save the file as UTF-8 "
                 "without one");
    return SCAN_MARK_LEN;
}

static void read_lines(struct parser *parser, char *text, size_t len)
{
    unsigned seen_lines[KEYWORD_COUNT] = {0};
    size_t start = 0;

    while (start < len) {
        const char *newline = memchr(text + start, '\n', len - start);
        const size_t end = newline != NULL ? (size_t)(newline - text) : len;

        parser->line++;
        start += mark_at(parser, text + start, end - start);
        read_line(parser, text + start, end - start, seen_lines);
        start = end + 1;
    }
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
        .ipv6_prefix = 64,
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
    struct parser parser = {.reader = reader, .config = config};

    set_defaults(config);
    if (len > CONFIG_SIZE_MAX) {
        parser_error(&parser, "the file %s", file_fault_text(FILE_TOO_LARGE));
    } else if (scan_is_utf_16(text, len)) {
        parser_error(&parser, "the file is in UTF-16, with a byte order mark: save it as UTF-8 without one");
    } else if (parser_begin(&parser, text, len) == 0 && entry_begin(&parser) == 0) {
        read_lines(&parser, text, len);
        judge_ports(&parser);
        entry_finish(&parser);
    }
    parser_end(&parser);
    wipe_stack();
    if (parser.errors == 0)
        return 0;
    config_free(config);
    return -1;
}

int config_load(const struct config_reader *reader, struct config *config)
{
    struct parser parser = {.reader = reader, .config = config};
    struct locked text = {0};
    size_t len = 0;

    *config = (struct config){0};

    const enum file_fault fault = file_read_private(reader->path, CONFIG_SIZE_MAX, &text, &len);
    if (fault != FILE_OK) {
        const bool has_reason = fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ || fault == FILE_NO_MEMORY;

        parser_error(&parser, "the file %s%s%s%s", file_fault_text(fault), has_reason ? ": " : "",
                     has_reason ? strerror(errno) : "",
                     fault == FILE_CANNOT_OPEN && errno == ENOENT
                         ? ": make it, as 'ostiaryctl add' does, or name another one with -c"
                         : "");
        return -1;
    }

    const int status = config_parse((char *)text.bytes, len, reader, config);
    locked_free(&text);
    return status;
}

void config_free(struct config *config)
{
    locked_free(&config->secrets);
    free(config->memory);
    *config = (struct config){0};
}
