/* SPDX-License-Identifier: ISC */
/*
 * program.h against the kernel: for each file here program_check says what execve(2) then does (I12). And what it says.
 * As root it is looked at as another user, and executed as that one.
 */
#include "program.h"

#include "check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 65534

static const char *try_execve; /* the program of try_execve.c */
static char scratch[PATH_MAX / 4];
static char problem[PROGRAM_TEXT_LEN];
static struct account account;

static const char *at(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static void put_bytes(const char *name, const void *bytes, size_t len, mode_t mode)
{
    const int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || fchmod(fd, mode) != 0)
        check(false, "%s is made", name);
    close(fd);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text), 0755);
}

/* What execve says of it to the account: 0 or an error number; -1 where it was not even tried. See try_execve.c. */
static int execute(const char *path)
{
    int ends[2];
    char fd[16], uid[16], gid[16];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    snprintf(fd, sizeof(fd), "%d", ends[1]);
    snprintf(uid, sizeof(uid), "%u", (unsigned)account.uid);
    snprintf(gid, sizeof(gid), "%u", (unsigned)account.gid);

    const pid_t child = fork();
    if (child == 0) {
        if (fcntl(ends[1], F_SETFD, 0) == 0)
            execl(try_execve, try_execve, fd, uid, gid, path, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    /* Until it has ended or is the command: the last that it has said counts. */
    int error = -1;
    for (int said; read(ends[0], &said, sizeof(said)) == sizeof(said);)
        error = said;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return error;
}

/* Both say the same; and where it is bad, in these words. */
static void judged(const char *path, bool good, const char *words)
{
    const int status = program_check(path, &account, "joe", problem);
    const int error = execute(path);
    const bool alike = error >= 0 && (status == 0) == good && (error == 0) == good;

    if (!check(alike, "I12: %.100s: %s", words, good ? "runs" : "does not run"))
        printf("# program_check says %d '%s', execve %s\n", status, status == 0 ? "" : problem,
               error < 0 ? "was not tried" : strerror(error));
    if (!good && status != 0 && !check(strstr(problem, words) != NULL, "and it says so"))
        printf("# want '%s' in: %s\n", words, problem);
}

/* What the kernel would make something of, and we do not. */
static void refused(const char *path, const char *words)
{
    if (!check(program_check(path, &account, "joe", problem) != 0 && strstr(problem, words) != NULL, "I12: %s", words))
        printf("# got: %s\n", problem);
}

static void script(const char *first_line, bool good, const char *words)
{
    put("script", first_line);
    judged(at("script"), good, words);
}

static void test_first_lines(void)
{
    char line[600];

    script("#!/bin/sh\n", true, "a script");
    script("#!/bin/sh", true, "no line end");
    script("#! \t /bin/sh \t \n", true, "blanks around the interpreter");
    script("#!/bin/sh -e -u\n", true, "an argument with a blank");
    script("#!bin/sh\n", true, "an interpreter from the directory /");
    script("#!/bin/sh\r\n", false, "carriage return: save it with Unix line ends");
    script("#!/bin/sh\r", false, "carriage return");
    script("#!/no/such/shell\n", false, "its interpreter '/no/such/shell': '/no': No such file or directory");
    script("#!no-such-shell\n", false, "its interpreter '/no-such-shell': No such file or directory");
    script("#!/bin\n", false, "is not a regular file");
    script("#!/etc/passwd\n", false, "not executable");
    script("#!/dev/null\n", false, "is not a regular file");
    script("#!\n", false, "names no interpreter");
    script("#! \t\n", false, "names no interpreter");
    script("#!", false, "names no interpreter");
    script("echo hello\n", false, "is no program: its first line must be #! and an interpreter");
    script("#", false, "is no program");
    script(" #!/bin/sh\n", false, "is no program");
    script("\xef\xbb\xbf#!/bin/sh\n", false, "is no program");
    script("", false, "is empty");

    /* 255 bytes are read of a line: what is longer is cut, the argument silently and the interpreter not at all. */
    memset(line, 'x', sizeof(line));
    memcpy(line, "#!/bin/sh -c ", 13);
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    script(line, true, "a long line with a short interpreter");
    memset(line, '/', 400);
    memcpy(line, "#!", 2);
    memcpy(line + 400, "bin/sh\n", 8);
    script(line, false, "cut off");
    for (size_t len = 254; len <= 258; len++) {
        memset(line, '/', len);
        memcpy(line, "#!", 2);
        memcpy(line + len - 6, "bin/sh", 6);
        memcpy(line + len, " \n", 3);
        script(line, len <= 255, len <= 255 ? "as long as may be" : "cut off");
        memcpy(line + len, "\n", 2);
        script(line, len <= 255, len <= 255 ? "as long as may be, then a line end" : "cut off");
    }
}

/* For execve it is env that has to be there; what env is to find can be known as well. */
static void env_finds(const char *first_line)
{
    put("script", first_line);
    if (!check(program_check(at("script"), &account, "joe", problem) == 0, "I12: %.40s", first_line))
        printf("# got: %s\n", problem);
}

static void env_misses(const char *first_line, const char *words)
{
    put("script", first_line);
    refused(at("script"), words);
}

static void test_env(void)
{
    char line[PATH_MAX];

    env_finds("#!/usr/bin/env sh\n");
    env_finds("#! /usr/bin/env \t sh \t \n");
    env_finds("#!usr/bin/env sh");
    env_finds("#!/usr/bin/env /bin/sh\n");
    env_finds("#!/usr/bin/env bin/sh\n");
    env_finds("#!/usr/bin/env -S sh -e\n");
    env_finds("#!/usr/bin/env -Ssh\n");
    env_misses(
        "#!/usr/bin/env no-such-shell\n",
        "/script' is a script for 'no-such-shell', which user 'joe' can execute in no directory of its PATH, /usr/");
    env_misses("#!/usr/bin/env sh -e\n", "is a script for 'sh -e', which");
    env_misses("#!/usr/bin/env /no/such/shell\n", "its interpreter '/no/such/shell': '/no': No such file or directory");
    env_misses("#!/usr/bin/env no/such/shell\n", "its interpreter '/no/such/shell': '/no': No such file or directory");
    env_misses("#!/usr/bin/env -S no-such-shell -e\n", "is a script for 'no-such-shell', which");
    env_misses("#!/usr/bin/env -Sno-such-shell\n", "is a script for 'no-such-shell', which");
    snprintf(line, sizeof(line), "#!%s\n", at("script-for-env"));
    put("script-for-env", "#!/usr/bin/env no-such-shell\n");
    env_misses(line, "/script-for-env' is a script for 'no-such-shell', which");
    /* Not plain: env alone knows what it will make of it. */
    env_finds("#!/usr/bin/env\n");
    env_finds("#!/usr/bin/env -i no-such-shell\n");
    env_finds("#!/usr/bin/env NAME=value\n");
    env_finds("#!/usr/bin/env -S NAME=value no-such-shell\n");
    env_finds("#!/usr/bin/env -S 'no-such-shell'\n");
    env_finds("#!/usr/bin/env -S $SHELL\n");
}

/* With a NUL, which texts cannot have. */
static void test_nul(void)
{
    put_bytes("script", "#!/bin/sh\0 -e\n", 14, 0755);
    judged(at("script"), true, "a NUL ends the interpreter");
    put_bytes("script", "#!\0/bin/sh\n", 11, 0755);
    judged(at("script"), false, "names no interpreter");
}

/* Scripts whose interpreters are scripts: as many as the kernel follows. */
static void test_nesting(void)
{
    char name[16], text[PATH_MAX];

    put("s0", "#!/bin/sh\n");
    for (unsigned depth = 1; depth <= 6; depth++) {
        snprintf(name, sizeof(name), "s%u", depth - 1);
        snprintf(text, sizeof(text), "#!%s\n", at(name));
        snprintf(name, sizeof(name), "s%u", depth);
        put(name, text);
        judged(at(name), depth < 5, depth < 5 ? "scripts behind each other" : "script behind five others");
    }
    snprintf(text, sizeof(text), "#!%s\n", at("script"));
    put("script", text);
    judged(at("script"), false, "script behind five others");
}

static void test_rights(void)
{
    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root: what another user may\n", ++check_count);
        return;
    }
    put("script", "#!/bin/sh\n");
    chmod(at("script"), 0744);
    judged(at("script"), false, "may not be executed by user 'joe'");
    chmod(at("script"), 0644);
    judged(at("script"), false, "is not executable: chmod +x");
    check(chown(at("script"), USER, 0) == 0 && chmod(at("script"), 0500) == 0, "the script is the user's");
    judged(at("script"), true, "the user's own");
    mkdir(at("closed"), 0700);
    put("closed/script", "#!/bin/sh\n");
    judged(at("closed/script"), false, "/closed' is a directory that the user it runs as may not search: chmod +x");
    script("#!/bin/sh\n", true, "a script again");

    char text[PATH_MAX];
    snprintf(text, sizeof(text), "#!%s -x\n", at("closed/script"));
    script(text, false, "/closed' is a directory that the user it runs as may not search");

    /* It starts, and then its interpreter may not read it: that is no start. */
    put("script", "#!/bin/sh\n");
    check(chown(at("script"), 0, 0) == 0 && chmod(at("script"), 0711) == 0, "the script is not for reading");
    refused(at("script"), "is a script that user 'joe' may not read, which its interpreter has to: chmod +r");
    check(geteuid() == 0 && getegid() == 0, "and this process is root again");
}

/* ---- Programs ---- */

static uint8_t program[8 * 1024 * 1024];
static size_t program_len;

static bool read_program(const char *path)
{
    FILE *file = fopen(path, "rb");

    program_len = file != NULL ? fread(program, 1, sizeof(program), file) : 0;
    if (file != NULL)
        fclose(file);
    return program_len > sizeof(Elf64_Ehdr) && program_len < sizeof(program);
}

/* A copy of a program with some bytes of it changed. */
static void patch(size_t offset, const void *bytes, size_t len)
{
    uint8_t kept[64];

    memcpy(kept, program + offset, len);
    memcpy(program + offset, bytes, len);
    put_bytes("program", program, program_len, 0755);
    memcpy(program + offset, kept, len);
}

static void patched(size_t offset, const void *bytes, size_t len, bool good, const char *words)
{
    patch(offset, bytes, len);
    judged(at("program"), good, words);
}

/* The loader's path, in the program; of the same length. */
static void test_loader(void)
{
    uint8_t *found = memmem(program, program_len, "/lib", 4);

    if (check(found != NULL, "it names a loader"))
        patched((size_t)(found - program), "/lob", 4, false, "its interpreter '/lob");
}

static void test_programs(void)
{
    static const uint8_t zero[2], object[2] = {ET_REL}, foreign[2] = {EM_S390}, wrong_class = 7,
                                  wrong_order = ELFDATA2MSB;

    if (!check(read_program("/bin/true"), "a program is read"))
        return;
    judged("/bin/true", true, "a program");
    patched(0, "\x7f", 1, true, "a copy of it");
    patched(offsetof(Elf64_Ehdr, e_type), object, 2, false, "is an object file");
    patched(offsetof(Elf64_Ehdr, e_machine), foreign, 2, false, "another kind of machine");
    /* The kernel looks at the machine's number alone. */
    patch(EI_CLASS, &wrong_class, 1);
    refused(at("program"), "another kind of machine");
    patch(EI_DATA, &wrong_order, 1);
    refused(at("program"), "another kind of machine");
    patched(offsetof(Elf64_Ehdr, e_phnum), zero, 2, false, "damaged program");
    patched(offsetof(Elf64_Ehdr, e_phentsize), zero, 2, false, "damaged program");
    patched(offsetof(Elf64_Ehdr, e_phoff) + 4, "\1", 1, false, "damaged program");
    test_loader();
    put_bytes("program", program, program_len, 0711);
    judged(at("program"), true, "a program that its user may not read");
    put_bytes("program", program, 64, 0755);
    judged(at("program"), false, "damaged program");
    put_bytes("program", program, 20, 0755);
    judged(at("program"), false, "damaged program");
    /* The kernel starts what has been cut behind its headers, and it dies at once. */
    put_bytes("program", program, program_len / 2, 0755);
    refused(at("program"), "is a program that has been cut short");
}

/* Who is not root, and is the account itself, can execute what he cannot read, and has no way to look into it. */
static void test_unreadable(void)
{
    int status = -1;

    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root: what another user may\n", ++check_count);
        return;
    }
    put_bytes("program", "no program", 10, 0711);
    const pid_t child = fork();
    if (child == 0)
        _exit(setgroups(1, account.groups) == 0 && setgid(account.gid) == 0 && setuid(account.uid) == 0
                  ? program_check(at("program"), &account, "joe", problem) != 0
                  : 99);
    check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "what cannot be read here is left to the kernel");
}

/* The least that a program of the narrow class is: a header, and one segment, here the path of its loader. */
struct narrow {
    Elf32_Ehdr head;
    Elf32_Phdr segment;
    char loader[PATH_MAX - 1];
};

static void put_narrow(const struct narrow *program_bytes)
{
    put_bytes("narrow", program_bytes, sizeof(*program_bytes), 0755);
}

/* Whether this kernel starts them is its own business, so execve is not asked. */
static void test_narrow(void)
{
    Elf64_Ehdr own;
    struct narrow narrow = {
        .head = {.e_type = ET_EXEC,
                 .e_phoff = offsetof(struct narrow, segment),
                 .e_phentsize = sizeof(Elf32_Phdr),
                 .e_phnum = 1},
        .segment = {.p_type = PT_LOAD, .p_filesz = sizeof(narrow)},
    };

    if (!check(read_program("/bin/true"), "a program of this machine is read"))
        return;
    memcpy(&own, program, sizeof(own));
    memcpy(narrow.head.e_ident, own.e_ident, EI_NIDENT);
    narrow.head.e_ident[EI_CLASS] = ELFCLASS32;
    narrow.head.e_machine = own.e_machine;
    put_narrow(&narrow);
    check(program_check(at("narrow"), &account, "joe", problem) == 0, "a program of 32 bits is one");
    if (own.e_machine == EM_X86_64) {
        narrow.head.e_machine = EM_386;
        put_narrow(&narrow);
        check(program_check(at("narrow"), &account, "joe", problem) == 0, "and so is one of the older processor");
    }
    narrow.head.e_phentsize = sizeof(Elf64_Phdr);
    put_narrow(&narrow);
    refused(at("narrow"), "damaged program");
    narrow.head.e_phentsize = sizeof(Elf32_Phdr);
    narrow.segment.p_filesz++;
    put_narrow(&narrow);
    refused(at("narrow"), "is a program that has been cut short");

    /* Two paths that are as long as paths may be: there is no room for more than them. */
    char longest[PATH_MAX];
    const char *name = at("narrow");
    memset(longest, '/', sizeof(longest));
    memcpy(longest + sizeof(longest) - strlen(name) - 1, name, strlen(name) + 1);
    memset(narrow.loader, '/', sizeof(narrow.loader) - 1);
    narrow.segment = (Elf32_Phdr){
        .p_type = PT_INTERP, .p_offset = offsetof(struct narrow, loader), .p_filesz = sizeof(narrow.loader)};
    put_narrow(&narrow);
    check(program_check(longest, &account, "joe", problem) != 0 && strlen(problem) == PROGRAM_TEXT_LEN - 1 &&
              strstr(problem, "': its interpreter '////") != NULL,
          "two paths of the greatest length are named as far as there is room");
}

static void test_noexec(void)
{
    if (geteuid() != 0 || mkdir(at("mount"), 0755) != 0 ||
        mount("none", at("mount"), "tmpfs", MS_NOEXEC, "size=64k") != 0) {
        printf("ok %u - # SKIP needs root: a mount\n", ++check_count);
        return;
    }
    put("mount/script", "#!/bin/sh\n");
    judged(at("mount/script"), false, "mounted noexec: put it elsewhere");
    char text[PATH_MAX];
    snprintf(text, sizeof(text), "#!%s\n", at("mount/script"));
    script(text, false, "mounted noexec");
    umount(at("mount"));
}

static void test_paths(void)
{
    char path[PATH_MAX + 2];

    judged(at("nothing"), false, "/nothing': No such file or directory");
    judged(scratch, false, "is not a regular file");
    refused("bin/sh", "is no absolute path");
    memset(path, '/', sizeof(path));
    memcpy(path + PATH_MAX - 6, "bin/sh", 7);
    judged(path, false, "File name too long");
}

/* Any bytes behind #!: the kernel and we read them alike. */
static void test_random_lines(void)
{
    static const char *const pieces[] = {" ",  "\t", "\n", "/",  "bin", "/bin/sh",
                                         "sh", "\r", "x",  "#!", "-c",  "/bin/true"};
    unsigned differences = 0;

    srandom(5018);
    for (unsigned i = 0; i < 400; i++) {
        char text[300] = "#!";
        const unsigned count = (unsigned)random() % 8;

        for (unsigned n = 0; n < count; n++)
            strncat(text, pieces[(unsigned)random() % (sizeof(pieces) / sizeof(pieces[0]))], 16);
        put("script", text);

        const bool good = program_check(at("script"), &account, "joe", problem) == 0;
        const int error = execute(at("script"));
        const bool runs = error == 0;
        /* A carriage return behind an argument is no error to the kernel, and one to most interpreters. */
        if (error < 0 || (good != runs && strstr(problem, "carriage return") == NULL)) {
            printf("# differs: '%s'; execve says %d; %s\n", text, error, good ? "good" : problem);
            differences++;
        }
    }
    check_number(differences, 0, "I12: 400 first lines are read as the kernel reads them");
}

/* The argument is the path of try-execve. */
int main(int argc, char **argv)
{
    static gid_t groups[] = {USER};

    if (!check(argc == 2, "somebody tries execve"))
        return check_end();
    try_execve = argv[1];
    account = (struct account){.uid = geteuid() == 0 ? USER : geteuid(), .gid = geteuid() == 0 ? USER : getegid()};
    groups[0] = account.gid;
    account.groups = groups;
    account.group_count = 1;
    snprintf(scratch, sizeof(scratch), "%s/ostiary-test-program.XXXXXX", geteuid() == 0 ? "/srv" : "/tmp");
    if (!check(mkdtemp(scratch) != NULL && chmod(scratch, 0755) == 0, "there is a place for files"))
        return check_end();
    test_first_lines();
    test_env();
    test_nul();
    test_nesting();
    test_rights();
    test_programs();
    test_unreadable();
    test_narrow();
    test_noexec();
    test_paths();
    test_random_lines();
    static const char *const files[] = {"script",        "program",        "s0",    "s1", "s2", "s3", "s4", "s5", "s6",
                                        "closed/script", "script-for-env", "narrow"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(at(files[i]));
    rmdir(at("closed"));
    rmdir(at("mount"));
    check(rmdir(scratch) == 0, "and it is gone again");
    return check_end();
}
