/* SPDX-License-Identifier: ISC */
/*
 * make-strikes STATE_DIR ADDRESS COUNT AGO: what COUNT wrong knocks from ADDRESS, AGO seconds ago, leave in the
 * lockout table. With a policy of three strikes, a day of lock and strikes that count for an hour. For tests of what
 * shows the table, which need neither connections nor waiting.
 */
#include "address.h"
#include "buckets.h"
#include "lockout.h"
#include "number.h"

#include <err.h>

static uint64_t parse(const char *text)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){0, UINT32_MAX}, &number) != NUMBER_OK)
        errx(64, "no number: %s", text);
    return number;
}

static void expect(enum store_fault fault)
{
    if (fault != STORE_OK)
        errx(74, "%s", store_fault_text(fault));
}

/* Table time does not go back, so the strikes are made now, and their times are moved. */
static void move_back(struct store *store, const struct source *source, uint64_t ago, const struct moment *now)
{
    struct buckets buckets;

    expect(store_hold(store, HOLD_ALONE, now));
    expect(buckets_read(store, source, &buckets));
    if (buckets.own == NULL)
        errx(70, "the strikes are not in the table");
    buckets.own->last_seen -= ago;
    buckets.own->last_strike -= ago;
    if (buckets.own->locked)
        buckets.own->locked_until -= ago;
    expect(buckets_write(store, &buckets, buckets.own));
    store_release(store);
}

int main(int argc, char **argv)
{
    const struct lockout_policy policy = {.max_bad_conns = 3, .lockout_time = 86400, .strike_time = 3600};
    struct store_options options = {.places = 64, .patience_ms = STORE_PATIENCE_MS};
    struct store store;
    struct address address;
    struct source source;
    struct moment now;

    if (argc != 5 || address_parse(argv[2], &address) != 0)
        errx(64, "usage: make-strikes STATE_DIR ADDRESS COUNT AGO");
    options.directory = argv[1];
    source = address_source(&address, 64);
    moment_read(&now);
    options.now = now;
    expect(store_open(&options, &store));
    for (uint64_t left = parse(argv[3]); left > 0; left--) {
        struct lockout_admission admission;
        struct lockout_charge charge;

        expect(lockout_admit(&store, &policy, &(struct lockout_visitor){.source = &source, .exempt = false, .now = now},
                             &admission));
        if (admission.answer != LOCKOUT_ADMITTED)
            continue;
        expect(lockout_charge(&store, &policy,
                              &(struct lockout_visitor){.source = &source, .exempt = false, .now = now}, &charge));
        expect(lockout_settle(&store, &policy,
                              &(struct lockout_visitor){.source = &source, .exempt = false, .now = now}, &charge));
    }
    move_back(&store, &source, parse(argv[4]), &now);
    store_close(&store);
    return 0;
}
