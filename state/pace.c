/* SPDX-License-Identifier: ISC */
/* See pace.h. */
#include "pace.h"

#define NO_PLACE UINT64_MAX

/* number: below PACE_PLACES. */
static bool is_held(const struct record_pace *pace, uint64_t number)
{
    return (pace->taken >> number & 1) != 0;
}

/* The number of the last place whose time is not behind now_ms; NO_PLACE where all of them are later. */
static uint64_t reached(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    return now_ms < pace->first_ms ? NO_PLACE : (now_ms - pace->first_ms) / rule->delay_ms;
}

/* Those of the places whose time has not come. */
static uint64_t later_places(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    const uint64_t last = reached(pace, rule, now_ms);

    if (last == NO_PLACE)
        return pace->taken;
    return last >= PACE_PLACES - 1 ? 0 : pace->taken >> (last + 1) << (last + 1);
}

/*
 * One with a place later than any can be here was written under another configuration, as with another DELAY: what its
 * bits mean is not known, and they could keep somebody waiting for hours.
 */
static bool is_strange(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    const uint64_t latest_ms = now_ms + rule->longest_ms + rule->delay_ms;
    uint64_t last = PACE_PLACES - 1;

    if (pace->first_ms > latest_ms)
        return true;
    while (last > 0 && !is_held(pace, last))
        last--;
    return last > (latest_ms - pace->first_ms) / rule->delay_ms;
}

unsigned pace_waiting(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    uint64_t later = 0;
    unsigned count = 0;

    if (rule->delay_ms != 0 && !is_strange(pace, rule, now_ms))
        later = later_places(pace, rule, now_ms);
    for (; later != 0; later &= later - 1)
        count++;
    return count;
}

/* Make the last place that was in use the first, or where none was, the last one: what lies before does not matter. */
static void forget_past(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    uint64_t number = reached(pace, rule, now_ms);
    uint64_t held;

    if (number == NO_PLACE)
        return;
    if (number >= PACE_PLACES)
        number = PACE_PLACES - 1;
    for (held = number; held > 0 && !is_held(pace, held);)
        held--;
    if (is_held(pace, held))
        number = held;
    pace->taken >>= number;
    pace->first_ms += number * rule->delay_ms;
}

/* Keep the places whose time has not come, and make the first of them place 0; none: an empty pace. */
static void keep_later(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    const uint64_t later = later_places(pace, rule, now_ms);
    uint64_t number = 0;

    while (number < PACE_PLACES && (later >> number & 1) == 0)
        number++;
    if (number < PACE_PLACES)
        *pace = (struct record_pace){.first_ms = pace->first_ms + number * rule->delay_ms, .taken = later >> number};
    else
        *pace = (struct record_pace){0};
}

/* Nobody waits: the next place is at once, or DELAY behind the last one, and the pace starts anew there. */
static uint64_t start(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    const uint64_t next_ms = pace->first_ms + (is_held(pace, 0) ? rule->delay_ms : 0);

    return next_ms > now_ms ? next_ms : now_ms;
}

/* Others wait: the first place between or behind theirs that is not in the past. */
static uint64_t find_gap(const struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms)
{
    for (uint64_t number = 0; number < PACE_PLACES; number++)
        if (!is_held(pace, number) && pace->first_ms + number * rule->delay_ms >= now_ms)
            return number;
    return NO_PLACE;
}

bool pace_take(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms, uint64_t *place_ms)
{
    struct record_pace next = *pace;
    uint64_t number = 0;

    *place_ms = now_ms;
    if (rule->delay_ms == 0)
        return true;
    if (is_strange(&next, rule, now_ms))
        next = (struct record_pace){0};
    forget_past(&next, rule, now_ms);
    if (later_places(&next, rule, now_ms) == 0)
        next = (struct record_pace){.first_ms = start(&next, rule, now_ms)};
    else
        number = find_gap(&next, rule, now_ms);
    if (number == NO_PLACE)
        return false;
    *place_ms = next.first_ms + number * rule->delay_ms;
    if (*place_ms - now_ms > rule->longest_ms)
        return false;
    next.taken |= UINT64_C(1) << number;
    *pace = next;
    return true;
}

void pace_hold(struct record_pace *pace, const struct pace_rule *rule, uint64_t now_ms, uint64_t place_ms)
{
    uint64_t number;

    if (rule->delay_ms == 0)
        return;
    if (is_strange(pace, rule, now_ms))
        *pace = (struct record_pace){0};
    /* The place in use is of no matter here, and from there to the new one it may be further than bits can tell. */
    keep_later(pace, rule, now_ms);
    if (pace->taken == 0)
        pace->first_ms = place_ms;
    if (place_ms < pace->first_ms) {
        number = (pace->first_ms - place_ms) / rule->delay_ms;
        pace->taken = number < PACE_PLACES ? pace->taken << number : 0;
        pace->first_ms = place_ms;
    }
    number = (place_ms - pace->first_ms) / rule->delay_ms;
    if (number < PACE_PLACES)
        pace->taken |= UINT64_C(1) << number;
}

void pace_leave(struct record_pace *pace, const struct pace_rule *rule, uint64_t place_ms)
{
    if (rule->delay_ms == 0 || place_ms < pace->first_ms || (place_ms - pace->first_ms) % rule->delay_ms != 0)
        return;
    const uint64_t number = (place_ms - pace->first_ms) / rule->delay_ms;
    if (number < PACE_PLACES)
        pace->taken &= ~(UINT64_C(1) << number);
}
