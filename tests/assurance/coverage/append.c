/* SPDX-License-Identifier: ISC */
/*
 * How a program that was built with gcc --coverage hands over its counts: this file takes the place of libgcov's own
 * driver, which reads and rewrites one .gcda file for each object. A handler that is killed meanwhile would leave half
 * a file, and all later counts would be lost; a few hundred handlers at once would wait for each other, and miss the
 * deadlines of the tests. Here a process appends one record to COUNTS, in one write(2), as it ends or becomes another
 * program: three system calls, whatever it is made of. gather.py makes .gcda files of the records.
 *
 * A record: "counts\n\0", the length of what follows, and for each object the lengths of its .gcda file's name and
 * content, the name, the content. Lengths are uint32_t. The file exists, and anybody may write to it.
 *
 * Counts are not cleared when they have been handed over, so those of a process that fails to become another program,
 * or forks, are counted twice: whether a line was reached stays true.
 */
#include <errno.h>
#include <fcntl.h>
#include <gcov.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OBJECTS_MAX 128
#define RECORD_MAX  (1024 * 1024)
#define HIDDEN      __attribute__((visibility("hidden")))

static const struct gcov_info *objects[OBJECTS_MAX];
static size_t object_count;
static uint8_t record[RECORD_MAX];
static uint32_t used;

/* What the compiler and the linker's --wrap call. */
HIDDEN void __gcov_init(struct gcov_info *object);
HIDDEN void __gcov_exit(void);
HIDDEN void __gcov_merge_add(void);
HIDDEN int __gcov_execve(const char *path, char *const argv[], char *const environment[]);
HIDDEN void __wrap__exit(int status) __attribute__((noreturn));
void __real__exit(int status) __attribute__((noreturn));

static void put(const void *bytes, uint32_t len)
{
    if (len > RECORD_MAX - used)
        __builtin_trap();
    memcpy(record + used, bytes, len);
    used += len;
}

/* Their places for the two lengths are filled when the content is known. */
static uint32_t lengths_at;

static void put_name(const char *name, void *context)
{
    const uint32_t lengths[2] = {(uint32_t)strlen(name), 0};

    (void)context;
    lengths_at = used;
    put(lengths, sizeof(lengths));
    put(name, lengths[0]);
}

static void put_content(const void *bytes, unsigned len, void *context)
{
    uint32_t content;

    (void)context;
    put(bytes, len);
    memcpy(&content, record + lengths_at + sizeof(content), sizeof(content));
    content += len;
    memcpy(record + lengths_at + sizeof(content), &content, sizeof(content));
}

/* Only counters of another kind than arcs ask for memory. */
static void *allocate(unsigned len, void *context)
{
    (void)len;
    (void)context;
    __builtin_trap();
}

static void hand_over(void)
{
    static const char magic[8] = "counts\n";
    const int error = errno;
    uint32_t len = 0;

    used = 0;
    put(magic, sizeof(magic));
    put(&len, sizeof(len));
    for (size_t i = 0; i < object_count; i++)
        __gcov_info_to_gcda(objects[i], put_name, put_content, allocate, NULL);
    len = used - (uint32_t)sizeof(magic) - (uint32_t)sizeof(len);
    memcpy(record + sizeof(magic), &len, sizeof(len));

    /* Not by functions of the C library, which tests replace. Where the file cannot be seen or written to, as in a
     * sandbox, the counts are lost. */
    const long fd = syscall(SYS_openat, AT_FDCWD, COUNTS, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0) {
        (void)!syscall(SYS_write, fd, record, used);
        syscall(SYS_close, fd);
    }
    errno = error;
}

void __gcov_init(struct gcov_info *object)
{
    if (object_count == OBJECTS_MAX)
        __builtin_trap();
    objects[object_count++] = object;
}

/* Called once for each object. */
void __gcov_exit(void)
{
    static bool done;

    if (!done)
        hand_over();
    done = true;
}

/* Each object names it, and nothing here merges. */
void __gcov_merge_add(void)
{
}

int __gcov_execve(const char *path, char *const argv[], char *const environment[])
{
    hand_over();
    return execve(path, argv, environment);
}

void __wrap__exit(int status)
{
    hand_over();
    __real__exit(status);
}
