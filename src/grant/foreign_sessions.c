/* SPDX-License-Identifier: ISC */
/* Who is connected, and would be shut out: see foreign.h. */
#include "foreign.h"

#include "address.h"
#include "number.h"

#include <stdio.h>
#include <string.h>

#define ESTABLISHED 1
#define LISTENING   10

/* A connection, as the kernel lists it. */
struct connection {
    struct address peer;
    uint32_t peer_port, port; /* port: of this machine */
    uint32_t state;
};

struct check {
    const struct foreign_sockets *sockets;
    const struct gates *gates;
    const struct nft_table *now;
    const struct foreign_hearer *hearer;
    uint8_t listening[(UINT16_MAX + 1) / 8]; /* a bit for each port at which there is a service */
};

/* ---- /proc/net/tcp ----------------------------------------------------------------------------------------------- */

/* Exactly so many hexadecimal digits, from *text on. */
static bool read_hex(const char **text, unsigned digits, uint32_t *value)
{
    static const char all[] = "0123456789ABCDEF";

    *value = 0;
    for (; digits > 0; digits--, ++*text) {
        const char *found = **text != '\0' ? strchr(all, **text) : NULL;

        if (found == NULL)
            return false;
        *value = *value << 4 | (uint32_t)(found - all);
    }
    return true;
}

/* One byte, which is also not the end of the text. */
static bool read_byte(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    ++*text;
    return true;
}

/* Words of four bytes, each as this machine has a number. */
static bool read_end(const char **text, bool ipv6, struct address *address, uint32_t *port)
{
    const size_t at = ipv6 ? 0 : SOURCE_ADDRESS_LEN - 4;

    *address = (struct address){.bytes = {[10] = ipv6 ? 0 : 0xff, [11] = ipv6 ? 0 : 0xff}};
    for (size_t i = at; i < SOURCE_ADDRESS_LEN; i += 4) {
        uint32_t word;

        if (!read_hex(text, 8, &word))
            return false;
        memcpy(address->bytes + i, &word, sizeof(word));
    }
    return read_byte(text, ':') && read_hex(text, 4, port);
}

/* The next connection from *text on, which is moved behind it; what is no line of that kind is passed over. */
static bool next_connection(const char **text, bool ipv6, struct connection *connection)
{
    while (**text != '\0') {
        const char *line = *text;
        const size_t len = strcspn(line, "\n");
        const char *at = line + strspn(line, " 0123456789");
        struct address own;

        *text = line + len + (line[len] == '\n');
        if (read_byte(&at, ':') && read_byte(&at, ' ') && read_end(&at, ipv6, &own, &connection->port) &&
            read_byte(&at, ' ') && read_end(&at, ipv6, &connection->peer, &connection->peer_port) &&
            read_byte(&at, ' ') && read_hex(&at, 2, &connection->state))
            return true;
    }
    return false;
}

/* All connections of both families, one after the other. */
struct reader {
    const char *text, *text6;
};

static bool next(struct reader *reader, struct connection *connection)
{
    return next_connection(&reader->text, false, connection) || next_connection(&reader->text6, true, connection);
}

static struct reader begin(const struct check *check)
{
    return (struct reader){check->sockets->tcp, check->sockets->tcp6};
}

static void find_services(struct check *check)
{
    struct reader reader = begin(check);
    struct connection connection;

    while (next(&reader, &connection))
        if (connection.state == LISTENING)
            check->listening[connection.port / 8] |= (uint8_t)(1u << connection.port % 8);
}

static bool is_service(const struct check *check, uint32_t port)
{
    return (check->listening[port / 8] >> port % 8 & 1) != 0;
}

/* ---- Who is shut out --------------------------------------------------------------------------------------------- */

static bool has_port(const struct gate_ports *ports, size_t count, uint32_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i].protocol == GATE_TCP && ports[i].first <= port && port <= ports[i].last)
            return true;
    return false;
}

static bool is_loopback(const struct address *address)
{
    static const struct source own[] = {{.address = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 104},
                                        {.address = {[15] = 1}, .prefix = 128}};

    return address_within(address, &own[0]) || address_within(address, &own[1]);
}

static bool may_come(const struct check *check, const struct gate *gate, const struct address *address)
{
    for (size_t i = 0; i < check->gates->always_count; i++)
        if (address_within(address, &check->gates->always[i]))
            return true;
    for (size_t i = 0; i < check->now->element_count; i++)
        if (strcmp(check->now->elements[i].gate, gate->name) == 0 &&
            address_within(address, &check->now->elements[i].network))
            return true;
    return false;
}

/* Does this gate shut a connection of which only the first packet is still to come? */
static bool shuts(const struct check *check, const struct gate *gate, const struct connection *connection)
{
    if (gate->by_commands || gate->hook != GATE_INPUT ||
        has_port(check->gates->free, check->gates->free_count, connection->port))
        return false;
    if (!gate->any && !has_port(gate->ports, gate->port_count, connection->port))
        return false;
    return !is_loopback(&connection->peer) && !may_come(check, gate, &connection->peer);
}

static void report(const struct check *check, const struct gate *gate, enum config_severity severity, const char *text)
{
    const struct config_finding finding = {
        .file = check->gates->path, .line = gate->line, .severity = severity, .text = text};

    check->hearer->report(check->hearer->context, &finding);
}

static void report_own(const struct check *check, const struct gate *gate, const struct connection *connection)
{
    char address[ADDRESS_TEXT_LEN];
    char text[FOREIGN_TEXT_LEN];

    address_format(&connection->peer, address);
    snprintf(
        text, sizeof(text),
        "gate '%s': your own session comes from %s to port %u, which this gate shuts%s%s: %s. Run 'ostgrant grant %s "
        "%s', or name a network of yours in ALWAYS",
        gate->name, address, connection->port, gate->interface != NULL ? " where it comes in at " : "",
        gate->interface != NULL ? gate->interface : "",
        gate->cut ? "it ends when the rules are loaded" : "it may go on, but you will not come in again", gate->name,
        address);
    report(check, gate, CONFIG_WARNING, text);
}

/* "ADDRESS PORT ADDRESS PORT": the first port and the last one, and the first address. */
static bool parse_session(const char *text, struct connection *session)
{
    char copy[2 * ADDRESS_TEXT_LEN + 16];
    char *fields[4] = {copy};
    uint64_t ports[2];

    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    for (unsigned i = 1; i < 4; i++) {
        fields[i] = strchr(fields[i - 1], ' ');
        if (fields[i] == NULL)
            return false;
        *fields[i]++ = '\0';
    }
    if (address_parse(fields[0], &session->peer) != ADDRESS_OK ||
        number_parse(fields[1], (struct number_range){1, UINT16_MAX}, &ports[0]) != NUMBER_OK ||
        number_parse(fields[3], (struct number_range){1, UINT16_MAX}, &ports[1]) != NUMBER_OK)
        return false;
    session->peer_port = (uint32_t)ports[0];
    session->port = (uint32_t)ports[1];
    return true;
}

/* Is there such a session now? A terminal that outlives it goes on saying so. */
static bool find_session(const struct check *check, struct connection *session)
{
    struct reader reader = begin(check);
    struct connection connection;

    if (check->sockets->ssh_connection == NULL || !parse_session(check->sockets->ssh_connection, session))
        return false;
    while (next(&reader, &connection))
        if (connection.state == ESTABLISHED && connection.port == session->port &&
            connection.peer_port == session->peer_port &&
            memcmp(connection.peer.bytes, session->peer.bytes, sizeof(session->peer.bytes)) == 0)
            return true;
    return false;
}

/* Somebody who has come in there, for there is a service at this port; and how many others. */
static void check_peers(const struct check *check, const struct gate *gate)
{
    struct reader reader = begin(check);
    struct connection connection, first = {0};
    char address[ADDRESS_TEXT_LEN];
    char text[FOREIGN_TEXT_LEN];
    unsigned long count = 0;

    while (next(&reader, &connection)) {
        if (connection.state != ESTABLISHED || !shuts(check, gate, &connection) || !is_service(check, connection.port))
            continue;
        if (count++ == 0)
            first = connection;
    }
    if (count == 0)
        return;
    address_format(&first.peer, address);
    snprintf(text, sizeof(text),
             "gate '%s': %lu connection%s now from where nothing is granted, as from %s to port %u: if one of them is "
             "yours, you may not come in again. Run 'ostgrant grant %s %s', or name a network of yours in ALWAYS",
             gate->name, count, count == 1 ? " is there" : "s are there", address, first.port, gate->name, address);
    report(check, gate, CONFIG_NOTE, text);
}

void foreign_check_sessions(const struct foreign_sockets *sockets, const struct gates *gates,
                            const struct nft_table *now, const struct foreign_hearer *hearer)
{
    struct check check = {.sockets = sockets, .gates = gates, .now = now, .hearer = hearer};
    struct connection session;
    const bool is_known = find_session(&check, &session);

    find_services(&check);
    for (size_t i = 0; i < gates->count; i++) {
        if (!is_known)
            check_peers(&check, &gates->list[i]);
        else if (shuts(&check, &gates->list[i], &session))
            report_own(&check, &gates->list[i], &session);
    }
}
