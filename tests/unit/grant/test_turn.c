/* SPDX-License-Identifier: ISC */
/* The tests of turn.c: one at a time at a gate, in separate processes, also where one of them is killed. */
#include "check.h"
#include "scratch.h"
#include "turn.h"

#include <time.h>

#define LIMIT_MS 600000 /* that no test ends by */

static char state_dir[SCRATCH_PATH_LEN + 20];

static const char *turns_path(void)
{
    static char path[sizeof state_dir + 20];

    snprintf(path, sizeof path, "%s-root/" TURN_NAME, state_dir);
    return path;
}

static enum turn_result take(const char *gate, unsigned limit_ms, int *fd)
{
    const struct turn_order order = {.state_dir = state_dir, .gate = gate, .limit_ms = limit_ms};

    return turn_take_gate(&order, fd);
}

/* As if this process came only now. */
static enum turn_result can_take(const char *gate)
{
    int fd;
    const enum turn_result result = take(gate, 0, &fd);

    if (fd >= 0)
        close(fd);
    return result;
}

static void test_one_at_a_time(void)
{
    struct stat info;
    int fd;
    int other_fd = 99;

    check(take("ssh", 0, &fd) == TURN_TAKEN, "who comes first has the turn");
    check(stat(turns_path(), &info) == 0 && (info.st_mode & 0777) == 0600 && info.st_size == 0,
          "of an empty file that nobody else may open");
    check(take("ssh", 0, &other_fd) == TURN_BUSY && other_fd == -1, "nobody else has it");
    check(take("ssh", 20, &other_fd) == TURN_BUSY && other_fd == -1, "who waits for it does so within his limit");
    check(can_take("dmz") == TURN_TAKEN, "that of another gate is another");
    close(fd);
    check(can_take("ssh") == TURN_TAKEN, "it ends with its descriptor");
}

/* One is killed who has a child, as ostgrant has a keeper: the turn is the child's then. */
static void test_killed(void)
{
    int ready[2];
    int end[2];
    pid_t keeper = 0;
    int fd;

    scratch_need(pipe(ready) == 0 && pipe(end) == 0, "pipes");
    const pid_t child = fork();
    if (child == 0) {
        close(end[1]);
        if (take("ssh", 0, &fd) != TURN_TAKEN)
            _exit(1);
        keeper = fork();
        if (keeper == 0) {
            char byte;

            (void)!read(end[0], &byte, 1);
            _exit(0);
        }
        (void)!write(ready[1], &keeper, sizeof keeper);
        pause();
    }
    scratch_need(child > 0 && read(ready[0], &keeper, sizeof keeper) == sizeof keeper, "a child with a child");
    close(end[0]);
    check(can_take("ssh") == TURN_BUSY, "a process has it");
    kill(child, SIGKILL);
    scratch_need(waitpid(child, NULL, 0) == child, "its end");
    check(can_take("ssh") == TURN_BUSY, "when it has been killed, what it has begun still has it");
    close(end[1]);
    check(take("ssh", LIMIT_MS, &fd) == TURN_TAKEN, "until that ends, too: who waits for it has it then");
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

/* Who has the turn meanwhile; -1: nobody. */
static int at_work = -1;

/* A process that wants the turn, and says so on a pipe when it has it, or has no place. */
static void come(enum turn_queue queue, const char *user, int said_fd)
{
    const struct turn_order order = {
        .state_dir = state_dir, .gate = "ssh", .limit_ms = LIMIT_MS, .queue = queue, .user = user};
    const pid_t child = fork();
    int fd;

    scratch_need(child >= 0, "fork");
    if (child > 0)
        return;
    close(at_work);
    switch (turn_take_gate(&order, &fd)) {
    case TURN_TAKEN:
        (void)!write(said_fd, queue == TURN_NO_QUEUE ? "r" : queue == TURN_SEALED_QUEUE ? "s" : "w", 1);
        usleep(2000);
        _exit(0);
    case TURN_NO_PLACE:
        (void)!write(said_fd, "n", 1);
        _exit(0);
    case TURN_BUSY:
    case TURN_FAILED:
        break;
    }
    (void)!write(said_fd, "f", 1);
    _exit(1);
}

/* What so many of them say, in this order. */
static const char *hear(int said_fd, size_t count)
{
    static char said[128];

    for (size_t i = 0; i < count; i++)
        scratch_need(read(said_fd, said + i, 1) == 1, "what one of them says");
    said[count] = '\0';
    return said;
}

static void bury_all(size_t count)
{
    for (size_t i = 0; i < count; i++)
        scratch_need(wait(NULL) > 0, "its end");
}

static size_t count_of(const char *said, char what)
{
    size_t count = 0;

    for (; *said != '\0'; said++)
        count += *said == what;
    return count;
}

static void test_places(void)
{
    int said[2];

    scratch_need(pipe(said) == 0, "a pipe");
    check(take("ssh", 0, &at_work) == TURN_TAKEN, "somebody is at work");
    for (unsigned i = 0; i < TURN_USER_PLACES + 2; i++)
        come(TURN_WEB_QUEUE, "alice", said[1]);
    check_text(hear(said[0], 2), "nn", "I9: a user of the form has four places, and does not wait for more");
    for (unsigned i = 0; i < TURN_WEB_PLACES - TURN_USER_PLACES + 3; i++) {
        char user[8];

        snprintf(user, sizeof user, "u%u", i);
        come(TURN_WEB_QUEUE, user, said[1]);
    }
    check_text(hear(said[0], 3), "nnn", "all of them have sixteen");
    for (unsigned i = 0; i < TURN_SEALED_PLACES + 1; i++)
        come(TURN_SEALED_QUEUE, NULL, said[1]);
    check_text(hear(said[0], 1), "n", "and the sealed door others, which are more");
    close(at_work);
    check(count_of(hear(said[0], TURN_WEB_PLACES + TURN_SEALED_PLACES), 'w') == TURN_WEB_PLACES,
          "who has a place has the turn in the end");
    bury_all(TURN_USER_PLACES + 2 + TURN_WEB_PLACES - TURN_USER_PLACES + 3 + TURN_SEALED_PLACES + 1);
    close(said[0]);
    close(said[1]);
}

/* One of a queue and one of root's want it together again and again: that one of them always loses is unheard of. */
static void test_root_first(void)
{
    static const struct timespec a_moment = {.tv_nsec = 50000000};
    const char *order;
    int said[2];

    scratch_need(pipe(said) == 0, "a pipe");
    check(take("ssh", 0, &at_work) == TURN_TAKEN, "somebody is at work");
    for (unsigned i = 0; i < 30; i++)
        come(TURN_SEALED_QUEUE, NULL, said[1]);
    nanosleep(&a_moment, NULL);
    come(TURN_NO_QUEUE, NULL, said[1]);
    nanosleep(&a_moment, NULL);
    close(at_work);
    order = hear(said[0], 31);
    check(strchr(order, 'r') - order < 25, "I15: root's own do not stand in line behind a queue");
    bury_all(31);
    close(said[0]);
    close(said[1]);
}

static void test_faults(void)
{
    char root[sizeof state_dir + 20];
    int fd;

    scratch_need(unlink(turns_path()) == 0 && mkdir(turns_path(), 0700) == 0, "a directory in its place");
    check(take("ssh", 0, &fd) == TURN_FAILED && fd == -1, "what is no file is said");
    scratch_need(rmdir(turns_path()) == 0 && symlink("elsewhere", turns_path()) == 0, "a link in its place");
    check(take("ssh", 0, &fd) == TURN_FAILED && errno == ELOOP && fd == -1, "nor is a link followed");
    unlink(turns_path());
    snprintf(root, sizeof root, "%s-root", state_dir);
    scratch_need(chmod(root, 0755) == 0, "a directory that others may look into");
    check(take("ssh", 0, &fd) == TURN_FAILED && errno == EPERM && fd == -1, "the directory is root's alone");
    check(turn_take(state_dir, 0) == -1, "also for who takes all turns");
    scratch_need(rmdir(root) == 0, "rmdir");
    scratch_write_file(root, (const uint8_t *)"", 0);
    check(take("ssh", 0, &fd) == TURN_FAILED && errno == ENOTDIR && fd == -1, "and a directory");
    unlink(root);
}

int main(void)
{
    char path[sizeof state_dir + 20];

    scratch_begin();
    snprintf(state_dir, sizeof state_dir, "%s/state", scratch_dir);
    test_one_at_a_time();
    test_killed();
    test_places();
    test_root_first();
    test_faults();
    snprintf(path, sizeof path, "%s-root", state_dir);
    rmdir(path);
    scratch_end();
    return check_end();
}
