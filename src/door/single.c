/* SPDX-License-Identifier: ISC */
/* See single.h. */
#include "single.h"

#include "proc.h"

#include <errno.h>
#include <string.h>

/* This process, as it is written down. */
static int make_mark(const struct moment *now, struct used_mark *mark)
{
    static const uint8_t not_known[USED_BOOT_ID_LEN];
    struct proc self;

    _Static_assert(USED_BOOT_ID_LEN == RECORD_BOOT_ID_LEN, "an identity is as long in all records");
    errno = 0;
    if (memcmp(now->boot_id, not_known, sizeof(not_known)) == 0 || proc_self(&self) != 0)
        return -1;
    *mark = (struct used_mark){.when_s = now->wall_ms / 1000, .run = {.pid = (uint32_t)self.pid, .start = self.start}};
    memcpy(mark->run.boot_id, now->boot_id, sizeof(mark->run.boot_id));
    return 0;
}

/* What has become of the process that is written down. */
static enum single_result look_at(const struct used_run *run, const struct used_run *now)
{
    const struct proc process = {(pid_t)run->pid, run->start};

    if (memcmp(run->boot_id, now->boot_id, sizeof(now->boot_id)) != 0)
        return SINGLE_MINE;
    switch (proc_look(&process)) {
    case PROC_RUNS:
        return SINGLE_RUNS;
    case PROC_HIDDEN:
        return SINGLE_HIDDEN;
    case PROC_ENDED:
        break;
    }
    return SINGLE_MINE;
}

/* While the record is held alone. */
static enum single_result take(struct used *used, const struct used_name *name, const struct used_mark *mark,
                               enum used_fault *fault)
{
    enum single_result result = SINGLE_MINE;
    struct used_mark last;

    *fault = used_find(used, name, &last);
    if (*fault == USED_OK)
        result = look_at(&last.run, &mark->run);
    else if (*fault != USED_UNKNOWN)
        return SINGLE_FAILED;
    if (result == SINGLE_MINE)
        *fault = used_put(used, name, mark);
    return *fault == USED_OK ? result : SINGLE_FAILED;
}

enum single_result single_take(const struct spend_place *place, const char *action, const struct moment *now,
                               enum used_fault *fault)
{
    const struct used_options options = spend_options(place, false);
    const struct used_name name = {.kind = USED_RUN, .bytes = action, .len = strlen(action)};
    enum single_result result = SINGLE_FAILED;
    struct used_mark mark;
    struct used used;

    *fault = USED_OK;
    if (make_mark(now, &mark) != 0)
        return SINGLE_UNKNOWN;
    *fault = used_open(&options, &used);
    if (*fault == USED_OK)
        *fault = used_hold(&used, HOLD_ALONE);
    if (*fault == USED_OK)
        result = take(&used, &name, &mark, fault);
    used_close(&used);
    return result;
}
