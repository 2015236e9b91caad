/* SPDX-License-Identifier: ISC */
/* See logline.h. */
#include "logline.h"

#include <string.h>

static const char *const visits[] = {"accepted", "rejected", "locked", "refused", "closed", NULL};
static const char *const deeds[] = {"granted", "renewed", "ended", "refused", NULL};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* Lower-case letters and nothing else. */
static bool is_key(const char *text)
{
    return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

/* A link-local source without its interface is better than none. */
static int take_source(struct logline *line, char *value)
{
    if (line->who != NULL || address_parse(value, &line->source) == ADDRESS_MALFORMED)
        return -1;
    line->has_source = true;
    line->who = value;
    return 0;
}

static int take_network(struct logline *line, char *value)
{
    if (line->who != NULL || address_parse_network(value, &line->network) != ADDRESS_OK)
        return -1;
    line->has_network = true;
    line->who = value;
    return 0;
}

static int take_field(struct logline *line, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL)
        return -1;
    *value++ = '\0';
    if (!is_key(word) || *value == '\0' || logline_value(line, word) != NULL)
        return -1;
    if (strcmp(word, "source") == 0)
        return take_source(line, value);
    if (strcmp(word, "network") == 0 && !line->has_source)
        return take_network(line, value);
    if (line->field_count == LOGLINE_FIELDS)
        return -1;
    line->fields[line->field_count++] = (struct logline_field){word, value};
    return 0;
}

/* A line that begins with one of these words. */
static int parse(const char *bytes, size_t len, const char *const *words, struct logline *line)
{
    char *rest = line->text;
    char *word;

    *line = (struct logline){.field_count = 0};
    if (len >= sizeof(line->text))
        return -1;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return -1;
    memcpy(line->text, bytes, len);

    word = strsep(&rest, " ");
    if (!is_one_of(word, words))
        return -1;
    line->outcome = word;
    while ((word = strsep(&rest, " ")) != NULL)
        if (take_field(line, word) != 0)
            return -1;
    return 0;
}

int logline_parse(const char *bytes, size_t len, struct logline *line)
{
    if (parse(bytes, len, visits, line) != 0 || line->has_network)
        return -1;
    return line->has_source || strcmp(line->outcome, "closed") == 0 ? 0 : -1;
}

int logline_parse_grant(const char *bytes, size_t len, struct logline *line)
{
    if (parse(bytes, len, deeds, line) != 0 || line->has_source)
        return -1;
    return logline_value(line, "gate") != NULL && (line->has_network || strcmp(line->outcome, "refused") == 0) ? 0 : -1;
}

const char *logline_value(const struct logline *line, const char *key)
{
    for (size_t i = 0; i < line->field_count; i++)
        if (strcmp(line->fields[i].key, key) == 0)
            return line->fields[i].value;
    return NULL;
}
