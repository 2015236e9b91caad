/* SPDX-License-Identifier: ISC */
/* See secrets.h. */
#include "secrets.h"

#include "codes.h"
#include "entry.h"
#include "file.h"
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_FILE_MAX  1024                  /* bytes of a file that holds one secret and the white space behind it */
#define SECRET_FILE_ROOM (SECRET_FILE_MAX + 1) /* to read one into, and to find that it is longer */

static const char in_credential[] = "credential:"; /* in front of the name of a credential, in totp= and hotp= */

/* Secrets that everybody can read: in the samples of 4.0, in this manual, and in the sealed door's example of 5.0.0. */
static const char *const published[] = {
    "Sample",
    "The",
    "Trouble",
    "With",
    "Trillions",
    "weeble",
    "SECRET",
    "replace this with the output of ostiaryctl keygen",
    "and this with another one",
};

#define PUBLISHED_COUNT (sizeof(published) / sizeof(published[0]))

/* Without touching it: what is not used costs nothing. */
static int make_room(struct reading *reading, size_t room)
{
    struct config_secret *list = reallocarray(reading->config->secret_list, room, sizeof(*list));

    if (list == NULL)
        return -1;
    reading->config->secret_list = list;
    reading->secrets_room = room;
    return 0;
}

int secrets_begin(struct parser *parser, size_t lines_max)
{
    struct reading *reading = parser->file;
    unsigned earlier;

    if (seen_new(lines_max + PUBLISHED_COUNT, &reading->seen) != 0 || make_room(reading, lines_max) != 0) {
        parser_error(parser, "there is no memory, or no random number, to compare its secrets");
        return -1;
    }
    for (size_t i = 0; i < PUBLISHED_COUNT; i++) {
        const struct secret secret = {.bytes = (const uint8_t *)published[i], .len = strlen(published[i])};

        seen_add(&reading->seen, secret, 0, &earlier);
    }
    return 0;
}

/* A published secret counts as seen in line 0. */
static bool is_fresh(struct parser *parser, struct secret secret, unsigned line)
{
    struct reading *reading = parser->file;
    unsigned earlier = 0;

    if (seen_add(&reading->seen, secret, line, &earlier))
        return true;
    if (earlier == 0)
        parser_error(parser, "the secret is one of the published samples: make one, with ostiaryctl keygen");
    else if (earlier == line)
        parser_error(parser, "a secret of this line is there twice: keep one");
    else
        parser_error(parser, "the secret is the one of line %u: give each line its own", earlier);
    return false;
}

/* ---- Options ----------------------------------------------------------------------------------------------------- */

/* Number i of the secrets of the line that is being read. */
static struct config_secret *secret_at(const struct parser *parser, size_t i)
{
    const struct reading *reading = parser->file;

    return &reading->config->secret_list[reading->config->secret_count + i];
}

/* The next one of the line, of which nothing is known yet. NULL after reporting that there is no memory for it. */
static struct config_secret *add_secret(struct parser *parser, size_t i)
{
    struct reading *reading = parser->file;

    if (reading->config->secret_count + i == reading->secrets_room &&
        make_room(reading, 2 * reading->secrets_room) != 0) {
        parser_error(parser, "there is no memory for its secrets");
        return NULL;
    }
    *secret_at(parser, i) = (struct config_secret){0};
    return secret_at(parser, i);
}

static bool is_credential(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void take_secret_file(struct parser *parser, const struct scan_field *option, struct config_secret *secret)
{
    if (!value_is_path(option)) {
        parser_error(parser,
                     "the secret-file= must be an absolute path, such as \"secret-file=/etc/ostiary/backup.secret\"");
        return;
    }
    secret->origin = CONFIG_SECRET_FILE;
    secret->path = parser_keep(parser, option->text, option->len);
}

static void take_credential(struct parser *parser, const struct scan_field *option, struct config_secret *secret)
{
    if (!is_credential(option->text)) {
        parser_error(parser, "the credential= must be a file name without /, such as \"credential=backup\"");
        return;
    }
    secret->origin = CONFIG_SECRET_CREDENTIAL;
    secret->path = parser_keep(parser, option->text, option->len);
}

static void take_label(struct parser *parser, const struct scan_field *option, struct config_secret *secret)
{
    if (secret->label != NULL)
        parser_error(parser, "the option label= is given twice for one secret: keep one");
    else if (!value_is_name(option))
        parser_error(parser, "the label= must be 1 to %d of A-Z a-z 0-9 _ . -", VALUE_NAME_MAX);
    else
        secret->label = parser_keep(parser, option->text, option->len);
}

static void take_expires(struct parser *parser, const struct scan_field *option, struct config_secret *secret)
{
    if (secret->expires_s != 0)
        parser_error(parser, "the option expires= is given twice for one secret: keep one");
    else if (!value_end_of_day(option->text, &secret->expires_s))
        parser_error(parser, "the expires= must be the last day on which it is good, such as \"expires=2030-12-31\"");
}

/* For the secret in front of it; of the first field that one is not taken yet. */
static bool take_of_last(struct parser *parser, const struct scan_field *field, struct secrets_given *given)
{
    struct scan_field label = {0}, expires = {0};

    if (given->count == 0)
        return value_option(parser, field, "label=", &given->label) ||
               value_option(parser, field, "expires=", &given->expires);
    if (value_option(parser, field, "label=", &label))
        take_label(parser, &label, secret_at(parser, given->count - 1));
    else if (value_option(parser, field, "expires=", &expires))
        take_expires(parser, &expires, secret_at(parser, given->count - 1));
    else
        return false;
    return true;
}

bool secrets_take_option(struct parser *parser, const struct scan_field *field, struct secrets_given *given)
{
    struct scan_field file = {0}, credential = {0};

    if (value_option(parser, field, "secret-file=", &file) || value_option(parser, field, "credential=", &credential)) {
        struct config_secret *secret = add_secret(parser, given->count);

        if (secret == NULL)
            return true;
        given->count++;
        if (file.text != NULL)
            take_secret_file(parser, &file, secret);
        else
            take_credential(parser, &credential, secret);
        return true;
    }
    return take_of_last(parser, field, given) || value_option(parser, field, "totp=", &given->totp) ||
           value_option(parser, field, "hotp=", &given->hotp) ||
           value_option(parser, field, "code-alone=", &given->code_alone);
}

bool secrets_has(const struct secrets_given *given)
{
    return given->count > 0 || given->label.text != NULL || given->expires.text != NULL || given->totp.text != NULL ||
           given->hotp.text != NULL || given->code_alone.text != NULL;
}

/* ---- The secrets of a line --------------------------------------------------------------------------------------- */

static void take_inline(struct parser *parser, const struct scan_field *field, struct config_secret *secret)
{
    if (!field->quoted) {
        parser_error(parser, "the first field, the secret, must be in double quotes");
    } else if (field->len == 0) {
        parser_error(parser, "the secret is empty: write one, or add \"secret-file=/PATH\"");
    } else if (field->len > SECRET_MAX) {
        parser_error(parser, "the secret has %zu bytes: %d are the most", field->len, SECRET_MAX);
    } else if (scan_has_mark(field->text, field->len)) {
        parser_error(parser, "the secret starts with a byte order mark, which cannot be seen: type it anew");
    } else {
        secret->bytes = (struct secret){.bytes = (const uint8_t *)field->text, .len = field->len};
        is_fresh(parser, secret->bytes, parser->line);
    }
}

/* yes or no; without codes there is none that could be alone. */
static bool is_code_alone(struct parser *parser, const struct secrets_given *given)
{
    const char *text = given->code_alone.text;

    if (text == NULL)
        return false;
    if (given->totp.text == NULL && given->hotp.text == NULL)
        parser_error(parser, "code-alone= belongs to totp= or hotp=: add one, or leave code-alone= out");
    else if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        parser_error(parser, "the code-alone= must be yes or no");
    return strcmp(text, "yes") == 0;
}

/* Its code could be another's: so there is one such line. */
static void take_code_alone(struct parser *parser, const struct scan_field *first, const struct secrets_given *given)
{
    struct reading *reading = parser->file;

    if (first->len > 0 || given->count > 0)
        parser_error(parser, "with code-alone=yes there is no secret: leave it out, or code-alone=");
    if (reading->code_alone_line != 0)
        parser_error(parser,
                     "code-alone=yes is given already in line %u: two codes can be the same by chance, so write a "
                     "secret here",
                     reading->code_alone_line);
    reading->code_alone_line = parser->line;
}

/* Whoever uses one of several is known by its label. */
static void judge_labels(struct parser *parser, const struct config_entry *entry)
{
    for (size_t i = 0; entry->secret_count > 1 && i < entry->secret_count; i++) {
        if (entry->secrets[i].label == NULL) {
            parser_error(parser, "there is more than one secret: write a label= behind each");
            return;
        }
        for (size_t k = 0; k < i; k++) {
            if (entry->secrets[k].label != NULL && strcmp(entry->secrets[k].label, entry->secrets[i].label) == 0)
                parser_error(parser, "two secrets of this line have one label=: give each its own");
        }
    }
}

/* The first field, or files and credentials, or neither where codes are enough. */
static void take_secrets(struct parser *parser, const struct scan_field *first, const struct secrets_given *given,
                         struct config_entry *entry)
{
    const bool alone = is_code_alone(parser, given);

    if (given->count == 0 && add_secret(parser, 0) == NULL)
        return;
    entry->secrets = secret_at(parser, 0);
    entry->secret_count = given->count;
    if (given->count == 0 || alone) {
        entry->secrets->origin = alone ? CONFIG_SECRET_NONE : CONFIG_SECRET_INLINE;
        entry->secret_count = 1;
        if (alone)
            take_code_alone(parser, first, given);
        else
            take_inline(parser, first, entry->secrets);
        if (given->label.text != NULL)
            take_label(parser, &given->label, entry->secrets);
        if (given->expires.text != NULL)
            take_expires(parser, &given->expires, entry->secrets);
        return;
    }
    if (first->len > 0)
        parser_error(parser,
                     "the secret is given twice: with secret-file= or credential= the first field must be \"\"");
    if (given->label.text != NULL || given->expires.text != NULL)
        parser_error(parser, "label= and expires= belong behind the secret-file= or credential= that they are of");
    judge_labels(parser, entry);
}

static void take_codes(struct parser *parser, const struct secrets_given *given, struct config_entry *entry)
{
    const bool is_totp = given->totp.text != NULL;
    const struct scan_field *option = is_totp ? &given->totp : &given->hotp;
    struct config_codes *codes = &entry->codes;
    const char *name;

    codes->origin = CONFIG_SECRET_NONE;
    if (option->text == NULL)
        return;
    if (is_totp && given->hotp.text != NULL)
        parser_error(parser, "totp= and hotp= exclude each other: keep one");
    codes->way.kind = is_totp ? CODES_TOTP : CODES_HOTP;
    name =
        strncmp(option->text, in_credential, strlen(in_credential)) == 0 ? option->text + strlen(in_credential) : NULL;
    if (name != NULL ? !is_credential(name) : !value_is_path(option)) {
        parser_error(parser,
                     "the %s must be an absolute path, such as \"%s/etc/ostiary/alice.%s\", or credential: and a "
                     "name",
                     is_totp ? "totp=" : "hotp=", is_totp ? "totp=" : "hotp=", is_totp ? "totp" : "hotp");
        return;
    }
    codes->origin = name != NULL ? CONFIG_SECRET_CREDENTIAL : CONFIG_SECRET_FILE;
    codes->path =
        name != NULL ? parser_keep(parser, name, strlen(name)) : parser_keep(parser, option->text, option->len);
}

void secrets_take(struct parser *parser, const struct scan_field *first, const struct secrets_given *given,
                  struct config_entry *entry)
{
    if (secrets_has(given)) {
        take_secrets(parser, first, given, entry);
        take_codes(parser, given, entry);
        return;
    }
    /* As nearly all lines are: a secret and nothing about it. */
    entry->secrets = add_secret(parser, 0);
    if (entry->secrets == NULL)
        return;
    entry->secret_count = 1;
    entry->secrets->origin = CONFIG_SECRET_INLINE;
    take_inline(parser, first, entry->secrets);
}

/* ---- From files to locked memory --------------------------------------------------------------------------------- */

/* How many bytes of a secret file are the secret: trailing white space is not, as for ostclient -k. */
static size_t trimmed(const uint8_t *bytes, size_t len)
{
    while (len > 0 && (bytes[len - 1] == ' ' || (bytes[len - 1] >= '\t' && bytes[len - 1] <= '\r')))
        len--;
    return len;
}

static bool is_secret(struct parser *parser, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        parser_error(parser, "the secret's file is empty: put a secret into it");
    else if (scan_has_mark((const char *)bytes, len) || scan_is_utf_16((const char *)bytes, len))
        parser_error(parser, "the secret's file starts with a byte order mark, which cannot be seen: save it as UTF-8 "
                             "without one");
    else if (len > SECRET_MAX)
        parser_error(parser, "the secret in the file has %zu bytes: %d are the most", len, SECRET_MAX);
    else if (memchr(bytes, '\0', len) != NULL || memchr(bytes, '\n', len) != NULL || memchr(bytes, '\r', len) != NULL)
        parser_error(parser, "the secret's file must hold one line of text, without a NUL byte");
    else
        return true;
    return false;
}

/* A file or credential that is to be read, and the option that names it. */
struct named {
    enum config_secret_origin origin;
    const char *path;
    const char *option;
};

/* A tool that is not run by the unit has none, and can only say so. The handler must not go on without a secret. */
static void report_no_credentials(struct parser *parser, const struct named *named)
{
    if (parser->reader->may_lack_credentials)
        parser_warn(parser, "the %s is given to the unit alone: its secret is not checked here", named->option);
    else
        parser_error(parser, "there are no credentials here ($CREDENTIALS_DIRECTORY is not set): "
                             "run it from a systemd unit with LoadCredential=, or use a file");
}

static enum file_fault read_credential(const struct parser *parser, const char *name, uint8_t *room, size_t *len)
{
    char path[PATH_MAX + NAME_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", parser->reader->credentials_dir, name) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return FILE_CANNOT_OPEN;
    }
    return file_read_secret(path, SECRET_FILE_MAX, room, len);
}

/* Into room, which has SECRET_FILE_ROOM bytes. False: that is reported. */
static bool read_named(struct parser *parser, const struct named *named, uint8_t *room, size_t *len)
{
    enum file_fault fault;

    if (named->origin == CONFIG_SECRET_CREDENTIAL && parser->reader->credentials_dir == NULL) {
        report_no_credentials(parser, named);
        return false;
    }
    fault = named->origin == CONFIG_SECRET_CREDENTIAL ? read_credential(parser, named->path, room, len)
                                                      : file_read_secret(named->path, SECRET_FILE_MAX, room, len);
    if (fault != FILE_OK)
        parser_error_file(parser, named->option, fault, "");
    return fault == FILE_OK;
}

static void load_from_file(struct parser *parser, struct config_secret *secret, uint8_t *room)
{
    const struct named named = {secret->origin, secret->path,
                                secret->origin == CONFIG_SECRET_FILE ? "secret-file=" : "credential="};
    size_t len = 0;

    if (!read_named(parser, &named, room, &len))
        return;
    len = trimmed(room, len);
    if (!is_secret(parser, room, len))
        return;
    secret->bytes = (struct secret){.bytes = room, .len = len};
    is_fresh(parser, secret->bytes, parser->line);
}

/* Afterwards the secret is at the start of room, or empty where it has none. */
static void load(struct parser *parser, struct config_secret *secret, uint8_t *room)
{
    switch (secret->origin) {
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_CREDENTIAL:
        load_from_file(parser, secret, room);
        break;
    case CONFIG_SECRET_INLINE:
        memcpy(room, secret->bytes.bytes, secret->bytes.len);
        secret->bytes.bytes = room;
        break;
    case CONFIG_SECRET_NONE:
        break;
    }
}

/* The key goes to the start of room; the text that it is read from stands behind it, until the next is read over it. */
static void load_key(struct parser *parser, struct config_codes *codes, uint8_t *room)
{
    const char *option = codes->way.kind == CODES_TOTP ? "totp=" : "hotp=";
    const struct named named = {codes->origin, codes->path, option};
    uint8_t *text = room + CODES_KEY_MAX;
    struct codes_file file = {.kind = codes->way.kind, .text = (const char *)text};
    enum codes_fault fault;
    size_t len;

    if (!read_named(parser, &named, text, &file.len))
        return;
    fault = codes_read(&file, &codes->way, room, &len);
    if (fault == CODES_OK)
        codes->key = (struct secret){.bytes = room, .len = len};
    else
        parser_error(parser, "%s file: %s", option, codes_fault_text(fault));
}

/*
 * What the secrets need at most. A file is read to where its secret stays, and what it has more than that is then
 * overwritten by the next: so only the last one needs room for all that a file can be.
 */
static size_t room_for_secrets(const struct config *config)
{
    size_t room = 0;
    bool in_files = false;

    for (size_t i = 0; i < config->secret_count; i++) {
        const struct config_secret *secret = &config->secret_list[i];

        room += secret->origin == CONFIG_SECRET_INLINE ? secret->bytes.len : SECRET_MAX;
        in_files |= secret->origin != CONFIG_SECRET_INLINE;
    }
    for (size_t i = 0; i < config->entry_count; i++) {
        if (config->entries[i].codes.origin == CONFIG_SECRET_NONE)
            continue;
        room += CODES_KEY_MAX;
        in_files = true;
    }
    return room + (in_files ? SECRET_FILE_ROOM : 0);
}

/* Findings are about the line of the entry from here on. */
static void turn_to(struct parser *parser, const struct config_entry *entry)
{
    parser->line = entry->line;
    parser->keyword = entry->kill ? "KILL" : "ACTION";
}

/* The list may have moved while it grew. */
static void settle_lists(struct config *config)
{
    struct config_secret *next = config->secret_list;

    for (size_t i = 0; i < config->entry_count; i++) {
        config->entries[i].secrets = next;
        next += config->entries[i].secret_count;
    }
}

static void load_all(struct parser *parser)
{
    struct reading *reading = parser->file;
    struct config *config = reading->config;
    const size_t room = room_for_secrets(config);
    uint8_t *next;

    if (room == 0)
        return;
    if (seen_reserve(&reading->seen, config->secret_count + PUBLISHED_COUNT) != 0) {
        parser_error(parser, "there is no memory to compare its secrets");
        return;
    }
    if (locked_new(room, &config->secrets) != 0) {
        parser_error(parser,
                     "its secrets do not fit into locked memory (%s): raise RLIMIT_MEMLOCK, in a unit LimitMEMLOCK=; a "
                     "container may lack CAP_IPC_LOCK",
                     strerror(errno));
        return;
    }
    next = config->secrets.bytes;
    for (size_t i = 0; i < config->entry_count; i++) {
        struct config_entry *entry = &config->entries[i];

        turn_to(parser, entry);
        for (size_t k = 0; k < entry->secret_count; k++) {
            parser->secret = entry->secret_count > 1 ? k + 1 : 0;
            load(parser, &entry->secrets[k], next);
            next += entry->secrets[k].bytes.len;
        }
        parser->secret = 0;
        if (entry->codes.origin != CONFIG_SECRET_NONE) {
            load_key(parser, &entry->codes, next);
            next += entry->codes.key.len;
        }
    }
}

/* ---- What fits two ----------------------------------------------------------------------------------------------- */

/* Is it the other one, and digits behind that? */
static bool continues(const struct secret *secret, const struct secret *other)
{
    if (secret->len <= other->len || (other->len > 0 && memcmp(secret->bytes, other->bytes, other->len) != 0))
        return false;
    for (size_t i = other->len; i < secret->len; i++) {
        if (secret->bytes[i] < '0' || secret->bytes[i] > '9')
            return false;
    }
    return true;
}

/* With a code behind it, a secret must not be what another entry has. */
static void judge_against(struct parser *parser, const struct config_entry *entry, const struct config_entry *other)
{
    for (size_t i = 0; i < entry->secret_count; i++) {
        if (entry->secrets[i].bytes.len == 0 && entry->secrets[i].origin != CONFIG_SECRET_NONE)
            continue; /* it could not be read */
        for (size_t k = 0; k < other->secret_count; k++) {
            const struct secret *mine = &entry->secrets[i].bytes, *its = &other->secrets[k].bytes;

            if (its->len > 0 && (continues(mine, its) || continues(its, mine)))
                parser_error(parser,
                             "its secret and the one of line %u differ by digits at the end alone, which are a code: "
                             "write another secret",
                             other->line);
        }
    }
}

static void judge_codes(struct parser *parser)
{
    const struct reading *reading = parser->file;
    const struct config *config = reading->config;

    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (entry->codes.origin == CONFIG_SECRET_NONE)
            continue;
        turn_to(parser, entry);
        for (size_t k = 0; k < entry->secret_count; k++) {
            if (entry->secrets[k].bytes.len + entry->codes.way.digits > SECRET_MAX)
                parser_error(parser, "the secret and its code have more than %d bytes: write a shorter one",
                             SECRET_MAX);
        }
        for (size_t k = 0; k < config->entry_count; k++)
            judge_against(parser, entry, &config->entries[k]);
    }
}

static void forget_all(struct config *config)
{
    for (size_t i = 0; i < config->secret_count; i++)
        config->secret_list[i].bytes = (struct secret){0};
}

void secrets_finish(struct parser *parser)
{
    const struct reading *reading = parser->file;

    settle_lists(reading->config);
    if (!parser->reader->with_secrets) {
        forget_all(reading->config);
        return;
    }
    load_all(parser);
    judge_codes(parser);
}

void secrets_end(struct parser *parser)
{
    struct reading *reading = parser->file;

    seen_free(&reading->seen);
}
