/* SPDX-License-Identifier: ISC */
/* Any grant, and any clocks: every value that their types can hold. Names end within their arrays or not at all. */
#ifndef OSTIARY_PROOF_ANY_GRANT_H
#define OSTIARY_PROOF_ANY_GRANT_H

#include "any.h"
#include "grants.h"

static inline struct grant any_grant(void)
{
    struct grant grant = {
        .step = (enum grant_step)any_size(0, GRANT_CLOSING),
        .end = (enum grant_end)any_size(0, GRANT_CLEARED),
        .by = (enum grant_by)any_size(0, GRANT_BY_WEB),
        .by_commands = any_bool(),
        .lifetime_s = any_number(),
        .since_wall_ms = any_number(),
        .packets = any_number(),
        .last_packets = any_number(),
        .until_boot_ms = any_number(),
        .most_boot_ms = any_number(),
        .wall_known = any_bool(),
        .until_wall_ms = any_number(),
        .most_wall_ms = any_number(),
    };

    any_bytes(grant.gate, sizeof(grant.gate));
    any_bytes(grant.user, sizeof(grant.user));
    any_bytes(grant.network.address, sizeof(grant.network.address));
    grant.network.prefix = (uint8_t)any_size(0, UINT8_MAX);
    any_bytes(grant.boot_id, sizeof(grant.boot_id));
    return grant;
}

static inline struct moment any_moment(void)
{
    struct moment moment = {.boot_ms = any_number(), .wall_ms = any_number()};

    any_bytes(moment.boot_id, sizeof(moment.boot_id));
    return moment;
}

#endif
