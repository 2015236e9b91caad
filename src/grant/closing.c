/* SPDX-License-Identifier: ISC */
/* See deeds.h: closing what is open, by whom and wherever. */
#include "deeds.h"

#include "deeds_log.h"
#include "lost.h"
#include "steps.h"

#include <string.h>

/* Whose grants are to be closed. */
struct closing {
    const struct wish *wish;
    enum grant_end end;
    bool others;     /* all of the user's but the network; else the network alone */
    bool everywhere; /* or all of the user's */
};

/*
 * Was it opened to the host that the wish is about, when ipv6-prefix= was another? An IPv4 host is opened to by itself,
 * so that what is wider was named by an administrator. A network of IPv6 that one has named in the form for this user
 * cannot be told from his own, and is closed as well.
 */
static bool is_of_host(const struct wish *wish, const struct grant *grant)
{
    const uint8_t prefix = wish->network.prefix;

    if (grant->by == GRANT_BY_ADMIN || grant->network.prefix < GATES_PREFIX_LEAST || gates_is_ipv4(&grant->network))
        return false;
    return gates_lies_within(&wish->network, &grant->network) ||
           (prefix == wish->gate->ipv6_prefix && gates_lies_within(&grant->network, &wish->network));
}

static bool is_meant(const struct closing *closing, const struct grant *grant)
{
    const struct wish *wish = closing->wish;
    const bool same = memcmp(&grant->network, &wish->network, sizeof grant->network) == 0;

    if (strcmp(grant->gate, wish->gate->name) != 0 || (wish->user != NULL && strcmp(grant->user, wish->user) != 0))
        return false;
    if (closing->everywhere)
        return true;
    /* His others are what he has opened himself. */
    if (closing->others)
        return !same && grant->by != GRANT_BY_ADMIN;
    return same || (wish->user != NULL && is_of_host(wish, grant));
}

/* All of them are over, in the record and on the disk. */
static enum request_reason begin_closing(struct deeds *deeds, const struct closing *closing, uint64_t *count)
{
    enum request_reason reason = REQUEST_DONE;
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *count = 0;
    while (reason == REQUEST_DONE && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (is_meant(closing, &grant) && grant.step != GRANT_CLOSING) {
            if (!closing->wish->gate->by_commands)
                steps_count(&grant, wall_packets(&deeds->wall, closing->wish->gate, &grant.network));
            reason = steps_begin_end(deeds, &grant, closing->end, slot);
            (*count)++;
        }
    if (reason == REQUEST_DONE && fault == GRANTS_OK && *count > 0)
        fault = grants_sync(&deeds->record);
    return fault == GRANTS_OK ? reason : deeds_blame(deeds, fault);
}

static enum request_reason close_all(struct deeds *deeds, const struct closing *closing)
{
    enum grants_fault fault = GRANTS_OK;
    struct steps_told told = {0};
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;
    uint64_t count = 0;
    uint64_t stranded = 0;
    enum request_reason reason;

    reason = steps_finish_all(deeds, closing->wish->gate);
    if (reason == REQUEST_DONE)
        reason = begin_closing(deeds, closing, &count);
    while (reason == REQUEST_DONE && grants_next(&deeds->record, &at, &grant, &slot, &fault))
        if (is_meant(closing, &grant) && grant.step == GRANT_CLOSING) {
            reason = steps_finish(deeds, &grant, slot, &told);
            if (lost_is_stranded(deeds->wall.gates, &grant) && stranded++ == 0)
                lost_say_stranded(deeds, &grant, 0);
        }
    if (fault != GRANTS_OK)
        reason = deeds_blame(deeds, fault);
    if (reason != REQUEST_DONE)
        return reason;
    return stranded > 0 ? REQUEST_FAILED : count == 0 ? REQUEST_NOT_OPEN : REQUEST_DONE;
}

static bool is_always_let_in(const struct gates *gates, const struct wish *wish)
{
    for (size_t i = 0; i < gates->always_count && !wish->gate->by_commands; i++)
        if (gates_lies_within(&wish->network, &gates->always[i]))
            return true;
    return false;
}

/* What still lets the network in. */
static enum request_reason find_cover(struct deeds *deeds, const struct wish *wish)
{
    struct cover *cover = &deeds->cover;
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *cover = (struct cover){.always = is_always_let_in(deeds->wall.gates, wish)};
    while (grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        const uint64_t left_ms = steps_left(deeds, &grant);

        if (left_ms <= cover->left_ms || strcmp(grant.gate, wish->gate->name) != 0 ||
            !gates_lies_within(&wish->network, &grant.network))
            continue;
        cover->left_ms = left_ms;
        cover->network = grant.network;
        memcpy(cover->user, grant.user, sizeof cover->user);
    }
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

enum request_reason deeds_close(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_REVOKED};
    const enum request_reason reason = close_all(deeds, &closing);

    if ((reason == REQUEST_DONE || reason == REQUEST_NOT_OPEN) && find_cover(deeds, wish) == REQUEST_DONE)
        deeds_log_cover(wish, &deeds->cover);
    return reason;
}

enum request_reason deeds_close_user(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_REVOKED, .everywhere = true};

    return close_all(deeds, &closing);
}

enum request_reason deeds_close_others(struct deeds *deeds, const struct wish *wish)
{
    const struct closing closing = {.wish = wish, .end = GRANT_CLEARED, .others = true};
    const enum request_reason reason = close_all(deeds, &closing);

    return reason == REQUEST_NOT_OPEN ? REQUEST_DONE : reason;
}
