/* SPDX-License-Identifier: ISC */
/* See ctl.h. */
#include "ctl.h"

#include "address.h"
#include "check.h"
#include "create.h"
#include "log.h"
#include "options.h"
#include "private.h"
#include "slot.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

void ctl_usage(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
    fputs("usage: ostiaryctl [-c FILE] COMMAND [ARGUMENT]...\n"
          "       ostiaryctl --help shows the commands\n",
          stderr);
    exit(CTL_USAGE);
}

/* Exit: this option stands on the command line twice. */
_Noreturn static void reject_second(int option, const struct option *options)
{
    for (; options->name != NULL; options++)
        if (options->val == option)
            ctl_usage("option --%s is given twice", options->name);
    ctl_usage("option -%c is given twice", option);
}

int ctl_option(int argc, char **argv, const char *letters, const struct option *options)
{
    static struct options_seen seen;
    int option;

    if (optind == 0)
        seen = (struct options_seen){0}; /* another command line begins: behind the program's own, its command's */
    opterr = 0;
    option = getopt_long(argc, argv, letters, options, NULL);
    if (option == ':')
        ctl_usage("%s: option %s needs a value", argv[0], argv[optind - 1]);
    if (option == '?')
        ctl_usage("%s: there is no such option: %s", argv[0], options_unknown(argv));
    if (!options_first(&seen, option))
        reject_second(option, options);
    return option;
}

char **ctl_arguments(int argc, char **argv, int low, int high)
{
    const int count = argc - optind;

    if (count < low)
        ctl_usage("%s: an argument is missing", argv[0]);
    if (count > high)
        ctl_usage("%s: this argument is too much: %s", argv[0], argv[optind + high]);
    return argv + optind;
}

void ctl_changed(const char *format, ...)
{
    char text[CTL_FAULT_LEN];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* First: who reads standard output may have gone, and SIGPIPE would end this. */
    log_open_syslog("ostiaryctl");
    log_line(LOG_NOTICE, "%s", text);
    puts(text);
}

void ctl_beside(const char *config_path, const char *name, char path[static PATH_MAX])
{
    const char *slash = strrchr(config_path, '/');
    const int directory_len = slash == NULL ? 0 : (int)(slash - config_path) + 1;

    if (snprintf(path, PATH_MAX, "%.*s%s", directory_len, config_path, name) >= PATH_MAX)
        errx(CTL_USAGE, "%s: the path is too long", config_path);
}

bool ctl_is_same_directory(const char *one, const char *other)
{
    struct stat first;
    struct stat second;

    if (strcmp(one, other) == 0)
        return true;
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

int ctl_real_directory(const char *config_path, char real[static PATH_MAX])
{
    char directory[PATH_MAX];

    ctl_beside(config_path, "", directory);
    return realpath(directory[0] == '\0' ? "." : directory, real) == NULL ? -1 : 0;
}

enum ctl_status ctl_complain_of_directory(const char *config_path)
{
    if (errno != ENOENT)
        return ctl_complain(config_path);
    warnx("%s: there is no such directory to make it in: make that first, or name another file", config_path);
    return CTL_STATE;
}

enum ctl_status ctl_complain(const char *path)
{
    if ((errno == EACCES || errno == EPERM) && geteuid() != 0) {
        warn("run as root: %s", path);
        return CTL_NOT_PERMITTED;
    }
    warn("%s", path);
    return CTL_STATE;
}

void ctl_hide_memory(void)
{
    if (locked_hide_process() != 0)
        err(CTL_OS, "cannot keep secrets out of core files");
}

/* Warnings are for check alone. */
static void print_error(void *context, const struct config_finding *finding)
{
    if (finding->severity == CONFIG_ERROR)
        check_print(context, finding);
}

void ctl_require_readable(const struct ctl *ctl)
{
    if (access(ctl->config_path, R_OK) != 0 && (errno == EACCES || errno == EPERM))
        err(CTL_NOT_PERMITTED, "run as root: %s", ctl->config_path);
}

void ctl_load(struct ctl *ctl)
{
    const struct config_reader reader = {
        .path = ctl->config_path,
        .report = print_error,
        .context = stderr,
    };

    ctl_require_readable(ctl);
    if (config_load(&reader, &ctl->config) != 0)
        errx(CTL_CONFIG, "the configuration has errors: correct them, then run '%s check'", ctl->self);
}

/*
 * The sealed door's handler runs as a user of its own to whom STATE_DIR belongs, and works on nothing that is somebody
 * else's. Who works there as that user does not leave files of root's, and cannot be led to harm through links.
 */
static void be_owner(const char *directory)
{
    struct stat status;

    if (geteuid() != 0 || stat(directory, &status) != 0 || status.st_uid == 0)
        return;
    if (setgroups(0, NULL) != 0 || setegid(status.st_gid) != 0 || seteuid(status.st_uid) != 0)
        err(CTL_OS, "cannot work as the owner of %s", directory);
}

int ctl_be_sealed(void)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(CTL_SEALED_USER);
    if (user == NULL) {
        errno = errno == 0 ? ENOENT : errno;
        return -1;
    }
    if (initgroups(user->pw_name, user->pw_gid) == 0 && setegid(user->pw_gid) == 0 && seteuid(user->pw_uid) == 0)
        return 0;

    const int error = errno;
    ctl_be_root();
    errno = error;
    return -1;
}

void ctl_be_root(void)
{
    if (getuid() != 0)
        return;
    if ((geteuid() != 0 && seteuid(0) != 0) || (getegid() != getgid() && setegid(getgid()) != 0))
        err(CTL_OS, "cannot become root again");
}

/* errno as the fault left it. */
static bool is_denial(enum store_fault fault)
{
    return store_fault_has_errno(fault) && (errno == EACCES || errno == EPERM);
}

void ctl_fault_text(const struct ctl *ctl, enum store_fault fault, char text[static CTL_FAULT_LEN])
{
    const int error = errno;

    if (store_fault_has_errno(fault))
        snprintf(text, CTL_FAULT_LEN, "%s: %s: %s", ctl->config.state_dir, store_fault_text(fault), strerror(error));
    else
        snprintf(text, CTL_FAULT_LEN, "%s: %s", ctl->config.state_dir, store_fault_text(fault));
    errno = error;
}

void ctl_state_fault(const struct ctl *ctl, enum store_fault fault)
{
    char text[CTL_FAULT_LEN];

    ctl_fault_text(ctl, fault, text);
    if (is_denial(fault) && getuid() != 0)
        errx(CTL_NOT_PERMITTED, "%s: run as root", text);
    errx(is_denial(fault) ? CTL_NOT_PERMITTED : CTL_STATE, "%s", text);
}

/* What a user may not look at is no fault of the door. */
static enum store_fault unless_denied(const struct ctl *ctl, enum store_fault fault)
{
    if (is_denial(fault) && getuid() != 0)
        ctl_state_fault(ctl, fault);
    return fault;
}

enum store_fault ctl_try_table(struct ctl *ctl, bool read_only)
{
    const struct store_options options = {
        .directory = ctl->config.state_dir,
        .places = ctl->config.table_size,
        .door = which_door(ctl->config_path),
        .now = ctl_now(),
        .patience_ms = CTL_PATIENCE_MS,
        .read_only = read_only,
    };

    be_owner(ctl->config.state_dir);
    return unless_denied(ctl, store_open(&options, &ctl->store));
}

bool ctl_open_table(struct ctl *ctl, bool read_only)
{
    const enum store_fault fault = ctl_try_table(ctl, read_only);

    if (fault == STORE_ABSENT)
        return false;
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    return true;
}

enum store_fault ctl_try_directory(const struct ctl *ctl, int *dir_fd)
{
    be_owner(ctl->config.state_dir);
    return unless_denied(ctl, store_open_directory(ctl->config.state_dir, dir_fd));
}

int ctl_open_directory(const struct ctl *ctl)
{
    int dir_fd;
    const enum store_fault fault = ctl_try_directory(ctl, &dir_fd);

    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    return dir_fd;
}

enum store_fault ctl_prove_private(const struct ctl *ctl)
{
    struct stat status;

    if (geteuid() != 0 || stat(ctl->config.state_dir, &status) != 0 || status.st_uid == 0)
        return STORE_OK;
    return private_look(ctl->config.state_dir, CTL_PATIENCE_MS);
}

/* What root alone may fill up is no room for another user's handler. Where it cannot be seen there is room. */
static bool disk_is_full(int fd)
{
    struct statvfs disk;

    if (fstatvfs(fd, &disk) != 0)
        return false;
    return (disk.f_blocks != 0 && (geteuid() == 0 ? disk.f_bfree : disk.f_bavail) == 0) ||
           (disk.f_files != 0 && (geteuid() == 0 ? disk.f_ffree : disk.f_favail) == 0);
}

enum store_fault ctl_prove_table(int dir_fd)
{
    const int table_fd = openat(dir_fd, CREATE_TABLE_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum hold_result held = HOLD_HELD;

    if (table_fd < 0 && errno != ENOENT)
        return STORE_CANNOT_OPEN;
    if (faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        const int error = errno;

        if (table_fd >= 0)
            close(table_fd);
        errno = error;
        return table_fd < 0 ? STORE_CANNOT_CREATE : STORE_CLOSED_FAILED;
    }
    if (disk_is_full(dir_fd)) {
        if (table_fd >= 0)
            close(table_fd);
        errno = ENOSPC;
        return table_fd < 0 ? STORE_CANNOT_CREATE : STORE_CANNOT_WRITE;
    }
    if (table_fd < 0)
        return STORE_OK;
    held = hold_file(table_fd, HOLD_ALONE, CTL_PATIENCE_MS);
    const int error = errno;
    close(table_fd); /* and the lock is given back */
    errno = error;
    return held == HOLD_HELD ? STORE_OK : held == HOLD_BUSY ? STORE_BUSY : STORE_CANNOT_LOCK;
}

struct moment ctl_now(void)
{
    struct moment now;

    moment_read(&now);
    if (now.wall_ms == 0)
        errx(CTL_OS, "the clock cannot be read or stands before 1970: set it");
    return now;
}

enum store_fault ctl_read_closed(int dir_fd, enum doors which, struct ctl_closed *door)
{
    const size_t since_len = sizeof("2026-11-21T20:39:00Z") - 1;
    enum store_fault fault;

    *door = (struct ctl_closed){.since = "", .reason = ""};
    fault = closed_read(dir_fd, which, &door->closed, door->line);
    if (fault != STORE_OK || !door->closed)
        return fault;
    door->reason = door->line;
    if (strlen(door->line) > since_len && door->line[since_len] == ' ' && door->line[since_len - 1] == 'Z') {
        door->line[since_len] = '\0';
        door->has_since = true;
        door->since = door->line;
        door->reason = door->line + since_len + 1;
    }
    return STORE_OK;
}

enum store_fault ctl_read_promise(struct ctl *ctl, enum doors which, struct ctl_closed *door)
{
    enum lockout_closure promised = LOCKOUT_NOT_CLOSED;
    enum store_fault fault = STORE_OK;

    if (!door->closed)
        fault = manage_promise(&ctl->store, which, &promised);
    if (promised != LOCKOUT_NOT_CLOSED) {
        door->closed = true;
        door->reason = lockout_closure_text(promised);
    }
    return fault;
}

enum store_fault ctl_read_closings(int dir_fd, enum doors own, struct ctl_closings *closings)
{
    struct ctl_closed every;
    enum store_fault fault;

    *closings = (struct ctl_closings){0};
    fault = ctl_read_closed(dir_fd, own, &closings->own);
    if (fault == STORE_OK)
        fault = ctl_read_closed(dir_fd, DOOR_EVERY, &every);
    closings->every = fault != STORE_OK || every.closed;
    for (enum doors other = 0; !closings->every && other < DOOR_EVERY; other++)
        if (other != own)
            (void)ctl_read_closed(dir_fd, other, &closings->others[other]);
    return fault;
}

enum store_fault ctl_read_promises(struct ctl *ctl, enum doors own, struct ctl_closings *closings)
{
    struct ctl_closed every = {.closed = closings->every};
    enum store_fault fault = ctl_read_promise(ctl, own, &closings->own);

    if (fault == STORE_OK)
        fault = ctl_read_promise(ctl, DOOR_EVERY, &every);
    closings->every |= every.closed;
    for (enum doors other = 0; !closings->every && fault == STORE_OK && other < DOOR_EVERY; other++)
        if (other != own)
            fault = ctl_read_promise(ctl, other, &closings->others[other]);
    return fault;
}

const char *ctl_door_name(enum doors door)
{
    return door == DOOR_KNOCK ? "ordinary" : doors_name(door);
}

const char *ctl_closed_reason(const struct ctl_closed *door)
{
    return door->reason[0] == '\0' ? "no reason is given" : door->reason;
}

bool ctl_is_free_network(const struct manage_entry *entry, uint64_t now)
{
    return entry->slot->source.is_network && !slot_in_force(entry->slot, now);
}

void ctl_parse_network(const char *text, struct source *network)
{
    switch (address_parse_network(text, network)) {
    case ADDRESS_OK:
        break;
    case ADDRESS_NEEDS_INTERFACE:
        ctl_usage("'%s' is link-local, and means nothing without its interface: write it as %s", text,
                  ADDRESS_EXAMPLE_LINK_LOCAL);
    case ADDRESS_MALFORMED:
        if (strchr(text, '%') != NULL)
            ctl_usage(
                "'%s': an interface can stand behind a link-local address alone, and by its name, not its number: "
                "write it as %s",
                text, ADDRESS_EXAMPLE_LINK_LOCAL);
        ctl_usage("'%s' is neither an address nor a network without bits behind its prefix", text);
    }
}

static void closed_members(struct json *json, const struct ctl_closed *closed)
{
    json_text(json, "since", closed->has_since ? closed->since : NULL);
    json_text(json, "reason", closed->reason);
}

void ctl_closings_json(struct json *json, const struct ctl_closings *closings)
{
    if (closings->own.closed) {
        json_open_object(json, "closed");
        closed_members(json, &closings->own);
        json_close_object(json);
    } else {
        json_null(json, "closed");
    }
    json_open_array(json, "others_closed");
    for (enum doors door = 0; door < DOOR_EVERY; door++) {
        if (!closings->others[door].closed)
            continue;
        json_open_object(json, NULL);
        json_text(json, "door", ctl_door_name(door));
        closed_members(json, &closings->others[door]);
        json_close_object(json);
    }
    json_close_array(json);
}
