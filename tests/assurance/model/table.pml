/* SPDX-License-Identifier: ISC */
/*
 * What several processes do to the table at the same moment, as a model for spin. run.sh beside this runs it, and breaks
 * it; README.md says what each property means and how the model is extended.
 *
 * HANDLERS visits of one source, each by a process of its own, and one administrator who gives up to COMMANDS commands.
 * A step is what no other process can see the middle of: the taking of a lock, one write, the giving back of a lock, or
 * several of these where nobody can tell them from one. Behind each step the process may be killed: the kernel gives its
 * locks back, and what it has written stays. spin looks at every order in which the steps can follow one another.
 *
 * What makes several steps one: whoever has the table's lock alone is the only one who reads or writes the table, so
 * that nobody can tell taking the lock, reading, one write and giving it back from a single step. Where there are two
 * writes, or a second lock, they are steps apart, for a kill may come between them, and others may wait meanwhile.
 *
 * What is not in it: times (a strike, a lock or the wait for a judgement may be over at any moment), the pace (a visit may
 * be too soon at any moment), limits of errors (one may be reached with any error), the bytes of a record, and power
 * failures. The source is one, for sources share nothing but the seed numbers, the closing and the networks that they
 * are in, of which one is enough, with a limit that is reached before the source's; and the door is one, for what closes
 * another does not concern it.
 *
 * A line "C: NAME = CALLS" says that the C function NAME makes these calls in this order, leaving out all functions that
 * no such line names. run.sh compares them with the sources, so that the model cannot be left behind.
 *
 * -DBROKEN_... switches one mistake on, and run.sh wants to see it found.
 */

/* Sizes. run.sh says which it takes. */
#ifndef HANDLERS
#define HANDLERS 4 /* at most 4 */
#endif
#ifndef COMMANDS
#define COMMANDS 1
#endif
#ifndef MAX_BAD_CONNS
#define MAX_BAD_CONNS 2
#endif
/* 1: whoever waits for a lock may find his patience at its end, and `closed` may be impossible to write. */
#ifndef DOUBT
#define DOUBT 0
#endif
/* 1: with seed numbers; with networks that are locked by hand. */
#ifndef SEEDS
#define SEEDS 0
#endif
#ifndef NETWORKS
#define NETWORKS 0
#endif
/* 1: the strikes of the source are counted in a network as well. */
#ifndef ENCLOSED
#define ENCLOSED 0
#endif
#define ENCLOSED_LIMIT 2

/* ---- What is on the disk ---- */

typedef table {
    bit rebuild; /* of the header: a repair has not ended, and nobody else may use the table */
    bit closing; /* of the counters: the promise to close */
    /* The source's slot. A lock has no end here but through "over", so that all locks end at the same moment: for ever. */
    bit used;
    bit locked;
    bit by_hand;
    bit judged;
    bit over; /* the lock has ended, or the strikes are too old, and nobody has written that down yet */
    unsigned strikes : 3;
    unsigned unjudged : 3; /* of the strikes: neither forgiven nor settled yet */
    unsigned generation : 4;
#if SEEDS
    unsigned seed : 3;
#endif
#if NETWORKS
    bit network;      /* the bit in the counters: it is in use */
    bit network_slot; /* its slot is whole */
#endif
#if ENCLOSED
    /* The slot of a network that the source is in. That its strikes grow old, or its lock ends, is as if it were unlocked. */
    bit wide_used;
    bit wide_locked;
    bit wide_judged;
    unsigned wide_strikes : 3;
    unsigned wide_unjudged : 3;
    unsigned wide_generation : 4;
#endif
};
table lockout;
bit slots_lost;    /* a repair has emptied the table and not yet copied the slots: they are in lockout.rebuild alone */
bit closed;        /* the file that closes the door is there */

/* ---- The locks: who has them alone ---- */

#define NOBODY 7
unsigned table_lock : 3 = NOBODY; /* flock on `lockout` */
unsigned dir_lock : 3 = NOBODY;   /* flock on the directory */

/* ---- Where the processes are, and what they remember ---- */

#define AT_THE_DOOR   0 /* waits for lockout_admit */
#define BEFORE_LOOK   1
#define BEFORE_CHARGE 2
#define BETWEEN       3 /* a broken model alone is here */
#define PATIENT       4 /* waits for earlier strikes to be judged */
#define IMPATIENT     5 /* has waited for them until its deadline, and is before lockout_charge */
#define CHARGED       6 /* its strike is on the disk, the reply is compared, and the answer is to be written */
#define CHARGED_LOCKS 7 /* the same, and it was the strike that locked */
#define BEFORE_CLOSE  8 /* was forgiven, and has given the KILL secret */
#define INSIDE        9 /* has the table's lock, or waits for the directory's */
#define GONE          10
byte where[5];
byte undo[5]; /* lockout_charge's undo: the generation in which the strike was made; 0: none */
#if ENCLOSED
byte wide_undo[5]; /* that of the network, doubled, and 1 more where it was the strike that locked it */
#define SAME_NETWORK(other) (wide_undo[other] == wide_undo[_pid])
#else
#define SAME_NETWORK(other) true
#endif

/*
 * Of handlers of which one is as good as the other only the first goes on: what the others would lead to is the same, but
 * for their names. That is what makes all orders of four few enough.
 */
#define AS_GOOD(other) (_pid > other && where[other] == where[_pid] && undo[other] == undo[_pid] && SAME_NETWORK(other))
#define FIRST (!AS_GOOD(0) && !AS_GOOD(1) && !AS_GOOD(2))

/* ---- What the properties go by. No process reads these. ---- */

unsigned standing : 4;            /* whose strikes are those that the slot counts */
unsigned lifted : 4;              /* whose strike the owner, or time, has taken away, and who does not know it */
unsigned locker : 3 = NOBODY;     /* whose strike, or whose command, has locked the slot */
bit found_guilty;                 /* that strike was settled, or it was a command */
bit lock_reported;                /* a lock was reported, and neither its end nor an unlocking has come since */
bit closing_reported;             /* a closing was reported, and no opening has come since */
#if NETWORKS
bit network_reported;
#endif
#if SEEDS
unsigned last_seed : 3;
#endif
#if ENCLOSED
unsigned wide_standing : 4; /* whose strikes are those that the network's slot counts */
unsigned wide_lifted : 4;   /* whose strike was taken away from it, and who does not know it */
unsigned wide_locker : 3 = NOBODY;
bit wide_reported;          /* its lock was reported, and not unlocked since */
#endif

/* The names of the properties, for spin's report: they are never true, and no part of a state. README.md explains them. */
hidden byte guess_without_strike, too_many_guesses, strike_of_another, strike_not_returned, lock_of_another, lock_lost,
    closing_lost, let_in_while_locked, let_in_while_closed, refusal_before_judgement, damaged_by_kill, seed_twice;

#define mine (1 << _pid)
#define count(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1) + (((set) >> 3) & 1))

/* What has to be so whenever anybody may look at the files. */
inline LOOK_OVER()
{
    if
    :: lockout.rebuild
    :: else ->
        assert(damaged_by_kill || !slots_lost);
        assert(strike_of_another || lockout.strikes == count(standing));
        assert(too_many_guesses || lockout.strikes <= MAX_BAD_CONNS);
        assert(lock_lost || !lock_reported || (lockout.used && lockout.locked));
#if NETWORKS
        assert(damaged_by_kill || !lockout.network || lockout.network_slot);
        assert(lock_lost || !network_reported || lockout.network);
#endif
#if ENCLOSED
        assert(strike_of_another || lockout.wide_strikes == count(wide_standing));
        assert(too_many_guesses || lockout.wide_strikes <= ENCLOSED_LIMIT);
        assert(lock_lost || !wide_reported || lockout.wide_locked);
#endif
        assert(closing_lost || !closing_reported || closed || lockout.closing)
    fi
}

/* ---- Locks, and the end of a process ---- */

/* Can the table be held, and used? Or is it that it cannot be used, or that the patience is at its end? */
#define CAN_HOLD (table_lock == NOBODY && !lockout.rebuild)
#define CANNOT_HOLD ((table_lock == NOBODY && lockout.rebuild) || DOUBT)

inline store_release()
{
    table_lock = NOBODY;
    LOOK_OVER()
}

inline FORGET()
{
    locks = 0;
    was_open = 0;
    failed = 0;
    undo[_pid] = 0;
    lifted = lifted & ~mine;
#if ENCLOSED
    wide_undo[_pid] = 0;
    wide_lifted = wide_lifted & ~mine;
#endif
    where[_pid] = GONE
}

/* Whoever is killed leaves what is written, and the kernel gives back what it held. */
inline KILLED()
{
#ifndef BROKEN_KEPT_LOCK
    if
    :: dir_lock == _pid -> dir_lock = NOBODY
    :: else
    fi;
    if
    :: table_lock == _pid -> table_lock = NOBODY
    :: else
    fi;
#endif
    FORGET();
    LOOK_OVER()
}

/* One step: it waits for the condition; then it does what it does, and the process lives on or is killed. */
#define STEP(condition, effect)                                 \
    if                                                          \
    :: d_step { (condition) -> effect }                         \
    :: d_step { (condition) -> effect; KILLED() }; goto end_gone    \
    fi

/*
 * ---- The slot ----
 *
 * C: take_slot = buckets_make slot_refresh store_write_counters keep_promise
 * C: slot_refresh = slot_absolve
 */

inline slot_absolve()
{
    lockout.locked = 0;
    lockout.by_hand = 0;
    lockout.judged = 0;
    lockout.over = 0;
    lockout.strikes = 0;
    lockout.unjudged = 0;
    lockout.generation++;
    lifted = lifted | standing;
    standing = 0;
    locker = NOBODY;
    found_guilty = 0
}

/* A slot that is made anew is of a generation that no slot of this source has been of before. */
inline buckets_make()
{
#ifdef BROKEN_GENERATION_FROM_SEED
    lockout.generation = lockout.seed;
#else
    lockout.generation++;
#endif
    lockout.used = 1
}

inline take_slot()
{
    if
    :: !lockout.used -> buckets_make()
    :: lockout.used && lockout.over -> slot_absolve()
    :: else
    fi
}

#define in_force (lockout.used && lockout.locked && !lockout.over)

/*
 * ---- Looking ----
 *
 * C: inspect = look_whether_closed networks_read find_slot look_around
 * C: look_around = buckets_find
 * C: look_whether_closed = closed_look
 */

#define is_closed (closed || lockout.closing)
#ifdef BROKEN_LOCKED_UNSEEN
#define is_locked false
#elif NETWORKS
#define is_locked (in_force || lockout.network)
#elif ENCLOSED
#define is_locked (in_force || lockout.wide_locked)
#else
#define is_locked in_force
#endif
#if NETWORKS
#define is_network_locked lockout.network
#else
#define is_network_locked false
#endif
#ifdef BROKEN_CLOSED_UNSEEN
#define is_free (!is_locked)
#else
#define is_free (!is_closed && !is_locked)
#endif

/* Nobody is let in at a door that was said to be closed, nor from a source that was said to be locked. */
inline LET_IN()
{
    assert(let_in_while_closed || !closing_reported);
    assert(let_in_while_locked || !lock_reported);
#if NETWORKS
    assert(let_in_while_locked || !network_reported)
#endif
#if ENCLOSED
    assert(let_in_while_locked || !wide_reported)
#endif
}

/*
 * ---- Closing ----
 *
 * C: closed_write = hold_file close_alone hold_release
 * C: close_alone = closed_look write_line renameat
 */

/* Who closes without the table counts from here on, for an opening can come before he has said so. */
inline CLOSED_ALONE()
{
    if
    :: table_lock != _pid -> closing_reported = 1
    :: else
    fi
}

inline closed_write()
{
#if DOUBT
    /* Nobody waits for ever anyway, so that the directory's lock is taken and given back in the step that it is for. */
    if
    :: STEP(closed, CLOSED_ALONE())
    :: STEP(!closed, closed = 1; was_open = 1; CLOSED_ALONE())
    :: d_step { failed = 1 }
    fi
#else
    STEP(dir_lock == NOBODY, dir_lock = _pid);
    if
    :: STEP(closed, dir_lock = NOBODY)
    :: STEP(!closed, closed = 1; was_open = 1; dir_lock = NOBODY)
    fi
#endif
}

/*
 * The promise to close comes first. One of the two is enough.
 *
 * C: lockout_close = store_hold promise_to_close closed_write store_sync store_release
 * C: promise_to_close = store_write_counters
 */
inline lockout_close()
{
#ifdef BROKEN_LOCK_ORDER
    STEP(dir_lock == NOBODY, dir_lock = _pid);
    STEP(CAN_HOLD, table_lock = _pid; dir_lock = NOBODY);
#else
    if
    :: STEP(CAN_HOLD, table_lock = _pid; where[_pid] = INSIDE)
    :: d_step { CANNOT_HOLD -> where[_pid] = INSIDE }
    fi;
#endif
#ifndef BROKEN_LOST_CLOSE
    if
    :: STEP(table_lock == _pid, lockout.closing = 1)
    :: table_lock != _pid
    fi;
#endif
    closed_write();
    d_step {
        if
        :: table_lock == _pid -> closing_reported = 1; failed = 0; store_release()
        :: else
        fi;
        was_open = 0
    }
}

/*
 * ---- A visit ----
 *
 * C: main = visit_admit visit_charge handler_match handler_forgive visit_settle
 * C: handler_forgive = visit_forgive
 * C: visit_admit = visit_begin_timed lockout_admit wait_for_place
 * C: visit_charge = visit_begin charge_in_time
 * C: charge_in_time = lockout_charge
 * C: visit_forgive = lockout_forgive visit_begin
 * C: visit_settle = visit_begin_timed lockout_settle
 */

/* The log says that the source is locked. Where the owner has unlocked it meanwhile, that is old news. */
inline REPORT_LOCK()
{
    if
    :: (locks || where[_pid] == CHARGED_LOCKS) && in_force && undo[_pid] == lockout.generation -> lock_reported = 1
    :: else
    fi
}

/*
 * Its strike would be the last, or there is a lock: but not if all those were found right that have not been judged.
 * Those of a lock by hand, or of a network, have been.
 */
#define would_lock (lockout.strikes + 1 >= MAX_BAD_CONNS && lockout.strikes + 1 < MAX_BAD_CONNS + lockout.unjudged)
#define is_doubtful_lock (in_force && !lockout.by_hand && !lockout.judged && lockout.unjudged > 0)
#define hangs_on_own \
    (lockout.used && !lockout.over && !is_closed && !is_network_locked && \
     ((lockout.locked && is_doubtful_lock) || (!lockout.locked && would_lock)))
/* The network is looked at where the source itself is not locked. */
#if ENCLOSED
#define wide_would_lock \
    (lockout.wide_strikes + 1 >= ENCLOSED_LIMIT && lockout.wide_strikes + 1 < ENCLOSED_LIMIT + lockout.wide_unjudged)
#define wide_hangs \
    ((lockout.wide_locked && !lockout.wide_judged && lockout.wide_unjudged > 0) || (!lockout.wide_locked && wide_would_lock))
#define hangs_on_others \
    ((in_force && hangs_on_own) || \
     (!in_force && !is_closed && lockout.wide_locked && wide_hangs) || \
     (!in_force && !is_closed && !lockout.wide_locked && (hangs_on_own || wide_hangs)))
#else
#define hangs_on_others hangs_on_own
#endif
#ifdef BROKEN_NO_PATIENCE
#define has_to_wait false
#else
#define has_to_wait (hangs_on_others && where[_pid] != IMPATIENT)
#endif

/*
 * The strike, and the lock if it is the last one that is borne: one write.
 *
 * C: strike = strike_networks take_slot buckets_write
 * C: strike_networks = strike_network turn_to
 * C: strike_network = turn_to clean_buckets take_slot buckets_write
 */
inline strike()
{
    take_slot();
    undo[_pid] = lockout.generation;
    lockout.strikes++;
    lockout.unjudged++;
    standing = standing | mine;
    where[_pid] = CHARGED;
    if
    :: lockout.strikes >= MAX_BAD_CONNS ->
        lockout.locked = 1;
        lockout.by_hand = 0;
        locker = _pid;
        found_guilty = 0;
        where[_pid] = CHARGED_LOCKS
    :: else
    fi
}

inline JUDGE_ONE()
{
    if
    :: lockout.unjudged > 0 -> lockout.unjudged--
    :: else
    fi
}

#if ENCLOSED
inline strike_network()
{
    if
    :: !lockout.wide_used -> lockout.wide_generation++; lockout.wide_used = 1
    :: else
    fi;
    wide_undo[_pid] = 2 * lockout.wide_generation;
    lockout.wide_strikes++;
    lockout.wide_unjudged++;
    wide_standing = wide_standing | mine;
    if
    :: lockout.wide_strikes >= ENCLOSED_LIMIT ->
        lockout.wide_locked = 1;
        wide_locker = _pid;
        wide_undo[_pid]++
    :: else
    fi
}

inline JUDGE_IN_NETWORK()
{
    if
    :: lockout.wide_unjudged > 0 -> lockout.wide_unjudged--
    :: else
    fi
}

/* C: take_back_network = buckets_find buckets_drop buckets_write */
inline take_back_network()
{
    if
#ifndef BROKEN_FORGIVE_SOURCE_ALONE
    :: lockout.wide_used && lockout.wide_strikes > 0 && lockout.wide_generation == wide_undo[_pid] / 2 ->
        assert(strike_of_another || (wide_standing & mine));
        if
        :: lockout.wide_locked && (wide_undo[_pid] & 1) ->
            assert(lock_of_another || wide_locker == _pid);
            lockout.wide_locked = 0;
            wide_locker = NOBODY
        :: else
        fi;
        lockout.wide_strikes--;
        JUDGE_IN_NETWORK();
        wide_standing = wide_standing & ~mine;
        lockout.wide_used = lockout.wide_strikes > 0
#endif
    :: else -> assert(strike_not_returned || !(wide_standing & mine))
    fi
}

/* C: settle_network = buckets_find buckets_write */
inline settle_network()
{
    if
    :: wide_undo[_pid] != 0 && lockout.wide_used && lockout.wide_generation == wide_undo[_pid] / 2 ->
        JUDGE_IN_NETWORK();
        if
        :: wide_undo[_pid] & 1 -> lockout.wide_judged = 1; wide_reported = 1
        :: else
        fi
    :: else
    fi
}
#endif

/* This strike, and the lock if it was this strike that locked. */
inline take_back()
{
    assert(strike_of_another || (standing & mine));
    if
#ifdef BROKEN_FORGIVE_ANY_LOCK
    :: lockout.locked ->
#else
    :: lockout.locked && !lockout.by_hand && where[_pid] == CHARGED_LOCKS ->
#endif
        assert(lock_of_another || locker == _pid);
        lockout.locked = 0;
        locker = NOBODY
    :: else
    fi;
    lockout.strikes--;
    JUDGE_ONE();
    standing = standing & ~mine
}

/*
 * The reply is compared. There is a strike on the disk for that, unless the owner, or time, has taken it away meanwhile.
 */
inline COMPARED()
{
    assert(guess_without_strike || ((standing | lifted) & mine));
#if ENCLOSED
    assert(guess_without_strike || ((wide_standing | wide_lifted) & mine))
#endif
}

#ifdef BROKEN_FORGIVE_ANY
#define is_undoable (lockout.used && lockout.strikes > 0)
#else
#define is_undoable (lockout.used && lockout.strikes > 0 && lockout.generation == undo[_pid])
#endif
#ifdef BROKEN_FORGIVE_WHEN_CLOSED
#define turned_away false
#else
#define turned_away is_closed
#endif

inline FORGIVE()
{
    COMPARED();
    if
#ifndef BROKEN_FORGIVE_NOT
    :: is_undoable -> take_back()
#endif
    :: else -> assert(strike_not_returned || !(standing & mine))
    fi;
    LOOK_OVER()
}

/* Judged is what locked the source, and not what has come of the slot since. */
inline SETTLE_SLOT()
{
    if
    :: lockout.used && lockout.generation == undo[_pid] ->
        JUDGE_ONE();
        if
        :: locks -> lockout.judged = 1; found_guilty = 1
        :: else
        fi
#ifdef BROKEN_STALE_JUDGEMENT
    :: lockout.used && lockout.generation != undo[_pid] && locks -> lockout.judged = 1
#endif
    :: else
    fi
}

#if NETWORKS
#define counts_refusals (lockout.judged || lockout.network)
#define is_found_guilty (found_guilty || lockout.network)
#else
#define counts_refusals lockout.judged
#define is_found_guilty found_guilty
#endif

active [HANDLERS] proctype handler()
{
    bit locks, was_open, failed;

    /*
     * C: lockout_admit = turn_begin inspect count_refused let_in store_release
     * C: count_refused = keep_promise count_refusal clean_buckets
     * C: let_in = take_slot store_write_counters buckets_write
     */
    if
    :: d_step { FIRST && CAN_HOLD && is_closed -> table_lock = _pid; where[_pid] = INSIDE }; goto promise
    :: d_step { FIRST && CAN_HOLD && !is_closed && is_locked && !has_to_wait -> table_lock = _pid; where[_pid] = INSIDE }; goto refusal
    :: d_step { FIRST && CAN_HOLD && is_free && !lockout.used -> table_lock = _pid; where[_pid] = INSIDE }; goto no_slot
    :: d_step { FIRST && CAN_HOLD && is_free -> LET_IN(); table_lock = _pid; where[_pid] = INSIDE }
    /* Too soon, or a fault, or killed before it has done anything. */
    :: d_step { FIRST && (CAN_HOLD || CANNOT_HOLD) -> FORGET() }; goto end_gone
    fi;
#if SEEDS
#ifndef BROKEN_SEED_LATE
    STEP(true, lockout.seed++);
#endif
#endif
    d_step {
        take_slot();
#if SEEDS
        /* The number that is given out. */
#ifdef BROKEN_SEED_LATE
        assert(seed_twice || lockout.seed + 1 > last_seed);
        last_seed = lockout.seed + 1;
#else
        assert(seed_twice || lockout.seed > last_seed);
        last_seed = lockout.seed;
#endif
#endif
        store_release();
        where[_pid] = BEFORE_LOOK
    };
#ifdef BROKEN_SEED_LATE
    STEP(CAN_HOLD, lockout.seed++);
#endif
    /*
     * A door with a pace makes it wait for its place, and looks again; one without goes on. Who leaves meanwhile gives
     * his place back, which is in no property.
     *
     * C: lockout_look = turn_begin inspect store_release
     * C: lockout_leave = turn_begin give_back store_release
     */
    if
    :: d_step { FIRST && CAN_HOLD && is_free -> LET_IN(); where[_pid] = BEFORE_CHARGE }
    :: d_step { FIRST && CAN_HOLD || CANNOT_HOLD -> FORGET() }; goto end_gone
    :: d_step { FIRST -> where[_pid] = BEFORE_CHARGE }
    fi;
charge:
#ifdef BROKEN_COMPARE_BEFORE_CHARGE
    COMPARED();
#endif
    /*
     * C: lockout_charge = turn_begin inspect hangs_on_others count_refused strike store_release
     */
    if
    :: d_step { FIRST && CAN_HOLD && is_closed -> table_lock = _pid; where[_pid] = INSIDE }; goto promise
    :: d_step { FIRST && CAN_HOLD && !is_closed && is_locked && !has_to_wait -> table_lock = _pid; where[_pid] = INSIDE }; goto refusal
    :: d_step { FIRST && CAN_HOLD && is_free && !lockout.used -> table_lock = _pid; where[_pid] = INSIDE }; goto no_slot
#ifdef BROKEN_WAIT_WITH_LOCK
    :: d_step { FIRST && CAN_HOLD && has_to_wait -> table_lock = _pid; where[_pid] = PATIENT };
       d_step { lockout.unjudged == 0 -> table_lock = NOBODY; where[_pid] = BEFORE_CHARGE };
       goto charge
#else
    :: d_step { FIRST && CAN_HOLD && has_to_wait -> where[_pid] = PATIENT }; goto patience
#endif
#ifdef BROKEN_LOOK_THEN_CHARGE
    :: d_step { FIRST && CAN_HOLD && is_free && !has_to_wait -> where[_pid] = BETWEEN };
       STEP(CAN_HOLD, strike(); store_release())
#elif ENCLOSED
#ifdef BROKEN_NETWORK_LAST
    :: d_step { FIRST && CAN_HOLD && is_free && !has_to_wait -> LET_IN(); table_lock = _pid; strike() };
       STEP(true, COMPARED(); strike_network(); store_release())
#else
    :: STEP(FIRST && CAN_HOLD && is_free && !has_to_wait, LET_IN(); table_lock = _pid; where[_pid] = INSIDE; strike_network());
       d_step { strike(); store_release() }
#endif
#else
    :: d_step { FIRST && CAN_HOLD && is_free && !has_to_wait -> LET_IN(); strike(); LOOK_OVER() }
#endif
    :: d_step { FIRST && (CAN_HOLD || CANNOT_HOLD) -> FORGET() }; goto end_gone
    fi;
    goto compare;
patience:
    /* Earlier strikes are judged, or its own deadline has come, which it need not wait for. */
    if
#ifdef BROKEN_ENDLESS_POLLING
    :: d_step { FIRST -> where[_pid] = BEFORE_CHARGE }; goto charge
#else
    :: d_step { FIRST && (!hangs_on_others || lockout.rebuild) -> where[_pid] = BEFORE_CHARGE };
       goto charge
#endif
#ifndef BROKEN_WAIT_WITHOUT_DEADLINE
    :: d_step { FIRST -> where[_pid] = IMPATIENT }; goto charge
    :: d_step { FIRST -> FORGET() }; goto end_gone
#endif
    fi;
compare:
    /*
     * The comparison touches nothing that others see, and so is one with the lock that is taken next. Right: the strike is
     * taken back, and the door is looked at.
     *
     * C: lockout_forgive = store_hold take_back look_whether_closed store_release
     * C: take_back = buckets_read buckets_write take_back_network
     */
    if
#if ENCLOSED
    :: STEP(FIRST && CAN_HOLD, FORGIVE(); table_lock = _pid; where[_pid] = INSIDE);
       d_step {
        take_back_network();
        assert(let_in_while_closed || turned_away || !closing_reported);
        store_release();
        FORGET()
       };
       goto end_gone
#else
    :: d_step { FIRST && CAN_HOLD && turned_away -> FORGIVE(); FORGET() }; goto end_gone
    :: d_step { FIRST && CAN_HOLD && !turned_away -> FORGIVE(); assert(let_in_while_closed || !closing_reported); FORGET() }; goto end_gone
    :: d_step {
        FIRST && CAN_HOLD && !turned_away ->
        FORGIVE();
        assert(let_in_while_closed || !closing_reported);
        undo[_pid] = 0;
        lifted = lifted & ~mine;
        where[_pid] = BEFORE_CLOSE
       };
       goto kill_secret
#endif
    /* Wrong, or no reply. */
    :: d_step {
        FIRST && CAN_HOLD ->
        COMPARED();
        table_lock = _pid;
        locks = where[_pid] == CHARGED_LOCKS;
        where[_pid] = INSIDE
       }
    /* Killed before anything came of it. */
    :: d_step { FIRST && table_lock == NOBODY -> COMPARED(); FORGET() }; goto end_gone
    /* The table cannot be had: the strike stands, and with it the lock. */
    :: d_step { FIRST && CANNOT_HOLD -> COMPARED(); REPORT_LOCK(); FORGET() }; goto end_gone
    fi;

    /*
     * The error may be the one that closes the door.
     *
     * C: lockout_settle = turn_begin settle_error settle_network store_release store_sync
     * C: settle_error = find_slot count_error store_write_counters buckets_write keep_promise
     */
    if
    :: STEP(true, lockout.closing = 1)
    :: STEP(true, skip)
    fi;
    STEP(true, SETTLE_SLOT());
    goto promise;
refusal:
    /*
     * The error of one who comes while he is locked out.
     *
     * C: count_refusal = slot_refresh count_error store_write_counters networks_write buckets_write keep_promise
     */
    if
    :: STEP(counts_refusals, assert(refusal_before_judgement || is_found_guilty); lockout.closing = 1)
    :: STEP(true, skip)
    fi;
    goto promise;
no_slot:
    /* All places of the source hold locks of others. */
    STEP(true, lockout.closing = 1);
promise:
    /*
     * Whoever finds the promise keeps it, and tells of the closing if it was he who closed. Else the lock is told of, if
     * it was his strike that locked.
     *
     * C: keep_promise = closed_write
     */
    if
    :: lockout.closing -> closed_write()
    :: !lockout.closing
    fi;
    d_step {
#if ENCLOSED
        settle_network();
#endif
        if
        :: was_open -> closing_reported = 1
        :: else -> REPORT_LOCK()
        fi;
        store_release();
        FORGET()
    };
    goto end_gone;
kill_secret:
    lockout_close();
    d_step { FORGET() };
end_gone:
    false
}

/*
 * ---- The administrator ----
 *
 * Each command is a process of its own, which may be killed like any other; then the next one follows. Time passes here as
 * well: strikes grow old, and a lock that was not made by hand ends.
 */

#define COMMAND (commands > 0 && CAN_HOLD)

inline lock_slot()
{
    take_slot();
    lockout.locked = 1;
    lockout.by_hand = 1;
    lockout.judged = 1;
    locker = _pid;
    found_guilty = 1;
    LOOK_OVER()
}

active proctype administrator()
{
    bit locks, was_open, failed;
    unsigned commands : 3 = COMMANDS;

end_gone:
    if
    :: d_step {
        COMMAND && lockout.used && !lockout.by_hand && !lockout.over && lockout.strikes > 0 ->
        commands--;
        lockout.over = 1;
        lock_reported = 0
       };
       goto end_gone

    /*
     * C: manage_lock = store_hold lock_network lock_source store_write_counters store_sync store_release
     * C: lock_source = own_slot lock_slot buckets_write
     * C: own_slot = buckets_read buckets_make slot_refresh
     */
    :: d_step { COMMAND -> commands--; lock_slot(); lock_reported = 1 }; goto end_gone
    :: d_step { COMMAND -> commands--; lock_slot() }; goto end_gone /* killed before it was reported */

    /*
     * C: manage_unlock = store_hold unlock_network unlock_source unlock_source store_sync store_release
     * C: unlock_source = buckets_read slot_absolve buckets_write
     */
    :: d_step { COMMAND && lockout.used -> commands--; slot_absolve(); lock_reported = 0; LOOK_OVER() }; goto end_gone

    /*
     * C: manage_flush = sweep_all
     * C: manage_unlock_all = sweep_all
     * C: sweep_all = store_hold sweep_networks sweep_table store_sync store_release
     */
    :: d_step {
#ifdef BROKEN_FLUSH
        COMMAND && lockout.used ->
#else
        COMMAND && lockout.used && !in_force ->
#endif
        commands--;
        slot_absolve();
        lockout.generation--; /* stays as a memory of the last one: see buckets_make */
        lockout.used = 0;
        LOOK_OVER()
       };
       goto end_gone

    /* KILL and this do the same; this one closes without the table too. */
    :: commands > 0 -> commands--;
       lockout_close();
       if
       :: failed -> closed_write()
       :: !failed
       fi;
       d_step { FORGET() };
       goto end_gone

    /*
     * From the moment on in which neither the promise nor the file is there, it is open.
     *
     * C: manage_open = store_hold look_whether_any_closed store_write_counters store_sync closed_remove store_release
     */
    :: STEP(COMMAND, commands--; table_lock = _pid; lockout.closing = 0; if :: closed :: else -> closing_reported = 0 fi);
       d_step { closed = 0; closing_reported = 0; store_release() };
       goto end_gone

    /*
     * The header is marked once lockout.rebuild is whole. One that is left over belongs to the table if, and only if, the
     * header is marked: else another is built.
     *
     * C: repair_table = store_hold_unread repair_held store_release
     * C: repair_held = find_leftover build mark copy_slots finish
     */
    :: STEP(commands > 0 && table_lock == NOBODY, commands--; table_lock = _pid);
#ifndef BROKEN_REPAIR_UNMARKED
       if
       :: STEP(!lockout.rebuild, lockout.rebuild = 1)
       :: lockout.rebuild
       fi;
#endif
       STEP(true, slots_lost = 1);
       STEP(true, slots_lost = 0);
       STEP(true, lockout.rebuild = 0);
       d_step { store_release() };
       goto end_gone

#if ENCLOSED
    :: d_step {
        COMMAND && lockout.wide_used ->
        commands--;
        lockout.wide_locked = 0;
        lockout.wide_judged = 0;
        lockout.wide_strikes = 0;
        lockout.wide_unjudged = 0;
        lockout.wide_generation++;
        wide_lifted = wide_lifted | wide_standing;
        wide_standing = 0;
        wide_locker = NOBODY;
        wide_reported = 0;
        LOOK_OVER()
       };
       goto end_gone
#endif
#if NETWORKS
    /*
     * C: lock_network = own_network lock_slot networks_write
     * C: own_network = networks_read
     * C: networks_write = store_write store_write_counters
     */
#ifdef BROKEN_NETWORK_ORDER
    :: STEP(COMMAND, commands--; table_lock = _pid; lockout.network = 1);
       d_step { lockout.network_slot = 1; store_release(); network_reported = 1 };
#else
    :: STEP(COMMAND, commands--; table_lock = _pid; lockout.network_slot = 1);
       STEP(true, lockout.network = 1);
       d_step { store_release(); network_reported = 1 };
#endif
       goto end_gone
    /*
     * C: unlock_network = networks_read networks_drop
     * C: networks_drop = store_write_counters store_write
     */
    :: STEP(COMMAND && lockout.network, commands--; table_lock = _pid; lockout.network = 0; network_reported = 0);
       d_step { lockout.network_slot = 0; store_release() };
       goto end_gone
#endif
    fi;
}
