/* SPDX-License-Identifier: ISC */
/* See knock.h. Called by ostclient.c, once for each try. */
#include "knock.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_LEN 1024

#define SEED_REST_MS     1000 /* for the rest of a seed that has begun to come, past the deadline */
#define LAST_LOOK_MS     5    /* more than what was on its way through this machine's kernel needs */
#define REPLY_MOST_MS    5000 /* for a socket to take 32 bytes */
#define RECEIPT_LEAST_MS 2000 /* from the reply, past the deadline */

/* A connection that has been made, and what has come and gone through it. */
struct session {
    struct approach way; /* signals are held until the reply is out or the connection has ended */
    int64_t deadline_ms;
    struct replier replier;
    uint8_t seed[SEED_LEN];
    size_t seed_len; /* how much has come; more than SEED_LEN when there was more */
    uint8_t reply[REPLY_LEN];
};

/* How a connection ended, before anybody has been told. */
enum ending {
    ENDING_REPLIED,
    ENDING_CLOSED,   /* by the server: nothing has come */
    ENDING_TIMEOUT,  /* nothing has come */
    ENDING_SIGNAL,   /* nothing has come */
    ENDING_NO_SEED,  /* something has come, and it is no seed */
    ENDING_HUNG_UP,  /* by the server: between seed and reply */
    ENDING_NO_REPLY, /* the command has none */
    ENDING_REPLY_STUCK
};

__attribute__((format(printf, 3, 4))) static enum knock_result note(const struct knock_plan *plan,
                                                                    enum knock_result result, const char *format, ...)
{
    char text[NOTE_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    plan->note(plan->context, result, text);
    return result;
}

/* ---- The way there ---- */

static enum knock_result result_of(enum approach_result result)
{
    switch (result) {
    case APPROACH_GOES_ON:
        break;
    case APPROACH_UNKNOWN_HOST:
        return KNOCK_UNKNOWN_HOST;
    case APPROACH_NO_LOOKUP:
        return KNOCK_NO_LOOKUP;
    case APPROACH_NO_CONNECTION:
        return KNOCK_NO_CONNECTION;
    case APPROACH_INTERRUPTED:
        return KNOCK_INTERRUPTED;
    }
    return KNOCK_GOES_ON;
}

static void note_way(void *context, enum approach_result result, const char *text)
{
    const struct knock_plan *const *plan = context;

    (*plan)->note((*plan)->context, result_of(result), text);
}

static struct approach_plan way_of(const struct knock_plan **plan)
{
    return (struct approach_plan){
        .host = (*plan)->host,
        .note = note_way,
        .context = plan,
        .too_late = (*plan)->too_late,
    };
}

/* ---- Who replies ---- */

static enum knock_result note_replier(const struct knock_plan *plan, enum knock_result result,
                                      const struct replier *replier, const char *place, const char *consequence)
{
    char text[REPLIER_TEXT_LEN], line[REPLIER_LINE_LEN];
    size_t at = 0;

    while (replier_said(replier, &at, line))
        note(plan, result, "%.200s says: %s", plan->command->command->words[0], line);
    replier_fault_text(replier, text);
    return note(plan, result, "%s%s%s%s", place, place[0] != '\0' ? ": " : "", text, consequence);
}

/* Of the deadline, nothing goes for a command that shows what it can. */
static enum knock_result find_replier(const struct knock_plan *plan, struct session *session)
{
    const int64_t begin_ms = clock_now_ms();

    if (plan->command == NULL) {
        if (replier_with_secret(plan->secret, &session->replier) == REPLIER_OK)
            return KNOCK_GOES_ON;
        return note_replier(plan, KNOCK_NO_RESOURCES, &session->replier, "", "");
    }
    if (replier_with_command(plan->command, &session->replier) != REPLIER_OK)
        return note_replier(plan,
                            session->replier.ending.result == COMMAND_UNABLE ? KNOCK_NO_RESOURCES : KNOCK_NO_REPLIER,
                            &session->replier, "", ": no server has been asked");
    session->deadline_ms += clock_now_ms() - begin_ms;
    return note(plan, KNOCK_GOES_ON, "%.200s: has answered a challenge", plan->command->command->words[0]);
}

/* ---- Seed and reply ---- */

/*
 * Wait for the seed. When the time is over, or a signal wants to end it, there is a last look: from then on the kernel
 * takes nothing from the server and acknowledges nothing. So either the seed is here, and will be answered, or the
 * server's kernel knows that it never arrived, and then leaving costs no strike.
 */
static enum stream_result await_seed(struct session *session)
{
    struct stream_limit limit = {.deadline_ms = session->deadline_ms, .signal_fd = session->way.held.pending_fd};
    enum stream_result result, last;

    result = stream_receive(session->way.server_fd, session->seed, SEED_LEN, limit, &session->seed_len);
    if (result == STREAM_OK || result == STREAM_END)
        return result;
    /* A server sends its seed in one piece: where a part is, the rest is near. */
    if (session->seed_len > 0)
        result = stream_receive(session->way.server_fd, session->seed, SEED_LEN, stream_from_now(SEED_REST_MS),
                                &session->seed_len);
    if (result == STREAM_OK || result == STREAM_END)
        return result;
    connect_refuse(session->way.server_fd);
    last = stream_receive(session->way.server_fd, session->seed, SEED_LEN, stream_from_now(LAST_LOOK_MS),
                          &session->seed_len);
    if (last == STREAM_OK)
        connect_listen(session->way.server_fd);
    return last == STREAM_OK || last == STREAM_END ? last : result;
}

static bool is_text(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((bytes[i] < ' ' || bytes[i] > '~') && bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\t')
            return false;
    return len > 0;
}

/* 32 random bytes are a line of text once in 10^15 times. */
static bool is_line(const uint8_t seed[static SEED_LEN])
{
    return seed[SEED_LEN - 1] == '\n' && is_text(seed, SEED_LEN);
}

/*
 * From a connection to a reply that is out. Between the two nothing is done that could fail or wait, but for a command
 * that replies; and what was made of the time of day is made anew, in memory that is there.
 */
static enum ending answer_seed(const struct knock_plan *plan, struct session *session)
{
    bool ended = false;

    switch (await_seed(session)) {
    case STREAM_OK:
        break;
    case STREAM_TIMEOUT:
        return session->seed_len > 0 ? ENDING_NO_SEED : ENDING_TIMEOUT;
    case STREAM_SIGNAL:
        return session->seed_len > 0 ? ENDING_NO_SEED : ENDING_SIGNAL;
    case STREAM_END:
    case STREAM_UNABLE:
    case STREAM_FAULT:
        return session->seed_len > 0 ? ENDING_NO_SEED : ENDING_CLOSED;
    }
    /*
     * A server says nothing between its seed and the reply. Who says more, says it in the same breath: something else
     * listens there, and is not to be answered.
     */
    session->seed_len += connect_discard(session->way.server_fd, &ended);
    if (session->seed_len > SEED_LEN || is_line(session->seed))
        return ENDING_NO_SEED;
    if (plan->refresh != NULL && plan->refresh(plan->secret_of) &&
        replier_change_secret(&session->replier, plan->secret) != REPLIER_OK)
        return ENDING_NO_REPLY;
    if (replier_reply(&session->replier, session->seed, session->reply) != REPLIER_OK)
        return ENDING_NO_REPLY;
    switch (stream_send(session->way.server_fd, session->reply, REPLY_LEN, stream_from_now(REPLY_MOST_MS))) {
    case STREAM_OK:
        /* An end that was there before the reply is none that the reply could have caused. */
        return ended ? ENDING_HUNG_UP : ENDING_REPLIED;
    case STREAM_TIMEOUT:
        return ENDING_REPLY_STUCK;
    case STREAM_END:
    case STREAM_SIGNAL:
    case STREAM_UNABLE:
    case STREAM_FAULT:
        break;
    }
    return ENDING_HUNG_UP;
}

/* What sends something else than a seed often says itself what it is. */
static const char *guess_service(const struct session *session)
{
    const size_t len = session->seed_len < SEED_LEN ? session->seed_len : SEED_LEN;

    if (!is_text(session->seed, len))
        return "is it Ostiary that listens there?";
    if (len >= 4 && memcmp(session->seed, "SSH-", 4) == 0)
        return "it looks like an SSH server: is the port right?";
    if (len >= 4 && memcmp(session->seed, "220", 3) == 0)
        return "it looks like a mail or FTP server: is the port right?";
    return "it is text: is it Ostiary that listens there?";
}

static enum knock_result tell(const struct knock_plan *plan, const struct session *session, enum ending ending)
{
    const char *place = session->way.place;

    if (ending == ENDING_REPLIED || ending == ENDING_HUNG_UP || ending == ENDING_REPLY_STUCK ||
        ending == ENDING_NO_REPLY)
        note(plan, KNOCK_GOES_ON, "%s: seed arrived", place);
    switch (ending) {
    case ENDING_REPLIED:
        note(plan, KNOCK_GOES_ON, "%s: reply sent", place);
        return KNOCK_SENT;
    case ENDING_CLOSED:
        return note(plan, KNOCK_NO_SEED, "%s: closed without a seed: locked out, or the server is busy: try later",
                    place);
    case ENDING_TIMEOUT:
        return note(plan, KNOCK_NO_SEED,
                    "%s: no seed within the time limit: the server is busy or holds you back; "
                    "try later, or give more time with -t",
                    place);
    case ENDING_SIGNAL:
        return KNOCK_INTERRUPTED;
    case ENDING_NO_SEED:
        return note(plan, KNOCK_BAD_PROTOCOL, "%s: %zu bytes in place of a seed of %d: %s", place, session->seed_len,
                    SEED_LEN, guess_service(session));
    case ENDING_REPLY_STUCK:
        return note(plan, KNOCK_BAD_PROTOCOL, "%s: the reply could not be sent in %d seconds: is the network well?",
                    place, REPLY_MOST_MS / 1000);
    case ENDING_NO_REPLY:
        return note_replier(plan, KNOCK_NO_REPLY, &session->replier, place,
                            ": the seed is left unanswered, which costs a strike");
    case ENDING_HUNG_UP:
        break;
    }
    return note(plan, KNOCK_BAD_PROTOCOL, "%s: closed before the reply: is COMM_TIMEOUT on the server too short?",
                place);
}

static void hang_up(struct session *session)
{
    if (session->way.server_fd >= 0)
        close(session->way.server_fd);
    session->way.server_fd = -1;
}

static enum knock_result exchange(const struct knock_plan *plan, struct session *session)
{
    const enum ending ending = answer_seed(plan, session);

    if (ending != ENDING_REPLIED)
        hang_up(session);
    signals_release(&session->way.held);
    return tell(plan, session, ending);
}

/* ---- Receipt ---- */

static enum knock_result check_receipt(const struct knock_plan *plan, struct session *session)
{
    const int64_t least_ms = clock_now_ms() + RECEIPT_LEAST_MS;
    const struct stream_limit limit = stream_until(session->deadline_ms > least_ms ? session->deadline_ms : least_ms);
    uint8_t receipt[RECEIPT_LEN];
    uint8_t expected[RECEIPT_LEN];
    size_t got = 0;

    switch (stream_receive(session->way.server_fd, receipt, RECEIPT_LEN, limit, &got)) {
    case STREAM_OK:
        break;
    case STREAM_TIMEOUT:
        return note(plan, KNOCK_NOT_ACCEPTED,
                    "%s: no receipt within the time limit, so the reply may have been accepted or not: "
                    "look at the server's log",
                    session->way.place);
    case STREAM_END:
    case STREAM_SIGNAL:
    case STREAM_UNABLE:
    case STREAM_FAULT:
    default:
        return note(plan, KNOCK_NOT_ACCEPTED,
                    "%s: not accepted: check the secret, or see the server's log; an Ostiary before 5 gives no receipt",
                    session->way.place);
    }
    if (replier_receipt(&session->replier, session->seed, session->reply, expected) != REPLIER_OK)
        return note_replier(plan, KNOCK_NO_REPLY, &session->replier, session->way.place,
                            ": the receipt has come, and could not be checked: look at the server's log");
    if (mac_same(receipt, expected) == 0)
        return note(plan, KNOCK_BAD_PROTOCOL,
                    "%s: the receipt is wrong: whoever answers there does not hold this secret", session->way.place);
    note(plan, KNOCK_GOES_ON, "%s: accepted", session->way.place);
    return KNOCK_ACCEPTED;
}

/* ---- All of it ---- */

enum knock_result knock_try(const struct knock_plan *plan, int64_t deadline_ms)
{
    struct session session = {.way.server_fd = -1, .deadline_ms = deadline_ms};
    const struct approach_plan way = way_of(&plan);
    struct resolve_answer answer;
    enum knock_result result = result_of(approach_find(&way, deadline_ms, &answer));

    if (result == KNOCK_GOES_ON)
        result = find_replier(plan, &session);
    if (result == KNOCK_GOES_ON)
        result = result_of(approach_connect(&way, &answer, session.deadline_ms, &session.way));
    if (result == KNOCK_GOES_ON)
        result = exchange(plan, &session);
    if (result == KNOCK_SENT && plan->wait)
        result = check_receipt(plan, &session);

    hang_up(&session);
    replier_free(&session.replier);
    explicit_bzero(session.seed, sizeof(session.seed));
    explicit_bzero(session.reply, sizeof(session.reply));
    return result;
}

bool knock_may_repeat(enum knock_result result)
{
    return result == KNOCK_NO_LOOKUP || result == KNOCK_NO_CONNECTION || result == KNOCK_NO_SEED;
}
