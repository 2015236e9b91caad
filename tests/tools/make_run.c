/* SPDX-License-Identifier: ISC */
/*
 * make-run STATE_DIR ACTION PID LATER: the record says that ACTION is the process PID, as if that had been started
 * LATER clock ticks later than it was. For tests of single=: with 0 it runs as long as this process does, and with
 * anything else that number has been given to another process since.
 */
#include "moment.h"
#include "number.h"
#include "proc.h"
#include "spend.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t parse(const char *text)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){0, INT32_MAX}, &number) != NUMBER_OK)
        errx(64, "no number: %s", text);
    return number;
}

static void expect(enum used_fault fault)
{
    if (fault != USED_OK)
        errx(74, "%s", used_fault_text(fault));
}

/* Field 22 of proc(5), of which the first ones are in the line up to the name. */
static uint64_t start_of(pid_t pid)
{
    char line[PROC_LINE_LEN];
    const char *fields = proc_fields(pid, line);
    uint64_t start;

    if (fields == NULL)
        err(71, "process %jd", (intmax_t)pid);
    for (unsigned field = 3; field < 22 && fields != NULL; field++)
        fields = strchr(fields + 1, ' ');
    if (fields == NULL || sscanf(fields, " %" SCNu64, &start) != 1)
        errx(71, "process %jd: no start", (intmax_t)pid);
    return start;
}

int main(int argc, char **argv)
{
    struct used_mark mark = {0};
    struct moment now;
    struct used used;

    if (argc != 5)
        errx(64, "usage: make-run STATE_DIR ACTION PID LATER");
    moment_read(&now);
    mark.when_s = now.wall_ms / 1000;
    mark.run.pid = (uint32_t)parse(argv[3]);
    mark.run.start = start_of((pid_t)mark.run.pid) + parse(argv[4]);
    memcpy(mark.run.boot_id, now.boot_id, sizeof(mark.run.boot_id));

    const struct spend_place place = {.state_dir = argv[1], .door = DOOR_KNOCK};
    const struct used_options options = spend_options(&place, false);
    const struct used_name name = {.kind = USED_RUN, .bytes = argv[2], .len = strlen(argv[2])};

    expect(used_open(&options, &used));
    expect(used_hold(&used, HOLD_ALONE));
    expect(used_put(&used, &name, &mark));
    used_close(&used);
    return 0;
}
