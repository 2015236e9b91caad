/* SPDX-License-Identifier: ISC */
/* See knock.h. Called by ostclient.c, once for each try. */
#include "knock.h"

#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_LEN 1024
/* "ADDRESS%SCOPE port 65535" */
#define PLACE_LEN (NI_MAXHOST + sizeof(" port 65535"))

/* A connection that has been made, and what has come and gone through it. */
struct session {
    int server_fd;
    char place[PLACE_LEN];
    int64_t deadline_ms;
    uint8_t seed[SEED_LEN];
    uint8_t reply[REPLY_LEN];
};

/* How connecting to one address ended. */
struct attempt {
    enum stream_result result;
    int error;
};

__attribute__((format(printf, 3, 4))) static enum knock_result note(const struct knock_plan *plan,
                                                                    enum knock_result result, const char *format, ...)
{
    char text[NOTE_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    plan->note(plan->context, result, text);
    return result;
}

static void name_place(const struct addrinfo *address, uint16_t port, char place[static PLACE_LEN])
{
    char host[NI_MAXHOST];

    if (getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(host, sizeof(host), "an address");
    snprintf(place, PLACE_LEN, "%s port %u", host, (unsigned)port);
}

static enum knock_result find_addresses(const struct knock_plan *plan, int64_t deadline_ms, struct addrinfo **addresses)
{
    const char *host = plan->host.host;
    int gai_status;

    switch (resolve_host(&plan->host, deadline_ms, addresses, &gai_status)) {
    case RESOLVE_OK:
        return KNOCK_UNDECIDED;
    case RESOLVE_UNKNOWN:
        return note(plan, KNOCK_UNKNOWN_HOST, "%s: host unknown%s: check the spelling", host,
                    plan->host.family == AF_INET    ? " in IPv4 (-4)"
                    : plan->host.family == AF_INET6 ? " in IPv6 (-6)"
                                                    : "");
    case RESOLVE_TIMEOUT:
        return note(plan, KNOCK_NO_LOOKUP,
                    "%s: no answer from the name servers within the time limit: try later, or give a numeric address",
                    host);
    case RESOLVE_FAILED:
        break;
    }
    return note(plan, KNOCK_NO_LOOKUP, "%s: %s: is the network up? try later, or give a numeric address", host,
                gai_strerror(gai_status));
}

static void note_attempt(const struct knock_plan *plan, enum knock_result result, const char *place,
                         const struct attempt *attempt)
{
    const int error = attempt->result == STREAM_TIMEOUT ? ETIMEDOUT : attempt->error;

    switch (error) {
    case ECONNREFUSED:
        note(plan, result, "%s: connection refused: is the listener up?", place);
        break;
    case ETIMEDOUT:
        note(plan, result, "%s: no answer: is the address right, or does a firewall drop the packets?", place);
        break;
    case ENETUNREACH:
    case EHOSTUNREACH:
        note(plan, result, "%s: unreachable: is the network up, and the address right?", place);
        break;
    case EACCES:
    case EPERM:
        note(plan, result, "%s: forbidden by this machine: look at its firewall", place);
        break;
    default:
        note(plan, result, "%s: cannot connect: %s", place, strerror(error));
        break;
    }
}

static size_t count_addresses(const struct addrinfo *addresses)
{
    size_t count = 0;

    for (; addresses != NULL; addresses = addresses->ai_next)
        count++;
    return count;
}

/*
 * Connect to the first address that answers. Each may take its equal share of the time that is left: a dead one cannot
 * eat all of it, and what one does not use is the others'.
 */
static enum knock_result connect_any(const struct knock_plan *plan, const struct addrinfo *addresses,
                                     struct session *session)
{
    const size_t count = count_addresses(addresses);
    struct attempt *attempts = calloc(count, sizeof(*attempts));
    enum knock_result result = KNOCK_NO_CONNECTION;
    const struct addrinfo *address = addresses;

    if (attempts == NULL)
        return note(plan, KNOCK_NO_RESOURCES, "%s", strerror(errno));
    for (size_t i = 0; i < count; i++, address = address->ai_next) {
        const int64_t now_ms = stream_now_ms();
        const int64_t share_ms = (session->deadline_ms - now_ms) / (int64_t)(count - i);

        name_place(address, plan->host.port, session->place);
        note(plan, KNOCK_UNDECIDED, "%s: connecting", session->place);
        attempts[i].result = stream_connect(address, now_ms + share_ms, &session->server_fd);
        attempts[i].error = errno;
        if (attempts[i].result == STREAM_OK) {
            result = KNOCK_UNDECIDED;
            goto out;
        }
        if (i + 1 < count)
            note_attempt(plan, KNOCK_UNDECIDED, session->place, &attempts[i]);
    }
    address = addresses;
    for (size_t i = 0; i < count; i++, address = address->ai_next) {
        name_place(address, plan->host.port, session->place);
        note_attempt(plan, result, session->place, &attempts[i]);
    }
out:
    free(attempts);
    return result;
}

static enum knock_result receive_seed(const struct knock_plan *plan, struct session *session)
{
    size_t got;
    const enum stream_result result =
        stream_receive(session->server_fd, session->seed, SEED_LEN, session->deadline_ms, &got);

    if (result == STREAM_OK)
        return note(plan, KNOCK_UNDECIDED, "%s: seed arrived", session->place);
    if (got > 0)
        return note(plan, KNOCK_BAD_PROTOCOL,
                    "%s: %zu bytes in place of a seed of %d: is it Ostiary that listens there?", session->place, got,
                    SEED_LEN);
    if (result == STREAM_TIMEOUT)
        return note(plan, KNOCK_NO_SEED,
                    "%s: no seed within the time limit: the server is busy or holds you back; "
                    "try later, or give more time with -t",
                    session->place);
    return note(plan, KNOCK_NO_SEED, "%s: closed without a seed: locked out, or the server is busy: try later",
                session->place);
}

static enum knock_result send_reply(const struct knock_plan *plan, struct session *session)
{
    if (mac_reply(plan->secret, session->seed, session->reply) != 0)
        return note(plan, KNOCK_NO_RESOURCES, "the reply could not be computed: libgcrypt refused");
    /*
     * Whatever has come behind the seed is no receipt, for nobody has seen the reply yet; and left unread, it would
     * make the close a reset, which may overtake the reply.
     */
    stream_discard(session->server_fd);
    switch (stream_send(session->server_fd, session->reply, REPLY_LEN, session->deadline_ms)) {
    case STREAM_OK:
        note(plan, KNOCK_UNDECIDED, "%s: reply sent", session->place);
        return KNOCK_SENT;
    case STREAM_TIMEOUT:
        return note(plan, KNOCK_BAD_PROTOCOL, "%s: the time limit came before the reply: give more time with -t",
                    session->place);
    case STREAM_END:
    case STREAM_FAULT:
        break;
    }
    return note(plan, KNOCK_BAD_PROTOCOL, "%s: closed before the reply: is COMM_TIMEOUT on the server too short?",
                session->place);
}

static enum knock_result check_receipt(const struct knock_plan *plan, const struct session *session)
{
    uint8_t receipt[RECEIPT_LEN];
    uint8_t expected[RECEIPT_LEN];
    size_t got;

    if (mac_receipt(plan->secret, session->seed, session->reply, expected) != 0)
        return note(plan, KNOCK_NO_RESOURCES, "the receipt could not be computed: libgcrypt refused");
    switch (stream_receive(session->server_fd, receipt, RECEIPT_LEN, session->deadline_ms, &got)) {
    case STREAM_OK:
        break;
    case STREAM_TIMEOUT:
        return note(plan, KNOCK_NOT_ACCEPTED,
                    "%s: no receipt within the time limit, so the reply may have been accepted or not: "
                    "look at the server's log",
                    session->place);
    case STREAM_END:
    case STREAM_FAULT:
    default:
        return note(plan, KNOCK_NOT_ACCEPTED,
                    "%s: not accepted: check the secret; an Ostiary before 5 gives no receipt at all", session->place);
    }
    if (mac_same(receipt, expected) == 0)
        return note(plan, KNOCK_BAD_PROTOCOL,
                    "%s: the receipt is wrong: whoever answers there does not hold this secret", session->place);
    note(plan, KNOCK_UNDECIDED, "%s: accepted", session->place);
    return KNOCK_ACCEPTED;
}

static enum knock_result talk(const struct knock_plan *plan, struct session *session)
{
    enum knock_result result = receive_seed(plan, session);

    if (result == KNOCK_UNDECIDED)
        result = send_reply(plan, session);
    if (result == KNOCK_SENT && plan->wait)
        result = check_receipt(plan, session);
    return result;
}

enum knock_result knock_try(const struct knock_plan *plan, int64_t deadline_ms)
{
    struct session session = {.server_fd = -1, .deadline_ms = deadline_ms};
    struct addrinfo *addresses = NULL;
    enum knock_result result = find_addresses(plan, deadline_ms, &addresses);

    if (result == KNOCK_UNDECIDED)
        result = connect_any(plan, addresses, &session);
    if (result == KNOCK_UNDECIDED)
        result = talk(plan, &session);

    if (session.server_fd >= 0)
        close(session.server_fd);
    explicit_bzero(session.seed, sizeof(session.seed));
    explicit_bzero(session.reply, sizeof(session.reply));
    if (addresses != NULL)
        freeaddrinfo(addresses);
    return result;
}

bool knock_may_repeat(enum knock_result result)
{
    return result == KNOCK_NO_LOOKUP || result == KNOCK_NO_CONNECTION || result == KNOCK_NO_SEED;
}
