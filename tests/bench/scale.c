/* SPDX-License-Identifier: ISC */
/*
 * What does a connection cost the table when it holds a million sources, measured against ten? Two tables of 2^21
 * places, and for each in turn one connection's work: open, admission, strike, and the strike taken back or settled.
 * Turn by turn, so that whatever else the machine does meanwhile falls upon both.
 *
 * usage: scale DIR      (two tables of 256 MiB are made in DIR, and left to the caller to remove)
 *
 *   few=10 ns=14000
 *   many=1000000 ns=14400
 *   ratio=1.029
 *   bytes=268443648 expected=268443648
 */
#include "manage.h"
#include "table.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#define FEW     10
#define MANY    1000000
#define SAMPLES 1000
#define DELAY   1

struct table {
    char directory[512];
    uint32_t sources;
    uint32_t *numbers; /* of its hosts */
    uint64_t samples[SAMPLES];
};

/* Nobody is locked: every connection goes all the way. */
static const struct lockout_policy policy = {.delay = DELAY,
                                             .delay_max_wait = 30,
                                             .waiting_max = 2,
                                             .max_bad_conns = 1000000,
                                             .lockout_time = 86400,
                                             .strike_time = 3600};

static struct moment begin; /* when the tables were made */

static void make_table(const char *parent, const char *name, struct table *table)
{
    snprintf(table->directory, sizeof(table->directory), "%s/%s", parent, name);
    if (mkdir(table->directory, 0700) != 0)
        err(EX_CANTCREAT, "%s", table->directory);
    table->numbers = table_make(
        &(struct table_plan){.directory = table->directory, .count = table->sources, .seen = begin.wall_ms / 1000});
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One connection of a source that is known; right and wrong replies in turn. */
static uint64_t connection(const struct table *table, unsigned round)
{
    /* A step that visits all, in no order that the machine could foresee. */
    const uint32_t number = table->numbers[(uint64_t)round * 7368787 % table->sources];
    const struct source source = table_source(number);
    struct lockout_visitor visitor = {.source = &source, .now = begin};
    struct lockout_admission admission;
    struct lockout_charge charge;
    struct store store;

    visitor.now.boot_ms += (uint64_t)round * 1000 * DELAY;
    visitor.now.wall_ms += (uint64_t)round * 1000 * DELAY;
    const uint64_t start = now_ns();

    table_open(table->directory, &store);
    table_check(lockout_admit(&store, &policy, &visitor, &admission), "lockout_admit");
    table_check(lockout_charge(&store, &policy, &visitor, &charge), "lockout_charge");
    if (round % 2 == 0)
        table_check(lockout_settle(&store, &policy, &visitor, &charge), "lockout_settle");
    else
        table_check(lockout_forgive(&store, &source, &charge), "lockout_forgive");
    store_close(&store);
    const uint64_t end = now_ns();

    if (admission.answer != LOCKOUT_ADMITTED || charge.answer != LOCKOUT_ADMITTED)
        errx(EX_SOFTWARE, "round %u: source %" PRIu32 " was refused", round, number);
    return end - start;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static uint64_t median(struct table *table)
{
    qsort(table->samples, SAMPLES, sizeof(table->samples[0]), compare);
    return (table->samples[SAMPLES / 2 - 1] + table->samples[SAMPLES / 2]) / 2;
}

static bool pass_over(void *context, const struct manage_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

/* The table holds what was put into it, all of it whole. */
static void verify(const struct table *table)
{
    struct manage_totals totals;
    struct store store;

    table_open(table->directory, &store);
    table_check(manage_each(&store, &begin, pass_over, NULL, &totals), "manage_each");
    store_close(&store);
    if (totals.used != table->sources || totals.damaged != 0 || totals.places != TABLE_PLACES)
        errx(EX_SOFTWARE, "%" PRIu64 " sources, %" PRIu64 " damaged", totals.used, totals.damaged);
}

static off_t file_bytes(const struct table *table)
{
    char path[sizeof(table->directory) + sizeof("/lockout")];
    struct stat info;

    snprintf(path, sizeof(path), "%s/lockout", table->directory);
    if (stat(path, &info) != 0)
        err(EX_NOINPUT, "%s", path);
    return info.st_size;
}

int main(int argc, char **argv)
{
    static struct table few = {.sources = FEW};
    static struct table many = {.sources = MANY};

    if (argc != 2)
        errx(EX_USAGE, "usage: scale DIR");
    moment_read(&begin);
    make_table(argv[1], "few", &few);
    make_table(argv[1], "many", &many);
    /* Once unmeasured, for what is slow the first time alone. */
    connection(&few, 0);
    connection(&many, 0);
    for (unsigned round = 0; round < SAMPLES; round++) {
        few.samples[round] = connection(&few, round + 1);
        many.samples[round] = connection(&many, round + 1);
    }
    verify(&few);
    verify(&many);

    const uint64_t few_ns = median(&few);
    const uint64_t many_ns = median(&many);
    printf("few=%u ns=%" PRIu64 "\nmany=%u ns=%" PRIu64 "\nratio=%.3f\n", FEW, few_ns, MANY, many_ns,
           (double)many_ns / (double)few_ns);
    printf("bytes=%jd expected=%ju\n", (intmax_t)file_bytes(&many), (uintmax_t)(8192 + 128 * TABLE_PLACES));
    free(few.numbers);
    free(many.numbers);
    return 0;
}
