/* SPDX-License-Identifier: ISC */
/*
 * How many guesses a day somebody has who has so many addresses: computed from the defaults of the configuration and
 * from the constants of state/enclosing.c, and compared with the table in src/SECURITY.md, which is the argument.
 * unit/state/test_guesses.c plays days of it, and so shows that this arithmetic is right.
 */
#include "check.h"
#include "config.h"
#include "enclosing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY 86400

static void ignore(void *context, const struct config_finding *finding)
{
    (void)context;
    (void)finding;
}

/* One strike less than would lock in each STRIKE_TIME, or as many as lock in each LOCKOUT_TIME. */
static uint64_t guesses_with(const struct config *config, uint64_t limit)
{
    const uint64_t below = (limit - 1) * (DAY / config->strike_time);
    const uint64_t locked = config->lockout_time == 0 ? 0 : limit * DAY / config->lockout_time;

    return below > locked ? below : locked;
}

/* Of all sources in a prefix: as many as its parts have, but no more than the networks in it and around it bear. */
static uint64_t guesses_of(const struct config *config, unsigned prefix)
{
    uint64_t guesses = guesses_with(config, config->max_bad_conns);
    unsigned at = config->ipv6_prefix;
    struct enclosing network;

    for (unsigned i = 0; i < ENCLOSING_MAX && at > prefix; i++) {
        const unsigned wider = enclosing_rules[i].prefix > prefix ? enclosing_rules[i].prefix : prefix;
        uint64_t most;

        network.rule = &enclosing_rules[i];
        most = guesses_with(config, enclosing_limit(&network, config->max_bad_conns));
        guesses <<= at - wider;
        if (guesses > most)
            guesses = most;
        at = wider;
    }
    return guesses << (at - prefix);
}

/* "1,128" */
static const char *with_commas(uint64_t number, char text[static 32])
{
    char digits[32];
    size_t used = 0;
    const int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

static void check_row(const char *page, const char *who, uint64_t sources, uint64_t guesses, uint64_t without)
{
    char a[32], b[32], c[32];
    char row[256];

    snprintf(row, sizeof(row), "\n| %s | %s | %s | %s |\n", who, with_commas(sources, a), with_commas(guesses, b),
             with_commas(without, c));
    if (!check(strstr(page, row) != NULL, "SECURITY.md says how many guesses a day somebody has with %s", who))
        check_show("the row is to be", row);
}

static void check_table(const char *page, const struct config *config)
{
    static const unsigned prefixes[] = {64, 60, 56, 52, 48, 40, 32, 29};
    const uint64_t one = guesses_with(config, config->max_bad_conns);
    char who[32];

    check_row(page, "one IPv4 address", 1, one, one);
    check_row(page, "1,000 IPv4 addresses", 1000, 1000 * one, 1000 * one);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const unsigned prefix = prefixes[i];
        const uint64_t sources = UINT64_C(1) << (config->ipv6_prefix - prefix);

        snprintf(who, sizeof(who), "a /%u of IPv6", prefix);
        check_row(page, who, sources, guesses_of(config, prefix), sources * one);
    }
}

int main(int argc, char **argv)
{
    static char page[200000];
    const struct config_reader reader = {.path = "ostiary.cfg", .report = ignore};
    struct config config;
    char least[] = "ACTION=\"sixteen letters!\",\"/bin/true\",\"0\",\"0\"\n";
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (file == NULL || fread(page, 1, sizeof(page) - 1, file) == 0 || fclose(file) != 0) {
        puts("Bail out! the argument is src/SECURITY.md");
        return EXIT_FAILURE;
    }
    if (config_parse(least, strlen(least), &reader, &config) != 0) {
        puts("Bail out! this is to be a configuration");
        return EXIT_FAILURE;
    }
    check_table(page, &config);
    config_free(&config);
    return check_end();
}
