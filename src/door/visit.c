/* SPDX-License-Identifier: ISC */
/* See visit.h. */
#include "visit.h"

#include "clock.h"
#include "deadline.h"
#include "keeper.h"
#include "locked.h"
#include "log.h"
#include "logline.h"
#include "stream.h"
#include "wrap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* How often a charge asks again whose answer hangs on strikes that are being judged, and how late it stops asking. */
#define PAUSE_LEAST_MS  2
#define PAUSE_MOST_MS   64
#define LAST_MOMENTS_MS 1000

/* The lines that are kept ready for the end of the process: what came of the visit, from where on there is what became
 * of networks, and what has ended it, if that is not in the others. */
#define OUTCOME_LINE  0
#define NETWORKS_LINE 1
#define CAUSE_LINE    (LOG_END_LINES - 1)
_Static_assert(NETWORKS_LINE + ENCLOSING_MAX <= CAUSE_LINE, "there is a line for each network");

bool visit_refuse(struct visit *visit, const char *reason, int status)
{
    visit->end.outcome = VISIT_REFUSED;
    visit->end.reason = reason;
    visit->end.status = status;
    return false;
}

void visit_name(struct visit *visit, const char *action, const char *label)
{
    snprintf(visit->end.what, sizeof(visit->end.what), " action=%s%s%s", action, label != NULL ? " label=" : "",
             label != NULL ? label : "");
}

/* ---- What is wrong with the table ---- */

static void log_state(struct visit *visit, enum store_fault fault)
{
    const int error = errno;

    if (store_fault_has_errno(fault))
        log_line(LOG_ERR, "%s: %s: %s", visit->table.state_dir, store_fault_text(fault), strerror(error));
    else
        log_line(LOG_ERR, "%s: %s", visit->table.state_dir, store_fault_text(fault));
    visit->end.status = EX_IOERR;
}

static bool refuse_state(struct visit *visit, enum store_fault fault)
{
    log_state(visit, fault);
    return visit_refuse(visit, "state", EX_IOERR);
}

static void log_damage(const struct visit *visit, unsigned slots)
{
    if (slots != 0)
        log_line(LOG_ERR, "%s/lockout: %u damaged slots are taken for free: run 'ostiaryctl verify'",
                 visit->table.state_dir, slots);
}

/* ---- Lines about the peer ---- */

/* The end of a lock, as it stands in the log. */
static void format_until(uint64_t until, char text[static CLOCK_UTC_LEN])
{
    if (until == LOCKOUT_FOREVER || clock_format_utc(until, text) != 0)
        snprintf(text, CLOCK_UTC_LEN, "forever"); /* or until somebody unlocks it */
}

/* A lock is news whatever else has happened: here is the one line that says so. */
static void describe_locked(const struct visit *visit, const char *reason, char line[static LOGLINE_LEN])
{
    char until[CLOCK_UTC_LEN];

    format_until(visit->table.charge.locked_until, until);
    snprintf(line, LOGLINE_LEN, "locked source=%s strikes=%ju until=%s reason=%s", visit->peer.text,
             (uintmax_t)visit->table.charge.strikes, until, reason);
}

/* At the end of a line, where a source is refused with a network. */
static void add_network(const struct lockout_bar *bar, char line[static LOGLINE_LEN])
{
    char network[ADDRESS_TEXT_LEN];
    size_t used;

    if (!bar->is_network)
        return;
    used = strlen(line);
    address_format_source(&bar->network, network);
    snprintf(line + used, LOGLINE_LEN - used, " network=%s", network);
}

/* Refused: with what is known of the lock, or of the action that a right reply asked for. Gives how urgent that is. */
static int describe_refused(const struct visit *visit, const char *reason, char line[static LOGLINE_LEN])
{
    char until[CLOCK_UTC_LEN];

    if (visit->table.charge.locks) {
        describe_locked(visit, reason, line); /* its strike could not be judged or taken back */
        return LOG_WARNING;
    }
    if (visit->end.locked_until != 0) {
        format_until(visit->end.locked_until, until);
        snprintf(line, LOGLINE_LEN, "refused source=%s reason=%s until=%s", visit->peer.text, reason, until);
        add_network(&visit->end.bar, line);
        return LOG_INFO;
    }
    if (visit->end.what[0] != '\0') {
        snprintf(line, LOGLINE_LEN, "refused source=%s reason=%s%s", visit->peer.text, reason, visit->end.what);
        return LOG_WARNING;
    }
    snprintf(line, LOGLINE_LEN, "refused source=%s reason=%s", visit->peer.text, reason);
    add_network(&visit->end.bar, line);
    return LOG_INFO;
}

static void log_locked(const struct visit *visit)
{
    char line[LOGLINE_LEN];

    describe_locked(visit, visit->end.reason, line);
    log_line(LOG_WARNING, "%s", line);
}

/* Networks that this strike has locked as well: true for the I-th of those that it was counted for, with the line. */
static bool describe_network(const struct visit *visit, unsigned i, const char *reason, char line[static LOGLINE_LEN])
{
    const struct lockout_network *network = &visit->table.charge.networks[i];
    char name[ADDRESS_TEXT_LEN];
    char until[CLOCK_UTC_LEN];

    if (!network->strike.locks)
        return false;
    address_format_source(&network->source, name);
    format_until(network->locked_until, until);
    snprintf(line, LOGLINE_LEN, "locked source=%s network=%s strikes=%ju until=%s reason=%s", visit->peer.text, name,
             (uintmax_t)network->strike.strikes, until, reason);
    return true;
}

/* They are in the log, or no news any more. */
static void drop_networks(void)
{
    for (unsigned i = 0; i < ENCLOSING_MAX; i++) {
        log_drop_end(LOG_END_DEADLINE, NETWORKS_LINE + i);
        log_drop_end(LOG_END_ABORT, NETWORKS_LINE + i);
    }
}

static void log_locked_networks(const struct visit *visit)
{
    char line[LOGLINE_LEN];

    for (unsigned i = 0; i < ENCLOSING_MAX; i++)
        if (describe_network(visit, i, visit->end.reason, line))
            log_line(LOG_WARNING, "%s", line);
    drop_networks();
}

/* ---- When the process is ended in the middle of a step ---- */

/* In a signal handler, whatever it has interrupted: only what may be done there. */
static void leave_at_once(void)
{
    locked_wipe_all();
    stream_end(VISIT_PEER_FD);
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
    log_write_end(LOG_END_ABORT);
    _exit(EX_OSERR);
}

static bool limit_process(struct visit *visit)
{
    log_prepare_end(LOG_END_DEADLINE, OUTCOME_LINE, LOG_ERR, "the time was up before the peer could be identified");
    log_prepare_end(LOG_END_ABORT, CAUSE_LINE, LOG_ERR,
                    "a library has ended this process (SIGABRT): are memory and descriptors short? "
                    "standard error may say more");
    if (deadline_start(VISIT_SETTINGS_MS, end_at_deadline) == 0 && signal(SIGABRT, end_at_abort) != SIG_ERR)
        return true;
    log_line(LOG_ERR, "cannot limit this process: %s", strerror(errno));
    return visit_refuse(visit, NULL, EX_OSERR);
}

/* What is to be said if this step is the last. */
static void prepare_end(const struct visit *visit, enum log_end end, const char *reason, const char *step)
{
    char line[LOGLINE_LEN];

    describe_refused(visit, reason, line);
    log_prepare_end(end, OUTCOME_LINE, LOG_WARNING, "%s step=%s", line, step);
    for (unsigned i = 0; visit->table.charge.networks_struck && i < ENCLOSING_MAX; i++)
        if (describe_network(visit, i, reason, line))
            log_prepare_end(end, NETWORKS_LINE + i, LOG_WARNING, "%s step=%s", line, step);
}

void visit_begin(const struct visit *visit, const char *step)
{
    prepare_end(visit, LOG_END_DEADLINE, "deadline", step);
    prepare_end(visit, LOG_END_ABORT, "state", step);
}

void visit_begin_timed(const struct visit *visit, const char *step, int64_t limit_ms)
{
    visit_begin(visit, step);
    deadline_set(limit_ms);
}

/* ---- Who is it, and may it have anything? ---- */

static bool identify(struct visit *visit)
{
    struct visit_peer *peer = &visit->peer;
    socklen_t len = sizeof(peer->name);
    in_port_t port;

    /* Gone before it could be identified: there is nobody to count it against. */
    if (getpeername(VISIT_PEER_FD, (struct sockaddr *)&peer->name, &len) != 0 ||
        address_from_socket(VISIT_PEER_FD, &peer->name, &peer->address) != 0)
        return visit_refuse(visit, NULL, EX_OK);
    /* The port stands in the same place in both families. */
    memcpy(&port, (const char *)&peer->name + offsetof(struct sockaddr_in, sin_port), sizeof(port));
    peer->port = ntohs(port);
    address_format(&peer->address, peer->text);
    return true;
}

bool visit_open(struct visit *visit)
{
    return limit_process(visit) && identify(visit);
}

void visit_obey(struct visit *visit, enum doors door, const struct config *settings)
{
    struct visit_table *table = &visit->table;

    table->state_dir = settings->state_dir;
    table->table_size = settings->table_size;
    table->door = door;
    table->policy = (struct lockout_policy){
        .delay = settings->delay,
        .delay_max_wait = settings->delay_max_wait,
        .delay_all = settings->delay_all,
        .max_bad_conns = settings->max_bad_conns,
        .max_single_errs = settings->max_single_errs,
        .max_total_errs = settings->max_total_errs,
        .close_when_full = settings->close_when_full,
        .lockout_time = settings->lockout_time,
        .strike_time = settings->strike_time,
        .waiting_max = settings->waiting_max,
    };
    table->source = address_source(&visit->peer.address, settings->ipv6_prefix);
    table->visitor.source = &table->source;
    table->visitor.enclosed = address_is_allocated(&table->source);
    for (size_t i = 0; i < settings->exempt_count; i++)
        table->visitor.exempt |= address_within(&visit->peer.address, &settings->exempt[i]);
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
    case LOCKOUT_NOT_YET:
    case LOCKOUT_ADMITTED:
        break;
    }
    return "state";
}

/* Refused by the table; where that closed the door for all, that is the news. */
static bool refuse_answer(struct visit *visit, enum lockout_answer answer, enum lockout_closure closure)
{
    if (closure == LOCKOUT_NOT_CLOSED)
        return visit_refuse(visit, refusal_reason(answer), EX_OK);
    log_line(LOG_ERR, "closed reason=%s source=%s", lockout_closure_text(closure), visit->peer.text);
    return visit_refuse(visit, NULL, EX_OK);
}

static enum store_fault open_table(struct visit_table *table)
{
    struct store_options options = {
        .directory = table->state_dir,
        .places = table->table_size,
        .patience_ms = STORE_PATIENCE_MS,
        .door = table->door,
        .keeper = keeper_of(table->state_dir),
    };

    moment_read(&table->visitor.now);
    options.now = table->visitor.now;
    return store_open(&options, &table->store);
}

/* Others of the same source may be locked out while this one waits for its place, so it asks again afterwards. */
static bool wait_for_place(struct visit *visit)
{
    struct visit_table *table = &visit->table;
    const uint64_t wait_ms = table->admission.wait_ms;
    enum lockout_answer answer;
    enum store_fault fault;

    visit_begin_timed(visit, "wait", (int64_t)wait_ms + VISIT_TABLE_MS);
    log_line(LOG_DEBUG, "source=%s waits %ju ms for its slot", visit->peer.text, (uintmax_t)wait_ms);
    if (!stream_pause(VISIT_PEER_FD, wait_ms))
        return visit_leave(visit);
    moment_update(&table->visitor.now);
    fault = lockout_look(&table->store, &table->visitor, &answer, &visit->end.bar);
    if (fault != STORE_OK)
        return refuse_state(visit, fault);
    return answer == LOCKOUT_ADMITTED || visit_refuse(visit, refusal_reason(answer), EX_OK);
}

bool visit_admit(struct visit *visit)
{
    struct visit_table *table = &visit->table;
    struct lockout_admission *admission = &table->admission;
    enum store_fault fault;

    /* Before it takes a place in the pace, which somebody who is still there may need. */
    if (stream_has_left(VISIT_PEER_FD))
        return visit_refuse(visit, "gone", EX_OK);
    visit_begin_timed(visit, "admission", VISIT_ADMISSION_MS);
    if (!wrap_allows(&visit->peer.name))
        return visit_refuse(visit, "denied", EX_OK);
    fault = open_table(table);
    if (fault == STORE_OK)
        fault = lockout_admit(&table->store, &table->policy, &table->visitor, admission);
    if (fault != STORE_OK)
        return refuse_state(visit, fault);
    log_damage(visit, admission->damaged_slots);
    visit->end.locked_until = admission->locked_until;
    visit->end.bar = admission->bar;
    if (admission->answer != LOCKOUT_ADMITTED)
        return refuse_answer(visit, admission->answer, admission->closure);
    fault = private_next_seed(&table->store, admission->seed_number, &table->next_seed);
    if (fault != STORE_OK)
        return refuse_state(visit, fault);
    return admission->wait_ms == 0 || wait_for_place(visit);
}

bool visit_leave(struct visit *visit)
{
    struct visit_table *table = &visit->table;
    enum store_fault fault;

    visit_begin_timed(visit, "leaving", VISIT_TABLE_MS);
    moment_update(&table->visitor.now);
    fault = lockout_leave(&table->store, &table->policy, &table->visitor, &table->admission);
    return fault == STORE_OK ? visit_refuse(visit, "gone", EX_OK) : refuse_state(visit, fault);
}

/* ---- Strikes ---- */

/* Ask until there is an answer; in the last moments of this process there is one whatever others do. */
static enum store_fault charge_in_time(struct visit_table *table)
{
    for (int pause_ms = PAUSE_LEAST_MS;; pause_ms = pause_ms < PAUSE_MOST_MS ? pause_ms * 2 : pause_ms) {
        const int64_t left_ms = deadline_left_ms();
        enum store_fault fault;

        table->visitor.patient = left_ms > LAST_MOMENTS_MS;
        table->visitor.judging_ms = (uint64_t)left_ms;
        moment_update(&table->visitor.now);
        fault = lockout_charge(&table->store, &table->policy, &table->visitor, &table->charge);
        if (fault != STORE_OK || table->charge.answer != LOCKOUT_NOT_YET)
            return fault;
        poll(NULL, 0, pause_ms);
    }
}

bool visit_charge(struct visit *visit)
{
    struct visit_table *table = &visit->table;
    const struct lockout_charge *charge = &table->charge;
    enum store_fault fault;

    visit_begin(visit, "strike");
    fault = charge_in_time(table);
    if (fault != STORE_OK)
        return refuse_state(visit, fault);
    log_damage(visit, charge->damaged_slots);
    if (charge->answer == LOCKOUT_REFUSED_LOCKED)
        visit->end.locked_until = charge->locked_until;
    visit->end.bar = charge->bar;
    return charge->answer == LOCKOUT_ADMITTED || refuse_answer(visit, charge->answer, charge->closure);
}

bool visit_forgive(struct visit *visit, bool comes_in)
{
    struct visit_table *table = &visit->table;
    enum store_fault fault;

    table->charge.makes_known &= comes_in;
    fault = lockout_forgive(&table->store, &table->source, &table->charge);
    if (fault != STORE_OK)
        return refuse_state(visit, fault);
    if (table->charge.answer != LOCKOUT_ADMITTED)
        return visit_refuse(visit, refusal_reason(table->charge.answer), EX_OK);
    visit->end.outcome = VISIT_ACCEPTED;
    /* The locks that were this strike's, if there were some, are no news any more. */
    if (table->charge.networks_struck)
        drop_networks();
    visit_begin(visit, "outcome");
    return true;
}

void visit_settle(struct visit *visit)
{
    struct visit_table *table = &visit->table;
    const struct lockout_charge *charge = &table->charge;
    enum store_fault fault;

    stream_end(VISIT_PEER_FD);
    visit_begin_timed(visit, "settling", VISIT_SETTLING_MS);
    moment_update(&table->visitor.now);
    fault = lockout_settle(&table->store, &table->policy, &table->visitor, &table->charge);
    if (fault != STORE_OK)
        log_state(visit, fault);

    if (charge->closure != LOCKOUT_NOT_CLOSED)
        log_line(LOG_ERR, "closed reason=%s source=%s strikes=%ju", lockout_closure_text(charge->closure),
                 visit->peer.text, (uintmax_t)charge->strikes);
    else if (charge->locks)
        log_locked(visit);
    else
        log_line(LOG_NOTICE, "rejected source=%s reason=%s%s strikes=%ju of=%ju", visit->peer.text, visit->end.reason,
                 visit->end.what, (uintmax_t)charge->strikes, (uintmax_t)table->policy.max_bad_conns);
    log_locked_networks(visit);
}

/* ---- Ends ---- */

#define STILL_OPEN "the KILL secret was given, and the door is STILL OPEN: run 'ostiaryctl close'"

bool visit_kill(struct visit *visit)
{
    char reason[ADDRESS_TEXT_LEN + 32];
    enum store_fault fault;

    /* Late is better than never: this is for everybody's sake, and not for the peer's. */
    deadline_set(VISIT_SETTLING_MS);
    log_prepare_end(LOG_END_DEADLINE, OUTCOME_LINE, LOG_ERR, STILL_OPEN);
    log_prepare_end(LOG_END_ABORT, OUTCOME_LINE, LOG_ERR, STILL_OPEN);
    moment_update(&visit->table.visitor.now);
    snprintf(reason, sizeof(reason), "kill-secret source=%s", visit->peer.text);
    fault = lockout_close(&visit->table.store, reason, &visit->table.visitor.now, NULL);
    if (fault != STORE_OK) {
        log_line(LOG_ERR, STILL_OPEN);
        return refuse_state(visit, fault);
    }
    log_line(LOG_ERR, "closed reason=%s", reason);
    return true;
}

void visit_end(struct visit *visit)
{
    char line[LOGLINE_LEN];

    if (visit->end.outcome == VISIT_REFUSED && visit->end.reason != NULL) {
        const int priority = describe_refused(visit, visit->end.reason, line);

        log_line(priority, "%s", line);
        log_locked_networks(visit); /* as above, where its strike could not be taken back */
    }
    stream_end(VISIT_PEER_FD);
}

void visit_forget(struct visit *visit)
{
    explicit_bzero(&visit->table.next_seed, sizeof(visit->table.next_seed));
    store_close(&visit->table.store);
}
