/* SPDX-License-Identifier: ISC */
/* An action that is not started while it runs: who gets it, for how long, and what is in nobody's way afterwards. */
#include "single.h"

#include "check.h"
#include "scratch.h"

#define CROWD 200

static const struct moment today = {.boot_id = {1}, .boot_ms = 1000, .wall_ms = SCRATCH_NOW * 1000};

/* The record is root's, or that of a user who has no other. */
static const char *record_path(void)
{
    static char path[SCRATCH_PATH_LEN + 40];

    snprintf(path, sizeof path, "%s/state%s/%s", scratch_dir, geteuid() == 0 ? "-root" : "", USED_NAME);
    return path;
}

static struct spend_place place(void)
{
    static char state_dir[SCRATCH_PATH_LEN + 10];

    snprintf(state_dir, sizeof state_dir, "%s/state", scratch_dir);
    return (struct spend_place){.state_dir = state_dir, .door = DOOR_KNOCK, .patience_ms = SCRATCH_PATIENCE_MS};
}

static enum single_result take_at(const char *action, const struct moment *now)
{
    const struct spend_place here = place();
    enum used_fault fault;

    return single_take(&here, action, now, &fault);
}

static enum single_result take(const char *action)
{
    return take_at(action, &today);
}

/* Take it in a process that lives until end_of. */
struct runner {
    pid_t pid;
    int input_fd;
    enum single_result result;
};

static struct runner start(const char *action)
{
    struct runner runner;
    int in[2], out[2];

    fflush(stdout);
    scratch_need(pipe(in) == 0 && pipe(out) == 0, "pipe");
    runner.pid = fork();
    scratch_need(runner.pid >= 0, "fork");
    if (runner.pid == 0) {
        const enum single_result result = take(action);
        char byte;

        close(in[1]);
        (void)!write(out[1], &result, sizeof result);
        (void)!read(in[0], &byte, 1);
        _exit(0);
    }
    close(in[0]);
    close(out[1]);
    scratch_need(read(out[0], &runner.result, sizeof runner.result) == sizeof runner.result, "read");
    close(out[0]);
    runner.input_fd = in[1];
    return runner;
}

static void end_of(const struct runner *runner)
{
    /* Closing it would not do: those that were started later have it too. */
    (void)!write(runner->input_fd, "", 1);
    close(runner->input_fd);
    scratch_need(waitpid(runner->pid, NULL, 0) == runner->pid, "waitpid");
}

static void test_turns(void)
{
    struct runner first = start("backup"), second;

    check(first.result == SINGLE_MINE, "the first one has it, where there is no record yet");
    check(take("backup") == SINGLE_RUNS, "another has not, while that runs");
    second = start("restore");
    check(second.result == SINGLE_MINE && take("backup") == SINGLE_RUNS && take("restore") == SINGLE_RUNS,
          "each action has its own");
    check(take("backu") == SINGLE_MINE && take("backupp") == SINGLE_MINE, "and a name is the whole of it");
    end_of(&first);
    check(take("restore") == SINGLE_RUNS, "when one has ended the other runs");
    first = start("backup");
    check(first.result == SINGLE_MINE && take("backup") == SINGLE_RUNS, "and that one can be had again");
    scratch_need(kill(first.pid, SIGKILL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR, "kill");
    end_of(&first);
    end_of(&second);
    check(take("backup") == SINGLE_MINE && take("restore") == SINGLE_MINE, "killed or not, nothing is left of them");
    check(take("backup") == SINGLE_RUNS, "this process has it, too, until it ends");
}

static void test_boots(void)
{
    struct moment now = today;

    check(take_at("boots", &now) == SINGLE_MINE && take_at("boots", &now) == SINGLE_RUNS, "in the same boot it runs");
    now.boot_id[15] = 1;
    check(take_at("boots", &now) == SINGLE_MINE, "in another one it does not, though there is such a process");
    check(take_at("boots", &now) == SINGLE_RUNS, "until that has taken it");
    now = (struct moment){.boot_ms = 1000};
    check(take_at("boots", &now) == SINGLE_UNKNOWN && errno == 0,
          "I8: where it is not known which boot it is, nobody has it");
}

static void test_damage(void)
{
    const struct spend_place here = place();
    enum used_fault fault;
    int fd;

    unlink(record_path());
    scratch_need(take("one") == SINGLE_MINE && take("two") == SINGLE_MINE, "take");
    fd = open(record_path(), O_WRONLY);
    scratch_need(fd >= 0 && pwrite(fd, "x", 1, 128 + 30) == 1 && close(fd) == 0, "damage");
    check(single_take(&here, "one", &today, &fault) == SINGLE_FAILED && fault == USED_SLOT_DAMAGED,
          "I8: where the record is damaged, nobody has it");
    check(take("two") == SINGLE_RUNS, "what is whole is known");
    check(single_take(&here, "three", &today, &fault) == SINGLE_FAILED && fault == USED_SLOT_DAMAGED,
          "I8: what may have been in the damaged place is not");
    unlink(record_path());
    scratch_need(mkdir(record_path(), 0700) == 0, "mkdir");
    check(single_take(&here, "one", &today, &fault) == SINGLE_FAILED && fault == USED_UNSAFE,
          "I8: nor is anything where there can be no record");
    scratch_need(rmdir(record_path()) == 0, "rmdir");
}

/* All of them live until all have asked. */
static void test_crowd(void)
{
    unsigned results[SINGLE_FAILED + 1] = {0};
    enum single_result result;
    int gate[2], out[2];
    char byte;

    fflush(stdout);
    scratch_need(pipe(gate) == 0 && pipe(out) == 0, "pipe");
    for (unsigned i = 0; i < CROWD; i++) {
        const pid_t pid = fork();

        scratch_need(pid >= 0, "fork");
        if (pid == 0) {
            close(gate[1]);
            result = take("crowd");
            (void)!write(out[1], &result, sizeof result);
            (void)!read(gate[0], &byte, 1);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < CROWD; i++) {
        scratch_need(read(out[0], &result, sizeof result) == sizeof result, "read");
        results[result]++;
    }
    close(gate[1]);
    for (unsigned i = 0; i < CROWD; i++)
        scratch_need(wait(NULL) > 0, "wait");
    close(gate[0]);
    close(out[0]);
    close(out[1]);
    check(results[SINGLE_MINE] == 1 && results[SINGLE_RUNS] == CROWD - 1, "of 200 at once one has it");
    check(take("crowd") == SINGLE_MINE, "and when they have ended, who comes next");
}

int main(void)
{
    scratch_begin();
    scratch_need(mkdir(scratch_path("state"), 0700) == 0, "mkdir");
    test_turns();
    test_boots();
    test_damage();
    test_crowd();
    unlink(record_path());
    (void)rmdir(scratch_path("state-root"));
    scratch_need(rmdir(scratch_path("state")) == 0, "rmdir");
    scratch_end();
    return check_end();
}
