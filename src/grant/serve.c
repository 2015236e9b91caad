/* SPDX-License-Identifier: ISC */
/* See serve.h. */
#include "serve.h"

#include "address.h"
#include "clock.h"
#include "deeds.h"
#include "listing.h"
#include "number.h"
#include "rights.h"
#include "stream.h"
#include "tell.h"
#include "text.h"
#include "turn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define MS           1000
#define ANSWER_MS    5000
#define QUEUE_MS     8000 /* likewise: a command that takes long needs as much again */
#define TURN_MS      3000 /* a part of REQUEST_LIMIT_MS, which who asks will wait */
#define DRAIN_MAX    (1024 * 1024)
#define TOKEN_HOUR   3600000 /* ms: a token is good for this hour and the next */
#define TOKEN_LEN    17
#define TOKEN_TEXT   (GATES_USER_MAX + 48)
#define LIFETIME_MAX (UINT64_C(3650) * 24 * 3600)

/* What is asked, and by whom. Strings belong to the line. */
struct asked {
    enum rights_asker asker;
    const char *verb;
    const struct gate *gate; /* NULL for "show" */
    const char *user;        /* who has been authenticated */
    const char *owner;       /* whose grant it is: for=, else user */
    bool has_network;
    struct source network; /* address=, as it was written; a host as the gate widens it */
    bool has_seen;
    struct address seen; /* what the web server sees */
    uint64_t lifetime_s; /* 0: none given */
    bool close_others;
    const char *token;
};

struct serving {
    const struct gates *gates;
    struct deeds deeds;
    struct asked asked;
    uint64_t may_open, may_all; /* bit i: this user of the form may do so at gate i */
    bool wished;                /* deeds.h says itself what is refused */
    struct text answer;
};

/* ---- Reading the request ---- */

static enum request_reason take_user(const struct request_line *line, const char *key, const char **user)
{
    const char *text = request_value(line, key);

    if (text != NULL && !gates_is_user(text))
        return REQUEST_MALFORMED;
    if (text != NULL)
        *user = text;
    return REQUEST_DONE;
}

static enum request_reason take_seen(const struct request_line *line, struct asked *asked)
{
    const char *text = request_value(line, "seen");

    if (text == NULL)
        return REQUEST_DONE;
    asked->has_seen = address_parse(text, &asked->seen) == ADDRESS_OK;
    return asked->has_seen ? REQUEST_DONE : REQUEST_BAD_ADDRESS;
}

/*
 * A host is what the gate makes of it, a network stays as it is written. What no other host sends from is opened to
 * nobody who could have typed it; who knocks at this machine from itself has his receipt all the same.
 */
static enum request_reason take_network(const struct request_line *line, struct asked *asked)
{
    const char *text = request_value(line, "address");
    struct address host;

    if (text == NULL)
        return REQUEST_DONE;
    if (address_parse(text, &host) == ADDRESS_OK)
        asked->has_network = gates_network(asked->gate, &host, &asked->network);
    else
        asked->has_network =
            address_parse_network(text, &asked->network) == ADDRESS_OK && gates_can_hold(&asked->network);
    if (asked->asker == RIGHTS_WEB && strcmp(asked->verb, "open") == 0 && asked->has_network)
        asked->has_network = gates_has_hosts(&asked->network);
    return asked->has_network ? REQUEST_DONE : REQUEST_BAD_ADDRESS;
}

static enum request_reason take_lifetime(const struct request_line *line, struct asked *asked)
{
    const struct number_range range = {1, LIFETIME_MAX};
    const char *text = request_value(line, "lifetime");

    if (text != NULL && number_parse(text, range, &asked->lifetime_s) != NUMBER_OK)
        return REQUEST_BAD_LIFETIME;
    return REQUEST_DONE;
}

static enum request_reason take_gate(const struct gates *gates, const struct request_line *line, struct asked *asked)
{
    const char *text = request_value(line, "gate");

    if (text == NULL)
        return strcmp(line->word, "show") == 0 ? REQUEST_DONE : REQUEST_MALFORMED;
    asked->gate = gates_find(gates, text);
    return asked->gate != NULL ? REQUEST_DONE : REQUEST_NO_GATE;
}

/* Is each field there that this verb needs? */
static bool is_whole(const struct asked *asked)
{
    if (asked->user == NULL)
        return false;
    if (strcmp(asked->verb, "show") == 0)
        return asked->has_seen;
    if (strcmp(asked->verb, "others") == 0)
        return asked->has_seen;
    return (strcmp(asked->verb, "open") == 0 || strcmp(asked->verb, "close") == 0) && asked->has_network;
}

static enum request_reason take_request(struct serving *serving, const struct request_line *line)
{
    struct asked *asked = &serving->asked;
    const char *others = request_value(line, "others");
    enum request_reason reason = take_gate(serving->gates, line, asked);

    asked->verb = line->word;
    asked->token = request_value(line, "token");
    asked->close_others = others != NULL && strcmp(others, "close") == 0;
    if (reason == REQUEST_DONE)
        reason = take_user(line, "user", &asked->user);
    asked->owner = asked->user;
    if (reason == REQUEST_DONE)
        reason = take_user(line, "for", &asked->owner);
    if (reason == REQUEST_DONE)
        reason = take_seen(line, asked);
    if (reason == REQUEST_DONE && asked->gate != NULL)
        reason = take_network(line, asked);
    if (reason == REQUEST_DONE)
        reason = take_lifetime(line, asked);
    if (reason == REQUEST_DONE && (!is_whole(asked) || (others != NULL && !asked->close_others)))
        reason = REQUEST_MALFORMED;
    return reason;
}

/* ---- Rights ---- */

static void make_token(const struct serving *serving, uint64_t hour, char token[static TOKEN_LEN])
{
    char text[TOKEN_TEXT];
    uint64_t boot;

    /* The hours begin anew with each boot, and none of them is one of before. */
    memcpy(&boot, serving->deeds.now.boot_id, sizeof boot);
    snprintf(text, sizeof text, "%016" PRIx64 " %" PRIu64 " %s", boot, hour, serving->asked.user);
    snprintf(token, TOKEN_LEN, "%016" PRIx64, grants_tag(&serving->deeds.record, text));
}

/* Made for this user, in this hour or the one before. */
static bool has_token(const struct serving *serving)
{
    const uint64_t hour = serving->deeds.now.boot_ms / TOKEN_HOUR;
    char token[TOKEN_LEN];

    for (uint64_t back = 0; back < 2 && serving->asked.token != NULL; back++) {
        make_token(serving, hour - back, token);
        if (strcmp(token, serving->asked.token) == 0)
            return true;
    }
    return false;
}

/* Is it what the web server sees, and his own? */
static bool is_own(const struct asked *asked)
{
    struct source network;

    return strcmp(asked->owner, asked->user) == 0 &&
           (!asked->has_network || (gates_network(asked->gate, &asked->seen, &network) &&
                                    memcmp(&network, &asked->network, sizeof network) == 0));
}

static uint64_t bit_of(const struct serving *serving, const struct gate *gate)
{
    return UINT64_C(1) << (gate - serving->gates->list);
}

/*
 * What a user of the form may, before the record is held: groups are asked for, which may take as long as whoever has
 * them likes, and nobody else is to wait for that. Who wants one gate has no other looked at.
 */
static void work_out_rights(struct serving *serving)
{
    const struct asked *asked = &serving->asked;

    for (size_t i = 0; i < serving->gates->count && asked->asker == RIGHTS_WEB; i++) {
        const struct gate *gate = &serving->gates->list[i];

        if (strcmp(asked->verb, "show") != 0 && asked->gate != gate)
            continue;
        if (rights_may_open(serving->gates, gate, asked->user))
            serving->may_open |= bit_of(serving, gate);
        if (rights_may_all(serving->gates, gate, asked->user))
            serving->may_all |= bit_of(serving, gate);
    }
}

static bool may_open(const struct serving *serving, const struct gate *gate)
{
    return (serving->may_open & bit_of(serving, gate)) != 0;
}

static bool may_all(const struct serving *serving, const struct gate *gate)
{
    return (serving->may_all & bit_of(serving, gate)) != 0;
}

static enum request_reason judge_web(const struct serving *serving)
{
    const struct asked *asked = &serving->asked;
    const bool closes = strcmp(asked->verb, "close") == 0;

    if (strcmp(asked->verb, "show") == 0)
        return REQUEST_DONE;
    if (!has_token(serving))
        return REQUEST_TOKEN;
    if (!asked->has_seen || !may_open(serving, asked->gate))
        return REQUEST_NOT_PERMITTED;
    /* What is his he may close wherever he is. */
    if (is_own(asked) || (closes && strcmp(asked->owner, asked->user) == 0))
        return REQUEST_DONE;
    return may_all(serving, asked->gate) ? REQUEST_DONE : REQUEST_NOT_PERMITTED;
}

/* The sealed door opens gates that are its own to open, to one host, as long as the gate says. */
static enum request_reason judge_sealed(const struct asked *asked)
{
    const bool acts = strcmp(asked->verb, "open") == 0 || strcmp(asked->verb, "close") == 0;
    struct address host = {0};
    struct source network;

    if (!acts || !asked->gate->sealed || strcmp(asked->owner, asked->user) != 0 ||
        asked->lifetime_s > asked->gate->lifetime_s)
        return REQUEST_NOT_PERMITTED;
    memcpy(host.bytes, asked->network.address, sizeof host.bytes);
    return gates_network(asked->gate, &host, &network) && memcmp(&network, &asked->network, sizeof network) == 0
               ? REQUEST_DONE
               : REQUEST_NOT_PERMITTED;
}

static enum request_reason judge(const struct serving *serving)
{
    switch (serving->asked.asker) {
    case RIGHTS_ROOT:
        return REQUEST_DONE;
    case RIGHTS_SEALED:
        return judge_sealed(&serving->asked);
    case RIGHTS_WEB:
        return judge_web(serving);
    case RIGHTS_NOBODY:
        break;
    }
    return REQUEST_NOT_PERMITTED;
}

/* ---- Answering ---- */

static void answer_gates(struct serving *serving)
{
    static const char *const renewals[] = {
        [GATE_RENEW_NO] = "no", [GATE_RENEW_ASKING] = "asking", [GATE_RENEW_USE] = "use"};
    const struct asked *asked = &serving->asked;
    bool admin = false;

    for (size_t i = 0; i < serving->gates->count; i++) {
        const struct gate *gate = &serving->gates->list[i];
        const bool all = may_all(serving, gate);
        char text[ADDRESS_TEXT_LEN];
        struct source network;

        if (!may_open(serving, gate))
            continue;
        admin |= all;
        if (gates_network(gate, &asked->seen, &network))
            address_format_source(&network, text);
        else
            snprintf(text, sizeof text, "-"); /* a link-local address, which no gate can be opened to */
        text_add(&serving->answer, "gate name=%s lifetime=%" PRIu64 " most=%" PRIu64 " renew=%s network=%s admin=%s\n",
                 gate->name, gate->lifetime_s, gate->most_s, renewals[gate->renew], text, all ? "yes" : "no");
    }
    if (admin)
        text_add(&serving->answer, "admin value=yes\n");
}

/* His own, and where he is admin, everybody's. */
static void answer_grant(struct serving *serving, const struct listing_row *row)
{
    const struct asked *asked = &serving->asked;
    const struct gate *gate = gates_find(serving->gates, row->grant.gate);
    const bool mine = strcmp(row->grant.user, asked->user) == 0;
    char network[ADDRESS_TEXT_LEN];

    if (gate == NULL || !gate->web || row->left_ms == 0 || (!mine && !may_all(serving, gate)))
        return;
    address_format_source(&row->grant.network, network);
    text_add(&serving->answer,
             "grant gate=%s network=%s user=%s left=%" PRIu64 " packets=%" PRIu64 " state=%s mine=%s\n",
             row->grant.gate, network, row->grant.user, (row->left_ms + MS - 1) / MS, row->packets, row->state,
             mine ? "yes" : "no");
}

static void answer_counters(struct serving *serving, const struct nft_table *table)
{
    for (size_t i = 0; i < table->counter_count; i++) {
        const struct gate *gate = gates_find(serving->gates, table->counters[i].gate);

        if (gate != NULL && may_all(serving, gate))
            text_add(&serving->answer, "count gate=%s shut=%" PRIu64 "\n", gate->name, table->counters[i].shut);
    }
}

/*
 * Who may see his own alone has these asked for. An admin gets all that the firewall has, unless others are just
 * reading that: then it is what the record says, without the counters.
 */
static enum request_reason look(struct serving *serving, bool all, struct listing *listing)
{
    enum request_reason reason = REQUEST_DONE;
    int turn_fd;

    if (!all) {
        listing_look_at_each(&serving->deeds, listing);
        return REQUEST_DONE;
    }
    turn_fd = turn_take(serving->gates->state_dir, TURN_MS);
    if (turn_fd < 0)
        return REQUEST_DONE;
    reason = listing_look(&serving->deeds, listing);
    close(turn_fd);
    return reason;
}

/*
 * The record is read first and let go, so that nobody's grant waits for those who look. It is held alone for that short
 * time, for shared holds that overlap could keep everybody else out.
 */
static enum request_reason read_listing(struct serving *serving, struct listing *listing)
{
    const bool all = serving->may_all != 0;
    enum request_reason reason = listing_read(&serving->deeds, all ? NULL : serving->asked.user, listing);

    grants_release(&serving->deeds.record);
    return reason == REQUEST_DONE ? look(serving, all, listing) : reason;
}

static enum request_reason show(struct serving *serving)
{
    struct listing listing = {0};
    char token[TOKEN_LEN];
    const enum request_reason reason = read_listing(serving, &listing);

    if (reason == REQUEST_DONE) {
        make_token(serving, serving->deeds.now.boot_ms / TOKEN_HOUR, token);
        text_add(&serving->answer, "token value=%s\n", token);
        answer_gates(serving);
        for (size_t i = 0; i < listing.count; i++)
            answer_grant(serving, &listing.rows[i]);
        answer_counters(serving, &listing.view.table);
    }
    listing_free(&listing);
    return reason;
}

static enum grant_by by_of(enum rights_asker asker)
{
    switch (asker) {
    case RIGHTS_SEALED:
        return GRANT_BY_SEALED;
    case RIGHTS_WEB:
        return GRANT_BY_WEB;
    case RIGHTS_ROOT:
    case RIGHTS_NOBODY:
        break;
    }
    return GRANT_BY_ADMIN;
}

static enum request_reason open_gate(struct serving *serving, const struct wish *wish)
{
    struct grant given;
    uint64_t left_ms = 0;
    enum request_reason reason;

    serving->wished = true;
    reason = deeds_open(&serving->deeds, wish, &given);

    if (reason == REQUEST_DONE && serving->asked.close_others)
        reason = deeds_close_others(&serving->deeds, wish);
    if (reason != REQUEST_DONE)
        return reason;
    (void)grant_left(&given, serving->deeds.record.latest_ms, &serving->deeds.now, &left_ms);
    text_add(&serving->answer, "ok until=%" PRIu64 " left=%" PRIu64 "\n", (serving->deeds.now.wall_ms + left_ms) / MS,
             (left_ms + MS - 1) / MS);
    return REQUEST_DONE;
}

/* Who has knocked to have it closed has what he wants where it is closed already, as at the ordinary door. */
static enum request_reason close_gate(struct serving *serving, const struct wish *wish)
{
    const enum request_reason reason = deeds_close(&serving->deeds, wish);

    return reason == REQUEST_NOT_OPEN && serving->asked.asker == RIGHTS_SEALED ? REQUEST_DONE : reason;
}

static enum request_reason act(struct serving *serving)
{
    const struct asked *asked = &serving->asked;
    struct wish wish = {
        .gate = asked->gate,
        .network = asked->network,
        .user = asked->owner,
        .lifetime_s = asked->lifetime_s,
        .by = by_of(asked->asker),
    };

    if (asked->asker == RIGHTS_SEALED && deeds_is_needless(&wish))
        return REQUEST_DONE;
    if (strcmp(asked->verb, "open") == 0)
        return open_gate(serving, &wish);
    if (strcmp(asked->verb, "close") == 0)
        return close_gate(serving, &wish);
    /* What is open for the address that is seen stays. */
    return gates_network(asked->gate, &asked->seen, &wish.network) ? deeds_close_others(&serving->deeds, &wish)
                                                                   : REQUEST_BAD_ADDRESS;
}

/* For commands. Root's own waits as he would by himself, anybody else no longer than who asks for him. */
static void queue(struct serving *serving)
{
    switch (serving->asked.asker) {
    case RIGHTS_SEALED:
        serving->deeds.queue = TURN_SEALED_QUEUE;
        break;
    case RIGHTS_WEB:
        serving->deeds.queue = TURN_WEB_QUEUE;
        break;
    case RIGHTS_ROOT:
    case RIGHTS_NOBODY:
        return;
    }
    serving->deeds.user = serving->asked.user;
    serving->deeds.patience_ms = QUEUE_MS;
}

static enum request_reason perform(struct serving *serving)
{
    const bool shows = strcmp(serving->asked.verb, "show") == 0;
    enum request_reason reason;

    work_out_rights(serving);
    queue(serving);
    reason = deeds_begin(&serving->deeds, serving->gates, HOLD_ALONE);
    if (reason == REQUEST_DONE)
        reason = judge(serving);
    if (reason == REQUEST_DONE)
        reason = shows ? show(serving) : act(serving);
    deeds_end(&serving->deeds);
    return reason;
}

/* ---- The connection ---- */

/* A request is short, and comes in one piece or a few. */
static enum request_reason receive(int peer_fd, struct request_line *line)
{
    const struct stream_limit limit = stream_from_now(REQUEST_READ_MS);
    char bytes[REQUEST_LINE_MAX];
    size_t len = 0;

    for (;;) {
        size_t got = len;

        if (stream_receive(peer_fd, (uint8_t *)bytes, len + 1, limit, &got) != STREAM_OK)
            return REQUEST_MALFORMED;
        if (bytes[len] == '\n')
            return request_parse(bytes, len, line) == 0 ? REQUEST_DONE : REQUEST_MALFORMED;
        if (++len == sizeof bytes)
            return REQUEST_MALFORMED;
    }
}

static void log_refusal(const struct serving *serving, const struct ucred *peer, enum request_reason reason)
{
    const struct asked *asked = &serving->asked;

    tell_done(LOG_WARNING, "refused request=%s gate=%s user=%s reason=%s uid=%ju",
              asked->verb != NULL ? asked->verb : "-", asked->gate != NULL ? asked->gate->name : "-",
              asked->user != NULL ? asked->user : "-", request_reason_word(reason), (uintmax_t)peer->uid);
}

/*
 * What has come and was not read, of a line that is too long or of who may not ask, would take the answer along when
 * the connection ends. Only what is there already is taken, and no more than anybody could mean.
 */
static void drain(int peer_fd)
{
    uint8_t bytes[4096];
    size_t got = 0;

    while (got < DRAIN_MAX) {
        size_t piece = 0;

        (void)stream_receive(peer_fd, bytes, sizeof bytes, stream_until(0), &piece);
        if (piece == 0)
            return;
        got += piece;
    }
}

static void send_answer(struct serving *serving, enum request_reason reason, int peer_fd)
{
    const bool answered = serving->answer.len > 0 && strcmp(serving->asked.verb, "open") == 0;

    if (reason == REQUEST_DONE && !answered)
        text_add(&serving->answer, "ok\n");
    else if (reason != REQUEST_DONE)
        text_add(&serving->answer, "no reason=%s\n", request_reason_word(reason));
    if (!serving->answer.failed)
        (void)stream_send(peer_fd, (const uint8_t *)serving->answer.bytes, serving->answer.len,
                          stream_from_now(ANSWER_MS));
    drain(peer_fd);
    stream_end(peer_fd);
}

void serve_refusal(int peer_fd, enum request_reason reason)
{
    struct serving serving = {.deeds = DEEDS_NONE};
    struct request_line line;

    (void)receive(peer_fd, &line);
    send_answer(&serving, reason, peer_fd);
    text_free(&serving.answer);
}

int serve(const struct gates *gates, int peer_fd)
{
    struct serving serving = {.gates = gates, .deeds = DEEDS_NONE};
    struct request_line line;
    struct ucred peer;
    socklen_t len = sizeof peer;
    enum request_reason reason;

    if (getsockopt(peer_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        tell_wrong(LOG_ERR, "standard input is not a unix socket: %s: see ostgrant(8)", strerror(errno));
        return EX_USAGE;
    }
    serving.asked.asker = rights_asker_of(gates, peer.uid);
    /* Who may not ask is read to the end of his line as well: he hears the answer then. */
    reason = receive(peer_fd, &line);
    if (serving.asked.asker == RIGHTS_NOBODY)
        reason = REQUEST_NOT_PERMITTED;
    if (reason == REQUEST_DONE)
        reason = take_request(&serving, &line);
    if (reason == REQUEST_DONE)
        reason = perform(&serving);
    if (reason != REQUEST_DONE && !serving.wished)
        log_refusal(&serving, &peer, reason);
    send_answer(&serving, reason, peer_fd);
    text_free(&serving.answer);
    return EX_OK;
}
