/* SPDX-License-Identifier: ISC */
/*
 * calloc for two blocks at a time, or none. A block ends where its memory ends, so that one step behind it is an
 * alarm; the analysis' own would take blocks of different sizes for one.
 */
#include "any.h"

#include <string.h>

#define ROOM_LEN 16384

static char first_room[ROOM_LEN], second_room[ROOM_LEN];
static char *first, *second; /* NULL: not in use */

void *any_calloc(size_t count, size_t size)
{
    const size_t len = count * size;
    const bool fails = any_bool();
    //@ split len;
    //@ split fails;

    //@ assert room_is_large_enough: len <= ROOM_LEN;
    //@ assert two_at_a_time: first == \null || second == \null;
    if (fails)
        return NULL;
    if (first == NULL) {
        first = first_room + ROOM_LEN - len;
        memset(first, 0, len);
        return first;
    }
    second = second_room + ROOM_LEN - len;
    memset(second, 0, len);
    return second;
}

void any_free(void *block)
{
    //@ assert block_was_given: block == \null || block == first || block == second;
    if (block == NULL)
        return;
    if (block == first)
        first = NULL;
    else
        second = NULL;
}
