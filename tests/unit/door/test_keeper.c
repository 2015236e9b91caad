/* SPDX-License-Identifier: ISC */
/* The tests of keeper.c: whose a state directory may be, beside root's. Another file stands for /etc/passwd. */
#include "check.h"
#include "keeper.h"
#include "scratch.h"

static bool is_missing;
static unsigned looked;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    looked += strcmp(path, "/etc/passwd") == 0;
    return is_missing ? NULL : __real_fopen(scratch_path("other"), mode);
}

/* The same under the name that it has where offsets are of 64 bits on any machine. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return __wrap_fopen(path, mode);
}

static void keeper_is(const char *passwd, uid_t want, const char *what)
{
    scratch_write_file(scratch_path("other"), (const uint8_t *)passwd, strlen(passwd));
    check_number(keeper_of(scratch_dir), want, what);
}

int main(void)
{
    scratch_begin();
    if (geteuid() != 0) {
        printf("ok %u - # SKIP needs root\n", ++check_count);
        scratch_end();
        return check_end();
    }
    keeper_is("ostiary:x:118:118::/:/bin/false\n", 0, "in a directory of root's nobody has to know");
    check_number(looked, 0, "and nothing is looked up");
    scratch_need(chown(scratch_dir, 118, 0) == 0, "chown");
    keeper_is("root:x:0:0::/root:/bin/sh\nostiary:x:118:119:Ostiary:/:/bin/false\nother:x:5:5::/:\n", 118, "the user");
    keeper_is("ostiary:x:118", 118, "on a last line without an end");
    keeper_is("root:x:0:0::/root:/bin/sh\n", 0, "there is no such user");
    keeper_is("ostiary2:x:118:118::/:\nmyostiary:x:119:119::/:\n\nostiary\n:\n", 0, "others are not him");
    keeper_is("ostiary:x:0:0::/:\n", 0, "root under his name is not him");
    keeper_is("ostiary:x:0:0::/:\nostiary:x:118:118::/:\n", 0, "nor who has another line of that name behind it");
    keeper_is("ostiary:x:118:118::/:\nostiary:x:119:119::/:\n", 118, "of two lines the first counts");
    keeper_is("ostiary:x:-1:1::/:\nostiary:x:4294967295:1::/:\nostiary:x::1::/:\n", 0, "nor is no number");
    keeper_is("", 0, "an empty file");
    is_missing = true;
    check_number(keeper_of(scratch_dir), 0, "no file");
    is_missing = false;
    check_number(keeper_of("/nonexistent"), 0, "no directory");
    scratch_end();
    return check_end();
}
