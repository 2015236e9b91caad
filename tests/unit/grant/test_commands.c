/* SPDX-License-Identifier: ISC */
/* commands.h: how a command is run, what it finds there, how it ends, and what is believed of a list. */
#include "commands.h"

#include "clock.h"

#include "check.h"
#include "firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int __real_clock_left_ms(int64_t deadline_ms);
int __wrap_clock_left_ms(int64_t deadline_ms);

static char dir[300];
static int lock_fd = -1;
static int hurry_ms; /* so much of a command's time has passed when it begins */

int __wrap_clock_left_ms(int64_t deadline_ms)
{
    const int left_ms = __real_clock_left_ms(deadline_ms) - hurry_ms;

    return left_ms > 0 ? left_ms : 0;
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(99);
}

static const char *path_of(const char *name)
{
    static char path[400];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* The command "run", of these lines of shell, which find the directory in $dir. */
static const char *script(const char *lines)
{
    static char path[400];
    FILE *file = fopen(path_of("run"), "w");

    need(file != NULL && fprintf(file, "#!/bin/sh\ndir=%s\n%s\n", dir, lines) > 0 && fclose(file) == 0, "a script");
    need(chmod(path_of("run"), 0700) == 0, "chmod");
    snprintf(path, sizeof(path), "%s", path_of("run"));
    return path;
}

static const char *said(void)
{
    static char text[8192];
    const int fd = open(path_of("said"), O_RDONLY);
    const ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

    text[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        close(fd);
    unlink(path_of("said"));
    return text;
}

static enum commands_result grant(const char *command, const char *network, int *status)
{
    struct gate gate = {.name = "ssh", .grant = command};
    const struct source source = firewall_network(network);

    return commands_grant(&gate, &source, 3600, "alice", status);
}

static void test_arguments(void)
{
    struct gate gate = {.name = "ssh", .revoke = script("echo \"$#:$1:$2:$3\" >$dir/said")};
    const struct source host = firewall_network("192.0.2.7");
    int status;

    check(grant(gate.revoke, "2001:db8::/64", &status) == COMMANDS_OK, "a command is run");
    check_text(said(), "3:2001:db8::/64:3600:alice\n", "with the network, the seconds and the user");
    check(commands_revoke(&gate, &host, "", &status) == COMMANDS_OK, "so is one that revokes");
    check_text(said(), "3:192.0.2.7:0:\n", "with a host, no seconds, and whoever it was");
    errno = 0;
    check(commands_revoke(&gate, &host, "a b", &status) == COMMANDS_CANNOT_RUN && errno == EINVAL,
          "but not for what is no user");
}

static void test_starts_clean(void)
{
    const char *run = script("exec >$dir/said\n"
                             "tr '\\0' '\\n' </proc/$$/environ\n"
                             "find /proc/$$/fd -name '[0-9]' -printf '%f %l\\n'\n"
                             /* A shell that is about to fork blocks signals itself: it has to look without. */
                             "while read -r name value; do case $name in Sig[BI]*) printf '%s\\t%s\\n' $name $value ;;"
                             " esac; done </proc/$$/status\n"
                             "pwd; umask; [ $(cut -d ' ' -f 5 /proc/$$/stat) = $$ ] && echo group");
    const int stray_fd = open("/dev/zero", O_RDONLY);
    sigset_t all, before;
    char wanted[2048];
    char log[300];
    ssize_t len;
    int status;

    len = readlink("/proc/self/fd/2", log, sizeof(log) - 1);
    log[len > 0 ? len : 0] = '\0';
    snprintf(wanted, sizeof(wanted),
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLANG=C.UTF-8\nHOME=/\n"
             "0 /dev/null\n1 %s/said\n2 %s\n"
             "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n/\n0022\ngroup\n",
             dir, log);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    signal(SIGPIPE, SIG_IGN);
    umask(0);
    setenv("LD_LIBRARY_PATH", "/tmp", 1);
    status = grant(run, "192.0.2.7", &status) == COMMANDS_OK;
    unsetenv("LD_LIBRARY_PATH");
    umask(022);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(stray_fd);
    check(status, "a command is run whatever this process is like");
    check_text(said(), wanted,
               "with an environment from a list, three descriptors, no signal blocked, and its own group");
}

static void ends_as(const char *lines, enum commands_result wanted, int wanted_status)
{
    int status = -1;
    const enum commands_result result = grant(script(lines), "192.0.2.7", &status);

    check(result == wanted && status == wanted_status, "'%s' %s %d", lines, commands_result_text(wanted),
          wanted_status);
    if (result != wanted)
        printf("# but it %s %d\n", commands_result_text(result), status);
}

static void test_ends(void)
{
    int status;

    ends_as("exit 0", COMMANDS_OK, 0);
    ends_as("exit 3", COMMANDS_STATUS, 3);
    ends_as("kill -9 $$", COMMANDS_SIGNAL, SIGKILL);
    ends_as("kill -PIPE $$", COMMANDS_SIGNAL, SIGPIPE);
    signal(SIGCHLD, SIG_IGN);
    ends_as("exit 4", COMMANDS_STATUS, 4);
    check(grant(path_of("nowhere"), "192.0.2.7", &status) == COMMANDS_CANNOT_RUN && errno == ENOENT,
          "what is not there cannot be run, and it is known why");
    script("");
    need(chmod(path_of("run"), 0600) == 0, "chmod");
    check(grant(path_of("run"), "192.0.2.7", &status) == COMMANDS_UNSAFE, "what is no program is not run");
    need(chmod(path_of("run"), 0722) == 0, "chmod");
    check(geteuid() != 0 || grant(path_of("run"), "192.0.2.7", &status) == COMMANDS_UNSAFE,
          "as root, what others can write is not run");
}

static bool is_gone(const char *pid_text)
{
    const pid_t pid = (pid_t)strtol(pid_text, NULL, 10);

    for (int i = 0; i < 30000 && pid > 0; i++) {
        char path[64], state[512] = "";
        FILE *file;

        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        /* Killed, and nobody has asked how it ended: as good as gone. */
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        file = fopen(path, "r");
        if (file != NULL && fgets(state, sizeof(state), file) != NULL && strstr(state, ") Z ") != NULL) {
            fclose(file);
            return true;
        }
        if (file != NULL)
            fclose(file);
        usleep(10000);
    }
    return false;
}

static void test_is_killed(void)
{
    int status;

    hurry_ms = COMMANDS_LIMIT_S * 1000 - 500;
    check(grant(script("trap '' TERM HUP; sleep 1000 & echo $! >$dir/said; wait"), "192.0.2.7", &status) ==
              COMMANDS_TIME,
          "what does not end in time is ended");
    hurry_ms = 0;
    check(is_gone(said()), "and its group with it");
    check(grant(script("sleep 1000 & echo $! >$dir/said"), "192.0.2.7", &status) == COMMANDS_OK,
          "what leaves something behind has ended well");
    check(is_gone(said()), "and what it has left is killed");
}

static void test_dies_with_us(void)
{
    const char *run = script("echo $$ >$dir/said.new; mv $dir/said.new $dir/said; exec sleep 1000");
    const char *pid;
    pid_t child;
    int other_fd;

    need(flock(lock_fd, LOCK_EX) == 0, "flock");
    fflush(stdout);
    child = fork();
    if (child == 0) {
        int status;

        (void)grant(run, "192.0.2.7", &status);
        _exit(0);
    }
    while (access(path_of("said"), F_OK) != 0)
        usleep(10000);
    pid = said();
    /* Only its parent and the keeper have it from here on. */
    close(lock_fd);
    other_fd = open(path_of("lock"), O_RDWR | O_CLOEXEC);
    check(flock(other_fd, LOCK_EX | LOCK_NB) != 0, "while a command runs the lock is held");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    check(is_gone(pid), "a command dies with who has started it");
    check(flock(other_fd, LOCK_EX) == 0, "and then the lock is free");
    close(other_fd);
    lock_fd = open(path_of("lock"), O_RDWR | O_CLOEXEC);
}

static enum commands_result list(const char *lines, size_t max, struct commands_network **networks, size_t *count)
{
    const struct gate gate = {.name = "ssh", .list = script(lines)};
    int status;

    return commands_list(&gate, max, networks, count, &status);
}

static void test_list(void)
{
    static const char *const wrong[] = {
        "echo 192.0.2.7",
        "echo 192.0.2.7 1 2",
        "echo 192.0.2.7/24 1",
        "echo localhost 1",
        "echo 192.0.2.7 -1",
        "echo 192.0.2.7 9223372036854775808",
        "echo",
        "echo 192.0.2.7 1; echo; echo 192.0.2.8 1",
        "printf '192.0.2.7 1'",
        "printf '192.0.2.7\\0 1\\n'",
        "printf '192.0.2.7 1\\r\\n'",
        "echo ' 192.0.2.7 1'",
        "for i in 1 2 3 4 5; do echo 192.0.2.$i 1; done",
        "yes 192.0.2.7 1",
    };
    struct commands_network *networks;
    size_t count;

    check(list("echo 192.0.2.7 5; printf '2001:db8::/64\\t 0\\n'; echo 0.0.0.0/0 9223372036854775807", 4, &networks,
               &count) == COMMANDS_OK,
          "a list is read");
    if (check(count == 3, "with each of its lines")) {
        char text[ADDRESS_TEXT_LEN];

        address_format_source(&networks[1].network, text);
        check_text(text, "2001:db8::/64", "a network");
        check(networks[0].packets == 5 && networks[2].packets == INT64_MAX, "and its packets");
    }
    free(networks);
    check(list("exit 0", 4, &networks, &count) == COMMANDS_OK && count == 0, "a list may be empty");
    free(networks);
    for (size_t i = 0; i < COUNT(wrong); i++)
        check(list(wrong[i], 4, &networks, &count) == COMMANDS_LINES && networks == NULL && count == 0,
              "nothing is believed of '%s'", wrong[i]);
    check(list("echo 192.0.2.7 5; exit 1", 4, &networks, &count) == COMMANDS_STATUS && networks == NULL,
          "nor of a list that has failed");
}

/* More than a pipe holds, and slowly. */
static void test_long_list(void)
{
    struct commands_network *networks;
    size_t count;

    check(list("i=0; while [ $i -lt 20000 ]; do echo 10.0.$((i / 256)).$((i % 256)) $i; i=$((i + 1)); done", 20000,
               &networks, &count) == COMMANDS_OK &&
              count == 20000 && networks[19999].packets == 19999,
          "a list may be long");
    free(networks);
}

/* As root only what is root's is run, and so is not below /tmp. */
static void begin(void)
{
    const char *root = getenv(geteuid() == 0 ? "OSTIARY_TEST_ROOT" : "TMPDIR");

    if (root == NULL)
        root = geteuid() == 0 ? "/srv" : "/tmp";
    snprintf(dir, sizeof(dir), "%s/ostiary-test.XXXXXX", root);
    need(mkdtemp(dir) != NULL, "mkdtemp");
    lock_fd = open(path_of("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    need(lock_fd >= 0, "a lock");
}

static void end(void)
{
    close(lock_fd);
    unlink(path_of("lock"));
    unlink(path_of("run"));
    need(rmdir(dir) == 0, "rmdir: something was left behind");
}

int main(void)
{
    begin();
    test_arguments();
    test_starts_clean();
    test_ends();
    test_is_killed();
    test_dies_with_us();
    test_list();
    test_long_list();
    end();
    return check_end();
}
