/* SPDX-License-Identifier: ISC */
/* See deeds_log.h, and deeds.h for what is refused or needs nothing. */
#include "deeds_log.h"

#include "address.h"
#include "tell.h"

#include <inttypes.h>
#include <syslog.h>

#define MS 1000

void deeds_log_grant(const char *word, const struct grant *grant, uint64_t left_ms)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "%s gate=%s network=%s user=%s left=%" PRIu64 " by=%s", word, grant->gate, network,
              grant->user, left_ms / MS, grant_by_text(grant->by));
}

void deeds_log_renewal(const struct grant *grant, uint64_t left_ms)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "renewed gate=%s network=%s user=%s left=%" PRIu64 " by=use", grant->gate, network,
              grant->user, left_ms / MS);
}

void deeds_log_end(const struct grant *grant)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&grant->network, network);
    tell_done(LOG_NOTICE, "ended gate=%s network=%s user=%s reason=%s packets=%" PRIu64, grant->gate, network,
              grant->user, grant_end_text(grant->end), grant->packets);
}

void deeds_log_cover(const struct wish *wish, const struct cover *cover)
{
    char network[ADDRESS_TEXT_LEN];
    char by[ADDRESS_TEXT_LEN];

    address_format_source(&wish->network, network);
    address_format_source(&cover->network, by);
    if (cover->always)
        tell_done(LOG_NOTICE, "still open gate=%s network=%s by=ALWAYS", wish->gate->name, network);
    else if (cover->left_ms > 0)
        tell_done(LOG_NOTICE, "still open gate=%s network=%s by=%s user=%s left=%" PRIu64, wish->gate->name, network,
                  by, cover->user, cover->left_ms / MS);
}

enum request_reason deeds_refuse(const struct wish *wish, enum request_reason reason)
{
    char network[ADDRESS_TEXT_LEN];

    address_format_source(&wish->network, network);
    tell_done(LOG_WARNING, "refused gate=%s network=%s user=%s reason=%s by=%s", wish->gate->name, network, wish->user,
              request_reason_word(reason), grant_by_text(wish->by));
    return reason;
}

bool deeds_is_needless(const struct wish *wish)
{
    char network[ADDRESS_TEXT_LEN];

    if (gates_has_hosts(&wish->network))
        return false;
    address_format_source(&wish->network, network);
    tell_done(LOG_NOTICE, "not needed gate=%s network=%s user=%s by=%s", wish->gate->name, network, wish->user,
              grant_by_text(wish->by));
    return true;
}
