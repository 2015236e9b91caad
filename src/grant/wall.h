/* SPDX-License-Identifier: ISC */
/*
 * The firewall as the rest of ostgrant sees it: what is open at a gate, whether by nftables or by commands. What goes
 * wrong is told here, with what to do about it.
 */
#ifndef OSTIARY_WALL_H
#define OSTIARY_WALL_H

#include "gates.h"
#include "nft.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wall {
    const struct gates *gates;
    struct nft *nft;   /* NULL until it is needed */
    bool ran;          /* the last command that was asked for was started, whatever came of it */
    uint64_t late;     /* bit i: a command of gate i did not end in time, and none of it is run again */
    int64_t asked_ms;  /* what the list= commands have taken so far, all together */
    bool asks_no_more; /* that was too much, which has been told */
    bool no_right;     /* a REQUEST_FAILED was for want of CAP_NET_ADMIN */
};

/* A hole: what is open, or has to be. */
struct hole {
    const struct gate *gate;
    struct source network;
    uint64_t left_ms; /* 0 where it is read: it does not end by itself */
    uint64_t packets; /* the firewall's counter */
    const char *user; /* of who has it longest; NULL where it is read */
};

/* What the firewall has, of all gates. */
struct wall_view {
    struct nft_table table;
    struct hole *holes; /* in the order of wall_compare */
    size_t count;
    bool complete;   /* the table is there, with all that its gates need */
    uint64_t unseen; /* bit i: what is open at gate i could not be asked; that has been told */
};

_Static_assert(GATES_MAX <= 64, "a bit for each gate");

/* Lets go of what the others have taken. */
void wall_end(struct wall *wall);

/* An order of holes: by gate, then by network. */
int wall_compare(const struct gate *gate, const struct source *network, const struct hole *hole);

/*
 * Read it. A gate whose commands cannot list, or fail to, counts as having nothing (wall_sees), and keeps nothing from
 * the others. Once all list= commands together have taken WALL_LISTS_S, no other is begun. The caller frees the view.
 */
#define WALL_LISTS_S 20
enum request_reason wall_look(struct wall *wall, struct wall_view *view);

/* The same of nftables alone, for which no command is run; and of one gate by commands alone. */
enum request_reason wall_look_at_rules(struct wall *wall, struct wall_view *view);
void wall_look_at_gate(struct wall *wall, const struct gate *gate, struct wall_view *view);

/* Does the view say what is open at this gate? */
bool wall_sees(const struct wall *wall, const struct wall_view *view, const struct gate *gate);

void wall_free(struct wall_view *view);

/* The hole there; NULL where there is none. */
const struct hole *wall_find(const struct wall_view *view, const struct gate *gate, const struct source *network);

/*
 * Open one hole, or give it another end. REQUEST_NOT_OPEN: the table or its set is not there, which has to be loaded
 * (wall_load); nothing is told then.
 */
enum request_reason wall_open(struct wall *wall, const struct hole *hole);
enum request_reason wall_shut(struct wall *wall, const struct hole *hole);

/* The counter of one hole; 0 where it cannot be had. */
uint64_t wall_packets(struct wall *wall, const struct gate *gate, const struct source *network);

/* Is this one hole there, and where does its counter stand? It costs the same however many there are. */
enum wall_answer {
    WALL_UNKNOWN, /* a gate by commands, or a firewall that could not be asked */
    WALL_HAS,
    WALL_HAS_NOT
};
enum wall_answer wall_ask(struct wall *wall, const struct gate *gate, const struct source *network, uint64_t *packets);

/* Changes to be made together. */
struct wall_change {
    bool opens; /* else it shuts */
    bool done;  /* by wall_apply: the firewall has it */
    struct hole hole;
};

/*
 * Make all changes: those of nftables in one transaction, with the whole table before them where load is true; then
 * those by commands, one by one. lengths: which networks are open besides hosts, for each gate. What fails is told, and
 * does not keep the others from being done: where the transaction is refused, the table is loaded by itself, so that
 * its ports are shut, and each change has a transaction of its own.
 */
struct wall_order {
    bool load;
    const struct nft_lengths *lengths; /* one for each gate */
    struct wall_change *changes;
    size_t count;
};
enum request_reason wall_apply(struct wall *wall, const struct wall_view *view, const struct wall_order *order);

/* Remove the table, so that no gate of nftables shuts anything; that there is none is no fault. */
enum request_reason wall_take_away(struct wall *wall);

#endif
