/* SPDX-License-Identifier: ISC */
/* See stretch_label.h. Called by the client, and by the administrator's tool. */
#include "stretch_label.h"

#include "number.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PART_MAX       64 /* longer than all that can be right in front of the name */
#define COSTS_MAX      2
#define VERSION        "v1"
#define NAME_CHARACTER "abcdefghijklmnopqrstuvwxyz0123456789._/@+-"

/* One cost in its written form: NAME=NUMBERunit. The default is the lower limit too: whoever writes a cost wants more.
 */
struct cost {
    const char *name;
    const char *unit;
    uint32_t least;
    uint32_t most; /* what a machine can do in minutes, so that a slip of the finger takes no terabyte and no year; of
                      scrypt's p, what libgcrypt's locked memory has room for: a KiB each, of 16 */
    bool power_of_two;
};

static const struct {
    const char *name;
    const char *example;
    size_t count;
    struct cost costs[COSTS_MAX];
} kinds[STRETCH_KINDS] = {
    [STRETCH_ARGON2ID] = {"argon2id", "m=64MiB,t=3", 2, {{"m", "MiB", 64, 1024, false}, {"t", "", 3, 20, false}}},
    [STRETCH_SCRYPT] = {"scrypt", "N=32768,p=3", 2, {{"N", "", 32768, 1048576, true}, {"p", "", 3, 8, false}}},
    [STRETCH_PBKDF2] = {"pbkdf2-sha256", "c=600000", 1, {{"c", "", 600000, 100000000, false}}},
};

const char *stretch_label_kind(enum stretch_kind kind)
{
    return kinds[kind].name;
}

uint32_t stretch_label_memory(const struct stretch_label *label)
{
    return label->kind == STRETCH_ARGON2ID ? label->memory_mib : label->blocks / 1024;
}

static uint32_t *place_of(struct stretch_label *label, size_t cost)
{
    switch (label->kind) {
    case STRETCH_ARGON2ID:
        return cost == 0 ? &label->memory_mib : &label->passes;
    case STRETCH_SCRYPT:
        return cost == 0 ? &label->blocks : &label->rounds;
    case STRETCH_PBKDF2:
        break;
    }
    return &label->iterations;
}

static void set_defaults(struct stretch_label *label)
{
    for (size_t i = 0; i < kinds[label->kind].count; i++)
        *place_of(label, i) = kinds[label->kind].costs[i].least;
}

/* Copy what stands in front of the separator, and step behind it. False: there is no separator, or too much before it.
 */
static bool take_part(const char **text, char separator, char part[static PART_MAX])
{
    const char *end = strchr(*text, separator);

    if (end == NULL || end - *text >= PART_MAX)
        return false;
    snprintf(part, PART_MAX, "%.*s", (int)(end - *text), *text);
    *text = end + 1;
    return true;
}

static int take_kind(const char *part, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    for (size_t i = 0; i < STRETCH_KINDS; i++)
        if (strcmp(part, kinds[i].name) == 0) {
            label->kind = (enum stretch_kind)i;
            return 0;
        }
    snprintf(problem, STRETCH_PROBLEM_LEN,
             "it begins with '%s', and can begin with argon2id, scrypt or pbkdf2-sha256, or be a name without a colon",
             part);
    return -1;
}

static int bad_costs(const struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    snprintf(problem, STRETCH_PROBLEM_LEN, "the costs of %s are written as in %s:" VERSION ":%s:NAME, or left out",
             kinds[label->kind].name, kinds[label->kind].name, kinds[label->kind].example);
    return -1;
}

static int take_cost(const char *part, size_t i, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    const struct cost *cost = &kinds[label->kind].costs[i];
    const size_t name_len = strlen(cost->name), unit_len = strlen(cost->unit), len = strlen(part);
    char digits[PART_MAX];
    uint64_t number;

    if (len <= name_len + 1 + unit_len || strncmp(part, cost->name, name_len) != 0 || part[name_len] != '=' ||
        strcmp(part + len - unit_len, cost->unit) != 0)
        return bad_costs(label, problem);
    if (part[name_len + 1] == '0')
        return bad_costs(label, problem);
    snprintf(digits, sizeof(digits), "%.*s", (int)(len - name_len - 1 - unit_len), part + name_len + 1);
    switch (number_parse(digits, (struct number_range){cost->least, cost->most}, &number)) {
    case NUMBER_MALFORMED:
        return bad_costs(label, problem);
    case NUMBER_OUT_OF_RANGE:
        snprintf(problem, STRETCH_PROBLEM_LEN, "%s is from %s=%u%s to %s=%u%s", part, cost->name, (unsigned)cost->least,
                 cost->unit, cost->name, (unsigned)cost->most, cost->unit);
        return -1;
    case NUMBER_OK:
        break;
    }
    if (cost->power_of_two && (number & (number - 1)) != 0) {
        snprintf(problem, STRETCH_PROBLEM_LEN, "%s: it must be a power of two, as 32768 and 65536 are", part);
        return -1;
    }
    *place_of(label, i) = (uint32_t)number;
    return 0;
}

/* All of them, in their order, or none: one label is written in one way. */
static int take_costs(const char *text, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    const size_t count = kinds[label->kind].count;
    char part[PART_MAX];

    for (size_t i = 0; i + 1 < count; i++)
        if (!take_part(&text, ',', part))
            return bad_costs(label, problem);
        else if (take_cost(part, i, label, problem) != 0)
            return -1;
    return take_cost(text, count - 1, label, problem);
}

/* What a person cannot type in two ways: capital letters and blanks would be such a way. */
static int take_name(const char *text, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    const size_t len = strlen(text);

    if (len < STRETCH_NAME_MIN || len > STRETCH_NAME_MAX) {
        snprintf(problem, STRETCH_PROBLEM_LEN,
                 "its name must have %d to %d characters: take the host's and your own, as in gate.example.org/alice",
                 STRETCH_NAME_MIN, STRETCH_NAME_MAX);
        return -1;
    }
    if (text[strspn(text, NAME_CHARACTER)] != '\0' || strchr("._/@+-", text[0]) != NULL) {
        snprintf(problem, STRETCH_PROBLEM_LEN,
                 "its name must have a-z 0-9 . _ / @ + - alone, a letter or digit first: capital letters would be "
                 "other ones, and are easily forgotten");
        return -1;
    }
    snprintf(label->name, sizeof(label->name), "%s", text);
    return 0;
}

int stretch_label_parse(const char *text, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN])
{
    char part[PART_MAX];

    *label = (struct stretch_label){.kind = STRETCH_ARGON2ID};
    if (strchr(text, ':') == NULL) {
        set_defaults(label);
        return take_name(text, label, problem);
    }
    if (!take_part(&text, ':', part))
        return take_kind("too many letters", label, problem);
    if (take_kind(part, label, problem) != 0)
        return -1;
    set_defaults(label);
    if (!take_part(&text, ':', part) || strcmp(part, VERSION) != 0) {
        snprintf(problem, STRETCH_PROBLEM_LEN,
                 "behind %s: stands the version, and this Ostiary knows " VERSION " alone", kinds[label->kind].name);
        return -1;
    }
    if (strchr(text, ':') != NULL) {
        if (!take_part(&text, ':', part))
            return bad_costs(label, problem);
        if (take_costs(part, label, problem) != 0)
            return -1;
    }
    return take_name(text, label, problem);
}
