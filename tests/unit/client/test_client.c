/* SPDX-License-Identifier: ISC */
/*
 * Modules of the client, where what they stand on fails: the terminal, the network, libgcrypt. The linker puts what is
 * here in front of the functions that they call (--wrap, see meson.build).
 */
#include "check.h"
#include "clock.h"
#include "connect.h"
#include "knock.h"
#include "mac.h"
#include "prompt.h"
#include "reach.h"
#include "resolve.h"
#include "secret_input.h"
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 100
#define LONG_MS     10000
#define TYPED       "hunter2"

/* ---- Calls that fail ---- */

static struct {
    const char *call; /* the kind that fails; NULL: none does */
    unsigned nth;     /* from 1; 0: each one */
    unsigned seen;
    int error;
    bool came; /* it has failed */
} broken;

static bool fails(const char *call)
{
    if (broken.call == NULL || strcmp(broken.call, call) != 0)
        return false;
    if (++broken.seen != broken.nth && broken.nth != 0)
        return false;
    broken.came = true;
    errno = broken.error;
    return true;
}

static void break_call(const char *call, unsigned nth, int error)
{
    broken.call = call;
    broken.nth = nth;
    broken.seen = 0;
    broken.error = error;
    broken.came = false;
}

/* Ends of what stands in for the terminal and the network. */
static int keyboard_fd = -1, slave_fd = -1;
static int peer_fd = -1;
static bool at_prompt, typed;
static bool interrupted; /* instead of typing, somebody sends SIGINT */

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_tcgetattr(int fd, struct termios *settings);
int __real_tcgetattr(int fd, struct termios *settings);
int __wrap_tcsetattr(int fd, int when, const struct termios *settings);
int __real_tcsetattr(int fd, int when, const struct termios *settings);
int __wrap_signalfd(int fd, const sigset_t *mask, int flags);
int __real_signalfd(int fd, const sigset_t *mask, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t __wrap_read(int fd, void *bytes, size_t len);
ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *name, socklen_t len);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
int __wrap_getnameinfo(const struct sockaddr *name, socklen_t len, char *host, socklen_t host_len, char *service,
                       socklen_t service_len, int flags);
int __real_getnameinfo(const struct sockaddr *name, socklen_t len, char *host, socklen_t host_len, char *service,
                       socklen_t service_len, int flags);
int __wrap_mac_key_new(struct secret secret, struct mac_key *key);
int __real_mac_key_new(struct secret secret, struct mac_key *key);
pid_t __wrap_fork(void);
pid_t __real_fork(void);
int __wrap_pipe2(int fds[2], int flags);
int __real_pipe2(int fds[2], int flags);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getifaddrs(struct ifaddrs **all);
int __real_getifaddrs(struct ifaddrs **all);
void __wrap_freeifaddrs(struct ifaddrs *all);
void __real_freeifaddrs(struct ifaddrs *all);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t len, int flags);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __real_waitpid(pid_t pid, int *status, int options);

static void take_time(unsigned milliseconds)
{
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* The terminal is ours; what else is opened is not the client's: a compiler's runtime has files of its own. */
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (strcmp(path, "/dev/tty") == 0)
        return dup(slave_fd);
    if ((flags & O_CREAT) != 0) {
        va_list rest;

        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return __real_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    return __wrap_open(path, flags);
}

int __wrap_tcgetattr(int fd, struct termios *settings)
{
    return fails("tcgetattr") ? -1 : __real_tcgetattr(fd, settings);
}

int __wrap_tcsetattr(int fd, int when, const struct termios *settings)
{
    return fails("tcsetattr") ? -1 : __real_tcsetattr(fd, when, settings);
}

int __wrap_signalfd(int fd, const sigset_t *mask, int flags)
{
    return fails("signalfd") ? -1 : __real_signalfd(fd, mask, flags);
}

/* The server: it has said something before anybody asks, and is silent from then on. */
static const uint8_t a_seed[SEED_LEN] = {1};
static const void *greeting = a_seed;
static size_t greeting_len = SEED_LEN;
static unsigned sockets;
static unsigned connecting_ms; /* how long connecting takes */
static bool signal_comes;      /* meanwhile */
static bool is_full;           /* the connection takes nothing */
static size_t rest_len;        /* so much of a seed comes when it has been waited for in vain */
static int patience_ms;        /* for so long at once */

/* Somebody types when he is waited for, and not before: that would be dropped. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (at_prompt && interrupted)
        raise(SIGINT);
    else if (at_prompt && !typed)
        typed = __real_write(keyboard_fd, TYPED "\n", sizeof(TYPED)) == sizeof(TYPED);
    if (fails("poll"))
        return -1;

    const int ready = __real_poll(fds, count, timeout);

    if (ready == 0 && rest_len > 0 && timeout >= patience_ms) {
        __real_write(peer_fd, a_seed, rest_len);
        rest_len = 0;
    }
    return ready;
}

ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
    return fails("read") ? -1 : __real_read(fd, bytes, len);
}

/* What the child of a look-up says, see resolve.c. */
struct told {
    enum resolve_result result;
    struct resolve_answer answer;
};

static enum { LIE_NONE, LIE_RESULT, LIE_COUNT, LIE_LENGTH, LIE_REASON } lie; /* what a name service makes of it */

static ssize_t write_lie(int fd, const void *bytes, size_t len)
{
    struct told told;

    memcpy(&told, bytes, sizeof(told));
    if (lie == LIE_RESULT)
        told.result = RESOLVE_FAILED + 1;
    else if (lie == LIE_COUNT)
        told.answer.count = RESOLVE_ADDRESSES_MAX + 1;
    else if (lie == LIE_LENGTH)
        told.answer.addresses[0].len = sizeof(told.answer.addresses[0].name) + 1;
    else
        memset(told.answer.reason, 'x', sizeof(told.answer.reason));
    return __real_write(fd, &told, len);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (lie != LIE_NONE && len == sizeof(struct told))
        return write_lie(fd, bytes, len);
    return fails("write") ? -1 : __real_write(fd, bytes, len);
}

static void fill(int fd)
{
    static const uint8_t block[4096];

    while (__real_send(fd, block, sizeof(block), MSG_DONTWAIT) > 0)
        continue;
}

int __wrap_socket(int domain, int type, int protocol)
{
    int pair[2];

    (void)domain;
    (void)protocol;
    sockets++;
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        return -1;
    if (peer_fd >= 0)
        close(peer_fd);
    peer_fd = pair[1];
    if (__real_write(peer_fd, greeting, greeting_len) != (ssize_t)greeting_len)
        return -1;
    if (is_full)
        fill(pair[0]);
    return pair[0];
}

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t len)
{
    (void)fd;
    (void)name;
    (void)len;
    take_time(connecting_ms);
    if (signal_comes)
        raise(SIGTERM);
    return fails("connect") ? -1 : 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    return fails("send") ? -1 : __real_send(fd, bytes, len, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
    return fails("recv") ? -1 : __real_recv(fd, bytes, len, flags);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    return fails("waitpid") ? -1 : __real_waitpid(pid, status, options);
}

int __wrap_getnameinfo(const struct sockaddr *name, socklen_t len, char *host, socklen_t host_len, char *service,
                       socklen_t service_len, int flags)
{
    return fails("getnameinfo") ? EAI_MEMORY
                                : __real_getnameinfo(name, len, host, host_len, service, service_len, flags);
}

int __wrap_mac_key_new(struct secret secret, struct mac_key *key)
{
    return fails("mac_key_new") ? -1 : __real_mac_key_new(secret, key);
}

pid_t __wrap_fork(void)
{
    return fails("fork") ? -1 : __real_fork();
}

int __wrap_pipe2(int fds[2], int flags)
{
    return fails("pipe2") ? -1 : __real_pipe2(fds, flags);
}

/* Interfaces of our own: each has two addresses of the local link, as one that is renumbered has. 0: the machine's. */
#define INTERFACES_MAX 64
static unsigned interface_count;
static struct sockaddr_in6 link_local_name = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0xfe, 0x80, [15] = 1}};
static char interface_names[INTERFACES_MAX][sizeof("interface4294967295")];
static struct ifaddrs interfaces[2 * INTERFACES_MAX];

int __wrap_getifaddrs(struct ifaddrs **all)
{
    if (fails("getifaddrs"))
        return -1;
    if (interface_count == 0)
        return __real_getifaddrs(all);
    for (unsigned i = 0; i < 2 * interface_count; i++) {
        snprintf(interface_names[i / 2], sizeof(interface_names[0]), "interface%u", i / 2);
        interfaces[i] = (struct ifaddrs){.ifa_next = i + 1 < 2 * interface_count ? &interfaces[i + 1] : NULL,
                                         .ifa_name = interface_names[i / 2],
                                         .ifa_addr = (struct sockaddr *)&link_local_name};
    }
    *all = interfaces;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *all)
{
    if (all != interfaces)
        __real_freeifaddrs(all);
}

/* The name service: what it says of any name. Numbers are the system's own business. */
static struct {
    int status;
    int error;
    unsigned pause_ms; /* first */
    bool crashes;
    bool long_list; /* each address of the answer many times */
    bool far;       /* an address that is longer than any there is */
} service;

int __wrap_getaddrinfo(const char *host, const char *service_name, const struct addrinfo *hints,
                       struct addrinfo **found)
{
    struct addrinfo **last = found;

    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(host, service_name, hints, found);
    take_time(service.pause_ms);
    if (service.crashes)
        abort();
    errno = service.error;
    for (unsigned i = 0; service.status == 0 && i < (service.long_list ? RESOLVE_ADDRESSES_MAX + 9 : 1); i++) {
        if (__real_getaddrinfo("192.0.2.1", service_name, hints, last) != 0)
            return EAI_FAIL;
        if (service.far)
            (*last)->ai_addrlen = sizeof(struct sockaddr_storage) + 1;
        last = &(*last)->ai_next;
    }
    return service.status;
}

/* ---- The prompt ---- */

static bool open_terminal(void)
{
    keyboard_fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (keyboard_fd < 0 || grantpt(keyboard_fd) != 0 || unlockpt(keyboard_fd) != 0)
        return false;
    slave_fd = openat(AT_FDCWD, ptsname(keyboard_fd), O_RDWR | O_NOCTTY);
    return slave_fd >= 0;
}

static bool echoes(void)
{
    struct termios settings;

    return __real_tcgetattr(slave_fd, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

static bool is_wiped(const struct locked *room)
{
    for (size_t i = 0; i < room->len; i++)
        if (room->bytes[i] != 0)
            return false;
    return true;
}

static enum prompt_result ask(struct locked *room, size_t *len)
{
    struct termios settings;
    int number = 0;

    /* What the last one has shown is in the way of nobody, and its echo is on. */
    tcflush(slave_fd, TCIOFLUSH);
    __real_tcgetattr(slave_fd, &settings);
    settings.c_lflag |= ECHO;
    __real_tcsetattr(slave_fd, TCSANOW, &settings);
    memset(room->bytes, 0, room->len);
    typed = false;
    at_prompt = true;

    const enum prompt_result result = prompt_ask("Secret: ", room, len, &number);

    at_prompt = false;
    return result;
}

/* Each call of each kind, with an error that is one, and interrupted. */
static void test_prompt(void)
{
    static const char *const calls[] = {"tcgetattr", "tcsetattr", "signalfd", "poll", "read", "write"};
    struct locked room = {0};
    unsigned tries = 0, wrong = 0, loud = 0, left = 0, lost = 0, unexplained = 0;
    size_t len = 0;

    if (!check(open_terminal() && locked_new(SECRET_INPUT_MAX, &room) == 0, "there is a terminal"))
        return;
    check(ask(&room, &len) == PROMPT_OK && len == strlen(TYPED) && memcmp(room.bytes, TYPED, len) == 0 && echoes(),
          "the prompt reads a line");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (unsigned nth = 1;; nth++) {
            enum prompt_result result;
            int error;

            break_call(calls[i], nth, EIO);
            result = ask(&room, &len);
            error = errno;
            if (!broken.came)
                break;
            tries++;
            /* The one call that puts the echo back can do no more than it does. */
            if (strcmp(calls[i], "tcsetattr") == 0 && nth == 2)
                continue;
            wrong += result != PROMPT_FAULT;
            unexplained += error != EIO;
            left += !is_wiped(&room);
            loud += !echoes();
        }
        break_call(calls[i], 1, EINTR);
        if (strcmp(calls[i], "tcsetattr") == 0 || strcmp(calls[i], "poll") == 0 || strcmp(calls[i], "read") == 0)
            lost += ask(&room, &len) != PROMPT_OK || len != strlen(TYPED) || !echoes();
    }
    break_call("tcsetattr", 2, EINTR);
    lost += ask(&room, &len) != PROMPT_OK || !echoes();
    break_call(NULL, 0, 0);
    room.len = 4;
    check(ask(&room, &len) == PROMPT_OK && len == 4 && memcmp(room.bytes, TYPED, 4) == 0 && echoes(),
          "of a line that does not fit there is as much as fits, and the length says so");
    room.len = SECRET_INPUT_MAX;
    check(tries > 6, "each call that the prompt makes failed, %u in all", tries);
    check_number(wrong, 0, "and it said so each time");
    check_number(unexplained, 0, "with the reason");
    check_number(left, 0, "I10: nothing of what was typed was left in memory");
    check_number(loud, 0, "and the echo was back");
    check_number(lost, 0, "an interruption loses nothing");
    locked_free(&room);
}

static void do_nothing(int number)
{
    (void)number;
}

static void test_signal(void)
{
    struct locked room = {0};
    size_t len = 0;

    if (!check(locked_new(SECRET_INPUT_MAX, &room) == 0 && signal(SIGINT, do_nothing) != SIG_ERR, "a signal may come"))
        return;
    interrupted = true;
    check(ask(&room, &len) == PROMPT_SIGNAL && echoes(), "it ends the prompt");
    break_call("read", 1, EIO);
    check(ask(&room, &len) == PROMPT_FAULT && errno == EIO && echoes(), "and so does one that cannot be read");
    break_call(NULL, 0, 0);
    interrupted = false;
    signal(SIGINT, SIG_DFL);
    locked_free(&room);
}

/* ---- A knock ---- */

static char notes[8192];
static bool noted_too_early; /* that a seed has come, and the reply is not out */

static size_t waits_for_peer(void)
{
    int count = 0;

    return ioctl(peer_fd, FIONREAD, &count) == 0 ? (size_t)count : 0;
}

static void take_note(void *context, enum knock_result result, const char *text)
{
    (void)context;
    (void)result;
    snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s\n", text);
    noted_too_early |= strstr(text, "seed arrived") != NULL && waits_for_peer() != REPLY_LEN;
}

static void end_late(const char *text)
{
    _exit(strstr(text, "no answer from the name servers") != NULL ? 68 : 1);
}

static enum knock_result knock_at(const char *name, bool wait, int64_t limit_ms)
{
    const struct knock_plan plan = {
        .host = {.name = name, .port = 5018, .family = AF_UNSPEC},
        .secret = {(const uint8_t *)"The", 3},
        .wait = wait,
        .note = take_note,
        .too_late = end_late,
    };

    notes[0] = '\0';
    return knock_try(&plan, clock_now_ms() + limit_ms);
}

static enum knock_result knock(bool wait, int64_t limit_ms)
{
    return knock_at("192.0.2.1", wait, limit_ms);
}

static void knock_is(enum knock_result got, enum knock_result want, const char *words, const char *what)
{
    if (!check(got == want && strstr(notes, words) != NULL, "%s", what))
        printf("# result %d, notes: %s\n", (int)got, notes);
}

static void server_says(const void *bytes, size_t len)
{
    greeting = bytes;
    greeting_len = len;
}

static void test_knock(void)
{
    static const struct {
        int error;
        const char *words;
    } errors[] = {
        {ENETUNREACH, "unreachable: is the network up"},
        {EHOSTUNREACH, "unreachable: is the network up"},
        {EACCES, "forbidden by this machine"},
        {EPERM, "forbidden by this machine"},
        {ECONNREFUSED, "connection refused"},
        {EADDRNOTAVAIL, "cannot connect: Cannot assign requested address"},
    };
    uint8_t reply[REPLY_LEN];
    unsigned before;

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        break_call("connect", 0, errors[i].error);
        knock_is(knock(false, LONG_MS), KNOCK_NO_CONNECTION, errors[i].words, strerror(errors[i].error));
        check(knock_may_repeat(KNOCK_NO_CONNECTION), "and it may be tried again");
    }
    break_call("getnameinfo", 0, 0);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "an address port 5018: reply sent", "an address without a name is one");
    check(__real_read(peer_fd, reply, sizeof(reply)) == REPLY_LEN, "and gets its reply");
    before = sockets;
    break_call("mac_key_new", 0, 0);
    knock_is(knock(false, LONG_MS), KNOCK_NO_RESOURCES, "libgcrypt refuses", "no reply without libgcrypt");
    check_number(sockets, before, "I11: and then nobody is connected to, who would wait for one");
    break_call("connect", 0, EINPROGRESS);
    knock_is(knock(false, INT64_MAX / 2), KNOCK_SENT, "reply sent", "a connection that takes its time is waited for");
    break_call("connect", 0, EINTR);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "and so is one that was interrupted");
    break_call("send", 1, EINTR);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "a reply that was interrupted is sent");
    check(!noted_too_early, "I11: nothing is noted between seed and reply: it could be that nobody reads it");
    break_call("send", 0, EAGAIN);
    knock_is(knock(false, DEADLINE_MS), KNOCK_BAD_PROTOCOL, "could not be sent in 5 seconds",
             "a server that takes nothing is given up after a while");
    break_call("send", 0, EPIPE);
    knock_is(knock(false, LONG_MS), KNOCK_BAD_PROTOCOL, "closed before the reply", "one that is gone, at once");
    break_call(NULL, 0, 0);
}

/* What has arrived is answered, however late it is. */
static void test_late(void)
{
    unsigned before;

    connecting_ms = 2 * DEADLINE_MS;
    knock_is(knock(false, DEADLINE_MS), KNOCK_SENT, "reply sent",
             "I11: a seed that is there is answered past the deadline");
    break_call("connect", 0, EINPROGRESS);
    knock_is(knock(false, DEADLINE_MS), KNOCK_SENT, "reply sent",
             "I11: and where the connection itself came that late");
    break_call("poll", 0, ENOMEM);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "I11: and where the system says that it cannot wait");
    break_call(NULL, 0, 0);
    check(knock(true, DEADLINE_MS) == KNOCK_NOT_ACCEPTED && strstr(notes, "no receipt within") != NULL,
          "with what to do when there is no receipt");
    connecting_ms = 0;
    before = sockets;
    knock_is(knock(false, -1), KNOCK_NO_CONNECTION, "no answer",
             "where the time is over before, nobody is connected to");
    check_number(sockets, before, "and nobody has a visitor who leaves at once");
}

static void test_no_seed(void)
{
    static const struct {
        const char *bytes, *words;
    } greetings[] = {
        {"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
         "40 bytes in place of a seed of 32: it looks like an SSH server"},
        {"SH-2.0-a server of 32 bytes....\n", "32 bytes in place of a seed of 32: it is text"},
        {"SSH-2.0-one of 32 bytes as well\n", "32 bytes in place of a seed of 32: it looks like an SSH server"},
        {"220 mail.example.org ESMTP Postfix (Debian/GNU)\r\n", "it looks like a mail or FTP server"},
        {"* OK IMAP4rev1 server ready to serve you\r\n", "it is text: is it Ostiary that listens there?"},
        {"\1\2\3 no text, and a little more than 32 bytes",
         "in place of a seed of 32: is it Ostiary that listens there?"},
    };
    char reply;

    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
        server_says(greetings[i].bytes, strlen(greetings[i].bytes));
        knock_is(knock(false, LONG_MS), KNOCK_BAD_PROTOCOL, greetings[i].words, "what speaks first is no Ostiary");
        check(__real_read(peer_fd, &reply, 1) <= 0, "and gets no reply");
    }
    server_says("220 short\r\n", 11);
    knock_is(knock(false, DEADLINE_MS), KNOCK_BAD_PROTOCOL, "11 bytes in place of a seed of 32: it looks like a mail",
             "nor what says less and then waits");
    server_says("SSH-2.0-without the end of a line", SEED_LEN);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "32 bytes that are no whole line may be a seed");
    server_says(a_seed, SEED_LEN / 2);
    rest_len = SEED_LEN / 2;
    knock_is(knock(false, DEADLINE_MS), KNOCK_SENT, "reply sent", "I11: a seed whose rest comes late is answered");
    rest_len = SEED_LEN / 2;
    patience_ms = DEADLINE_MS + 1;
    knock_is(knock(false, DEADLINE_MS), KNOCK_SENT, "reply sent",
             "I11: and one whose rest comes in the time that it is given");
    server_says(a_seed, SEED_LEN);
}

static volatile sig_atomic_t signals_seen;

static void count_signal(int number)
{
    (void)number;
    /* Here a real one would end the process. */
    signals_seen += waits_for_peer() == REPLY_LEN ? 1 : 100;
}

/* A handler stands in for the end of the process. */
static void test_held_signals(void)
{
    if (!check(signal(SIGTERM, count_signal) != SIG_ERR, "a signal may come"))
        return;
    signal_comes = true;
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "I11: a signal does not keep a seed from its answer");
    check_number((uint64_t)signals_seen, 1, "it acts when the reply is out");
    server_says(a_seed, 0);
    signals_seen = 0;
    check(knock(false, LONG_MS) == KNOCK_INTERRUPTED && strstr(notes, "seed") == NULL,
          "without a seed, it ends the wait");
    check_number((uint64_t)signals_seen, 100, "it acts then as well");
    break_call("connect", 0, EINPROGRESS);
    check(knock(false, LONG_MS) == KNOCK_INTERRUPTED, "and while connecting");
    is_full = true;
    check(knock(false, LONG_MS) == KNOCK_INTERRUPTED && strstr(notes, "cannot connect") == NULL,
          "and where no connection comes about");
    is_full = false;
    server_says(a_seed, SEED_LEN);
    signals_seen = 0;
    break_call("signalfd", 0, EMFILE);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "where no descriptor is left, it waits all the same");
    check_number((uint64_t)signals_seen, 1, "until the reply is out");
    break_call(NULL, 0, 0);
    signal(SIGTERM, SIG_IGN);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "one that is ignored ends nothing");
    signal_comes = false;
    signal(SIGTERM, SIG_DFL);
}

/* ---- A connection ---- */

static void test_stream(void)
{
    uint8_t bytes[2 * SEED_LEN];
    bool ended = true;
    size_t got = 0;
    int pair[2];

    if (!check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "there is a connection"))
        return;
    check(__real_write(pair[1], a_seed, SEED_LEN) == SEED_LEN, "in which a seed waits");
    break_call("recv", 0, EAGAIN);
    check(stream_receive(pair[0], bytes, SEED_LEN, stream_from_now(DEADLINE_MS), &got) == STREAM_TIMEOUT && got == 0,
          "what is said to be there and never comes is given up in its time");
    break_call("recv", 1, EINTR);
    check(connect_discard(pair[0], &ended) == SEED_LEN && !ended, "an interruption does not end what is thrown away");
    break_call(NULL, 0, 0);
    fill(pair[0]);
    check(stream_send(pair[0], a_seed, SEED_LEN, stream_from_now(DEADLINE_MS)) == STREAM_TIMEOUT,
          "what is not taken is given up in its time");
    close(pair[0]);
    close(pair[1]);
}

/* ---- Looking up ---- */

static void late_here_is(const char *what)
{
    int status = 0;
    const pid_t child = __real_fork();

    if (child == 0) {
        knock_at("server.example", false, DEADLINE_MS);
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 68, "%s", what);
}

static void test_lookup(void)
{
    static const char *const without_process[] = {NULL, "fork", "pipe2"};
    int64_t start_ms;

    for (size_t i = 0; i < sizeof(without_process) / sizeof(without_process[0]); i++) {
        const char *broken_call = without_process[i];

        printf("# without %s\n", broken_call != NULL ? broken_call : "a fault");
        break_call(broken_call, 0, EAGAIN);
        knock_is(knock_at("server.example", false, LONG_MS), KNOCK_SENT, "reply sent", "a name is looked up");
        service.status = EAI_NONAME;
        knock_is(knock_at("server.example", false, LONG_MS), KNOCK_UNKNOWN_HOST, "host unknown", "or is unknown");
        service.status = EAI_AGAIN;
        knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_LOOKUP, "Temporary failure",
                 "or not known today");
        service.status = EAI_SYSTEM;
        service.error = EMFILE;
        knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_LOOKUP, "server.example: Too many open files",
                 "or there is a reason, which is told");
        service.status = 0;
        service.long_list = true;
        break_call(broken_call == NULL ? "connect" : broken_call, 0, EAGAIN);
        if (broken_call == NULL)
            knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_CONNECTION, "cannot connect",
                     "more addresses than there is room for are too many");
        service.long_list = false;
    }
    service.pause_ms = LONG_MS;
    break_call("fork", 0, EAGAIN);
    late_here_is("asked in this process, a name service that hangs ends it");
    break_call(NULL, 0, 0);
    start_ms = clock_now_ms();
    knock_is(knock_at("server.example", false, DEADLINE_MS), KNOCK_NO_LOOKUP, "no answer from the name servers",
             "asked in a child, it ends nothing");
    check(clock_now_ms() - start_ms < LONG_MS / 2, "in its time");
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "and the child is no more");
    break_call("fork", 0, EAGAIN);
    knock_is(knock_at("server.example", false, -1), KNOCK_NO_LOOKUP, "no answer", "with no time left, it is not asked");
    break_call(NULL, 0, 0);
    service.pause_ms = 0;
    service.crashes = true;
    knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_LOOKUP, "ended without an answer",
             "nor does one that breaks");
    service.crashes = false;
}

/* The child is where a module of the name service has been, and is not believed. */
static void test_lies(void)
{
    for (lie = LIE_RESULT; lie <= LIE_REASON; lie++)
        knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_LOOKUP, "ended without an answer",
                 "what no look-up says is no answer");
    lie = LIE_NONE;
    break_call("read", 1, EIO);
    knock_is(knock_at("server.example", false, LONG_MS), KNOCK_NO_LOOKUP, "ended without an answer",
             "nor is what cannot be read");
    break_call("read", 1, EINTR);
    knock_is(knock_at("server.example", false, LONG_MS), KNOCK_SENT, "reply sent", "an interruption loses nothing");
    break_call("waitpid", 1, EINTR);
    knock_is(knock_at("server.example", false, LONG_MS), KNOCK_SENT, "reply sent", "nor while the child ends");
    check(broken.came && __real_waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "which is no more then");
    service.far = true;
    break_call("fork", 0, EAGAIN);
    knock_is(knock_at("server.example", false, LONG_MS), KNOCK_UNKNOWN_HOST, "host unknown",
             "an address that there is no room for is none");
    break_call(NULL, 0, 0);
    service.far = false;
}

static void test_interfaces(void)
{
    static const char last[] = ", interface1";
    char text[REACH_TEXT_LEN];

    knock_is(knock_at("fe80::1%nowhere", false, LONG_MS), KNOCK_NO_CONNECTION,
             "fe80::1%nowhere: there is no such interface", "an interface that is not there is named");
    knock_is(knock_at("fe80::1%99999", false, LONG_MS), KNOCK_NO_CONNECTION, "there is no such interface",
             "and so is a number of none");
    knock_is(knock_at("fe80::1", false, LONG_MS), KNOCK_NO_CONNECTION, "fe80::1 port 5018: an interface is missing",
             "an address that lacks one is not tried");
    knock_is(knock_at("fe80::1%lo", false, LONG_MS), KNOCK_SENT, "reply sent", "one that has one, is");
    break_call("getifaddrs", 0, ENOMEM);
    reach_interfaces(text);
    check_text(text, "none, for no interface has such an address", "where they cannot be listed there are none");
    break_call(NULL, 0, 0);
    interface_count = 2;
    reach_interfaces(text);
    check_text(text, "interface0, interface1", "an interface of two addresses is named once");
    interface_count = 12;
    reach_interfaces(text);
    check(strlen(text) > sizeof(last) && strstr(text, last) != NULL && strstr(text, ", interface11") != NULL,
          "and one whose name begins like another's is named as well");
    interface_count = INTERFACES_MAX;
    reach_interfaces(text);
    check(strlen(text) > REACH_TEXT_LEN / 2 && strstr(text, "interface63") == NULL &&
              strcmp(strrchr(text, ' '), " interface39") == 0,
          "of more than there is room for there are as many as fit, each whole");
    interface_count = 0;
    reach_fault_text(REACH_OK, text);
    check_text(text, "can be tried", "what can be tried");
}

/* ---- Texts ---- */

static void test_texts(void)
{
    struct target target;
    unsigned same = 0;

    for (unsigned fault = TARGET_OK; fault <= TARGET_NEEDLESS_INTERFACE + 1; fault++)
        for (unsigned other = TARGET_OK; other < fault; other++)
            same +=
                strcmp(target_fault_text((enum target_fault)fault), target_fault_text((enum target_fault)other)) == 0;
    check_number(same, 0, "each fault of a target has a text of its own");
    check(target_parse("2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", &target) == TARGET_BAD_IPV6,
          "what is longer than any IPv6 address is none");
    same = 0;
    for (unsigned fault = SECRET_INPUT_OK; fault <= SECRET_INPUT_UNREADABLE + 1; fault++)
        for (unsigned other = SECRET_INPUT_OK; other < fault; other++)
            same += strcmp(secret_input_fault_text((enum secret_input_fault)fault),
                           secret_input_fault_text((enum secret_input_fault)other)) == 0;
    check_number(same, 0, "and so has each of a secret");
}

int main(void)
{
    check(mac_init() == 0, "libgcrypt is ready");
    test_prompt();
    test_signal();
    test_knock();
    test_late();
    test_no_seed();
    test_held_signals();
    test_stream();
    test_lookup();
    test_lies();
    test_interfaces();
    test_texts();
    return check_end();
}
