/* SPDX-License-Identifier: ISC */
/* See scan.h. Called by keyword.c for each line. */
#include "scan.h"

#include <string.h>

#define BLANKS "\t "

static bool is_control(char byte)
{
    const unsigned char code = (unsigned char)byte;

    return (code < 0x20 && code != '\t') || code == 0x7f;
}

/* A comment may hold anything: it goes from the first # outside quotes to the end. */
static bool has_control(const char *text, size_t len)
{
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        /* Nearly all are: each line is read twice in a knock, byte by byte. */
        if ((unsigned char)text[i] > '#' && text[i] != 0x7f)
            continue;
        if (is_control(text[i]))
            return true;
        if (text[i] == '#' && !quoted)
            return false;
        if (text[i] == '"' && (i == 0 || text[i - 1] != '\\'))
            quoted = !quoted;
    }
    return false;
}

static bool is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return false;
    }
    return true;
}

static char *skip_blanks(char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* strspn(3) with a set as long as this builds a table of it first, for each line. */
static char *skip_word(char *at)
{
    while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_')
        at++;
    return at;
}

static bool ends_line(char sign)
{
    return sign == '\0' || sign == '#';
}

/* A bare value at *at, up to a blank or a sign. *at then is behind it. */
static enum scan_fault scan_bare(char **at, struct scan_field *field)
{
    field->text = *at;
    field->len = strcspn(*at, BLANKS ",#\"");
    field->quoted = false;
    *at += field->len;
    if (field->len == 0)
        return SCAN_NO_VALUE;
    return is_ascii(field->text, field->len) ? SCAN_OK : SCAN_NOT_ASCII;
}

/*
 * A quoted value at *at, which is behind its first quote. It is moved together from quote to quote, over the backslash
 * that is in front of each but the last: the decoded bytes never overtake the ones that are read.
 */
static enum scan_fault scan_quoted(char **at, struct scan_field *field)
{
    char *start = *at;
    char *in = start;
    char *out = start;

    for (;;) {
        char *quote = strchr(in, '"');

        if (quote == NULL)
            return SCAN_OPEN_QUOTE;

        const bool escaped = quote > in && quote[-1] == '\\';
        const size_t len = (size_t)(quote - in) - (escaped ? 1 : 0);
        memmove(out, in, len);
        out += len;
        in = quote + 1;
        if (!escaped)
            break;
        *out++ = '"';
    }
    *field = (struct scan_field){.text = start, .len = (size_t)(out - start), .quoted = true};
    *at = in;
    return SCAN_OK;
}

/* One value, and in *sign what follows it; *at then is behind that sign. */
static enum scan_fault scan_field(char **at, struct scan_field *field, char *sign)
{
    char *start = skip_blanks(*at);
    char *end = *start == '"' ? start + 1 : start;
    char *value = end;
    const enum scan_fault fault = *start == '"' ? scan_quoted(&end, field) : scan_bare(&end, field);

    if (fault != SCAN_OK)
        return fault;
    end = skip_blanks(end);
    *sign = *end;
    value[field->len] = '\0'; /* not before the sign is known: in a bare value this may be its place */
    *at = end + 1;
    return SCAN_OK;
}

static enum scan_fault scan_fields(char *at, struct scan_line *line)
{
    char sign = ',';

    while (sign == ',') {
        if (line->field_count == SCAN_FIELDS_MAX)
            return SCAN_TOO_MANY;

        const enum scan_fault fault = scan_field(&at, &line->fields[line->field_count], &sign);
        if (fault != SCAN_OK)
            return fault;
        line->field_count++;
    }
    return ends_line(sign) ? SCAN_OK : SCAN_TRAILING;
}

enum scan_fault scan_line(char *text, size_t len, struct scan_line *line)
{
    line->keyword = NULL;
    line->field_count = 0;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    text[len] = '\0';
    if (has_control(text, len))
        return SCAN_CONTROL;

    char *start = skip_blanks(text);
    if (ends_line(*start))
        return SCAN_OK;

    char *end = skip_word(start);
    if (end == start)
        return SCAN_NO_KEYWORD;

    char *next = skip_blanks(end);
    const char sign = *next;
    *end = '\0';
    line->keyword = start;
    if (ends_line(sign))
        return SCAN_OK;
    return sign == '=' ? scan_fields(next + 1, line) : SCAN_NO_EQUALS;
}

bool scan_has_mark(const char *text, size_t len)
{
    return len >= SCAN_MARK_LEN && memcmp(text, "\xef\xbb\xbf", SCAN_MARK_LEN) == 0;
}

bool scan_is_utf_16(const char *text, size_t len)
{
    return len >= 2 && (memcmp(text, "\xfe\xff", 2) == 0 || memcmp(text, "\xff\xfe", 2) == 0);
}

const char *scan_fault_text(enum scan_fault fault)
{
    switch (fault) {
    case SCAN_OK:
        break;
    case SCAN_CONTROL:
        return "a control character is in this line: take it out, or put a secret that needs it into a secret-file=";
    case SCAN_NO_KEYWORD:
        return "a line must start with a keyword, or with # for a comment";
    case SCAN_NO_EQUALS:
        return "behind the keyword there must be =, as in MIN_LOGLEVEL=LOG_INFO";
    case SCAN_NO_VALUE:
        return "a value is missing behind = or a comma";
    case SCAN_NOT_ASCII:
        return "only ASCII may stand outside quotes: put the value between plain double quotes";
    case SCAN_OPEN_QUOTE:
        return "a quote is not closed: end the value with \"; inside quotes, \\\" is the quote itself";
    case SCAN_TRAILING:
        return "there is text behind a value: put the whole value in quotes, or # before a comment";
    case SCAN_TOO_MANY:
        return "there are more than 64 fields";
    }
    return "is in order";
}
