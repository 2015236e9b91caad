/* SPDX-License-Identifier: ISC */
/*
 * The pace, beside a model that knows every seed there ever was: no two of one pace closer together than DELAY, and
 * each as early as that allows. Then records and settings that nobody would write.
 */
#include "check.h"
#include "pace.h"

#include <inttypes.h>
#include <stdlib.h>

#define DELAY   UINT64_C(5000)
#define LONGEST UINT64_C(30000)
#define NOW     UINT64_C(1795293540000)

static const struct pace_rule usual = {.delay_ms = DELAY, .longest_ms = LONGEST};

static uint64_t take(struct record_pace *pace, uint64_t now_ms)
{
    uint64_t place_ms = 0;

    return pace_take(pace, &usual, now_ms, &place_ms) ? place_ms : UINT64_MAX;
}

static void test_places(void)
{
    struct record_pace pace = {0};
    struct record_pace before;

    check(take(&pace, NOW) == NOW, "the first place is now");
    check(take(&pace, NOW + 1) == NOW + DELAY, "the second is DELAY behind it");
    check_number(pace_waiting(&pace, &usual, NOW + 1), 1, "where one waits");
    check_number(pace_waiting(&pace, &usual, NOW + DELAY), 0, "until his time has come");
    for (uint64_t i = 2; i <= 6; i++)
        check(take(&pace, NOW + 1) == NOW + i * DELAY, "place %" PRIu64 " is so many times DELAY behind", i);
    before = pace;
    check(take(&pace, NOW - 1) == UINT64_MAX, "one that is too far away is not given");
    check(memcmp(&before, &pace, sizeof pace) == 0, "and nothing is taken then");
    check(take(&pace, NOW) == UINT64_MAX, "nor is the next one, at its 35 s");
    check(take(&pace, NOW + DELAY) == NOW + 7 * DELAY, "until it is not too far any more");
    check(take(&pace, NOW + 3600000) == NOW + 3600000, "an hour later the pace begins anew");
    check(take(&pace, NOW + 3600001) == NOW + 3600000 + DELAY, "from there");
}

/* More come than there are places that can be told apart, and each would be near enough. */
static void test_no_place(void)
{
    const struct pace_rule patient = {.delay_ms = DELAY, .longest_ms = 2 * PACE_PLACES * DELAY};
    struct record_pace pace = {0};
    struct record_pace before;
    uint64_t given = 0, wrong = 0, place_ms = 0;

    for (; pace_take(&pace, &patient, NOW, &place_ms) && given < 2 * PACE_PLACES; given++)
        wrong += place_ms != NOW + given * DELAY;
    check(given >= PACE_PLACES && given < 2 * PACE_PLACES && wrong == 0, "as many as there are places have one each");
    before = pace;
    check(!pace_take(&pace, &patient, NOW, &place_ms), "one more has none, near as it would be");
    check(memcmp(&before, &pace, sizeof pace) == 0, "and nothing is taken then");
    check(pace_take(&pace, &patient, NOW + 2 * DELAY, &place_ms) && place_ms == NOW + given * DELAY,
          "until the first of those places is over");
}

static void test_leaving(void)
{
    struct record_pace pace = {0};
    struct record_pace before;

    take(&pace, NOW);
    take(&pace, NOW);
    take(&pace, NOW);
    take(&pace, NOW);
    pace_leave(&pace, &usual, NOW + 2 * DELAY);
    check_number(pace_waiting(&pace, &usual, NOW), 2, "whoever leaves does not wait any more");
    check(take(&pace, NOW + 3) == NOW + 2 * DELAY, "and his place is for who comes next");
    pace_leave(&pace, &usual, NOW + 3 * DELAY);
    check(take(&pace, NOW + 3) == NOW + 3 * DELAY, "the last place too");
    pace_leave(&pace, &usual, NOW + DELAY);
    check(take(&pace, NOW + DELAY + 1) == NOW + 4 * DELAY, "but not one whose time is over");

    before = pace;
    pace_leave(&pace, &usual, NOW + 2 * DELAY + 1);
    pace_leave(&pace, &usual, NOW - DELAY);
    pace_leave(&pace, &usual, NOW + 1000 * DELAY);
    pace_leave(&pace, &usual, UINT64_MAX);
    pace_leave(&pace, &usual, 0);
    check(memcmp(&before, &pace, sizeof pace) == 0, "what is not held cannot be left");

    pace = (struct record_pace){0};
    take(&pace, NOW);
    pace_leave(&pace, &usual, NOW);
    check(take(&pace, NOW + 1) == NOW + 1, "one that leaves before it got its seed costs the next nothing");
}

/* With DELAY_SCOPE=all: places of the common pace, held in the source's own as well. */
static void test_holding(void)
{
    const struct pace_rule longer = {.delay_ms = DELAY, .longest_ms = 63 * DELAY};
    struct record_pace own = {0};
    uint64_t place_ms;

    pace_hold(&own, &usual, NOW, NOW + 3 * DELAY);
    pace_hold(&own, &usual, NOW, NOW + 5 * DELAY);
    check_number(pace_waiting(&own, &usual, NOW), 2, "places of another pace are counted");
    pace_hold(&own, &usual, NOW, NOW + DELAY);
    check_number(pace_waiting(&own, &usual, NOW), 3, "in whatever order they are taken");
    check_number(pace_waiting(&own, &usual, NOW + DELAY), 2, "each until its time");
    check_number(pace_waiting(&own, &usual, NOW + 3 * DELAY), 1, "has come");
    pace_leave(&own, &usual, NOW + 5 * DELAY);
    check_number(pace_waiting(&own, &usual, NOW), 2, "and they can be left");
    own = (struct record_pace){0};
    pace_hold(&own, &longer, NOW, NOW + DELAY);
    pace_hold(&own, &longer, NOW, NOW + 62 * DELAY);
    pace_hold(&own, &longer, NOW + 60 * DELAY, NOW + 100 * DELAY);
    check_number(pace_waiting(&own, &longer, NOW + 60 * DELAY), 2, "however long ago the one in use was");
    own = (struct record_pace){.first_ms = NOW + 200 * DELAY, .taken = 1};
    pace_hold(&own, &usual, NOW, NOW + DELAY);
    check_number(pace_waiting(&own, &usual, NOW), 1, "those that are too far away to be told apart do not count");
    pace_hold(&own, &usual, NOW + 10 * DELAY, NOW + 11 * DELAY);
    check_number(pace_waiting(&own, &usual, NOW + 10 * DELAY), 1, "those of the past do not count any more");
    own = (struct record_pace){.first_ms = NOW, .taken = 7};
    check_number(pace_waiting(&own, &(struct pace_rule){.delay_ms = 720 * DELAY, .longest_ms = LONGEST}, NOW), 0,
                 "nor those that a longer DELAY would put hours away");
    check(pace_take(&own, &(struct pace_rule){.delay_ms = 720 * DELAY, .longest_ms = LONGEST}, NOW, &place_ms) &&
              place_ms == NOW,
          "and nobody waits for them");
}

static void test_no_pace(void)
{
    const struct pace_rule none = {.delay_ms = 0, .longest_ms = 0};
    struct record_pace pace = {.first_ms = NOW + 1, .taken = 5};
    const struct record_pace before = pace;
    uint64_t place_ms = 0;

    check(pace_take(&pace, &none, NOW, &place_ms) && place_ms == NOW, "without DELAY everybody is served at once");
    pace_hold(&pace, &none, NOW, NOW + 7);
    pace_leave(&pace, &none, NOW + 1);
    check(pace_waiting(&pace, &none, NOW) == 0 && memcmp(&before, &pace, sizeof pace) == 0,
          "and nobody holds anything");
}

/* --- beside a model --- */

#define VISITORS 4000

/* Who came: when his seed is due, and whether he is still waiting for it, or has had it. */
struct visitor {
    uint64_t place_ms;
    bool there;
};

struct model {
    struct visitor visitors[VISITORS];
    unsigned count;
};

/* The earliest moment from now on that is DELAY from every seed that was given or is due. */
static uint64_t earliest(const struct model *model, uint64_t now_ms, uint64_t delay_ms)
{
    uint64_t place_ms = now_ms;

    for (unsigned i = 0; i < model->count; i++) {
        const struct visitor *visitor = &model->visitors[i];

        if (visitor->there && visitor->place_ms + delay_ms > place_ms && visitor->place_ms <= now_ms)
            place_ms = visitor->place_ms + delay_ms;
    }
    return place_ms;
}

static bool is_clear(const struct model *model, uint64_t place_ms, uint64_t delay_ms)
{
    for (unsigned i = 0; i < model->count; i++) {
        const struct visitor *visitor = &model->visitors[i];
        const uint64_t apart =
            visitor->place_ms > place_ms ? visitor->place_ms - place_ms : place_ms - visitor->place_ms;

        if (visitor->there && apart < delay_ms)
            return false;
    }
    return true;
}

static unsigned waiting_in(const struct model *model, uint64_t now_ms)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->count; i++)
        count += model->visitors[i].there && model->visitors[i].place_ms > now_ms;
    return count;
}

/* What went wrong in one walk, each counted. */
struct wrongs {
    unsigned close, late, long_wait, unfair, miscounted;
};

/* Somebody comes: what the pace gives him must be what the model allows. */
static void comes(struct record_pace *pace, const struct pace_rule *rule, struct model *model, uint64_t now_ms,
                  struct wrongs *wrongs)
{
    const uint64_t first_ms = earliest(model, now_ms, rule->delay_ms);
    const bool none_wait = waiting_in(model, now_ms) == 0;
    uint64_t place_ms;

    if (!pace_take(pace, rule, now_ms, &place_ms)) {
        /* Only where the places up to the longest wait are all held. */
        wrongs->unfair += none_wait && first_ms - now_ms <= rule->longest_ms;
        for (uint64_t at = pace->first_ms; at <= now_ms + rule->longest_ms; at += rule->delay_ms)
            wrongs->unfair += at >= now_ms && is_clear(model, at, rule->delay_ms);
        return;
    }
    wrongs->close += !is_clear(model, place_ms, rule->delay_ms);
    wrongs->long_wait += place_ms < now_ms || place_ms - now_ms > rule->longest_ms;
    wrongs->late += none_wait && place_ms != first_ms;
    for (uint64_t at = pace->first_ms; at < place_ms; at += rule->delay_ms)
        wrongs->late += at >= now_ms && is_clear(model, at, rule->delay_ms);
    model->visitors[model->count++] = (struct visitor){place_ms, true};
}

/* One of those who wait leaves; who is killed stays in both. */
static void leaves(struct record_pace *pace, const struct pace_rule *rule, struct model *model, uint64_t now_ms,
                   unsigned which)
{
    for (unsigned i = model->count; i-- > 0 && model->count - i < 100;) {
        struct visitor *visitor = &model->visitors[i];

        if (!visitor->there || visitor->place_ms <= now_ms || which-- != 0)
            continue;
        visitor->there = false;
        pace_leave(pace, rule, visitor->place_ms);
        return;
    }
}

static void walk(const struct pace_rule *rule, unsigned seed, struct wrongs *wrongs)
{
    static struct model model;
    unsigned short state[3] = {(unsigned short)seed, 3, 5};
    struct record_pace pace = {0};
    uint64_t now_ms = NOW;

    model.count = 0;
    while (model.count < VISITORS / 4) {
        switch (nrand48(state) % 8) {
        case 0:
        case 1:
        case 2:
            comes(&pace, rule, &model, now_ms, wrongs);
            break;
        case 3:
        case 4:
            leaves(&pace, rule, &model, now_ms, (unsigned)nrand48(state) % 4);
            break;
        case 5:
            now_ms += rule->delay_ms;
            break;
        default:
            now_ms += (uint64_t)nrand48(state) % (2 * rule->delay_ms);
            break;
        }
        wrongs->miscounted += pace_waiting(&pace, rule, now_ms) != waiting_in(&model, now_ms);
    }
}

static void test_model(void)
{
    static const struct pace_rule rules[] = {
        {.delay_ms = DELAY, .longest_ms = LONGEST}, {.delay_ms = 1000, .longest_ms = 60000},
        {.delay_ms = 7000, .longest_ms = 6000},     {.delay_ms = 1000, .longest_ms = 0},
        {.delay_ms = 1000, .longest_ms = 63000},    {.delay_ms = 600000, .longest_ms = 3600000},
    };
    struct wrongs wrongs = {0};

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        for (unsigned seed = 0; seed < 4; seed++)
            walk(&rules[i], seed, &wrongs);
    check_number(wrongs.close, 0, "no two seeds are closer together than DELAY, whoever comes, leaves or is killed");
    check_number(wrongs.late, 0, "nobody is given a place while an earlier one is free");
    check_number(wrongs.long_wait, 0, "nobody waits for longer than the longest, nor gets a place in the past");
    check_number(wrongs.unfair, 0, "nobody is refused while there is a place for him");
    check_number(wrongs.miscounted, 0, "and those who wait are counted right at every moment");
}

/* The same for the places of one source among those of all. */
static void test_model_of_all(void)
{
    struct record_pace all = {0}, own[3] = {{0}};
    static struct model models[3];
    unsigned short state[3] = {1, 2, 3};
    unsigned miscounted = 0;
    uint64_t now_ms = NOW, place_ms;

    for (unsigned step = 0; step < 6000; step++) {
        const unsigned who = (unsigned)nrand48(state) % 3;
        struct model *model = &models[who];

        if (nrand48(state) % 2 == 0 && model->count < VISITORS && pace_take(&all, &usual, now_ms, &place_ms)) {
            pace_hold(&own[who], &usual, now_ms, place_ms);
            model->visitors[model->count++] = (struct visitor){place_ms, true};
        } else if (nrand48(state) % 3 == 0) {
            for (unsigned i = model->count; i-- > 0 && model->count - i < 20;)
                if (model->visitors[i].there && model->visitors[i].place_ms > now_ms) {
                    model->visitors[i].there = false;
                    pace_leave(&all, &usual, model->visitors[i].place_ms);
                    pace_leave(&own[who], &usual, model->visitors[i].place_ms);
                    break;
                }
        } else {
            now_ms += (uint64_t)nrand48(state) % DELAY;
        }
        for (unsigned i = 0; i < 3; i++)
            miscounted += pace_waiting(&own[i], &usual, now_ms) != waiting_in(&models[i], now_ms);
    }
    check_number(miscounted, 0, "the places that a source holds among those of all are counted right");
}

/* --- what nobody would write --- */

static void test_odd_records(void)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   NOW - 1,
                                   NOW,
                                   NOW + 1,
                                   NOW + LONGEST + DELAY,
                                   NOW + LONGEST + DELAY + 1,
                                   UINT64_C(1) << 32,
                                   UINT64_C(1) << 48,
                                   UINT64_C(1) << 63,
                                   UINT64_MAX - DELAY,
                                   UINT64_MAX - 1,
                                   UINT64_MAX};
    static const uint64_t nows[] = {0, NOW, UINT64_C(0xfffffffffffe)};
    const size_t count = sizeof odd / sizeof odd[0];
    unsigned far = 0, stuck = 0;

    for (size_t first = 0; first < count; first++)
        for (size_t taken = 0; taken < count; taken++)
            for (size_t now = 0; now < sizeof nows / sizeof nows[0]; now++) {
                struct record_pace pace = {.first_ms = odd[first], .taken = odd[taken]};
                struct record_pace held = pace;
                uint64_t now_ms = nows[now], place_ms = 0;

                (void)pace_waiting(&pace, &usual, now_ms);
                pace_leave(&pace, &usual, odd[taken]);
                pace_hold(&held, &usual, now_ms, now_ms + DELAY);
                far += pace_waiting(&held, &usual, now_ms) == 0;
                far +=
                    pace_take(&held, &usual, now_ms, &place_ms) && (place_ms < now_ms || place_ms - now_ms > LONGEST);
                far +=
                    pace_take(&pace, &usual, now_ms, &place_ms) && (place_ms < now_ms || place_ms - now_ms > LONGEST);
                /* However full it was, it is over when all of it is in the past. */
                now_ms += 66 * DELAY + LONGEST;
                stuck += !pace_take(&pace, &usual, now_ms, &place_ms) || place_ms != now_ms;
            }
    check_number(far, 0, "no record of any values makes anybody wait for longer than the longest");
    check_number(stuck, 0, "nor anybody at all once the places that there can be are over");
}

/* Places that were taken under one DELAY, read under another. */
static void test_changed_delay(void)
{
    static const uint64_t delays[] = {1, 999, 1000, 5000, 7000, 86400000, UINT64_C(1) << 53};
    const size_t count = sizeof delays / sizeof delays[0];
    unsigned wrong = 0;

    for (size_t before = 0; before < count; before++)
        for (size_t after = 0; after < count; after++) {
            const struct pace_rule old = {.delay_ms = delays[before], .longest_ms = 6 * delays[before]};
            const struct pace_rule new = {.delay_ms = delays[after], .longest_ms = LONGEST};
            struct record_pace pace = {0};
            uint64_t place_ms = 0;

            for (unsigned i = 0; i < 5; i++)
                (void)pace_take(&pace, &old, NOW, &place_ms);
            pace_leave(&pace, &new, place_ms);
            pace_hold(&pace, &new, NOW, NOW + new.delay_ms);
            if (pace_take(&pace, &new, NOW, &place_ms))
                wrong += place_ms < NOW || place_ms - NOW > LONGEST;
        }
    check_number(wrong, 0, "nor does a DELAY that was changed");
}

int main(void)
{
    test_places();
    test_no_place();
    test_leaving();
    test_holding();
    test_no_pace();
    test_model();
    test_model_of_all();
    test_odd_records();
    test_changed_delay();
    return check_end();
}
