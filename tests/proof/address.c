/* SPDX-License-Identifier: ISC */
/* Addresses from any socket, from any text of up to 60 bytes, and to text. */
#include "address.h"

#include "any.h"
#include "inet.h"

#define TEXT_MAX  (ADDRESS_TEXT_LEN + 2) /* more than is looked at */
#define SHORT_MAX 8

/* "/128" at the most; the result is not used. */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    //@ assert there_is_room: size > 4 && \valid(text + (0 .. size - 1));
    any_bytes(text, 4);
    text[4] = '\0';
    return (int)any_size(2, 4);
}

static struct source any_network(void)
{
    struct source network;

    any_bytes(network.address, sizeof(network.address));
    network.prefix = (uint8_t)any_size(0, 128);
    return network;
}

static void read_socket(void)
{
    struct sockaddr_storage peer;
    struct address address;

    any_bytes(&peer, sizeof(peer));
    address_from_socket(&peer, &address);
}

static void read_text(void)
{
    char room[TEXT_MAX + 1];
    const char *text = room;
    struct address address;
    struct source network;

    any_bytes(room, TEXT_MAX);
    room[TEXT_MAX] = '\0';
    if (any_bool())
        text = any_string(room, SHORT_MAX + 1);
    if (any_bool())
        address_parse(text, &address);
    else
        address_parse_network(text, &network);
}

static void compare(void)
{
    const struct source network = any_network();
    struct address address;

    any_bytes(&address, sizeof(address));
    address_within(&address, &network);
    address_source(&address, (uint8_t)any_size(32, 128));
}

static void write_text(void)
{
    const struct source network = any_network();
    char text[ADDRESS_TEXT_LEN];

    address_format_source(&network, text);
}

int main(void)
{
    switch (Frama_C_interval(0, 3)) {
    case 0:
        read_socket();
        break;
    case 1:
        read_text();
        break;
    case 2:
        compare();
        break;
    default:
        write_text();
        break;
    }
    return 0;
}
