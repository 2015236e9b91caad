/* SPDX-License-Identifier: ISC */
/*
 * calloc for one block at a time, or none. The block ends where its memory ends, so that one step behind it is an
 * alarm; the analysis' own would take blocks of different sizes for one.
 */
#include "any.h"

#include <string.h>

#define ROOM_LEN 16384

static char room[ROOM_LEN];
static bool in_use;

void *any_calloc(size_t count, size_t size)
{
    const size_t len = count * size;
    const bool fails = any_bool();
    //@ split len;
    //@ split fails;
    char *block = room + ROOM_LEN - len;

    //@ assert room_is_large_enough: len <= ROOM_LEN;
    //@ assert one_at_a_time: !in_use;
    if (fails)
        return NULL;
    memset(block, 0, len);
    in_use = true;
    return block;
}

void any_free(void *block)
{
    //@ assert block_was_given: block == \null || (in_use && \valid_read((char *)block));
    if (block != NULL)
        in_use = false;
}
