/* SPDX-License-Identifier: ISC */
/* Which process is which: by number and start, from its start to its end, whatever it becomes and however it ends. */
#include "proc.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that waits for the end of its input, as what comes then says. */
enum way { ENDS, EXECUTES, ENDS_ITS_FIRST_THREAD };

struct child {
    int input_fd;  /* to close */
    int output_fd; /* has a byte once it is what it is to be */
    struct proc process;
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s\n", what);
    exit(99);
}

static void *say_and_wait(void *context)
{
    char byte = 'x';

    (void)context;
    (void)!write(STDOUT_FILENO, &byte, 1);
    (void)!read(STDIN_FILENO, &byte, 1);
    _exit(0);
}

_Noreturn static void be(enum way way)
{
    pthread_t thread;

    if (way == EXECUTES)
        execl("/bin/sh", "sh", "-c", "echo; read line", (char *)NULL);
    if (way == ENDS_ITS_FIRST_THREAD && pthread_create(&thread, NULL, say_and_wait, NULL) == 0)
        pthread_exit(NULL);
    say_and_wait(NULL);
    _exit(1);
}

static struct child start(enum way way)
{
    struct child child;
    int in[2], out[2];
    char byte;

    fflush(stdout);
    need(pipe(in) == 0 && pipe(out) == 0, "pipe");
    child.process.pid = fork();
    need(child.process.pid >= 0, "fork");
    if (child.process.pid == 0) {
        struct proc self;

        if (proc_self(&self) != 0 || write(out[1], &self, sizeof(self)) != sizeof(self) ||
            dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
            _exit(1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        be(way);
    }
    close(in[0]);
    close(out[1]);
    child.input_fd = in[1];
    child.output_fd = out[0];
    need(read(child.output_fd, &child.process, sizeof(child.process)) == sizeof(child.process),
         "what it says of itself");
    need(read(child.output_fd, &byte, 1) == 1, "that it is ready");
    return child;
}

/* It has ended, and nobody has waited for it. */
static void end(const struct child *child)
{
    siginfo_t info;

    close(child->input_fd);
    close(child->output_fd);
    need(waitid(P_PID, (id_t)child->process.pid, &info, WEXITED | WNOWAIT) == 0, "waitid");
}

static void test_life(void)
{
    struct child child = start(ENDS);
    struct proc other = child.process, self;

    check(proc_self(&self) == 0 && self.pid == getpid() && proc_look(&self) == PROC_RUNS,
          "a process finds itself, and that it runs");
    check(self.pid != child.process.pid && child.process.start >= self.start,
          "another has another number, and a later start");
    check(proc_look(&child.process) == PROC_RUNS, "one that waits runs");
    other.start++;
    check(proc_look(&other) == PROC_ENDED, "one of its number that was started at another moment has ended");
    other.start -= 2;
    check(proc_look(&other) == PROC_ENDED, "and so has one that was started before");
    need(kill(child.process.pid, SIGSTOP) == 0, "kill");
    check(proc_look(&child.process) == PROC_RUNS, "one that is stopped runs");
    need(kill(child.process.pid, SIGKILL) == 0, "kill");
    end(&child);
    check(proc_look(&child.process) == PROC_ENDED, "one that was killed has ended, before anybody has waited for it");
    need(waitpid(child.process.pid, NULL, 0) == child.process.pid, "waitpid");
    check(proc_look(&child.process) == PROC_ENDED, "and afterwards");
}

static void test_change(void)
{
    struct child child = start(EXECUTES);

    check(proc_look(&child.process) == PROC_RUNS, "one that has become another program is the same");
    end(&child);
    check(proc_look(&child.process) == PROC_ENDED, "until that has ended");
    waitpid(child.process.pid, NULL, 0);

    child = start(ENDS_ITS_FIRST_THREAD);
    check(proc_look(&child.process) == PROC_RUNS, "one whose first thread has ended runs as long as another does");
    end(&child);
    check(proc_look(&child.process) == PROC_ENDED, "and no longer");
    waitpid(child.process.pid, NULL, 0);
}

static void test_fields(void)
{
    char line[PROC_LINE_LEN];
    const char *fields;

    fields = proc_fields(0, line);
    check(fields != NULL && fields[0] == 'R' && fields[1] == ' ', "the fields begin with the state");
    check(proc_fields(INT32_MAX, line) == NULL, "of a number that nobody has there are none");
    check(proc_look(&(struct proc){INT32_MAX, 1}) == PROC_ENDED, "and it has ended");
}

int main(void)
{
    test_life();
    test_change();
    test_fields();
    return check_end();
}
