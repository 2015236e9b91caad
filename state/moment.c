/* SPDX-License-Identifier: ISC */
/* See moment.h; FORMAT.md, "Time". */
#include "moment.h"

#include "clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define DIGITS       ((size_t)2 * RECORD_BOOT_ID_LEN)
#define TEXT_LEN     (DIGITS + 4 + 2) /* with hyphens, a line feed, and what ends it */

/* 2026-01-01, in ms: a clock that has never been later was never set, and says nothing. */
#define EVER_SET_MS UINT64_C(1767225600000)

static const uint8_t not_known[RECORD_BOOT_ID_LEN];

static int digit_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit != '\0' ? strchr(digits, tolower((unsigned char)digit)) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* All zero where the text is something else. */
static void parse_boot_id(const char *text, uint8_t id[static RECORD_BOOT_ID_LEN])
{
    size_t digits = 0;

    memset(id, 0, RECORD_BOOT_ID_LEN);
    for (; digits < DIGITS; text++) {
        const int value = digit_value(*text);

        if (*text == '-')
            continue;
        if (value < 0)
            break;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
        digits++;
    }
    if (digits != DIGITS || (*text != '\0' && *text != '\n'))
        memset(id, 0, RECORD_BOOT_ID_LEN);
}

static void read_boot_id(uint8_t id[static RECORD_BOOT_ID_LEN])
{
    const char *given = getenv(MOMENT_BOOT_ID_VARIABLE);
    char text[TEXT_LEN] = "";
    ssize_t got = -1;
    int fd;

    fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, sizeof text - 1);
        close(fd);
    }
    parse_boot_id(got > 0 || given == NULL ? text : given, id);
}

void moment_update(struct moment *moment)
{
    const int64_t wall_ms = clock_wall_ms();

    moment->boot_ms = (uint64_t)clock_boot_ms();
    moment->wall_ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;
}

void moment_read(struct moment *moment)
{
    read_boot_id(moment->boot_id);
    moment_update(moment);
}

static uint64_t within(uint64_t time)
{
    return time < RECORD_TIME_MAX ? time : RECORD_TIME_MAX;
}

struct record_mark moment_first_mark(const struct moment *now)
{
    const uint64_t wall_ms = within(now->wall_ms);
    struct record_mark mark = {
        .boot_ms = now->boot_ms,
        .wall_ms = now->wall_ms,
        .table_ms = wall_ms,
        .latest_ms = wall_ms,
        .doubtful = wall_ms < EVER_SET_MS,
    };

    memcpy(mark.boot_id, now->boot_id, sizeof mark.boot_id);
    return mark;
}

static bool is_known(const uint8_t id[static RECORD_BOOT_ID_LEN])
{
    return memcmp(id, not_known, RECORD_BOOT_ID_LEN) != 0;
}

/*
 * Where one of the two does not say which kernel it was, a clock that stands further back does. A process may have read
 * its clocks long before it had the lock, while another, which read them later, was faster.
 */
static bool is_other_boot(const struct record_mark *last, const struct moment *now)
{
    const uint64_t late_ms = 600000;

    if (is_known(last->boot_id) && is_known(now->boot_id))
        return memcmp(last->boot_id, now->boot_id, RECORD_BOOT_ID_LEN) != 0;
    return now->boot_ms + late_ms < last->boot_ms;
}

bool moment_is_behind(const struct moment *now, uint64_t latest_ms)
{
    return now->wall_ms < latest_ms || now->wall_ms < EVER_SET_MS;
}

/*
 * How long the machine was off: nothing is known where the clock stands behind. Nor is it where it did to the end of
 * the boot before, for what has happened then has no time of the wall clock's.
 */
static uint64_t off_ms(const struct record_mark *last, const struct moment *now)
{
    return last->doubtful || moment_is_behind(now, last->latest_ms) ? 0 : now->wall_ms - last->latest_ms;
}

struct record_mark moment_next_mark(const struct record_mark *last, const struct moment *now, bool *new_boot)
{
    struct record_mark mark = moment_first_mark(now);
    const uint64_t latest_ms = within(last->latest_ms);
    uint64_t passed_ms = 0;

    *new_boot = is_other_boot(last, now);
    if (*new_boot) {
        passed_ms = off_ms(last, now);
    } else {
        if (now->boot_ms > last->boot_ms)
            passed_ms = now->boot_ms - last->boot_ms;
        else
            mark.boot_ms = last->boot_ms; /* it was read before the last one was */
        if (!is_known(mark.boot_id))
            memcpy(mark.boot_id, last->boot_id, sizeof mark.boot_id);
    }
    passed_ms = within(passed_ms);
    mark.table_ms = within(last->table_ms + passed_ms);
    mark.doubtful = (*new_boot || last->doubtful) && moment_is_behind(now, latest_ms + passed_ms);
    if (mark.latest_ms < latest_ms + passed_ms)
        mark.latest_ms = within(latest_ms + passed_ms);
    return mark;
}

/* How far the wall clock is before the table's, in whole seconds: rounded, so that two readings give the same. */
static int64_t ahead_s(const struct record_mark *mark)
{
    const int64_t ahead_ms = (int64_t)within(mark->wall_ms) - (int64_t)mark->table_ms;

    return (ahead_ms + (ahead_ms < 0 ? -500 : 500)) / 1000;
}

static uint64_t shift(uint64_t time, int64_t by)
{
    if (time == 0 || time > RECORD_TIME_MAX)
        return time;
    if (by < 0 && time <= (uint64_t)-by)
        return 1; /* 0 would mean that there is none */
    return within(by < 0 ? time - (uint64_t)-by : time + (uint64_t)by);
}

uint64_t moment_wall(const struct record_mark *mark, uint64_t table_s)
{
    return shift(table_s, ahead_s(mark));
}

uint64_t moment_table(const struct record_mark *mark, uint64_t wall_s)
{
    return shift(wall_s, -ahead_s(mark));
}
