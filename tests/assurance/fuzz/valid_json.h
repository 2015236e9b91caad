/* SPDX-License-Identifier: ISC */
/* A judge of JSON texts (RFC 8259, in the UTF-8 of RFC 3629), with nothing in common with the code that writes them. */
#ifndef OSTIARY_VALID_JSON_H
#define OSTIARY_VALID_JSON_H

#include <stdbool.h>
#include <string.h>

static inline bool valid_json_value(const char **at, unsigned depth);

static inline bool valid_json_word(const char **at, const char *word)
{
    const size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static inline bool valid_json_digits(const char **at)
{
    const size_t count = strspn(*at, "0123456789");

    *at += count;
    return count > 0;
}

static inline bool valid_json_number(const char **at)
{
    if (**at == '-')
        ++*at;
    if (**at == '0')
        ++*at;
    else if (!valid_json_digits(at))
        return false;
    return **at == '\0' || strchr(",]}\n", **at) != NULL; /* no fractions are written here */
}

/* One character behind its first byte, which is 0x80 or above: decoded, and judged by its number. */
static inline bool valid_json_wide(const char **at)
{
    const unsigned char first = (unsigned char)**at;
    const unsigned count = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    unsigned long code = first & (0x3fu >> count);
    static const unsigned long least[] = {0, 0x80, 0x800, 0x10000};

    if (first < 0xc0 || first > 0xf7)
        return false;
    for (unsigned i = 1; i <= count; i++) {
        if (((unsigned char)(*at)[i] & 0xc0) != 0x80)
            return false;
        code = code << 6 | ((unsigned char)(*at)[i] & 0x3f);
    }
    *at += count + 1;
    return code >= least[count] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static inline bool valid_json_string(const char **at)
{
    if (*(*at)++ != '"')
        return false;
    while (**at != '"') {
        if ((unsigned char)**at >= 0x80) {
            if (!valid_json_wide(at))
                return false;
        } else if (**at == '\\' && (*at)[1] == 'u') {
            if (strspn(*at + 2, "0123456789abcdefABCDEF") < 4)
                return false;
            *at += 6;
        } else if (**at == '\\') {
            if ((*at)[1] == '\0' || strchr("\"\\/bfnrt", (*at)[1]) == NULL)
                return false;
            *at += 2;
        } else if ((unsigned char)**at < 0x20) {
            return false;
        } else {
            ++*at;
        }
    }
    ++*at;
    return true;
}

/* The members of an object or array, behind its bracket. */
static inline bool valid_json_members(const char **at, char end, unsigned depth)
{
    if (**at == end) {
        ++*at;
        return true;
    }
    for (;;) {
        if (end == '}' && (!valid_json_string(at) || *(*at)++ != ':'))
            return false;
        if (!valid_json_value(at, depth))
            return false;
        if (**at == end)
            break;
        if (*(*at)++ != ',')
            return false;
    }
    ++*at;
    return true;
}

static inline bool valid_json_value(const char **at, unsigned depth)
{
    switch (**at) {
    case '{':
    case '[': {
        const char end = *(*at)++ == '{' ? '}' : ']';

        return depth < 64 && valid_json_members(at, end, depth + 1);
    }
    case '"':
        return valid_json_string(at);
    case 't':
        return valid_json_word(at, "true");
    case 'f':
        return valid_json_word(at, "false");
    case 'n':
        return valid_json_word(at, "null");
    default:
        return valid_json_number(at);
    }
}

/* Any number of JSON texts, each on a line of its own. */
static inline bool valid_json_lines(const char *text)
{
    while (*text != '\0')
        if (!valid_json_value(&text, 0) || *text++ != '\n')
            return false;
    return true;
}

#endif
