/* SPDX-License-Identifier: ISC */
/*
 * file.h: each reason to refuse a file, on real files. What is judged as root's needs root, and a place that is root's
 * alone, which /tmp is not: those tests are skipped for other users.
 */
#undef _FORTIFY_SOURCE /* its inline functions would stand in the way of ours */
#include "file.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOREIGN 65534

static char scratch[PATH_MAX / 4];

/* Where a link cannot be read, for once. */
static bool link_unreadable;

ssize_t readlinkat(int fd, const char *path, char *target, size_t room)
{
    if (!link_unreadable)
        return syscall(SYS_readlinkat, fd, path, target, room);
    errno = EIO;
    return -1;
}

/* The file to which somebody appends a byte just before it is read; NULL: nobody does. */
static const char *grows;

ssize_t read(int fd, void *bytes, size_t len)
{
    if (grows != NULL) {
        const int end_fd = open(grows, O_WRONLY | O_APPEND | O_CLOEXEC);

        grows = NULL;
        if (end_fd < 0 || write(end_fd, "!", 1) != 1 || close(end_fd) != 0)
            abort();
    }
    return syscall(SYS_read, fd, bytes, len);
}

/* The path of a name in the scratch directory; two are good at a time. */
static const char *at(const char *name)
{
    static char paths[2][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(at(name), "wb");

    if (file == NULL)
        return;
    fputs(text, file);
    fclose(file);
    chmod(at(name), mode);
}

static void clean(void)
{
    static const char *const files[] = {"file",    "link",        "fifo",       "chain-a",
                                        "chain-b", "dir/command", "dir/sub/up", "dir/other"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(at(files[i]));
    rmdir(at("dir/sub"));
    rmdir(at("dir"));
    rmdir(scratch);
}

static void skip(const char *what)
{
    printf("ok %u - # SKIP needs root: %s\n", ++check_count, what);
}

/* ---- Files with secrets ---- */

#define ROOM_MAX 128

/* The same into a room of the caller's: with this answer, and behind the room nothing is touched. */
static bool secret_is(const char *path, size_t limit, enum file_fault want)
{
    uint8_t room[ROOM_MAX + 1];
    size_t len = 0, zeros = 0, untouched = 0;

    memset(room, 0xa5, sizeof(room));
    const enum file_fault fault = file_read_secret(path, limit, room, &len);
    const int reason = errno;

    while (zeros <= limit && room[zeros] == 0)
        zeros++;
    for (size_t i = limit + 1; i < sizeof(room); i++)
        untouched += room[i] == 0xa5;
    errno = reason;
    return fault == want && untouched == ROOM_MAX - limit && (fault == FILE_OK ? len <= limit : zeros == limit + 1);
}

static void read_is(const char *path, size_t limit, enum file_fault want, const char *what)
{
    struct locked text = {0};
    size_t len = 0;
    const enum file_fault fault = file_read_private(path, limit, &text, &len);

    if (!check(fault == want, "I8: %s: %s", what, file_fault_text(want)))
        printf("# got: %s\n", file_fault_text(fault));
    check(fault == FILE_OK || text.bytes == NULL, "and nothing is left in memory after a fault");
    locked_free(&text);
    check(secret_is(path, limit, want), "the same for a secret among others");
}

static void test_content(void)
{
    struct locked text = {0};
    size_t len = 99;

    put("file", "one\ntwo\n", 0600);
    if (check(file_read_private(at("file"), 8, &text, &len) == FILE_OK && len == 8,
              "a file at its limit is read whole")) {
        check(memcmp(text.bytes, "one\ntwo\n", 8) == 0, "its bytes are right");
        check(text.bytes[8] == '\0', "a NUL follows them");
    }
    locked_free(&text);

    uint8_t room[9] = {0};
    check(file_read_secret(at("file"), 8, room, &len) == FILE_OK && len == 8 && memcmp(room, "one\ntwo\n", 9) == 0,
          "so is one that is read to a room of its size and a byte");
    put("file", "", 0600);
    check(file_read_secret(at("file"), 8, room, &len) == FILE_OK && len == 0, "or an empty one");
    check(file_read_private(at("file"), 8, &text, &len) == FILE_OK && len == 0 && text.bytes[0] == '\0',
          "an empty file is an empty text");
    locked_free(&text);
}

static void test_modes(void)
{
    put("file", "secret", 0);
    for (mode_t mode = 0; mode <= 0777; mode++) {
        const enum file_fault want = (mode & 022) != 0 ? FILE_WRITABLE : (mode & 04) != 0 ? FILE_READABLE : FILE_OK;
        struct locked text = {0};
        size_t len;

        if ((mode & 0400) == 0)
            continue; /* only root could read it */
        chmod(at("file"), mode);
        const enum file_fault fault = file_read_private(at("file"), 100, &text, &len);
        if (fault != want)
            check(false, "I8: mode %04o: %s, not: %s", mode, file_fault_text(want), file_fault_text(fault));
        locked_free(&text);
        if (file_read_public(at("file"), 100, &text, &len) != (want == FILE_READABLE ? FILE_OK : want))
            check(false, "mode %04o of a file without secrets, which others may read", mode);
        locked_free(&text);
    }
    check(true, "I8: all modes were tried");
}

static void test_growing(void)
{
    struct locked text = {0};
    uint8_t room[101];
    size_t len;

    put("file", "secret", 0600);
    grows = at("file");
    check(file_read_private(at("file"), 100, &text, &len) == FILE_CHANGED && text.bytes == NULL,
          "I8: a file with more in it than it had: %s", file_fault_text(FILE_CHANGED));
    grows = at("file");
    check(file_read_secret(at("file"), 100, room, &len) == FILE_CHANGED && room[0] == 0,
          "and the same for a secret among others");
    check(grows == NULL && file_read_secret(at("file"), 100, room, &len) == FILE_OK && memcmp(room, "secret!!", 8) == 0,
          "once more, it is read whole");
}

static void test_read(void)
{
    test_content();
    test_modes();
    put("file", "123456789", 0600);
    read_is(at("file"), 8, FILE_TOO_LARGE, "one byte over the limit");
    read_is(at("file"), 9, FILE_OK, "at the limit");
    put("file", "secret", 0644);
    read_is(at("file"), 100, FILE_READABLE, "mode 0644");
    put("file", "secret", 0660);
    read_is(at("file"), 100, FILE_WRITABLE, "mode 0660");
    put("file", "secret", 0602);
    read_is(at("file"), 100, FILE_WRITABLE, "mode 0602");
    put("file", "secret", 0640);
    read_is(at("file"), 100, FILE_OK, "mode 0640");
    check(symlink("file", at("link")) == 0, "a link to it is made");
    read_is(at("link"), 100, FILE_OK, "through a symbolic link");
    unlink(at("link"));
    read_is(at("nothing"), 100, FILE_CANNOT_OPEN, "a missing file");
    check_number((uint64_t)errno, ENOENT, "errno says that it is missing");
    read_is(scratch, 100, FILE_NOT_REGULAR, "a directory");
    read_is("/dev/null", 100, FILE_NOT_REGULAR, "a device");
    /* If this waited, the alarm in main would end the test. */
    check(mkfifo(at("fifo"), 0600) == 0, "a FIFO is made");
    read_is(at("fifo"), 100, FILE_NOT_REGULAR, "a FIFO without a writer");
    /* This file says that it has no bytes, and then has some, as one that grows while it is read. */
    read_is("/proc/self/environ", 100, FILE_CHANGED, "a file that grows");
    test_growing();

    put("file", "secret", 0600);
    if (geteuid() != 0) {
        skip("a file of another user");
        return;
    }
    check(chown(at("file"), FOREIGN, FOREIGN) == 0, "the file gets another owner");
    read_is(at("file"), 100, FILE_FOREIGN_OWNER, "a file of another user");
    check(seteuid(FOREIGN) == 0, "as that user");
    read_is(at("file"), 100, FILE_OK, "the user's own file");
    check(seteuid(0) == 0, "as root again");
    unlink(at("file"));
}

/* ---- Commands ---- */

/* As file_open_command, and nothing stays open. */
static enum file_fault look(const char *path, bool as_root, char culprit[static PATH_MAX])
{
    struct file_command command;
    const enum file_fault fault = file_open_command(path, as_root, &command, culprit);
    const int error = errno;

    if ((fault == FILE_OK) != (command.fd >= 0 && command.dir_fd >= 0))
        check(false, "it is open when it may be run, and only then");
    file_close_command(&command);
    errno = error;
    return fault;
}

static void command_is(const char *path, bool as_root, enum file_fault want, const char *want_culprit)
{
    char culprit[PATH_MAX];
    const enum file_fault fault = look(path, as_root, culprit);

    if (!check(fault == want, "I8: %.200s %s%s", path, file_fault_text(want), as_root ? ", for root" : ""))
        printf("# got: %s: %s\n", file_fault_text(fault), strerror(errno));
    if (want_culprit != NULL)
        check_text(culprit, want_culprit, "and the culprit is named");
}

/* The same as any user: what is not a command at all. */
static void test_command_kind(bool as_root)
{
    char path[PATH_MAX + 2];
    char culprit[PATH_MAX];

    put("dir/command", "#!/bin/sh\n", 0755);
    command_is(at("dir/command"), as_root, FILE_OK, NULL);
    command_is("bin/sh", as_root, FILE_NOT_ABSOLUTE, "bin/sh");
    command_is("", as_root, FILE_NOT_ABSOLUTE, "");
    command_is("/", as_root, FILE_NOT_REGULAR, "/");
    command_is(at("dir"), as_root, FILE_NOT_REGULAR, at("dir"));
    command_is(at("dir/nothing"), as_root, FILE_CANNOT_OPEN, at("dir/nothing"));
    check_number((uint64_t)errno, ENOENT, "errno says that it is missing");
    command_is(at("dir/command/"), as_root, FILE_CANNOT_OPEN, at("dir/command"));
    check_number((uint64_t)errno, ENOTDIR, "errno says that it is no directory");
    command_is(at("dir/command/x"), as_root, FILE_CANNOT_OPEN, at("dir/command"));
    chmod(at("dir/command"), 0644);
    command_is(at("dir/command"), as_root, FILE_NOT_EXECUTABLE, at("dir/command"));
    chmod(at("dir/command"), 0755);
    command_is(at("dir/./sub//..///command"), as_root, FILE_OK, NULL);
    check(symlink("../command", at("dir/sub/up")) == 0, "a relative link is made");
    command_is(at("dir/sub/up"), as_root, FILE_OK, NULL);
    check(symlink(at("dir"), at("link")) == 0, "an absolute link to a directory is made");
    command_is(at("link/command"), as_root, FILE_OK, NULL);
    command_is(at("link/nothing"), as_root, FILE_CANNOT_OPEN, at("dir/nothing"));
    unlink(at("link"));
    check(symlink("chain-b", at("chain-a")) == 0 && symlink("chain-a", at("chain-b")) == 0,
          "links in a circle are made");
    command_is(at("chain-a"), as_root, FILE_TOO_MANY_LINKS, NULL);

    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    check(look(path, as_root, culprit) == FILE_CANNOT_OPEN && errno == ENAMETOOLONG,
          "a path that is too long is refused");
    memset(path + 1, 'x', 300);
    path[301] = '\0';
    check(look(path, as_root, culprit) == FILE_CANNOT_OPEN && errno == ENAMETOOLONG,
          "a name that is too long is refused");
}

static void test_links(void)
{
    char target[PATH_MAX];
    char culprit[PATH_MAX];

    command_is("/dev/null", false, FILE_NOT_REGULAR, "/dev/null");
    check(symlink("dir/command", at("link")) == 0, "a link is made");
    link_unreadable = true;
    command_is(at("link"), false, FILE_CANNOT_OPEN, at("link"));
    check_number((uint64_t)errno, EIO, "errno says why a link cannot be read");
    link_unreadable = false;
    unlink(at("link"));

    /* A link to itself with a few steps more: what is still to go grows each time. */
    memset(target, '/', sizeof(target));
    memcpy(target, "link", 4);
    target[2000] = '.';
    target[2001] = '\0';
    check(symlink(target, at("link")) == 0, "a link that grows is made");
    check(look(at("link"), false, culprit) == FILE_CANNOT_OPEN && errno == ENAMETOOLONG,
          "what links make too long is refused");
    unlink(at("link"));
}

/* Directories in directories, until no path from / leads there, and back up again. */
static void test_deep(void)
{
    char name[NAME_MAX + 1];
    char target[NAME_MAX * 14];
    char culprit[PATH_MAX];
    size_t used = 0;
    unsigned depth = 0;
    const int here = open(".", O_PATH | O_DIRECTORY);

    memset(name, 'd', NAME_MAX);
    name[NAME_MAX] = '\0';
    for (unsigned i = 0; i < 8; i++)
        used += (size_t)snprintf(target + used, sizeof(target) - used, "%s/", name);
    snprintf(target + used, sizeof(target) - used, "on");

    bool made = here >= 0 && chdir(scratch) == 0;
    for (; made && depth < 20; depth++) {
        if (depth % 8 == 0)
            made = symlink(target, "on") == 0;
        made = made && mkdir(name, 0755) == 0 && chdir(name) == 0;
    }
    check(made, "directories 20 deep are made, and links through eight at a time");
    check(look(at("on"), false, culprit) == FILE_CANNOT_OPEN && errno == ENAMETOOLONG,
          "a command deeper than any path is refused");
    for (; made && depth > 0; depth--) {
        unlink("on");
        made = chdir("..") == 0 && rmdir(name) == 0;
    }
    unlink("on");
    check(made && fchdir(here) == 0, "and they are gone again");
    close(here);
}

static void test_texts(void)
{
    unsigned same = 0;

    for (enum file_fault fault = FILE_OK; fault <= FILE_TOO_MANY_LINKS; fault++)
        for (enum file_fault other = FILE_OK; other < fault; other++)
            same += strcmp(file_fault_text(fault), file_fault_text(other)) == 0;
    check_number(same, 0, "each fault has a text of its own");
}

static void test_root_command(void)
{
    command_is("/bin/sh", true, FILE_OK, NULL);

    chmod(at("dir/command"), 0775);
    command_is(at("dir/command"), true, FILE_OTHERS_WRITE, at("dir/command"));
    command_is(at("dir/command"), false, FILE_OK, NULL);
    chmod(at("dir/command"), 0757);
    command_is(at("dir/command"), true, FILE_OTHERS_WRITE, at("dir/command"));
    chmod(at("dir/command"), 0755);

    chmod(at("dir"), 0775);
    command_is(at("dir/command"), true, FILE_OTHERS_WRITE, at("dir"));
    command_is(at("dir/command"), false, FILE_OK, NULL);
    command_is(at("dir/sub/up"), true, FILE_OTHERS_WRITE, at("dir"));
    chmod(at("dir"), 01777);
    command_is(at("dir/command"), true, FILE_OTHERS_WRITE, at("dir"));
    /* A link into such a directory, from a good one. */
    check(symlink("dir/command", at("link")) == 0, "a link is made");
    command_is(at("link"), true, FILE_OTHERS_WRITE, at("dir"));
    unlink(at("link"));
    chmod(at("dir"), 0755);

    check(chown(at("dir/command"), FOREIGN, 0) == 0, "the command gets another owner");
    command_is(at("dir/command"), true, FILE_NOT_ROOTS, at("dir/command"));
    command_is(at("dir/command"), false, FILE_OK, NULL);
    check(chown(at("dir/command"), 0, 0) == 0 && chown(at("dir"), FOREIGN, 0) == 0, "its directory gets another owner");
    command_is(at("dir/command"), true, FILE_NOT_ROOTS, at("dir"));
    command_is(at("dir/command"), false, FILE_OK, NULL);

    /* A link in a directory of another user, to a command that is good by itself. */
    check(symlink("/bin/sh", at("dir/other")) == 0, "a link is made");
    command_is(at("dir/other"), true, FILE_NOT_ROOTS, at("dir"));
    check(chown(at("dir"), 0, 0) == 0, "its directory is root's again");
    command_is(at("dir/other"), true, FILE_OK, NULL);
}

static bool make_scratch(const char *template)
{
    snprintf(scratch, sizeof(scratch), "%s", template);
    return mkdtemp(scratch) != NULL && chmod(scratch, 0755) == 0 && mkdir(at("dir"), 0755) == 0 &&
           mkdir(at("dir/sub"), 0755) == 0;
}

static void test_descriptors(void)
{
    char culprit[PATH_MAX];
    const int before = dup(0);

    close(before);
    look("/bin/sh", true, culprit);
    look("/bin/nothing", true, culprit);
    look("/proc/self/exe", false, culprit);
    const int after = dup(0);
    close(after);
    check_number((uint64_t)after, (uint64_t)before, "no descriptor is left open");
}

int main(void)
{
    umask(022);
    alarm(600);
    if (!make_scratch("/tmp/ostiary-test-file-XXXXXX"))
        return 99;
    test_read();
    test_command_kind(false);
    test_links();
    test_deep();
    test_texts();
    clean();
    /* Of /run only root can change the content, and so it is on the way to all that is in it. */
    if (geteuid() == 0 && make_scratch("/run/ostiary-test-file-XXXXXX")) {
        test_command_kind(true);
        test_root_command();
        clean();
    } else {
        skip("commands that root runs");
    }
    test_descriptors();
    return check_end();
}
