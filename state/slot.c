/* SPDX-License-Identifier: ISC */
/* See slot.h. */
#include "slot.h"

#include <string.h>

bool slot_in_force(const struct record_slot *slot, uint64_t now)
{
    return slot->locked && now < slot->locked_until;
}

bool slot_binds(const struct record_slot *slot, bool exempt, uint64_t now)
{
    return slot_in_force(slot, now) && (slot->by_hand || !exempt);
}

uint64_t slot_strikes(const struct record_slot *slot, uint64_t strike_time, uint64_t now)
{
    const uint64_t age = now > slot->last_strike ? now - slot->last_strike : 0;

    if (slot->locked)
        return slot_in_force(slot, now) ? slot->strikes : 0;
    return age < strike_time ? slot->strikes : 0;
}

void slot_refresh(struct record_slot *slot, uint64_t strike_time, uint64_t now)
{
    if (slot->locked ? !slot_in_force(slot, now) : slot->strikes > slot_strikes(slot, strike_time, now))
        slot_absolve(slot);
}

unsigned slot_unjudged(const struct record_slot *slot, uint64_t now_ms)
{
    return now_ms < slot->judged_by_ms ? slot->unjudged : 0;
}

static void await(struct record_slot *slot, uint64_t now_ms, uint64_t judged_by_ms)
{
    /* Those of handlers that were killed count by now. */
    if (slot->unjudged > 0 && slot_unjudged(slot, now_ms) == 0) {
        slot->unjudged = 0;
        slot->round++;
    }
    if (slot->unjudged < UINT16_MAX)
        slot->unjudged++;
    if (slot->judged_by_ms < judged_by_ms)
        slot->judged_by_ms = judged_by_ms;
}

static void judge(struct record_slot *slot)
{
    if (slot->unjudged > 0)
        slot->unjudged--;
    if (slot->unjudged == 0)
        slot->judged_by_ms = 0;
}

void slot_strike(struct record_slot *slot, const struct slot_rule *rule, struct slot_strike *strike)
{
    strike->generation = slot->generation;
    strike->previous_strike = slot->last_strike;
    if (slot->strikes == 0 || !rule->in_windows)
        slot->last_strike = rule->now;
    if (slot->strikes < UINT32_MAX)
        slot->strikes++;
    if (rule->locks) {
        await(slot, rule->now_ms, rule->judged_by_ms);
        strike->unjudged = true;
        strike->round = slot->round;
    }
    if (rule->locks && slot->strikes >= rule->limit) {
        slot->locked = true;
        slot->by_hand = false;
        slot->last_strike = rule->now;
        slot->locked_until = rule->locked_until;
        strike->locks = true;
        strike->locked_until = rule->locked_until;
    }
    strike->strikes = slot->strikes;
    strike->last_strike = slot->last_strike;
}

/*
 * While a source is locked nobody else can strike, but those who struck before may take theirs back, so the number of
 * strikes says nothing about whose lock it is.
 */
void slot_take_back(struct record_slot *slot, const struct slot_strike *strike)
{
    if (slot->locked && !slot->by_hand && slot->locked_until == strike->locked_until) {
        slot->locked = false;
        slot->locked_until = 0;
    }
    if (!slot->locked && slot->strikes == strike->strikes && slot->last_strike == strike->last_strike)
        slot->last_strike = strike->previous_strike;
    slot->strikes--;
}

void slot_judge_strike(struct record_slot *slot, const struct slot_strike *strike)
{
    if (strike->unjudged && slot->generation == strike->generation && slot->round == strike->round)
        judge(slot);
}

bool slot_hangs(const struct record_slot *slot, const struct slot_rule *rule, uint64_t strike_time)
{
    const uint64_t strikes = slot_strikes(slot, strike_time, rule->now);
    const unsigned unjudged = slot_unjudged(slot, rule->now_ms);

    if (slot_in_force(slot, rule->now))
        return unjudged > 0 && !slot->by_hand && !slot->lock_judged;
    return strikes + 1 >= rule->limit && strikes + 1 < rule->limit + unjudged;
}

bool slot_is_known(const struct record_slot *slot, uint64_t now)
{
    return slot->accepted != 0 && (now < slot->accepted || now - slot->accepted < SLOT_KNOWN_TIME);
}

void slot_absolve(struct record_slot *slot)
{
    slot->locked = false;
    slot->by_hand = false;
    slot->lock_judged = false;
    slot->locked_until = 0;
    slot->strikes = 0;
    slot->unjudged = 0;
    slot->judged_by_ms = 0;
    slot->generation++;
}

bool slot_is(const struct record_slot *slot, const struct source *source)
{
    return slot->source.prefix == source->prefix && slot->source.is_network == source->is_network &&
           memcmp(slot->source.address, source->address, SOURCE_ADDRESS_LEN) == 0;
}

bool slot_covers(const struct record_slot *slot, const struct source *source)
{
    const unsigned bits = slot->source.prefix;

    if (bits > source->prefix || bits > 8 * SOURCE_ADDRESS_LEN)
        return false;
    if (memcmp(slot->source.address, source->address, bits / 8) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    return ((slot->source.address[bits / 8] ^ source->address[bits / 8]) >> (8 - bits % 8)) == 0;
}
