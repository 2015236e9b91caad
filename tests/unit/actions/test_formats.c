/* SPDX-License-Identifier: ISC */
/* formats.h, of a directory like the one that binfmt_misc gives. */
#include "formats.h"

#include "check.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "enabled\ninterpreter /usr/bin/run\nflags: OC\noffset 0\nmagic 7f454c46ff00\n"

static char scratch[] = "/tmp/ostiary-test-formats.XXXXXX";

static const char *at(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        check(false, "%s is written", name);
}

static bool take(const char *path, const char *bytes, size_t len)
{
    char head[FORMATS_HEAD_LEN] = {0};

    memcpy(head, bytes, len);
    return formats_take(scratch, path, head);
}

/* This format, and no other, and a file that begins with these bytes. */
static void format(const char *text, const char *bytes, size_t len, bool taken, const char *what)
{
    put("one", text);
    check(take("/srv/run", bytes, len) == taken, "%s: %s", what, taken ? "taken" : "not taken");
}

static void test_magic(void)
{
    static const char file[] = {0x7f, 'E', 'L', 'F', (char)0xff, 0, 1};

    format(MAGIC, file, sizeof(file), true, "its magic");
    format(MAGIC, "echo hello\n", 11, false, "a text");
    format(MAGIC, file, 4, false, "a part of its magic");
    format(MAGIC "mask ffffff00ffff\n",
           "\x7f"
           "EL?\xff",
           5, true, "another byte where the mask has none");
    format(MAGIC "mask ffffffffffff\n",
           "\x7f"
           "EL?\xff",
           5, false, "another byte where the mask is full");
    format(MAGIC "mask ff\n", file, sizeof(file), false, "a mask of another length");
    format("enabled\noffset 2\nmagic 4c46\n", file, sizeof(file), true, "further behind");
    format("enabled\noffset 3\nmagic 4c46\n", file, sizeof(file), false, "not so far behind");
    format("enabled\noffset 255\nmagic 00\n", file, sizeof(file), true, "the last byte that counts");
    format("enabled\noffset 256\nmagic 00\n", file, sizeof(file), false, "behind it");
    format("enabled\noffset 4294967295\nmagic 00\n", file, sizeof(file), false, "far behind it");
    format("enabled\noffset x\nmagic 7f\n", file, sizeof(file), false, "an offset that is none");
    format("disabled\noffset 0\nmagic 7f\n", file, sizeof(file), false, "disabled");
    format("enabled\noffset 0\nmagic \n", file, sizeof(file), false, "no magic");
    format("enabled\noffset 0\nmagic 7\n", file, sizeof(file), false, "half a byte");
    format("enabled\noffset 0\nmagic 7x\n", file, sizeof(file), false, "no number");
    format("enabled\n", file, sizeof(file), false, "neither magic nor extension");
    format("", file, sizeof(file), false, "nothing at all");
    put("status", "disabled\n");
    format(MAGIC, file, sizeof(file), false, "all are disabled");
    put("status", "enabled\n");
}

static void test_extension(void)
{
    put("one", "enabled\ninterpreter /usr/bin/run\nflags: \nextension .jar\n");
    check(take("/srv/run.jar", "", 0), "an extension: taken");
    check(take("/srv/run.old.jar", "", 0), "the last one: taken");
    check(!take("/srv/run.jar.old", "", 0), "the one before it: not taken");
    check(!take("/srv/jar", "", 0), "a name without: not taken");
    check(!take("/srv/run.JAR", "", 0), "other letters: not taken");
}

static void test_several(void)
{
    put("two", "enabled\noffset 0\nmagic 2345\n");
    check(take("/srv/run", "#E", 2) && take("/srv/run.jar", "", 0), "two formats: each takes its own");
    check(!take("/srv/run", "echo", 4), "and no more");
    /* What the kernel has to write to is no format. */
    put("register", "enabled\noffset 0\nmagic 65\n");
    check(!take("/srv/run", "echo", 4), "register is no format");
}

int main(void)
{
    static const char *const files[] = {"status", "register", "one", "two"};
    const char none[FORMATS_HEAD_LEN] = {0};

    check(!formats_take("/no/such/directory", "/srv/run", none), "no directory: not taken");
    if (!check(mkdtemp(scratch) != NULL, "there is a place for files"))
        return check_end();
    check(!take("/srv/run", "", 0), "an empty directory: not taken");
    put("status", "enabled\n");
    test_magic();
    test_extension();
    test_several();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(at(files[i]));
    check(rmdir(scratch) == 0, "and it is gone again");
    return check_end();
}
