/* SPDX-License-Identifier: ISC */
/* One-time codes: any counters and digests, keys of any bytes, and any words behind a key. */
#include "codes.h"

#include "any.h"
#include "number.h"
#include "text_compare.h"

#include <string.h>

#define SHORT_MAX 8
#define VALUE_MAX 6 /* of a word; as many as "sha512" has */
#define FILE_MAX  1024

static const size_t key_lens[] = {0, 3, 4, 7, 8, 9, 150, FILE_MAX};
#define KEY_LENS ((int)(sizeof(key_lens) / sizeof(key_lens[0])))
static const size_t digest_lens[] = {20, 32, 64};

/* A good key, and words behind it: any value, also one with blanks in it, and one that is longer than a word can be. */
#define KEY "hex:00112233445566778899\n"
static const char *const starts[] = {
    KEY,
    KEY "digits=",
    KEY "period=",
    KEY "window=",
    KEY "algorithm=",
    KEY "digits=8 digits=",
    KEY "period=9 period=",
    KEY "window=9 window=",
    KEY "algorithm=sha1 algorithm=",
    KEY "algorithm=longer-than-any",
};
#define STARTS ((int)(sizeof(starts) / sizeof(starts[0])))

/* No NUL is behind a text. */
static char room[FILE_MAX];

enum number_result number_parse(const char *text, struct number_range range, uint64_t *number)
{
    //@ assert text_is_a_string: valid_read_string(text);
    if (any_bool())
        return NUMBER_MALFORMED;
    *number = Frama_C_unsigned_long_interval(range.low, range.high);
    return NUMBER_OK;
}

static enum codes_kind any_kind(void)
{
    return any_bool() ? CODES_TOTP : CODES_HOTP;
}

static struct codes_way any_way(void)
{
    return (struct codes_way){
        .kind = any_kind(),
        .digits = (unsigned)any_size(CODES_DIGITS_MIN, CODES_DIGITS_MAX),
        .period_s = (unsigned)any_size(CODES_PERIOD_MIN, CODES_PERIOD_MAX),
        .window = (unsigned)any_size(0, CODES_AHEAD_MAX),
    };
}

static void make(void)
{
    const struct codes_way way = any_way();
    const int which = Frama_C_interval(0, 2);
    uint8_t message[CODES_MESSAGE_LEN];
    uint8_t digest[CODES_DIGEST_MAX];
    char text[CODES_TEXT_LEN];

    //@ split which;
    //@ split way.digits;
    any_bytes(digest, sizeof(digest));
    codes_range(&way, any_number(), any_number());
    codes_message(any_number(), message);
    codes_text(&way, digest + sizeof(digest) - digest_lens[which], digest_lens[which], text);
    //@ assert text_is_a_string: valid_read_string(&text[0]);
}

static void parse(void)
{
    const int which = Frama_C_interval(0, KEY_LENS - 1);
    uint8_t key[CODES_KEY_MAX];
    size_t len;

    //@ split which;
    any_bytes(room, sizeof(room));
    if (codes_parse_key(room + sizeof(room) - key_lens[which], key_lens[which], key, &len) == CODES_OK) {
        //@ assert key_has_its_length: CODES_KEY_MIN <= len <= CODES_KEY_MAX;
    }
}

/* Of any bytes, or with a good key and any bytes behind what follows it. */
static void read_file(void)
{
    const int start = Frama_C_interval(-1, STARTS - 1);
    const size_t short_len = any_size(0, SHORT_MAX);
    const bool has_value = any_bool();
    struct codes_file file = {.kind = any_kind()};
    struct codes_way way;
    uint8_t key[CODES_KEY_MAX];
    size_t len;

    //@ split start;
    if (start < 0) {
        //@ split short_len;
        file.len = short_len;
    } else {
        //@ split has_value;
        file.len = strlen(starts[start]) + (has_value ? VALUE_MAX : 0);
    }
    //@ split file.kind;
    any_bytes(room, sizeof(room));
    file.text = room + sizeof(room) - file.len;
    if (start >= 0)
        memcpy((char *)file.text, starts[start], strlen(starts[start]));
    if (codes_read(&file, &way, key, &len) == CODES_OK) {
        //@ assert key_has_its_length: CODES_KEY_MIN <= len <= CODES_KEY_MAX;
        //@ assert digits_are_few: CODES_DIGITS_MIN <= way.digits <= CODES_DIGITS_MAX;
        //@ assert window_is_bounded: way.window <= CODES_AHEAD_MAX;
        //@ assert period_is_bounded: way.period_s <= CODES_PERIOD_MAX;
        //@ assert steps_have_a_length: way.kind == CODES_HOTP || way.period_s >= CODES_PERIOD_MIN;
    } else {
        //@ assert nothing_is_left: len == 0;
    }
}

static void format(void)
{
    const size_t len = any_size(0, CODES_KEY_MAX);
    uint8_t key[CODES_KEY_MAX];
    char text[CODES_BASE32_LEN];

    //@ split len;
    any_bytes(key, sizeof(key));
    codes_format_key(key + sizeof(key) - len, len, text);
    //@ assert text_is_a_string: valid_read_string(&text[0]);
}

int main(void)
{
    switch (Frama_C_interval(0, 3)) {
    case 0:
        make();
        break;
    case 1:
        parse();
        break;
    case 2:
        read_file();
        break;
    default:
        format();
        break;
    }
    codes_fault_text((enum codes_fault)Frama_C_interval(CODES_OK, CODES_ALGORITHM));
    return 0;
}
