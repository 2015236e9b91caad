/* SPDX-License-Identifier: ISC */
/* See approach.h. */
#include "approach.h"

#include "clock.h"
#include "reach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define NOTE_LEN        1024
#define CONNECT_MOST_MS 2000 /* for one address, while others are left */

/* How connecting to one address ended. */
struct attempt {
    enum reach_fault fault;
    enum stream_result result;
    int error;
};

__attribute__((format(printf, 3, 4))) static enum approach_result
note(const struct approach_plan *plan, enum approach_result result, const char *format, ...)
{
    char text[NOTE_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    plan->note(plan->context, result, text);
    return result;
}

/* ---- Looking up ---- */

enum approach_result approach_find(const struct approach_plan *plan, int64_t deadline_ms, struct resolve_answer *answer)
{
    const char *host = plan->host.name;
    char too_late[NOTE_LEN], text[REACH_TEXT_LEN];
    const struct resolve_query query = {.host = host,
                                        .port = plan->host.port,
                                        .family = plan->host.family,
                                        .too_late = plan->too_late,
                                        .too_late_text = too_late};

    snprintf(too_late, sizeof(too_late),
             "%s: no answer from the name servers within the time limit: try later, or give a numeric address", host);
    switch (resolve_host(&query, deadline_ms, answer)) {
    case RESOLVE_OK:
        return APPROACH_GOES_ON;
    case RESOLVE_UNKNOWN:
        return note(plan, APPROACH_UNKNOWN_HOST, "%s: host unknown%s: check the spelling", host,
                    plan->host.family == AF_INET    ? " in IPv4 (-4)"
                    : plan->host.family == AF_INET6 ? " in IPv6 (-6)"
                                                    : "");
    case RESOLVE_NO_INTERFACE:
        reach_fault_text(REACH_UNKNOWN, text);
        return note(plan, APPROACH_NO_CONNECTION, "%s: %s", host, text);
    case RESOLVE_TIMEOUT:
        return note(plan, APPROACH_NO_LOOKUP, "%s", too_late);
    case RESOLVE_FAILED:
        break;
    }
    return note(plan, APPROACH_NO_LOOKUP, "%s: %s: is the network up? try later, or give a numeric address", host,
                answer->reason);
}

/* ---- Connecting ---- */

static void name_place(const struct connect_address *address, uint16_t port, char place[static APPROACH_PLACE_LEN])
{
    char host[NI_MAXHOST];

    if (getnameinfo((const struct sockaddr *)&address->name, address->len, host, sizeof(host), NULL, 0,
                    NI_NUMERICHOST) != 0)
        snprintf(host, sizeof(host), "an address");
    snprintf(place, APPROACH_PLACE_LEN, "%s port %u", host, (unsigned)port);
}

static void note_attempt(const struct approach_plan *plan, enum approach_result result, const char *place,
                         const struct attempt *attempt)
{
    char text[REACH_TEXT_LEN];

    if (attempt->fault != REACH_OK)
        reach_fault_text(attempt->fault, text);
    else
        reach_error_text(attempt->result == STREAM_TIMEOUT ? ETIMEDOUT : attempt->error, text);
    note(plan, result, "%s: %s", place, text);
}

/*
 * The last address has all the time that is left. One before it has at most half of an equal share, so that however
 * many are dead, a good part is left for the others and for the seed; and never more than CONNECT_MOST_MS, in which
 * a lost packet is sent again.
 */
static int64_t share_of_time(int64_t left_ms, size_t addresses_left)
{
    const int64_t share_ms = left_ms / (2 * (int64_t)addresses_left);

    if (addresses_left == 1)
        return left_ms;
    return share_ms < CONNECT_MOST_MS ? share_ms : CONNECT_MOST_MS;
}

/* Signals are held when it has worked, and only then. */
static void connect_one(const struct connect_address *address, const struct connect_address *source, int64_t share_ms,
                        struct approach *approach, struct attempt *attempt)
{
    struct stream_limit limit = stream_from_now(share_ms);

    attempt->fault = reach_check(address);
    attempt->result = STREAM_FAULT;
    if (attempt->fault != REACH_OK)
        return;
    if (share_ms <= 0) {
        attempt->result = STREAM_TIMEOUT;
        return;
    }
    signals_hold(&approach->held);
    limit.signal_fd = approach->held.pending_fd;
    attempt->result = connect_to(address, source, limit, &approach->server_fd);
    attempt->error = errno;
    if (attempt->result != STREAM_OK)
        signals_release(&approach->held);
}

enum approach_result approach_connect(const struct approach_plan *plan, const struct resolve_answer *answer,
                                      int64_t deadline_ms, struct approach *approach)
{
    struct attempt attempts[RESOLVE_ADDRESSES_MAX];

    for (size_t i = 0; i < answer->count; i++) {
        name_place(&answer->addresses[i], plan->host.port, approach->place);
        note(plan, APPROACH_GOES_ON, "%s: connecting", approach->place);
        connect_one(&answer->addresses[i], plan->source, share_of_time(deadline_ms - clock_now_ms(), answer->count - i),
                    approach, &attempts[i]);
        if (attempts[i].result == STREAM_OK)
            return APPROACH_GOES_ON;
        if (attempts[i].result == STREAM_SIGNAL)
            return APPROACH_INTERRUPTED;
        if (i + 1 < answer->count)
            note_attempt(plan, APPROACH_GOES_ON, approach->place, &attempts[i]);
    }
    for (size_t i = 0; i < answer->count; i++) {
        name_place(&answer->addresses[i], plan->host.port, approach->place);
        note_attempt(plan, APPROACH_NO_CONNECTION, approach->place, &attempts[i]);
    }
    return APPROACH_NO_CONNECTION;
}
