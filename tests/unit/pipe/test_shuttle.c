/* SPDX-License-Identifier: ISC */
/* The shuttle between sockets and pipes: what goes in comes out, ends go through, and what is wrong is told and not
 * passed on. */
#include "check.h"
#include "clock.h"
#include "shuttle.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 300000
#define MANY        ((size_t)2 << 20)

static const struct pipe_key key = {{1}};
static const struct pipe_nonces nonces = {{2}, {3}};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct pipe_session begin(enum pipe_side side)
{
    uint8_t shared[PIPE_VALUE_LEN] = {4};
    struct pipe_session session;

    need(pipe_session_begin(&key, &nonces, shared, side, &session) == 0, "a session");
    return session;
}

/* Two ends of one stream. TCP on the loopback device, as a reset is only there. */
struct stream {
    int ours;
    int theirs;
};

static struct stream new_stream(bool tcp)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(name);
    struct stream stream;
    int fds[2], listening;

    if (!tcp) {
        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
        return (struct stream){fds[0], fds[1]};
    }
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(listening, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(listening, 1) == 0 &&
             getsockname(listening, (struct sockaddr *)&name, &len) == 0,
         "listen");
    stream.ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(connect(stream.ours, (struct sockaddr *)&name, sizeof(name)) == 0, "connect");
    stream.theirs = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    need(stream.theirs >= 0, "accept");
    close(listening);
    return stream;
}

/* A shuttle in a process of its own; its result is the status. The descriptors are its alone. */
static pid_t start(enum pipe_side side, struct shuttle shuttle, const int *others, size_t count)
{
    uint64_t out, in;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        struct pipe_session session = begin(side);

        for (size_t i = 0; i < count; i++)
            close(others[i]);
        signal(SIGPIPE, SIG_IGN);
        shuttle.session = &session;
        shuttle.signal_fd = -1;
        alarm(900);
        const enum shuttle_result result = shuttle_run(&shuttle, &out, &in);

        if (result != SHUTTLE_DONE) {
            shuttle_reset(shuttle.peer_fd);
            shuttle_reset(shuttle.out_fd);
        }
        _exit((int)result);
    }
    close(shuttle.peer_fd);
    close(shuttle.in_fd);
    if (shuttle.out_fd != shuttle.in_fd)
        close(shuttle.out_fd);
    return pid;
}

static int result_of(pid_t pid)
{
    int status;

    need(waitpid(pid, &status, 0) == pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static const char *const names[] = {"DONE", "CUT",   "FORGED", "ODD",    "LEFT",
                                    "DEAF", "BROKE", "IDLE",   "SIGNAL", "UNABLE"};

static void ends_with(pid_t pid, enum shuttle_result want, const char *what)
{
    const int got = result_of(pid);

    if (!check(got == (int)want, "%s: %s", what, names[want]))
        printf("# got %d\n", got);
}

/* Between two plain sides: two shuttles and a connection. */
struct tunnel {
    int client; /* the plain side of who connects */
    int server;
    pid_t client_pid, server_pid;
};

static struct tunnel new_tunnel(bool tcp)
{
    const struct stream peer = new_stream(true), client = new_stream(tcp), server = new_stream(tcp);
    const int of_client[] = {peer.theirs, client.ours, server.ours, server.theirs};
    const int of_server[] = {client.ours, server.ours};
    struct tunnel tunnel = {.client = client.ours, .server = server.ours};

    tunnel.client_pid =
        start(PIPE_CLIENT, (struct shuttle){.peer_fd = peer.ours, .in_fd = client.theirs, .out_fd = client.theirs},
              of_client, 4);
    tunnel.server_pid =
        start(PIPE_SERVER, (struct shuttle){.peer_fd = peer.theirs, .in_fd = server.theirs, .out_fd = server.theirs},
              of_server, 2);
    return tunnel;
}

/* All that comes until the end. The end is a clean one. */
static size_t read_all(int fd, uint8_t *bytes, size_t room)
{
    size_t got = 0;

    return stream_receive(fd, bytes, room, stream_from_now(PATIENCE_MS), &got) == STREAM_END ? got : SIZE_MAX;
}

static bool has_read(int fd, const char *text)
{
    uint8_t bytes[64];
    const size_t len = strlen(text);
    size_t got = 0;

    return stream_receive(fd, bytes, len, stream_from_now(PATIENCE_MS), &got) == STREAM_OK &&
           memcmp(bytes, text, len) == 0;
}

static void say(int fd, const char *text)
{
    need(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "send");
}

/* ---- What goes through ---- */

static void test_talk(void)
{
    struct tunnel tunnel = new_tunnel(true);
    uint8_t byte;

    say(tunnel.client, "x");
    check(has_read(tunnel.server, "x"), "a byte goes through");
    say(tunnel.server, "hello");
    check(has_read(tunnel.client, "hello"), "and an answer");
    shutdown(tunnel.client, SHUT_WR);
    check(read_all(tunnel.server, &byte, 1) == 0, "half of it ends");
    say(tunnel.server, "still here");
    check(has_read(tunnel.client, "still here"), "and the other half goes on");
    shutdown(tunnel.server, SHUT_WR);
    check(read_all(tunnel.client, &byte, 1) == 0, "until it ends too");
    ends_with(tunnel.client_pid, SHUTTLE_DONE, "then the client has ended");
    ends_with(tunnel.server_pid, SHUTTLE_DONE, "and the server");
    close(tunnel.client);
    close(tunnel.server);
}

static void test_nothing(void)
{
    struct tunnel tunnel = new_tunnel(false);
    uint8_t byte;

    shutdown(tunnel.server, SHUT_WR);
    check(read_all(tunnel.client, &byte, 1) == 0, "an end without a byte goes through, the server's");
    shutdown(tunnel.client, SHUT_WR);
    check(read_all(tunnel.server, &byte, 1) == 0, "and the client's");
    ends_with(tunnel.client_pid, SHUTTLE_DONE, "nothing was all");
    ends_with(tunnel.server_pid, SHUTTLE_DONE, "on both sides");
    close(tunnel.client);
    close(tunnel.server);
}

static uint8_t byte_at(size_t i, uint8_t salt)
{
    return (uint8_t)((i * 2654435761u >> 13) + salt);
}

/* Write MANY bytes in a process of its own, and end. */
static pid_t write_many(int fd, int other, uint8_t salt)
{
    uint8_t *bytes = malloc(MANY);
    pid_t pid;

    need(bytes != NULL, "memory");
    for (size_t i = 0; i < MANY; i++)
        bytes[i] = byte_at(i, salt);
    fflush(stdout);
    pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        close(other);
        const bool sent = stream_send(fd, bytes, MANY, stream_from_now(PATIENCE_MS)) == STREAM_OK;

        free(bytes);
        _exit(sent && shutdown(fd, SHUT_WR) == 0 ? 0 : 1);
    }
    free(bytes);
    return pid;
}

/* In steps of this size, with a pause between them now and then. */
static bool has_read_many(int fd, size_t step, uint8_t salt)
{
    uint8_t bytes[65536];
    size_t at = 0;

    while (at < MANY) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        const ssize_t got = poll(&wait, 1, PATIENCE_MS) == 1 ? recv(fd, bytes, step, 0) : -1;

        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got; i++)
            if (bytes[i] != byte_at(at + (size_t)i, salt))
                return false;
        if (at >> 19 != (at + (size_t)got) >> 19)
            poll(NULL, 0, 50);
        at += (size_t)got;
    }
    return read_all(fd, bytes, 1) == 0;
}

static void test_many(size_t step)
{
    struct tunnel tunnel = new_tunnel(true);
    const pid_t there = write_many(tunnel.client, tunnel.server, 1);
    const pid_t back = write_many(tunnel.server, tunnel.client, 2);
    pid_t reader;

    fflush(stdout);
    reader = fork();
    need(reader >= 0, "fork");
    if (reader == 0)
        _exit(has_read_many(tunnel.client, step, 2) ? 0 : 1);
    check(has_read_many(tunnel.server, step, 1), "2 MiB go through, read in steps of %zu", step);
    check(result_of(reader) == 0, "and 2 MiB the other way at the same time");
    check(result_of(there) == 0 && result_of(back) == 0, "all of it");
    close(tunnel.client);
    close(tunnel.server);
    ends_with(tunnel.client_pid, SHUTTLE_DONE, "then the client ends");
    ends_with(tunnel.server_pid, SHUTTLE_DONE, "and the server");
}

/* As behind ssh's ProxyCommand: a pipe to read, and another to write. */
static void test_pipes(void)
{
    const struct stream peer = new_stream(true), server = new_stream(false);
    int in[2], out[2];
    uint8_t bytes[16];
    pid_t client_pid, server_pid;
    ssize_t got;

    need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
    const int of_client[] = {peer.theirs, in[1], out[0], server.ours, server.theirs};
    const int of_server[] = {in[1], out[0], server.ours};

    client_pid =
        start(PIPE_CLIENT, (struct shuttle){.peer_fd = peer.ours, .in_fd = in[0], .out_fd = out[1]}, of_client, 5);
    server_pid =
        start(PIPE_SERVER, (struct shuttle){.peer_fd = peer.theirs, .in_fd = server.theirs, .out_fd = server.theirs},
              of_server, 3);
    need(write(in[1], "typed", 5) == 5, "write");
    check(has_read(server.ours, "typed"), "what comes by a pipe goes through");
    say(server.ours, "shown");
    got = read(out[0], bytes, sizeof(bytes));
    check(got == 5 && memcmp(bytes, "shown", 5) == 0, "and comes by a pipe");
    shutdown(server.ours, SHUT_WR);
    close(in[1]);
    check(read_all(server.ours, bytes, 1) == 0, "the end of a pipe is an end");
    check(read(out[0], bytes, 1) == 0, "and makes one");
    ends_with(client_pid, SHUTTLE_DONE, "the client");
    ends_with(server_pid, SHUTTLE_DONE, "and the server");
    close(out[0]);
    close(server.ours);
}

/* Nobody reads what comes, and nobody ends what goes: it ends all the same. */
static void test_unread(void)
{
    const struct stream peer = new_stream(true), server = new_stream(false);
    int in[2], out[2];
    pid_t client_pid, server_pid;

    need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
    const int of_client[] = {peer.theirs, in[1], out[0], server.ours, server.theirs};
    const int of_server[] = {in[1], out[0], server.ours};

    client_pid =
        start(PIPE_CLIENT, (struct shuttle){.peer_fd = peer.ours, .in_fd = in[0], .out_fd = out[1]}, of_client, 5);
    server_pid =
        start(PIPE_SERVER, (struct shuttle){.peer_fd = peer.theirs, .in_fd = server.theirs, .out_fd = server.theirs},
              of_server, 3);
    need(write(in[1], "last", 4) == 4, "write");
    check(has_read(server.ours, "last"), "what was written goes through");
    close(out[0]);
    say(server.ours, "for nobody");
    ends_with(client_pid, SHUTTLE_BROKE, "a pipe that nobody reads is the end, though another is open");
    close(server.ours);
    (void)result_of(server_pid);
    close(in[1]);
}

/* ---- What does not ---- */

/* A server's shuttle whose peer is this process. */
struct odd_peer {
    int peer;
    int plain;
    pid_t pid;
    struct pipe_session session; /* the client's */
};

static struct odd_peer new_odd_peer(int64_t idle_ms)
{
    const struct stream peer = new_stream(true), plain = new_stream(true);
    const int others[] = {peer.ours, plain.ours};
    struct odd_peer odd = {.peer = peer.ours, .plain = plain.ours, .session = begin(PIPE_CLIENT)};

    odd.pid = start(
        PIPE_SERVER,
        (struct shuttle){.peer_fd = peer.theirs, .in_fd = plain.theirs, .out_fd = plain.theirs, .idle_ms = idle_ms},
        others, 2);
    return odd;
}

static void free_odd_peer(struct odd_peer *odd)
{
    close(odd->peer);
    close(odd->plain);
    pipe_session_free(&odd->session);
}

static void send_bytes(int fd, const uint8_t *bytes, size_t len)
{
    need(stream_send(fd, bytes, len, stream_from_now(PATIENCE_MS)) == STREAM_OK, "send");
}

/* No byte, and an end that is none: a reset. */
static bool is_reset(int fd)
{
    uint8_t byte;
    size_t got = 0;

    return stream_receive(fd, &byte, 1, stream_from_now(PATIENCE_MS), &got) == STREAM_FAULT && errno == ECONNRESET;
}

static void make_packet(struct odd_peer *odd, const char *text, uint8_t packet[static PIPE_PACKET_LEN])
{
    need(pipe_seal(&odd->session.out, (const uint8_t *)text, strlen(text), packet) == 0, "a packet");
}

static void test_cut(void)
{
    uint8_t packet[PIPE_PACKET_LEN];

    for (size_t len = 1; len < PIPE_PACKET_LEN; len += 151) {
        struct odd_peer odd = new_odd_peer(0);

        make_packet(&odd, "whole", packet);
        send_bytes(odd.peer, packet, sizeof(packet));
        check(has_read(odd.plain, "whole"), "a whole packet");
        make_packet(&odd, "cut", packet);
        send_bytes(odd.peer, packet, len);
        shutdown(odd.peer, SHUT_WR);
        check(is_reset(odd.plain), "and %zu bytes of another: the plain side has no byte of it, and no clean end", len);
        ends_with(odd.pid, SHUTTLE_CUT, "it is told");
        free_odd_peer(&odd);
    }
}

static void test_forged(void)
{
    struct odd_peer odd = new_odd_peer(0);
    uint8_t packets[2 * PIPE_PACKET_LEN];

    make_packet(&odd, "good", packets);
    make_packet(&odd, "flipped", packets + PIPE_PACKET_LEN);
    packets[PIPE_PACKET_LEN + 7] ^= 1;
    send_bytes(odd.peer, packets, PIPE_PACKET_LEN);
    check(has_read(odd.plain, "good"), "a good packet");
    send_bytes(odd.peer, packets + PIPE_PACKET_LEN, PIPE_PACKET_LEN);
    check(is_reset(odd.plain), "and one with a bit changed");
    check(is_reset(odd.peer), "both are reset");
    ends_with(odd.pid, SHUTTLE_FORGED, "it is told");
    free_odd_peer(&odd);
}

static void test_swapped(bool twice)
{
    struct odd_peer odd = new_odd_peer(0);
    uint8_t first[PIPE_PACKET_LEN], second[PIPE_PACKET_LEN];

    make_packet(&odd, "one", first);
    make_packet(&odd, "two", second);
    if (twice) {
        send_bytes(odd.peer, first, sizeof(first));
        check(has_read(odd.plain, "one"), "a packet");
        send_bytes(odd.peer, first, sizeof(first));
    } else {
        send_bytes(odd.peer, second, sizeof(second));
    }
    check(is_reset(odd.plain), twice ? "and it again" : "the second packet first");
    ends_with(odd.pid, SHUTTLE_FORGED, "it is told");
    free_odd_peer(&odd);
}

static void test_left(void)
{
    struct odd_peer odd = new_odd_peer(0);

    shuttle_reset(odd.peer);
    close(odd.peer);
    ends_with(odd.pid, SHUTTLE_LEFT, "a peer that resets");
    odd.peer = -1;
    check(is_reset(odd.plain), "is no end for the plain side");
    free_odd_peer(&odd);
}

/* The plain side says something and goes; what it has said goes to the peer, who is told besides that it was no end. */
static void test_broke(void)
{
    struct odd_peer odd = new_odd_peer(0);
    uint8_t packet[PIPE_PACKET_LEN], data[PIPE_PLAIN_LEN];
    size_t got = 0, len = 0;

    say(odd.plain, "no");
    close(odd.plain);
    odd.plain = -1;
    need(stream_receive(odd.peer, packet, sizeof(packet), stream_from_now(PATIENCE_MS), &got) == STREAM_OK, "receive");
    check(pipe_open(&odd.session.in, packet, data, &len) == PIPE_OPENED && len == 2, "its last words");
    for (unsigned i = 0; i < 100; i++) {
        make_packet(&odd, "more", packet);
        if (send(odd.peer, packet, sizeof(packet), MSG_NOSIGNAL) < 0)
            break;
        poll(NULL, 0, 10);
    }
    shutdown(odd.peer, SHUT_WR);
    ends_with(odd.pid, SHUTTLE_DEAF, "a plain side that takes no more");
    free_odd_peer(&odd);
}

/* The peer answers, and goes without having read what it was sent: a reset. What it has answered is passed on. */
static void test_early_answer(void)
{
    struct odd_peer odd = new_odd_peer(0);
    uint8_t packet[PIPE_PACKET_LEN], bytes[PIPE_DATA_MAX] = {0};
    unsigned sent = 0, answers = 0;

    /* Until nothing more goes: the peer does not read. */
    while (send(odd.plain, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0 || sent++ < 50)
        if (sent > 0)
            poll(NULL, 0, 10);
    for (unsigned i = 0; i < 20; i++) {
        make_packet(&odd, "too much", packet);
        send_bytes(odd.peer, packet, sizeof(packet));
    }
    /* With the reset goes what has not arrived there yet. */
    for (int left = 1; left > 0; poll(NULL, 0, 1))
        need(ioctl(odd.peer, TIOCOUTQ, &left) == 0, "TIOCOUTQ");
    close(odd.peer);
    odd.peer = -1;
    while (answers < 20 && has_read(odd.plain, "too much"))
        answers++;
    check_number(answers, 20, "an answer before a reset is passed on");
    ends_with(odd.pid, SHUTTLE_LEFT, "and then it is told");
    free_odd_peer(&odd);
}

static void test_idle(void)
{
    struct odd_peer odd = new_odd_peer(700);
    const int64_t begin_ms = clock_now_ms();
    uint8_t packet[PIPE_PACKET_LEN];

    for (unsigned i = 0; i < 4; i++) {
        poll(NULL, 0, 300);
        make_packet(&odd, "x", packet);
        send_bytes(odd.peer, packet, sizeof(packet));
        check(has_read(odd.plain, "x"), "while something moves it goes on");
    }
    ends_with(odd.pid, SHUTTLE_IDLE, "where nothing moves it ends");
    check(clock_now_ms() - begin_ms >= 1900, "not before its time");
    free_odd_peer(&odd);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    alarm(1800);
    need(pipe_init() == 0, "libgcrypt");
    test_talk();
    test_nothing();
    test_many(65536);
    test_many(700);
    test_pipes();
    test_unread();
    test_cut();
    test_forged();
    test_swapped(false);
    test_swapped(true);
    test_left();
    test_broke();
    test_early_answer();
    test_idle();
    return check_end();
}
