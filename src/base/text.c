/* SPDX-License-Identifier: ISC */
/* See text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 256

/* Room for more bytes and the NUL, at least twice what there was, so that many small pieces cost no more than a few. */
static bool make_room(struct text *text, size_t more)
{
    size_t room = text->room > 0 ? text->room : ROOM_FIRST;
    char *bytes;

    if (more >= SIZE_MAX / 2 - text->len)
        return false;
    while (room <= text->len + more)
        room *= 2;
    if (room == text->room)
        return true;
    bytes = realloc(text->bytes, room);
    if (bytes == NULL)
        return false;
    text->bytes = bytes;
    text->room = room;
    return true;
}

/* Print to what room there is, and say how many bytes it takes: -1 where nobody can say. */
__attribute__((format(printf, 2, 0))) static int print(const struct text *text, const char *format, va_list arguments)
{
    return vsnprintf(text->bytes != NULL ? text->bytes + text->len : NULL, text->room - text->len, format, arguments);
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int more;

    if (text->failed)
        return;
    va_start(arguments, format);
    more = print(text, format, arguments);
    va_end(arguments);
    if (more < 0 || !make_room(text, (size_t)more)) {
        /* What did not fit is not half there. */
        if (text->bytes != NULL)
            text->bytes[text->len] = '\0';
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)print(text, format, arguments);
    va_end(arguments);
    text->len += (size_t)more;
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}
