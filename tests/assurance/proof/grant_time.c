/* SPDX-License-Identifier: ISC */
/* What time does to a grant: any grant, any clocks, any latest time of the record. */
#include "grants.h"

#include "any_grant.h"

int main(void)
{
    const struct grant_order order = {any_number(), any_number(), any_number()};
    const struct moment now = any_moment();
    struct grant grant = any_grant();
    uint64_t left_ms;

    grant_left(&grant, order.latest_ms, &now, &left_ms);
    //@ assert left_is_bounded: left_ms <= RECORD_TIME_MAX;
    if (any_bool())
        grant_set_times(&grant, &order, &now);
    else
        grant_set_clocks(&grant, order.latest_ms, &now);
    return 0;
}
