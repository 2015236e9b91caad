/* SPDX-License-Identifier: ISC */
/* from=: the first network of a text that is as long as one can be, and longer; and all of a short one. */
#include "from.h"

#include "any_address.h"

#define LONG_MAX  (ADDRESS_TEXT_LEN + 2)
#define SHORT_MAX 10

static void take_first(void)
{
    char room[LONG_MAX + 1];
    const char *rest = any_string(room, sizeof(room));
    struct source network;

    if (from_next(&rest, &network)) {
        //@ assert network_is_set: \initialized(&network.prefix);
        //@ assert rest_is_a_string: rest == \null || valid_read_string(rest);
    }
}

static void take_all(void)
{
    char room[SHORT_MAX + 1];
    const char *text = any_string(room, sizeof(room));
    struct address address;

    any_bytes(address.bytes, sizeof(address.bytes));
    any_bytes(address.interface, sizeof(address.interface));
    from_has(any_bool() ? text : NULL, &address);
}

int main(void)
{
    if (any_bool())
        take_first();
    else
        take_all();
    return 0;
}
