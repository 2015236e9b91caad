/* SPDX-License-Identifier: ISC */
/* Addresses from any socket, from texts of some shapes, and to text. */
#include "address.h"

#include "any.h"
#include "inet.h"
#include "number.h"

#define TEXT_MAX  (ADDRESS_TEXT_LEN + 2) /* more than is looked at */
#define SHORT_MAX 5
#define ENDS_LEN  2 /* of a long text: any bytes */

/* "/128" or an interface at the most; the result is not used. */
int any_snprintf(char *text, size_t size, const char *format, ...)
{
    //@ assert there_is_room: size > 4 && \valid(text + (0 .. size - 1));
    any_bytes(text, 4);
    text[4] = '\0';
    return (int)any_size(2, 4);
}

enum number_result number_parse(const char *text, struct number_range range, uint64_t *number)
{
    const bool fails = any_bool();
    //@ split fails;

    //@ assert text_is_a_string: valid_read_string(text);
    if (fails)
        return (enum number_result)Frama_C_interval(NUMBER_OK + 1, NUMBER_OUT_OF_RANGE);
    *number = Frama_C_unsigned_long_interval(range.low, range.high);
    return NUMBER_OK;
}

static void any_interface(char text[static INTERFACE_TEXT_LEN])
{
    any_bytes(text, INTERFACE_TEXT_LEN - 1);
    text[INTERFACE_TEXT_LEN - 1] = '\0';
}

/* One that is a text has room where interfaces have. */
bool interface_is_text(const char *text)
{
    //@ assert is_a_string: valid_read_string(text);
    return strlen(text) < INTERFACE_TEXT_LEN && any_bool();
}

void interface_id(const char *text, uint8_t id[static INTERFACE_ID_LEN])
{
    //@ assert is_a_string: valid_read_string(text);
    any_bytes(id, INTERFACE_ID_LEN);
}

void interface_find(const uint8_t id[static INTERFACE_ID_LEN], char text[static INTERFACE_TEXT_LEN])
{
    //@ assert every_byte_is_set: \initialized(id + (0 .. INTERFACE_ID_LEN - 1));
    any_interface(text);
}

void interface_of_socket(int fd, uint32_t number, char text[static INTERFACE_TEXT_LEN])
{
    (void)fd;
    (void)number;
    any_interface(text);
}

static struct source any_network(void)
{
    struct source network;

    any_bytes(network.address, sizeof(network.address));
    network.prefix = (uint8_t)any_size(0, 128);
    network.is_network = any_bool();
    return network;
}

static void read_socket(void)
{
    struct sockaddr_storage peer;
    struct address address;

    any_bytes(&peer, sizeof(peer));
    address_from_socket(0, &peer, &address);
}

/* Any bytes at both ends, and between them up to this place what is no sign: as many of that as are too many. */
static const char *any_long(char *room, size_t end)
{
    any_bytes(room, ENDS_LEN);
    memset(room + ENDS_LEN, 'f', end - ENDS_LEN);
    any_bytes(room + end, ENDS_LEN);
    room[end + ENDS_LEN] = '\0';
    return room;
}

static void read_text(void)
{
    char room[TEXT_MAX + 1];
    const char *text;
    struct address address;
    struct source network;

    switch (Frama_C_interval(0, 2)) {
    case 0:
        text = any_string(room, SHORT_MAX + 1);
        break;
    case 1:
        text = any_long(room, ENDS_LEN + INTERFACE_TEXT_LEN - 1);
        break;
    default:
        text = any_long(room, TEXT_MAX - ENDS_LEN);
        break;
    }
    if (any_bool())
        address_parse(text, &address);
    else
        address_parse_network(text, &network);
}

static void compare(void)
{
    const struct source network = any_network();
    const struct source other = any_network();
    struct address address;

    any_bytes(address.bytes, sizeof(address.bytes));
    any_interface(address.interface);
    address_within(&address, &network);
    address_covers(&network, &other);
    address_is_vast(&network);
    address_is_allocated(&network);
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
