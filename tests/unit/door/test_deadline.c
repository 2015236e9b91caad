/* SPDX-License-Identifier: ISC */
/* deadline.h: each case in a process of its own, which is what it ends (I13). */
#include "deadline.h"

#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENDED    7 /* exit status: the deadline's own end */
#define NOT_MADE 8 /* there are no timers */
#define OUTLIVED 9 /* nothing has ended the process */
#define LONG_MS  60000

static void end(void)
{
    _exit(ENDED);
}

static void wait_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    while (nanosleep(&left, &left) != 0)
        continue;
}

/* How a process ends in which this is done: its exit status, or minus the signal. */
static int outcome(void (*act)(void))
{
    int status;
    const pid_t child = fork();

    if (child == 0) {
        alarm(600);
        act();
        _exit(OUTLIVED);
    }
    return waitpid(child, &status, 0) != child ? -100 : WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void ends_as(void (*act)(void), int want, const char *what)
{
    const int got = outcome(act);

    if (!check(got == want, "%s", what))
        printf("# got %d, want %d\n", got, want);
}

static void begin(int64_t limit_ms)
{
    if (deadline_start(limit_ms, end) != 0)
        _exit(NOT_MADE);
}

static void hang(void)
{
    begin(100);
    wait_ms(LONG_MS);
}

static void hang_deaf(void)
{
    sigset_t all;

    begin(100);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    wait_ms(LONG_MS);
}

static void move_later(void)
{
    begin(3000);
    deadline_set(LONG_MS);
    wait_ms(3500);
    _exit(deadline_is_over() ? 1 : OUTLIVED);
}

static void move_earlier(void)
{
    begin(LONG_MS);
    deadline_set(100);
    wait_ms(LONG_MS);
}

static void move_to_the_past(void)
{
    begin(LONG_MS);
    deadline_set(-1000);
    wait_ms(LONG_MS);
}

/* The time is up, and the signal has not come through yet. */
static void look_late(void)
{
    sigset_t all;

    begin(LONG_MS);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (deadline_is_over())
        _exit(1);
    deadline_set(100);
    wait_ms(300);
    _exit(deadline_is_over() ? OUTLIVED : 2);
}

static void be_sent_it(void)
{
    begin(LONG_MS);
    raise(DEADLINE_SIGNAL);
    wait_ms(100);
}

/* As a launcher may leave it: blocked, and there already. */
static void inherit_it(void)
{
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, DEADLINE_SIGNAL);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    raise(DEADLINE_SIGNAL);
    hang();
}

static void become_another(void)
{
    char *const argv[] = {strdup("sleep"), strdup("3"), NULL};

    begin(500);
    execv("/bin/sleep", argv);
}

int main(void)
{
    ends_as(hang, ENDED, "I13: a process that hangs is ended at its deadline");
    ends_as(hang_deaf, -SIGKILL, "I13: one that lets no signal through is killed");
    ends_as(move_later, OUTLIVED, "a deadline that is moved comes later");
    ends_as(move_earlier, ENDED, "or earlier");
    ends_as(move_to_the_past, ENDED, "or at once");
    ends_as(look_late, OUTLIVED, "I13: whether it has passed can be seen before the signal");
    ends_as(be_sent_it, OUTLIVED, "the signal from anybody else is not the deadline");
    ends_as(inherit_it, ENDED, "I13: a launcher that blocks the signal, or has sent it, changes nothing");
    ends_as(become_another, 0, "I7: what this process becomes has no deadline");
    return check_end();
}
