/* SPDX-License-Identifier: ISC */
/*
 * make-grants STATE_DIR GATE COUNT SECONDS: what so many grants at a gate leave in the record, each for another user
 * and another IPv4 address, from 10.0.0.0 on, as if they were made now. No firewall is told. For tests with more of
 * them than could be asked for one by one.
 */
#include "grants.h"
#include "number.h"

#include <err.h>
#include <stdio.h>

static uint64_t parse(const char *text, uint64_t max)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){1, max}, &number) != NUMBER_OK)
        errx(64, "no number: %s", text);
    return number;
}

static void expect(enum grants_fault fault)
{
    if (fault != GRANTS_OK)
        errx(74, "%s", grants_fault_text(fault));
}

/* 10.0.0.0 and number of them further, in the IPv6 form. */
static struct source network_of(uint32_t number)
{
    return (struct source){.address = {[10] = 0xff,
                                       [11] = 0xff,
                                       [12] = 10,
                                       [13] = (uint8_t)(number >> 16),
                                       [14] = (uint8_t)(number >> 8),
                                       [15] = (uint8_t)number},
                           .prefix = 128};
}

static void put(struct grants *grants, const char *gate, uint32_t number, uint64_t lifetime_s)
{
    struct grant grant = {.network = network_of(number), .step = GRANT_OPEN, .since_wall_ms = grants->now.wall_ms};
    uint64_t slot = GRANTS_MAX;

    snprintf(grant.gate, sizeof(grant.gate), "%s", gate);
    snprintf(grant.user, sizeof(grant.user), "user%u", number);
    grant_set_times(
        &grant, &(struct grant_order){.lifetime_s = lifetime_s, .most_s = lifetime_s, .latest_ms = grants->latest_ms},
        &grants->now);
    expect(grants_put(grants, &grant, &slot));
}

int main(int argc, char **argv)
{
    struct grants grants;
    struct moment now;

    if (argc != 5)
        errx(64, "usage: make-grants STATE_DIR GATE COUNT SECONDS");
    moment_read(&now);
    expect(grants_open(&(struct grants_options){.state_dir = argv[1], .patience_ms = 60000}, &grants));
    expect(grants_hold(&grants, HOLD_ALONE, &now));
    for (uint32_t i = 0; i < parse(argv[3], 1U << 24); i++)
        put(&grants, argv[2], i, parse(argv[4], UINT32_MAX));
    expect(grants_sync(&grants));
    grants_release(&grants);
    grants_close(&grants);
    return 0;
}
