/* SPDX-License-Identifier: ISC */
/* See handler.h. */
#include "handler.h"

#include "action.h"
#include "check.h"
#include "clock.h"
#include "deadline.h"
#include "exchange.h"
#include "keeper.h"
#include "log.h"
#include "mac.h"
#include "match.h"
#include "program.h"
#include "relay.h"
#include "seed.h"
#include "stream.h"
#include "wrap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define PEER_FD STDIN_FILENO

/*
 * How long a step may take before the process is ended (I13). What is usual takes a thousandth of it; the limits are
 * for disks, services and libraries that hang. From the reply on it is COMM_TIMEOUT, unless the reply was wrong.
 */
#define SETTINGS_MS  10000
#define ADMISSION_MS (STORE_PATIENCE_MS + 20000) /* hosts.allow may ask name servers */
#define TABLE_MS     (STORE_PATIENCE_MS + 5000)
#define LIBRARY_MS   5000  /* beside COMM_TIMEOUT, which the exchange keeps by itself */
#define SETTLING_MS  20000 /* what a strike leads to: nobody waits for it */
#define STARTING_MS  5000  /* execve alone */

#define LAST_LINE_LEN 512
#define READINGS_MAX  3 /* of a configuration that changes while it is read */

/* Readings of the configuration, of which the last is meant. */
struct reading {
    const char *path;
    unsigned left;      /* that may follow */
    struct stat before; /* what had the path's name when it began */
    bool failed;
    bool overtaken; /* it failed, and the file has been changed or replaced meanwhile */
};

static void begin_reading(struct reading *reading)
{
    reading->failed = false;
    reading->overtaken = false;
    reading->left = stat(reading->path, &reading->before) == 0 ? reading->left - 1 : 0;
}

static bool has_changed(const struct reading *reading)
{
    const struct stat *before = &reading->before;
    struct stat now;

    return stat(reading->path, &now) == 0 &&
           (now.st_dev != before->st_dev || now.st_ino != before->st_ino ||
            now.st_ctim.tv_sec != before->st_ctim.tv_sec || now.st_ctim.tv_nsec != before->st_ctim.tv_nsec);
}

/*
 * Log the first error alone: one cause, precisely. The rest is for -t, which the line names. Where the file is another
 * one by now, the error is that of a configuration which is not in force any more, and nobody's business.
 */
static void log_finding(void *context, const struct config_finding *finding)
{
    struct reading *reading = context;

    if (finding->severity != CONFIG_ERROR || reading->failed)
        return;
    reading->failed = true;
    reading->overtaken = reading->left > 0 && has_changed(reading);
    if (reading->overtaken)
        return;
    if (finding->line != 0)
        log_line(LOG_ERR, "%s:%u: error: %s (all findings: ostiaryd -t)", finding->file, finding->line, finding->text);
    else
        log_line(LOG_ERR, "%s: error: %s (all findings: ostiaryd -t)", finding->file, finding->text);
}

/*
 * Once more where it was changed meanwhile: 'ostiaryctl remove' replaces the configuration, and then takes away a
 * secret that the old one still names.
 */
static int load_config(const struct handler *handler, bool with_secrets, struct config *config)
{
    struct reading reading = {.path = handler->config_path, .left = READINGS_MAX};
    const struct config_reader reader = {
        .path = handler->config_path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = with_secrets,
        .report = log_finding,
        .context = &reading,
    };
    int status;

    do {
        begin_reading(&reading);
        status = config_load(&reader, config);
    } while (reading.overtaken);
    return status;
}

static bool refuse(struct handler *handler, const char *reason, int status)
{
    handler->outcome = HANDLER_REFUSED;
    handler->reason = reason;
    handler->status = status;
    return false;
}

static void log_state(struct handler *handler, enum store_fault fault)
{
    const int error = errno;

    if (store_fault_has_errno(fault))
        log_line(LOG_ERR, "%s: %s: %s", handler->settings.state_dir, store_fault_text(fault), strerror(error));
    else
        log_line(LOG_ERR, "%s: %s", handler->settings.state_dir, store_fault_text(fault));
    handler->status = EX_IOERR;
}

static bool refuse_state(struct handler *handler, enum store_fault fault)
{
    log_state(handler, fault);
    return refuse(handler, "state", EX_IOERR);
}

/* ---- Lines about the peer ---- */

/* The end of a lock, as it stands in the log. */
static void format_until(uint64_t until, char text[static 32])
{
    const time_t seconds = (time_t)until;
    struct tm utc;

    if (until == LOCKOUT_FOREVER || gmtime_r(&seconds, &utc) == NULL)
        snprintf(text, 32, "forever"); /* or until somebody unlocks it */
    else
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* A lock is news whatever else has happened: here is the one line that says so. */
static void describe_locked(const struct handler *handler, const char *reason, char line[static LAST_LINE_LEN])
{
    char until[32];

    format_until(handler->charge.locked_until, until);
    snprintf(line, LAST_LINE_LEN, "locked source=%s strikes=%ju until=%s reason=%s", handler->peer_text,
             (uintmax_t)handler->charge.strikes, until, reason);
}

/* Refused: with what is known of the lock, or of the action that a right reply asked for. Gives how urgent that is. */
static int describe_refused(const struct handler *handler, const char *reason, char line[static LAST_LINE_LEN])
{
    char until[32];

    if (handler->charge.locks) {
        describe_locked(handler, reason, line); /* its strike could not be judged or taken back */
        return LOG_WARNING;
    }
    if (handler->locked_until != 0) {
        format_until(handler->locked_until, until);
        snprintf(line, LAST_LINE_LEN, "refused source=%s reason=%s until=%s", handler->peer_text, reason, until);
        return LOG_INFO;
    }
    if (handler->entry != NULL) {
        snprintf(line, LAST_LINE_LEN, "refused source=%s reason=%s action=%s", handler->peer_text, reason,
                 handler->entry->name);
        return LOG_WARNING;
    }
    snprintf(line, LAST_LINE_LEN, "refused source=%s reason=%s", handler->peer_text, reason);
    return LOG_INFO;
}

static void log_refused(const struct handler *handler)
{
    char line[LAST_LINE_LEN];
    const int priority = describe_refused(handler, handler->reason, line);

    log_line(priority, "%s", line);
}

static void log_locked(const struct handler *handler)
{
    char line[LAST_LINE_LEN];

    describe_locked(handler, handler->reason, line);
    log_line(LOG_WARNING, "%s", line);
}

/* ---- When the process is ended in the middle of a step ---- */

/* In a signal handler, whatever it has interrupted: only what may be done there. */
static void leave_at_once(void)
{
    locked_wipe_all();
    stream_end(PEER_FD);
}

static void end_at_deadline(void)
{
    leave_at_once();
    log_write_end(LOG_END_DEADLINE);
    _exit(EX_TEMPFAIL);
}

/* A library has given up, and has said why on standard error at the best. */
static void end_at_abort(int number)
{
    (void)number;
    leave_at_once();
    log_write_end(LOG_END_ABORT_CAUSE);
    log_write_end(LOG_END_ABORT);
    _exit(EX_OSERR);
}

bool handler_begin(struct handler *handler)
{
    log_prepare_end(LOG_END_DEADLINE, LOG_ERR, "the time was up before the peer could be identified");
    log_prepare_end(LOG_END_ABORT_CAUSE, LOG_ERR,
                    "a library has ended this process (SIGABRT): are memory and descriptors short? "
                    "standard error may say more");
    if (deadline_start(SETTINGS_MS, end_at_deadline) == 0 && signal(SIGABRT, end_at_abort) != SIG_ERR)
        return true;
    log_line(LOG_ERR, "cannot limit this process: %s", strerror(errno));
    return refuse(handler, NULL, EX_OSERR);
}

/* A step begins: the lines are made ready that say where the process was, should it be ended there. */
static void begin_step(const struct handler *handler, const char *step)
{
    char line[LAST_LINE_LEN];

    describe_refused(handler, "deadline", line);
    log_prepare_end(LOG_END_DEADLINE, LOG_WARNING, "%s step=%s", line, step);
    describe_refused(handler, "state", line);
    log_prepare_end(LOG_END_ABORT, LOG_WARNING, "%s step=%s", line, step);
}

/* And it may take so long from now on, where it does not have to keep to the deadline of the one before. */
static void begin_timed_step(const struct handler *handler, const char *step, int64_t limit_ms)
{
    begin_step(handler, step);
    deadline_set(limit_ms);
}

/* ---- The steps ---- */

bool handler_peer(struct handler *handler)
{
    const struct sockaddr_storage *name = &handler->peer_name;
    socklen_t len = sizeof(*name);
    in_port_t port;

    /* Gone before it could be identified: there is nobody to count it against. */
    if (getpeername(PEER_FD, (struct sockaddr *)&handler->peer_name, &len) != 0)
        return refuse(handler, NULL, EX_OK);
    if (address_from_socket(PEER_FD, name, &handler->peer) != 0)
        return refuse(handler, NULL, EX_OK);
    /* The port stands in the same place in both families. */
    memcpy(&port, (const char *)name + offsetof(struct sockaddr_in, sin_port), sizeof(port));
    handler->peer_port = ntohs(port);
    address_format(&handler->peer, handler->peer_text);
    return true;
}

bool handler_settings(struct handler *handler)
{
    const struct config *config = &handler->settings;

    begin_timed_step(handler, "settings", SETTINGS_MS);
    if (load_config(handler, false, &handler->settings) != 0)
        return refuse(handler, "config", EX_CONFIG);
    log_set_level(config->log_level);
    handler->policy = (struct lockout_policy){
        .delay = config->delay,
        .delay_max_wait = config->delay_max_wait,
        .delay_all = config->delay_all,
        .max_bad_conns = config->max_bad_conns,
        .max_single_errs = config->max_single_errs,
        .max_total_errs = config->max_total_errs,
        .close_when_full = config->close_when_full,
        .lockout_time = config->lockout_time,
        .strike_time = config->strike_time,
        .waiting_max = config->waiting_max,
    };
    handler->source = address_source(&handler->peer, config->ipv6_prefix);
    handler->visitor.source = &handler->source;
    for (size_t i = 0; i < config->exempt_count; i++)
        handler->visitor.exempt |= address_within(&handler->peer, &config->exempt[i]);
    return true;
}

static const char *refusal_reason(enum lockout_answer answer)
{
    switch (answer) {
    case LOCKOUT_REFUSED_LOCKED:
        return "locked";
    case LOCKOUT_REFUSED_CLOSED:
        return "closed";
    case LOCKOUT_REFUSED_TOO_SOON:
        return "too-soon";
    case LOCKOUT_ADMITTED:
        break;
    }
    return "state";
}

static void log_damage(const struct handler *handler, unsigned slots)
{
    if (slots != 0)
        log_line(LOG_ERR, "%s/lockout: %u damaged slots are taken for free: run 'ostiaryctl verify'",
                 handler->settings.state_dir, slots);
}

/* Refused by the table; where that closed the door for all, that is the news. */
static bool refuse_visit(struct handler *handler, enum lockout_answer answer, enum lockout_closure closure)
{
    if (closure == LOCKOUT_NOT_CLOSED)
        return refuse(handler, refusal_reason(answer), EX_OK);
    log_line(LOG_ERR, "closed reason=%s source=%s", lockout_closure_text(closure), handler->peer_text);
    return refuse(handler, NULL, EX_OK);
}

/* It has left without a seed: what it held, somebody who is still there may need. */
static bool leave(struct handler *handler)
{
    enum store_fault fault;

    begin_timed_step(handler, "leaving", TABLE_MS);
    moment_update(&handler->visitor.now);
    fault = lockout_leave(&handler->store, &handler->policy, &handler->visitor, &handler->admission);
    return fault == STORE_OK ? refuse(handler, "gone", EX_OK) : refuse_state(handler, fault);
}

bool handler_admit(struct handler *handler)
{
    struct store_options options = {
        .directory = handler->settings.state_dir,
        .places = handler->settings.table_size,
        .patience_ms = STORE_PATIENCE_MS,
        .keeper = keeper_of(handler->settings.state_dir),
    };
    struct lockout_admission *admission = &handler->admission;
    enum lockout_answer seen;
    enum store_fault fault;

    /* Before it takes a place in the pace, which somebody who is still there may need. */
    if (stream_has_left(PEER_FD))
        return refuse(handler, "gone", EX_OK);
    begin_timed_step(handler, "admission", ADMISSION_MS);
    if (!wrap_allows(&handler->peer_name))
        return refuse(handler, "denied", EX_OK);
    moment_read(&handler->visitor.now);
    options.now = handler->visitor.now;
    fault = store_open(&options, &handler->store);
    if (fault != STORE_OK)
        return refuse_state(handler, fault);
    fault = lockout_admit(&handler->store, &handler->policy, &handler->visitor, admission);
    if (fault != STORE_OK)
        return refuse_state(handler, fault);
    log_damage(handler, admission->damaged_slots);
    handler->locked_until = admission->locked_until;
    if (admission->answer != LOCKOUT_ADMITTED)
        return refuse_visit(handler, admission->answer, admission->closure);
    if (admission->wait_ms == 0)
        return true;

    begin_timed_step(handler, "wait", (int64_t)admission->wait_ms + TABLE_MS);
    /* Others of the same source may have been locked out while this one waited for its slot. */
    log_line(LOG_DEBUG, "source=%s waits %ju ms for its slot", handler->peer_text, (uintmax_t)admission->wait_ms);
    if (!stream_pause(PEER_FD, admission->wait_ms))
        return leave(handler);
    moment_update(&handler->visitor.now);
    fault = lockout_look(&handler->store, &handler->visitor, &seen);
    if (fault != STORE_OK)
        return refuse_state(handler, fault);
    return seen == LOCKOUT_ADMITTED || refuse(handler, refusal_reason(seen), EX_OK);
}

/* No memory for libgcrypt itself, with or without secrets in ours. The strike, if there is one by now, stands. */
static void end_without_libgcrypt(void *context, int code, const char *text)
{
    struct handler *handler = context;

    (void)code;
    log_line(LOG_ERR, "libgcrypt: %s: the peer is dropped", text);
    (void)refuse(handler, "state", EX_OSERR);
    handler_outcome(handler);
    handler_forget(handler);
    _exit(EX_OSERR);
}

static bool make_seed(struct handler *handler)
{
    struct seed_parts parts = {.pid = getpid(), .counter = handler->admission.seed_number};

    mac_on_fatal(end_without_libgcrypt, handler);
    if (mac_init() != 0) {
        log_line(LOG_ERR, "%s", CHECK_NO_LIBGCRYPT);
        return refuse(handler, "state", EX_OSERR);
    }
    /* Without waiting: a machine that has just started must not keep the peer past its deadline. */
    if (getrandom(parts.random, sizeof(parts.random), GRND_NONBLOCK) != (ssize_t)sizeof(parts.random)) {
        log_line(LOG_ERR,
                 "the kernel gives no random bytes: see getrandom(2); soon after the start of a machine, wait");
        return refuse(handler, "state", EX_OSERR);
    }
    if (clock_gettime(CLOCK_REALTIME, &parts.now) != 0) {
        log_line(LOG_ERR, "the clock cannot be read: %s", strerror(errno));
        return refuse(handler, "state", EX_OSERR);
    }
    memcpy(parts.key, handler->store.header.key, sizeof(parts.key));
    seed_make(&parts, handler->seed);
    explicit_bzero(&parts, sizeof(parts));
    return true;
}

static const char *exchange_reason(enum exchange_result result)
{
    switch (result) {
    case EXCHANGE_REPLIED:
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
    const int64_t age_ms = exchange_reply_age_ms(PEER_FD);
    const int64_t since_ms = clock_now_ms() - begin_ms;

    return age_ms < since_ms ? age_ms : since_ms;
}

bool handler_exchange(struct handler *handler)
{
    const int64_t limit_ms = (int64_t)handler->settings.comm_timeout * 1000;
    const int64_t begin_ms = clock_now_ms();
    enum exchange_result result;

    begin_timed_step(handler, "exchange", limit_ms + LIBRARY_MS);
    if (!make_seed(handler))
        return false;
    result = exchange_run(PEER_FD, begin_ms + limit_ms, handler->seed, handler->reply);
    /* Whoever had no chance to reply gets no strike (I11). */
    if (result == EXCHANGE_LEFT)
        return leave(handler);
    /* A seed was given out, whoever has it now: that keeps its place in the pace. */
    if (result == EXCHANGE_UNREACHED)
        return refuse(handler, exchange_reason(result), EX_OK);
    if (result == EXCHANGE_UNABLE) {
        log_line(LOG_ERR, "cannot wait for the reply: %s", strerror(errno));
        return refuse(handler, exchange_reason(result), EX_OSERR);
    }
    handler->replied = result == EXCHANGE_REPLIED;
    /* From its arrival on, which may have been noticed late, a reply has COMM_TIMEOUT to lead to something. */
    deadline_set(handler->replied ? limit_ms - reply_age_ms(begin_ms) : SETTLING_MS);
    handler->outcome = HANDLER_REJECTED;
    handler->reason = exchange_reason(result);
    return true;
}

bool handler_secrets(struct handler *handler)
{
    /* Nothing to compare: no reason to have a secret in memory. */
    if (!handler->replied)
        return true;
    begin_step(handler, "secrets");
    if (load_config(handler, true, &handler->secrets) != 0)
        return refuse(handler, "config", EX_CONFIG);
    return true;
}

bool handler_charge(struct handler *handler)
{
    enum store_fault fault;

    begin_step(handler, "strike");
    moment_update(&handler->visitor.now);
    fault = lockout_charge(&handler->store, &handler->policy, &handler->visitor, &handler->charge);
    if (fault != STORE_OK)
        return refuse_state(handler, fault);
    log_damage(handler, handler->charge.damaged_slots);
    if (handler->charge.answer == LOCKOUT_REFUSED_LOCKED)
        handler->locked_until = handler->charge.locked_until;
    return handler->charge.answer == LOCKOUT_ADMITTED ||
           refuse_visit(handler, handler->charge.answer, handler->charge.closure);
}

/* Which entry fits, and the receipt for it. Without an answer from libgcrypt nothing is known: that is a refusal. */
static bool compare(struct handler *handler)
{
    if (match_entry(&handler->secrets, handler->seed, handler->reply, &handler->entry) == 0 &&
        (handler->entry == NULL ||
         mac_receipt(handler->entry->secret, handler->seed, handler->reply, handler->receipt) == 0))
        return handler->entry != NULL;
    handler->entry = NULL;
    log_line(LOG_ERR, "libgcrypt failed to compute an HMAC: see what 'ostiaryd -t' says of the secrets");
    return refuse(handler, "state", EX_OSERR);
}

bool handler_verdict(struct handler *handler)
{
    enum store_fault fault;
    bool fits;

    begin_step(handler, "comparison");
    fits = handler->replied && compare(handler);
    /* What follows may ask servers and load libraries, to look up a user: not with a secret in memory. */
    locked_free(&handler->secrets.secrets);
    if (!fits)
        return false;
    /* The peer is authenticated. */
    fault = lockout_forgive(&handler->store, &handler->source, &handler->charge);
    if (fault != STORE_OK)
        return refuse_state(handler, fault);
    if (handler->charge.answer != LOCKOUT_ADMITTED)
        return refuse(handler, refusal_reason(handler->charge.answer), EX_OK);
    handler->outcome = HANDLER_ACCEPTED;
    return true;
}

static void reject(struct handler *handler)
{
    const struct lockout_charge *charge = &handler->charge;
    enum store_fault fault;

    stream_end(PEER_FD);
    begin_timed_step(handler, "settling", SETTLING_MS);
    moment_update(&handler->visitor.now);
    fault = lockout_settle(&handler->store, &handler->policy, &handler->visitor, &handler->charge);
    if (fault != STORE_OK)
        log_state(handler, fault);

    if (charge->closure != LOCKOUT_NOT_CLOSED)
        log_line(LOG_ERR, "closed reason=%s source=%s strikes=%ju", lockout_closure_text(charge->closure),
                 handler->peer_text, (uintmax_t)charge->strikes);
    else if (charge->locks)
        log_locked(handler);
    else
        log_line(LOG_NOTICE, "rejected source=%s reason=%s strikes=%ju of=%ju", handler->peer_text, handler->reason,
                 (uintmax_t)charge->strikes, (uintmax_t)handler->policy.max_bad_conns);
    /* LOCKOUT_ACTION is run by the one handler whose strike locked the source: once for each lock. */
    if (charge->locks && handler->settings.has_lockout_action) {
        handler->entry = &handler->settings.lockout_action;
        handler->run = true;
    }
}

#define DOOR_STILL_OPEN "the KILL secret was given, and the door is STILL OPEN: run 'ostiaryctl close'"

/* KILL: the door is closed before anybody hears of it. */
static bool close_door(struct handler *handler)
{
    char reason[ADDRESS_TEXT_LEN + 32];
    enum store_fault fault;

    /* Late is better than never: this is for everybody's sake, and not for the peer's. */
    deadline_set(SETTLING_MS);
    log_prepare_end(LOG_END_DEADLINE, LOG_ERR, DOOR_STILL_OPEN);
    log_prepare_end(LOG_END_ABORT, LOG_ERR, DOOR_STILL_OPEN);
    moment_update(&handler->visitor.now);
    snprintf(reason, sizeof(reason), "kill-secret source=%s", handler->peer_text);
    fault = lockout_close(&handler->store, reason, &handler->visitor.now, NULL);
    if (fault != STORE_OK) {
        log_line(LOG_ERR, DOOR_STILL_OPEN);
        return refuse_state(handler, fault);
    }
    log_line(LOG_ERR, "closed reason=kill-secret source=%s", handler->peer_text);
    return true;
}

void handler_outcome(struct handler *handler)
{
    if (handler->outcome == HANDLER_REJECTED)
        reject(handler);
    else if (handler->outcome == HANDLER_ACCEPTED && !handler->entry->kill)
        handler->run = true;
    else if (handler->outcome == HANDLER_ACCEPTED && close_door(handler))
        stream_send_at_once(PEER_FD, handler->receipt, RECEIPT_LEN);
    if (handler->outcome == HANDLER_REFUSED && handler->reason != NULL)
        log_refused(handler);
    /* Who is accepted hears of it when his action is started. */
    if (handler->outcome != HANDLER_ACCEPTED || !handler->run)
        stream_end(PEER_FD);
}

void handler_forget(struct handler *handler)
{
    locked_free(&handler->secrets.secrets);
    explicit_bzero(handler->seed, sizeof(handler->seed));
    explicit_bzero(handler->reply, sizeof(handler->reply));
    store_close(&handler->store);
}

/* ---- The action ---- */

/* Can the entry be run, or its socket be told? If not, the log says why. */
static bool prepare(struct handler *handler)
{
    const struct config_entry *entry = handler->entry;
    char problem[CHECK_TEXT_LEN];

    if (check_entry(entry, &handler->account, problem) != 0) {
        log_line(LOG_ERR, "%s:%u: error: %s", handler->config_path, entry->line, problem);
        return false;
    }
    if (entry->socket != NULL && relay_connect(entry->socket, &handler->relay_fd) != 0) {
        log_line(LOG_ERR, "%s:%u: error: socket '%s': %s: root must listen there, and not be too busy",
                 handler->config_path, entry->line, entry->socket, strerror(errno));
        return false;
    }
    return true;
}

/* The action will not be run: for who waits to hear of it, that is a refusal. */
static int give_up(struct handler *handler, const char *reason, int status)
{
    if (handler->outcome == HANDLER_ACCEPTED) {
        (void)refuse(handler, reason, status);
        log_refused(handler);
        stream_end(PEER_FD);
    }
    return status;
}

/* The action is about to be run: as whom, or where it is told. From root, so that ostiaryctl log believes it. */
static void log_run(const struct handler *handler)
{
    const struct config_entry *entry = handler->entry;

    if (handler->outcome != HANDLER_ACCEPTED)
        log_line(LOG_INFO, "LOCKOUT_ACTION=%s is run", entry->name);
    else if (entry->socket != NULL)
        log_line(LOG_NOTICE, "accepted source=%s action=%s socket=%s", handler->peer_text, entry->name, entry->socket);
    else
        log_line(LOG_NOTICE, "accepted source=%s action=%s uid=%ju gid=%ju", handler->peer_text, entry->name,
                 (uintmax_t)handler->account.uid, (uintmax_t)handler->account.gid);
}

static void log_fault(const struct handler *handler, enum action_fault fault)
{
    const char *reason = action_fault_has_errno(fault) ? strerror(errno) : "";

    log_line(LOG_ERR, "action=%s command '%s': %s%s%s", handler->entry->name, handler->entry->command,
             action_fault_text(fault), *reason != '\0' ? ": " : "", reason);
}

/* Tell the socket; whoever waits hears that the line has been read. */
static int tell(struct handler *handler)
{
    if (!prepare(handler))
        return give_up(handler, "config", EX_CONFIG);
    if (deadline_is_over()) {
        log_line(LOG_ERR, "action=%s socket '%s': %s", handler->entry->name, handler->entry->socket,
                 action_fault_text(ACTION_FAULT_LATE));
        return give_up(handler, "deadline", EX_TEMPFAIL);
    }
    if (handler->outcome == HANDLER_ACCEPTED)
        begin_step(handler, "socket");
    if (relay_send(handler->relay_fd, handler->peer_text) != 0 || relay_wait(handler->relay_fd) != 0) {
        log_line(LOG_ERR,
                 "action=%s socket '%s': %s: the line was dropped unread: the action runs already, or ends without "
                 "reading it",
                 handler->entry->name, handler->entry->socket, strerror(errno));
        return give_up(handler, "busy", ACTION_CANNOT_RUN);
    }
    log_run(handler);
    if (handler->outcome == HANDLER_ACCEPTED) {
        stream_send_at_once(PEER_FD, handler->receipt, RECEIPT_LEN);
        stream_end(PEER_FD);
    }
    return handler->status;
}

/* What stopped execve, where it can be seen by now: something has changed since it was looked at. */
static void log_exec_fault(const struct handler *handler)
{
    const int error = errno;
    char problem[PROGRAM_TEXT_LEN];

    if (program_check(handler->entry->command, &handler->account, handler->entry->user, problem) != 0) {
        log_line(LOG_ERR, "action=%s command %s", handler->entry->name, problem);
        return;
    }
    errno = error;
    log_fault(handler, ACTION_FAULT_EXEC);
}

/* From here on the identity is the action's. Returns only when it could not be started: the status to exit with. */
static int become(const struct handler *handler)
{
    char address[ADDRESS_TEXT_LEN];

    address_format_bare(&handler->peer, address);
    struct action action = {
        .command = handler->entry->command,
        .name = handler->entry->name,
        .address = address,
        .interface = handler->peer.interface,
        .port = handler->peer_port,
        .limits = handler->limits,
        .account = &handler->account,
        .receipt = handler->outcome == HANDLER_ACCEPTED ? handler->receipt : NULL,
        .receipt_len = RECEIPT_LEN,
    };
    enum action_fault fault = action_take_on(&action);
    int error;

    if (fault == ACTION_OK && deadline_is_over())
        fault = ACTION_FAULT_LATE;
    if (fault == ACTION_OK) {
        log_prepare_end(LOG_END_DEADLINE, LOG_ERR, "action=%s command '%s': was not started in time", action.name,
                        action.command);
        deadline_set(STARTING_MS);
        fault = action_start(&action);
    }
    error = errno;
    if (fault == ACTION_FAULT_EXEC)
        log_exec_fault(handler);
    else
        log_fault(handler, fault);
    stream_end(action.peer_fd >= 0 ? action.peer_fd : PEER_FD);
    action_free(&action);
    return fault == ACTION_FAULT_EXEC && error == ENOENT ? ACTION_NOT_FOUND : ACTION_CANNOT_RUN;
}

int handler_action(struct handler *handler)
{
    enum action_fault fault;

    if (!handler->run)
        return handler->status;
    begin_step(handler, "action");
    log_reach();
    if (handler->outcome != HANDLER_ACCEPTED)
        log_prepare_end(LOG_END_DEADLINE, LOG_ERR, "LOCKOUT_ACTION=%s is not run: the time was up",
                        handler->entry->name);
    if (handler->entry->socket != NULL)
        return tell(handler);
    fault = action_detach();
    if (fault != ACTION_OK) {
        log_fault(handler, fault);
        return give_up(handler, "state", ACTION_CANNOT_RUN);
    }
    if (!prepare(handler))
        return give_up(handler, "config", EX_CONFIG);
    log_run(handler);
    return become(handler);
}

void handler_free(struct handler *handler)
{
    handler_forget(handler);
    explicit_bzero(handler->receipt, sizeof(handler->receipt));
    config_free(&handler->settings);
    config_free(&handler->secrets);
    account_free(&handler->account);
}
