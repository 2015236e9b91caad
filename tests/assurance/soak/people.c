/* SPDX-License-Identifier: ISC */
/* See people.h. */
#include "people.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TRIES        64
#define EARLY_ONE_IN 10
#define REST_MS      100   /* beyond DELAY */
#define SETTLE_MS    10000 /* longer than any handler takes to notice what happened, however busy the machine is */
#define UNLOCK_MS    2000  /* a lock ends at a whole second */

/* The share of connections that a group makes, and of people that are in it, in %. */
static const unsigned visits_share[PEOPLE_GROUPS] = {[PEOPLE_STEADY] = 45, [PEOPLE_ERRING] = 40, [PEOPLE_HASTY] = 15};
static const unsigned people_share[PEOPLE_GROUPS] = {[PEOPLE_STEADY] = 60, [PEOPLE_ERRING] = 30, [PEOPLE_HASTY] = 10};

struct choice {
    enum kind kind;
    unsigned weight;
};

static const struct choice steady_choices[] = {
    {KIND_RIGHT, 70}, {KIND_RIGHT_SLOW, 8}, {KIND_RIGHT_EXTRA, 14}, {KIND_RIGHT_LINGER, 8}};
static const struct choice erring_choices[] = {{KIND_RIGHT, 20},       {KIND_RIGHT_EXTRA, 5}, {KIND_WRONG, 20},
                                               {KIND_WRONG_EXTRA, 10}, {KIND_SHORT, 12},      {KIND_NONE, 10},
                                               {KIND_RESET_SEED, 12},  {KIND_SILENT, 6},      {KIND_DRIBBLE, 5}};
static const struct choice locked_choices[] = {{KIND_LOCKED, 60}, {KIND_LOCKED_TALK, 40}};
static const struct choice hasty_choices[] = {{KIND_HASTY, 60}, {KIND_RIGHT, 40}};

static struct person people[PEOPLE_COUNT];
static uint32_t group_first[PEOPLE_GROUPS];
static uint32_t group_count[PEOPLE_GROUPS];
static int64_t delay_ms, lockout_ms;
static unsigned max_bad_conns;
static struct person *keen; /* was accepted a moment ago, and may knock again at once */

uint32_t people_random(uint32_t below)
{
    return (uint32_t)random() % below;
}

static bool is_ipv6(const struct person *person)
{
    return person->number % 4 == 3;
}

struct address people_address(const struct person *person)
{
    struct address address = {0};
    uint8_t *bytes = address.bytes;
    const uint8_t high = (uint8_t)(person->number >> 8);
    const uint8_t low = (uint8_t)person->number;

    if (is_ipv6(person)) {
        /* fdGROUP:NUMBER::/64: each has a /32 of his own, and so no network together with others. */
        const uint32_t host = 1 + people_random(UINT16_MAX);
        const uint8_t network[] = {0xfd, (uint8_t)person->group, high, low};

        memcpy(bytes, network, sizeof(network));
        bytes[14] = (uint8_t)(host >> 8);
        bytes[15] = (uint8_t)host;
    } else {
        /* 127.(16 + GROUP).NUMBER */
        const uint8_t mapped[] = {0xff, 0xff, 127, (uint8_t)(16 + person->group), high, low};

        memcpy(bytes + 10, mapped, sizeof(mapped));
    }
    return address;
}

static bool is_exempt(const struct config *config, const struct person *person)
{
    const struct address address = people_address(person);

    for (size_t i = 0; i < config->exempt_count; i++)
        if (address_within(&address, &config->exempt[i]))
            return true;
    return false;
}

void people_make(const struct config *config)
{
    uint32_t next = 0;

    delay_ms = (int64_t)config->delay * 1000;
    lockout_ms = (int64_t)config->lockout_time * 1000;
    max_bad_conns = config->max_bad_conns;
    if (lockout_ms < 2 * SETTLE_MS)
        errx(EX_CONFIG, "LOCKOUT_TIME is too short for anything to be said of it");
    for (enum people_group group = 0; group < PEOPLE_GROUPS; group++) {
        group_first[group] = next;
        group_count[group] = PEOPLE_COUNT * people_share[group] / 100;
        for (uint32_t number = 0; number < group_count[group]; number++) {
            people[next] = (struct person){.group = group, .number = number, .last_start_ms = -3600000};
            if (is_exempt(config, &people[next]) != (group == PEOPLE_HASTY))
                errx(EX_CONFIG, "EXEMPT is not what this program expects");
            next++;
        }
    }
}

static enum kind choose_kind(const struct choice *choices, size_t count)
{
    unsigned sum = 0, drawn;

    for (size_t i = 0; i < count; i++)
        sum += choices[i].weight;
    drawn = people_random(sum);
    for (size_t i = 0; i + 1 < count; i++) {
        if (drawn < choices[i].weight)
            return choices[i].kind;
        drawn -= choices[i].weight;
    }
    return choices[count - 1].kind;
}

#define CHOOSE_KIND(choices) choose_kind(choices, sizeof(choices) / sizeof((choices)[0]))

static enum people_group choose_group(void)
{
    unsigned drawn = people_random(100);
    enum people_group group = 0;

    while (drawn >= visits_share[group])
        drawn -= visits_share[group++];
    return group;
}

/* Of those that err some come often, or hardly anybody would ever be locked; the others are as likely as each other. */
static struct person *choose_person(enum people_group group)
{
    uint32_t number = people_random(group_count[group]);

    for (int i = 0; i < 2 && group == PEOPLE_ERRING; i++)
        number = people_random(number + 1);
    return &people[group_first[group] + number];
}

/* May a person that errs come now, and how? While it cannot be said whether the lock is in force: no. */
static bool choose_of_erring(struct person *person, int64_t now_ms, enum kind *kind)
{
    if (person->locked && now_ms < person->locked_after_ms + lockout_ms - SETTLE_MS) {
        *kind = CHOOSE_KIND(locked_choices);
        return true;
    }
    if (person->locked && now_ms < person->locked_before_ms + lockout_ms + UNLOCK_MS)
        return false;
    if (person->locked) {
        person->locked = false;
        person->strikes = 0;
    }
    *kind = CHOOSE_KIND(erring_choices);
    return true;
}

static bool choose_of(struct person *person, int64_t now_ms, enum kind *kind)
{
    if (person->busy || person->lost || now_ms < person->rest_until_ms)
        return false;
    switch (person->group) {
    case PEOPLE_STEADY:
        *kind = CHOOSE_KIND(steady_choices);
        return true;
    case PEOPLE_HASTY:
        *kind = CHOOSE_KIND(hasty_choices);
        return true;
    case PEOPLE_ERRING:
    case PEOPLE_GROUPS:
        break;
    }
    return choose_of_erring(person, now_ms, kind);
}

struct person *people_choose(int64_t now_ms, bool may_linger, enum kind *kind)
{
    struct person *person = keen;

    keen = NULL;
    if (person != NULL && people_random(EARLY_ONE_IN) == 0) {
        *kind = KIND_RIGHT_EARLY;
        return person;
    }
    for (unsigned i = 0; i < TRIES; i++) {
        person = choose_person(choose_group());
        if (choose_of(person, now_ms, kind) && (may_linger || !kind_rules[*kind].lingers))
            return person;
    }
    return NULL;
}

void people_learn(struct person *person, const struct people_news *news)
{
    const enum kind_outcome outcome = kind_rules[news->kind].outcome;
    /* Where the client has left, the handler may not have heard of it yet. */
    const bool left = news->kind == KIND_RESET_SEED || news->kind == KIND_HASTY;

    person->busy = false;
    person->last_start_ms = news->start_ms;
    person->rest_until_ms = news->end_ms + delay_ms + (left ? SETTLE_MS : REST_MS);
    if (!news->expected) {
        person->lost = true;
        return;
    }
    if (outcome == KIND_REJECTED) {
        person->strikes++;
        if (person->strikes >= max_bad_conns) {
            person->locked = true;
            person->locked_after_ms = news->deed_ms;
            person->locked_before_ms = left ? person->rest_until_ms : news->end_ms;
        }
    }
    if (outcome == KIND_ACCEPTED && person->group == PEOPLE_STEADY)
        keen = person;
}
