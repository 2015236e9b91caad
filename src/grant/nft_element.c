/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the kernel itself (nft.h): one element of a set, for each of which libnftables reads all that there
 * are, which with a hundred thousand takes seconds; and whether the table is dormant, of which libnftables 1.1.0 makes
 * stray bytes. The messages are NFT_MSG_GETSETELEM and NFT_MSG_GETTABLE of linux/netfilter/nf_tables.h.
 */
#include "nft.h"
#include "nft_ask.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX  1024
#define ANSWER_MAX   8192
#define COMMENT_TYPE 0 /* of a piece of an element's user data: the text that nft calls its comment */
#define LEFT_MAX_MS  (UINT64_C(100000) * 86400 * 1000)

/* A request, as it grows. All that is put into it is short, and fits. */
struct message {
    _Alignas(struct nlmsghdr) uint8_t bytes[MESSAGE_MAX];
    size_t len;
};

#define HEAD_LEN sizeof(struct nlattr)

_Static_assert(HEAD_LEN % NLA_ALIGNTO == 0 && sizeof(struct nfgenmsg) % NLA_ALIGNTO == 0, "heads need no padding");

/* Where the next attribute begins behind one of this length. */
static size_t align(size_t len)
{
    return (len + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static size_t begin_attribute(struct message *message, uint16_t type)
{
    const struct nlattr head = {.nla_type = type};
    const size_t at = message->len;

    memcpy(message->bytes + at, &head, sizeof(head));
    message->len += HEAD_LEN;
    return at;
}

/* What has been put since the attribute at this place is in it. */
static void end_attribute(struct message *message, size_t at)
{
    const uint16_t len = (uint16_t)(message->len - at);

    memcpy(message->bytes + at + offsetof(struct nlattr, nla_len), &len, sizeof(len));
    message->len = align(message->len);
}

static void put_bytes(struct message *message, uint16_t type, const void *bytes, size_t len)
{
    const size_t at = begin_attribute(message, type);

    memcpy(message->bytes + message->len, bytes, len);
    message->len += len;
    end_attribute(message, at);
}

static void put_text(struct message *message, uint16_t type, const char *text)
{
    put_bytes(message, type, text, strlen(text) + 1);
}

static void begin_message(struct message *message, unsigned type)
{
    const struct nfgenmsg family = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

    *message = (struct message){.len = NLMSG_HDRLEN + sizeof(family)};
    memcpy(message->bytes + NLMSG_HDRLEN, &family, sizeof(family));
    ((struct nlmsghdr *)message->bytes)->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    ((struct nlmsghdr *)message->bytes)->nlmsg_flags = NLM_F_REQUEST;
}

static void ask_for_element(struct message *message, const char *set, const uint8_t *key, size_t len)
{
    size_t list, element, place;

    begin_message(message, NFT_MSG_GETSETELEM);
    put_text(message, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
    put_text(message, NFTA_SET_ELEM_LIST_SET, set);
    list = begin_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
    element = begin_attribute(message, NFTA_LIST_ELEM | NLA_F_NESTED);
    place = begin_attribute(message, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
    put_bytes(message, NFTA_DATA_VALUE, key, len);
    end_attribute(message, place);
    end_attribute(message, element);
    end_attribute(message, list);
}

static void ask_for_set(struct message *message, const char *set)
{
    begin_message(message, NFT_MSG_GETSET);
    put_text(message, NFTA_SET_TABLE, NFT_TABLE);
    put_text(message, NFTA_SET_NAME, set);
}

/*
 * Send it, and take the one answer, which the kernel has given when the call returns. Gives the bytes behind its heads,
 * in answer; or -1 with errno, which may be the kernel's own.
 */
static ssize_t talk(int fd, struct message *message, uint8_t answer[static ANSWER_MAX], const uint8_t **attributes)
{
    const size_t heads = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
    struct nlmsghdr head;
    struct nlmsgerr fault;
    ssize_t len;

    ((struct nlmsghdr *)message->bytes)->nlmsg_len = (uint32_t)message->len;
    if (send(fd, message->bytes, message->len, 0) < 0)
        return -1;
    len = recv(fd, answer, ANSWER_MAX, MSG_DONTWAIT);
    if (len < 0)
        return -1;
    errno = EPROTO;
    if ((size_t)len < heads)
        return -1;
    memcpy(&head, answer, sizeof(head));
    if (head.nlmsg_type == NLMSG_ERROR && (size_t)len >= NLMSG_HDRLEN + sizeof(fault)) {
        memcpy(&fault, answer + NLMSG_HDRLEN, sizeof(fault));
        errno = -fault.error;
        return -1;
    }
    if (head.nlmsg_len < heads || head.nlmsg_len > (size_t)len)
        return -1;
    *attributes = answer + heads;
    return (ssize_t)(head.nlmsg_len - heads);
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

/* Some attributes, one after the other. */
struct attributes {
    const uint8_t *bytes;
    size_t len;
};

/* The first of this type among them; none: empty. */
static struct attributes find(struct attributes all, unsigned type)
{
    while (all.len >= HEAD_LEN) {
        struct nlattr head;
        size_t whole;

        memcpy(&head, all.bytes, sizeof(head));
        if (head.nla_len < HEAD_LEN || head.nla_len > all.len)
            break;
        if ((head.nla_type & NLA_TYPE_MASK) == type)
            return (struct attributes){all.bytes + HEAD_LEN, head.nla_len - HEAD_LEN};
        whole = align(head.nla_len);
        all.bytes += whole < all.len ? whole : all.len;
        all.len -= whole < all.len ? whole : all.len;
    }
    return (struct attributes){0};
}

/* A number of eight bytes, as the network has them; *found, where it is there, else 0. */
static uint64_t read_number(struct attributes all, unsigned type, bool *found)
{
    const struct attributes one = find(all, type);
    uint64_t value = 0;

    *found = one.len == sizeof(value);
    if (*found)
        memcpy(&value, one.bytes, sizeof(value));
    return be64toh(value);
}

/* A counter is alone, or, since there may be several, in a list. */
static uint64_t read_packets(struct attributes element)
{
    struct attributes expression = find(element, NFTA_SET_ELEM_EXPR);
    struct attributes name;
    bool found;

    if (expression.len == 0)
        expression = find(find(element, NFTA_SET_ELEM_EXPRESSIONS), NFTA_LIST_ELEM);
    name = find(expression, NFTA_EXPR_NAME);
    if (name.len != sizeof("counter") || memcmp(name.bytes, "counter", sizeof("counter")) != 0)
        return 0;
    return read_number(find(expression, NFTA_EXPR_DATA), NFTA_COUNTER_PACKETS, &found);
}

/* User data is pieces of a type, a length, and so many bytes; the comment has its NUL among them. */
static void read_user(struct attributes data, char user[static GATES_USER_MAX + 1])
{
    char copy[GATES_USER_MAX + 1] = "";

    while (data.len >= 2 && data.bytes[0] != COMMENT_TYPE && (size_t)data.bytes[1] + 2 < data.len) {
        const size_t whole = (size_t)data.bytes[1] + 2;

        data.bytes += whole;
        data.len -= whole;
    }
    if (data.len < 2 || data.bytes[0] != COMMENT_TYPE || data.bytes[1] > data.len - 2 || data.bytes[1] > sizeof(copy) ||
        data.bytes[1] == 0 || data.bytes[data.bytes[1] + 1] != '\0')
        return;
    memcpy(copy, data.bytes + 2, data.bytes[1]);
    if (gates_is_user(copy))
        memcpy(user, copy, sizeof(copy));
}

int nft_parse_element(const uint8_t *bytes, size_t len, struct nft_element *element)
{
    const struct attributes message = {bytes, len};
    const struct attributes one = find(find(message, NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM);
    bool has_end, has_timeout;
    uint64_t left_ms;

    if (one.len == 0)
        return -1;
    (void)read_number(one, NFTA_SET_ELEM_TIMEOUT, &has_timeout);
    left_ms = read_number(one, NFTA_SET_ELEM_EXPIRATION, &has_end);
    if (left_ms == 0 || left_ms > LEFT_MAX_MS)
        left_ms = left_ms == 0 ? 1 : LEFT_MAX_MS;
    element->left_ms = has_end || has_timeout ? left_ms : 0;
    element->packets = read_packets(one);
    memset(element->user, 0, sizeof(element->user));
    read_user(find(one, NFTA_SET_ELEM_USERDATA), element->user);
    return 0;
}

int nft_ask_element(int fd, const struct place *place, const struct source *network, struct nft_element *element,
                    bool *found)
{
    const size_t at = place->ipv6 ? 0 : SOURCE_ADDRESS_LEN - 4;
    _Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
    char name[PLACE_NAME_LEN];
    const uint8_t *attributes;
    struct message message;
    ssize_t len;

    *found = false;
    place_name(place, name);
    ask_for_element(&message, name, network->address + at, SOURCE_ADDRESS_LEN - at);
    len = talk(fd, &message, answer, &attributes);
    if (len >= 0 && nft_parse_element(attributes, (size_t)len, element) == 0) {
        *found = true;
        return 0;
    }
    if (len >= 0)
        errno = EPROTO;
    if (errno != ENOENT)
        return -1;
    /* It is not there, or its set is not. */
    ask_for_set(&message, name);
    return talk(fd, &message, answer, &attributes) < 0 ? -1 : 0;
}

bool nft_is_dormant(int fd)
{
    _Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
    const uint8_t *attributes;
    struct message message;
    struct attributes flags;
    uint32_t value;
    ssize_t len;

    begin_message(&message, NFT_MSG_GETTABLE);
    put_text(&message, NFTA_TABLE_NAME, NFT_TABLE);
    len = talk(fd, &message, answer, &attributes);
    if (len < 0)
        return false;
    flags = find((struct attributes){attributes, (size_t)len}, NFTA_TABLE_FLAGS);
    if (flags.len != sizeof(value))
        return false;
    memcpy(&value, flags.bytes, sizeof(value));
    return (be32toh(value) & NFT_TABLE_F_DORMANT) != 0;
}
