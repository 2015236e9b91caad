/* SPDX-License-Identifier: ISC */
/* What the tests of the record of used codes share: a state directory in the scratch one, names by number, one step. */
#ifndef OSTIARY_USEDS_H
#define OSTIARY_USEDS_H

#include "scratch.h"
#include "used.h"
#include "used_bytes.h"

static char useds_dir[SCRATCH_PATH_LEN + 10];

static inline const char *useds_path(const char *name)
{
    return scratch_root_path(useds_dir, name);
}

static inline void useds_begin(void)
{
    scratch_begin();
    snprintf(useds_dir, sizeof useds_dir, "%s/state", scratch_dir);
    scratch_need(mkdir(useds_dir, 0700) == 0, "mkdir");
}

static inline void useds_empty(void)
{
    unlink(useds_path(USED_NAME));
    unlink(useds_path("used.new"));
    (void)rmdir(useds_path(""));
}

static inline void useds_end(void)
{
    useds_empty();
    scratch_need(rmdir(useds_dir) == 0, "rmdir of the state directory");
    scratch_end();
}

static inline struct used useds_open(bool read_only)
{
    const struct used_options options = {
        .state_dir = useds_dir, .patience_ms = SCRATCH_PATIENCE_MS, .read_only = read_only};
    struct used used;

    scratch_need(used_open(&options, &used) == USED_OK, "used_open");
    return used;
}

/* A key by number. */
static inline struct used_name useds_name(const uint32_t *number)
{
    return (struct used_name){USED_HOTP, number, sizeof *number};
}

/* The next of a key, in a record that is opened anew; UINT64_MAX where there is none. */
static inline uint64_t useds_next(uint32_t number)
{
    const struct used_name name = useds_name(&number);
    const struct used_options options = {.state_dir = useds_dir, .patience_ms = SCRATCH_PATIENCE_MS, .read_only = true};
    struct used_mark mark = {.next = UINT64_MAX};
    struct used used;

    if (used_open(&options, &used) != USED_OK || used_hold(&used, HOLD_SHARED) != USED_OK ||
        used_find(&used, &name, &mark) != USED_OK)
        mark.next = UINT64_MAX;
    used_close(&used);
    return mark.next;
}

/* Use a counter up as a handler does: USED_FULL where it was before. */
static inline enum used_fault useds_use(struct used *used, uint32_t number, uint64_t counter)
{
    const struct used_name name = useds_name(&number);
    struct used_mark mark;
    enum used_fault fault = used_hold(used, HOLD_ALONE);

    if (fault != USED_OK)
        return fault;
    fault = used_find(used, &name, &mark);
    if (fault == USED_OK && counter < mark.next) {
        used_release(used);
        return USED_FULL;
    }
    mark.next = counter + 1;
    if (fault == USED_OK || fault == USED_UNKNOWN)
        fault = used_put(used, &name, &mark);
    if (fault == USED_OK)
        fault = used_sync(used);
    used_release(used);
    return fault;
}

#endif
