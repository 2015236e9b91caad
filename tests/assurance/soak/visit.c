/* SPDX-License-Identifier: ISC */
/* See visit.h. */
#include "visit.h"

#include "people.h"

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS    600000 /* beyond COMM_TIMEOUT: a machine that does other things is waited for */
#define HASTE_MS       40
#define SLOW_BYTE_MS   60
#define DRIBBLE_PIECES 24  /* fewer than make a reply */
#define EARLIER_MS     100 /* the pace is of the wall clock, the measure is not */

int64_t visit_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end_visit(struct visit *visit, const char *result)
{
    close(visit->fd);
    visit->fd = -1;
    visit->end_ms = visit_now_ms();
    visit->result = result;
}

/* Not in good order, but with a reset. */
static void end_by_reset(struct visit *visit, const char *result)
{
    const struct linger at_once = {.l_onoff = 1};

    if (setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) != 0)
        err(EX_OSERR, "SO_LINGER");
    end_visit(visit, result);
    visit->deed_ms = visit->end_ms;
}

/* ---- What the client does ---- */

/* Never more than a socket takes at once. That the door has hung up is for the reading side to find. */
static void give(struct visit *visit, size_t len)
{
    visit->deed_ms = visit_now_ms();
    if (send(visit->fd, visit->out + visit->sent, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EAGAIN)
        errx(EX_OSERR, "a socket does not take %zu bytes", len);
    visit->sent += len;
}

static void give_all(struct visit *visit, size_t len)
{
    visit->out_len = len;
    give(visit, len);
}

static void say_no_more(struct visit *visit)
{
    visit->deed_ms = visit_now_ms();
    if (shutdown(visit->fd, SHUT_WR) != 0 && errno != ENOTCONN)
        err(EX_OSERR, "shutdown");
}

/* A byte now, and one after each pause. */
static void give_slowly(struct visit *visit, size_t len, int64_t pause_ms)
{
    visit->out_len = len;
    visit->pause_ms = pause_ms;
    visit->act_ms = visit_now_ms();
}

static void make_reply(const struct visit_door *door, struct visit *visit)
{
    const struct secret secret = visit->plan.kind == KIND_RIGHT_LINGER ? door->linger_secret : door->secret;

    for (size_t i = 0; i < sizeof(visit->out); i++)
        visit->out[i] = (uint8_t)people_random(256);
    if (kind_rules[visit->plan.kind].outcome == KIND_ACCEPTED && mac_reply(secret, visit->in, visit->out) != 0)
        errx(EX_SOFTWARE, "libgcrypt failed");
}

/* The seed has arrived. */
static void answer(const struct visit_door *door, struct visit *visit)
{
    make_reply(door, visit);
    switch (visit->plan.kind) {
    case KIND_RIGHT:
    case KIND_RIGHT_EARLY:
    case KIND_RIGHT_LINGER:
    case KIND_WRONG:
        give_all(visit, REPLY_LEN);
        break;
    case KIND_RIGHT_EXTRA:
    case KIND_WRONG_EXTRA:
        give_all(visit, REPLY_LEN + VISIT_EXTRA_LEN);
        break;
    case KIND_RIGHT_SLOW:
        give_slowly(visit, REPLY_LEN, SLOW_BYTE_MS);
        break;
    case KIND_DRIBBLE:
        give_slowly(visit, DRIBBLE_PIECES, door->timeout_ms / (DRIBBLE_PIECES - 4));
        break;
    case KIND_SHORT:
        give_all(visit, 1 + people_random(REPLY_LEN - 1));
        say_no_more(visit);
        break;
    case KIND_NONE:
        say_no_more(visit);
        break;
    case KIND_RESET_SEED:
        end_by_reset(visit, visit->got == SEED_LEN ? "ok" : "more-than-a-seed");
        break;
    case KIND_SILENT:
    case KIND_HASTY:
    case KIND_LOCKED:
    case KIND_LOCKED_TALK:
    case KIND_COUNT:
        break;
    }
}

/* ---- What the door owes ---- */

static bool receipt_is_right(const struct visit_door *door, const struct visit *visit)
{
    const struct secret secret = visit->plan.kind == KIND_RIGHT_LINGER ? door->linger_secret : door->secret;
    uint8_t wanted[RECEIPT_LEN];

    if (mac_receipt(secret, visit->in, visit->out, wanted) != 0)
        errx(EX_SOFTWARE, "libgcrypt failed");
    return memcmp(visit->in + SEED_LEN, wanted, RECEIPT_LEN) == 0;
}

/* The door has ended the connection. */
static const char *judge(const struct visit_door *door, const struct visit *visit, bool by_reset)
{
    const struct kind_rule *rule = &kind_rules[visit->plan.kind];

    if (by_reset && !rule->leaves_bytes)
        return "reset-by-the-door";
    switch (rule->outcome) {
    case KIND_ACCEPTED:
        if (visit->got == SEED_LEN + RECEIPT_LEN)
            return receipt_is_right(door, visit) ? "ok" : "wrong-receipt";
        return visit->got == SEED_LEN ? "not-accepted" : visit->got == 0 ? "no-seed" : "wrong-length";
    case KIND_REJECTED:
        if (rule->lingers && visit_now_ms() - visit->start_ms < door->timeout_ms - EARLIER_MS)
            return "ended-before-the-deadline";
        return visit->got == SEED_LEN ? "ok" : visit->got == 0 ? "no-seed" : "more-than-a-seed";
    case KIND_REFUSED:
        return visit->got == 0 ? "ok" : "bytes-for-a-locked-source";
    case KIND_ANYTHING:
        break;
    }
    return "ok";
}

/* ---- The course of it ---- */

/* Where the door is, and where the client comes from, in the family of the latter. */
static int connect_from(const struct visit_door *door, const struct address *from)
{
    const bool ipv4 = address_is_ipv4(from);
    const int on = 1;
    const int fd = socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in here4 = {.sin_family = AF_INET};
    const struct sockaddr_in there4 = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(door->port)};
    struct sockaddr_in6 here6 = {.sin6_family = AF_INET6};
    const struct sockaddr_in6 there6 = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(door->port)};
    const struct sockaddr *here = ipv4 ? (const struct sockaddr *)&here4 : (const struct sockaddr *)&here6;
    const struct sockaddr *there = ipv4 ? (const struct sockaddr *)&there4 : (const struct sockaddr *)&there6;
    const socklen_t len = ipv4 ? sizeof(here4) : sizeof(here6);

    memcpy(&here4.sin_addr, from->bytes + SOURCE_ADDRESS_LEN - sizeof(here4.sin_addr), sizeof(here4.sin_addr));
    memcpy(&here6.sin6_addr, from->bytes, sizeof(here6.sin6_addr));
    /* Whole networks are local here, without an address on the interface. */
    if (fd < 0 || setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 || bind(fd, here, len) != 0)
        err(EX_OSERR, "socket");
    if (connect(fd, there, len) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

void visit_begin(const struct visit_door *door, const struct visit_plan *plan, struct visit *visit)
{
    *visit = (struct visit){.plan = *plan, .start_ms = visit_now_ms(), .result = "open"};
    visit->deed_ms = visit->end_ms = visit->start_ms;
    visit->act_ms = visit->start_ms + door->timeout_ms + PATIENCE_MS;
    visit->fd = connect_from(door, &plan->from);
    if (visit->fd < 0)
        visit->result = "no-connection";
    else if (plan->kind == KIND_HASTY)
        visit->act_ms = visit->start_ms + people_random(HASTE_MS);
}

short visit_events(const struct visit *visit)
{
    return visit->connected ? POLLIN : POLLOUT;
}

static void finish_connecting(struct visit *visit)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(visit->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        end_visit(visit, "no-connection");
        return;
    }
    visit->connected = true;
    if (visit->plan.kind == KIND_LOCKED_TALK)
        give_all(visit, REPLY_LEN);
}

static void listen_to_door(const struct visit_door *door, struct visit *visit)
{
    const size_t before = visit->got;
    const ssize_t count = recv(visit->fd, visit->in + visit->got, sizeof(visit->in) - visit->got, MSG_DONTWAIT);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        end_visit(visit, judge(door, visit, count < 0));
        return;
    }
    visit->got += (size_t)count;
    if (visit->got == sizeof(visit->in)) {
        end_visit(visit, "wrong-length");
        return;
    }
    if (before >= SEED_LEN || visit->got < SEED_LEN)
        return;
    if (visit_now_ms() < visit->plan.last_start_ms + door->delay_ms - EARLIER_MS)
        end_visit(visit, "seed-before-its-time");
    else
        answer(door, visit);
}

/* act_ms has come: the next byte, the moment to leave, or the end of all patience. */
static void act(struct visit *visit)
{
    if (visit->plan.kind == KIND_HASTY) {
        end_by_reset(visit, "ok");
    } else if (visit->sent < visit->out_len) {
        give(visit, 1);
        visit->act_ms += visit->sent < visit->out_len ? visit->pause_ms : PATIENCE_MS;
    } else {
        end_visit(visit, "never-ended");
    }
}

void visit_turn(const struct visit_door *door, struct visit *visit, short events)
{
    if (events != 0 && !visit->connected)
        finish_connecting(visit);
    else if (events != 0)
        listen_to_door(door, visit);
    if (visit->fd >= 0 && visit_now_ms() >= visit->act_ms)
        act(visit);
}
