/* SPDX-License-Identifier: ISC */
/* See tell.h. */
#include "tell.h"

#include "log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LEN 5000

static bool has_reader;

/* Is standard error the journal's, as systemd says (systemd.exec(5), JOURNAL_STREAM)? */
static bool is_journals(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat info;
    char own[64];

    if (stream == NULL || fstat(STDERR_FILENO, &info) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return strcmp(own, stream) == 0;
}

void tell_open(bool person)
{
    log_open_syslog("ostgrant");
    if (!person)
        log_open(false);
    /* The journal has each line as a line of the log. */
    has_reader = person && !is_journals();
}

void tell_done(int priority, const char *format, ...)
{
    char text[TEXT_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line(priority, "%s", text);
}

void tell_wrong(int priority, const char *format, ...)
{
    char text[TEXT_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line(priority, "%s", text);
    if (has_reader)
        fprintf(stderr, "ostgrant: %s\n", text);
}
