/* SPDX-License-Identifier: ISC */
/* The ways in which the clients of the soak test behave, and what the door owes to each. */
#ifndef OSTIARY_SOAK_KIND_H
#define OSTIARY_SOAK_KIND_H

#include <stdbool.h>

enum kind {
    KIND_RIGHT,        /* the right reply, at once */
    KIND_RIGHT_EARLY,  /* before the source's pace allows it: has to wait for its seed, and no longer than that */
    KIND_RIGHT_SLOW,   /* a byte at a time */
    KIND_RIGHT_EXTRA,  /* and more bytes behind it */
    KIND_RIGHT_LINGER, /* for an action that goes on after the connection has ended */
    KIND_WRONG,
    KIND_WRONG_EXTRA,
    KIND_SHORT,       /* 1 to 31 bytes, and the end */
    KIND_NONE,        /* no byte, and the end */
    KIND_SILENT,      /* no byte, and no end either */
    KIND_DRIBBLE,     /* a byte now and then, so that there would never be enough of them */
    KIND_RESET_SEED,  /* reset when the seed has arrived */
    KIND_HASTY,       /* reset at any moment from before the connection is accepted */
    KIND_LOCKED,      /* while the source is locked */
    KIND_LOCKED_TALK, /* the same, with 32 bytes sent at once */
    KIND_COUNT
};

enum kind_outcome {
    KIND_ACCEPTED, /* seed, right receipt, end */
    KIND_REJECTED, /* seed, end, and a strike */
    KIND_REFUSED,  /* not one byte, end */
    KIND_ANYTHING  /* nobody can say: at most a strike */
};

struct kind_rule {
    const char *name;
    enum kind_outcome outcome;
    const char *reason; /* of the outcome, in the log; for ACCEPTED the action */
    bool lingers;       /* until COMM_TIMEOUT is over */
    bool leaves_bytes;  /* that the door does not read: then the kernel may end the connection by a reset */
};

extern const struct kind_rule kind_rules[KIND_COUNT];

/* "accepted", "rejected", "refused", "anything". */
const char *kind_outcome_text(enum kind_outcome outcome);

#endif
