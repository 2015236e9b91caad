/* SPDX-License-Identifier: ISC */
/* Ports as ostiary-grants.cfg has them: "tcp 22,80-90 udp 60000-61000". Called by the files of this folder alone. */
#ifndef OSTIARY_PORTS_H
#define OSTIARY_PORTS_H

#include "gates.h"

#include <stdbool.h>
#include <stddef.h>

enum ports_fault {
    PORTS_OK,
    PORTS_MALFORMED,
    PORTS_RANGE,   /* 0, above 65535, or a range that ends before it begins */
    PORTS_TOO_MANY /* more than GATES_PORTS_MAX */
};

/* Add the ports of a text to the *count that are in the list already. */
enum ports_fault ports_parse(const char *text, struct gate_ports list[static GATES_PORTS_MAX], size_t *count);

/* What is wrong, and what to write instead. */
const char *ports_fault_text(enum ports_fault fault);

bool ports_overlap(const struct gate_ports *a, const struct gate_ports *b);

/* Is each port of narrow in wide? */
bool ports_cover(const struct gate_ports *wide, const struct gate_ports *narrow);

/* Is one port of this protocol among them? */
bool ports_have(const struct gate_ports *list, size_t count, enum gate_protocol protocol, uint16_t port);

/* "tcp" or "udp". */
const char *ports_protocol_text(enum gate_protocol protocol);

#endif
