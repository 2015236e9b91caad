/* SPDX-License-Identifier: ISC */
/* See voice.h. */
#include "voice.h"

#include <err.h>
#include <stdarg.h>

void voice_complain(const struct voice *voice, const char *format, ...)
{
    va_list arguments;

    if (voice->quiet)
        return;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}
