/* SPDX-License-Identifier: ISC */
/*
 * What ostgrant does: open and close gates, over the record (grants.h) and the firewall (wall.h). Each change is in the
 * record before the firewall hears of it, and taken note of when that has done it; so that whoever comes next can
 * finish what a killed process has left. Deeds are said in the log, and so is what is wrong.
 *
 * Use: deeds_begin, any of the others, deeds_end. Between the two the record is held: other processes wait. Not while a
 * command of another firewall runs, which may take long, nor while this process waits for its turn at such a gate
 * (turn.h): then the record is let go, and nobody but who has the turn changes what it has of that gate.
 */
#ifndef OSTIARY_DEEDS_H
#define OSTIARY_DEEDS_H

#include "gates.h"
#include "grants.h"
#include "request.h"
#include "turn.h"
#include "wall.h"

#include <stdbool.h>
#include <stdint.h>

/* How long a process waits for others that hold the record, and by itself for its turn at a gate by commands. */
#define DEEDS_PATIENCE_MS 30000

/* How many networks one user can have open at a gate by knocks and by the form; and never more than half its size=. */
#define DEEDS_USER_MOST 64

/* What still lets in a network that was closed; the longest of it. */
struct cover {
    bool always;           /* ALWAYS= does, and the rest has no meaning */
    uint64_t left_ms;      /* 0: nothing does */
    struct source network; /* of the grant that does, and whose it is */
    char user[GATES_USER_MAX + 1];
};

struct deeds {
    struct wall wall;
    struct grants record;
    struct moment now;
    struct cover cover;    /* of deeds_close */
    int turn_fd;           /* the turn at a gate by commands; -1: none */
    enum turn_queue queue; /* in which this process waits for its turn, and for whom (turn.h) */
    const char *user;
    unsigned patience_ms;
    bool record_failed;   /* a REQUEST_FAILED was the record's, not the firewall's */
    bool record_no_right; /* and that because it is root's */
};

#define DEEDS_NONE ((struct deeds){.record = GRANTS_CLOSED, .turn_fd = -1, .patience_ms = DEEDS_PATIENCE_MS})

/* What is asked for. */
struct wish {
    const struct gate *gate;
    struct source network;
    const char *user;    /* whose grant it is; deeds_close: NULL, everybody's */
    uint64_t lifetime_s; /* 0: the gate's */
    enum grant_by by;
};

/*
 * Hold the record, to change it or to look, and take note of the time. What is wrong has been told; REQUEST_BUSY, or
 * REQUEST_FAILED.
 */
enum request_reason deeds_begin(struct deeds *deeds, const struct gates *gates, enum hold_way way);

void deeds_end(struct deeds *deeds);

/*
 * Each of the following first finishes what a killed process has begun, or one whose firewall failed, at its gate; what
 * others have left is for the next tick (agree.h), lest their commands keep somebody waiting who has nothing to do with
 * them. Where the record was let go for a command and could not be held again, nothing more is written: the next tick
 * does the rest.
 */

/*
 * Open a gate, or renew what is open there. Where a user has as many as he can, and no administrator opens it, that of
 * his which ends first is closed for it. given, if not NULL, becomes the grant as it then is: where the gate says
 * renew=no and it is open already, as it was.
 */
enum request_reason deeds_open(struct deeds *deeds, const struct wish *wish, struct grant *given);

/*
 * Close one network. For a user that is all that he has for this host: what a knock or the form has opened with another
 * ipv6-prefix= is closed as well. REQUEST_NOT_OPEN where there is no such grant. What still lets it in is in
 * deeds->cover then, and in the log.
 */
enum request_reason deeds_close(struct deeds *deeds, const struct wish *wish);

/* Close all that the user has at the gate. REQUEST_NOT_OPEN where that is nothing. */
enum request_reason deeds_close_user(struct deeds *deeds, const struct wish *wish);

/* Close all that the user has at the gate, but for the wish's network. */
enum request_reason deeds_close_others(struct deeds *deeds, const struct wish *wish);

/* Write down that it is refused. Gives the reason back. */
enum request_reason deeds_refuse(const struct wish *wish, enum request_reason reason);

/*
 * Has somebody knocked from where no packet of another host comes, as from loopback? No gate shuts that, so that there
 * is nothing to do, which is written down.
 */
bool deeds_is_needless(const struct wish *wish);

/* ---- For its parts (steps.h, lost.h), and agree.c ---- */

/* Say what is wrong with the record. Gives the reason. */
enum request_reason deeds_blame(struct deeds *deeds, enum grants_fault fault);

/*
 * Take the turn at a gate, without holding the record. One that is had already at it stays, and at a gate of nftables
 * there is none to be taken. What is wrong has been told; REQUEST_BUSY or REQUEST_FAILED.
 */
enum request_reason deeds_take_turn(struct deeds *deeds, const struct gate *gate, unsigned limit_ms);
void deeds_give_turn(struct deeds *deeds);

/* Let others have the record, and hold it again, at another time (deeds->now). What is wrong has been told. */
void deeds_let_go(struct deeds *deeds);
enum request_reason deeds_hold_again(struct deeds *deeds);

/*
 * Is this grant still in its slot, after the record was let go? Only somebody with another configuration, which has the
 * gate no more, can have taken it away. False also where that cannot be read, with the fault.
 */
bool deeds_is_there(struct deeds *deeds, const struct grant *grant, uint64_t slot, enum grants_fault *fault);

#endif
