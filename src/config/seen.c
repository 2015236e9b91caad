/* SPDX-License-Identifier: ISC */
/* See seen.h. Called by secrets.c for each secret. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static size_t slots_for(size_t limit)
{
    size_t slot_count = 16;

    while (slot_count < 2 * limit)
        slot_count *= 2;
    return slot_count;
}

int seen_new(size_t limit, struct seen *seen)
{
    *seen = (struct seen){.slot_count = slots_for(limit)};
    /* Without waiting: soon after the start of a machine that could take minutes. */
    if (getrandom(seen->key, sizeof(seen->key), GRND_NONBLOCK) != (ssize_t)sizeof(seen->key))
        return -1;
    seen->slots = calloc(seen->slot_count, sizeof(seen->slots[0]));
    return seen->slots != NULL ? 0 : -1;
}

/* Half of the slots stay free, so this ends after a few steps. */
static struct seen_slot *find(struct seen_slot *slots, size_t slot_count, uint64_t tag)
{
    size_t place = (size_t)tag & (slot_count - 1);

    while (slots[place].used && slots[place].tag != tag)
        place = (place + 1) & (slot_count - 1);
    return &slots[place];
}

static void wipe(struct seen_slot *slots, size_t slot_count)
{
    if (slots == NULL)
        return;
    explicit_bzero(slots, slot_count * sizeof(slots[0]));
    free(slots);
}

int seen_reserve(struct seen *seen, size_t limit)
{
    const size_t slot_count = slots_for(limit);
    struct seen_slot *slots;

    if (slot_count <= seen->slot_count)
        return 0;
    slots = calloc(slot_count, sizeof(slots[0]));
    if (slots == NULL)
        return -1;
    for (size_t i = 0; i < seen->slot_count; i++) {
        if (seen->slots[i].used)
            *find(slots, slot_count, seen->slots[i].tag) = seen->slots[i];
    }
    wipe(seen->slots, seen->slot_count);
    seen->slots = slots;
    seen->slot_count = slot_count;
    return 0;
}

bool seen_add(struct seen *seen, struct secret secret, unsigned line, unsigned *earlier)
{
    const uint64_t tag = siphash(seen->key, secret.bytes, secret.len);
    struct seen_slot *slot = find(seen->slots, seen->slot_count, tag);

    if (slot->used) {
        *earlier = slot->line;
        return false;
    }
    *slot = (struct seen_slot){.tag = tag, .line = line, .used = true};
    return true;
}

void seen_free(struct seen *seen)
{
    wipe(seen->slots, seen->slot_count);
    explicit_bzero(seen, sizeof(*seen));
}
