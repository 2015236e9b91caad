/* SPDX-License-Identifier: ISC */
/* The GATE lines of ostiary-grants.cfg. Called by the files of this folder alone; all is reported through the parser.
 */
#ifndef OSTIARY_GATE_H
#define OSTIARY_GATE_H

#include "gates.h"
#include "parser.h"
#include "scan.h"

#include <stdbool.h>
#include <stddef.h>

#define GATE_TO_MAX (GATES_USERS_MAX * (SCAN_FIELDS_MAX - 1)) /* gates that USER lines name */

/* Everything that a file has besides strings: gates->memory. */
struct gates_room {
    struct gate list[GATES_MAX];
    struct source always[GATES_ALWAYS_MAX];
    struct gates_rule users[GATES_USERS_MAX];
    struct gates_rule admins[GATES_ADMINS_MAX];
    const struct gate *to[GATE_TO_MAX];
    const char *to_names[GATE_TO_MAX]; /* what is written where to[] will be, until all gates are known */
};

/* What is known of an ostiary-grants.cfg while it is read: parser->file. */
struct gates_reading {
    struct gates *gates;
    struct gates_room *room;
    size_t to_count;                         /* of room->to that are in use */
    unsigned always_lines[GATES_ALWAYS_MAX]; /* for each ALWAYS, and each FREE, the line that it is in */
    unsigned free_lines[GATES_PORTS_MAX];
    unsigned web_user_line; /* 0: none */
    bool has_gate;          /* a GATE line, right or wrong */
    struct gate *gate;      /* whose options are being read */
    unsigned given;         /* which of them were, in bits */
};

/* One line, with at least one field. */
void gate_take(struct parser *parser, const struct scan_line *line);

/* How two gates, or a gate and FREE, are in each other's way; and what could hardly be meant. Once all lines are read.
 */
void gate_judge_all(struct parser *parser);

#endif
