/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of a command, for test_program.c: become a user and execute it. This is a program of its own,
 * built without sanitizers and not followed by valgrind, which judges commands itself before the kernel sees them.
 *
 * usage: try-execve FD UID GID PATH
 *
 * Writes to FD, which the command does not inherit, first an int of 0, when nothing is left to do but execve(2); then
 * its error number, if it has failed. It writes nothing where an earlier step has failed. Only root becomes another.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS 5

static bool become(uid_t uid, gid_t gid)
{
    return geteuid() != 0 ||
           (setgroups(1, &gid) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0);
}

static bool be_silent(void)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return dup2(null_fd, STDIN_FILENO) >= 0 && dup2(null_fd, STDOUT_FILENO) >= 0 && dup2(null_fd, STDERR_FILENO) >= 0;
}

static bool answer(int fd, int value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value);
}

int main(int argc, char **argv)
{
    char *const environment[] = {NULL};

    if (argc != ARGUMENTS)
        return EXIT_FAILURE;

    const int fd = (int)strtol(argv[1], NULL, 10);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !be_silent() ||
        !become((uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10)) || chdir("/") != 0 ||
        !answer(fd, 0))
        return EXIT_FAILURE;
    execve(argv[4], argv + 4, environment);
    answer(fd, errno);
    return EXIT_FAILURE;
}
