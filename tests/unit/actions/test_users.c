/* SPDX-License-Identifier: ISC */
/*
 * users.h, in both ways: each is shown the same database, in a mount namespace of its own, and has to give the same
 * answers, those that passwd(5), group(5) and initgroups(3) promise. Needs root.
 */
#include "users.h"

#include "check.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* Called in place of the real ones (--wrap, see meson.build): this one fails from now on. NULL: none does. */
static const char *broken;
static unsigned failures;
static unsigned all_failures;

static bool fails(const char *call, int error)
{
    if (broken == NULL || strcmp(broken, call) != 0)
        return false;
    failures++;
    all_failures++;
    errno = error;
    return true;
}

FILE *__wrap_fopen(const char *name, const char *mode);
FILE *__real_fopen(const char *name, const char *mode);
FILE *__wrap_fopen64(const char *name, const char *mode);
FILE *__real_fopen64(const char *name, const char *mode);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *room, size_t len, struct passwd **found);
int __real_getpwnam_r(const char *name, struct passwd *entry, char *room, size_t len, struct passwd **found);
int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *room, size_t len, struct passwd **found);
int __real_getpwuid_r(uid_t uid, struct passwd *entry, char *room, size_t len, struct passwd **found);
int __wrap_getgrnam_r(const char *name, struct group *entry, char *room, size_t len, struct group **found);
int __real_getgrnam_r(const char *name, struct group *entry, char *room, size_t len, struct group **found);

FILE *__wrap_fopen(const char *name, const char *mode)
{
    return fails("fopen", EMFILE) ? NULL : __real_fopen(name, mode);
}

FILE *__wrap_fopen64(const char *name, const char *mode)
{
    return fails("fopen", EMFILE) ? NULL : __real_fopen64(name, mode);
}

void *__wrap_malloc(size_t size)
{
    return fails("malloc", ENOMEM) ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails("realloc", ENOMEM) ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return fails("reallocarray", ENOMEM) ? NULL : __real_reallocarray(memory, count, size);
}

/* EPERM is what a filter for system calls answers. */
int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *room, size_t len, struct passwd **found)
{
    *found = NULL;
    return fails("getpwnam_r", EPERM) ? EPERM : __real_getpwnam_r(name, entry, room, len, found);
}

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *room, size_t len, struct passwd **found)
{
    *found = NULL;
    return fails("getpwuid_r", EPERM) ? EPERM : __real_getpwuid_r(uid, entry, room, len, found);
}

int __wrap_getgrnam_r(const char *name, struct group *entry, char *room, size_t len, struct group **found)
{
    *found = NULL;
    return fails("getgrnam_r", EPERM) ? EPERM : __real_getgrnam_r(name, entry, room, len, found);
}

#define MEMBERS 3000 /* more than fit into the first room that is asked for */
#define WORDS   9000

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "+:x:0:0:::\n"
                             "+imported:x:4:4::/:\n"
                             "-excluded:x:5:5::/:\n"
                             "no colons at all\n"
                             "\n"
                             "# a comment\n"
                             "bare:x:700:701::/nowhere:\n"
                             "twin:x:700:702:the second of that number:/srv:/bin/sh\n"
                             "max:x:4294967294:4294967294::/:/bin/sh\n"
                             "Debian-exim:x:710:710::/:/bin/sh\n"
                             "alice@example.org:x:711:711::/:/bin/sh\n"
                             "DOMAIN\\alice:x:712:712::/:/bin/sh\n"
                             "J\xc3\xbcrgen:x:713:713::/:/bin/sh\n"
                             "last:x:704:705::/home/last:/bin/sh"; /* no newline */

static char directory[PATH_MAX];
static char path[PATH_MAX + sizeof("/nsswitch.conf")];

static void forget_files(void);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s: %s\n", what, strerror(errno));
    forget_files();
    exit(1);
}

static const char *at(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static FILE *open_new(const char *name)
{
    FILE *file = fopen(at(name), "w");

    need(file != NULL, "fopen");
    return file;
}

static void put_passwd(const char *text)
{
    FILE *file = open_new("passwd");

    fputs(text, file);
    /* More than the first room that is asked for. */
    if (*text != '\0')
        fprintf(file, "\nwordy:x:800:800:%*s:/home/wordy:/bin/sh", WORDS, "");
    need(fclose(file) == 0, "write passwd");
}

static void put_group(void)
{
    FILE *file = open_new("group");

    fputs("root:x:0:\n+:x:0:\nalpha:x:10:other,last,more\nbeta:x:11:other\ncrowd:x:12:", file);
    for (int i = 0; i < MEMBERS; i++)
        fprintf(file, "member-number-%d,", i);
    fputs("last\nprefix:x:13:las\nlonger:x:14:lasts\nown:x:705:last\nDOMAIN\\domain "
          "users:x:16:DOMAIN\\alice,alice@example.org\nomega:x:15:last",
          file);
    need(fclose(file) == 0, "write group");
}

/* What is written into the directory is what /etc has, for this process. */
static void show_instead(const char *name, const char *target)
{
    need(mount(at(name), target, "none", MS_BIND, NULL) == 0, target);
}

static void begin(void)
{
    FILE *file;

    snprintf(directory, sizeof(directory), "%s/ostiary-users.XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    need(mkdtemp(directory) != NULL, "mkdtemp");
    need(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) == 0, "mount namespace");
    put_passwd(passwd);
    put_group();
    file = open_new("nsswitch.conf");
    fputs("passwd: files\ngroup: files\n", file);
    need(fclose(file) == 0, "write nsswitch.conf");
    show_instead("passwd", "/etc/passwd");
    show_instead("group", "/etc/group");
    if (access("/etc/nsswitch.conf", F_OK) == 0)
        show_instead("nsswitch.conf", "/etc/nsswitch.conf");
}

static void forget_files(void)
{
    unlink(at("passwd"));
    unlink(at("group"));
    unlink(at("nsswitch.conf"));
    rmdir(directory);
}

static void end(void)
{
    umount2("/etc/passwd", MNT_DETACH);
    umount2("/etc/group", MNT_DETACH);
    umount2("/etc/nsswitch.conf", MNT_DETACH);
    forget_files();
}

/* The entry as a line, or why there is none. */
static const char *show(enum users_answer answer, struct user *user)
{
    static char line[200];
    const struct passwd *entry = &user->entry;

    snprintf(line, sizeof(line), answer == USERS_NONE ? "none" : "failed");
    if (answer == USERS_FOUND)
        snprintf(line, sizeof(line), "%s %ju %ju %s '%s'", entry->pw_name, (uintmax_t)entry->pw_uid,
                 (uintmax_t)entry->pw_gid, entry->pw_dir, entry->pw_shell);
    else
        check(user->buffer == NULL, "what is not found has no buffer");
    free(user->buffer);
    return line;
}

static void check_name(const char *name, const char *want)
{
    struct user user;
    const enum users_answer answer = users_by_name(name, &user);
    char what[80];

    snprintf(what, sizeof(what), "user '%s' is found as it is written", name);
    check_text(show(answer, &user), want, what);
}

static void check_uid(uid_t uid, const char *want)
{
    struct user user;
    const enum users_answer answer = users_by_uid(uid, &user);
    char what[80];

    snprintf(what, sizeof(what), "user %ju is the first of that number", (uintmax_t)uid);
    check_text(show(answer, &user), want, what);
}

static void test_users(void)
{
    check_name("root", "root 0 0 /root '/bin/bash'");
    check_name("bare", "bare 700 701 /nowhere ''");
    check_name("last", "last 704 705 /home/last '/bin/sh'");
    check_name("wordy", "wordy 800 800 /home/wordy '/bin/sh'");
    check_uid(800, "wordy 800 800 /home/wordy '/bin/sh'");
    check_name("Debian-exim", "Debian-exim 710 710 / '/bin/sh'");
    check_name("debian-exim", "none");
    check_name("alice@example.org", "alice@example.org 711 711 / '/bin/sh'");
    check_name("DOMAIN\\alice", "DOMAIN\\alice 712 712 / '/bin/sh'");
    check_name("alice", "none");
    check_name("J\xc3\xbcrgen", "J\xc3\xbcrgen 713 713 / '/bin/sh'");
    check_name("nobody-here", "none");
    check_name("las", "none");
    check_name("", "none");
    check_name("+", "none");
    check_name("+imported", "none");
    check_name("-excluded", "none");
    check_name("# a comment", "none");
    check_uid(0, "root 0 0 /root '/bin/bash'");
    check_uid(700, "bare 700 701 /nowhere ''");
    check_uid(4294967294, "max 4294967294 4294967294 / '/bin/sh'");
    check_uid(4, "none");
    check_uid(5, "none");
    check_uid(703, "none");
}

static void test_one_group(void)
{
    gid_t gid = 99;

    check(users_group("nobody-here", &gid) == USERS_NONE && gid == 99, "a group that is not there is none");
    check(users_group("+", &gid) == USERS_NONE && gid == 99, "an instruction is no group");
    check(users_group("crowd", &gid) == USERS_FOUND && gid == 12, "a group with thousands of members is found");
    check(users_group("DOMAIN\\domain users", &gid) == USERS_FOUND && gid == 16,
          "a group of a directory service is found");
    check(users_group("omega", &gid) == USERS_FOUND && gid == 15, "the last group is found, without a newline");
}

static void check_groups(const char *name, gid_t gid, const char *want)
{
    gid_t *groups = NULL;
    size_t count = 0;
    char list[200] = "failed";
    char what[80];

    if (users_groups(name, gid, &groups, &count) == 0)
        list[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%ju ", (uintmax_t)groups[i]);
    free(groups);
    snprintf(what, sizeof(what), "'%s' has its own group, once, and those that list it", name);
    check_text(list, want, what);
}

static void test_groups(void)
{
    check_groups("last", 705, "705 10 12 15 ");
    check_groups("other", 10, "10 11 ");
    check_groups("member-number-2999", 1, "1 12 ");
    check_groups("DOMAIN\\alice", 712, "712 16 ");
    check_groups("alice@example.org", 711, "711 16 ");
    check_groups("nobody-here", 77, "77 ");
}

/* I8: who cannot be looked up is not taken for one whom there is not. */
static void test_failures(void)
{
    static const char *const calls[] = {"fopen",      "malloc",     "realloc",   "reallocarray",
                                        "getpwnam_r", "getpwuid_r", "getgrnam_r"};
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct user by_name, by_uid;
        gid_t *groups = NULL;
        size_t count = 0;
        gid_t gid = 0;

        broken = calls[i];
        failures = 0;
        const enum users_answer name_answer = users_by_name("last", &by_name);
        wrong += name_answer != (failures > 0 ? USERS_FAILED : USERS_FOUND);
        failures = 0;
        const enum users_answer uid_answer = users_by_uid(704, &by_uid);
        wrong += uid_answer != (failures > 0 ? USERS_FAILED : USERS_FOUND);
        failures = 0;
        wrong += users_group("omega", &gid) != (failures > 0 ? USERS_FAILED : USERS_FOUND);
        failures = 0;
        wrong += users_groups("last", 705, &groups, &count) != (failures > 0 ? -1 : 0);
        wrong += failures > 0 && (groups != NULL || count != 0 || errno == 0);
        broken = NULL;
        free(by_name.buffer);
        free(by_uid.buffer);
        free(groups);
    }
    check(all_failures >= 4, "each of the four questions met a failure at least once: %u", all_failures);
    check_number(wrong, 0, "a database that cannot be asked is said to have failed, and keeps nothing");
}

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP needs root");
        return 0;
    }
    begin();
    test_users();
    test_one_group();
    test_groups();
    test_failures();
    put_passwd("");
    check_name("root", "none");
    end();
    return check_end();
}
