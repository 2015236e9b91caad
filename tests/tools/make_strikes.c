/* SPDX-License-Identifier: ISC */
/*
 * make-strikes STATE_DIR ADDRESS COUNT AGO: what COUNT wrong knocks from ADDRESS, AGO seconds ago, leave in the
 * lockout table. With a policy of three strikes, a day of lock and strikes that count for an hour. For tests of what
 * shows the table, which need neither connections nor waiting.
 */
#include "address.h"
#include "lockout.h"
#include "number.h"

#include <err.h>
#include <time.h>

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

int main(int argc, char **argv)
{
    const struct lockout_policy policy = {
        .delay = 1, .delay_max_wait = 3600, .max_bad_conns = 3, .lockout_time = 86400, .strike_time = 3600};
    struct store_options options = {.places = 64, .patience_ms = STORE_PATIENCE_MS};
    struct store store;
    struct address address;
    struct source source;
    struct lockout_clock now;

    if (argc != 5 || address_parse(argv[2], &address) != 0)
        errx(64, "usage: make-strikes STATE_DIR ADDRESS COUNT AGO");
    options.directory = argv[1];
    source = address_source(&address, 64);
    now.ms = ((uint64_t)time(NULL) - parse(argv[4])) * 1000;
    expect(store_open(&options, &store));
    for (uint64_t left = parse(argv[3]); left > 0; left--) {
        struct lockout_admission admission;
        struct lockout_charge charge;

        expect(lockout_admit(&store, &policy, &(struct lockout_visitor){&source, false, now}, &admission));
        if (admission.verdict != LOCKOUT_ADMITTED)
            continue;
        expect(lockout_charge(&store, &policy, &(struct lockout_visitor){&source, false, now}, &charge));
        expect(lockout_settle(&store, &policy, &(struct lockout_visitor){&source, false, now}, &charge));
    }
    store_close(&store);
    return 0;
}
