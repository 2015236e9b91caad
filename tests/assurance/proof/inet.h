/* SPDX-License-Identifier: ISC */
/* inet_pton and inet_ntop as address.c uses them: any verdict, any address, any text that fits. */
#ifndef OSTIARY_PROOF_INET_H
#define OSTIARY_PROOF_INET_H

#include "any.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

int inet_pton(int family, const char *text, void *address)
{
    //@ assert is_a_string: valid_read_string(text);
    if (!any_bool())
        return 0;
    any_bytes(address, family == AF_INET ? 4 : 16);
    return 1;
}

const char *inet_ntop(int family, const void *address, char *text, socklen_t size)
{
    const size_t len = any_size(1, (family == AF_INET ? INET_ADDRSTRLEN : INET6_ADDRSTRLEN) - 1);

    //@ assert address_is_readable: \initialized((char *)address + (0 .. (family == AF_INET ? 3 : 15)));
    //@ assert room_for_the_text: len < size;
    //@ split len;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)Frama_C_char_interval('.', 'f');
    text[len] = '\0';
    return text;
}

#endif
