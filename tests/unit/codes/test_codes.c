/* SPDX-License-Identifier: ISC */
/* The tests of codes.c, with the vectors of RFC 4226 (appendix D), RFC 6238 (appendix B) and RFC 4648 (section 10). */
#include "check.h"
#include "codes.h"

#include <gcrypt.h>

/* The RFCs' keys are its beginnings. */
#define SEED "1234567890123456789012345678901234567890123456789012345678901234"

static const struct codes_way hotp = {.kind = CODES_HOTP, .digits = 6, .window = 10};
static const struct codes_way totp = {.kind = CODES_TOTP, .digits = 8, .period_s = 30, .window = 1};

static void code_of(const struct codes_way *way, const char *key, size_t key_len, uint64_t counter,
                    char text[static CODES_TEXT_LEN])
{
    static const int algorithms[] = {GCRY_MD_SHA1, GCRY_MD_SHA256, GCRY_MD_SHA512};
    const int algorithm = algorithms[way->hash];
    uint8_t message[CODES_MESSAGE_LEN];
    gcry_md_hd_t md;

    codes_message(counter, message);
    if (gcry_md_open(&md, algorithm, GCRY_MD_FLAG_HMAC) != 0 || gcry_md_setkey(md, key, key_len) != 0)
        return;
    gcry_md_write(md, message, sizeof message);
    codes_text(way, gcry_md_read(md, algorithm), gcry_md_get_algo_dlen(algorithm), text);
    gcry_md_close(md);
}

static void test_hotp(void)
{
    static const char *const want[] = {"755224", "287082", "359152", "969429", "338314",
                                       "254676", "287922", "162583", "399871", "520489"};
    char text[CODES_TEXT_LEN] = "";
    bool same = true;

    for (unsigned i = 0; i < 10; i++) {
        code_of(&hotp, SEED, 20, i, text);
        same &= strcmp(text, want[i]) == 0;
    }
    check(same, "RFC 4226: the ten codes of its key");
}

static void test_totp(void)
{
    static const struct {
        uint64_t now_s;
        const char *want[3];
    } vectors[] = {
        {59, {"94287082", "46119246", "90693936"}},         {1111111109, {"07081804", "68084774", "25091201"}},
        {1111111111, {"14050471", "67062674", "99943326"}}, {1234567890, {"89005924", "91819424", "93441116"}},
        {2000000000, {"69279037", "90698825", "38618901"}}, {20000000000, {"65353130", "77737706", "47863826"}},
    };
    static const size_t key_len[] = {20, 32, 64};
    char text[CODES_TEXT_LEN] = "";
    bool same = true;

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        for (unsigned hash = 0; hash < 3; hash++) {
            struct codes_way way = totp;

            way.hash = (enum codes_hash)hash;
            code_of(&way, SEED, key_len[hash], codes_step(&way, vectors[i].now_s), text);
            same &= strcmp(text, vectors[i].want[hash]) == 0;
        }
    check(same, "RFC 6238: its eighteen codes, of each hash");
}

/* RFC 4226, 5.4: an HMAC and its code; and whatever the last byte says. */
static void test_truncation(void)
{
    uint8_t digest[CODES_DIGEST_MAX] = {0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85,
                                        0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94, 0x5b, 0x55, 0x5a};
    char text[CODES_TEXT_LEN];
    bool same = true;

    codes_text(&hotp, digest, 20, text);
    check_text(text, "872921", "RFC 4226: the example of its truncation");
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)(251 * i + 17);
    for (unsigned last = 0; last < 256; last++) {
        const size_t at = last & 15;
        char want[CODES_TEXT_LEN + 8];
        const struct codes_way way = {.digits = 8};

        digest[31] = (uint8_t)last;
        snprintf(want, sizeof want, "%08u",
                 (((unsigned)digest[at] & 127) << 24 | (unsigned)digest[at + 1] << 16 | (unsigned)digest[at + 2] << 8 |
                  digest[at + 3]) %
                     100000000);
        codes_text(&way, digest, 32, text);
        same &= strcmp(text, want) == 0;
    }
    check(same, "it begins wherever the last byte says");
}

/* Every remainder of ten, at both ends of what 31 bits can be. */
static void test_digits(void)
{
    bool same = true;

    for (uint64_t i = 0; i < 2000000; i++) {
        const uint32_t value = (uint32_t)(i < 1000000 ? i * 2147 : INT32_MAX - (i - 1000000));
        const uint8_t digest[20] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                                    (uint8_t)value};
        char text[CODES_TEXT_LEN], want[16];

        snprintf(want, sizeof want, "%06u", value % 1000000);
        codes_text(&hotp, digest, sizeof digest, text);
        same &= strcmp(text, want) == 0;
    }
    check(same, "its digits are those of a division");
}

static void check_range(struct codes_range range, uint64_t first, unsigned count, const char *what)
{
    if (!check(range.count == count && (count == 0 || range.first == first), "%s", what))
        printf("# got %u from %ju\n", range.count, (uintmax_t)range.first);
}

static void test_ranges(void)
{
    check_range(codes_range(&totp, 0, 30 * 1000 + 17), 999, 3, "TOTP: the step of the clock, and the window around it");
    check_range(codes_range(&totp, 5000, 30 * 1000 + 29), 999, 3, "whatever has been used");
    check_range(codes_range(&totp, 0, 30 * 1001), 1000, 3, "a step later, the next ones");
    check_range(codes_range(&totp, 0, 20), 0, 2, "there is no step before the first");
    check_range(codes_range(&hotp, 70, 0), 60, 21, "HOTP: those ahead of the counter, and those that were used");
    check_range(codes_range(&hotp, 3, 99), 0, 14, "there is no code before the first");
    check_range(codes_range(&hotp, CODES_COUNTER_MAX, 0), CODES_COUNTER_MAX - 10, 11, "and none behind the last");
    check_range(codes_range(&hotp, CODES_COUNTER_MAX + 11, 0), 0, 0, "nor far behind it");
}

static enum codes_fault parse(const char *text, const char *want)
{
    uint8_t key[CODES_KEY_MAX];
    size_t len = 99;
    const enum codes_fault result = codes_parse_key(text, strlen(text), key, &len);

    if (result == CODES_OK && (len != strlen(want) || memcmp(key, want, len) != 0))
        printf("# %s is another key, of %zu bytes\n", text, len);
    return result == CODES_OK && (len != strlen(want) || memcmp(key, want, len) != 0) ? CODES_KEY_FORM : result;
}

static void test_keys(void)
{
    static const char key[] = "12345678901234567890";
    char longest[300] = "hex:";

    check(parse("base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", key) == CODES_OK, "a key in base32");
    check(parse("base32:gezd gnbv-gy3t qojq gezd gnbv gy3t qojq", key) == CODES_OK, "as a page shows it to people");
    check(parse("hex:3132333435363738393031323334353637383930", key) == CODES_OK, "a key in hex");
    check(parse("hex:6A6b 6C-6d6e6f707172", "jklmnopqr") == CODES_KEY_SHORT, "one of nine bytes is too short");
    check(parse("hex:6A6b 6C-6d6e6f70717273", "jklmnopqrs") == CODES_OK, "and of ten it is not");
    check(parse("base32:GEZDGNBVGY3TQOJQGA======", "12345678900") == CODES_OK, "what fills it up may be there");
    check(parse("base32:GEZDGNBVGY3TQOJQGAYQ====", "123456789001") == CODES_OK, "or not: with it");
    check(parse("base32:GEZDGNBVGY3TQOJQGAYQ", "123456789001") == CODES_OK, "without it");
    check(parse("base32:GEZDGNBVGY3TQOJQG", "") == CODES_KEY_LENGTH, "a digit that makes no byte is one too many");
    check(parse("base32:GEZDGNBVGY3TQOJQGB", "") == CODES_KEY_LENGTH, "and so are bits that are left over");
    check(parse("hex:313233343536373839303", "") == CODES_KEY_LENGTH, "half a byte of hex is");
    check(parse("base32:GEZDGNBVGY3TQOJ0", "") == CODES_KEY_DIGIT, "base32 has no 0");
    check(parse("base32:GEZDGNBV=GY3TQOJQ", "") == CODES_KEY_DIGIT, "nor a = in its middle");
    check(parse("hex:31323334353637383g", "") == CODES_KEY_DIGIT, "hex has no g");
    check(parse("GEZDGNBVGY3TQOJQ", "") == CODES_KEY_FORM, "which of both it is has to be said");
    check(parse("hex", "") == CODES_KEY_FORM && parse("", "") == CODES_KEY_FORM, "nothing is no key");
    check(parse("hex:", "") == CODES_KEY_SHORT && parse("base32:====", "") == CODES_KEY_SHORT, "nor is an empty one");
    memset(longest + 4, '3', 2 * CODES_KEY_MAX);
    check(codes_parse_key(longest, 4 + 2 * CODES_KEY_MAX, (uint8_t[CODES_KEY_MAX]){0}, &(size_t){0}) == CODES_OK,
          "the longest is kept");
    check(codes_parse_key(longest, 6 + 2 * CODES_KEY_MAX, (uint8_t[CODES_KEY_MAX]){0}, &(size_t){0}) == CODES_KEY_DIGIT,
          "no more is read than there is");
    memset(longest + 4, '3', 2 * CODES_KEY_MAX + 2);
    check(codes_parse_key(longest, 6 + 2 * CODES_KEY_MAX, (uint8_t[CODES_KEY_MAX]){0}, &(size_t){0}) == CODES_KEY_LONG,
          "one byte more is refused");
}

/* Reads a file with the RFCs' key. */
static enum codes_fault read_way(enum codes_kind kind, const char *text, struct codes_way *way)
{
    const struct codes_file file = {kind, text, strlen(text)};
    uint8_t key[CODES_KEY_MAX];
    size_t len;
    const enum codes_fault fault = codes_read(&file, way, key, &len);

    return fault == CODES_OK && (len != 20 || memcmp(key, SEED, len) != 0) ? CODES_KEY_FORM : fault;
}

#define KEY "hex:3132333435363738393031323334353637383930"

static void test_files(void)
{
    struct codes_way way;

    check(read_way(CODES_TOTP, KEY, &way) == CODES_OK && way.digits == 6 && way.period_s == 30 && way.window == 1 &&
              way.hash == CODES_SHA1 && way.kind == CODES_TOTP,
          "TOTP: a key alone is of codes as phones make them");
    check(read_way(CODES_HOTP, KEY " \r\n\n", &way) == CODES_OK && way.digits == 6 && way.window == 10 &&
              way.kind == CODES_HOTP,
          "HOTP: likewise");
    check(read_way(CODES_TOTP, KEY "\ndigits=8\n period=60\twindow=0\nalgorithm=sha512\n", &way) == CODES_OK &&
              way.digits == 8 && way.period_s == 60 && way.window == 0 && way.hash == CODES_SHA512,
          "what differs stands behind it");
    check(read_way(CODES_TOTP, KEY "\nalgorithm=sha256 digits=7", &way) == CODES_OK && way.hash == CODES_SHA256 &&
              way.digits == 7,
          "in any order");
    check(read_way(CODES_TOTP, KEY "\ndigits=5", &way) == CODES_DIGITS, "five digits are too few");
    check(read_way(CODES_TOTP, KEY "\ndigits=9", &way) == CODES_DIGITS, "nine are too many");
    check(read_way(CODES_TOTP, KEY "\ndigits=", &way) == CODES_DIGITS, "none are no number");
    check(read_way(CODES_TOTP, KEY "\nperiod=9", &way) == CODES_PERIOD, "a period of 9 s is too short");
    check(read_way(CODES_TOTP, KEY "\nperiod=301", &way) == CODES_PERIOD, "one of 301 s too long");
    check(read_way(CODES_HOTP, KEY "\nperiod=30", &way) == CODES_PERIOD, "HOTP has none");
    check(read_way(CODES_TOTP, KEY "\nwindow=10", &way) == CODES_OK && way.window == 10, "ten steps are most");
    check(read_way(CODES_TOTP, KEY "\nwindow=11", &way) == CODES_WINDOW, "eleven are too many");
    check(read_way(CODES_HOTP, KEY "\nwindow=50", &way) == CODES_OK && way.window == 50, "fifty codes are most");
    check(read_way(CODES_HOTP, KEY "\nwindow=51", &way) == CODES_WINDOW, "51 are too many");
    check(read_way(CODES_TOTP, KEY "\nalgorithm=md5", &way) == CODES_ALGORITHM, "there is no MD5");
    check(read_way(CODES_TOTP, KEY "\ndigits=6 digits=6", &way) == CODES_TWICE, "nothing is said twice");
    check(read_way(CODES_TOTP, KEY "\nalgorithm=sha1\nalgorithm=sha1", &way) == CODES_TWICE, "nor which hash");
    check(read_way(CODES_TOTP, KEY "\nGEZDGNBVGY3TQOJQ", &way) == CODES_WORD, "a key is one line");
    check(read_way(CODES_TOTP, KEY "\nalgorithm=sha1xxxxxxxxxxxxxxxxxxxxxxx", &way) == CODES_ALGORITHM,
          "what is cut is not taken for what it begins with");
    check(read_way(CODES_TOTP, "", &way) == CODES_KEY_FORM && read_way(CODES_TOTP, "\n" KEY, &way) == CODES_KEY_FORM,
          "the key comes first");
    static const char with_zero[] = KEY "\ndigits=8\0x";
    check(codes_read(&(struct codes_file){CODES_TOTP, with_zero, sizeof with_zero - 1}, &way,
                     (uint8_t[CODES_KEY_MAX]){0}, &(size_t){0}) == CODES_WORD,
          "what stands behind a zero byte is not passed over");
    for (int i = CODES_OK; i <= CODES_ALGORITHM; i++)
        for (int k = CODES_OK; k < i; k++)
            if (strcmp(codes_fault_text((enum codes_fault)i), codes_fault_text((enum codes_fault)k)) == 0)
                check(false, "faults %d and %d have texts of their own", k, i);
}

static void test_format(void)
{
    static const char *const vectors[][2] = {{"f", "MY"},         {"fo", "MZXQ"},        {"foo", "MZXW6"},
                                             {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
    char text[CODES_BASE32_LEN];
    uint8_t key[CODES_KEY_MAX], back[CODES_KEY_MAX];
    char whole[CODES_BASE32_LEN + 8];
    bool same = true;

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        codes_format_key((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), text);
        same &= strcmp(text, vectors[i][1]) == 0;
    }
    check(same, "RFC 4648: its vectors, without =");
    for (size_t len = CODES_KEY_MIN; len <= CODES_KEY_MAX; len++) {
        size_t back_len;

        for (size_t i = 0; i < len; i++)
            key[i] = (uint8_t)(97 * i + 31 * len);
        codes_format_key(key, len, text);
        snprintf(whole, sizeof whole, "base32:%s", text);
        same &= codes_parse_key(whole, strlen(whole), back, &back_len) == CODES_OK && back_len == len &&
                memcmp(key, back, len) == 0;
    }
    check(same, "a key of any length is read as it was written");
}

int main(void)
{
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    test_hotp();
    test_totp();
    test_truncation();
    test_digits();
    test_ranges();
    test_keys();
    test_files();
    test_format();
    return check_end();
}
