/* SPDX-License-Identifier: ISC */
/* Numbers and times from any text of up to 24 bytes: more than 64 bits can be written in. */
#include "number.h"

#include "any.h"

#define TEXT_MAX 24

int main(void)
{
    char room[TEXT_MAX + 1];
    const char *text = any_string(room, sizeof(room));
    const struct number_range range = {any_number(), any_number()};
    uint64_t number;

    if (any_bool())
        number_parse(text, range, &number);
    else
        number_parse_time(text, range, &number);
    return 0;
}
