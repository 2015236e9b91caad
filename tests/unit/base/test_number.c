/* SPDX-License-Identifier: ISC */
/* number.h: whole strings of digits within a range, and nothing else. */
#include "number.h"

#include <string.h>

#include "check.h"

#define UNTOUCHED UINT64_C(0xfeedface)

typedef enum number_result parse_function(const char *text, struct number_range range, uint64_t *number);

static const struct number_range any = {0, UINT64_MAX};
static const struct number_range port = {1, 65535};

/* The text as a line of TAP can show it. */
static const char *shown(const char *text)
{
    static char copy[64];

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *at = copy; *at != '\0'; at++)
        *at = *at < ' ' ? '?' : *at;
    return copy;
}

static void good(parse_function *parse, const char *text, struct number_range range, uint64_t want)
{
    uint64_t number = UNTOUCHED;

    check(parse(text, range, &number) == NUMBER_OK && number == want, "'%s' is %ju", text, (uintmax_t)want);
}

static void bad(parse_function *parse, const char *text, struct number_range range, enum number_result want)
{
    uint64_t number = UNTOUCHED;

    check(parse(text, range, &number) == want && number == UNTOUCHED, "'%s' is %s, and the output is untouched",
          shown(text), want == NUMBER_MALFORMED ? "malformed" : "out of range");
}

static void test_plain(void)
{
    static const char *const malformed[] = {"",    " ",     "-1",  "+1", " 1",  "1 ",  "1\n", "0x10", "1e3",
                                            "1.0", "1,000", "one", "1s", "10m", "\t1", "1\r", "--",   "1-"};

    good(number_parse, "0", any, 0);
    good(number_parse, "007", any, 7);
    good(number_parse, "1", port, 1);
    good(number_parse, "65535", port, 65535);
    good(number_parse, "18446744073709551615", any, UINT64_MAX);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        bad(number_parse, malformed[i], any, NUMBER_MALFORMED);
    bad(number_parse, "0", port, NUMBER_OUT_OF_RANGE);
    bad(number_parse, "65536", port, NUMBER_OUT_OF_RANGE);
    bad(number_parse, "4294967297", port, NUMBER_OUT_OF_RANGE);
    bad(number_parse, "18446744073709551616", port, NUMBER_OUT_OF_RANGE);
    bad(number_parse, "18446744073709551617", port, NUMBER_OUT_OF_RANGE);
    bad(number_parse, "99999999999999999999999999999999999999999999", port, NUMBER_OUT_OF_RANGE);
}

static void test_time(void)
{
    static const char *const malformed[] = {"",    "s",   "m",    "1w",    "1S",   "1M",   "1 s",  "1ss",   "1h30",
                                            "-1d", "1d ", "1.5h", "30m1h", "1h1h", "1h m", "h30m", "1h-30m"};
    const struct number_range ten_years = {1, UINT64_C(3650) * 86400};

    good(number_parse_time, "600", any, 600);
    good(number_parse_time, "600s", any, 600);
    good(number_parse_time, "10m", any, 600);
    good(number_parse_time, "12h", any, 43200);
    good(number_parse_time, "7d", any, 604800);
    good(number_parse_time, "1h30m", any, 5400);
    good(number_parse_time, "2d1s", any, 172801);
    good(number_parse_time, "1d2h3m4s", any, 93784);
    good(number_parse_time, "0", any, 0);
    good(number_parse_time, "3650d", ten_years, UINT64_C(3650) * 86400);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        bad(number_parse_time, malformed[i], any, NUMBER_MALFORMED);
    bad(number_parse_time, "3651d", ten_years, NUMBER_OUT_OF_RANGE);
    bad(number_parse_time, "0", ten_years, NUMBER_OUT_OF_RANGE);
    bad(number_parse_time, "213503982334602d", ten_years, NUMBER_OUT_OF_RANGE);
    bad(number_parse_time, "213503982334601d18446744073709551615s", ten_years, NUMBER_OUT_OF_RANGE);
    bad(number_parse_time, "18446744073709551617s", ten_years, NUMBER_OUT_OF_RANGE);
}

/* What is written is what people write, and reads as what it was. */
static void test_written_time(void)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{0, "0s"},           {1, "1s"},      {60, "1m"},     {90, "1m30s"},        {3600, "1h"},
                 {5400, "1h30m"},     {90000, "25h"}, {172800, "2d"}, {86399, "23h59m59s"}, {180000, "50h"},
                 {315360000, "3650d"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[NUMBER_TIME_LEN];

        number_format_time(cases[i].seconds, text);
        check(strcmp(text, cases[i].text) == 0, "%ju is written %s", (uintmax_t)cases[i].seconds, cases[i].text);
        good(number_parse_time, text, any, cases[i].seconds);
    }
}

int main(void)
{
    test_plain();
    test_time();
    test_written_time();
    return check_end();
}
