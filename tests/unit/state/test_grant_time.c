/* SPDX-License-Identifier: ISC */
/*
 * What is left of a grant, whatever the clocks of the machine do (I15): never more than was granted, and after a reboot
 * nothing before the clock has passed what it has shown before.
 */
#include "check.h"
#include "grants.h"
#include "grants_bytes.h"

#define NOW    UINT64_C(1795293540000)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)

static struct moment at(uint8_t boot, uint64_t boot_ms, uint64_t wall_ms)
{
    return (struct moment){.boot_id = {boot}, .boot_ms = boot_ms, .wall_ms = wall_ms};
}

/* A grant of so long, and the bound of twice that, that was made in boot 1, which was up for a day by then. */
static struct grant granted(uint64_t lifetime_ms, uint64_t latest_ms, uint64_t wall_ms)
{
    const struct moment now = at(1, DAY, wall_ms);
    struct grant grant = {.gate = "ssh", .user = "alice"};

    grant_set_times(
        &grant,
        &(struct grant_order){.lifetime_s = lifetime_ms / 1000, .most_s = lifetime_ms / 500, .latest_ms = latest_ms},
        &now);
    return grant;
}

static void left_is(const struct grant *grant, uint64_t latest_ms, struct moment now, uint64_t want_ms,
                    const char *what)
{
    uint64_t left_ms = 1;
    const enum grant_time time = grant_left(grant, latest_ms, &now, &left_ms);

    check_number(left_ms, want_ms, what);
    if (want_ms > 0)
        check(time == GRANT_RUNS, "%s: it runs", what);
}

static void time_is(const struct grant *grant, uint64_t latest_ms, struct moment now, enum grant_time want,
                    const char *what)
{
    uint64_t left_ms = 1;

    check_number(grant_left(grant, latest_ms, &now, &left_ms), want, what);
    if (want != GRANT_RUNS)
        check(left_ms == 0, "%s: nothing is left", what);
}

static void test_same_boot(void)
{
    const struct grant grant = granted(25 * HOUR, NOW, NOW);

    left_is(&grant, NOW, at(1, DAY, NOW), 25 * HOUR, "at its beginning all is left");
    left_is(&grant, NOW, at(1, DAY + HOUR, NOW + HOUR), 24 * HOUR, "it runs with the machine");
    left_is(&grant, NOW, at(1, DAY + HOUR, NOW + YEAR), 24 * HOUR, "I15: not with a wall clock that is set forward");
    left_is(&grant, NOW + YEAR, at(1, DAY + HOUR, 0), 24 * HOUR, "I15: nor with one that is set back");
    left_is(&grant, NOW, at(1, DAY + 25 * HOUR - 1, NOW), 1, "until its last millisecond");
    time_is(&grant, NOW, at(1, DAY + 25 * HOUR, NOW), GRANT_OVER, "I15: then it is over");
    left_is(&grant, NOW, at(1, DAY - HOUR, NOW), 25 * HOUR,
            "a process that has read its clocks before the one that wrote it does not find more");
}

static void test_reboot(void)
{
    struct grant grant = granted(25 * HOUR, NOW, NOW);
    const struct moment later = at(2, MINUTE, NOW + 5 * HOUR);

    left_is(&grant, NOW, later, 20 * HOUR, "over a reboot it goes on by the wall clock");
    check(grant_set_clocks(&grant, NOW, &later), "and is then written by the clocks of the new boot");
    left_is(&grant, NOW, at(2, MINUTE + HOUR, 0), 19 * HOUR, "by which it goes on");
    check_number(grant.most_boot_ms, MINUTE + 45 * HOUR, "and so does the bound for its renewals");
    check(!grant_set_clocks(&grant, NOW, &later), "which is done once");
    time_is(&grant, NOW, at(3, MINUTE, NOW + 25 * HOUR), GRANT_OVER, "I15: it is over where it ended meanwhile");
}

static void test_clock_behind(void)
{
    const struct grant grant = granted(25 * HOUR, NOW, NOW);
    const struct grant unknown = granted(25 * HOUR, 0, HOUR);
    struct grant same;

    time_is(&grant, NOW, at(2, MINUTE, MINUTE), GRANT_WAITS, "I15: after a boot at 1970 it is not open");
    time_is(&grant, NOW, at(2, MINUTE, NOW - 1), GRANT_WAITS, "I15: nor before the clock has passed what it has shown");
    left_is(&grant, NOW, at(2, MINUTE, NOW), 25 * HOUR - MINUTE, "then it is, but not for the time since this boot");
    left_is(&grant, NOW, at(2, HOUR, NOW + MINUTE), 24 * HOUR, "which has passed, whatever the clock says");
    time_is(&grant, NOW, at(2, 25 * HOUR, NOW - 1), GRANT_OVER,
            "I15: it is over when the machine has been up for as long");
    time_is(&grant, NOW, at(2, 25 * HOUR, NOW), GRANT_OVER, "I15: with a clock that is put right only then, too");

    check(!unknown.wall_known, "a grant that was made in 1970 is of a clock that is not believed");
    left_is(&unknown, HOUR, at(1, DAY + HOUR, 2 * HOUR), 24 * HOUR, "it runs while the machine is up");
    time_is(&unknown, HOUR, at(2, MINUTE, NOW), GRANT_OVER, "I15: and is over with the next boot");
    same = unknown;
    check(!grant_set_clocks(&same, HOUR, &(struct moment){.boot_id = {1}, .boot_ms = DAY + HOUR, .wall_ms = 2 * HOUR}),
          "a clock that is still of 1970 changes nothing");
    check(grant_set_clocks(&same, HOUR, &(struct moment){.boot_id = {1}, .boot_ms = DAY + HOUR, .wall_ms = NOW}),
          "but if the clock is put right before");
    left_is(&same, NOW, at(2, MINUTE, NOW + HOUR), 23 * HOUR, "it goes on over a reboot as others do");
}

static void test_wrong_future(void)
{
    struct grant grant = granted(25 * HOUR, NOW, NOW);
    struct moment now = at(1, DAY + HOUR, NOW + YEAR);

    check(grant_set_clocks(&grant, NOW + YEAR, &now), "the wall clock is set to a wrong future");
    left_is(&grant, NOW + YEAR, now, 24 * HOUR, "which changes nothing of what is left");
    now = at(1, DAY + 2 * HOUR, NOW + 2 * HOUR);
    check(grant_set_clocks(&grant, NOW + YEAR, &now), "and back");
    left_is(&grant, NOW + YEAR, now, 23 * HOUR, "nor does that");
    check_number(grant.until_wall_ms, NOW + YEAR + 23 * HOUR,
                 "its end is written as far behind that future as is left");
    time_is(&grant, NOW + YEAR, at(2, MINUTE, NOW + 3 * HOUR), GRANT_WAITS,
            "I15: over a reboot it waits for that future");
    time_is(&grant, NOW + YEAR, at(2, 23 * HOUR, NOW + DAY), GRANT_OVER, "I15: and is over before it has come");
    grant = granted(25 * HOUR, NOW + YEAR, NOW);
    check(!grant.wall_known, "one that is made meanwhile does not rest on the wall clock");
    grant = granted(25 * HOUR, NOW + 10 * MINUTE, NOW);
    check(grant.wall_known, "which may be ten minutes behind, for others were faster");
}

/* Small corrections, as those of a time server, are not worth a write. */
static void test_corrections(void)
{
    struct grant grant = granted(25 * HOUR, NOW, NOW);
    const struct moment slow = at(1, DAY + HOUR, NOW + HOUR - MINUTE);
    const struct moment slower = at(1, DAY + HOUR, NOW + HOUR - MINUTE - 1);
    const struct moment fast = at(1, DAY + HOUR, NOW + HOUR + MINUTE);
    const struct moment faster = at(1, DAY + HOUR, NOW + HOUR + MINUTE + 1);
    struct grant other = grant;

    check(!grant_set_clocks(&grant, NOW, &slow) && !grant_set_clocks(&grant, NOW, &fast),
          "a minute between the clocks is left as it is");
    check(grant_set_clocks(&grant, NOW, &slower) && grant.until_wall_ms == slower.wall_ms + 24 * HOUR,
          "more is made good, when the wall clock was set back");
    check(grant_set_clocks(&other, NOW, &faster) && other.until_wall_ms == faster.wall_ms + 24 * HOUR,
          "and when it was set forward");
}

static void renew(struct grant *grant, uint64_t passed_ms)
{
    const struct moment now = at(1, DAY + passed_ms, NOW + passed_ms);

    grant_set_times(grant, &(struct grant_order){.lifetime_s = grant->lifetime_s, .latest_ms = NOW + passed_ms}, &now);
}

static void test_most(void)
{
    struct grant grant = granted(25 * HOUR, NOW, NOW);
    const struct moment long_after = at(1, 3 * DAY, NOW + 2 * DAY);
    const struct moment boot = at(2, MINUTE, NOW + 30 * HOUR);

    renew(&grant, 10 * HOUR);
    left_is(&grant, NOW, at(1, DAY + 10 * HOUR, NOW), 25 * HOUR, "use gives the lifetime again");
    renew(&grant, 24 * HOUR);
    check(grant_set_clocks(&grant, NOW + 24 * HOUR, &boot), "over a reboot");
    grant_set_times(&grant, &(struct grant_order){.lifetime_s = grant.lifetime_s, .latest_ms = NOW + 30 * HOUR}, &boot);
    left_is(&grant, NOW, boot, 20 * HOUR, "I15: but never beyond most, by either clock");
    check_number(grant.until_wall_ms, NOW + 50 * HOUR, "which is when it ends by the wall clock, too");
    grant_set_times(&grant, &(struct grant_order){.lifetime_s = 90000, .most_s = 180000, .latest_ms = NOW}, &boot);
    left_is(&grant, NOW, boot, 25 * HOUR, "who asks again has the whole lifetime");
    check_number(grant.most_boot_ms, MINUTE + 50 * HOUR, "and a new bound");
    grant_set_times(&grant, &(struct grant_order){.lifetime_s = 400000, .most_s = 180000, .latest_ms = NOW}, &boot);
    check_number(grant.most_boot_ms, MINUTE + 400 * 1000 * SECOND, "which is never before the end");

    grant = granted(25 * HOUR, NOW, NOW);
    grant_set_times(&grant, &(struct grant_order){.lifetime_s = 90000, .latest_ms = NOW}, &long_after);
    time_is(&grant, NOW, long_after, GRANT_OVER, "I15: what is over is not renewed by use");
}

/* Without /proc: each of the two clocks has to agree. */
static void test_unknown_boot(void)
{
    struct moment now = at(0, DAY, NOW);
    struct grant grant = {.gate = "ssh"};

    grant_set_times(&grant, &(struct grant_order){.lifetime_s = 90000, .most_s = 90000, .latest_ms = NOW}, &now);
    left_is(&grant, NOW, at(0, DAY + HOUR, NOW + HOUR), 24 * HOUR, "without names of boots it runs by both clocks");
    left_is(&grant, NOW, at(0, DAY + HOUR, NOW + 2 * HOUR), 23 * HOUR, "the wall clock says less: that counts");
    left_is(&grant, NOW, at(0, DAY + 2 * HOUR, NOW + HOUR), 23 * HOUR, "or the other");
    left_is(&grant, NOW, at(0, MINUTE, NOW + HOUR), 24 * HOUR,
            "after a reboot that nobody can see the wall clock bounds it");
    time_is(&grant, NOW, at(0, DAY + HOUR, NOW - 1), GRANT_WAITS, "I15: it waits for the wall clock");
    now = at(4, DAY + HOUR, NOW + 2 * HOUR);
    check(grant_set_clocks(&grant, NOW, &now) && grant.boot_id[0] == 4, "a name that becomes known is kept");
    left_is(&grant, NOW, at(4, DAY + 2 * HOUR, 0), 22 * HOUR, "with what was left");
    now = at(0, DAY + 2 * HOUR, NOW + 3 * HOUR);
    check(!grant_set_clocks(&grant, NOW, &now), "and by one who does not know it, too");
}

/* ---- Any values ---------------------------------------------------------------------------------------------------
 */

static unsigned longer, early, written, repeated;

static void judge_any(const struct grant *grant, uint64_t latest_ms, const struct moment *now)
{
    const bool same = grant->boot_id[0] != 0 && memcmp(grant->boot_id, now->boot_id, sizeof now->boot_id) == 0;
    static const uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[GRANTS_BYTES_SLOT_LEN];
    struct grant next = *grant;
    uint64_t left_ms, next_ms;
    const enum grant_time time = grant_left(grant, latest_ms, now, &left_ms);

    longer += left_ms / 1000 > grant->lifetime_s || (time == GRANT_RUNS) != (left_ms > 0);
    early += !same && time == GRANT_RUNS && (now->wall_ms < latest_ms || !grant->wall_known);
    if (grant_set_clocks(&next, latest_ms, now)) {
        repeated += now->boot_id[0] != 0 && grant_set_clocks(&next, latest_ms, now);
        longer += grant_left(&next, latest_ms, now, &next_ms) == GRANT_RUNS && next_ms > left_ms;
        written += grants_bytes_encode_slot(&next, key, 0, bytes) != 0;
    }
    grant_set_times(&next, &(struct grant_order){.lifetime_s = grant->lifetime_s, .latest_ms = latest_ms}, now);
    written += grants_bytes_encode_slot(&next, key, 0, bytes) != 0;
}

/* Clocks and ends of any value. */
static void test_any_values(void)
{
    static const uint64_t values[] = {0,
                                      1,
                                      MINUTE,
                                      UINT64_C(1767225600000),
                                      NOW,
                                      NOW + 25 * HOUR,
                                      RECORD_TIME_MAX - 1,
                                      RECORD_TIME_MAX,
                                      RECORD_TIME_MAX + 1,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX};
    const size_t count = sizeof values / sizeof values[0];

    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            for (size_t c = 0; c < count; c++)
                for (size_t d = 0; d < count; d++)
                    for (unsigned bits = 0; bits < 18; bits++) {
                        const struct moment now = at((uint8_t)(bits % 3), values[a], values[b]);
                        const struct grant grant = {.gate = "g",
                                                    .lifetime_s = values[d] / 1000,
                                                    .boot_id = {(uint8_t)(bits / 3 % 3)},
                                                    .until_boot_ms = values[(a + d) % 8],
                                                    .most_boot_ms = values[(b + d) % 8],
                                                    .wall_known = bits / 9 != 0,
                                                    .until_wall_ms = values[c % 8],
                                                    .most_wall_ms = values[(c + a) % 8]};

                        judge_any(&grant, values[(c + d) % 8], &now);
                    }
    check_number(longer, 0,
                 "I15: whatever the clocks say, no more is left than was granted, and new clocks give no more");
    check_number(early, 0, "I15: none of another boot runs before the wall clock is believed");
    check_number(repeated, 0, "what was written by the clocks of now need not be written again");
    check_number(written, 0, "and all that comes of it can be written");
}

/* ---- Weeks of a machine -------------------------------------------------------------------------------------------
 */

static uint64_t state = 1;

static uint64_t any(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* A machine whose tick looks at one grant once in a minute, and how long that was open. */
struct machine {
    bool lies; /* its wall clock may be set to anything */
    uint64_t truth_ms;
    uint64_t wall_off_ms; /* modulo 2^64: what the wall clock is before the truth */
    unsigned boot;
    uint64_t boot_ms;
    uint64_t latest_ms; /* of the record */
    struct grant grant;
    uint64_t open_ms; /* all together, since it was granted */
    unsigned boots;
    unsigned wrong;
};

static struct moment moment_of(const struct machine *machine)
{
    const uint64_t wall_ms = machine->truth_ms + machine->wall_off_ms;

    return (struct moment){.boot_id = {1, (uint8_t)machine->boot, (uint8_t)(machine->boot >> 8)},
                           .boot_ms = machine->boot_ms,
                           .wall_ms = wall_ms > RECORD_TIME_MAX ? 0 : wall_ms};
}

static void pass(struct machine *machine, uint64_t ms)
{
    machine->truth_ms += ms;
    machine->boot_ms += ms;
}

static void set_wall(struct machine *machine)
{
    static const uint64_t steps[] = {30 * SECOND, 2 * MINUTE, HOUR, DAY, 30 * DAY, YEAR};
    const uint64_t step_ms = any(steps[any(6)]);

    if (any(3) == 0)
        machine->wall_off_ms = 0;
    else
        machine->wall_off_ms += any(2) == 0 ? step_ms : -step_ms;
}

static void boot(struct machine *machine)
{
    machine->boot++;
    machine->boot_ms = any(2 * MINUTE);
    machine->truth_ms += any(any(2) == 0 ? 10 * MINUTE : DAY) + machine->boot_ms;
    machine->boots++;
    if (!machine->lies)
        return;
    switch (any(4)) {
    case 0:
        machine->wall_off_ms = machine->boot_ms - machine->truth_ms; /* 1970 */
        break;
    case 1:
        machine->wall_off_ms = machine->latest_ms - machine->truth_ms; /* it stood still since it was noted */
        break;
    case 2:
        set_wall(machine);
        break;
    default:
        break;
    }
}

/* As ostgrant's: the time is noted, and what the grant says is written by the clocks of now. Returns whether it runs.
 */
static bool tick(struct machine *machine)
{
    const struct moment now = moment_of(machine);
    const bool same = memcmp(machine->grant.boot_id, now.boot_id, sizeof now.boot_id) == 0;
    uint64_t left_ms;
    const enum grant_time time = grant_left(&machine->grant, machine->latest_ms, &now, &left_ms);

    machine->wrong += !same && time == GRANT_RUNS && now.wall_ms < machine->latest_ms;
    if (grant_set_clocks(&machine->grant, machine->latest_ms, &now) || now.wall_ms >= machine->latest_ms + MINUTE)
        machine->latest_ms = now.wall_ms > machine->latest_ms ? now.wall_ms : machine->latest_ms;
    return time == GRANT_RUNS;
}

static void live(struct machine *machine)
{
    const struct moment first = moment_of(machine);
    const uint64_t begin_ms = machine->truth_ms;

    if (first.wall_ms > machine->latest_ms)
        machine->latest_ms = first.wall_ms;
    machine->grant = (struct grant){.gate = "ssh"};
    grant_set_times(&machine->grant,
                    &(struct grant_order){.lifetime_s = 90000, .most_s = 180000, .latest_ms = machine->latest_ms},
                    &first);
    machine->open_ms = 0;
    machine->boots = 0;
    for (unsigned i = 0; i < 3000; i++) {
        const uint64_t ms = MINUTE + any(SECOND);
        const bool runs = tick(machine);

        if (!machine->lies)
            machine->wrong += runs != (machine->truth_ms < begin_ms + 25 * HOUR);
        if (runs)
            machine->open_ms += ms;
        pass(machine, ms);
        if (machine->lies && any(100) == 0)
            set_wall(machine);
        if (any(400) == 0)
            boot(machine);
    }
    /* What has passed since the time was noted, since the clocks were made to agree, and since the last tick. */
    machine->wrong += machine->open_ms > 25 * HOUR + (machine->boots + 1) * (3 * MINUTE + 3 * SECOND);
}

static void test_weeks(void)
{
    struct machine machine = {.truth_ms = NOW, .boot = 1, .boot_ms = DAY};
    uint64_t most_ms = 0;

    for (unsigned i = 0; i < 100; i++)
        live(&machine);
    check_number(machine.wrong, 0, "with a right clock each of 100 grants runs until its end, over any reboots");
    machine = (struct machine){.truth_ms = NOW, .boot = 1, .boot_ms = DAY, .lies = true};
    for (unsigned i = 0; i < 400; i++) {
        live(&machine);
        if (machine.open_ms > most_ms)
            most_ms = machine.open_ms;
        if (i % 20 == 19)
            machine.latest_ms = 0; /* a new record */
    }
    check_number(machine.wrong, 0,
                 "I15: with clocks that are set to anything, and any boots, none is open for longer than granted");
    printf("# of 25 h, the longest was open for %ju min\n", (uintmax_t)(most_ms / MINUTE));
}

int main(void)
{
    test_same_boot();
    test_reboot();
    test_clock_behind();
    test_wrong_future();
    test_corrections();
    test_most();
    test_unknown_boot();
    test_any_values();
    test_weeks();
    return check_end();
}
