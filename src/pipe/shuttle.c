/* SPDX-License-Identifier: ISC */
/* See shuttle.h. */
#include "shuttle.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* So many packets are made, or taken apart, at once: with more a read brings no more on a fast network. */
#define PACKETS   64
#define DATA_LEN  ((size_t)PACKETS * PIPE_DATA_MAX)
#define CRYPT_LEN ((size_t)PACKETS * PIPE_PACKET_LEN)
/* What a pipe that has room for a byte takes without making us wait (pipe(7)). */
#define PIPE_STEP 4096
/* For poll(2), which has an int. */
#define WAIT_MAX_MS 1000000000

/* Bytes on their way: those from `begin` to `end` are still to go. */
struct load {
    uint8_t *bytes;
    size_t begin;
    size_t end;
};

/* One way. A way is over when its source has ended and the load is empty; then the other side has been told. */
struct way {
    struct load load; /* what is to be written */
    bool source_ended;
    bool dropped; /* nobody takes it any more: what comes is thrown away */
    bool over;
};

struct run {
    const struct shuttle *shuttle;
    struct way out; /* packets for the peer */
    struct way in;  /* bytes for the plain side */
    uint8_t *plain; /* what was read from the plain side, DATA_LEN */
    uint8_t *crypt; /* what was read from the peer and is no whole packet yet, CRYPT_LEN */
    size_t crypt_len;
    bool in_is_socket, out_is_socket;
    uint64_t out_count, in_count;
    int64_t moved_ms; /* when anything moved last */
    enum shuttle_result result;
    int error;
};

static bool is_socket(int fd)
{
    int type;
    socklen_t len = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* It is over, for this reason, unless there was one before. Always false. */
static bool end_run(struct run *run, enum shuttle_result result, int error)
{
    if (run->result == SHUTTLE_DONE) {
        run->result = result;
        run->error = error;
    }
    return false;
}

static bool is_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ---- Without waiting ---- */

/* As read(2), with EAGAIN where a socket has nothing: what is no socket has said that it has. */
static ssize_t take(int fd, bool socket, uint8_t *bytes, size_t len)
{
    return socket ? recv(fd, bytes, len, MSG_DONTWAIT) : read(fd, bytes, len);
}

static ssize_t give(int fd, bool socket, const uint8_t *bytes, size_t len)
{
    if (socket)
        return send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(fd, bytes, len < PIPE_STEP ? len : PIPE_STEP);
}

static bool is_empty(const struct load *load)
{
    return load->begin == load->end;
}

/* ---- From the plain side to the peer ---- */

static bool read_plain(struct run *run)
{
    const struct shuttle *shuttle = run->shuttle;
    struct way *out = &run->out;
    const ssize_t got = take(shuttle->in_fd, run->in_is_socket, run->plain, DATA_LEN);

    if (got < 0 && is_later(errno))
        return true;
    run->moved_ms = clock_now_ms();
    if (got <= 0) {
        out->source_ended = true;
        return got == 0 || end_run(run, SHUTTLE_BROKE, errno);
    }
    if (out->dropped)
        return true;
    out->load.begin = out->load.end = 0;
    for (size_t at = 0; at < (size_t)got; at += PIPE_DATA_MAX) {
        const size_t left = (size_t)got - at;

        if (pipe_seal(&shuttle->session->out, run->plain + at, left < PIPE_DATA_MAX ? left : PIPE_DATA_MAX,
                      out->load.bytes + out->load.end) != 0)
            return end_run(run, SHUTTLE_UNABLE, 0);
        out->load.end += PIPE_PACKET_LEN;
    }
    run->out_count += (uint64_t)got;
    return true;
}

/* Packets go whole and in their order: what the kernel has not taken of one is next. */
static bool write_packets(struct run *run)
{
    struct load *load = &run->out.load;
    const ssize_t gone = give(run->shuttle->peer_fd, true, load->bytes + load->begin, load->end - load->begin);

    if (gone < 0)
        return is_later(errno) || end_run(run, SHUTTLE_LEFT, errno);
    run->moved_ms = clock_now_ms();
    load->begin += (size_t)gone;
    return true;
}

/* ---- From the peer to the plain side ---- */

/* All whole packets that are there; the rest goes to the front. */
static bool open_packets(struct run *run)
{
    struct way *in = &run->in;
    size_t at = 0;

    in->load.begin = in->load.end = 0;
    for (; run->crypt_len - at >= PIPE_PACKET_LEN; at += PIPE_PACKET_LEN) {
        size_t len = 0;

        switch (pipe_open(&run->shuttle->session->in, run->crypt + at, in->load.bytes + in->load.end, &len)) {
        case PIPE_OPENED:
            in->load.end += len;
            continue;
        case PIPE_FORGED:
            return end_run(run, SHUTTLE_FORGED, 0);
        case PIPE_ODD:
            return end_run(run, SHUTTLE_ODD, 0);
        case PIPE_FAILED:
            break;
        }
        return end_run(run, SHUTTLE_UNABLE, 0);
    }
    run->crypt_len -= at;
    memmove(run->crypt, run->crypt + at, run->crypt_len);
    run->in_count += in->load.end;
    if (in->dropped)
        in->load.end = 0;
    return true;
}

static bool read_packets(struct run *run)
{
    const ssize_t got = take(run->shuttle->peer_fd, true, run->crypt + run->crypt_len, CRYPT_LEN - run->crypt_len);

    if (got < 0)
        return is_later(errno) || end_run(run, SHUTTLE_LEFT, errno);
    run->moved_ms = clock_now_ms();
    if (got == 0) {
        run->in.source_ended = true;
        return run->crypt_len == 0 || end_run(run, SHUTTLE_CUT, 0);
    }
    run->crypt_len += (size_t)got;
    return open_packets(run);
}

/*
 * Where the plain side takes no more, what it has sent still goes to the peer. A socket's other way ends by itself
 * then; where there are two pipes nobody may ever end the one that we read.
 */
static void drop_in(struct run *run, int error)
{
    run->in.dropped = true;
    run->out.source_ended |= !run->out_is_socket;
    run->in.load.begin = run->in.load.end = 0;
    (void)end_run(run, SHUTTLE_BROKE, error);
}

static void write_plain(struct run *run)
{
    struct load *load = &run->in.load;
    const ssize_t gone =
        give(run->shuttle->out_fd, run->out_is_socket, load->bytes + load->begin, load->end - load->begin);

    if (gone < 0 && !is_later(errno))
        drop_in(run, errno);
    if (gone <= 0)
        return;
    run->moved_ms = clock_now_ms();
    load->begin += (size_t)gone;
}

/* ---- Both ---- */

/* Whoever reads is told that nothing more comes. */
static void end_ways(struct run *run)
{
    if (!run->out.over && run->out.source_ended && is_empty(&run->out.load)) {
        run->out.over = true;
        shutdown(run->shuttle->peer_fd, SHUT_WR);
    }
    if (!run->in.over && run->in.source_ended && is_empty(&run->in.load)) {
        run->in.over = true;
        if (run->out_is_socket)
            shutdown(run->shuttle->out_fd, SHUT_WR);
    }
}

/* What is waited for: each way either reads, with nothing to write, or writes. */
struct waits {
    struct pollfd peer, in, out, signal;
};

static struct pollfd wait_of(int fd, short events)
{
    /* What nobody waits for must not wake us either: a hangup would, again and again. */
    return (struct pollfd){.fd = events != 0 ? fd : -1, .events = events};
}

static bool has_come(const struct pollfd *wait, short event)
{
    return (wait->events & event) != 0 && (wait->revents & (event | POLLERR | POLLHUP)) != 0;
}

static struct waits waits_of(const struct run *run)
{
    const struct shuttle *shuttle = run->shuttle;
    const short packets_in = !run->in.source_ended && is_empty(&run->in.load) ? POLLIN : 0;
    const short packets_out = is_empty(&run->out.load) ? 0 : POLLOUT;

    return (struct waits){
        .peer = wait_of(shuttle->peer_fd, (short)(packets_in | packets_out)),
        .in = wait_of(shuttle->in_fd, !run->out.source_ended && is_empty(&run->out.load) ? POLLIN : 0),
        .out = wait_of(shuttle->out_fd, is_empty(&run->in.load) ? 0 : POLLOUT),
        .signal = wait_of(shuttle->signal_fd, POLLIN),
    };
}

/* False: it is over. */
static bool wait_for(struct run *run, struct waits *waits)
{
    const int64_t idle_ms = run->shuttle->idle_ms;
    struct pollfd polled[] = {waits->peer, waits->in, waits->out, waits->signal};
    int64_t left_ms = -1;
    int ready;

    if (idle_ms > 0) {
        left_ms = run->moved_ms + idle_ms - clock_now_ms();
        if (left_ms <= 0)
            return end_run(run, SHUTTLE_IDLE, 0);
        left_ms = left_ms < WAIT_MAX_MS ? left_ms : WAIT_MAX_MS;
    }
    ready = poll(polled, 4, (int)left_ms);
    if (ready < 0 && errno != EINTR)
        return end_run(run, SHUTTLE_UNABLE, errno);
    if (ready <= 0)
        memset(polled, 0, sizeof(polled));
    *waits = (struct waits){polled[0], polled[1], polled[2], polled[3]};
    return waits->signal.revents == 0 || end_run(run, SHUTTLE_SIGNAL, 0);
}

/* What was just read is written at once: mostly there is room for it. */
static bool move(struct run *run, const struct waits *waits)
{
    if (has_come(&waits->in, POLLIN) && !read_plain(run))
        return false;
    if ((has_come(&waits->in, POLLIN) || has_come(&waits->peer, POLLOUT)) && !is_empty(&run->out.load) &&
        !write_packets(run))
        return false;
    if (has_come(&waits->peer, POLLIN) && !read_packets(run))
        return false;
    if ((has_come(&waits->peer, POLLIN) || has_come(&waits->out, POLLOUT)) && !is_empty(&run->in.load))
        write_plain(run);
    return true;
}

static bool is_over(const struct run *run)
{
    return run->out.over && (run->in.over || run->in.dropped);
}

static void run_ways(struct run *run)
{
    struct waits waits;

    run->moved_ms = clock_now_ms();
    do {
        end_ways(run);
        if (is_over(run))
            return;
        waits = waits_of(run);
    } while (wait_for(run, &waits) && move(run, &waits));
}

enum shuttle_result shuttle_run(const struct shuttle *shuttle, uint64_t *out, uint64_t *in)
{
    uint8_t *room = malloc(2 * DATA_LEN + PIPE_PLAIN_LEN + 2 * CRYPT_LEN);
    struct run run = {.shuttle = shuttle};

    *out = *in = 0;
    if (room == NULL)
        return SHUTTLE_UNABLE;
    run.plain = room;
    run.in.load.bytes = room + DATA_LEN; /* with room for a whole packet's text behind what counts of it */
    run.crypt = run.in.load.bytes + DATA_LEN + PIPE_PLAIN_LEN;
    run.out.load.bytes = run.crypt + CRYPT_LEN;
    run.in_is_socket = is_socket(shuttle->in_fd);
    run.out_is_socket = is_socket(shuttle->out_fd);
    run_ways(&run);
    explicit_bzero(room, 2 * DATA_LEN + PIPE_PLAIN_LEN + 2 * CRYPT_LEN);
    free(room);
    *out = run.out_count;
    *in = run.in_count;
    errno = run.error;
    return run.result;
}

void shuttle_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}
