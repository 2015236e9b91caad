/* SPDX-License-Identifier: ISC */
/* See lost.h, and deeds.h. */
#include "lost.h"

#include "address.h"
#include "deeds_log.h"
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

bool lost_is_stranded(const struct gates *gates, const struct grant *grant)
{
    const struct gate *gate = gates_find(gates, grant->gate);

    return grant->by_commands && (gate == NULL || !gate->by_commands);
}

void lost_say_stranded(const struct deeds *deeds, const struct grant *grant, uint64_t others)
{
    char network[ADDRESS_TEXT_LEN];
    char more[64] = "";

    address_format_source(&grant->network, network);
    if (others > 0)
        snprintf(more, sizeof more, " (and %" PRIu64 " more: see 'ostgrant list')", others);
    tell_wrong(LOG_WARNING,
               "the other firewall may still let in %s at gate '%s'%s: %s has the commands no more by which it was "
               "opened; put the gate back with its revoke= and run 'ostgrant tick', or close it there by hand and run "
               "'ostgrant repair'",
               network, grant->gate, more, deeds->wall.gates->path);
}

enum request_reason lost_give_up(struct deeds *deeds, uint64_t *count)
{
    enum grants_fault fault = GRANTS_OK;
    enum grants_fault removed = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    *count = 0;
    while (removed == GRANTS_OK && grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        char network[ADDRESS_TEXT_LEN];

        if (grant.step != GRANT_CLOSING || !lost_is_stranded(deeds->wall.gates, &grant))
            continue;
        removed = grants_remove(&deeds->record, slot);
        if (removed != GRANTS_OK)
            break;
        ++*count;
        address_format_source(&grant.network, network);
        tell_done(LOG_WARNING, "given up gate=%s network=%s user=%s: its revoke= was never run", grant.gate, network,
                  grant.user);
    }
    fault = fault == GRANTS_OK ? removed : fault;
    return fault == GRANTS_OK ? REQUEST_DONE : deeds_blame(deeds, fault);
}

static bool is_lost(const struct lost *lost, const struct grant *grant)
{
    if (strcmp(grant->gate, lost->gate) != 0)
        return false;
    if (lost->network == NULL)
        return strcmp(grant->user, lost->user) == 0;
    if (memcmp(&grant->network, lost->network, sizeof grant->network) == 0)
        return true;
    return lost->network->prefix == 128 && grant->network.prefix >= GATES_PREFIX_LEAST &&
           !gates_is_ipv4(&grant->network) && gates_lies_within(lost->network, &grant->network);
}

enum request_reason lost_forget(struct deeds *deeds, const struct lost *lost)
{
    enum grants_fault fault = GRANTS_OK;
    enum grants_fault removed = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;
    bool any = false;
    bool kept = false;

    while (removed == GRANTS_OK && grants_next(&deeds->record, &at, &grant, &slot, &fault)) {
        if (!is_lost(lost, &grant))
            continue;
        if (grant.by_commands) {
            lost_say_stranded(deeds, &grant, 0);
            kept = true;
            continue;
        }
        removed = grants_remove(&deeds->record, slot);
        grant.end = GRANT_REVOKED;
        if (removed == GRANTS_OK)
            deeds_log_end(&grant);
        any = true;
    }
    fault = fault == GRANTS_OK ? removed : fault;
    if (fault != GRANTS_OK)
        return deeds_blame(deeds, fault);
    return kept ? REQUEST_FAILED : any ? REQUEST_DONE : REQUEST_NOT_OPEN;
}
