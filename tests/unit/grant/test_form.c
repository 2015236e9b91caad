/* SPDX-License-Identifier: ISC */
/* form.h, hours.h, wish.h: what a browser sends, and what ostgrant is asked for it. */
#include "check.h"
#include "form.h"
#include "hours.h"
#include "wish.h"

#include <stdlib.h>

#define TOKEN "0123456789abcdef"

/* What was last taken apart, which has no byte to spare behind it. */
static struct {
    char *text;
    struct form form;
    int status;
} last;

static void take(const char *bytes, size_t len)
{
    free(last.text);
    last.text = malloc(len + 1);
    memcpy(last.text, bytes, len);
    last.text[len] = '\0';
    last.status = form_parse(last.text, len, &last.form);
}

static void good(const char *text, const char *name, const char *want)
{
    const char *value;

    take(text, strlen(text));
    value = form_value(&last.form, name);
    check(last.status == 0 && value != NULL && strcmp(value, want) == 0, "'%s': %s is '%s'", text, name, want);
}

static void bad(const char *text, size_t len, const char *what)
{
    take(text, len);
    check(last.status == -1 && last.form.count == 0, "no form: %s", what);
}

static void test_decoding(void)
{
    good("a=b", "a", "b");
    good("a=", "a", "");
    good("a=b&c=d", "c", "d");
    good("a=2%2C4", "a", "2,4");
    good("a=%2c%2B%26%3d%25", "a", ",+&=%");
    good("a=x=y", "a", "x=y");
    good("a=+one+two++", "a", "one two");
    good("%61=b", "a", "b");
    take("", 0);
    check(last.status == 0 && last.form.count == 0, "no byte is a form without fields");
    take("a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=1&k=2&l=3", 47);
    check(last.status == 0 && last.form.count == FORM_FIELDS_MAX, "as many fields as there may be");
}

static void test_strictness(void)
{
    bad("a", 1, "a field without =");
    bad("=b", 2, "a field without a name");
    bad("a=b&", 4, "an & at the end");
    bad("&a=b", 4, "an & at the beginning");
    bad("a=1&a=2", 7, "a field that stands twice");
    bad("a=1&%61=2", 9, "one that stands twice, spelt in two ways");
    bad("a=%", 3, "an escape without digits");
    bad("a=%4", 4, "an escape with one digit");
    bad("a=%4g", 5, "an escape with another letter");
    bad("a=%&b=44", 8, "an escape that the next field would fill");
    bad("a=%00", 5, "a NUL that is escaped");
    bad("a=\0b", 4, "a NUL");
    bad("a=%0a", 5, "a line feed");
    bad("a=b\nc", 5, "a line feed that is not escaped");
    bad("a=%C3%A4", 8, "a letter that is not ASCII");
    bad("a=\x7f", 3, "a delete");
    bad("a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=1&k=2&l=3&m=4", 51, "one field too many");
}

static void test_only(void)
{
    static const char *const names[] = {"a", "b"};

    take("a=1", 3);
    check(form_has_only(&last.form, names, 2), "a field of those that may be");
    take("a=1&c=2", 7);
    check(!form_has_only(&last.form, names, 2), "a field besides");
    check(form_value(&last.form, "b") == NULL, "a field that is not there has no value");
}

static void hours(const char *text, uint64_t want)
{
    uint64_t seconds = 0;
    const int status = hours_parse(text, &seconds);

    check(want == 0 ? status == -1 && seconds == 0 : status == 0 && seconds == want, "'%s' hours are %ju s", text,
          (uintmax_t)want);
}

static void test_hours(void)
{
    static const char *const none[] = {"",      "0",
                                       "0.0",   "0,0001",
                                       ".",     ",",
                                       "1.",    "1,",
                                       "-1",    "+1",
                                       "1e3",   "1 2",
                                       "0x1",   "1.2.3",
                                       "1,2.3", "25h",
                                       "inf",   "nan",
                                       "87601", "99999999999999999999",
                                       "1.-2",  "00000000000000000000001"};
    static const uint64_t lifetimes[] = {1, 59, 90, 100, 3599, 3600, 3601, 8640, 90000, 180000, 315360000};

    hours("25", 90000);
    hours("2.4", 8640);
    hours("2,4", 8640);
    hours("0.5", 1800);
    hours(".5", 1800);
    hours("0.0002", 1);
    hours("0.33333333333333333333", 1200);
    hours("87600", 315360000);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        hours(none[i], 0);
    for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
        char text[HOURS_TEXT_LEN];
        uint64_t seconds = 0;

        hours_format(lifetimes[i], text);
        check(hours_parse(text, &seconds) == 0 && seconds == lifetimes[i], "%ju s are '%s' hours, and back",
              (uintmax_t)lifetimes[i], text);
    }
}

/* ---- Wishes ---- */

static const struct visitor alice = {.user = "alice", .seen = "192.0.2.7"};

/* What is asked for a form that begins with a button and a token. */
static const char *asked(const char *more, enum refusal *refusal)
{
    static char line[REQUEST_LINE_MAX + 1];
    char text[512];
    struct wish wish;

    snprintf(text, sizeof(text), "token=" TOKEN "&%s", more);
    take(text, strlen(text));
    line[0] = '\0';
    *refusal = wish_take(&last.form, &wish);
    if (*refusal == REFUSAL_NONE)
        check(wish_line(&wish, &alice, line) == 0, "it has room in a line");
    return line;
}

static void asks(const char *more, const char *want)
{
    enum refusal refusal;

    check_text(asked(more, &refusal), want, more);
}

static void fails(const char *more, enum refusal want)
{
    enum refusal refusal;

    asked(more, &refusal);
    check_number(refusal, want, more);
}

static void test_wishes(void)
{
    asks("do=open&gate=ssh", "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=192.0.2.7");
    asks("do=open&gate=ssh&hours=2%2C4&others=close",
         "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=192.0.2.7 lifetime=8640 others=close");
    asks("do=renew&gate=ssh&hours=", "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=192.0.2.7");
    asks("do=close&gate=ssh&hours=never&others=close",
         "close gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=192.0.2.7");
    asks("do=others&gate=ssh", "others gate=ssh user=alice seen=192.0.2.7 token=" TOKEN);
    asks("do=open&gate=ssh&address=2001:DB8::0/64&user=bob&hours=1",
         "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=2001:db8::/64 for=bob lifetime=3600");
    asks("do=open&gate=ssh&address=2001:db8::1&user=",
         "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=2001:db8::1");
    asks("do=close&gate=ssh&address=2001:db8::1/128",
         "close gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=2001:db8::1/128");
    asks("do=open&gate=ssh&address=0.0.0.0/0",
         "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=0.0.0.0/0");
    asks("do=open&gate=ssh&address=::ffff:192.0.2.9",
         "open gate=ssh user=alice seen=192.0.2.7 token=" TOKEN " address=192.0.2.9");
}

static void test_wrong_wishes(void)
{
    static const char *const addresses[] = {"",      "localhost", "192.0.2.7/24",   "192.0.2.0/33",
                                            "1.2.3", "fe80::1",   "fe80::1%25eth0", "192.0.2.7+for%3Droot",
                                            "any"};
    static const char *const users[] = {"a+b", "-a", "@wheel", "a%3Db", "a/b", "a%22"};
    char text[128];

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        snprintf(text, sizeof(text), "do=open&gate=ssh&address=%s", addresses[i]);
        fails(text, REFUSAL_ADDRESS);
    }
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        snprintf(text, sizeof(text), "do=open&gate=ssh&address=192.0.2.7&user=%s", users[i]);
        fails(text, REFUSAL_WHOM);
    }
    fails("do=open&gate=ssh&hours=0", REFUSAL_HOURS);
    fails("do=open&gate=ssh&hours=ever", REFUSAL_HOURS);
    fails("do=destroy&gate=ssh", REFUSAL_FORM);
    fails("do=open&gate=SSH", REFUSAL_FORM);
    fails("do=open&gate=ssh+x", REFUSAL_FORM);
    fails("do=open", REFUSAL_FORM);
    fails("gate=ssh", REFUSAL_FORM);
    fails("do=open&gate=ssh&others=yes", REFUSAL_FORM);
    fails("do=open&gate=ssh&more=1", REFUSAL_FORM);
}

static void test_tokens(void)
{
    static const char *const tokens[] = {
        "", "token=&", "token=xyz&", "token=" TOKEN "G&", "token=a+b&", "token=" TOKEN TOKEN TOKEN TOKEN "0&"};
    struct wish wish;
    char text[256];

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        snprintf(text, sizeof(text), "%sdo=open&gate=ssh", tokens[i]);
        take(text, strlen(text));
        check(last.status == 0 && wish_take(&last.form, &wish) == REFUSAL_FORM, "no wish with the token '%s'",
              tokens[i]);
    }
}

int main(void)
{
    test_decoding();
    test_strictness();
    test_only();
    test_hours();
    test_wishes();
    test_wrong_wishes();
    test_tokens();
    free(last.text);
    return check_end();
}
