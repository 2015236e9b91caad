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

void slot_await(struct record_slot *slot, uint64_t now_ms, uint64_t judged_by_ms)
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

void slot_judge(struct record_slot *slot)
{
    if (slot->unjudged > 0)
        slot->unjudged--;
    if (slot->unjudged == 0)
        slot->judged_by_ms = 0;
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
    return slot->source.prefix == source->prefix &&
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
