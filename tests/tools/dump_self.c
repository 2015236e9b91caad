/* SPDX-License-Identifier: ISC */
/*
 * An action for the tests: writes down everything it was started with, and nothing else.
 *
 * The report is "dump.PID" in the directory ../out as seen from the program, renamed into place when it is whole. One
 * line for each thing: "arg TEXT", "env NAME=VALUE", "fd N TARGET", "cwd PATH", "umask 022", "key none|found" (is
 * root's own in the session keyring? see burden.py), "terminal none|there|pushed" (is there one, and can a byte be
 * typed into it?), then /proc/self/status and /proc/self/limits as they are. A program, not a script: a shell changes
 * signals and environment itself.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void dump_descriptors(FILE *out)
{
    DIR *descriptors = opendir("/proc/self/fd");
    const struct dirent *entry;
    char target[PATH_MAX];

    if (descriptors == NULL)
        err(1, "/proc/self/fd");
    while ((entry = readdir(descriptors)) != NULL) {
        const ssize_t len = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof(target) - 1);
        char own[16];

        snprintf(own, sizeof(own), "%d", dirfd(descriptors));
        if (len < 0 || strcmp(entry->d_name, own) == 0)
            continue;
        target[len] = '\0';
        fprintf(out, "fd %s %s\n", entry->d_name, target);
    }
    closedir(descriptors);
}

static void dump_key(FILE *out)
{
    const long found = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "root's own", 0);

    fprintf(out, "key %s\n", found >= 0 ? "found" : "none");
}

static void dump_terminal(FILE *out)
{
    const int terminal_fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

    if (terminal_fd < 0)
        fprintf(out, "terminal none\n");
    else
        fprintf(out, "terminal %s\n", ioctl(terminal_fd, TIOCSTI, "x") == 0 ? "pushed" : "there");
    close(terminal_fd);
}

static void dump_file(FILE *out, const char *path)
{
    FILE *in = fopen(path, "re");
    char line[1024];

    if (in == NULL)
        err(1, "%s", path);
    while (fgets(line, sizeof(line), in) != NULL)
        fputs(line, out);
    fclose(in);
}

int main(int argc, char **argv)
{
    char self[PATH_MAX] = "";
    char path[PATH_MAX + 32];
    char whole[PATH_MAX + 32];
    char cwd[PATH_MAX];
    char *report = NULL;
    size_t size = 0;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        err(1, "/proc/self/exe");
    const char *place = dirname(self);
    snprintf(path, sizeof(path), "%s/../out/.dump.%d", place, getpid());
    snprintf(whole, sizeof(whole), "%s/../out/dump.%d", place, getpid());

    /* In memory until the descriptors have been listed: a file would be one of them. */
    FILE *out = open_memstream(&report, &size);
    if (out == NULL)
        err(1, "open_memstream");
    dump_descriptors(out);
    for (int i = 0; i < argc; i++)
        fprintf(out, "arg %s\n", argv[i]);
    for (char **variable = environ; *variable != NULL; variable++)
        fprintf(out, "env %s\n", *variable);
    if (getcwd(cwd, sizeof(cwd)) == NULL)
        err(1, "getcwd");
    fprintf(out, "cwd %s\n", cwd);
    const mode_t mask = umask(022);
    fprintf(out, "umask %03o\n", (unsigned)mask);
    dump_key(out);
    dump_terminal(out);
    dump_file(out, "/proc/self/status");
    dump_file(out, "/proc/self/limits");
    fclose(out);

    out = fopen(path, "we");
    if (out == NULL || fwrite(report, 1, size, out) != size || fclose(out) != 0 || rename(path, whole) != 0)
        err(1, "%s", path);
    free(report);
    return 0;
}
