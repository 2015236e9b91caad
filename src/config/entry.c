/* SPDX-License-Identifier: ISC */
/* See entry.h. */
#include "entry.h"

#include "from.h"
#include "local.h"
#include "number.h"
#include "secrets.h"
#include "value.h"

#include <string.h>

#define ID_MAX      4294967294u /* the last number that is not "leave it as it is" */
#define USER_MAX    255         /* LOGIN_NAME_MAX of Linux, without its NUL */
#define TIMEOUT_MAX (365u * 24 * 3600)

/* The options of a line, as they were written; text NULL: not given. */
struct options {
    struct scan_field name;
    struct scan_field socket;
    struct scan_field grant;
    struct scan_field revoke;
    struct scan_field clear_old;
    struct scan_field from;
    struct scan_field timeout;
    struct scan_field single;
    struct secrets_given secrets;
};

int entry_begin(struct parser *parser, size_t lines_max)
{
    struct reading *reading = parser->file;

    reading->default_user = "nobody";
    return secrets_begin(parser, lines_max);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* How many bytes at the start of the text are of this kind. strspn(3) would build a table of the set each time. */
static size_t span(const char *text, bool (*is_one)(char byte))
{
    size_t len = 0;

    while (is_one(text[len]))
        len++;
    return len;
}

/*
 * A number, or what can stand in front of the first colon of passwd(5) or group(5); whether it does, is looked up
 * later. Directory services have names like alice@example.org and DOMAIN\\domain users. A sign in front is what the
 * files of NIS have, or a negative number; a path is a field that has gone astray.
 */
static bool is_user(const struct scan_field *field)
{
    const char *text = field->text;
    uint64_t id;

    if (span(text, is_digit) == field->len)
        return number_parse(text, (struct number_range){0, ID_MAX}, &id) == NUMBER_OK;
    return field->len <= USER_MAX && text[0] != '-' && text[0] != '+' && !is_blank(text[0]) &&
           !is_blank(text[field->len - 1]) && memchr(text, ':', field->len) == NULL &&
           memchr(text, '/', field->len) == NULL;
}

/* Returns the kept text, or NULL after reporting what is wrong with the user or group. */
static const char *take_user(struct parser *parser, const struct scan_field *field, const char *what)
{
    if (field->len == 0) {
        parser_error(parser, "the %s is empty: write a name or a number, or leave the field out", what);
        return NULL;
    }
    if (!is_user(field)) {
        parser_error(parser,
                     "the %s must be a number from 0 to %u, or a name of at most %d bytes, without : and /, that "
                     "starts with no sign and neither starts nor ends with a blank",
                     what, ID_MAX, USER_MAX);
        return NULL;
    }
    return parser_keep(parser, field->text, field->len);
}

void entry_take_default_uid(struct parser *parser, const struct scan_line *line)
{
    struct reading *reading = parser->file;

    if (value_only(parser, line) == NULL)
        return;

    const char *user = take_user(parser, &line->fields[0], "user");
    if (user == NULL)
        return;
    reading->default_user = user;
    reading->default_line = parser->line;
}

void entry_take_default_gid(struct parser *parser, const struct scan_line *line)
{
    struct reading *reading = parser->file;

    if (value_only(parser, line) == NULL)
        return;

    const char *group = take_user(parser, &line->fields[0], "group");
    if (group == NULL)
        return;
    reading->default_group = group;
    reading->default_line = parser->line;
}

static bool is_option(const struct scan_field *field)
{
    return memchr(field->text, '=', field->len) != NULL;
}

/* The fields from number first on: all of them options. */
static void take_options(struct parser *parser, const struct scan_line *line, size_t first, struct options *options)
{
    for (size_t i = first; i < line->field_count; i++) {
        const struct scan_field *field = &line->fields[i];

        if (!value_option(parser, field, "name=", &options->name) &&
            !value_option(parser, field, "socket=", &options->socket) &&
            !value_option(parser, field, "grant=", &options->grant) &&
            !value_option(parser, field, "revoke=", &options->revoke) &&
            !value_option(parser, field, "clear-old=", &options->clear_old) &&
            !value_option(parser, field, "from=", &options->from) &&
            !value_option(parser, field, "timeout=", &options->timeout) &&
            !value_option(parser, field, "single=", &options->single) &&
            !secrets_take_option(parser, field, &options->secrets))
            parser_error(parser,
                         "field %zu is no option: write \"secret-file=...\", \"credential=...\", \"label=...\", "
                         "\"expires=...\", \"totp=...\", \"hotp=...\", \"code-alone=...\" or \"from=...\", or "
                         "\"name=...\", \"timeout=...\", \"single=...\", \"socket=...\", \"grant=...\", "
                         "\"revoke=...\" or \"clear-old=...\" for an action",
                         i + 1);
    }
}

static void take_command(struct parser *parser, const struct scan_line *line, struct config_entry *entry)
{
    const struct scan_field *field = &line->fields[1];

    if (line->field_count < 2 || !value_is_path(field)) {
        parser_error(parser, "the second field must be an absolute path, such as \"/usr/local/sbin/backup\"");
        return;
    }
    if (field->text[field->len - 1] == '/') {
        parser_error(parser, "the second field must name a file: it ends in /");
        return;
    }
    value_warn_of_blank(parser, field);
    entry->command = parser_keep(parser, field->text, field->len);
}

/* Whose the action is, where it is not this process' to run a command. */
struct delegate {
    const char *option;
    const char *why; /* there is no user */
};

/* Another decides as whom it runs: so there is neither a command nor a user. True where no command is written. */
static bool is_delegated(struct parser *parser, const struct scan_line *line, const struct delegate *to, bool has_ids)
{
    if (line->field_count < 2 || line->fields[1].len > 0 || is_option(&line->fields[1])) {
        parser_error(parser, "with %s there is no command: the second field must be \"\"", to->option);
        return false;
    }
    if (has_ids)
        parser_error(parser, "with %s there is no user: %s, leave the field out", to->option, to->why);
    return true;
}

static void take_socket(struct parser *parser, const struct scan_line *line, const struct scan_field *option,
                        bool has_ids, struct config_entry *entry)
{
    const struct delegate listener = {"socket=", "the service that listens decides"};

    if (option->text[0] != '/' || option->len > LOCAL_PATH_MAX || option->text[option->len - 1] == '/') {
        parser_error(parser,
                     "the socket= must be an absolute path of at most %d bytes, such as \"socket=/run/ostiary/backup\"",
                     LOCAL_PATH_MAX);
        return;
    }
    if (is_delegated(parser, line, &listener, has_ids))
        entry->socket = parser_keep(parser, option->text, option->len);
}

static bool has_gate(const struct options *options)
{
    return options->grant.text != NULL || options->revoke.text != NULL;
}

/* yes or no. Without grant= there is nothing that could be older. */
static void take_clear_old(struct parser *parser, const struct options *options, struct config_entry *entry)
{
    const char *text = options->clear_old.text;

    if (text == NULL)
        return;
    if (options->grant.text == NULL)
        parser_error(parser, "clear-old= belongs to grant=: add it, or leave clear-old= out");
    else if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        parser_error(parser, "the clear-old= must be yes or no");
    else
        entry->clear_old = strcmp(text, "yes") == 0;
}

/* The name is the user of the grant: that it is needed is said here, and what it must be in take_name. */
static void take_gate_user(struct parser *parser, const struct scan_field *name)
{
    if (name->text == NULL)
        parser_error(parser, "with grant= or revoke= there must be a name=: it is the user whose grant it is");
    else if (name->text[0] == '-')
        parser_error(parser,
                     "with grant= or revoke= the name= must not begin with -: it is the user whose grant it is");
}

static void take_gate(struct parser *parser, const struct scan_line *line, const struct options *options, bool has_ids,
                      struct config_entry *entry)
{
    const bool revokes = options->grant.text == NULL;
    const struct scan_field *option = revokes ? &options->revoke : &options->grant;
    const struct delegate granter = {revokes ? "revoke=" : "grant=", "ostgrant alone changes the firewall"};

    if (options->grant.text != NULL && options->revoke.text != NULL)
        parser_error(parser, "grant= and revoke= exclude each other: give each a line and a secret of its own");
    if (options->socket.text != NULL)
        parser_error(parser, "with %s there is no socket: leave socket= out", granter.option);
    if (!value_is_gate(option->text))
        parser_error(parser,
                     "the %s must be a gate of ostiary-grants.cfg: 1 to %d of a-z 0-9 _ -, and the first a letter",
                     granter.option, VALUE_GATE_MAX);
    take_gate_user(parser, &options->name);
    if (!is_delegated(parser, line, &granter, has_ids))
        return;
    entry->revoke = revokes;
    entry->gate = parser_keep(parser, option->text, option->len);
}

/*
 * User and group, each where it is written, else the default in force, if that is written. Returns the number of the
 * field behind them.
 */
static size_t take_ids(struct parser *parser, const struct scan_line *line, struct config_entry *entry)
{
    struct reading *reading = parser->file;
    size_t next = 2;

    entry->user = reading->default_user;
    entry->group = reading->default_group;
    reading->default_line = 0;
    if (next < line->field_count && !is_option(&line->fields[next])) {
        entry->user = take_user(parser, &line->fields[next++], "user");
        if (next < line->field_count && !is_option(&line->fields[next]))
            entry->group = take_user(parser, &line->fields[next++], "group");
    }
    return next;
}

/* The base name of the command or socket, with _ for what a log line should not hold. */
static const char *default_name(struct parser *parser, const char *path)
{
    const char *base = strrchr(path, '/') + 1;
    char *name = parser_keep(parser, base, strnlen(base, VALUE_NAME_MAX));

    for (char *at = name; at != NULL && *at != '\0'; at++) {
        if (!value_is_name_byte(*at))
            *at = '_';
    }
    return name;
}

static void take_name(struct parser *parser, const struct scan_field *option, struct config_entry *entry)
{
    if (option->text == NULL) {
        if (entry->command != NULL)
            entry->name = default_name(parser, entry->command);
        else if (entry->socket != NULL)
            entry->name = default_name(parser, entry->socket);
        return;
    }
    if (!value_is_name(option)) {
        parser_error(parser, "the name= must be 1 to %d of A-Z a-z 0-9 _ . -", VALUE_NAME_MAX);
        return;
    }
    entry->name = parser_keep(parser, option->text, option->len);
}

/* Of a command alone: what is told over a socket, and ostgrant, have limits of their own. */
static void take_timeout(struct parser *parser, const struct options *options, struct config_entry *entry)
{
    const char *text = options->timeout.text;
    uint64_t seconds = 0;

    if (text == NULL)
        return;
    if (has_gate(options) || options->socket.text != NULL)
        parser_error(parser, "timeout= belongs to a command: leave it out, or write the command");
    else if (number_parse_time(text, (struct number_range){1, TIMEOUT_MAX}, &seconds) != NUMBER_OK)
        parser_error(parser, "the timeout= must be a time from 1s to 365d, such as \"timeout=10m\"");
    else
        entry->timeout = (unsigned)seconds;
}

/* Of a command alone: a socket's unit says it itself, and what is granted twice is granted once. */
static void take_single(struct parser *parser, const struct options *options, struct config_entry *entry)
{
    const char *text = options->single.text;

    if (text == NULL)
        return;
    if (has_gate(options) || options->socket.text != NULL)
        parser_error(parser, "single= belongs to a command: leave it out, or write the command");
    else if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        parser_error(parser, "the single= must be yes or no");
    else
        entry->single = strcmp(text, "yes") == 0;
}

/* All fields but the first: what is to be done, as whom, and what it is called. */
static void take_what_is_run(struct parser *parser, const struct scan_line *line, struct options *options,
                             struct config_entry *entry)
{
    const size_t next = take_ids(parser, line, entry);

    take_options(parser, line, next, options);
    take_clear_old(parser, options, entry);
    take_timeout(parser, options, entry);
    take_single(parser, options, entry);
    if (has_gate(options))
        take_gate(parser, line, options, next > 2, entry);
    else if (options->socket.text != NULL)
        take_socket(parser, line, &options->socket, next > 2, entry);
    else
        take_command(parser, line, entry);
    take_name(parser, &options->name, entry);
}

/* Nothing of the text is quoted in what is said, as in all lines with secrets. */
static void take_from(struct parser *parser, const struct scan_field *option, struct config_entry *entry)
{
    const char *rest = option->text;
    struct source network;
    size_t number = 1;

    if (rest == NULL)
        return;
    if (option->len > FROM_TEXT_MAX) {
        parser_error(parser, "the from= has more than %d bytes: name wider networks", FROM_TEXT_MAX);
        return;
    }
    for (; rest != NULL; number++) {
        if (!from_next(&rest, &network)) {
            parser_error(parser,
                         "the from= must be addresses, or networks without bits behind their prefixes, with commas "
                         "between them, such as \"from=192.0.2.7,2001:db8::/32\": number %zu is none",
                         number);
            return;
        }
        if (address_is_vast(&network))
            parser_warn(parser, "the from= has a network that is as good as everybody: name smaller ones, or leave it "
                                "out");
    }
    entry->from = parser_keep(parser, option->text, option->len);
}

static void keep_entry(struct config *config, const struct config_entry *entry)
{
    config->entries[config->entry_count++] = *entry;
    config->secret_count += entry->secret_count;
}

void entry_take_action(struct parser *parser, const struct scan_line *line)
{
    const size_t errors = parser->errors;
    struct reading *reading = parser->file;
    struct config_entry entry = {.line = parser->line};
    struct options options = {0};

    reading->has_entry = true;
    take_what_is_run(parser, line, &options, &entry);
    secrets_take(parser, &line->fields[0], &options.secrets, &entry);
    take_from(parser, &options.from, &entry);
    if (parser->errors == errors)
        keep_entry(reading->config, &entry);
}

void entry_take_kill(struct parser *parser, const struct scan_line *line)
{
    const size_t errors = parser->errors;
    struct reading *reading = parser->file;
    struct config_entry entry = {.line = parser->line, .name = "kill", .user = reading->default_user, .kill = true};
    struct options options = {0};

    reading->has_entry = true;
    if (reading->kill_line != 0) {
        parser_error(parser, "is given already in line %u: keep one", reading->kill_line);
        return;
    }
    reading->kill_line = parser->line;
    take_options(parser, line, 1, &options);
    if (options.name.text != NULL)
        parser_error(parser, "has no name=: leave it out");
    if (options.socket.text != NULL)
        parser_error(parser, "closes the door and nothing else: leave socket= out");
    if (has_gate(&options) || options.clear_old.text != NULL)
        parser_error(parser, "closes the door and nothing else: leave grant=, revoke= and clear-old= out");
    if (options.timeout.text != NULL)
        parser_error(parser, "closes the door and nothing else: leave timeout= out");
    if (options.single.text != NULL)
        parser_error(parser, "closes the door and nothing else: leave single= out");
    secrets_take(parser, &line->fields[0], &options.secrets, &entry);
    take_from(parser, &options.from, &entry);
    if (parser->errors == errors)
        keep_entry(reading->config, &entry);
}

void entry_take_lockout_action(struct parser *parser, const struct scan_line *line)
{
    const size_t errors = parser->errors;
    const struct reading *reading = parser->file;
    struct config *config = reading->config;
    struct config_entry entry = {.line = parser->line};
    struct options options = {0};

    if (config->has_lockout_action) {
        parser_error(parser, "is given already in line %u: keep one", config->lockout_action.line);
        return;
    }
    if (line->fields[0].len > 0)
        parser_warn(parser, "the first field is not used, for nobody asks for this action: write \"\"");
    take_what_is_run(parser, line, &options, &entry);
    if (secrets_has(&options.secrets))
        parser_error(parser, "has no secret: leave all options about secrets and codes out");
    if (options.from.text != NULL)
        parser_error(parser, "is run for whoever was locked out, from anywhere: leave from= out");
    if (options.single.text != NULL)
        parser_error(parser, "is run once for each lock: leave single= out");
    if (has_gate(&options))
        parser_error(parser, "is run for who was locked out, who has shown nothing that could open or close a gate: "
                             "leave grant= and revoke= out");
    if (parser->errors != errors)
        return;
    config->has_lockout_action = true;
    config->lockout_action = entry;
}

void entry_finish(struct parser *parser)
{
    const struct reading *reading = parser->file;

    parser->keyword = NULL;
    if (!reading->has_entry) {
        parser->line = 0;
        parser_error(parser, "there is no ACTION and no KILL: nothing could ever be accepted");
    }
    parser->line = reading->default_line;
    if (reading->default_line != 0)
        parser_warn(parser, "no ACTION follows this default, and it does not reach back: move it up");
    parser->line = 0;
    secrets_finish(parser);
    parser->line = 0;
    parser->keyword = NULL;
}

void entry_end(struct parser *parser)
{
    secrets_end(parser);
}
