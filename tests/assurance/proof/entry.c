/* SPDX-License-Identifier: ISC */
/*
 * ACTION, KILL and LOCKOUT_ACTION: any fields of some lengths, in any state of the parser; and the end of a file, with
 * up to two entries whose secrets come from wherever they may come.
 */
#include "entry.h"

#include "any_parser.h"

/*
 * How long the fields of a line are; the secret, the command, and what may be user, group or option. Shapes that stand
 * for all: empty, short, too long for a secret or a path (Frama-C's PATH_MAX is 256); and an option without a value,
 * with one, and with any name.
 */
#define FIELDS 4
static const struct shape {
    size_t count;
    size_t lens[FIELDS];
} shapes[] = {
    {1, {0}},           {1, {5}},           {1, {TEXT_MAX}},       {2, {0, 0}},         {2, {5, 1}},
    {2, {5, 13}},       {2, {5, TEXT_MAX}}, {3, {0, 0, 5}},        {3, {0, 0, 11}},     {3, {0, 0, 13}},
    {3, {5, 13, 0}},    {3, {0, 13, 13}},   {3, {0, 0, TEXT_MAX}}, {4, {0, 0, 13, 13}}, {4, {5, 13, 7, 13}},
    {4, {5, 0, 10, 6}},
};
#define SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

static const size_t secret_lens[] = {1, 2, 3, SECRET_MAX};
static const size_t file_lens[] = {0, 1, 3, TEXT_MAX};

/* One room for each field: the analysis would take one of them for another when they were in one array. */
static char secret_text[TEXT_MAX + 1];
static char second_text[TEXT_MAX + 1];
static char third_text[TEXT_MAX + 1];
static char fourth_text[TEXT_MAX + 1];

int seen_new(size_t limit, struct seen *seen)
{
    (void)limit;
    *seen = (struct seen){0};
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
    const int which = Frama_C_interval(0, 3);
    const bool fails = any_bool();

    //@ assert path_is_a_string: valid_read_string(path);
    //@ assert there_is_room: \valid(room + (0 .. limit));
    //@ split which;
    //@ split fails;
    any_bytes(room, limit + 1);
    if (fails)
        return (enum file_fault)Frama_C_interval(FILE_OK + 1, FILE_NO_MEMORY);
    *len = file_lens[which];
    return FILE_OK;
}

static void set_fields(struct scan_line *line)
{
    const int shape = Frama_C_interval(0, SHAPES - 1);
    //@ split shape;
    const size_t *lens = shapes[shape].lens;

    line->field_count = shapes[shape].count;
    set_field(secret_text, lens[0], &line->fields[0]);
    if (line->field_count > 1)
        set_field(second_text, lens[1], &line->fields[1]);
    if (line->field_count > 2)
        set_field(third_text, lens[2], &line->fields[2]);
    if (line->field_count > 3)
        set_field(fourth_text, lens[3], &line->fields[3]);
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

static struct config_secret make_secret(enum config_secret_origin origin, size_t len, char *room)
{
    struct config_secret secret = {.origin = origin};

    if (origin == CONFIG_SECRET_INLINE)
        secret.bytes = (struct secret){.bytes = (uint8_t *)any_text(room, len), .len = len};
    else
        secret.path = "/any";
    return secret;
}

/* The end of a file with up to two entries, when their secrets are wanted. */
static void finish(const struct config_reader *reader)
{
    const int first = Frama_C_interval(CONFIG_SECRET_INLINE, CONFIG_SECRET_CREDENTIAL);
    const int second = Frama_C_interval(CONFIG_SECRET_INLINE, CONFIG_SECRET_CREDENTIAL);
    const int first_len = Frama_C_interval(0, 3);
    const int second_len = Frama_C_interval(0, 3);
    struct config_secret secrets[2];
    struct config_entry entries[2];
    struct config config = {.entries = entries, .entry_count = any_size(0, 2), .secret_list = secrets};
    struct reading reading = {.config = &config, .has_entry = any_bool()};
    struct parser parser = {.reader = reader, .file = &reading};

    reading.default_line = (unsigned)any_size(0, LINES_MAX);
    //@ split first;
    //@ split second;
    //@ split first_len;
    //@ split second_len;
    //@ split config.entry_count;
    secrets[0] = make_secret((enum config_secret_origin)first, secret_lens[first_len], secret_text);
    secrets[1] = make_secret((enum config_secret_origin)second, secret_lens[second_len], second_text);
    config.secret_count = config.entry_count;
    for (unsigned i = 0; i < 2; i++)
        entries[i] = (struct config_entry){.line = 1,
                                           .kill = any_bool(),
                                           .secrets = &secrets[i],
                                           .secret_count = 1,
                                           .codes.origin = CONFIG_SECRET_NONE};
    entry_finish(&parser);
}

int main(void)
{
    struct config config = {0};
    struct config_reader reader = {.path = "ostiary.cfg", .report = report, .with_secrets = any_bool()};
    struct reading reading = {.config = &config};
    struct parser parser = {.reader = &reader, .file = &reading};

    reader.may_lack_credentials = any_bool();
    reader.credentials_dir = any_bool() ? "/run/credentials" : NULL;
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
