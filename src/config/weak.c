/* SPDX-License-Identifier: ISC */
/* See weak.h. */
#include "weak.h"

#include <stdbool.h>
#include <string.h>

#define FEW_CHARACTERS  5
#define LETTERS_OF_NONE 3 /* so many that belong to no word do not make a secret of words */

uint8_t weak_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool is_letter(uint8_t byte)
{
    return weak_lower(byte) >= 'a' && weak_lower(byte) <= 'z';
}

static uint8_t at(struct secret secret, size_t i)
{
    return weak_lower(secret.bytes[i]);
}

/* ---- Again and again ---- */

static bool has_few_characters(struct secret secret)
{
    bool seen[256] = {false};
    unsigned count = 0;

    for (size_t i = 0; i < secret.len; i++) {
        count += !seen[at(secret, i)];
        seen[at(secret, i)] = true;
    }
    return count <= FEW_CHARACTERS;
}

static bool has_period(struct secret secret, size_t period)
{
    for (size_t i = period; i < secret.len; i++)
        if (at(secret, i) != at(secret, i - period))
            return false;
    return true;
}

static bool is_repetitive(struct secret secret)
{
    for (size_t period = 1; period <= secret.len / 2; period++)
        if (has_period(secret, period))
            return true;
    return has_few_characters(secret);
}

/* ---- One beside the other ---- */

static bool are_neighbours(uint8_t one, uint8_t other)
{
    static const char *const rows[] = {
        "1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiop", "asdfghjkl",  "zxcvbnm",
        "qwertzuiop", "yxcvbnm",    "azertyuiop",
        "1qaz",       "2wsx",       "3edc",
        "4rfv",       "5tgb",       "6yhn",
        "7ujm",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *first = one == 0 ? NULL : strchr(rows[i], one);
        const char *second = other == 0 ? NULL : strchr(rows[i], other);

        if (first != NULL && second != NULL && (first == second + 1 || second == first + 1))
            return true;
    }
    return false;
}

/* Three of four steps are. */
static bool is_walk(struct secret secret)
{
    size_t steps = 0;

    for (size_t i = 1; i < secret.len; i++)
        steps += at(secret, i) == at(secret, i - 1) || are_neighbours(at(secret, i), at(secret, i - 1));
    return secret.len > 1 && steps * 4 >= (secret.len - 1) * 3;
}

/* ---- Words ---- */

static size_t word_at(struct secret secret, size_t place)
{
    /* What is in the lists of those who guess, and what a person writes who has to write something here. */
    static const char *const words[] = {
        "administrator", "opensesame", "passphrase", "password", "passwort", "changeme", "iloveyou", "princess",
        "sunshine",      "football",   "baseball",   "superman", "trustno",  "welcome",  "letmein",  "default",
        "ostiary",       "passwd",     "secret",     "geheim",   "qwerty",   "azerty",   "qwertz",   "dragon",
        "monkey",        "master",     "shadow",     "sesame",   "access",   "server",   "admin",    "login",
        "hello",         "guest",      "root",       "pass",     "test",     "user",     "this",     "your",
        "the",           "my",         "is",
    };
    size_t len;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t same = 0;

        len = strlen(words[i]);
        while (same < len && place + same < secret.len && at(secret, place + same) == (uint8_t)words[i][same])
            same++;
        if (same == len)
            return len;
    }
    return 0;
}

static bool is_of_words(struct secret secret)
{
    size_t others = 0;
    bool any = false;

    for (size_t i = 0; i < secret.len;) {
        const size_t len = word_at(secret, i);

        any |= len > 0;
        others += len == 0 && is_letter(secret.bytes[i]);
        i += len > 0 ? len : 1;
    }
    return any && others <= LETTERS_OF_NONE;
}

enum weak_kind weak_judge(struct secret secret)
{
    if (secret.len < WEAK_SHORT_LEN)
        return WEAK_SHORT;
    if (is_repetitive(secret))
        return WEAK_REPETITIVE;
    if (is_walk(secret))
        return WEAK_WALK;
    return is_of_words(secret) ? WEAK_WORD : WEAK_NOT_SEEN;
}

const char *weak_text(enum weak_kind kind)
{
    switch (kind) {
    case WEAK_NOT_SEEN:
        break;
    case WEAK_SHORT:
        return "is shorter than 16 characters";
    case WEAK_REPETITIVE:
        return "has the same few characters again and again";
    case WEAK_WALK:
        return "is a walk over the keyboard, or through the alphabet";
    case WEAK_WORD:
        return "is made of words that everybody tries";
    }
    return "is not known to be weak";
}
