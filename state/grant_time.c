/* SPDX-License-Identifier: ISC */
/* What time does to a grant: the pure functions of grants.h. FORMAT.md, "Grants", has the rules. */
#include "grants.h"

#include <string.h>

/* By so much the two ends of one grant may be apart before that by the wall clock is written anew. */
#define APART_MS 60000

static uint64_t within(uint64_t time)
{
    return time < RECORD_TIME_MAX ? time : RECORD_TIME_MAX;
}

static uint64_t sum(uint64_t one, uint64_t other)
{
    return within(one) + within(other) < RECORD_TIME_MAX ? one + other : RECORD_TIME_MAX;
}

static uint64_t difference(uint64_t later, uint64_t earlier)
{
    return later > earlier ? later - earlier : 0;
}

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t greatest(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static uint64_t as_ms(uint64_t seconds)
{
    return seconds < RECORD_TIME_MAX / 1000 ? seconds * 1000 : RECORD_TIME_MAX;
}

static bool is_known(const uint8_t id[static RECORD_BOOT_ID_LEN])
{
    return !record_is_zero(id, RECORD_BOOT_ID_LEN);
}

/* Which boot the times of a grant are of. */
enum boot { THIS_BOOT, OTHER_BOOT, UNKNOWN_BOOT };

static enum boot boot_of(const struct grant *grant, const struct moment *now)
{
    if (!is_known(grant->boot_id) || !is_known(now->boot_id))
        return UNKNOWN_BOOT;
    return memcmp(grant->boot_id, now->boot_id, RECORD_BOOT_ID_LEN) == 0 ? THIS_BOOT : OTHER_BOOT;
}

/* A time by both clocks. */
struct end {
    uint64_t boot_ms, wall_ms;
};

/*
 * What is left until then, of a grant that runs. Of an earlier boot: so much was left when latest_ms was written, and
 * the time for which the machine is up has passed since, at least.
 */
static uint64_t left_until(const struct end *end, enum boot boot, uint64_t latest_ms, const struct moment *now)
{
    const uint64_t by_boot_ms = difference(end->boot_ms, now->boot_ms);
    const uint64_t by_wall_ms = difference(end->wall_ms, now->wall_ms);

    switch (boot) {
    case THIS_BOOT:
        return by_boot_ms;
    case OTHER_BOOT:
        return least(by_wall_ms, difference(difference(end->wall_ms, latest_ms), now->boot_ms));
    case UNKNOWN_BOOT:
        break;
    }
    return least(by_boot_ms, by_wall_ms);
}

/* The most that can be left of it, whatever the wall clock will say. */
static uint64_t bound(const struct grant *grant, enum boot boot, uint64_t latest_ms, const struct moment *now)
{
    const struct end end = {grant->until_boot_ms, grant->until_wall_ms};
    const struct moment earliest = {.boot_ms = now->boot_ms, .wall_ms = latest_ms};

    if (boot != THIS_BOOT && !grant->wall_known)
        return 0;
    return least(left_until(&end, boot, latest_ms, &earliest), as_ms(grant->lifetime_s));
}

enum grant_time grant_left(const struct grant *grant, uint64_t latest_ms, const struct moment *now, uint64_t *left_ms)
{
    const struct end end = {grant->until_boot_ms, grant->until_wall_ms};
    const enum boot boot = boot_of(grant, now);
    const uint64_t bound_ms = bound(grant, boot, latest_ms, now);

    *left_ms = 0;
    if (bound_ms == 0)
        return GRANT_OVER;
    if (boot != THIS_BOOT && moment_is_behind(now, latest_ms))
        return GRANT_WAITS;
    *left_ms = least(left_until(&end, boot, latest_ms, now), bound_ms);
    return *left_ms > 0 ? GRANT_RUNS : GRANT_OVER;
}

/* What is left of a grant, and until the bound for its renewals by use. */
struct rest {
    uint64_t left_ms, most_ms; /* left_ms is not more than most_ms */
};

/* Nothing where it does not run. */
static struct rest rest_of(const struct grant *grant, uint64_t latest_ms, const struct moment *now)
{
    const struct end most = {grant->most_boot_ms, grant->most_wall_ms};
    struct rest rest = {0};

    if (grant_left(grant, latest_ms, now, &rest.left_ms) == GRANT_RUNS)
        rest.most_ms = greatest(left_until(&most, boot_of(grant, now), latest_ms, now), rest.left_ms);
    return rest;
}

/* A process may have read its clocks long before it had the lock, while another wrote a later time. */
static bool is_believed(const struct moment *now, uint64_t latest_ms)
{
    const uint64_t late_ms = 600000;
    const struct moment later = {.wall_ms = sum(now->wall_ms, late_ms)};

    return !moment_is_behind(&later, latest_ms);
}

/*
 * By the wall clock, or where that stands behind a time that it has shown, by that time: the end that is written is not
 * later than the true one, and not further from latest_ms, which is all that counts after a reboot.
 */
static void set_wall(struct grant *grant, const struct rest *rest, uint64_t latest_ms, const struct moment *now)
{
    const uint64_t wall_ms = greatest(now->wall_ms, latest_ms);

    grant->until_wall_ms = sum(wall_ms, rest->left_ms);
    grant->most_wall_ms = sum(wall_ms, rest->most_ms);
}

static void set_boot(struct grant *grant, const struct rest *rest, const struct moment *now)
{
    memcpy(grant->boot_id, now->boot_id, sizeof grant->boot_id);
    grant->until_boot_ms = sum(now->boot_ms, rest->left_ms);
    grant->most_boot_ms = sum(now->boot_ms, rest->most_ms);
}

void grant_set_times(struct grant *grant, const struct grant_order *order, const struct moment *now)
{
    const uint64_t lifetime_ms = as_ms(order->lifetime_s);
    struct rest rest = {lifetime_ms, greatest(as_ms(order->most_s), lifetime_ms)};

    if (order->most_s == 0) {
        rest = rest_of(grant, order->latest_ms, now);
        rest.left_ms = least(lifetime_ms, rest.most_ms);
    }
    grant->lifetime_s = order->lifetime_s;
    grant->wall_known = is_believed(now, order->latest_ms);
    set_boot(grant, &rest, now);
    set_wall(grant, &rest, order->latest_ms, now);
}

/* Are the ends by the wall clock of the two further apart than its own course explains? */
static bool is_apart(const struct grant *one, const struct grant *other)
{
    return difference(one->until_wall_ms, other->until_wall_ms) > APART_MS ||
           difference(other->until_wall_ms, one->until_wall_ms) > APART_MS;
}

bool grant_set_clocks(struct grant *grant, uint64_t latest_ms, const struct moment *now)
{
    const struct rest rest = rest_of(grant, latest_ms, now);
    const bool other_boot = is_known(now->boot_id) && boot_of(grant, now) != THIS_BOOT;
    struct grant next = *grant;

    if (rest.left_ms == 0)
        return false;
    if (other_boot)
        set_boot(&next, &rest, now);
    next.wall_known = grant->wall_known || is_believed(now, latest_ms);
    set_wall(&next, &rest, latest_ms, now);
    if (!other_boot && next.wall_known == grant->wall_known && !(next.wall_known && is_apart(grant, &next)))
        return false;
    *grant = next;
    return true;
}
