/* SPDX-License-Identifier: ISC */
/*
 * Modules of the client, where what they stand on fails: the terminal, the network, libgcrypt. The linker puts what is
 * here in front of the functions that they call (--wrap, see meson.build).
 */
#include "check.h"
#include "knock.h"
#include "mac.h"
#include "prompt.h"
#include "secret_input.h"
#include "stream.h"
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
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
static bool typed;
static bool interrupted; /* instead of typing, somebody sends SIGINT */

int __wrap_open(const char *path, int flags, ...);
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
int __wrap_mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN]);
int __real_mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN]);
int __wrap_mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                       uint8_t receipt[static RECEIPT_LEN]);
int __real_mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                       uint8_t receipt[static RECEIPT_LEN]);

/* The terminal is the only thing that is opened here. */
int __wrap_open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return dup(slave_fd);
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

/* Somebody types when he is waited for, and not before: that would be dropped. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (count == 2 && interrupted)
        raise(SIGINT);
    else if (count == 2 && !typed)
        typed = __real_write(keyboard_fd, TYPED "\n", sizeof(TYPED)) == sizeof(TYPED);
    return fails("poll") ? -1 : __real_poll(fds, count, timeout);
}

ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
    return fails("read") ? -1 : __real_read(fd, bytes, len);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    return fails("write") ? -1 : __real_write(fd, bytes, len);
}

/* The server: it has sent a seed before anybody asks, and is silent from then on. */
int __wrap_socket(int domain, int type, int protocol)
{
    const uint8_t seed[SEED_LEN] = {1};
    int pair[2];

    (void)domain;
    (void)protocol;
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        return -1;
    if (peer_fd >= 0)
        close(peer_fd);
    peer_fd = pair[1];
    if (__real_write(peer_fd, seed, sizeof(seed)) != (ssize_t)sizeof(seed))
        return -1;
    return pair[0];
}

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t len)
{
    (void)fd;
    (void)name;
    (void)len;
    return fails("connect") ? -1 : 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    return fails("send") ? -1 : __real_send(fd, bytes, len, flags);
}

int __wrap_getnameinfo(const struct sockaddr *name, socklen_t len, char *host, socklen_t host_len, char *service,
                       socklen_t service_len, int flags)
{
    return fails("getnameinfo") ? EAI_MEMORY
                                : __real_getnameinfo(name, len, host, host_len, service, service_len, flags);
}

int __wrap_mac_reply(struct secret secret, const uint8_t seed[static SEED_LEN], uint8_t reply[static REPLY_LEN])
{
    return fails("mac_reply") ? -1 : __real_mac_reply(secret, seed, reply);
}

int __wrap_mac_receipt(struct secret secret, const uint8_t seed[static SEED_LEN], const uint8_t reply[static REPLY_LEN],
                       uint8_t receipt[static RECEIPT_LEN])
{
    return fails("mac_receipt") ? -1 : __real_mac_receipt(secret, seed, reply, receipt);
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
    return prompt_ask("Secret: ", room, len, &number);
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

static char notes[4096];

static void take_note(void *context, enum knock_result result, const char *text)
{
    (void)context;
    (void)result;
    snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s\n", text);
}

static enum knock_result knock(bool wait, int64_t limit_ms)
{
    const struct knock_plan plan = {
        .host = {.host = "192.0.2.1", .port = 5018, .family = AF_INET},
        .secret = {(const uint8_t *)"The", 3},
        .wait = wait,
        .note = take_note,
    };

    notes[0] = '\0';
    return knock_try(&plan, stream_now_ms() + limit_ms);
}

static void knock_is(enum knock_result got, enum knock_result want, const char *words, const char *what)
{
    if (!check(got == want && strstr(notes, words) != NULL, "%s", what))
        printf("# result %d, notes: %s\n", (int)got, notes);
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

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        break_call("connect", 0, errors[i].error);
        knock_is(knock(false, LONG_MS), KNOCK_NO_CONNECTION, errors[i].words, strerror(errors[i].error));
        check(knock_may_repeat(KNOCK_NO_CONNECTION), "and it may be tried again");
    }
    break_call("getnameinfo", 0, 0);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "an address port 5018: reply sent", "an address without a name is one");
    check(__real_read(peer_fd, reply, sizeof(reply)) == REPLY_LEN, "and gets its reply");
    break_call("mac_reply", 0, 0);
    knock_is(knock(false, LONG_MS), KNOCK_NO_RESOURCES, "libgcrypt refused", "no reply without libgcrypt");
    check(__real_read(peer_fd, reply, sizeof(reply)) == 0, "and none is sent");
    break_call("mac_receipt", 0, 0);
    knock_is(knock(true, LONG_MS), KNOCK_NO_RESOURCES, "the receipt could not be computed",
             "nor a receipt to compare with");
    break_call("connect", 0, EINPROGRESS);
    knock_is(knock(false, INT64_MAX / 2), KNOCK_SENT, "reply sent", "a connection that takes its time is waited for");
    break_call("connect", 0, EINTR);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "and so is one that was interrupted");
    break_call("send", 1, EINTR);
    knock_is(knock(false, LONG_MS), KNOCK_SENT, "reply sent", "a reply that was interrupted is sent");
    break_call("send", 0, EAGAIN);
    knock_is(knock(false, DEADLINE_MS), KNOCK_BAD_PROTOCOL, "the time limit came before the reply",
             "a server that takes nothing is given up at the deadline");
    break_call("send", 0, EPIPE);
    knock_is(knock(false, LONG_MS), KNOCK_BAD_PROTOCOL, "closed before the reply", "one that is gone, at once");
    break_call(NULL, 0, 0);
    close(peer_fd);
}

/* ---- Texts ---- */

static void test_texts(void)
{
    unsigned same = 0;

    for (unsigned fault = TARGET_OK; fault <= TARGET_BAD_IPV6 + 1; fault++)
        for (unsigned other = TARGET_OK; other < fault; other++)
            same +=
                strcmp(target_fault_text((enum target_fault)fault), target_fault_text((enum target_fault)other)) == 0;
    check_number(same, 0, "each fault of a target has a text of its own");
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
    test_texts();
    return check_end();
}
