/* SPDX-License-Identifier: ISC */
/* See value.h. */
#include "value.h"

#include "address.h"

#include <string.h>
#include <syslog.h>

#define DAY               (24 * 60 * 60)
#define STATE_DIR_MAX_LEN (PATH_MAX - 64) /* leaves room for the names in it */

const char *value_only(struct parser *parser, const struct scan_line *line)
{
    if (line->field_count == 1)
        return line->fields[0].text;
    parser_error(parser, "takes one value, not %zu", line->field_count);
    return NULL;
}

bool value_number(struct parser *parser, const struct keyword *keyword, const struct scan_line *line, uint64_t *number)
{
    const char *text = value_only(parser, line);

    if (text == NULL)
        return false;
    if (number_parse(text, keyword->range, number) == NUMBER_OK)
        return true;
    parser_error(parser, "must be a whole number from %ju to %ju, in digits alone, as in %s",
                 (uintmax_t)keyword->range.low, (uintmax_t)keyword->range.high, keyword->example);
    return false;
}

bool value_time(struct parser *parser, const struct keyword *keyword, const struct scan_line *line, uint64_t *seconds)
{
    const char *text = value_only(parser, line);

    if (text == NULL)
        return false;
    if (number_parse_time(text, keyword->range, seconds) == NUMBER_OK)
        return true;
    parser_error(parser, "must be a time such as 600, 10m, 12h or 7d, from %ju s to %ju d, as in %s",
                 (uintmax_t)keyword->range.low, (uintmax_t)keyword->range.high / DAY, keyword->example);
    return false;
}

int value_choice(struct parser *parser, const struct scan_line *line, const char *const *words, const char *list)
{
    const char *text = value_only(parser, line);

    if (text == NULL)
        return -1;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    parser_error(parser, "must be one of %s", list);
    return -1;
}

int value_flag(struct parser *parser, const struct scan_line *line)
{
    static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on", NULL};

    if (line->field_count == 0)
        return 1;

    const int choice =
        value_choice(parser, line, words, "yes, no, on, off, true, false, 1, 0, or stand without a value");
    return choice < 0 ? -1 : choice % 2;
}

int value_log_level(struct parser *parser, const struct scan_line *line)
{
    static const char *const words[] = {"LOG_EMERG",  "LOG_ALERT", "LOG_CRIT",  "LOG_ERR", "LOG_WARNING",
                                        "LOG_NOTICE", "LOG_INFO",  "LOG_DEBUG", NULL};
    _Static_assert(LOG_EMERG == 0 && LOG_ERR == 3 && LOG_DEBUG == 7, "a word's place is its level");

    return value_choice(parser, line, words,
                        "LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG");
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

const char *value_address(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *text = value_only(parser, line);
    struct address address;

    if (text == NULL)
        return NULL;

    const enum address_result result = address_parse(text, &address);
    if (result == ADDRESS_OK && address.interface[0] != ':') /* which is no name to bind to */
        return parser_keep(parser, text, line->fields[0].len);
    if (result == ADDRESS_NEEDS_INTERFACE)
        report_no_interface(parser, keyword);
    else
        report_malformed(parser, keyword, text, "IPv4 or IPv6 address");
    return NULL;
}

bool value_network(struct parser *parser, const struct keyword *keyword, const struct scan_line *line,
                   struct source *network)
{
    const char *text = value_only(parser, line);

    if (text == NULL)
        return false;
    switch (address_parse_network(text, network)) {
    case ADDRESS_OK:
        return true;
    case ADDRESS_NEEDS_INTERFACE:
        report_no_interface(parser, keyword);
        break;
    case ADDRESS_MALFORMED:
        report_malformed(parser, keyword, text, "address or a network without bits behind its prefix");
        break;
    }
    return false;
}

const char *value_state_dir(struct parser *parser, const struct keyword *keyword, const struct scan_line *line)
{
    const char *text = value_only(parser, line);

    if (text == NULL)
        return NULL;
    if (text[0] != '/' || line->fields[0].len > STATE_DIR_MAX_LEN) {
        parser_error(parser, "must be an absolute path, as in %s", keyword->example);
        return NULL;
    }
    return parser_keep(parser, text, line->fields[0].len);
}

bool value_is_path(const struct scan_field *field)
{
    return field->text[0] == '/' && field->len <= VALUE_PATH_MAX;
}

void value_warn_of_blank(struct parser *parser, const struct scan_field *field)
{
    if (strpbrk(field->text, " \t") != NULL)
        parser_warn(parser,
                    "the command's path has a blank in it; a command has no arguments: write a script for them");
}

static bool is_gate_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

bool value_is_gate(const char *text)
{
    const size_t len = strnlen(text, VALUE_GATE_MAX + 1);

    for (size_t i = 0; i < len; i++) {
        if (!is_gate_byte(text[i]))
            return false;
    }
    return len >= 1 && len <= VALUE_GATE_MAX && text[0] >= 'a' && text[0] <= 'z';
}

bool value_option(struct parser *parser, const struct scan_field *field, const char *prefix, struct scan_field *option)
{
    const size_t skip = strlen(prefix);

    if (strncmp(field->text, prefix, skip) != 0)
        return false;
    if (option->text != NULL)
        parser_error(parser, "the option %s is given twice: keep one", prefix);
    *option = (struct scan_field){.text = field->text + skip, .len = field->len - skip};
    return true;
}

bool value_is_name(const struct scan_field *field)
{
    size_t len = 0;

    while (value_is_name_byte(field->text[len]))
        len++;
    return len == field->len && len > 0 && len <= VALUE_NAME_MAX;
}

/* So many digits of the text as a number; -1 where one is none. */
static int digits(const char *text, size_t count)
{
    int number = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = 10 * number + (text[i] - '0');
    }
    return number;
}

bool value_end_of_day(const char *text, uint64_t *seconds)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int year, month, day, leaps;
    bool is_leap;

    if (strlen(text) != strlen("2026-12-31") || text[4] != '-' || text[7] != '-')
        return false;
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > before[month] - before[month - 1] + (is_leap && month == 2 ? 1 : 0))
        return false;
    /* Of the years before this one, from year 1 on; 477 of them before 1970. */
    leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477 + (is_leap && month > 2 ? 1 : 0);
    *seconds = (uint64_t)DAY * (uint64_t)(365 * (year - 1970) + leaps + before[month - 1] + day);
    return true;
}
