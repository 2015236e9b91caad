/* SPDX-License-Identifier: ISC */
/* Modules of the handler by themselves: what a launcher, a peer or a user database can do that no test from outside
 * can. */
#include "account.h"
#include "check.h"
#include "clock.h"
#include "exchange.h"
#include "harden.h"
#include "log.h"
#include "relay.h"
#include "stream.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_MS 100

/* ---- Users and groups ---- */

/* Called in place of the real ones: see meson.build. */
enum users_answer __wrap_users_group(const char *name, gid_t *gid);
enum users_answer __real_users_group(const char *name, gid_t *gid);
enum users_answer __wrap_users_by_uid(uid_t uid, struct user *user);
enum users_answer __real_users_by_uid(uid_t uid, struct user *user);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool database_fails;
static unsigned questions; /* how often it has been asked */
static bool memory_fails;

enum users_answer __wrap_users_group(const char *name, gid_t *gid)
{
    questions++;
    if (!database_fails)
        return __real_users_group(name, gid);
    errno = EIO;
    return USERS_FAILED;
}

enum users_answer __wrap_users_by_uid(uid_t uid, struct user *user)
{
    questions++;
    if (!database_fails)
        return __real_users_by_uid(uid, user);
    errno = EIO;
    return USERS_FAILED;
}

void *__wrap_malloc(size_t size)
{
    if (!memory_fails)
        return __real_malloc(size);
    errno = ENOMEM;
    return NULL;
}

static bool is_empty(const struct account *account)
{
    return account->groups == NULL && account->name == NULL && account->home == NULL && account->shell == NULL;
}

static void test_accounts(void)
{
    struct account account;

    check(account_resolve("0", "root", &account) == ACCOUNT_OK && questions == 2 && !account.by_numbers,
          "of a number and a name both are asked for");
    account_free(&account);
    check(account_resolve("4999", "no such group", &account) == ACCOUNT_NO_GROUP && is_empty(&account),
          "a number whose group there is not is no account");
    database_fails = true;
    check(account_resolve("4999", NULL, &account) == ACCOUNT_LOOKUP && errno == EIO && is_empty(&account),
          "I8: a user who cannot be looked up is not one that there is not");
    check(account_resolve("nobody", "games", &account) == ACCOUNT_LOOKUP && errno == EIO && is_empty(&account),
          "I8: nor is a group");
    database_fails = false;
}

static void test_accounts_by_numbers(void)
{
    struct account account;

    database_fails = true;
    questions = 0;
    check(account_resolve("4294967294", "0", &account) == ACCOUNT_OK && questions == 0 && account.by_numbers &&
              account.uid == 4294967294 && account.gid == 0,
          "two numbers are taken as they are, and nobody is asked");
    check(strcmp(account.name, "4294967294") == 0 && strcmp(account.home, "/") == 0 &&
              strcmp(account.shell, "/bin/sh") == 0,
          "the number is its name, and home and shell are those of who has none");
    account_free(&account);
    database_fails = false;
    memory_fails = true;
    check(account_resolve("4999", "4999", &account) == ACCOUNT_LOOKUP && errno == ENOMEM && is_empty(&account),
          "I8: numbers whose one group there is no memory for are no account");
    memory_fails = false;
    check(account_resolve("4999", "5000", &account) == ACCOUNT_OK && account.group_count == 1 &&
              account.groups[0] == 5000,
          "with memory they have just that group");
    account_free(&account);
}

static void test_account_texts(void)
{
    unsigned same = 0;

    for (unsigned fault = ACCOUNT_OK; fault <= ACCOUNT_LOOKUP + 1; fault++)
        for (unsigned other = ACCOUNT_OK; other < fault; other++)
            same += strcmp(account_fault_text((enum account_fault)fault),
                           account_fault_text((enum account_fault)other)) == 0;
    check_number(same, 0, "each fault of an account has a text of its own");
}

/* ---- The peer ---- */

/* Both halves, as the handler runs them. */
static enum exchange_result run_exchange(int peer_fd, int64_t deadline_ms, uint8_t reply[static REPLY_LEN])
{
    const uint8_t seed[SEED_LEN] = {1};
    const enum exchange_result sent = exchange_send_seed(peer_fd, deadline_ms, seed);

    return sent == EXCHANGE_OK ? exchange_read_reply(peer_fd, deadline_ms, reply) : sent;
}

/* A peer who takes nothing, with a buffer that is full before the seed. */
static void test_deaf_peer(void)
{
    const int64_t start_ms = clock_now_ms();
    uint8_t reply[REPLY_LEN];
    uint8_t block[4096] = {0};
    int pair[2];

    if (!check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a connection is made"))
        return;
    while (send(pair[0], block, sizeof(block), MSG_DONTWAIT) > 0)
        continue;
    check(run_exchange(pair[0], start_ms + DEADLINE_MS, reply) == EXCHANGE_LEFT,
          "I11: a peer whose connection does not take the seed is dropped");
    check(clock_now_ms() >= start_ms + DEADLINE_MS, "at the deadline");
    close(pair[0]);
    close(pair[1]);
}

/* A deadline beyond what poll(2) can wait for at once is one all the same. */
static void test_far_deadline(void)
{
    uint8_t reply[REPLY_LEN] = {2, 3};
    uint8_t got[REPLY_LEN];
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && send(pair[1], reply, sizeof(reply), 0) == REPLY_LEN,
          "a peer has replied already");
    check(run_exchange(pair[0], INT64_MAX, got) == EXCHANGE_OK && memcmp(reply, got, sizeof(got)) == 0,
          "and is heard, with all the time in the world");
    close(pair[0]);
    close(pair[1]);
}

static void test_gone_peer(void)
{
    uint8_t reply[REPLY_LEN];
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && close(pair[1]) == 0, "a peer has left");
    check(run_exchange(pair[0], INT64_MAX, reply) == EXCHANGE_LEFT, "I11: and is sent no seed");
    close(pair[0]);
}

/* What fd 0 may be. */
static void kind_is(int fd, enum harden_peer want, const char *what)
{
    const int kept_fd = dup(STDIN_FILENO);
    enum harden_peer kind;

    dup2(fd, STDIN_FILENO);
    kind = harden_peer_kind();
    if (kept_fd >= 0) {
        dup2(kept_fd, STDIN_FILENO);
        close(kept_fd);
    }
    close(fd);
    check_number(kind, want, what);
}

static void test_kinds(void)
{
    const int listener_fd = socket(AF_INET, SOCK_STREAM, 0);
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && listen(listener_fd, 1) == 0, "sockets are made");
    kind_is(open("/dev/null", O_RDWR), HARDEN_NO_SOCKET, "a device is no socket");
    kind_is(pair[0], HARDEN_WRONG_KIND, "a local socket is no connection of the network");
    kind_is(socket(AF_INET, SOCK_DGRAM, 0), HARDEN_WRONG_KIND, "nor are datagrams");
    kind_is(listener_fd, HARDEN_WRONG_KIND, "nor is a listener");
    kind_is(socket(AF_INET, SOCK_STREAM, 0), HARDEN_CONNECTION, "a stream is, for all that can be known so early");
    close(pair[1]);
}

/* ---- The action's socket, and the log ---- */

static void test_far_socket(void)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    int fd = -1;

    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    check(relay_connect(path, &fd) != 0 && errno == ENAMETOOLONG && fd == -1,
          "a path that no socket can have is refused");
}

/* A listener that reads nothing and hangs up without closing: the kernel keeps the bytes, and nobody will read them. */
static void test_deaf_listener(void)
{
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && send(pair[0], "words", 5, 0) == 5 &&
              shutdown(pair[1], SHUT_RDWR) == 0,
          "a listener hangs up before it has read");
    errno = 0;
    check(relay_wait(pair[0]) != 0 && errno == ECONNRESET, "it has not taken the words");
    close(pair[0]);
    close(pair[1]);
}

static void test_log_bytes(void)
{
    char line[256] = "";
    const int kept_fd = dup(STDERR_FILENO);
    int ends[2];

    if (!check(kept_fd >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0, "a log is made"))
        return;
    unsetenv("JOURNAL_STREAM");
    log_open(true);
    log_line(LOG_ERR, "%s", "caf\xc3\xa9\n\x1b[2J\x7f end");
    dup2(kept_fd, STDERR_FILENO);
    close(kept_fd);
    close(ends[1]);
    check(read(ends[0], line, sizeof(line) - 1) > 0 && strstr(line, ": caf????[2J? end\n") != NULL,
          "nothing is logged but what can be printed, on one line");
    close(ends[0]);
}

int main(void)
{
    test_accounts();
    test_accounts_by_numbers();
    test_account_texts();
    test_deaf_peer();
    test_far_deadline();
    test_gone_peer();
    test_kinds();
    test_far_socket();
    test_deaf_listener();
    test_log_bytes();
    return check_end();
}
