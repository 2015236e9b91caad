/* SPDX-License-Identifier: ISC */
/*
 * ACTION, KILL and LOCKOUT_ACTION: any fields of some lengths, in any state of the parser; and the end of a file. What
 * they say of secrets is the subject `secrets`, of which here nothing is known.
 */
#include "entry.h"

#include "any_address.h"
#include "any_parser.h"
#include "from.h"
#include "secrets.h"

/*
 * The fields of a line: the secret, the command, and what may be user, group or option. Shapes that stand for all:
 * empty, short, too long for a path (Frama-C's PATH_MAX is 256) or a name; an option of any name, and each two that
 * know each other. The last field may be a from= that is too long.
 */
#define FIELDS   4
#define LONG_LEN (sizeof("from=") - 1 + FROM_TEXT_MAX + 1)
static const struct shape {
    size_t count;
    struct option fields[FIELDS];
} shapes[] = {
    {1, {ANY(0)}},
    {1, {ANY(5)}},
    {1, {ANY(TEXT_MAX)}},
    {2, {ANY(0), ANY(0)}},
    {2, {ANY(5), ANY(1)}},
    {2, {ANY(5), ANY(13)}},
    {2, {ANY(5), ANY(TEXT_MAX)}},
    {2, {ANY(0), ANY(LONG_LEN)}},
    {3, {ANY(0), ANY(0), ANY(5)}},
    {3, {ANY(0), ANY(0), ANY(13)}},
    {3, {ANY(5), ANY(13), ANY(0)}},
    {3, {ANY(0), OPTION("name=", 8), ANY(13)}},
    {3, {ANY(0), ANY(0), ANY(TEXT_MAX)}},
    {3, {ANY(0), ANY(5), ANY(LONG_LEN)}},
    {3, {ANY(0), ANY(13), ANY(13)}},
    {4, {ANY(5), OPTION("/", 12), ANY(3), ANY(4)}},
    {4, {ANY(0), ANY(0), ANY(4), OPTION("socket=", 6)}},
    {4, {ANY(0), ANY(0), ANY(4), OPTION("revoke=", 6)}},
    {4, {ANY(5), OPTION("/", 12), ANY(7), OPTION("name=", 8)}},
    {4, {ANY(5), OPTION("/", 12), OPTION("timeout=", 3), OPTION("single=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("socket=", 6), OPTION("name=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("socket=", 6), OPTION("timeout=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("socket=", 6), OPTION("single=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("grant=", 7), OPTION("name=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("grant=", 7), OPTION("clear-old=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("grant=", 7), OPTION("revoke=", 6)}},
    {4, {ANY(0), ANY(0), OPTION("socket=", 6), OPTION("revoke=", 6)}},
    {4, {ANY(0), ANY(0), OPTION("revoke=", 6), OPTION("from=", 8)}},
    {4, {ANY(0), ANY(0), OPTION("revoke=", 6), OPTION("timeout=", 3)}},
    {4, {ANY(0), ANY(0), OPTION("revoke=", 6), OPTION("single=", 3)}},
};
#define SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

/* One room for each field: the analysis would take one of them for another when they were in one array. */
static char first_text[TEXT_MAX + 1];
static char second_text[TEXT_MAX + 1];
static char third_text[TEXT_MAX + 1];
static char fourth_text[TEXT_MAX + 1];
static char long_text[LONG_LEN + 1] = "from=";

int secrets_begin(struct parser *parser, size_t lines_max)
{
    //@ assert there_is_a_line: lines_max >= 1;
    (void)parser;
    return -any_bool();
}

void secrets_end(struct parser *parser)
{
    (void)parser;
}

bool secrets_take_option(struct parser *parser, const struct scan_field *field, struct secrets_given *given)
{
    //@ assert field_is_a_string: valid_read_string(field->text);
    //@ assert there_is_room: \valid(given);
    if (any_bool())
        parser_error(parser, "any");
    return any_bool();
}

bool secrets_has(const struct secrets_given *given)
{
    //@ assert options_are_set: \initialized(&given->count) && \initialized(&given->totp.text);
    return any_bool();
}

void secrets_take(struct parser *parser, const struct scan_field *first, const struct secrets_given *given,
                  struct config_entry *entry)
{
    //@ assert field_is_a_string: valid_read_string(first->text);
    //@ assert options_are_set: \initialized(&given->count) && \initialized(&given->totp.text);
    if (any_bool())
        parser_error(parser, "any");
    entry->secret_count = any_size(0, SCAN_FIELDS_MAX);
}

void secrets_finish(struct parser *parser)
{
    if (any_bool())
        parser_error(parser, "any");
}

/* See the subject `from`. Where the next network begins is nothing that is asked here. */
bool from_next(const char **rest, struct source *network)
{
    //@ assert text_is_a_string: valid_read_string(*rest);
    const bool is_one = address_parse_network(*rest, network) == ADDRESS_OK;
    //@ split is_one;

    if (!is_one)
        return false;
    if (any_bool())
        *rest = NULL;
    return true;
}

static void set_any(const struct option *option, char *room, struct scan_field *field)
{
    if (option->len == LONG_LEN)
        *field = (struct scan_field){.text = long_text, .len = LONG_LEN};
    else
        set_option(option, room, field);
}

static void set_fields(struct scan_line *line)
{
    const int number = Frama_C_interval(0, SHAPES - 1);
    //@ split number;
    const struct shape *shape = &shapes[number];

    line->field_count = shape->count;
    set_any(&shape->fields[0], first_text, &line->fields[0]);
    if (line->field_count > 1)
        set_any(&shape->fields[1], second_text, &line->fields[1]);
    if (line->field_count > 2)
        set_any(&shape->fields[2], third_text, &line->fields[2]);
    if (line->field_count > 3)
        set_any(&shape->fields[3], fourth_text, &line->fields[3]);
}

/* One line, at any place in a file. There is room for one more entry, at the very end of its memory. */
static void take(const struct config_reader *reader)
{
    struct config_entry entries[1];
    struct config config = {.entries = entries, .has_lockout_action = any_bool()};
    struct reading reading = {.config = &config, .default_user = "nobody"};
    struct parser parser = {.reader = reader, .file = &reading, .line = (unsigned)any_size(1, LINES_MAX)};
    struct scan_line line;

    reading.kill_line = (unsigned)any_size(0, LINES_MAX);
    set_fields(&line);
    switch (Frama_C_interval(0, 4)) {
    case 0:
        entry_take_action(&parser, &line);
        break;
    case 1:
        entry_take_kill(&parser, &line);
        break;
    case 2:
        entry_take_lockout_action(&parser, &line);
        break;
    case 3:
        entry_take_default_uid(&parser, &line);
        break;
    default:
        entry_take_default_gid(&parser, &line);
        break;
    }
}

/* The end of a file. */
static void finish(const struct config_reader *reader)
{
    struct config config = {0};
    struct reading reading = {.config = &config, .has_entry = any_bool()};
    struct parser parser = {.reader = reader, .file = &reading};

    reading.default_line = (unsigned)any_size(0, LINES_MAX);
    entry_finish(&parser);
}

int main(void)
{
    struct config config = {0};
    const struct config_reader reader = {.path = "ostiary.cfg", .report = report};
    struct reading reading = {.config = &config};
    struct parser parser = {.reader = &reader, .file = &reading};

    memset(long_text + strlen(long_text), 'x', LONG_LEN - strlen(long_text));
    switch (Frama_C_interval(0, 2)) {
    case 0:
        entry_begin(&parser, any_size(1, CONFIG_SIZE_MAX));
        entry_end(&parser);
        break;
    case 1:
        take(&reader);
        break;
    default:
        finish(&reader);
        break;
    }
    return 0;
}
