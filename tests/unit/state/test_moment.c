/* SPDX-License-Identifier: ISC */
/*
 * What time it is in the table, whatever the clocks of the machine do (I14), and what that is by the wall clock. The
 * clocks and the kernel's name for the boot are replaced at link time.
 */
#include "check.h"
#include "moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NOW  UINT64_C(1795293540000)
#define HOUR UINT64_C(3600000)
#define DAY  (24 * HOUR)
#define YEAR (365 * DAY)

/* --- what moment_read stands on --- */

static const char *proc_text; /* NULL: there is no /proc */
static struct timespec wall_time, boot_time;

static int open_instead(void)
{
    const int fd = memfd_create("boot_id", MFD_CLOEXEC);

    if (proc_text == NULL) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    if (write(fd, proc_text, strlen(proc_text)) != (ssize_t)strlen(proc_text) || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

/* What else is opened is not ours: a compiler's runtime has files of its own. */
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
        return open_instead();
    if ((flags & O_CREAT) != 0) {
        va_list rest;

        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return __real_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    return __wrap_open(path, flags);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    *time = clock == CLOCK_BOOTTIME ? boot_time : wall_time;
    return clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME ? 0 : -1;
}

/* --- the boot's name --- */

#define BOOT_TEXT "0123abcd-4567-89ab-cdef-0123456789ef"
#define BOOT_HEX  "0123abcd456789abcdef0123456789ef"
#define NO_BOOT   "00000000000000000000000000000000"

static void check_boot_id(const char *in_proc, const char *in_environment, const char *want, const char *what)
{
    struct moment moment;

    proc_text = in_proc;
    if (in_environment != NULL)
        setenv(MOMENT_BOOT_ID_VARIABLE, in_environment, 1);
    else
        unsetenv(MOMENT_BOOT_ID_VARIABLE);
    memset(&moment, 0x55, sizeof moment);
    moment_read(&moment);
    check_hex(moment.boot_id, sizeof moment.boot_id, want, what);
}

static void test_boot_id(void)
{
    static const char *const wrongs[] = {
        "",
        "\n",
        "-",
        "0123abcd-4567-89ab-cdef-0123456789e",
        "0123abcd-4567-89ab-cdef-0123456789ef0",
        "0123abcd-4567-89ab-cdef-0123456789ef ",
        "0123abcd-4567-89ab-cdef-0123456789eg",
        " 0123abcd-4567-89ab-cdef-0123456789ef",
        "0x23abcd-4567-89ab-cdef-0123456789ef",
        "0123abcd_4567_89ab_cdef_0123456789ef",
        "-------------------------------------------------------------------------------------",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123",
    };

    check_boot_id(BOOT_TEXT "\n", NULL, BOOT_HEX, "the kernel's name for the boot");
    check_boot_id(NULL, BOOT_TEXT, BOOT_HEX, "one that is given, where there is no /proc");
    check_boot_id(NULL, BOOT_HEX, BOOT_HEX, "without hyphens");
    check_boot_id(NULL, "0123ABCD456789ABCDEF0123456789EF", BOOT_HEX, "and in capitals");
    check_boot_id("", BOOT_TEXT, BOOT_HEX, "or where there is an empty file in its place");
    check_boot_id(BOOT_TEXT "\n", "ffffffffffffffffffffffffffffffff", BOOT_HEX, "the kernel is believed first");
    check_boot_id(NULL, NULL, NO_BOOT, "with neither it is not known");
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        check_boot_id(NULL, wrongs[i], NO_BOOT, "what is no name for a boot is none, when it is given");
        if (*wrongs[i] != '\0')
            check_boot_id(wrongs[i], BOOT_TEXT, NO_BOOT, "nor when /proc has it");
    }
    proc_text = NULL;
    unsetenv(MOMENT_BOOT_ID_VARIABLE);
}

static void test_clocks(void)
{
    struct moment moment;

    boot_time = (struct timespec){.tv_sec = 12, .tv_nsec = 345678901};
    wall_time = (struct timespec){.tv_sec = 1795293540, .tv_nsec = 999999999};
    moment_read(&moment);
    check_number(moment.boot_ms, 12345, "CLOCK_BOOTTIME is read in whole milliseconds");
    check_number(moment.wall_ms, NOW + 999, "and CLOCK_REALTIME");
    wall_time = (struct timespec){.tv_sec = -1, .tv_nsec = 999999999};
    moment_read(&moment);
    check_number(moment.wall_ms, 0, "which is 0 before 1970");
    wall_time = (struct timespec){.tv_sec = INT64_C(1) << 40, .tv_nsec = 1000000};
    moment_read(&moment);
    check_number(moment.wall_ms, (UINT64_C(1) << 40) * 1000 + 1, "and knows no last year");

    proc_text = BOOT_TEXT;
    moment_read(&moment);
    proc_text = NULL;
    boot_time = (struct timespec){.tv_sec = 13};
    wall_time = (struct timespec){.tv_sec = 14};
    moment_update(&moment);
    check(moment.boot_ms == 13000 && moment.wall_ms == 14000, "the clocks can be read once more");
    check_hex(moment.boot_id, sizeof moment.boot_id, BOOT_HEX, "and the boot keeps its name, without being asked for");
}

/* --- table time --- */

static struct moment at(uint8_t boot, uint64_t boot_ms, uint64_t wall_ms)
{
    return (struct moment){.boot_id = {boot}, .boot_ms = boot_ms, .wall_ms = wall_ms};
}

static struct record_mark first_at(uint8_t boot, uint64_t boot_ms, uint64_t wall_ms)
{
    const struct moment now = at(boot, boot_ms, wall_ms);

    return moment_first_mark(&now);
}

/* Go on to this moment, and give what time it is in the table since the mark. */
static uint64_t goes_on(struct record_mark *mark, uint8_t boot, uint64_t boot_ms, uint64_t wall_ms, bool *new_boot)
{
    const struct moment now = at(boot, boot_ms, wall_ms);
    const uint64_t before_ms = mark->table_ms;

    *mark = moment_next_mark(mark, &now, new_boot);
    return mark->table_ms - before_ms;
}

static void test_same_boot(void)
{
    struct record_mark mark = first_at(1, 1000, NOW);
    bool new_boot = true;

    check_number(mark.table_ms, NOW, "a new table's time is the wall clock's");
    check(goes_on(&mark, 1, 6000, NOW + 5000, &new_boot) == 5000 && !new_boot, "and goes on with the machine");
    check_number(goes_on(&mark, 1, 7000, NOW + YEAR, &new_boot), 1000, "not with a wall clock that is set forward");
    check_number(goes_on(&mark, 1, 8000, 0, &new_boot), 1000, "nor with one that is set back");
    check(goes_on(&mark, 1, 7500, NOW, &new_boot) == 0 && !new_boot,
          "a process that read its clocks before another does not turn it back");
    check_number(goes_on(&mark, 1, 9000, NOW, &new_boot), 1000, "nor does it give anybody more time");
}

static void test_other_boot(void)
{
    struct record_mark mark = first_at(1, 100000000, NOW);
    bool new_boot = false;

    check(goes_on(&mark, 2, 1000, NOW + HOUR, &new_boot) == HOUR && new_boot,
          "over a reboot it goes on by what the wall clock has");
    check(goes_on(&mark, 2, 2000, NOW + HOUR, &new_boot) == 1000 && !new_boot, "then with the machine again");
    check(goes_on(&mark, 3, 900000000, NOW + HOUR + 1000, &new_boot) == 0 && new_boot,
          "not by how long the new boot has been up");
    check_number(goes_on(&mark, 4, 1000, NOW + HOUR + 1000 + YEAR, &new_boot), YEAR,
                 "however long the machine was off");
}

static void test_1970(void)
{
    struct record_mark mark = first_at(1, 1000, NOW);
    bool new_boot;

    check(goes_on(&mark, 2, 1000, 1000, &new_boot) == 0 && new_boot, "a boot at 1970: it stands still");
    check_number(goes_on(&mark, 2, 61000, 61000, &new_boot), 60000, "and goes on with the machine");
    check_number(goes_on(&mark, 2, 71000, NOW + DAY, &new_boot), 10000, "not with the clock that is put right");
    check_number(goes_on(&mark, 3, 1000, NOW + DAY + HOUR, &new_boot), HOUR, "which is believed at the next boot");

    mark = first_at(1, 1000, NOW);
    check_number(goes_on(&mark, 2, 1000, 1000, &new_boot), 0, "one boot at 1970");
    check_number(goes_on(&mark, 3, 1000, 2 * HOUR, &new_boot), 0, "and another, later in 1970");
    check_number(goes_on(&mark, 3, 1000 + HOUR, 3 * HOUR, &new_boot), HOUR, "which is up for an hour");
    check_number(goes_on(&mark, 4, 1000, NOW + DAY, &new_boot), 0, "then a right one: when that hour was is not known");
    check_number(goes_on(&mark, 5, 1000, NOW + DAY + HOUR, &new_boot), HOUR, "from there on everything is");

    /* A step back while it is up is no later time, and no earlier one either. */
    mark = first_at(1, 1000, NOW);
    check_number(goes_on(&mark, 1, 2000, 500, &new_boot), 1000, "a step to 1970 while it is up");
    check_number(goes_on(&mark, 2, 1000, NOW + HOUR + 1000, &new_boot), HOUR, "adds nothing at the boot after it");

    mark = first_at(1, 1000, 5000);
    check_number(mark.table_ms, 5000, "a table that was made in 1970");
    check_number(goes_on(&mark, 1, 61000, 65000, &new_boot), 60000, "goes on with the machine");
    check_number(goes_on(&mark, 2, 1000, NOW, &new_boot), 0, "and does not count the years from there");
    check_number(goes_on(&mark, 3, 1000, NOW + HOUR, &new_boot), HOUR, "but the hours afterwards");
}

static void test_wrong_future(void)
{
    struct record_mark mark = first_at(1, 1000, NOW + YEAR);
    bool new_boot;

    check_number(goes_on(&mark, 2, 1000, NOW, &new_boot), 0,
                 "a clock that is a year back, over a reboot, is waited for");
    check_number(goes_on(&mark, 2, 1000 + DAY, NOW + DAY, &new_boot), DAY, "while the machine is up time goes on");
    check_number(goes_on(&mark, 2, 1000 + 2 * DAY, NOW + YEAR + 3 * DAY, &new_boot), DAY,
                 "and with a clock that catches up");
    check_number(goes_on(&mark, 3, 1000, NOW + YEAR + 3 * DAY + HOUR, &new_boot), HOUR,
                 "which is believed from then on");
}

static void test_unknown_boot(void)
{
    struct record_mark mark = first_at(0, 50000000, NOW);
    bool new_boot;

    check(goes_on(&mark, 0, 50001000, NOW, &new_boot) == 1000 && !new_boot, "without names: a clock that goes on");
    check(goes_on(&mark, 0, 50001000 - 600000, NOW, &new_boot) == 0 && !new_boot, "or is read a little late");
    check(goes_on(&mark, 0, 50001000 - 600001, NOW + HOUR, &new_boot) == HOUR - 1000 && new_boot,
          "is the same boot's, and one further back is another's");
    check(goes_on(&mark, 7, 49500000, NOW, &new_boot) == 49500000 - (50001000 - 600001) && !new_boot,
          "a name that becomes known changes nothing");
    check(memcmp(mark.boot_id, (uint8_t[RECORD_BOOT_ID_LEN]){7}, RECORD_BOOT_ID_LEN) == 0, "and is kept");
    check(goes_on(&mark, 0, 49501000, NOW, &new_boot) == 1000 && !new_boot &&
              memcmp(mark.boot_id, (uint8_t[RECORD_BOOT_ID_LEN]){7}, RECORD_BOOT_ID_LEN) == 0,
          "by one who does not know it too");
    check(goes_on(&mark, 8, 49502000, NOW + 3 * HOUR, &new_boot) > 0 && new_boot, "so that the next boot is another");
}

/* Clocks of any value: table time never goes back, and never beyond what can be written. */
static void test_any_values(void)
{
    static const uint64_t values[] = {0,
                                      1,
                                      599999,
                                      NOW,
                                      NOW + 1,
                                      UINT64_C(1767225600000),
                                      RECORD_TIME_MAX - 1,
                                      RECORD_TIME_MAX,
                                      RECORD_TIME_MAX + 1,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX};
    const size_t count = sizeof values / sizeof values[0];
    unsigned back = 0, beyond = 0;

    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            for (size_t c = 0; c < count; c++)
                for (size_t d = 0; d < count; d++)
                    for (uint8_t boot = 0; boot < 3; boot++) {
                        struct record_mark mark = {.boot_id = {1},
                                                   .boot_ms = values[a],
                                                   .wall_ms = values[b],
                                                   .table_ms =
                                                       values[c] < RECORD_TIME_MAX ? values[c] : RECORD_TIME_MAX,
                                                   .latest_ms = values[d]};
                        const uint64_t before_ms = mark.table_ms;
                        bool new_boot;

                        goes_on(&mark, boot, values[d], values[a], &new_boot);
                        back += mark.table_ms < before_ms;
                        beyond += mark.table_ms > RECORD_TIME_MAX || mark.latest_ms > RECORD_TIME_MAX;
                        goes_on(&mark, 1, values[b], values[c], &new_boot);
                        back += mark.table_ms < before_ms;
                        beyond += mark.table_ms > RECORD_TIME_MAX;
                        (void)moment_wall(&mark, values[a]);
                        (void)moment_table(&mark, values[b]);
                    }
    check_number(back, 0, "whatever the clocks say, table time never goes back");
    check_number(beyond, 0, "nor beyond the last time there is");
}

/* --- shown to people --- */

static void test_conversion(void)
{
    struct record_mark mark = {.wall_ms = NOW, .table_ms = NOW - HOUR};

    check_number(moment_wall(&mark, 1000000), 1000000 + 3600,
                 "a time of the table is later by the wall clock that is ahead");
    check_number(moment_table(&mark, 1000000), 1000000 - 3600, "and the other way round");
    mark = (struct record_mark){.wall_ms = NOW - HOUR, .table_ms = NOW};
    check_number(moment_wall(&mark, 1000000), 1000000 - 3600, "or earlier by one that is behind");
    check_number(moment_wall(&mark, 3600), 1, "at the beginning of time it is the first second");
    check_number(moment_table(&mark, RECORD_TIME_MAX), RECORD_TIME_MAX, "and at its end the last");
    check(moment_wall(&mark, RECORD_FOREVER) == RECORD_FOREVER && moment_table(&mark, RECORD_FOREVER) == RECORD_FOREVER,
          "for ever stays for ever");
    check(moment_wall(&mark, 0) == 0 && moment_table(&mark, 0) == 0, "and never stays never");
}

static void test_there_and_back(void)
{
    static const uint64_t ahead[] = {0, 1, 499, 500, 501, 999, 1000, 1499, HOUR, YEAR};
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++)
        for (unsigned back = 0; back < 2; back++) {
            const struct record_mark mark = {.wall_ms = back != 0 ? NOW - ahead[i] : NOW + ahead[i], .table_ms = NOW};

            for (uint64_t time = NOW / 1000; time < NOW / 1000 + 100; time++)
                wrong += moment_table(&mark, moment_wall(&mark, time)) != time;
        }
    check_number(wrong, 0, "every time comes back from the conversion as it was");
}

/*
 * A lock's end is shown again and again while the clocks run, which are read one after the other: it must not be
 * another second each time. So it is with a table whose time is the wall clock's, and with clocks that were set by
 * hours.
 */
static void test_no_flicker(void)
{
    static const uint64_t walls[] = {NOW, NOW + HOUR, NOW - HOUR};
    const struct record_mark written = first_at(1, 777, NOW);
    const uint64_t end = NOW / 1000 + 86400;
    unsigned others = 0;

    for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++)
        for (uint64_t ms = 1; ms < 5000; ms += 7)
            for (uint64_t late = 0; late < 3; late++) {
                const struct moment now = at(1, 777 + ms, walls[i] + ms + late - 1);
                bool new_boot;
                const struct record_mark mark = moment_next_mark(&written, &now, &new_boot);

                others += moment_wall(&mark, end) != end + walls[i] / 1000 - NOW / 1000;
            }
    check_number(others, 0, "the same end is shown at every moment");
}

int main(void)
{
    test_boot_id();
    test_clocks();
    test_same_boot();
    test_other_boot();
    test_1970();
    test_wrong_future();
    test_unknown_boot();
    test_any_values();
    test_conversion();
    test_there_and_back();
    test_no_flicker();
    return check_end();
}
