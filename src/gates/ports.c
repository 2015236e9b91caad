/* SPDX-License-Identifier: ISC */
/* See ports.h. */
#include "ports.h"

#include "number.h"

#include <string.h>

#define NUMBER_LEN 6 /* of a port's digits, and one more, by which it is too large */

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* The word of a protocol at *at, and at least one blank; *at then is behind them. */
static bool take_protocol(const char **at, enum gate_protocol *protocol)
{
    const char *text = *at;

    if (strncmp(text, "tcp", 3) == 0)
        *protocol = GATE_TCP;
    else if (strncmp(text, "udp", 3) == 0)
        *protocol = GATE_UDP;
    else
        return false;
    *at = skip_blanks(text + 3);
    return *at > text + 3;
}

static enum ports_fault take_number(const char **at, uint16_t *port)
{
    char digits[NUMBER_LEN + 1] = "";
    uint64_t number;
    size_t len = 0;

    while ((*at)[len] >= '0' && (*at)[len] <= '9' && len < NUMBER_LEN) {
        digits[len] = (*at)[len];
        len++;
    }
    if (len == 0)
        return PORTS_MALFORMED;
    if (number_parse(digits, (struct number_range){1, UINT16_MAX}, &number) != NUMBER_OK)
        return PORTS_RANGE;
    *port = (uint16_t)number;
    *at += len;
    return PORTS_OK;
}

/* One port, or FIRST-LAST. */
static enum ports_fault take_range(const char **at, struct gate_ports *ports)
{
    enum ports_fault fault = take_number(at, &ports->first);

    ports->last = ports->first;
    if (fault != PORTS_OK || **at != '-')
        return fault;
    (*at)++;
    fault = take_number(at, &ports->last);
    return fault == PORTS_OK && ports->last < ports->first ? PORTS_RANGE : fault;
}

/* The ports of one protocol, with a comma between two; what follows them is a blank or the end. */
static enum ports_fault take_list(const char **at, enum gate_protocol protocol, struct gate_ports *list, size_t *count)
{
    for (;;) {
        struct gate_ports ports = {.protocol = protocol};
        const enum ports_fault fault = take_range(at, &ports);

        if (fault != PORTS_OK)
            return fault;
        if (*count == GATES_PORTS_MAX)
            return PORTS_TOO_MANY;
        list[(*count)++] = ports;
        if (**at != ',')
            break;
        (*at)++;
    }
    return **at == '\0' || **at == ' ' || **at == '\t' ? PORTS_OK : PORTS_MALFORMED;
}

enum ports_fault ports_parse(const char *text, struct gate_ports list[static GATES_PORTS_MAX], size_t *count)
{
    const char *at = skip_blanks(text);
    enum ports_fault fault = PORTS_MALFORMED; /* of a text without any */

    while (*at != '\0') {
        enum gate_protocol protocol;

        if (!take_protocol(&at, &protocol))
            return PORTS_MALFORMED;
        fault = take_list(&at, protocol, list, count);
        if (fault != PORTS_OK)
            return fault;
        at = skip_blanks(at);
    }
    return fault;
}

const char *ports_fault_text(enum ports_fault fault)
{
    switch (fault) {
    case PORTS_OK:
        break;
    case PORTS_MALFORMED:
        return "the ports must be tcp or udp and their numbers, not the names of services, without a blank behind a "
               "comma, as in \"tcp 22\", \"tcp 22,80-90\" or \"tcp 22 udp 60000-61000\"";
    case PORTS_RANGE:
        return "a port must be from 1 to 65535, and a range begin with the lower one, as in \"tcp 80-90\"";
    case PORTS_TOO_MANY:
        return "there are more than 32 ports and ranges: take some out, or write a range";
    }
    return "is in order";
}

bool ports_overlap(const struct gate_ports *a, const struct gate_ports *b)
{
    return a->protocol == b->protocol && a->first <= b->last && b->first <= a->last;
}

bool ports_cover(const struct gate_ports *wide, const struct gate_ports *narrow)
{
    return wide->protocol == narrow->protocol && wide->first <= narrow->first && narrow->last <= wide->last;
}

bool ports_have(const struct gate_ports *list, size_t count, enum gate_protocol protocol, uint16_t port)
{
    const struct gate_ports one = {.protocol = protocol, .first = port, .last = port};

    for (size_t i = 0; i < count; i++) {
        if (ports_cover(&list[i], &one))
            return true;
    }
    return false;
}

const char *ports_protocol_text(enum gate_protocol protocol)
{
    return protocol == GATE_TCP ? "tcp" : "udp";
}
