/* SPDX-License-Identifier: ISC */
/*
 * What the tests of state/ share: a directory of their own, sources by number, many processes at once, and a process
 * that is killed at the system call one asks for.
 */
#ifndef OSTIARY_SCRATCH_H
#define OSTIARY_SCRATCH_H

#include "lockout.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_PATH_LEN 300
#define SCRATCH_NOW      UINT64_C(1795293540)

static char scratch_dir[SCRATCH_PATH_LEN];

/* The exit status of a test that cannot go on; no scratch_work ends with it. */
#define SCRATCH_BROKEN 99
/* For a lock that others hold in turn: no test ends by it, whatever the machine does besides. */
#define SCRATCH_PATIENCE_MS 600000

/* A step that has to work for the test to mean anything. */
static inline void scratch_need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(SCRATCH_BROKEN);
}

static inline const char *scratch_path(const char *name)
{
    static char path[SCRATCH_PATH_LEN + 40];

    snprintf(path, sizeof path, "%s/%s", scratch_dir, name);
    return path;
}

static inline void scratch_begin(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(scratch_dir, sizeof scratch_dir, "%s/ostiary-test.XXXXXX", parent != NULL ? parent : "/tmp");
    scratch_need(mkdtemp(scratch_dir) != NULL, "mkdtemp");
}

static inline void scratch_empty(void)
{
    static const char *const names[] = {"lockout",         "lockout.new",   "lockout.convert",
                                        "lockout.rebuild", "closed",        "closed.new",
                                        "closed-knock",    "closed-sealed", "other"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (unlink(scratch_path(names[i])) != 0)
            (void)rmdir(scratch_path(names[i]));
}

static inline void scratch_end(void)
{
    scratch_empty();
    scratch_need(rmdir(scratch_dir) == 0, "rmdir: something was left behind");
}

static inline enum store_fault scratch_try(struct store *store, uint64_t places, bool read_only, unsigned patience_ms)
{
    const struct store_options options = {
        .directory = scratch_dir, .places = places, .patience_ms = patience_ms, .read_only = read_only};

    return store_open(&options, store);
}

static inline struct store scratch_open(uint64_t places)
{
    struct store store;

    scratch_need(scratch_try(&store, places, false, SCRATCH_PATIENCE_MS) == STORE_OK, "store_open");
    return store;
}

/* 10.x.y.z by number. */
static inline struct source scratch_source(uint32_t number)
{
    struct source source = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .prefix = 128};

    source.address[13] = (uint8_t)(number >> 16);
    source.address[14] = (uint8_t)(number >> 8);
    source.address[15] = (uint8_t)number;
    return source;
}

/* The clocks of a machine that was started in 1970 and has been right since: all of them say seconds. */
static inline struct moment scratch_at(uint64_t seconds)
{
    return (struct moment){.boot_ms = seconds * 1000, .wall_ms = seconds * 1000};
}

static inline void scratch_read_file(const char *name, uint8_t *bytes, size_t len)
{
    const int fd = open(scratch_path(name), O_RDONLY);

    scratch_need(fd >= 0 && read(fd, bytes, len) == (ssize_t)len && close(fd) == 0, "reading a file");
}

static inline void scratch_write_file(const char *path, const uint8_t *bytes, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    scratch_need(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, "writing a file");
}

static inline void scratch_poke(const char *name, off_t offset, const uint8_t *bytes, size_t len)
{
    const int fd = open(scratch_path(name), O_WRONLY);

    scratch_need(fd >= 0 && pwrite(fd, bytes, len, offset) == (ssize_t)len && close(fd) == 0, "changing a file");
}

/* What a process of many does; its result, 0 to 255, becomes its exit status. */
typedef int scratch_work(unsigned number);

/* Run count processes that all start at once; results[n] says how many ended with n. Those killed count as 255. */
static inline void scratch_crowd(unsigned count, scratch_work *work, unsigned results[static 256])
{
    int gate[2];
    char byte;

    memset(results, 0, 256 * sizeof results[0]);
    fflush(stdout);
    scratch_need(pipe(gate) == 0, "pipe");
    for (unsigned i = 0; i < count; i++) {
        const pid_t pid = fork();

        scratch_need(pid >= 0, "fork");
        if (pid == 0) {
            close(gate[1]);
            (void)!read(gate[0], &byte, 1);
            _exit(work(i));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (unsigned i = 0; i < count; i++) {
        int status;

        scratch_need(wait(&status) > 0, "wait");
        results[WIFEXITED(status) ? WEXITSTATUS(status) : 255]++;
    }
}

/*
 * Run work in a process that is killed as it enters its nth system call (from 1), before that call does anything.
 * Returns false if it ended before that; *result is its exit status then.
 */
static inline bool scratch_killed_at(unsigned nth, scratch_work *work, int *result)
{
    unsigned seen = 0;
    bool entering = true;
    int status;

    fflush(stdout);
    const pid_t pid = fork();
    scratch_need(pid >= 0, "fork");
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(254);
        raise(SIGSTOP);
        _exit(work(nth));
    }
    scratch_need(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "ptrace");
    for (;;) {
        scratch_need(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0, "ptrace");
        scratch_need(waitpid(pid, &status, 0) == pid, "waitpid");
        if (WIFEXITED(status)) {
            *result = WEXITSTATUS(status);
            return false;
        }
        if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) {
            if (entering && ++seen == nth)
                break;
            entering = !entering;
        }
    }
    kill(pid, SIGKILL);
    scratch_need(waitpid(pid, &status, 0) == pid, "waitpid");
    return true;
}

/*
 * Some tests are run twice: with the directory of golden tables alone; and with "exhaustive" behind it, for what is
 * tried at each byte, at each length, at each system call, in each order, by crowds, or until a table is full.
 */
static inline bool scratch_is_exhaustive(int argc, char **argv)
{
    scratch_need(argc == 2 || (argc == 3 && strcmp(argv[2], "exhaustive") == 0),
                 "arguments: the directory of golden tables, and \"exhaustive\" or nothing");
    return argc == 3;
}

/* Under valgrind there is no tracing; `meson test --wrap` sets this. */
static inline bool scratch_can_trace(void)
{
    return getenv("OSTIARY_NO_PTRACE") == NULL;
}

/* A file in STATE_DIR-root; "" is the directory. Until the next call. */
static inline const char *scratch_root_path(const char *state_dir, const char *name)
{
    static char path[SCRATCH_PATH_LEN + 60];

    snprintf(path, sizeof path, "%s-root%s%s", state_dir, *name != '\0' ? "/" : "", name);
    return path;
}

#endif
