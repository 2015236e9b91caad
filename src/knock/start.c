/* SPDX-License-Identifier: ISC */
/* See start.h. */
#include "start.h"

#include "action.h"
#include "check.h"
#include "deadline.h"
#include "granter.h"
#include "granting.h"
#include "log.h"
#include "program.h"
#include "relay.h"
#include "stream.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#define STARTING_MS 5000 /* execve alone */

/* Does the peer wait to hear of it? Not where LOCKOUT_ACTION is started, after its connection has ended. */
static bool is_for_peer(const struct visit *visit)
{
    return visit->end.outcome == VISIT_ACCEPTED;
}

/* What this process becomes; NULL where it tells a socket. */
static const char *command_of(const struct config_entry *entry)
{
    return entry->gate != NULL ? granter_path : entry->command;
}

/* Can the entry be run, its gate be opened, or its socket be told? If not, the log says why. */
static bool prepare(struct start *start)
{
    const struct config_entry *entry = start->entry;
    char problem[CHECK_TEXT_LEN];

    if (check_entry(entry, start->config_path, &start->account, problem) != 0) {
        log_line(LOG_ERR, "%s:%u: error: %s", start->config_path, entry->line, problem);
        return false;
    }
    if (entry->socket != NULL && relay_connect(entry->socket, &start->relay_fd) != 0) {
        log_line(LOG_ERR, "%s:%u: error: socket '%s': %s: root must listen there, and not be too busy",
                 start->config_path, entry->line, entry->socket, strerror(errno));
        return false;
    }
    return true;
}

/* The action will not be run: for who waits to hear of it, that is a refusal. */
static int give_up(struct visit *visit, const char *reason, int status)
{
    if (is_for_peer(visit)) {
        (void)visit_refuse(visit, reason, status);
        visit_end(visit);
    }
    return status;
}

/* The action is about to be run: as whom, or where it is told. From root, so that ostiaryctl log believes it. */
static void log_start(const struct start *start, const struct visit *visit)
{
    const struct config_entry *entry = start->entry;

    if (!is_for_peer(visit))
        log_line(LOG_INFO, "LOCKOUT_ACTION=%s is run", entry->name);
    else if (entry->socket != NULL)
        log_line(LOG_NOTICE, "accepted source=%s%s socket=%s", visit->peer.text, visit->end.what, entry->socket);
    else if (entry->gate != NULL)
        log_line(LOG_NOTICE, "accepted source=%s%s gate=%s", visit->peer.text, visit->end.what, entry->gate);
    else
        log_line(LOG_NOTICE, "accepted source=%s%s uid=%ju gid=%ju", visit->peer.text, visit->end.what,
                 (uintmax_t)start->account.uid, (uintmax_t)start->account.gid);
}

static void log_fault(const struct config_entry *entry, enum action_fault fault)
{
    const char *reason = action_fault_has_errno(fault) ? strerror(errno) : "";

    log_line(LOG_ERR, "action=%s command '%s': %s%s%s", entry->name, command_of(entry), action_fault_text(fault),
             *reason != '\0' ? ": " : "", reason);
}

/* Nobody waits any more for what would be done by another, by a socket or at a gate. */
static int give_up_late(const struct start *start, struct visit *visit, const char *what, const char *which)
{
    log_line(LOG_ERR, "action=%s %s '%s': %s", start->entry->name, what, which, action_fault_text(ACTION_FAULT_LATE));
    return give_up(visit, "deadline", EX_TEMPFAIL);
}

/* What was asked for is done, by another: whoever waits hears of it. */
static int tell_peer(const struct start *start, const struct visit *visit)
{
    log_start(start, visit);
    if (is_for_peer(visit)) {
        stream_send_at_once(VISIT_PEER_FD, start->receipt, RECEIPT_LEN);
        stream_end(VISIT_PEER_FD);
    }
    return visit->end.status;
}

/* Tell the socket; whoever waits hears that the line has been read. */
static int tell(struct start *start, struct visit *visit)
{
    const struct config_entry *entry = start->entry;

    if (!prepare(start))
        return give_up(visit, "config", EX_CONFIG);
    if (deadline_is_over())
        return give_up_late(start, visit, "socket", entry->socket);
    if (is_for_peer(visit))
        visit_begin(visit, "socket");
    if (relay_send(start->relay_fd, visit->peer.text) != 0 || relay_wait(start->relay_fd) != 0) {
        log_line(LOG_ERR,
                 "action=%s socket '%s': %s: the line was dropped unread: the action runs already, or ends without "
                 "reading it",
                 entry->name, entry->socket, strerror(errno));
        return give_up(visit, "busy", ACTION_CANNOT_RUN);
    }
    return tell_peer(start, visit);
}

/* The gate stays as it is. text says why, for people. */
static int give_up_gate(const struct start *start, struct visit *visit, const char *text, const char *cause)
{
    log_line(LOG_ERR, "action=%s gate '%s': %s%s%s", start->entry->name, start->entry->gate, text,
             *cause != '\0' ? ": " : "", cause);
    return give_up(visit, "grant", ACTION_CANNOT_RUN);
}

/* Ask ostgrant for it. Until it has answered, a refusal at the deadline does not say that nothing has been done. */
static int ask(struct start *start, struct visit *visit)
{
    enum request_reason reason;

    if (!prepare(start))
        return give_up(visit, "config", EX_CONFIG);
    if (deadline_is_over())
        return give_up_late(start, visit, "gate", start->entry->gate);
    visit_begin(visit, "grant");
    reason = granting_ask(start->entry, visit->peer.text);
    if (reason != REQUEST_DONE)
        return give_up_gate(start, visit, granting_reason_text(reason),
                            reason == REQUEST_UNREACHABLE ? strerror(errno) : "");
    return tell_peer(start, visit);
}

/* What stopped execve, where it can be seen by now: something has changed since it was looked at. */
static void log_exec_fault(const struct start *start)
{
    const struct config_entry *entry = start->entry;
    const int error = errno;
    char problem[PROGRAM_TEXT_LEN];

    if (entry->command != NULL && program_check(entry->command, &start->account, entry->user, problem) != 0) {
        log_line(LOG_ERR, "action=%s command %s", entry->name, problem);
        return;
    }
    errno = error;
    log_fault(entry, ACTION_FAULT_EXEC);
}

/* From here on the identity is the action's. Returns only when it could not be started: the status to exit with. */
static int become(const struct start *start, const struct visit *visit, const char *const *arguments)
{
    char address[ADDRESS_TEXT_LEN];

    address_format_bare(&visit->peer.address, address);
    struct action action = {
        .arguments = arguments,
        .name = start->entry->name,
        .address = address,
        .interface = visit->peer.address.interface,
        .port = visit->peer.port,
        .limits = start->limits,
        .account = &start->account,
        .timeout_s = start->entry->timeout,
        .receipt = is_for_peer(visit) ? start->receipt : NULL,
        .receipt_len = RECEIPT_LEN,
        .sends_receipt = start->entry->gate != NULL,
    };
    enum action_fault fault = action_take_on(&action);
    int error;

    if (fault == ACTION_OK && deadline_is_over())
        fault = ACTION_FAULT_LATE;
    if (fault == ACTION_OK) {
        log_prepare_end(LOG_END_DEADLINE, 0, LOG_ERR, "action=%s command '%s': was not started in time", action.name,
                        arguments[0]);
        deadline_set(STARTING_MS);
        fault = action_start(&action);
    }
    error = errno;
    if (fault == ACTION_FAULT_EXEC)
        log_exec_fault(start);
    else
        log_fault(start->entry, fault);
    stream_end(action.peer_fd >= 0 ? action.peer_fd : VISIT_PEER_FD);
    action_free(&action);
    return fault == ACTION_FAULT_EXEC && error == ENOENT ? ACTION_NOT_FOUND : ACTION_CANNOT_RUN;
}

/* Become the command, which gets the address of the peer. */
static int run(const struct start *start, const struct visit *visit)
{
    char address[ADDRESS_TEXT_LEN];
    const char *const arguments[] = {start->entry->command, address, NULL};

    address_format_bare(&visit->peer.address, address);
    return become(start, visit, arguments);
}

/* Become ostgrant. */
static int grant(const struct start *start, struct visit *visit)
{
    struct granting granting;

    if (granting_prepare(start->entry, start->config_path, visit->peer.text, &granting) != 0)
        return give_up_gate(start, visit, "the path of its configuration", strerror(errno));
    log_start(start, visit);
    return become(start, visit, granting.arguments);
}

int start_action(struct start *start, struct visit *visit)
{
    const bool has_gate = start->entry->gate != NULL;
    enum action_fault fault;

    visit_begin(visit, "action");
    log_reach();
    if (!is_for_peer(visit))
        log_prepare_end(LOG_END_DEADLINE, 0, LOG_ERR, "LOCKOUT_ACTION=%s is not run: the time was up",
                        start->entry->name);
    if (start->entry->socket != NULL)
        return tell(start, visit);
    if (has_gate && !granting_can(&visit->peer.address))
        return give_up_gate(start, visit, "no firewall can hold a link-local address: knock at another one", "");
    if (has_gate && granting_asks(start->config_path))
        return ask(start, visit);
    fault = action_detach();
    if (fault != ACTION_OK) {
        log_fault(start->entry, fault);
        return give_up(visit, "state", ACTION_CANNOT_RUN);
    }
    if (!prepare(start))
        return give_up(visit, "config", EX_CONFIG);
    if (has_gate)
        return grant(start, visit);
    log_start(start, visit);
    return run(start, visit);
}

void start_free(struct start *start)
{
    account_free(&start->account);
}
