/* SPDX-License-Identifier: ISC */
/*
 * Table time by any clocks and any mark that record_decode_counters lets through, and a boot's identity that may be any
 * text.
 */
#include "moment.h"

#include "any_clock.h"
#include "any_record.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int open(const char *path, int flags, ...)
{
    //@ assert path_is_a_string: valid_read_string(path);
    (void)flags;
    return any_bool() ? 3 : -1;
}

int close(int fd)
{
    (void)fd;
    return 0;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    (void)fd;
    if (any_bool())
        return -1;
    any_bytes(bytes, len);
    return (ssize_t)any_size(0, len);
}

char *getenv(const char *name)
{
    static char text[64];

    (void)name;
    any_bytes(text, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    return any_bool() ? text : NULL;
}

int main(void)
{
    const struct record_mark last = any_mark();
    struct moment now;
    struct record_mark mark;
    bool new_boot;

    moment_read(&now);
    mark = any_bool() ? moment_first_mark(&now) : moment_next_mark(&last, &now, &new_boot);
    //@ assert time_is_bounded: mark.table_ms <= RECORD_TIME_MAX;
    moment_wall(&mark, any_number());
    moment_table(&mark, any_number());
    return 0;
}
