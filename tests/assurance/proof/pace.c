/* SPDX-License-Identifier: ISC */
/* Any pace by any rule that a configuration can make, at any table time. */
#include "pace.h"

#include "any_record.h"

#define LONGEST_MS 3600000 /* of DELAY and DELAY_MAX_WAIT */

int main(void)
{
    const struct pace_rule rule = {.delay_ms = any_size(0, LONGEST_MS), .longest_ms = any_size(0, LONGEST_MS)};
    const uint64_t now_ms = any_size(0, RECORD_TIME_MAX);
    struct record_pace pace = any_pace();
    uint64_t place_ms;

    switch (Frama_C_interval(0, 3)) {
    case 0:
        pace_take(&pace, &rule, now_ms, &place_ms);
        //@ assert place_is_set_always: \initialized(&place_ms);
        break;
    case 1:
        pace_hold(&pace, &rule, now_ms, any_number());
        break;
    case 2:
        pace_leave(&pace, &rule, any_number());
        break;
    default:
        pace_waiting(&pace, &rule, now_ms);
        break;
    }
    return 0;
}
