/* SPDX-License-Identifier: ISC */
/*
 * What a line says of its secrets and codes: options of any bytes, one or two, and more of them by their names,
 * wherever the list of secrets ends; and the end of a file, with up to two entries whose secrets come from wherever
 * they may come.
 */
#include "secrets.h"

#include "any_parser.h"
#include "codes.h"
#include "entry.h"

#define OPTIONS 4
static const struct options_line {
    size_t count;
    struct option options[OPTIONS];
} lines[] = {
    {0, {ANY(0)}},
    {1, {ANY(1)}},
    {1, {ANY(13)}},
    {1, {ANY(18)}},
    {2, {ANY(14), ANY(18)}},
    {1, {OPTION("secret-file=", 256)}},
    {1, {OPTION("credential=", 256)}},
    {1, {OPTION("hotp=", 256)}},
    {1, {OPTION("label=", 65)}},
    {2, {OPTION("label=", 3), OPTION("expires=", 10)}},
    {2, {OPTION("expires=", 10), OPTION("secret-file=", 2)}},
    {2, {OPTION("totp=", 3), OPTION("hotp=", 3)}},
    {2, {OPTION("code-alone=", 3), OPTION("totp=", 3)}},
    {3, {OPTION("code-alone=", 3), OPTION("hotp=", 3), OPTION("secret-file=", 3)}},
    {3, {OPTION("code-alone=", 2), OPTION("hotp=credential:", 3), OPTION("label=", 3)}},
    {3, {OPTION("credential=", 2), OPTION("label=", 2), OPTION("label=", 2)}},
    {3, {OPTION("credential=", 2), OPTION("expires=", 10), OPTION("expires=", 10)}},
    {3, {OPTION("credential=", 2), OPTION("secret-file=", 3), OPTION("label=", 65)}},
    {4, {OPTION("secret-file=", 3), OPTION("label=", 2), OPTION("credential=", 2), OPTION("label=", 2)}},
    {4, {OPTION("secret-file=", 3), OPTION("credential=", 2), OPTION("secret-file=", 3), OPTION("credential=", 2)}},
};
#define LINES ((int)(sizeof(lines) / sizeof(lines[0])))

/*
 * Where a line meets the list, by how many secrets are in it already and how many there is room for, with its first
 * field, which has no part in that: each of both once.
 */
static const struct meeting {
    size_t count, room;
    size_t first_len;
} meetings[] = {{0, 1, 0}, {1, 1, 5}, {0, 2, TEXT_MAX}};
#define MEETINGS ((int)(sizeof(meetings) / sizeof(meetings[0])))

#define LIST_MAX 8

static char first_text[TEXT_MAX + 1];
static char option_texts[OPTIONS][TEXT_MAX + 1];

/* ---- The list of secrets: each time it grows it moves, and ends where its memory ends ---- */

static struct config_secret first_list[LIST_MAX], second_list[LIST_MAX], third_list[LIST_MAX], fourth_list[LIST_MAX];
static struct config_secret *list; /* NULL: none yet */
static size_t list_len;

static void set_list(struct config_secret *room, size_t len)
{
    list = room + LIST_MAX - len;
    list_len = len;
}

void *any_reallocarray(void *block, size_t count, size_t size)
{
    struct config_secret nothing[LIST_MAX];
    struct config_secret *before = list;
    const size_t before_len = list_len;
    const bool fails = any_bool();

    //@ assert block_is_the_list: block == list;
    //@ assert size_is_its: size == sizeof(struct config_secret);
    //@ assert there_is_room: 1 <= count <= LIST_MAX && before_len <= count;
    //@ split fails;
    if (fails)
        return NULL;
    set_list(before_len < 2 ? second_list : before_len < 4 ? third_list : fourth_list, count);
    //@ split list_len;
    if (before_len > 0) {
        memcpy(list, before, before_len * size);
        memcpy(before, nothing, before_len * size); /* nobody may look there again */
    }
    return list;
}

/* ---- What others do ---- */

int seen_new(size_t limit, struct seen *seen)
{
    (void)limit;
    *seen = (struct seen){0};
    return -any_bool();
}

int seen_reserve(struct seen *seen, size_t limit)
{
    (void)seen;
    (void)limit;
    return -any_bool();
}

void seen_free(struct seen *seen)
{
    *seen = (struct seen){0};
}

bool seen_add(struct seen *seen, struct secret secret, unsigned line, unsigned *earlier)
{
    //@ assert secret_is_readable: secret.len >= 1 && \initialized(secret.bytes + (0 .. secret.len - 1));
    (void)seen;
    (void)line;
    *earlier = (unsigned)any_size(0, UINT32_MAX);
    return any_bool();
}

enum file_fault file_read_secret(const char *path, size_t limit, uint8_t *room, size_t *len)
{
    //@ assert path_is_a_string: valid_read_string(path);
    //@ assert there_is_room: \valid(room + (0 .. limit));
    any_bytes(room, limit + 1);
    if (any_bool())
        return (enum file_fault)Frama_C_interval(FILE_OK + 1, FILE_NO_MEMORY);
    *len = any_size(0, limit);
    return FILE_OK;
}

/* See the subject `codes`. */
enum codes_fault codes_read(const struct codes_file *file, struct codes_way *way, uint8_t key[static CODES_KEY_MAX],
                            size_t *len)
{
    //@ assert text_is_readable: file->len == 0 || \initialized(file->text + (0 .. file->len - 1));
    //@ assert there_is_room: \valid(key + (0 .. CODES_KEY_MAX - 1));
    *way = (struct codes_way){
        .kind = file->kind,
        .hash = (enum codes_hash)Frama_C_interval(CODES_SHA1, CODES_SHA512),
        .digits = (unsigned)any_size(CODES_DIGITS_MIN, CODES_DIGITS_MAX),
        .period_s = (unsigned)any_size(0, CODES_PERIOD_MAX),
        .window = (unsigned)any_size(0, CODES_AHEAD_MAX),
    };
    any_bytes(key, CODES_KEY_MAX);
    *len = 0;
    if (any_bool())
        return (enum codes_fault)Frama_C_interval(CODES_OK + 1, CODES_ALGORITHM);
    *len = any_size(CODES_KEY_MIN, CODES_KEY_MAX);
    return CODES_OK;
}

const char *codes_fault_text(enum codes_fault fault)
{
    (void)fault;
    return "any";
}

/* ---- The beginning, one line, and the end ---- */

static void begin(const struct config_reader *reader)
{
    struct config config = {0};
    struct reading reading = {.config = &config};
    struct parser parser = {.reader = reader, .file = &reading};
    const size_t lines_max = any_size(1, LIST_MAX);
    //@ split lines_max;

    if (secrets_begin(&parser, lines_max) == 0) {
        //@ assert list_is_there: \valid(config.secret_list + (0 .. reading.secrets_room - 1));
    }
    secrets_end(&parser);
}

/* What the line has is in the list then, and the next line finds it as this one did. */
static void take(const struct config_reader *reader, const struct options_line *line, const struct meeting *meeting)
{
    struct config config = {.secret_count = meeting->count};
    struct reading reading = {.config = &config, .secrets_room = meeting->room};
    struct parser parser = {.reader = reader, .file = &reading, .line = (unsigned)any_size(1, LINES_MAX)};
    struct secrets_given given = {0};
    struct config_entry entry = {.line = parser.line};
    struct scan_field first;

    parser.errors = any_size(0, FOUND_MAX); /* nobody asks here: so there is one state for all */
    parser.findings = any_size(0, FOUND_MAX);
    reading.code_alone_line = (unsigned)any_size(0, LINES_MAX);
    set_list(first_list, meeting->room);
    config.secret_list = list;
    set_field(first_text, meeting->first_len, &first);
    for (size_t i = 0; i < line->count; i++) {
        struct scan_field field;

        set_option(&line->options[i], option_texts[i], &field);
        secrets_take_option(&parser, &field, &given);
        //@ split given.count;
        //@ split reading.secrets_room;
        //@ assert list_has_room_for_options: config.secret_count + given.count <= reading.secrets_room;
        secrets_has(&given);
    }
    secrets_take(&parser, &first, &given, &entry);
    //@ split reading.secrets_room;
    //@ assert list_has_room: config.secret_count + entry.secret_count <= reading.secrets_room;
    //@ assert room_is_known: reading.secrets_room == list_len;
    //@ assert list_is_known: config.secret_list == list;
}

static void take_any(const struct config_reader *reader)
{
    const int line = Frama_C_interval(0, LINES - 1);
    const int meeting = Frama_C_interval(0, MEETINGS - 1);

    //@ split line;
    //@ split meeting;
    take(reader, &lines[line], &meetings[meeting]);
}

/*
 * Only how much is in the text itself has to be told apart, for the room that is made: lengths in it are the shortest
 * and the longest, and of what comes from a file any. That each secret and key has one other origin keeps the states
 * few.
 */
static struct config_secret make_secret(char *room, enum config_secret_origin other)
{
    const int which = Frama_C_interval(0, 2);
    struct config_secret secret = {0};
    //@ split which;

    if (which == 0) {
        secret.origin = other;
        secret.path = "any";
    } else {
        const size_t len = which == 1 ? 1 : SECRET_MAX;

        secret.origin = CONFIG_SECRET_INLINE;
        secret.bytes = (struct secret){.bytes = (uint8_t *)any_text(room, len), .len = len};
    }
    return secret;
}

static struct config_codes make_codes(enum config_secret_origin origin, enum codes_kind kind)
{
    const bool has_codes = any_bool();
    struct config_codes codes = {.origin = CONFIG_SECRET_NONE};
    //@ split has_codes;

    if (has_codes) {
        codes.origin = origin;
        codes.path = "any";
        codes.way.kind = kind;
    }
    return codes;
}

static void finish(const struct config_reader *reader)
{
    struct config_secret secrets[3];
    struct config_entry entries[2];
    struct config config = {.entries = entries, .entry_count = any_size(0, 2), .secret_list = secrets};
    struct reading reading = {.config = &config};
    struct parser parser = {.reader = reader, .file = &reading};
    const size_t of_first = any_size(1, 2);
    const bool has_none = any_bool();

    //@ split config.entry_count;
    //@ split of_first;
    //@ split has_none;
    if (config.entry_count > 0) {
        secrets[0] = make_secret(first_text, has_none ? CONFIG_SECRET_NONE : CONFIG_SECRET_FILE);
        if (of_first == 2)
            secrets[1] = make_secret(option_texts[0], CONFIG_SECRET_CREDENTIAL);
        entries[0] = (struct config_entry){.line = 1,
                                           .kill = any_bool(),
                                           .secret_count = of_first,
                                           .codes = make_codes(CONFIG_SECRET_FILE, CODES_TOTP)};
        config.secret_count = of_first;
    }
    if (config.entry_count > 1) {
        secrets[of_first] = make_secret(option_texts[1], CONFIG_SECRET_FILE);
        entries[1] = (struct config_entry){.line = 2,
                                           .kill = any_bool(),
                                           .secret_count = 1,
                                           .codes = make_codes(CONFIG_SECRET_CREDENTIAL, CODES_HOTP)};
        config.secret_count++;
    }
    parser.errors = any_size(0, FOUND_MAX);
    parser.findings = any_size(0, FOUND_MAX);
    secrets_finish(&parser);
}

int main(void)
{
    struct config_reader reader = {.path = "ostiary.cfg", .report = report, .with_secrets = any_bool()};

    errno = Frama_C_interval(0, ERRNO_LAST);
    reader.may_lack_credentials = any_bool();
    reader.credentials_dir = any_bool() ? "/run/credentials" : NULL;
    switch (Frama_C_interval(0, 2)) {
    case 0:
        begin(&reader);
        break;
    case 1:
        take_any(&reader);
        break;
    default:
        finish(&reader);
        break;
    }
    return 0;
}
