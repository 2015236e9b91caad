/* SPDX-License-Identifier: ISC */
/* See log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer lines are cut: a path of full length and what is wrong with it fit. */
#define LINE_LEN 5120

static enum { TO_SYSLOG, TO_STDERR, TO_JOURNAL } destination = TO_SYSLOG;
static int least_urgent = LOG_INFO;

/* systemd sets $JOURNAL_STREAM to DEVICE:INODE of the stream that it connected to the journal. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat status;

    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
        return false;
    snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, mine) == 0;
}

void log_open(bool to_stderr)
{
    if (stderr_is_journal()) {
        destination = TO_JOURNAL;
    } else if (to_stderr) {
        destination = TO_STDERR;
    } else {
        destination = TO_SYSLOG;
        openlog("ostiaryd", LOG_PID, LOG_AUTH);
    }
}

void log_set_level(int level)
{
    least_urgent = level;
}

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void log_line(int priority, const char *format, ...)
{
    char text[LINE_LEN];
    char line[LINE_LEN + 64];
    va_list arguments;
    int len;

    if (priority > least_urgent)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    make_printable(text);

    if (destination == TO_SYSLOG) {
        syslog(priority, "%s", text);
        return;
    }
    if (destination == TO_JOURNAL)
        len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
    else
        len = snprintf(line, sizeof(line), "ostiaryd[%jd]: %s\n", (intmax_t)getpid(), text);
    /* A log that cannot be written to must not change what happens to the peer. */
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        return;
}
