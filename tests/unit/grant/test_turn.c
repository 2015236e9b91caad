/* SPDX-License-Identifier: ISC */
/* The tests of turn.c: one at a time at a gate, in separate processes, also where one of them is killed. */
#include "check.h"
#include "scratch.h"
#include "turn.h"

#define LIMIT_MS 600000 /* that no test ends by */

static char state_dir[SCRATCH_PATH_LEN + 20];

static const char *turns_path(void)
{
    static char path[sizeof state_dir + 20];

    snprintf(path, sizeof path, "%s-root/" TURN_NAME, state_dir);
    return path;
}

static enum turn_result take(const char *gate, unsigned limit_ms, unsigned places, int *fd)
{
    const struct turn_order order = {.state_dir = state_dir, .gate = gate, .limit_ms = limit_ms, .places = places};

    return turn_take_gate(&order, fd);
}

/* As if this process came only now. */
static enum turn_result can_take(const char *gate)
{
    int fd;
    const enum turn_result result = take(gate, 0, 0, &fd);

    if (fd >= 0)
        close(fd);
    return result;
}

static void test_one_at_a_time(void)
{
    struct stat info;
    int fd;
    int other_fd = 99;

    check(take("ssh", 0, 0, &fd) == TURN_TAKEN, "who comes first has the turn");
    check(stat(turns_path(), &info) == 0 && (info.st_mode & 0777) == 0600 && info.st_size == 0,
          "of an empty file that nobody else may open");
    check(take("ssh", 0, 0, &other_fd) == TURN_BUSY && other_fd == -1, "nobody else has it");
    check(take("ssh", 20, 0, &other_fd) == TURN_BUSY && other_fd == -1, "who waits for it does so within his limit");
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
        if (take("ssh", 0, 0, &fd) != TURN_TAKEN)
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
    check(take("ssh", LIMIT_MS, 0, &fd) == TURN_TAKEN, "until that ends, too: who waits for it has it then");
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void test_places(void)
{
    int at_work;
    int refused;
    int ready[2];
    int status = 0;
    char byte;

    scratch_need(pipe(ready) == 0, "a pipe");
    check(take("ssh", 0, 2, &at_work) == TURN_TAKEN, "one of two places is that of who is at work");
    const pid_t waiting = fork();
    if (waiting == 0) {
        enum turn_result result;
        int fd;

        close(at_work);
        (void)!write(ready[1], "", 1);
        /* Whoever looks whether there is a place has it for that moment. */
        do
            result = take("ssh", LIMIT_MS, 2, &fd);
        while (result == TURN_NO_PLACE);
        _exit(result == TURN_TAKEN ? 0 : 1);
    }
    scratch_need(waiting > 0 && read(ready[0], &byte, 1) == 1, "a child");
    /* It takes its place in its own time. */
    while (take("ssh", 0, 2, &refused) != TURN_NO_PLACE)
        usleep(1000);
    check(take("ssh", LIMIT_MS, 2, &refused) == TURN_NO_PLACE && refused == -1,
          "I9: who finds all places taken does not wait");
    check(take("ssh", 0, 0, &refused) == TURN_BUSY, "unless places are not for him");
    check(take("dmz", 0, 2, &refused) == TURN_TAKEN, "and at another gate there are others");
    close(refused);
    close(at_work);
    scratch_need(waitpid(waiting, &status, 0) == waiting, "its end");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "who has waited has the turn");
    close(ready[0]);
    close(ready[1]);
}

static void test_faults(void)
{
    int fd;

    scratch_need(unlink(turns_path()) == 0 && mkdir(turns_path(), 0700) == 0, "a directory in its place");
    check(take("ssh", 0, 0, &fd) == TURN_FAILED && fd == -1, "what is no file is said");
    scratch_need(rmdir(turns_path()) == 0 && symlink("elsewhere", turns_path()) == 0, "a link in its place");
    check(take("ssh", 0, 0, &fd) == TURN_FAILED && errno == ELOOP && fd == -1, "nor is a link followed");
    unlink(turns_path());
}

int main(void)
{
    char path[sizeof state_dir + 20];

    scratch_begin();
    snprintf(state_dir, sizeof state_dir, "%s/state", scratch_dir);
    test_one_at_a_time();
    test_killed();
    test_places();
    test_faults();
    snprintf(path, sizeof path, "%s-root", state_dir);
    rmdir(path);
    scratch_end();
    return check_end();
}
