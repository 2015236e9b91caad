/* SPDX-License-Identifier: ISC */
/* See form.h. */
#include "form.h"

#include <string.h>

/* The value of a hexadecimal digit; 16 of what is none. */
static unsigned digit(char letter)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = letter == '\0' ? NULL : strchr(digits, letter);

    return at == NULL ? 16 : (unsigned)(at - digits) % 16;
}

/* One byte from *at on, which becomes what is behind it. False: it is an escape that is none, or not printable ASCII.
 */
static bool decode_byte(const char **at, const char *end, char *byte)
{
    *byte = **at == '+' ? ' ' : **at;
    if (**at == '%') {
        if (end - *at < 3 || digit((*at)[1]) > 15 || digit((*at)[2]) > 15)
            return false;
        *byte = (char)(digit((*at)[1]) << 4 | digit((*at)[2]));
        *at += 2;
    }
    *at += 1;
    return *byte >= ' ' && *byte <= '~';
}

/* Decode from text to end in place: what comes out is never longer. Its end becomes a NUL, which has to be writable. */
static bool decode(char *text, char *end)
{
    const char *at = text;
    char *to = text;

    while (at < end)
        if (!decode_byte(&at, end, to++))
            return false;
    *to = '\0';
    return true;
}

static const char *trimmed(char *value)
{
    size_t len;

    value += strspn(value, " ");
    len = strlen(value);
    while (len > 0 && value[len - 1] == ' ')
        value[--len] = '\0';
    return value;
}

/* The field from text to end, where there is an "&" or the end of all. */
static bool take_field(char *text, char *end, struct form *form)
{
    char *equals = memchr(text, '=', (size_t)(end - text));

    if (form->count == FORM_FIELDS_MAX || equals == NULL || !decode(text, equals) || !decode(equals + 1, end) ||
        text[0] == '\0' || form_value(form, text) != NULL)
        return false;
    form->fields[form->count++] = (struct form_field){.name = text, .value = trimmed(equals + 1)};
    return true;
}

int form_parse(char *text, size_t len, struct form *form)
{
    char *const end = text + len;
    char *ampersand;

    form->count = 0;
    for (char *at = text; len > 0 && at <= end; at = ampersand + 1) {
        ampersand = memchr(at, '&', (size_t)(end - at));
        if (ampersand == NULL)
            ampersand = end;
        if (!take_field(at, ampersand, form)) {
            form->count = 0;
            return -1;
        }
    }
    return 0;
}

const char *form_value(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return NULL;
}

bool form_has_only(const struct form *form, const char *const names[], size_t count)
{
    size_t known = 0;

    for (size_t i = 0; i < count; i++)
        known += form_value(form, names[i]) != NULL ? 1 : 0;
    return known == form->count;
}
