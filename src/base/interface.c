/* SPDX-License-Identifier: ISC */
/* See interface.h. */
#include "interface.h"

#include "siphash.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert(INTERFACE_TEXT_LEN >= IF_NAMESIZE, "every name fits");

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '.' || byte == '_' || byte == '-' || byte == '@' || byte == '+';
}

static bool is_name(const char *text)
{
    size_t len = 0;
    bool number = true;

    for (; is_name_byte(text[len]); len++)
        number &= text[len] >= '0' && text[len] <= '9';
    return !number && text[len] == '\0' && len < INTERFACE_TEXT_LEN;
}

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return -1;
}

static bool is_bytes(const char *text)
{
    size_t count = 0;

    if (text[0] != ':')
        return false;
    while (digit_of(text[1 + count]) >= 0)
        count++;
    return count == 2 * (size_t)INTERFACE_ID_LEN && text[1 + count] == '\0';
}

bool interface_is_text(const char *text)
{
    return is_name(text) || is_bytes(text);
}

/* Nobody has to keep the hash secret: the names are the administrator's own. */
static void hash(const char *name, uint8_t id[static INTERFACE_ID_LEN])
{
    static const uint8_t key[SIPHASH_KEY_LEN];
    const uint64_t value = siphash(key, (const uint8_t *)name, strlen(name));

    for (size_t i = 0; i < INTERFACE_ID_LEN; i++)
        id[i] = (uint8_t)(value >> (8 * i));
}

void interface_id(const char *text, uint8_t id[static INTERFACE_ID_LEN])
{
    if (text[0] != ':') {
        hash(text, id);
        return;
    }
    for (size_t i = 0; i < INTERFACE_ID_LEN; i++)
        id[i] = (uint8_t)(digit_of(text[1 + 2 * i]) << 4 | digit_of(text[2 + 2 * i]));
}

static void write_bytes(const uint8_t id[static INTERFACE_ID_LEN], char text[static INTERFACE_TEXT_LEN])
{
    static const char digits[] = "0123456789abcdef";

    *text++ = ':';
    for (size_t i = 0; i < INTERFACE_ID_LEN; i++) {
        *text++ = digits[id[i] >> 4];
        *text++ = digits[id[i] & 15];
    }
    *text = '\0';
}

/* A name as the kernel has it, or the bytes that stand for one that is no text here. */
static void write_name(const char *name, char text[static INTERFACE_TEXT_LEN])
{
    uint8_t id[INTERFACE_ID_LEN];

    if (is_name(name)) {
        memcpy(text, name, strlen(name) + 1);
    } else {
        hash(name, id);
        write_bytes(id, text);
    }
}

void interface_find(const uint8_t id[static INTERFACE_ID_LEN], char text[static INTERFACE_TEXT_LEN])
{
    struct if_nameindex *list = if_nameindex();
    uint8_t other[INTERFACE_ID_LEN];

    write_bytes(id, text);
    for (const struct if_nameindex *at = list; at != NULL && at->if_index != 0; at++) {
        hash(at->if_name, other);
        if (memcmp(id, other, INTERFACE_ID_LEN) == 0) {
            write_name(at->if_name, text);
            break;
        }
    }
    if (list != NULL)
        if_freenameindex(list);
}

void interface_of_socket(int fd, uint32_t number, char text[static INTERFACE_TEXT_LEN])
{
    static const uint8_t none[INTERFACE_ID_LEN];
    struct ifreq request = {.ifr_ifindex = (int)number};

    if (ioctl(fd, SIOCGIFNAME, &request) != 0) {
        write_bytes(none, text);
        return;
    }
    request.ifr_name[sizeof(request.ifr_name) - 1] = '\0';
    write_name(request.ifr_name, text);
}
