/* SPDX-License-Identifier: ISC */
/* See handler.h. */
#include "handler.h"

#include "check.h"
#include "clock.h"
#include "deadline.h"
#include "exchange.h"
#include "from.h"
#include "log.h"
#include "mac.h"
#include "match.h"
#include "seed.h"
#include "settings.h"
#include "single.h"
#include "stream.h"
#include "which.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

#define ANSWER_MS         500 /* of the time that is left, for what follows a code that could not be used up */
#define LABEL_PATIENCE_MS 100
#define LIBRARY_MS        5000 /* beside COMM_TIMEOUT, which the exchange keeps by itself */

bool handler_settings(struct handler *handler)
{
    struct visit *visit = &handler->visit;

    visit_begin_timed(visit, "settings", VISIT_SETTINGS_MS);
    if (settings_load(handler->config.path, false, &handler->config.settings) != 0)
        return visit_refuse(visit, "config", EX_CONFIG);
    log_set_level(handler->config.settings.log_level);
    visit_obey(visit, which_door(handler->config.path), &handler->config.settings);
    return true;
}

/* ---- Seed and reply ---- */

/* No memory for libgcrypt itself, with or without secrets in ours. The strike, if there is one by now, stands. */
static void end_without_libgcrypt(void *context, int code, const char *text)
{
    struct handler *handler = context;

    (void)code;
    log_line(LOG_ERR, "libgcrypt: %s: the peer is dropped", text);
    (void)visit_refuse(&handler->visit, "state", EX_OSERR);
    visit_end(&handler->visit);
    locked_wipe_all();
    _exit(EX_OSERR);
}

static bool make_seed(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    struct seed_parts parts = {.pid = getpid(), .counter = visit->table.next_seed.number};

    /* Without waiting: a machine that has just started must not keep the peer past its deadline. */
    if (getrandom(parts.random, sizeof(parts.random), GRND_NONBLOCK) != (ssize_t)sizeof(parts.random)) {
        log_line(LOG_ERR,
                 "the kernel gives no random bytes: see getrandom(2); soon after the start of a machine, wait");
        return visit_refuse(visit, "state", EX_OSERR);
    }
    if (clock_gettime(CLOCK_REALTIME, &parts.now) != 0) {
        log_line(LOG_ERR, "the clock cannot be read: %s", strerror(errno));
        return visit_refuse(visit, "state", EX_OSERR);
    }
    memcpy(parts.key, visit->table.next_seed.key, sizeof(parts.key));
    seed_make(&parts, handler->exchange.seed);
    explicit_bzero(&parts, sizeof(parts));
    return true;
}

/*
 * Load libgcrypt, which a peer who computes does not wait for. No secret is in memory meanwhile. Without it nothing
 * could be compared, so that no reply is waited for and nobody is blamed.
 */
static bool prepare_to_compare(struct handler *handler)
{
    mac_on_fatal(end_without_libgcrypt, handler);
    if (mac_init() == 0)
        return true;
    log_line(LOG_ERR, "%s", mac_problem());
    return visit_refuse(&handler->visit, "state", EX_OSERR);
}

static const char *exchange_reason(enum exchange_result result)
{
    switch (result) {
    case EXCHANGE_OK:
        return "wrong-reply"; /* until it has been found right */
    case EXCHANGE_NO_REPLY:
        return "no-reply";
    case EXCHANGE_SHORT_REPLY:
        return "short-reply";
    case EXCHANGE_TIMEOUT:
        return "timeout";
    case EXCHANGE_UNABLE:
        return "state";
    case EXCHANGE_LEFT:
    case EXCHANGE_UNREACHED:
    case EXCHANGE_GONE:
        break;
    }
    return "gone";
}

/*
 * How long ago the reply came, at the most since the exchange began: bytes that were there before the seed must not
 * have used up a time that has only begun, for then the process would end without a strike for that seed.
 */
static int64_t reply_age_ms(int64_t begin_ms)
{
    const int64_t age_ms = exchange_reply_age_ms(VISIT_PEER_FD);
    const int64_t since_ms = clock_now_ms() - begin_ms;

    return age_ms < since_ms ? age_ms : since_ms;
}

bool handler_exchange(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    struct handler_exchange *exchange = &handler->exchange;
    const int64_t limit_ms = (int64_t)handler->config.settings.comm_timeout * 1000;
    const int64_t begin_ms = clock_now_ms();
    enum exchange_result result;

    visit_begin_timed(visit, "exchange", limit_ms + LIBRARY_MS);
    if (!make_seed(handler))
        return false;
    result = exchange_send_seed(VISIT_PEER_FD, begin_ms + limit_ms, exchange->seed);
    if (result == EXCHANGE_OK) {
        if (!prepare_to_compare(handler))
            return false;
        result = exchange_read_reply(VISIT_PEER_FD, begin_ms + limit_ms, exchange->reply);
    }
    /* Whoever had no chance to reply gets no strike (I11). */
    if (result == EXCHANGE_LEFT)
        return visit_leave(visit);
    /* A seed was given out, whoever has it now: that keeps its place in the pace. */
    if (result == EXCHANGE_UNREACHED)
        return visit_refuse(visit, exchange_reason(result), EX_OK);
    if (result == EXCHANGE_UNABLE) {
        log_line(LOG_ERR, "cannot wait for the reply: %s", strerror(errno));
        return visit_refuse(visit, exchange_reason(result), EX_OSERR);
    }
    exchange->replied = result == EXCHANGE_OK;
    /* From its arrival on, which may have been noticed late, a reply has COMM_TIMEOUT to lead to something. */
    deadline_set(exchange->replied ? limit_ms - reply_age_ms(begin_ms) : VISIT_SETTLING_MS);
    visit->end.outcome = VISIT_REJECTED;
    visit->end.reason = exchange_reason(result);
    return true;
}

/* ---- Secrets ---- */

static struct spend_place place_of(const struct visit *visit, unsigned patience_ms)
{
    return (struct spend_place){
        .state_dir = visit->table.state_dir, .door = visit->table.door, .patience_ms = patience_ms};
}

static void log_used(const struct visit *visit, enum used_fault fault)
{
    const int error = errno;

    if (used_fault_has_errno(fault))
        log_line(LOG_ERR, "%s: %s: %s", visit->table.state_dir, used_fault_text(fault), strerror(error));
    else
        log_line(LOG_ERR, "%s: %s", visit->table.state_dir, used_fault_text(fault));
}

static void log_unknown(const char *action)
{
    log_line(LOG_ERR,
             "action=%s: which codes of its hotp= have been used is not known: run 'ostiaryctl codes --counter NUMBER "
             "%s'",
             action, action);
}

bool handler_secrets(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    const struct spend_place place = place_of(visit, 0);
    const struct config_entry *unknown;
    enum used_fault fault;

    /* Nothing to compare: no reason to have a secret in memory. */
    if (!handler->exchange.replied)
        return true;
    visit_begin(visit, "secrets");
    if (settings_load(handler->config.path, true, &handler->config.secrets) != 0)
        return visit_refuse(visit, "config", EX_CONFIG);
    /* Without it nobody who sends a code of HOTP fits; whoever needs none has nothing to do with it. */
    fault = spend_look(&place, &handler->config.secrets, &unknown);
    if (fault == USED_UNKNOWN)
        log_unknown(unknown->name);
    else if (fault != USED_OK)
        log_used(visit, fault);
    return true;
}

/* Whoever has the secret of an action has to be where it may come from, too: else it is a strike like any other. */
static bool may_come(struct handler *handler, const struct config_entry *entry)
{
    struct visit *visit = &handler->visit;

    if (from_has(entry->from, &visit->peer.address))
        return true;
    visit->end.reason = "from";
    return false;
}

static bool has_expired(const struct handler_reply *reply)
{
    return reply->match.secret->expires_s != 0 && reply->now_s >= reply->match.secret->expires_s;
}

/* Which secret fits, and the receipt for it. Without an answer from libgcrypt nothing is known: that is a refusal. */
static bool compare(struct handler *handler)
{
    struct handler_exchange *exchange = &handler->exchange;
    struct handler_reply *reply = &handler->reply;
    const struct match_question question = {&handler->config.secrets, exchange->seed, reply->now_s};
    int status = match_reply(&question, exchange->reply, &reply->match);

    if (status == 0 && reply->match.entry == NULL)
        return false;
    if (status == 0) {
        visit_name(&handler->visit, reply->match.entry->name, reply->match.secret->label);
        if (!may_come(handler, reply->match.entry))
            return false;
        status = match_receipt(&question, &reply->match, exchange->reply, exchange->receipt);
    }
    if (status == 0) {
        handler->start.entry = reply->match.entry;
        reply->hindrance = has_expired(reply) ? "expired" : NULL;
        return true;
    }
    log_line(LOG_ERR, "libgcrypt failed to compute an HMAC: see what 'ostiaryd -t' says of the secrets");
    return visit_refuse(&handler->visit, "state", EX_OSERR);
}

/* What follows may ask servers and load libraries, to look up a user: not with a secret in memory. */
static void forget_secrets(struct handler *handler)
{
    locked_free(&handler->config.secrets.secrets);
}

bool handler_match(struct handler *handler)
{
    bool fits;

    visit_begin(&handler->visit, "comparison");
    handler->reply.now_s = (uint64_t)clock_wall_ms() / 1000;
    fits = handler->exchange.replied && compare(handler);
    if (!fits)
        forget_secrets(handler);
    return fits;
}

/* ---- What there is but once: a code, and the run of an action ---- */

/* How long a lock may be waited for: until the deadline, but for what the peer is still to be told. */
static unsigned time_left_ms(void)
{
    const int64_t left_ms = deadline_left_ms() - ANSWER_MS;

    return left_ms > 0 ? (unsigned)left_ms : 0;
}

/* Why nothing comes of a reply with a code, or NULL. */
static const char *spend(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    const struct match *match = &handler->reply.match;
    const struct spend_place place = place_of(visit, time_left_ms());
    const struct spend_use use = {&visit->peer.address, handler->reply.now_s};
    enum used_fault fault;

    switch (spend_code(&place, &match->entry->codes, match->counter, &use, &fault)) {
    case SPEND_DONE:
        return NULL;
    case SPEND_USED:
        return "used";
    case SPEND_UNKNOWN: /* which is in the log */
        break;
    case SPEND_FAILED:
        log_used(visit, fault);
        break;
    }
    visit->end.status = EX_IOERR;
    return "state";
}

/* Why the action is not started a second time, or NULL: it is taken, for as long as this process runs. */
static const char *take_single(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    const char *action = handler->reply.match.entry->name;
    const struct spend_place place = place_of(visit, time_left_ms());
    enum used_fault fault;

    switch (single_take(&place, action, &visit->table.visitor.now, &fault)) {
    case SINGLE_MINE:
        return NULL;
    case SINGLE_RUNS:
        return "busy";
    case SINGLE_HIDDEN:
        log_line(LOG_ERR,
                 "action=%s: the process that may be running it cannot be seen: mount /proc without hidepid= for this "
                 "handler, see ProtectProc= of its unit",
                 action);
        return "busy";
    case SINGLE_UNKNOWN:
        log_line(LOG_ERR, "action=%s: single= cannot be kept without /proc and the boot's identity: %s", action,
                 errno != 0 ? strerror(errno) : "set OSTIARY_BOOT_ID, as its unit does");
        visit->end.status = EX_OSERR;
        return "state";
    case SINGLE_FAILED:
        log_used(visit, fault);
        break;
    }
    visit->end.status = EX_IOERR;
    return "state";
}

bool handler_spend(struct handler *handler)
{
    struct handler_reply *reply = &handler->reply;

    if (reply->hindrance == NULL && reply->match.entry->codes.origin != CONFIG_SECRET_NONE) {
        visit_begin(&handler->visit, "code");
        reply->hindrance = spend(handler);
    }
    forget_secrets(handler);
    if (reply->hindrance == NULL && reply->match.entry->single) {
        visit_begin(&handler->visit, "single");
        reply->hindrance = take_single(handler);
    }
    return true;
}

bool handler_forgive(struct handler *handler)
{
    return visit_forgive(&handler->visit, handler->reply.hindrance == NULL);
}

/* ---- May it have what it asks for? ---- */

/* Which of several secrets is in use still? What is in the way of remembering it is in nobody's way. */
static void note_label(struct handler *handler)
{
    const struct visit *visit = &handler->visit;
    const struct match *match = &handler->reply.match;
    const struct spend_place place = place_of(visit, LABEL_PATIENCE_MS);
    const struct spend_use use = {&visit->peer.address, handler->reply.now_s};
    uint8_t text[USED_TEXT_MAX];
    struct used_name name;
    enum used_fault fault;

    if (match->secret->label == NULL)
        return;
    visit_begin(visit, "label");
    name = spend_secret_name(match->entry->name, match->secret->label, text);
    fault = spend_note(&place, &name, &use);
    if (fault != USED_OK)
        log_used(visit, fault);
}

bool handler_permit(struct handler *handler)
{
    if (handler->reply.hindrance != NULL)
        return visit_refuse(&handler->visit, handler->reply.hindrance, handler->visit.end.status);
    note_label(handler);
    return true;
}

/* ---- What comes of it ---- */

void handler_outcome(struct handler *handler)
{
    struct visit *visit = &handler->visit;
    const struct config *settings = &handler->config.settings;
    struct start *start = &handler->start;

    start->wanted = visit->end.outcome == VISIT_ACCEPTED && !start->entry->kill;
    if (start->wanted)
        return; /* whoever is accepted hears of it when his action is started */
    if (visit->end.outcome == VISIT_ACCEPTED && visit_kill(visit))
        stream_send_at_once(VISIT_PEER_FD, handler->exchange.receipt, RECEIPT_LEN);
    /* LOCKOUT_ACTION is run by the one handler whose strike locked the source: once for each lock. */
    if (visit->end.outcome == VISIT_REJECTED && visit->table.charge.locks && settings->has_lockout_action) {
        start->entry = &settings->lockout_action;
        start->wanted = true;
    }
    visit_end(visit);
}

void handler_forget(struct handler *handler)
{
    locked_free(&handler->config.secrets.secrets);
    explicit_bzero(handler->exchange.seed, sizeof(handler->exchange.seed));
    explicit_bzero(handler->exchange.reply, sizeof(handler->exchange.reply));
    visit_forget(&handler->visit);
}

int handler_start(struct handler *handler)
{
    if (!handler->start.wanted)
        return handler->visit.end.status;
    handler->start.config_path = handler->config.path;
    handler->start.receipt = handler->exchange.receipt;
    return start_action(&handler->start, &handler->visit);
}

void handler_free(struct handler *handler)
{
    handler_forget(handler);
    explicit_bzero(handler->exchange.receipt, sizeof(handler->exchange.receipt));
    config_free(&handler->config.settings);
    config_free(&handler->config.secrets);
    start_free(&handler->start);
}
