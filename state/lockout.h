/* SPDX-License-Identifier: ISC */
/*
 * The policy of a door: who is locked, who waits, what a strike does. It works on the table through store.h.
 *
 * Every function takes the lock for as long as it reads and writes, a few microseconds, and never while anything waits
 * for the network. The clocks are a parameter, and the times given back are the wall clock's; addresses are opaque
 * bytes; nothing is logged and nothing exits. Every function that can fail returns STORE_OK or the fault (store.h), and
 * its outcome then is a refusal.
 *
 * An exempt source is paced, and its strikes are counted, but they never lock it and are no errors. What an
 * administrator has locked by hand is locked for exempt sources too.
 *
 * The strikes of an enclosed source are counted for the networks that it is in as well (enclosing.h), each within
 * STRIKE_TIME of the first, or LOCKOUT_TIME, if that is shorter. Such a network locks at its limit, for LOCKOUT_TIME,
 * all of its sources but exempt ones; a provider's spares those that were accepted within SLOT_KNOWN_TIME, and what
 * they do then is not counted for it.
 */
#ifndef OSTIARY_LOCKOUT_H
#define OSTIARY_LOCKOUT_H

#include "enclosing.h"
#include "source.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

/* The settings that the policy depends on: DELAY and the rest of ostiary.cfg(5). Times in seconds. */
struct lockout_policy {
    uint64_t delay;
    uint64_t delay_max_wait;
    bool delay_all;       /* one pace for all sources together */
    uint64_t waiting_max; /* of one source, at the same moment */
    uint64_t max_bad_conns;
    uint64_t max_single_errs; /* 0: never close the door for it */
    uint64_t max_total_errs;  /* 0: never */
    bool close_when_full;
    uint64_t lockout_time; /* 0: until unlocked */
    uint64_t strike_time;
};

/* Who is there, and when. */
struct lockout_visitor {
    const struct source *source;
    bool exempt;
    bool enclosed; /* the networks that it is in count */
    struct moment now;
    uint64_t judging_ms; /* for a charge: within so many ms its strike is judged, or its handler is no more */
    bool patient;        /* it can be told to come again */
};

enum lockout_answer {
    LOCKOUT_REFUSED_LOCKED, /* the assumption until the table has said otherwise */
    LOCKOUT_REFUSED_CLOSED,
    LOCKOUT_REFUSED_TOO_SOON,
    LOCKOUT_NOT_YET, /* to a charge by a patient visitor: nothing is written, come again in a few milliseconds */
    LOCKOUT_ADMITTED
};

/*
 * Why a door was closed by a function here, this one for a limit, or every one by order; it is closed then, durably,
 * and the caller logs it. Each closing is reported once. The values are part of the table's format.
 */
enum lockout_closure {
    LOCKOUT_NOT_CLOSED = 0,
    LOCKOUT_CLOSED_SINGLE_ERRS = 1,
    LOCKOUT_CLOSED_TOTAL_ERRS = 2,
    LOCKOUT_CLOSED_FULL = 3,
    LOCKOUT_CLOSED_BY_ORDER = 4 /* lockout_close: KILL, or an administrator */
};

#define LOCKOUT_FOREVER RECORD_FOREVER /* locked until somebody unlocks */

/* Whose lock bars a source, if it is not its own. */
struct lockout_bar {
    bool is_network;
    struct source network;
};

struct lockout_admission {
    enum lockout_answer answer;
    uint64_t wait_ms;      /* ADMITTED: wait so long before the seed, then ask lockout_look again if it is not 0 */
    uint64_t place_ms;     /* ADMITTED: the place in the pace, for lockout_leave */
    uint64_t seed_number;  /* ADMITTED: never given twice by this table */
    uint64_t locked_until; /* REFUSED_LOCKED: seconds since the epoch, or LOCKOUT_FOREVER */
    struct lockout_bar bar;
    enum lockout_closure closure;
    unsigned damaged_slots; /* damaged slots met in the source's buckets, and emptied, or lost in a conversion */
};

/*
 * May this source have a seed, and when? Takes a place in the pace and a seed number. A refusal of a locked source is
 * counted, as an error too; one at a closed door, or of a source that is too soon, changes nothing.
 */
enum store_fault lockout_admit(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, struct lockout_admission *admission);

/*
 * The peer has left before it was sent its seed: its place in the pace is free for who is next. Nothing else is taken
 * back, and nothing is done for a peer that was not admitted.
 */
enum store_fault lockout_leave(struct store *store, const struct lockout_policy *policy,
                               const struct lockout_visitor *visitor, const struct lockout_admission *admission);

/* Is the source locked, or the door closed, by now? Reads alone. answer is ADMITTED when neither. bar may be NULL. */
enum store_fault lockout_look(struct store *store, const struct lockout_visitor *visitor, enum lockout_answer *answer,
                              struct lockout_bar *bar);

/* One of the networks that a source is in, when it was charged. */
struct lockout_network {
    bool struck; /* the strike was counted for it */
    struct source source;
    uint64_t locked_until; /* where strike.locks: as below */
    struct slot_strike strike;
};

/* A strike that has been written and not yet been judged. Filled by lockout_charge, for settle and forgive. */
struct lockout_charge {
    enum lockout_answer answer; /* ADMITTED: the strike is in the file, the reply may be compared; else nothing may */
    uint64_t strikes;           /* of the source, this one counted */
    bool locks;                 /* this strike locked the source; true for one charge per transition */
    uint64_t locked_until;      /* where it is locked: seconds, or LOCKOUT_FOREVER */
    enum lockout_closure closure;
    unsigned damaged_slots;
    bool makes_known; /* who is forgiven; to be cleared where nothing but that comes of a right reply */
    struct lockout_bar bar;
    struct slot_strike undo; /* by it lockout_forgive takes back this strike and no other */
    bool networks_struck;    /* some of these are */
    struct lockout_network networks[ENCLOSING_MAX];
};

/*
 * Write the strike, and that in the networks before that of the source: a handler that is killed in between has
 * compared nothing. At a door without a pace many rightful visitors of one source are charged at the same moment: a
 * patient one whose strike would lock it or a network, or who finds a lock, only because of strikes that have not been
 * judged yet is told to come again. Who is not patient is charged, or refused, as if all of them were wrong.
 *
 * Nothing may be compared before this has returned STORE_OK with answer ADMITTED (I1).
 */
enum store_fault lockout_charge(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge);

/*
 * The reply was right: take back this strike, also in the networks, and each lock that it was this strike that made.
 * locks is false afterwards if that succeeded. An enclosed source is known from now on, unless makes_known
 * was cleared. If the door was closed meanwhile, the answer becomes CLOSED, and nobody may come in for this reply. Does
 * nothing to a charge that is not ADMITTED.
 */
enum store_fault lockout_forgive(struct store *store, const struct source *source, struct lockout_charge *charge);

/*
 * The reply was wrong or missing: the strike stands, and is an error from now on. Makes a lock durable before it is
 * reported, and closes the door where MAX_SINGLE_ERRS or MAX_TOTAL_ERRS say so; charge->closure then says which.
 * Does nothing to a charge that is not ADMITTED: that was settled as it was refused.
 */
enum store_fault lockout_settle(struct store *store, const struct lockout_policy *policy,
                                const struct lockout_visitor *visitor, struct lockout_charge *charge);

/*
 * Close every door for a reason of the caller's ("kill-secret source=192.0.2.7"). From when it returns STORE_OK nobody
 * is admitted, charged or forgiven, but who was forgiven before. It takes the table or the file, whichever can be
 * written. *was_open tells the one who closed it from those who came later; may be NULL.
 */
enum store_fault lockout_close(struct store *store, const char *reason, const struct moment *now, bool *was_open);

/* The word for a closure, in `closed` and in the log: "max-single-errs", "max-total-errs", "table-full", "by-order"; ""
 * for none.
 */
const char *lockout_closure_text(enum lockout_closure closure);

#endif
