/* SPDX-License-Identifier: ISC */
/*
 * The client's side of the wire against any server: what it sends, when it hangs up, and every way in which looking
 * up, connecting, sending and receiving can fail. The input: options, how each of three addresses connects, and the
 * server's script (virtual_net.h), whose rehearsed bytes are the right receipt.
 */
#include "virtual_net.h"

#include <netdb.h>
#include <netinet/in.h>

static int fake_socket(int family, int type, int protocol);
static int fake_connect(int fd, const struct sockaddr *address, socklen_t len);
static int fake_getsockopt(int fd, int level, int option, void *value, socklen_t *len);

#define poll          net_poll
#define recv          net_recv
#define send          net_send
#define clock_gettime net_clock_gettime
#define socket        fake_socket
#define connect       fake_connect
#define getsockopt    fake_getsockopt
#include "../../../src/base/clock.c"
#include "../../../src/base/stream.c"
#include "../../../src/client/knock.c"
#include "../../../src/reach/connect.c"
#undef poll
#undef recv
#undef send
#undef clock_gettime
#undef socket
#undef connect
#undef getsockopt

#define MARK "zz9" /* in the secret: no note may have it */

static const struct secret secret = {.bytes = (const uint8_t *)MARK " of the client", .len = 17};

#define ADDRESSES_MAX 3

static struct {
    unsigned address_count;
    uint8_t connecting[ADDRESSES_MAX];
    unsigned tried;
    enum resolve_result resolving;
    unsigned notes[KNOCK_INTERRUPTED + 1];
} world;

/* ---- looking up and connecting ---------------------------------------------------------------------------------- */

static struct connect_address new_address(unsigned number)
{
    struct connect_address address = {0};

    if (number % 2 == 0) {
        const struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};

        memcpy(&address.name, &four, sizeof(four));
        address.len = sizeof(four);
    } else {
        const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_scope_id = number};

        memcpy(&address.name, &six, sizeof(six));
        address.len = sizeof(six);
    }
    return address;
}

enum resolve_result resolve_host(const struct resolve_query *query, int64_t deadline_ms, struct resolve_answer *answer)
{
    (void)query;
    (void)deadline_ms;
    memset(answer, 0, sizeof(*answer));
    snprintf(answer->reason, sizeof(answer->reason), "there is no network");
    if (world.resolving == RESOLVE_OK)
        for (; answer->count < world.address_count; answer->count++)
            answer->addresses[answer->count] = new_address((unsigned)answer->count);
    return world.resolving;
}

static int fake_socket(int family, int type, int protocol)
{
    (void)family;
    (void)protocol;
    DEMAND(world.tried < world.address_count);
    net_hang_up();
    net.said_len = 0;
    if (world.connecting[world.tried] == 255) {
        world.tried++;
        errno = EMFILE;
        return -1;
    }
    return net_pair(type & ~SOCK_STREAM);
}

/* Its lower half: at once, later, interrupted, or refused; its upper half: how connecting later ends. */
static int fake_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    static const int errors[] = {0, EINPROGRESS, EINTR, ECONNREFUSED, ENETUNREACH, EACCES, ETIMEDOUT, EADDRNOTAVAIL};

    (void)fd;
    (void)address;
    (void)len;
    errno = errors[world.connecting[world.tried++] & 7];
    return errno == 0 ? 0 : -1;
}

static int fake_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
    static const int errors[] = {0, ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ETIMEDOUT, EPERM, -1, EIO};
    const int error = errors[world.connecting[world.tried - 1] >> 4 & 7];

    (void)fd;
    DEMAND(level == SOL_SOCKET && option == SO_ERROR && *len == sizeof(int));
    if (error == -1) {
        errno = ENOBUFS;
        return -1;
    }
    memcpy(value, &error, sizeof(error));
    return 0;
}

/* ---- what the server may know ----------------------------------------------------------------------------------- */

static void make_receipt(void)
{
    uint8_t expected[REPLY_LEN];

    DEMAND(mac_reply(secret, net.said, expected) == 0);
    DEMAND(mac_receipt(secret, net.said, expected, net.rehearsed) == 0);
}

static void take_note(void *context, enum knock_result result, const char *text)
{
    (void)context;
    DEMAND(result >= KNOCK_GOES_ON && result < KNOCK_INTERRUPTED);
    DEMAND(text[0] != '\0' && strstr(text, MARK) == NULL && strchr(text, '\n') == NULL);
    world.notes[result]++;
}

static void demand_result(enum knock_result result, bool wait)
{
    uint8_t expected[REPLY_LEN];

    DEMAND(result != KNOCK_GOES_ON);
    if (result != KNOCK_SENT && result != KNOCK_ACCEPTED)
        DEMAND(world.notes[result] > 0);
    /*
     * Only the holder of the secret can make a client believe that it was accepted, and not before it has replied.
     * (What came early is thrown away, as far as the system shows it.)
     */
    if (result == KNOCK_ACCEPTED)
        DEMAND(wait && (net.rehearsed_said || net.has_held_back));
    if (result == KNOCK_SENT)
        DEMAND(!wait);
    /* On the wire is nothing but the right reply to a whole seed. */
    DEMAND(net.heard_len <= REPLY_LEN);
    if (net.heard_len > 0) {
        DEMAND(net.said_len >= SEED_LEN && mac_reply(secret, net.said, expected) == 0);
        DEMAND(memcmp(net.heard, expected, net.heard_len) == 0);
    }
    if (knock_may_repeat(result))
        DEMAND(net.heard_len == 0);
    /* I11: whatever has come by the end has been looked at, and is no seed that nobody answers. */
    if (result == KNOCK_NO_SEED)
        DEMAND(net.said_len == 0 || net.has_held_back);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    DEMAND(mac_init() == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_input input = {bytes, len};
    const uint8_t options = fuzz_byte(&input);
    const bool wait = (options & 1) != 0;
    const struct knock_plan plan = {
        .host = {.name = "server.example", .port = 5018, .family = (options & 2) != 0 ? AF_INET6 : AF_UNSPEC},
        .secret = secret,
        .wait = wait,
        .note = take_note,
    };
    enum knock_result result;

    memset(&world, 0, sizeof(world));
    world.address_count = 1 + (options >> 2) % ADDRESSES_MAX;
    world.resolving =
        (options & 0x80) != 0 ? (enum resolve_result)(RESOLVE_UNKNOWN + ((options >> 5) & 3)) : RESOLVE_OK;
    for (unsigned i = 0; i < world.address_count; i++)
        world.connecting[i] = fuzz_byte(&input);
    net_begin(input);
    net.deadline_ms = net.now_ms + ((options & 16) != 0 ? 10 : 10000);
    net.rehearse = make_receipt;

    /* Beyond its limit it may wait for the rest of a seed, for the reply to get out, and for the receipt. */
    const int64_t limit_ms = net.deadline_ms;
    net.deadline_ms += SEED_REST_MS + LAST_LOOK_MS + REPLY_MOST_MS + RECEIPT_LEAST_MS;
    result = knock_try(&plan, limit_ms);
    net_listen();
    DEMAND(net.now_ms <= net.deadline_ms);
    demand_result(result, wait);
    net_hang_up();
    return 0;
}
