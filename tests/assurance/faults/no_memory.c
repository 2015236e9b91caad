/* SPDX-License-Identifier: ISC */
/*
 * Loaded into a program with LD_PRELOAD: one allocation fails.
 *
 * OSTIARY_FAULT_ALLOCATION=N  the Nth call of malloc, calloc or realloc gives NULL and ENOMEM; 0 or unset: none
 * OSTIARY_FAULT_MARK=FILE     is created when it does, so that the caller knows when N has passed the last one; if the
 *                             program dies of that, the file names the functions it was in
 *
 * Counted from when this module has been set up, so not what the dynamic linker and the libraries allocate before main.
 * strdup(3), asprintf(3), stdio and the libraries allocate through these three as well.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

/* glibc's own, for those who stand before them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

#define FRAMES_MAX 16

static unsigned long chosen;
static const char *mark_path;
static atomic_ulong calls;

static int open_mark(void)
{
    return open(mark_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

/* Where it happened: NULL where nobody has told how this machine says so. */
static void *instruction(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

/* That alone first: a thread of glibc's may have no room to find the functions that led there. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    void *frames[FRAMES_MAX];
    const int fd = open_mark();

    (void)info;
    signal(number, SIG_DFL);
    frames[0] = instruction(context);
    backtrace_symbols_fd(frames, 1, fd);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), fd);
    raise(number);
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("OSTIARY_FAULT_ALLOCATION");
    const struct sigaction crash = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_NODEFER};
    void *frame;

    mark_path = getenv("OSTIARY_FAULT_MARK");
    if (text == NULL || mark_path == NULL)
        return;
    backtrace(&frame, 1); /* the first time, it allocates */
    sigaction(SIGSEGV, &crash, NULL);
    sigaction(SIGABRT, &crash, NULL);
    calls = 0;
    chosen = strtoul(text, NULL, 10);
}

static bool is_the_one(void)
{
    if (++calls != chosen)
        return false;
    close(open_mark());
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_the_one() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_the_one() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return is_the_one() ? NULL : __libc_realloc(memory, size);
}
