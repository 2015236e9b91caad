/* SPDX-License-Identifier: ISC */
/* Numbers and times from any text of up to 24 bytes: more than 64 bits can be written in; and any number as a time. */
#include "number.h"

#include "any.h"

#include <stdarg.h>

#define TEXT_MAX 24

/* What each piece of a time needs: the digits of its count, and a letter. */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    uint64_t count = 0;
    size_t len = 2;
    va_list arguments;

    va_start(arguments, format);
    if (format[0] == '%')
        count = va_arg(arguments, uint64_t);
    va_end(arguments);
    for (; count >= 10; count /= 10)
        len++;
    //@ split len;
    //@ assert there_is_room: size > len && \valid(text + (0 .. size - 1));
    any_bytes(text, len);
    text[len] = '\0';
    return (int)len;
}

int main(void)
{
    char time[NUMBER_TIME_LEN];
    char room[TEXT_MAX + 1];
    const char *text = any_string(room, sizeof(room));
    const struct number_range range = {any_number(), any_number()};
    uint64_t number;

    if (any_bool())
        number_parse(text, range, &number);
    else
        number_parse_time(text, range, &number);
    number_format_time(any_number(), time);
    return 0;
}
