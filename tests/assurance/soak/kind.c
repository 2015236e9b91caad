/* SPDX-License-Identifier: ISC */
/* See kind.h. */
#include "kind.h"

#define ACTION        "knock"
#define LINGER_ACTION "linger"

const struct kind_rule kind_rules[KIND_COUNT] = {
    [KIND_RIGHT] = {.name = "right", .outcome = KIND_ACCEPTED, .reason = ACTION},
    [KIND_RIGHT_EARLY] = {.name = "right-early", .outcome = KIND_ACCEPTED, .reason = ACTION},
    [KIND_RIGHT_SLOW] = {.name = "right-slow", .outcome = KIND_ACCEPTED, .reason = ACTION},
    [KIND_RIGHT_EXTRA] = {.name = "right-extra", .outcome = KIND_ACCEPTED, .reason = ACTION, .leaves_bytes = true},
    [KIND_RIGHT_LINGER] = {.name = "right-linger", .outcome = KIND_ACCEPTED, .reason = LINGER_ACTION},
    [KIND_WRONG] = {.name = "wrong", .outcome = KIND_REJECTED, .reason = "wrong-reply"},
    [KIND_WRONG_EXTRA] = {.name = "wrong-extra",
                          .outcome = KIND_REJECTED,
                          .reason = "wrong-reply",
                          .leaves_bytes = true},
    [KIND_SHORT] = {.name = "short", .outcome = KIND_REJECTED, .reason = "short-reply"},
    [KIND_NONE] = {.name = "none", .outcome = KIND_REJECTED, .reason = "no-reply"},
    [KIND_SILENT] = {.name = "silent", .outcome = KIND_REJECTED, .reason = "timeout", .lingers = true},
    [KIND_DRIBBLE] =
        {.name = "dribble", .outcome = KIND_REJECTED, .reason = "timeout", .lingers = true, .leaves_bytes = true},
    [KIND_RESET_SEED] = {.name = "reset-seed", .outcome = KIND_REJECTED, .reason = "gone"},
    [KIND_HASTY] = {.name = "hasty", .outcome = KIND_ANYTHING, .reason = "gone"},
    [KIND_LOCKED] = {.name = "locked", .outcome = KIND_REFUSED, .reason = "locked"},
    [KIND_LOCKED_TALK] = {.name = "locked-talk", .outcome = KIND_REFUSED, .reason = "locked", .leaves_bytes = true},
};

const char *kind_outcome_text(enum kind_outcome outcome)
{
    switch (outcome) {
    case KIND_ACCEPTED:
        return "accepted";
    case KIND_REJECTED:
        return "rejected";
    case KIND_REFUSED:
        return "refused";
    case KIND_ANYTHING:
        break;
    }
    return "anything";
}
