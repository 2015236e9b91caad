/* SPDX-License-Identifier: ISC */
/*
 * Keywords and settings: any line after any others; scan_line says of it anything that scan.h allows. What ACTION and
 * its like do with theirs is the subject `entry`.
 */
#include "config.h"

#include "any_address.h"
#include "any_parser.h"
#include "entry.h"
#include "keyword.h"
#include "value.h"

#define BEFORE 1 /* exemptions of earlier lines, at most: the last one then takes what room there is */

/*
 * The first line is a DELAY, right or wrong, so that the second may be another one. What else earlier lines leave
 * behind comes from parser_begin.
 */
#define FIRST_WORD 5

static const char *const words[] = {
    "ACTION",         "KILL",
    "LOCKOUT_ACTION", "DEFAULT_UID",
    "DEFAULT_GID",    "DELAY",
    "DELAY_MAX_WAIT", "WAITING_MAX",
    "DELAY_SCOPE",    "COMM_TIMEOUT",
    "MAX_BAD_CONNS",  "MAX_SINGLE_ERRS",
    "MAX_TOTAL_ERRS", "EXIT_ON_IPCACHE_FULL",
    "LOCKOUT_TIME",   "STRIKE_TIME",
    "IPV6_PREFIX",    "EXEMPT",
    "MIN_LOGLEVEL",   "PORT",
    "LOCAL_IP",       "STATE_DIR",
    "TABLE_SIZE",     "SKIP_DETACH",
    "PIDFILE",        "IGNORE_URANDOM",
};
#define WORDS ((int)(sizeof(words) / sizeof(words[0])))

/* No keyword: any bytes of these lengths, or one of the longest that a hint is looked for. */
static const size_t unknown_lens[] = {1, 3, 25};
static const char longest[] = "XXXXXXXXXXXXXXXXXXXXXXXX";
static const size_t field_lens[] = {0, 1, 5, 9};
static const size_t option_lens[] = {0, 1, 24, 25}; /* of no option; the last is too long for a hint */

static char unknown[TEXT_MAX + 1];
static char texts[2][TEXT_MAX + 1];

/* Of exactly that many bytes, among which are all that a word may have. */
static const char *any_word(size_t len)
{
    char *word = any_text(unknown, len);

    for (size_t i = 0; i < len; i++)
        word[i] = (char)Frama_C_char_interval('0', '~');
    return word;
}

enum scan_fault scan_line(char *text, size_t len, struct scan_line *line)
{
    static bool is_second;
    const int word = is_second ? Frama_C_interval(-3, WORDS - 1) : FIRST_WORD;
    const int word_len = Frama_C_interval(0, 2);
    const int count = Frama_C_interval(0, 2);
    const int field_len = Frama_C_interval(0, 3);
    const bool fails = any_bool();

    (void)text;
    (void)len;
    //@ split word;
    //@ split count;
    //@ split field_len;
    //@ split fails;
    is_second = true;
    line->keyword = NULL;
    line->field_count = 0;
    if (word >= 0) {
        line->keyword = words[word];
    } else if (word == -1) {
        //@ split word_len;
        line->keyword = any_word(unknown_lens[word_len]);
    } else if (word == -2) {
        line->keyword = longest;
    }
    if (fails)
        return (enum scan_fault)Frama_C_interval(SCAN_CONTROL, SCAN_TOO_MANY);
    if (line->keyword == NULL)
        return SCAN_OK;
    for (int i = 0; i < count; i++)
        set_field(texts[i], field_lens[field_len], &line->fields[i]);
    line->field_count = (size_t)count;
    return SCAN_OK;
}

const char *scan_fault_text(enum scan_fault fault)
{
    (void)fault;
    return "any";
}

void wipe_stack(void)
{
}

/* Room for just so much as is asked for. */
void *parser_begin(struct parser *parser, const char *text, size_t len, size_t own)
{
    struct reading *reading = parser->file;
    struct config *config = reading->config;
    void *memory = calloc(1, own);

    (void)text;
    (void)len;
    if (memory == NULL) {
        parser_error(parser, "any");
        return NULL;
    }
    config->exempt_count = any_size(0, BEFORE);
    config->port_count = any_size(0, CONFIG_PORTS_MAX);
    for (size_t i = 0; i < CONFIG_PORTS_MAX; i++)
        config->ports[i] = (uint16_t)any_size(1, UINT16_MAX);
    parser->line = (unsigned)any_size(0, LINES_MAX);
    return memory;
}

void parser_end(struct parser *parser)
{
    (void)parser;
}

int entry_begin(struct parser *parser, size_t lines_max)
{
    //@ assert there_is_a_line: lines_max >= 1;
    if (any_bool())
        return 0;
    parser_error(parser, "any");
    return -1;
}

void entry_finish(struct parser *parser)
{
    if (any_bool())
        parser_error(parser, "any");
}

void entry_end(struct parser *parser)
{
    (void)parser;
}

void entry_take_action(struct parser *parser, const struct scan_line *line)
{
    //@ assert has_a_field: line->field_count >= 1;
    if (any_bool())
        parser_error(parser, "any");
}

void entry_take_kill(struct parser *parser, const struct scan_line *line)
{
    entry_take_action(parser, line);
}

void entry_take_lockout_action(struct parser *parser, const struct scan_line *line)
{
    entry_take_action(parser, line);
}

void entry_take_default_uid(struct parser *parser, const struct scan_line *line)
{
    entry_take_action(parser, line);
}

void entry_take_default_gid(struct parser *parser, const struct scan_line *line)
{
    entry_take_action(parser, line);
}

/* As long as a byte order mark, and not. Whether the last line that could add something is there, or lacks its end. */
enum file_fault file_read_private(const char *path, size_t limit, struct locked *text, size_t *len)
{
    static char two_lines[] = "123456789\n1";
    static char one_line[] = "12345678901";
    static char whole_line[] = "12345678901234567\n";
    const bool fails = any_bool();
    const int which = Frama_C_interval(0, 2);

    //@ split fails;
    //@ split which;
    (void)path;
    (void)limit;
    if (fails)
        return (enum file_fault)Frama_C_interval(FILE_OK + 1, FILE_NO_MEMORY);
    *len = which == 0 ? sizeof(two_lines) - 1 : which == 1 ? sizeof(one_line) - 1 : sizeof(whole_line) - 1;
    *text = (struct locked){
        .bytes = (uint8_t *)(which == 0   ? two_lines
                             : which == 1 ? one_line
                                          : whole_line),
        .len = *len + 1,
    };
    return FILE_OK;
}

/* A line of options, of which there is one: once, twice, another one, or none. */
static void take_option(struct parser *parser, const struct keyword *option, const struct scan_line *line)
{
    (void)option;
    value_only(parser, line);
}

static void read_options(const struct config_reader *reader)
{
    static const struct keyword options[] = {{.name = "option", .example = "\"option=1\"", .take = take_option}};
    static const struct keyword_table option_table = {.list = options, .count = 1, .manual = "any"};
    static char right[] = "option=1";
    static char near[] = "optoin=1";
    static char *const fields[] = {right, near};
    struct parser parser = {.reader = reader, .keyword = "any"};
    struct scan_line line = {.keyword = "any"};
    const int count = Frama_C_interval(0, 2);

    //@ split count;
    for (int i = 0; i < count; i++) {
        const int which = Frama_C_interval(0, 2);
        const int len = Frama_C_interval(0, 3);
        //@ split which;

        if (which < 2) {
            line.fields[i] = (struct scan_field){.text = fields[which], .len = sizeof(right) - 1};
        } else {
            //@ split len;
            set_field(texts[i], option_lens[len], &line.fields[i]);
        }
    }
    line.field_count = (size_t)count;
    keyword_read_options(&parser, &option_table, &line, 0);
}

/* What config.c does not ask of value.c, but entry.c and secrets.c. */
static void read_field(const struct config_reader *reader)
{
    static const size_t lens[] = {0, 1, 10, 30};
    static const size_t name_lens[] = {0, 1, 2, VALUE_NAME_MAX + 1};
    struct parser parser = {.reader = reader, .keyword = "any"};
    const int which = Frama_C_interval(0, 3);
    struct scan_field field;
    struct scan_field option = {0};
    uint64_t seconds;

    set_field(texts[0], any_bool() ? 1 : TEXT_MAX, &field);
    if (value_is_path(&field))
        value_warn_of_blank(&parser, &field);
    //@ split which;
    set_field(texts[0], lens[which], &field);
    value_is_gate(field.text);
    value_end_of_day(field.text, &seconds);
    for (int i = 0; i < 2; i++) {
        if (value_option(&parser, &field, "name=", &option)) {
            //@ assert option_is_a_string: valid_read_string(option.text);
        }
    }
    //@ split which;
    set_field(texts[1], name_lens[which], &field);
    value_is_name(&field);
}

int main(void)
{
    const struct config_reader reader = {.path = "ostiary.cfg", .report = report};
    struct config config;

    switch (Frama_C_interval(0, 2)) {
    case 0:
        if (config_load(&reader, &config) == 0)
            config_free(&config);
        break;
    case 1:
        read_options(&reader);
        break;
    default:
        read_field(&reader);
        break;
    }
    config_severity_text((enum config_severity)Frama_C_interval(CONFIG_NOTE, CONFIG_ERROR));
    return 0;
}
