/* SPDX-License-Identifier: ISC */
/* See json.h. */
#include "json.h"

#include <inttypes.h>
#include <stddef.h>

/* The bytes of the UTF-8 character at text (RFC 3629: shortest form, no surrogates), or 0 if there is none. */
static size_t character_len(const unsigned char *text)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t len;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (text[0] < forms[i].first_low || text[0] > forms[i].first_high)
            continue;
        if (forms[i].len > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].second_high))
            return 0;
        /* A NUL ends the loop before anything behind it is looked at. */
        for (size_t at = 2; at < forms[i].len; at++)
            if (text[at] < 0x80 || text[at] > 0xbf)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static void write_string(FILE *out, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;

    fputc('"', out);
    while (*at != '\0') {
        const size_t len = character_len(at);

        if (len == 0)
            fputs("\\ufffd", out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\u%04x", *at);
        else
            fwrite(at, 1, len, out);
        at += len == 0 ? 1 : len;
    }
    fputc('"', out);
}

/* What stands before a value. */
static void begin(struct json *json, const char *name)
{
    if (json->follows)
        fputc(',', json->out);
    json->follows = true;
    if (name != NULL) {
        write_string(json->out, name);
        fputc(':', json->out);
    }
}

static void open_level(struct json *json, const char *name, char bracket)
{
    begin(json, name);
    fputc(bracket, json->out);
    json->follows = false;
}

static void close_level(struct json *json, char bracket)
{
    fputc(bracket, json->out);
    json->follows = true;
}

void json_open_object(struct json *json, const char *name)
{
    open_level(json, name, '{');
}

void json_close_object(struct json *json)
{
    close_level(json, '}');
}

void json_open_array(struct json *json, const char *name)
{
    open_level(json, name, '[');
}

void json_close_array(struct json *json)
{
    close_level(json, ']');
}

void json_text(struct json *json, const char *name, const char *value)
{
    if (value == NULL) {
        json_null(json, name);
        return;
    }
    begin(json, name);
    write_string(json->out, value);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
    begin(json, name);
    fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin(json, name);
    fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *name)
{
    begin(json, name);
    fputs("null", json->out);
}

void json_end(struct json *json)
{
    fputc('\n', json->out);
    json->follows = false;
}
