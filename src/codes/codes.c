/* SPDX-License-Identifier: ISC */
/* See codes.h. */
#include "codes.h"

#include "number.h"

#include <stdio.h>
#include <string.h>

/* ---- Counters ---- */

uint64_t codes_step(const struct codes_way *way, uint64_t now_s)
{
    return now_s / way->period_s;
}

static struct codes_range from_to(uint64_t first, uint64_t last)
{
    if (last > CODES_COUNTER_MAX)
        last = CODES_COUNTER_MAX;
    return (struct codes_range){first, first > last ? 0 : (unsigned)(last - first) + 1};
}

struct codes_range codes_range(const struct codes_way *way, uint64_t next, uint64_t now_s)
{
    const bool counts = way->kind == CODES_HOTP;
    const uint64_t middle = counts ? next : codes_step(way, now_s);
    const uint64_t behind = counts ? CODES_BEHIND : way->window;

    return from_to(middle < behind ? 0 : middle - behind, middle + way->window);
}

/* ---- Codes ---- */

void codes_message(uint64_t counter, uint8_t message[static CODES_MESSAGE_LEN])
{
    for (size_t i = 0; i < CODES_MESSAGE_LEN; i++)
        message[i] = (uint8_t)(counter >> (56 - 8 * i));
}

/*
 * Four bytes from where the last byte's low bits say. All bytes are looked at, so that no table in the processor's
 * cache tells which were taken.
 */
static uint32_t truncated(const uint8_t *digest, size_t len)
{
    const uint32_t offset = digest[len - 1] & 15;
    uint32_t value = 0;

    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t apart = i ^ offset;
        const uint32_t here = ((apart - 1) >> 31) * UINT32_MAX; /* all ones where the two are the same, else 0 */
        const uint32_t bytes =
            (uint32_t)digest[i] << 24 | (uint32_t)digest[i + 1] << 16 | (uint32_t)digest[i + 2] << 8 | digest[i + 3];

        value |= bytes & here;
    }
    return value & INT32_MAX;
}

/* By multiplication: a division may take longer for some numbers than for others. */
static uint32_t tenth(uint32_t value)
{
    return (uint32_t)((uint64_t)value * 3435973837U >> 35);
}

void codes_text(const struct codes_way *way, const uint8_t *digest, size_t len, char text[static CODES_TEXT_LEN])
{
    uint32_t value = truncated(digest, len);

    memset(text, 0, CODES_TEXT_LEN);
    for (size_t i = way->digits; i-- > 0;) {
        text[i] = (char)('0' + (value - 10 * tenth(value)));
        value = tenth(value);
    }
}

/* ---- Keys ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int base32_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* The bits that have come and do not make a byte yet. */
struct bits {
    unsigned value, count;
};

static enum codes_fault take_digits(const char *text, size_t text_len, unsigned width,
                                    uint8_t key[static CODES_KEY_MAX], size_t *len)
{
    struct bits bits = {0};

    for (size_t i = 0; i < text_len; i++) {
        const int digit = width == 4 ? hex_digit(text[i]) : base32_digit(text[i]);

        if (text[i] == ' ' || text[i] == '-')
            continue;
        if (digit < 0)
            return CODES_KEY_DIGIT;
        bits.value = (bits.value << width | (unsigned)digit) & 0xfff;
        bits.count += width;
        if (bits.count < 8)
            continue;
        if (*len == CODES_KEY_MAX)
            return CODES_KEY_LONG;
        bits.count -= 8;
        key[(*len)++] = (uint8_t)(bits.value >> bits.count);
    }
    /* What is left of a whole number of bytes is less than a digit, and zero. */
    return bits.count >= width || (bits.value & ((1U << bits.count) - 1)) != 0 ? CODES_KEY_LENGTH : CODES_OK;
}

static bool begins_with(const char *text, size_t text_len, const char *word)
{
    return text_len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

enum codes_fault codes_parse_key(const char *text, size_t text_len, uint8_t key[static CODES_KEY_MAX], size_t *len)
{
    static const char base32[] = "base32:";
    static const char hex[] = "hex:";
    enum codes_fault fault = CODES_KEY_FORM;

    *len = 0;
    if (begins_with(text, text_len, hex)) {
        fault = take_digits(text + strlen(hex), text_len - strlen(hex), 4, key, len);
    } else if (begins_with(text, text_len, base32)) {
        text_len -= strlen(base32);
        text += strlen(base32);
        while (text_len > 0 && text[text_len - 1] == '=')
            text_len--;
        fault = take_digits(text, text_len, 5, key, len);
    }
    return fault == CODES_OK && *len < CODES_KEY_MIN ? CODES_KEY_SHORT : fault;
}

/* ---- Files ---- */

struct codes_way codes_usual(enum codes_kind kind)
{
    return (struct codes_way){
        .kind = kind,
        .hash = CODES_SHA1,
        .digits = 6,
        .period_s = kind == CODES_TOTP ? 30 : 0,
        .window = kind == CODES_TOTP ? 1 : 10,
    };
}

#define WORD_MAX 20 /* bytes of "algorithm=sha512", and what one that is none needs not to be taken for another */

/* The words behind a key. */
struct words {
    const char *text;
    size_t len;
    bool had_digits, had_period, had_window, had_algorithm;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next one, cut where it is too long for any. False at the end. */
static bool next_word(struct words *words, char word[static WORD_MAX])
{
    size_t len = 0;

    while (words->len > 0 && is_space(*words->text)) {
        words->text++;
        words->len--;
    }
    while (words->len > 0 && !is_space(*words->text)) {
        if (len < WORD_MAX - 1)
            word[len++] = *words->text;
        words->text++;
        words->len--;
    }
    word[len] = '\0';
    return len > 0;
}

/* Is the word this name and a value? Then value is where that begins. */
static bool is_named(const char *word, const char *name, const char **value)
{
    *value = word + strlen(name);
    return strncmp(word, name, strlen(name)) == 0;
}

static enum codes_fault take_number(const char *value, struct number_range range, bool *had, unsigned *number)
{
    uint64_t parsed;

    if (*had)
        return CODES_TWICE;
    *had = true;
    if (number_parse(value, range, &parsed) != NUMBER_OK)
        return CODES_WORD;
    *number = (unsigned)parsed;
    return CODES_OK;
}

static enum codes_fault take_algorithm(const char *value, bool *had, struct codes_way *way)
{
    static const char *const names[] = {"sha1", "sha256", "sha512"};

    if (*had)
        return CODES_TWICE;
    *had = true;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) != 0)
            continue;
        way->hash = (enum codes_hash)i;
        return CODES_OK;
    }
    return CODES_ALGORITHM;
}

/* A number that is none, or out of its range, is a fault by the name of what it is for. */
static enum codes_fault named_fault(enum codes_fault fault, enum codes_fault name)
{
    return fault == CODES_WORD ? name : fault;
}

static enum codes_fault take_word(const char *word, struct words *words, struct codes_way *way)
{
    const bool is_totp = way->kind == CODES_TOTP;
    const struct number_range digits = {CODES_DIGITS_MIN, CODES_DIGITS_MAX};
    const struct number_range period = {CODES_PERIOD_MIN, CODES_PERIOD_MAX};
    const struct number_range window = {0, is_totp ? CODES_STEPS_MAX : CODES_AHEAD_MAX};
    const char *value;

    if (is_named(word, "digits=", &value))
        return named_fault(take_number(value, digits, &words->had_digits, &way->digits), CODES_DIGITS);
    if (is_named(word, "period=", &value))
        return is_totp ? named_fault(take_number(value, period, &words->had_period, &way->period_s), CODES_PERIOD)
                       : CODES_PERIOD;
    if (is_named(word, "window=", &value))
        return named_fault(take_number(value, window, &words->had_window, &way->window), CODES_WINDOW);
    if (is_named(word, "algorithm=", &value))
        return take_algorithm(value, &words->had_algorithm, way);
    return CODES_WORD;
}

enum codes_fault codes_read(const struct codes_file *file, struct codes_way *way, uint8_t key[static CODES_KEY_MAX],
                            size_t *len)
{
    const char *end = memchr(file->text, '\n', file->len);
    size_t line_len = end == NULL ? file->len : (size_t)(end - file->text);
    struct words words = {.text = file->text + line_len, .len = file->len - line_len};
    char word[WORD_MAX];
    enum codes_fault fault;

    *way = codes_usual(file->kind);
    while (line_len > 0 && is_space(file->text[line_len - 1]))
        line_len--;
    fault = codes_parse_key(file->text, line_len, key, len);
    if (fault == CODES_OK && memchr(file->text, '\0', file->len) != NULL)
        fault = CODES_WORD;
    while (fault == CODES_OK && next_word(&words, word))
        fault = take_word(word, &words, way);
    explicit_bzero(word, sizeof word); /* it may be the rest of a key that was broken into lines */
    if (fault == CODES_OK)
        return CODES_OK;
    explicit_bzero(key, CODES_KEY_MAX);
    *len = 0;
    return fault;
}

const char *codes_fault_text(enum codes_fault fault)
{
    switch (fault) {
    case CODES_OK:
        break;
    case CODES_KEY_FORM:
        return "the key must begin with base32: or hex:";
    case CODES_KEY_DIGIT:
        return "the key has a character that is none of such a key: base32 has the letters and 2 to 7, hex 0 to 9 and "
               "a to f";
    case CODES_KEY_LENGTH:
        return "the key has been cut, or has a character too many: it is no whole number of bytes";
    case CODES_KEY_SHORT:
        return "the key is shorter than 10 bytes, and could be guessed: have one made of 20";
    case CODES_KEY_LONG:
        return "the key is longer than 64 bytes";
    case CODES_WORD:
        return "behind the line with the key may be digits=, period=, window= and algorithm= alone";
    case CODES_TWICE:
        return "one of digits=, period=, window= and algorithm= is there twice: keep one";
    case CODES_DIGITS:
        return "the digits= must be 6 to 8";
    case CODES_PERIOD:
        return "the period= must be 10 to 300 seconds, and belongs to totp= alone";
    case CODES_WINDOW:
        return "the window= must be 0 to 10 steps of totp=, or 0 to 50 codes of hotp=";
    case CODES_ALGORITHM:
        return "the algorithm= must be sha1, sha256 or sha512";
    }
    return "the key is good";
}

void codes_format_key(const uint8_t *key, size_t len, char text[static CODES_BASE32_LEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct bits bits = {0};
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        bits.value = (bits.value << 8 | key[i]) & 0xfff;
        for (bits.count += 8; bits.count >= 5; bits.count -= 5)
            text[at++] = digits[bits.value >> (bits.count - 5) & 31];
    }
    if (bits.count > 0)
        text[at++] = digits[bits.value << (5 - bits.count) & 31];
    text[at] = '\0';
}
