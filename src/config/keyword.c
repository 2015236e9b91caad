/* SPDX-License-Identifier: ISC */
/* See keyword.h. Lines are taken apart by scan.c. */
#include "keyword.h"

#include <string.h>

#define HINT_DISTANCE_MAX 2
#define WORD_MAX          (KEYWORD_LEN_MAX + HINT_DISTANCE_MAX)

/* By the first len bytes of a text. */
static const struct keyword *find(const struct keyword_table *table, const char *word, size_t len)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strlen(table->list[i].name) == len && memcmp(table->list[i].name, word, len) == 0)
            return &table->list[i];
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

static const struct keyword *find_nearest(const struct keyword_table *table, const char *word)
{
    const struct keyword *nearest = NULL;
    size_t nearest_distance = HINT_DISTANCE_MAX + 1;

    for (size_t i = 0; i < table->count; i++) {
        const size_t found = distance(word, table->list[i].name);

        if (found < nearest_distance) {
            nearest = &table->list[i];
            nearest_distance = found;
        }
    }
    return nearest;
}

/* The word itself is not repeated: what is no keyword may be a part of a secret. */
static void report_unknown(struct parser *parser, const struct keyword_table *table, const char *word)
{
    char capitals[WORD_MAX + 1] = {0};
    const size_t len = strnlen(word, WORD_MAX + 1);
    const struct keyword *meant = NULL;

    if (len <= WORD_MAX && !parser_is_mute(parser)) {
        for (size_t i = 0; i <= len; i++)
            capitals[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 'a' + 'A' : word[i]);
        meant = find_nearest(table, capitals);
        explicit_bzero(capitals, sizeof(capitals));
    }
    if (meant != NULL)
        parser_error(parser, "the keyword is unknown: did you mean %s? Keywords are in capitals", meant->name);
    else
        parser_error(parser, "the keyword is unknown: %s has them all", table->manual);
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

static void read_line(struct parser *parser, const struct keyword_table *table, char *text, size_t len,
                      unsigned seen_lines[static KEYWORDS_MAX])
{
    struct scan_line line;
    const enum scan_fault fault = scan_line(text, len, &line);
    const struct keyword *keyword = line.keyword != NULL ? find(table, line.keyword, strlen(line.keyword)) : NULL;

    parser->keyword = keyword != NULL ? keyword->name : NULL;
    if (line.keyword != NULL && keyword == NULL)
        report_unknown(parser, table, line.keyword);
    else if (fault != SCAN_OK)
        parser_error(parser, "%s", scan_fault_text(fault));
    else if (keyword != NULL)
        take_line(parser, keyword, &line, &seen_lines[keyword - table->list]);
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

void keyword_read_lines(struct parser *parser, const struct keyword_table *table, char *text, size_t len)
{
    unsigned seen_lines[KEYWORDS_MAX] = {0};
    size_t start = 0;

    while (start < len) {
        const char *newline = memchr(text + start, '\n', len - start);
        const size_t end = newline != NULL ? (size_t)(newline - text) : len;

        parser->line++;
        start += mark_at(parser, text + start, end - start);
        read_line(parser, table, text + start, end - start, seen_lines);
        start = end + 1;
    }
    parser->keyword = NULL;
}

/* Its name is the first len bytes. As for keywords, nothing is repeated of what was written. */
static void report_no_option(struct parser *parser, const struct keyword_table *table, const char *name, size_t len)
{
    const struct keyword *meant = NULL;
    char word[WORD_MAX + 1] = {0};

    if (len <= WORD_MAX && !parser_is_mute(parser)) {
        memcpy(word, name, len);
        meant = find_nearest(table, word);
        explicit_bzero(word, sizeof(word));
    }
    if (meant != NULL)
        parser_error(parser, "an option is unknown: did you mean %s?", meant->example);
    else
        parser_error(parser, "an option is unknown, or no option: %s has them all, each as in %s", table->manual,
                     table->list[0].example);
}

/* Its value begins behind so many bytes. */
static void take_option(struct parser *parser, const struct keyword *option, const struct scan_field *field,
                        size_t behind)
{
    const struct scan_line line = {
        .keyword = option->name,
        .fields = {{.text = field->text + behind, .len = field->len - behind, .quoted = field->quoted}},
        .field_count = 1,
    };

    parser->option = option->name;
    option->take(parser, option, &line);
    parser->option = NULL;
}

void keyword_read_options(struct parser *parser, const struct keyword_table *table, const struct scan_line *line,
                          size_t first)
{
    bool seen[KEYWORDS_MAX] = {false};

    for (size_t i = first; i < line->field_count; i++) {
        const struct scan_field *field = &line->fields[i];
        const char *end = memchr(field->text, '=', field->len);
        const size_t len = end != NULL ? (size_t)(end - field->text) : field->len;
        const struct keyword *option = end != NULL ? find(table, field->text, len) : NULL;

        if (option == NULL) {
            report_no_option(parser, table, field->text, len);
        } else if (seen[option - table->list]) {
            parser_error(parser, "the option %s= is given twice: keep one", option->name);
        } else {
            seen[option - table->list] = true;
            take_option(parser, option, field, len + 1);
        }
    }
}
