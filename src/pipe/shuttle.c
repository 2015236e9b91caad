/* SPDX-License-Identifier: ISC */
/* See shuttle.h. */
#include "shuttle.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many packets are made, or taken apart, at once: with more a read brings no more on a fast network. */
#define PACKETS   64
#define DATA_LEN  ((size_t)PACKETS * PIPE_DATA_MAX)
#define CRYPT_LEN ((size_t)PACKETS * PIPE_PACKET_LEN)
/* What a pipe that has room for a byte takes without making us wait (pipe(7)). */
#define PIPE_STEP 4096
/* For poll(2), which has an int. */
#define WAIT_MAX_MS 1000000000
/* How long a peer has to end who has had the last words of a plain side that takes nothing: were it closed before, the
 * kernel would throw away what is on its way. */
#define LAST_WORDS_MS 5000

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
    bool dropped; /* nobody takes it any more, and what comes is thrown away; of the way to the plain side */
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
    int out_fd;       /* as shuttle's, or of our own */
    bool never_waits; /* and then a write to it takes what there is room for */
    int64_t last_ms;  /* when at the latest it is over; 0: that is not known */
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

/* It is over, for this reason, unless there was one before that is none of a clean end. Always false. */
static bool end_run(struct run *run, enum shuttle_result result, int error)
{
    if (run->result == SHUTTLE_DONE || run->result == SHUTTLE_DEAF) {
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

/*
 * Standard output of a process is shared with others, whose writes must not fail where there is no room. A pipe or a
 * terminal can be opened once more, and only that be told not to wait. Gives -1 where it cannot.
 */
static int open_again(int fd)
{
    char path[sizeof("/proc/self/fd/") + 16];
    struct stat status;

    if (fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || isatty(fd)))
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
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

/* Where the peer takes no more, what it has sent is still here, and is passed on. */
static void drop_out(struct run *run, int error)
{
    run->out.source_ended = true;
    run->out.load.begin = run->out.load.end = 0;
    (void)end_run(run, SHUTTLE_LEFT, error);
}

/* Packets go whole and in their order: what the kernel has not taken of one is next. */
static void write_packets(struct run *run)
{
    struct load *load = &run->out.load;
    const ssize_t gone =
        send(run->shuttle->peer_fd, load->bytes + load->begin, load->end - load->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (gone < 0 && !is_later(errno))
        drop_out(run, errno);
    if (gone <= 0)
        return;
    run->moved_ms = clock_now_ms();
    load->begin += (size_t)gone;
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
 * Where the plain side takes no more, what it has sent still goes to the peer, until it ends, as a socket then does by
 * itself. Where there are two pipes nobody may ever end the one that we read.
 */
static bool drop_in(struct run *run, int error)
{
    if (!run->out_is_socket)
        return end_run(run, SHUTTLE_BROKE, error);
    run->in.dropped = true;
    run->in.load.begin = run->in.load.end = 0;
    (void)end_run(run, SHUTTLE_DEAF, error);
    return true;
}

static bool write_plain(struct run *run)
{
    struct load *load = &run->in.load;
    const uint8_t *bytes = load->bytes + load->begin;
    const size_t len = load->end - load->begin;
    ssize_t gone;

    if (run->out_is_socket)
        gone = send(run->out_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        gone = write(run->out_fd, bytes, run->never_waits || len < PIPE_STEP ? len : PIPE_STEP);
    if (gone < 0)
        return is_later(errno) || drop_in(run, errno);
    run->moved_ms = clock_now_ms();
    run->in_count += (uint64_t)gone;
    load->begin += (size_t)gone;
    return true;
}

/* ---- Both ---- */

/* The last one that reads from it sees its end. */
static void close_out(struct run *run)
{
    if (run->out_fd != run->shuttle->out_fd)
        close(run->out_fd);
    close(run->shuttle->out_fd);
    run->out_fd = -1;
}

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
            shutdown(run->out_fd, SHUT_WR);
        else
            close_out(run);
    }
    if (run->out.over && run->in.dropped && run->last_ms == 0)
        run->last_ms = clock_now_ms() + LAST_WORDS_MS;
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
    return (wait->events & event) != 0 && (wait->revents & (event | POLLERR | POLLHUP | POLLNVAL)) != 0;
}

static struct waits waits_of(const struct run *run)
{
    const struct shuttle *shuttle = run->shuttle;
    const short packets_in = !run->in.source_ended && is_empty(&run->in.load) ? POLLIN : 0;
    const short packets_out = is_empty(&run->out.load) ? 0 : POLLOUT;

    return (struct waits){
        .peer = wait_of(shuttle->peer_fd, (short)(packets_in | packets_out)),
        .in = wait_of(shuttle->in_fd, !run->out.source_ended && is_empty(&run->out.load) ? POLLIN : 0),
        .out = wait_of(run->out_fd, is_empty(&run->in.load) ? 0 : POLLOUT),
        .signal = wait_of(shuttle->signal_fd, POLLIN),
    };
}

/* False: it is over. */
static bool wait_for(struct run *run, struct waits *waits)
{
    const int64_t idle_ms = run->shuttle->idle_ms, now_ms = clock_now_ms();
    struct pollfd polled[] = {waits->peer, waits->in, waits->out, waits->signal};
    int64_t left_ms = -1;
    int ready;

    if (idle_ms > 0) {
        left_ms = run->moved_ms + idle_ms - now_ms;
        if (left_ms <= 0)
            return end_run(run, SHUTTLE_IDLE, 0);
        left_ms = left_ms < WAIT_MAX_MS ? left_ms : WAIT_MAX_MS;
    }
    if (run->last_ms != 0) {
        if (now_ms >= run->last_ms)
            return false;
        left_ms = run->last_ms - now_ms;
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
    if ((has_come(&waits->in, POLLIN) || has_come(&waits->peer, POLLOUT)) && !is_empty(&run->out.load))
        write_packets(run);
    if (has_come(&waits->peer, POLLIN) && !read_packets(run))
        return false;
    if ((has_come(&waits->peer, POLLIN) || has_come(&waits->out, POLLOUT)) && !is_empty(&run->in.load))
        return write_plain(run);
    return true;
}

static bool is_over(const struct run *run)
{
    return run->out.over && run->in.over;
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
    run.out_fd = run.out_is_socket ? -1 : open_again(shuttle->out_fd);
    run.never_waits = run.out_fd >= 0;
    if (!run.never_waits)
        run.out_fd = shuttle->out_fd;
    run_ways(&run);
    if (run.never_waits && run.out_fd >= 0)
        close(run.out_fd);
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
