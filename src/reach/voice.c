/* SPDX-License-Identifier: ISC */
/* See voice.h. */
#include "voice.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

void voice_complain(const struct voice *voice, const char *format, ...)
{
    va_list arguments;

    if (voice->quiet)
        return;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}

enum exit_status voice_no_memory(const struct voice *voice)
{
    voice_complain(voice, "no locked memory for the secret: %s: raise the limit (ulimit -l)", strerror(errno));
    return STATUS_NO_RESOURCES;
}
