/* SPDX-License-Identifier: ISC */
/* See tell.h. */
#include "tell.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_LEN 5000

static bool has_reader;

void tell_open(bool person)
{
    log_open_syslog("ostgrant");
    /* Where standard error is the journal's the log goes there, and nobody needs to be told twice. */
    if (!person)
        log_open(false);
    has_reader = person;
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
