/* SPDX-License-Identifier: ISC */
/*
 * The clients of the soak test: thousands of sources, good, bad, slow and resetting, at a bounded rate and so many at
 * once. Each connection is judged by what has to become of it (people.h, visit.h).
 *
 * usage: clients CONFIG PORT SECONDS RATE
 *
 * CONFIG is the door's: two actions, the first for most knocks, the second goes on after the connection. PORT is on
 * 127.0.0.1 and ::1; fd00::/8 must be routed to this machine. RATE: connections in a second, at the most.
 *
 * Prints a line for each connection that has ended: source, address, kind, outcome, reason, when it began and how long
 * it took in ms, and "ok" or what was not so. The last line is
 *
 *   end random=NUMBER seeds=NUMBER repeated=NUMBER late_ms=NUMBER
 *
 * random: what chance began with; late_ms: the longest time that this program itself came too late. Status 0 says that
 * it went on to the end, and nothing about the door.
 */
#include "config.h"
#include "number.h"
#include "people.h"
#include "visit.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define CONNECTIONS_MAX 32
#define LINGERING_MAX   12 /* of them */
#define RATE_MAX        1000
#define WAIT_MS         1000
#define BACKLOG_MS      200 /* what could not be begun in time is not made up for */

struct seeds {
    uint8_t (*seeds)[SEED_LEN];
    size_t count, room;
};

struct slot {
    struct visit visit;
    struct person *person; /* NULL: free */
};

struct soak {
    struct visit_door door;
    struct slot slots[CONNECTIONS_MAX];
    unsigned open, lingering;
    int64_t end_ms;  /* nothing is begun after it */
    int64_t next_ms; /* when the next one may be begun */
    int64_t pause_ms;
    int64_t late_ms;
    struct seeds seeds;
};

/* ---- Seeds ---- */

static void keep_seed(struct seeds *seeds, const uint8_t seed[static SEED_LEN])
{
    if (seeds->count == seeds->room) {
        seeds->room = seeds->room == 0 ? 4096 : 2 * seeds->room;
        seeds->seeds = reallocarray(seeds->seeds, seeds->room, SEED_LEN);
        if (seeds->seeds == NULL)
            err(EX_OSERR, "no memory");
    }
    memcpy(seeds->seeds[seeds->count++], seed, SEED_LEN);
}

static int order(const void *a, const void *b)
{
    return memcmp(a, b, SEED_LEN);
}

static size_t count_repeated(const struct seeds *seeds)
{
    size_t repeated = 0;

    if (seeds->count != 0)
        qsort(seeds->seeds, seeds->count, SEED_LEN, order);
    for (size_t i = 1; i < seeds->count; i++)
        repeated += memcmp(seeds->seeds[i - 1], seeds->seeds[i], SEED_LEN) == 0 ? 1 : 0;
    return repeated;
}

/* ---- Connections ---- */

static void finish(struct soak *soak, struct slot *slot)
{
    const struct visit *visit = &slot->visit;
    const struct kind_rule *rule = &kind_rules[visit->plan.kind];
    const struct people_news news = {
        .kind = visit->plan.kind,
        .expected = strcmp(visit->result, "ok") == 0,
        .start_ms = visit->start_ms,
        .deed_ms = visit->deed_ms,
        .end_ms = visit->end_ms,
    };
    const struct source source = address_source(&visit->plan.from, 64);
    char source_text[ADDRESS_TEXT_LEN], address_text[ADDRESS_TEXT_LEN];

    address_format_source(&source, source_text);
    address_format(&visit->plan.from, address_text);
    printf("%s %s %s %s %s %" PRId64 " %" PRId64 " %s\n", source_text, address_text, rule->name,
           kind_outcome_text(rule->outcome), rule->reason, visit->start_ms, visit->end_ms - visit->start_ms,
           visit->result);
    if (visit->got >= SEED_LEN)
        keep_seed(&soak->seeds, visit->in);
    people_learn(slot->person, &news);
    slot->person = NULL;
    soak->open--;
    soak->lingering -= rule->lingers ? 1 : 0;
}

static struct slot *free_slot(struct soak *soak)
{
    struct slot *slot = soak->slots;

    while (slot->person != NULL)
        slot++;
    return slot;
}

/* Begin one, if there is somebody who may come. */
static void begin(struct soak *soak, int64_t now_ms)
{
    enum kind kind;
    struct person *person = people_choose(now_ms, soak->lingering < LINGERING_MAX, &kind);
    struct slot *slot;

    if (person == NULL)
        return;
    slot = free_slot(soak);
    slot->person = person;
    person->busy = true;
    soak->open++;
    soak->lingering += kind_rules[kind].lingers ? 1 : 0;
    visit_begin(
        &soak->door,
        &(struct visit_plan){.kind = kind, .from = people_address(person), .last_start_ms = person->last_start_ms},
        &slot->visit);
    if (slot->visit.fd < 0)
        finish(soak, slot);
}

static void begin_due(struct soak *soak)
{
    const int64_t now_ms = visit_now_ms();

    if (soak->next_ms < now_ms - BACKLOG_MS)
        soak->next_ms = now_ms - BACKLOG_MS;
    while (now_ms < soak->end_ms && soak->next_ms <= now_ms && soak->open < CONNECTIONS_MAX) {
        begin(soak, now_ms);
        soak->next_ms += soak->pause_ms;
    }
}

/* Wait until something has happened, or there is something to do. */
static void wait_and_turn(struct soak *soak)
{
    struct pollfd polled[CONNECTIONS_MAX];
    struct slot *slots[CONNECTIONS_MAX];
    nfds_t count = 0;
    int64_t now_ms = visit_now_ms();
    const bool may_begin = soak->open < CONNECTIONS_MAX && now_ms < soak->end_ms;
    int64_t next_ms = may_begin ? soak->next_ms : now_ms + WAIT_MS;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct visit *visit = &soak->slots[i].visit;

        if (soak->slots[i].person == NULL)
            continue;
        if (visit->act_ms < next_ms)
            next_ms = visit->act_ms;
        slots[count] = &soak->slots[i];
        polled[count++] = (struct pollfd){.fd = visit->fd, .events = visit_events(visit)};
    }
    if (next_ms < now_ms)
        next_ms = now_ms;
    if (poll(polled, count, (int)(next_ms - now_ms)) < 0)
        err(EX_OSERR, "poll");
    now_ms = visit_now_ms();
    if (now_ms - next_ms > soak->late_ms)
        soak->late_ms = now_ms - next_ms;
    for (nfds_t i = 0; i < count; i++) {
        visit_turn(&soak->door, &slots[i]->visit, polled[i].revents);
        if (slots[i]->visit.fd < 0)
            finish(soak, slots[i]);
    }
}

/* ---- The whole ---- */

static void report(void *context, const struct config_finding *finding)
{
    (void)context;
    warnx("%s:%u: %s", finding->file, finding->line, finding->text);
}

static uint64_t number_of(const char *text, uint64_t high)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){1, high}, &number) != NUMBER_OK)
        errx(EX_USAGE, "not a number from 1 to %" PRIu64 ": %s", high, text);
    return number;
}

int main(int argc, char **argv)
{
    static struct soak soak;
    struct config config;
    const unsigned chance = (unsigned)time(NULL);
    int64_t rate;

    if (argc != 5)
        errx(EX_USAGE, "usage: clients CONFIG PORT SECONDS RATE");
    if (mac_init() != 0)
        errx(EX_SOFTWARE, "libgcrypt cannot be used");
    if (config_load(&(struct config_reader){.path = argv[1], .with_secrets = true, .report = report}, &config) != 0 ||
        config.entry_count != 2)
        errx(EX_CONFIG, "%s: not a configuration with two actions", argv[1]);
    srandom(chance);
    people_make(&config);
    soak.door = (struct visit_door){
        .port = (in_port_t)number_of(argv[2], UINT16_MAX),
        .delay_ms = (int64_t)config.delay * 1000,
        .timeout_ms = (int64_t)config.comm_timeout * 1000,
        .secret = config.entries[0].secrets->bytes,
        .linger_secret = config.entries[1].secrets->bytes,
    };
    soak.next_ms = visit_now_ms();
    soak.end_ms = soak.next_ms + (int64_t)number_of(argv[3], 86400) * 1000;
    rate = (int64_t)number_of(argv[4], RATE_MAX);
    soak.pause_ms = (1000 + rate - 1) / rate;

    do {
        begin_due(&soak);
        wait_and_turn(&soak);
    } while (soak.open != 0 || visit_now_ms() < soak.end_ms);

    printf("end random=%u seeds=%zu repeated=%zu late_ms=%" PRId64 "\n", chance, soak.seeds.count,
           count_repeated(&soak.seeds), soak.late_ms);
    free(soak.seeds.seeds);
    config_free(&config);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
