/* SPDX-License-Identifier: ISC */
/*
 * The tests of weak.c: what people choose is found, and what ostiaryctl keygen makes is not. Argument "exhaustive": of
 * more of these.
 */
#include "check.h"
#include "weak.h"

#include <stdbool.h>

static enum weak_kind judge(const char *text)
{
    return weak_judge((struct secret){.bytes = (const uint8_t *)text, .len = strlen(text)});
}

static void check_each(const char *const *texts, enum weak_kind want, const char *what)
{
    bool all = true;

    for (; *texts != NULL; texts++) {
        const enum weak_kind kind = judge(*texts);

        if (kind != want)
            printf("# '%s' is %u\n", *texts, (unsigned)kind);
        all &= kind == want;
    }
    check(all, "%s", what);
}

static void test_people(void)
{
    static const char *const brief[] = {"x", "correct horse", "0123456789abcde", NULL};
    static const char *const repetitive[] = {"aaaaaaaaaaaaaaaa",
                                             "abababababababababab",
                                             "sesameSESAMEsesame",
                                             "x9!kQ2x9!kQ2x9!kq",
                                             "1111222233331111",
                                             "no no no no no no no",
                                             NULL};
    static const char *const walks[] = {
        "qwertyuiopasdfgh", "QWERTYUIOP1234567890",     "zxcvbnm,asdfghjkl", "abcdefghijklmnop",
        "9876543210987654", "1qaz2wsx3edc4rfv5tgb6yhn", "qwertzuiopasdfgh",  NULL};
    static const char *const words[] = {
        "passwordpassword1", "MyPassword2024!!!",  "letmein123456789!",   "Admin Administrator 1",
        "thisismypassword",  "changeme-changeme2", "Ostiary Server 2026", NULL};

    check_each(brief, WEAK_SHORT, "what is short");
    check_each(repetitive, WEAK_REPETITIVE, "the same again and again");
    check_each(walks, WEAK_WALK, "walks over keyboard and alphabet");
    check_each(words, WEAK_WORD, "words that everybody tries, with digits and signs");
}

static void test_good(void)
{
    static const char *const good[] = {"correct horse battery staple",
                                       "a secret that opens the door",
                                       "the password of my bicycle lock",
                                       "kcT4vHt0n1mY8mJm",
                                       "3f9a6c17e2b04d58",
                                       "replace every second vowel",
                                       "Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen",
                                       NULL};

    check_each(good, WEAK_NOT_SEEN, "what is none of these");
}

/* In base64url of 16 characters and of 43, which are what --stretch makes, and in hex: a false alarm is rarer than one
 * of a million. */
static void test_random(unsigned count)
{
    static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const struct {
        const char *alphabet;
        size_t len;
    } kinds[] = {{base64url, 16}, {base64url, 43}, {"0123456789abcdef", 32}};
    uint64_t state = 20261128;
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *alphabet = kinds[i % 3].alphabet;
        char text[48] = "";

        for (size_t k = 0; k < kinds[i % 3].len; k++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            text[k] = alphabet[(state >> 40) % strlen(alphabet)];
        }
        found += judge(text) != WEAK_NOT_SEEN;
    }
    check(found == 0, "of %u random ones none is called weak", count);
}

static void test_bytes(void)
{
    uint8_t bytes[SECRET_MAX];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    check(weak_judge((struct secret){.bytes = bytes, .len = sizeof bytes}) == WEAK_NOT_SEEN,
          "any bytes can be judged, the longest secret too");
    memset(bytes, 0, sizeof bytes);
    check(weak_judge((struct secret){.bytes = bytes, .len = sizeof bytes}) == WEAK_REPETITIVE, "and zeros");
}

int main(int argc, char **argv)
{
    const bool exhaustive = argc > 1 && strcmp(argv[1], "exhaustive") == 0;

    test_people();
    test_good();
    test_random(exhaustive ? 120000 : 6000);
    test_bytes();
    return check_end();
}
