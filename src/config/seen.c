/* SPDX-License-Identifier: ISC */
/* See seen.h. Called by entry.c for each secret. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int seen_new(size_t limit, struct seen *seen)
{
    size_t slot_count = 16;

    while (slot_count < 2 * limit)
        slot_count *= 2;
    *seen = (struct seen){.slot_count = slot_count};
    /* Without waiting: soon after the start of a machine that could take minutes. */
    if (getrandom(seen->key, sizeof(seen->key), GRND_NONBLOCK) != (ssize_t)sizeof(seen->key))
        return -1;
    seen->slots = calloc(slot_count, sizeof(seen->slots[0]));
    return seen->slots != NULL ? 0 : -1;
}

bool seen_add(struct seen *seen, struct secret secret, unsigned line, unsigned *earlier)
{
    const uint64_t tag = siphash(seen->key, secret.bytes, secret.len);
    size_t place = (size_t)tag & (seen->slot_count - 1);

    /* Half of the slots stay free, so this ends after a few steps. */
    while (seen->slots[place].used) {
        if (seen->slots[place].tag == tag) {
            *earlier = seen->slots[place].line;
            return false;
        }
        place = (place + 1) & (seen->slot_count - 1);
    }
    seen->slots[place] = (struct seen_slot){.tag = tag, .line = line, .used = true};
    return true;
}

void seen_free(struct seen *seen)
{
    if (seen->slots != NULL) {
        explicit_bzero(seen->slots, seen->slot_count * sizeof(seen->slots[0]));
        free(seen->slots);
    }
    explicit_bzero(seen, sizeof(*seen));
}
