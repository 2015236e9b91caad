/* SPDX-License-Identifier: ISC */
/* The clocks, and any number of seconds as a date. */
#include "clock.h"

#include "any_clock.h"

#include <stdarg.h>
#include <stdio.h>

/* The analysis takes no part in what is printed, but for what it is printed of: a year, and five more numbers. */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    const size_t len = any_size(0, size - 1);
    va_list arguments;

    //@ assert format_is_a_string: valid_read_string(format);
    va_start(arguments, format);
    va_arg(arguments, uint64_t);
    for (unsigned i = 0; i < 5; i++)
        va_arg(arguments, unsigned);
    va_end(arguments);
    //@ split len;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)Frama_C_char_interval('-', 'Z');
    text[len] = '\0';
    return (int)len;
}

int main(void)
{
    char utc[CLOCK_UTC_LEN];

    clock_now_ms();
    clock_left_ms(Frama_C_long_interval(0, UPTIME_MAX * 1000));
    clock_boot_ms();
    clock_wall_ms();
    clock_wall_ns();
    clock_format_utc(any_number(), utc);
    //@ assert time_is_a_string: valid_read_string((char *)utc);
    return 0;
}
