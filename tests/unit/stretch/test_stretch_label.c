/* SPDX-License-Identifier: ISC */
/* stretch_label.h and stretch_passphrase.h: what both sides take, and what neither does. */
#include "check.h"
#include "stretch_label.h"
#include "stretch_passphrase.h"

#include <stdlib.h>

#define NAME "gate.example.org/alice"

struct good {
    const char *text;
    struct stretch_label label;
};

/* The defaults are here as numbers, and in no other words: they are never to change. */
static const struct good good[] = {
    {NAME, {.kind = STRETCH_ARGON2ID, .memory_mib = 64, .passes = 3}},
    {"argon2id:v1:" NAME, {.kind = STRETCH_ARGON2ID, .memory_mib = 64, .passes = 3}},
    {"argon2id:v1:m=64MiB,t=3:" NAME, {.kind = STRETCH_ARGON2ID, .memory_mib = 64, .passes = 3}},
    {"argon2id:v1:m=1024MiB,t=20:" NAME, {.kind = STRETCH_ARGON2ID, .memory_mib = 1024, .passes = 20}},
    {"argon2id:v1:m=65MiB,t=4:" NAME, {.kind = STRETCH_ARGON2ID, .memory_mib = 65, .passes = 4}},
    {"scrypt:v1:" NAME, {.kind = STRETCH_SCRYPT, .blocks = 32768, .rounds = 3}},
    {"scrypt:v1:N=1048576,p=8:" NAME, {.kind = STRETCH_SCRYPT, .blocks = 1048576, .rounds = 8}},
    {"pbkdf2-sha256:v1:" NAME, {.kind = STRETCH_PBKDF2, .iterations = 600000}},
    {"pbkdf2-sha256:v1:c=100000000:" NAME, {.kind = STRETCH_PBKDF2, .iterations = 100000000}},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct stretch_label *want = &good[i].label;
        struct stretch_label got;
        char problem[STRETCH_PROBLEM_LEN] = "";

        if (!check(stretch_label_parse(good[i].text, &got, problem) == 0, "%s is a label", good[i].text)) {
            check_show("said", problem);
            continue;
        }
        check_text(got.name, NAME, "its name is what stands last");
        check(got.kind == want->kind && got.memory_mib == want->memory_mib && got.passes == want->passes &&
                  got.blocks == want->blocks && got.rounds == want->rounds && got.iterations == want->iterations,
              "and its costs are those that are written, or the defaults of ostclient(1)");
    }
}

struct bad {
    const char *text;
    const char *said;
};

static const struct bad bad[] = {
    {"", "its name must have 8 to 128 characters"},
    {"backup7", "its name must have 8 to 128 characters"},
    {"scrypt:v1:backup7", "its name must have 8 to 128 characters"},
    {"Gate.example.org/alice", "its name must have a-z 0-9"},
    {"gate example org", "its name must have a-z 0-9"},
    {"gate.example.\xc3\xb6rg", "its name must have a-z 0-9"},
    {"-gate.example.org", "its name must have a-z 0-9"},
    {"/gate.example.org", "its name must have a-z 0-9"},
    {"gate.example.org\n", "its name must have a-z 0-9"},
    {"argon2id:v1:m=64MiB,t=3:gate.example.org:5018", "its name must have a-z 0-9"},
    {":v1:" NAME, "it begins with ''"},
    {"argon2i:v1:" NAME, "it begins with 'argon2i'"},
    {"argon2d:v1:" NAME, "it begins with 'argon2d'"},
    {"Argon2id:v1:" NAME, "it begins with 'Argon2id'"},
    {"gate.example.org:5018", "it begins with 'gate.example.org'"},
    {"argon2id:" NAME, "behind argon2id: stands the version"},
    {"argon2id:v2:" NAME, "behind argon2id: stands the version"},
    {"argon2id:v10:" NAME, "behind argon2id: stands the version"},
    {"scrypt::" NAME, "behind scrypt: stands the version"},
    {"argon2id:v1::" NAME, "the costs of argon2id are written as in argon2id:v1:m=64MiB,t=3:NAME"},
    {"argon2id:v1:m=64MiB:" NAME, "the costs of argon2id"},
    {"argon2id:v1:t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:t=3,m=64MiB:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=64MiB,t=3,p=1:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=64,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=64mib,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=64KiB,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=1GiB,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=MiB,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=-64MiB,t=3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=64MiB,t=0x3:" NAME, "the costs of argon2id"},
    {"argon2id:v1:m=064MiB,t=3:" NAME, "the costs of argon2id"},
    {"scrypt:v1:N=32768,p=03:" NAME, "the costs of scrypt"},
    {"argon2id:v1:m=63MiB,t=3:" NAME, "m=63MiB is from m=64MiB to m=1024MiB"},
    {"argon2id:v1:m=1025MiB,t=3:" NAME, "m=1025MiB is from m=64MiB to m=1024MiB"},
    {"argon2id:v1:m=2097152MiB,t=3:" NAME, "m=2097152MiB is from m=64MiB to m=1024MiB"},
    {"argon2id:v1:m=18446744073709551680MiB,t=3:" NAME, "is from m=64MiB to m=1024MiB"},
    {"argon2id:v1:m=64MiB,t=2:" NAME, "t=2 is from t=3 to t=20"},
    {"argon2id:v1:m=64MiB,t=21:" NAME, "t=21 is from t=3 to t=20"},
    {"scrypt:v1:N=16384,p=3:" NAME, "N=16384 is from N=32768 to N=1048576"},
    {"scrypt:v1:N=2097152,p=3:" NAME, "N=2097152 is from N=32768 to N=1048576"},
    {"scrypt:v1:N=40000,p=3:" NAME, "N=40000: it must be a power of two"},
    {"scrypt:v1:N=32768,p=2:" NAME, "p=2 is from p=3 to p=8"},
    {"scrypt:v1:N=32768,p=9:" NAME, "p=9 is from p=3 to p=8"},
    {"scrypt:v1:N=32768,r=8,p=3:" NAME, "the costs of scrypt are written as in scrypt:v1:N=32768,p=3:NAME"},
    {"scrypt:v1:m=64MiB,t=3:" NAME, "the costs of scrypt"},
    {"pbkdf2-sha256:v1:c=599999:" NAME, "c=599999 is from c=600000 to c=100000000"},
    {"pbkdf2-sha256:v1:c=100000001:" NAME, "c=100000001 is from c=600000 to c=100000000"},
    {"pbkdf2-sha256:v1:c=600000,:" NAME, "the costs of pbkdf2-sha256"},
    {"pbkdf2:v1:" NAME, "it begins with 'pbkdf2'"},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct stretch_label label;
        char problem[STRETCH_PROBLEM_LEN] = "";

        if (!check(stretch_label_parse(bad[i].text, &label, problem) != 0, "label %zu of those that are none", i))
            check_show("label", bad[i].text);
        if (!check(strstr(problem, bad[i].said) != NULL, "and that is said"))
            check_show("said", problem);
    }
}

/* Whatever its length, and whichever part of it is long. */
static void test_lengths(void)
{
    static const char *const starts[] = {"", "argon2id:v1:", "argon2id:v1:m=64MiB,t=3:"};
    char text[512], problem[STRETCH_PROBLEM_LEN];
    struct stretch_label label;
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        for (size_t len = 0; len <= 300; len++) {
            const size_t start = strlen(starts[i]);
            const bool may = len >= STRETCH_NAME_MIN && len <= STRETCH_NAME_MAX;

            memcpy(text, starts[i], start);
            memset(text + start, 'x', len);
            text[start + len] = '\0';
            wrong += (stretch_label_parse(text, &label, problem) == 0) != may;
            wrong += may && strlen(label.name) != len;
        }
    check_number(wrong, 0, "names have 8 to 128 characters, behind whatever stands before them");
    for (size_t len = 1; len < sizeof(text) - 1; len++) {
        memset(text, '9', len);
        text[len] = ':';
        text[len + 1] = '\0';
        wrong += stretch_label_parse(text, &label, problem) == 0;
        memcpy(text, "argon2id:v1:m=", 14);
        wrong += stretch_label_parse(text, &label, problem) == 0;
    }
    check_number(wrong, 0, "parts in front of the name that are too long are no label");
}

static void test_memory(void)
{
    struct stretch_label label;
    char problem[STRETCH_PROBLEM_LEN];

    stretch_label_parse("argon2id:v1:m=65MiB,t=4:" NAME, &label, problem);
    check_number(stretch_label_memory(&label), 65, "Argon2id takes what its label says");
    stretch_label_parse("scrypt:v1:N=65536,p=3:" NAME, &label, problem);
    check_number(stretch_label_memory(&label), 64, "scrypt takes 1 KiB for each of N");
    stretch_label_parse("pbkdf2-sha256:v1:" NAME, &label, problem);
    check_number(stretch_label_memory(&label), 0, "PBKDF2 takes next to none");
}

static enum stretch_passphrase_fault judged(const char *text)
{
    return stretch_passphrase_check((struct secret){(const uint8_t *)text, strlen(text)});
}

static void test_passphrases(void)
{
    char text[STRETCH_PASSPHRASE_MAX + 2];

    check(judged("") == STRETCH_PASSPHRASE_EMPTY, "nothing is no passphrase");
    check(judged("seven77") == STRETCH_PASSPHRASE_SHORT, "seven bytes are too short");
    check(judged("eight888") == STRETCH_PASSPHRASE_OK, "eight are taken");
    check(judged("gr\xc3\xbc\xc3\x9f Gott alle") == STRETCH_PASSPHRASE_OK, "letters beyond ASCII are taken, as bytes");
    memset(text, 'x', sizeof(text));
    text[STRETCH_PASSPHRASE_MAX] = '\0';
    check(judged(text) == STRETCH_PASSPHRASE_OK, "255 bytes are taken");
    text[STRETCH_PASSPHRASE_MAX] = 'x';
    text[STRETCH_PASSPHRASE_MAX + 1] = '\0';
    check(judged(text) == STRETCH_PASSPHRASE_LONG, "256 are too long");
    check(judged(" correct horse") == STRETCH_PASSPHRASE_BLANK, "a blank in front is not taken");
    check(judged("correct horse ") == STRETCH_PASSPHRASE_BLANK, "nor one behind");
    for (unsigned byte = 1; byte < 128; byte++) {
        const char with[] = {'c', 'o', 'r', 'r', (char)byte, 'c', 't', 's', '\0'};

        if ((judged(with) == STRETCH_PASSPHRASE_CONTROL) != (byte < ' ' || byte == 0x7f))
            check(false, "byte %u inside is judged rightly", byte);
    }
    check(stretch_passphrase_check((struct secret){(const uint8_t *)"corr\0ects", 9}) == STRETCH_PASSPHRASE_CONTROL,
          "nor are control characters, NUL among them");
}

int main(void)
{
    test_good();
    test_bad();
    test_lengths();
    test_memory();
    test_passphrases();
    return check_end();
}
