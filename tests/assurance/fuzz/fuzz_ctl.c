/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl with any arguments, on a state directory of its own and with a systemd and a journal made up here. The
 * input: a line of letters that say how things stand, the arguments, each on a line, an empty line, and what is in the
 * journal.
 */
#include "ctl.h"
#include "fuzz.h"
#include "granter.h"
#include "mac.h"
#include "scratch_dir.h"
#include "units.h"
#include "valid_json.h"

#include <err.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <systemd/sd-journal.h>

#define main ostiaryctl_main
int ostiaryctl_main(int argc, char **argv);
#include "../../../src/admin/ostiaryctl.c"
#undef main

#define ARGUMENTS_MAX 12
#define MESSAGES_MAX  32
#define PLACES        64
#define TABLE_LEN     (RECORD_HEAD_LEN + PLACES * RECORD_LEN)
#define FOLLOWING     200 /* the exit status of a log that would wait for ever */

static const char config_text[] = "STATE_DIR=\"%s\"\nTABLE_SIZE=64\nIPV6_PREFIX=64\nPORT=5018\n"
                                  "ACTION=\"a secret for the fuzzer alone\",\"/bin/true\",\"root\"\n%s\n";

/* Nobody else's firewall. */
const char granter_path[] = "/nonexistent/ostgrant";

static struct {
    char config_path[300];
    uint8_t table[TABLE_LEN];
} place;

/* ---- the way out of a program that ends itself ------------------------------------------------------------------ */

static struct {
    jmp_buf end;
    bool runs;
    struct config *config; /* what the program has, to be given back */
    struct store *store;
} program;

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn __attribute__((format(printf, 2, 3))) void __wrap_err(int status, const char *format, ...);
_Noreturn __attribute__((format(printf, 2, 3))) void __wrap_errx(int status, const char *format, ...);
int __real_config_load(const struct config_reader *reader, struct config *config);
int __wrap_config_load(const struct config_reader *reader, struct config *config);
enum store_fault __real_store_open(const struct store_options *options, struct store *store);
enum store_fault __wrap_store_open(const struct store_options *options, struct store *store);
int __real_mac_init(void);
int __wrap_mac_init(void);
void __wrap_log_open_syslog(const char *tag);
__attribute__((format(printf, 2, 3))) void __wrap_log_line(int priority, const char *format, ...);

void __wrap_exit(int status)
{
    if (!program.runs)
        __real_exit(status);
    if (program.config != NULL)
        config_free(program.config);
    if (program.store != NULL)
        store_close(program.store);
    longjmp(program.end, 1000 + status);
}

void __wrap_err(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vwarn(format, arguments);
    va_end(arguments);
    __wrap_exit(status);
}

void __wrap_errx(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
    __wrap_exit(status);
}

/* The machine's log is for what happens on the machine. */
void __wrap_log_open_syslog(const char *tag)
{
    (void)tag;
}

void __wrap_log_line(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

int __wrap_config_load(const struct config_reader *reader, struct config *config)
{
    program.config = config;
    return __real_config_load(reader, config);
}

enum store_fault __wrap_store_open(const struct store_options *options, struct store *store)
{
    program.store = store;
    return __real_store_open(options, store);
}

/* Once for the process. */
int __wrap_mac_init(void)
{
    static bool ready;

    if (!ready && __real_mac_init() != 0)
        return -1;
    ready = true;
    return 0;
}

/* ---- systemd ---------------------------------------------------------------------------------------------------- */

static enum units_fault systemd;
static bool socket_listens;
static bool foreign_door; /* `closed` holds what no part of ostiary writes, and is shown as it is */

enum units_fault units_open(struct units *units)
{
    *units = (struct units){.problem = "made up"};
    return systemd;
}

void units_close(struct units *units)
{
    (void)units;
}

enum units_fault units_read(struct units *units, const char *name, struct units_socket *socket)
{
    (void)units;
    *socket = (struct units_socket){.installed = true, .enabled = true, .active = socket_listens, .listen_count = 2};
    snprintf(socket->state, sizeof(socket->state), "%s", socket_listens ? "active" : "failed");
    snprintf(socket->listen[0], sizeof(socket->listen[0]), "[::]:5018");
    snprintf(socket->listen[1], sizeof(socket->listen[1]), "/run/%s", name);
    snprintf(socket->door, sizeof(socket->door), "%s/closed", scratch_dir);
    return UNITS_OK;
}

enum units_fault units_ask_enabled(struct units *units, const char *name, bool *enabled)
{
    (void)units;
    (void)name;
    *enabled = false;
    return UNITS_OK;
}

bool units_is_at(const struct units_socket *socket, const char *state_dir)
{
    (void)state_dir;
    return socket->installed;
}

void units_await_closer(struct units *units)
{
    (void)units;
}

enum units_fault units_start(struct units *units, const char *name)
{
    (void)units;
    (void)name;
    return socket_listens ? UNITS_OK : UNITS_FAILED;
}

/* ---- the journal ------------------------------------------------------------------------------------------------ */

struct sd_journal {
    char *messages[MESSAGES_MAX];
    int count;
    int at; /* -1: before the first */
};

static struct sd_journal journal;

int sd_journal_open(sd_journal **opened, int flags)
{
    (void)flags;
    *opened = &journal;
    return 0;
}

int sd_journal_open_directory(sd_journal **opened, const char *path, int flags)
{
    (void)flags;
    *opened = &journal;
    return path[0] == '/' ? 0 : -ENOENT;
}

int sd_journal_add_match(sd_journal *opened, const void *data, size_t len)
{
    (void)opened;
    DEMAND(len == 0 && strchr(data, '=') != NULL);
    return 0;
}

int sd_journal_seek_head(sd_journal *opened)
{
    opened->at = -1;
    return 0;
}

int sd_journal_seek_tail(sd_journal *opened)
{
    opened->at = opened->count;
    return 0;
}

int sd_journal_next(sd_journal *opened)
{
    if (opened->at + 1 >= opened->count)
        return 0;
    opened->at++;
    return 1;
}

int sd_journal_previous(sd_journal *opened)
{
    if (opened->at <= 0)
        return 0;
    opened->at--;
    return 1;
}

int sd_journal_get_data(sd_journal *opened, const char *field, const void **data, size_t *len)
{
    static const char *const uids[] = {"_UID=0", "_UID=4711"};
    static const char *const identifiers[] = {"SYSLOG_IDENTIFIER=ostiaryd", "SYSLOG_IDENTIFIER=ostgrant"};

    DEMAND(opened->at >= 0 && opened->at < opened->count);
    if (strcmp(field, "_UID") == 0) {
        *data = uids[opened->at % 2];
        *len = strlen(uids[opened->at % 2]);
        return 0;
    }
    if (strcmp(field, "SYSLOG_IDENTIFIER") == 0) {
        *data = identifiers[opened->at / 2 % 2];
        *len = strlen(identifiers[opened->at / 2 % 2]);
        return 0;
    }
    DEMAND(strcmp(field, "MESSAGE") == 0);
    *data = opened->messages[opened->at];
    *len = strlen(opened->messages[opened->at]);
    return 0;
}

int sd_journal_get_realtime_usec(sd_journal *opened, uint64_t *usec)
{
    *usec = UINT64_C(1795293540123456) + (uint64_t)opened->at * 60000000;
    return 0;
}

int sd_journal_wait(sd_journal *opened, uint64_t usec)
{
    (void)opened;
    (void)usec;
    __wrap_exit(FOLLOWING);
}

void sd_journal_close(sd_journal *opened)
{
    (void)opened;
}

static void fill_journal(struct fuzz_input *input)
{
    static const char name[] = "MESSAGE=";
    char *line;

    journal.count = 0;
    while (journal.count < MESSAGES_MAX && (line = fuzz_line(input)) != NULL) {
        char *message = malloc(strlen(line) + sizeof(name));

        DEMAND(message != NULL);
        memcpy(message, name, sizeof(name) - 1);
        memcpy(message + sizeof(name) - 1, line, strlen(line) + 1);
        free(line);
        journal.messages[journal.count++] = message;
    }
}

static void empty_journal(void)
{
    while (journal.count > 0)
        free(journal.messages[--journal.count]);
}

/* ---- how things stand ------------------------------------------------------------------------------------------- */

/* A strike of this source, and a lock. */
static void strike(struct store *store, uint8_t last_byte, unsigned times)
{
    const struct source source = {.address = {[10] = 0xff, [11] = 0xff, 192, 0, 2, last_byte}, .prefix = 128};
    const struct lockout_policy policy = {.max_bad_conns = 3, .lockout_time = 86400, .strike_time = 3600};
    const struct lockout_visitor visitor = {.source = &source, .now = ctl_now()};
    struct lockout_charge charge;

    for (unsigned i = 0; i < times; i++) {
        DEMAND(lockout_charge(store, &policy, &visitor, &charge) == STORE_OK);
        DEMAND(lockout_settle(store, &policy, &visitor, &charge) == STORE_OK);
    }
}

static void make_table(void)
{
    const struct moment now = ctl_now();
    const struct store_options options = {.directory = scratch_dir, .places = PLACES, .now = now, .patience_ms = 1000};
    const struct manage_target network = {.source = {.address = {0x20, 1}, .prefix = 16}, .network = true};
    struct store store;

    DEMAND(__real_store_open(&options, &store) == STORE_OK);
    strike(&store, 7, 2);
    strike(&store, 8, 3);
    DEMAND(manage_lock(&store, &network, LOCKOUT_FOREVER, &now) == STORE_OK);
    store_close(&store);
    DEMAND(scratch_dir_read("lockout", place.table, TABLE_LEN) == TABLE_LEN);
}

static void set_scene(const char *letters)
{
    char text[1024];
    const bool with_error = strchr(letters, 'e') != NULL;
    const bool with_warning = strchr(letters, 'w') != NULL;
    const int len = snprintf(text, sizeof(text), config_text, scratch_dir,
                             with_error     ? "NONSENSE=1"
                             : with_warning ? "DELAY=5\nDELAY=5"
                                            : "");

    scratch_dir_empty();
    scratch_dir_write("ostiary.cfg", text, (size_t)len);
    systemd = strchr(letters, 's') != NULL ? UNITS_NO_SYSTEMD : strchr(letters, 'b') != NULL ? UNITS_NO_BUS : UNITS_OK;
    socket_listens = strchr(letters, 'l') != NULL;
    if (strchr(letters, 'c') != NULL)
        scratch_dir_write("closed", "2026-11-21T20:39:00Z made up\n", 29);
    foreign_door = strchr(letters, 'x') != NULL;
    if (foreign_door)
        scratch_dir_write("closed", "\x1b[31m\xff\n", 7);
    if (strchr(letters, 'n') != NULL)
        return;
    if (strchr(letters, 'd') != NULL) {
        uint8_t damaged[TABLE_LEN];

        memcpy(damaged, place.table, TABLE_LEN);
        for (size_t at = strchr(letters, 'h') != NULL ? 0 : RECORD_HEAD_LEN; at < TABLE_LEN; at += 200)
            damaged[at] ^= 1;
        scratch_dir_write("lockout", damaged, TABLE_LEN);
        return;
    }
    scratch_dir_write("lockout", place.table, TABLE_LEN);
}

struct scene {
    uint8_t table[2 * TABLE_LEN];
    size_t table_len;
    uint8_t door[256];
    size_t door_len;
};

static void take_scene(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    scene->table_len = scratch_dir_read("lockout", scene->table, sizeof(scene->table));
    scene->door_len = scratch_dir_read("closed", scene->door, sizeof(scene->door));
}

/* ---- a run ------------------------------------------------------------------------------------------------------ */

static void remove_config(void)
{
    unlink(place.config_path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int null_fd;

    (void)argc;
    (void)argv;
    umask(077);
    scratch_dir_make();
    atexit(remove_config);
    snprintf(place.config_path, sizeof(place.config_path), "%s/ostiary.cfg", scratch_dir);
    make_table();
    null_fd = open("/dev/null", O_WRONLY);
    /* keygen does not write through stdio. */
    DEMAND(null_fd >= 0 && dup2(null_fd, STDOUT_FILENO) == STDOUT_FILENO);
    close(null_fd);
    return 0;
}

/* One bit for each of the first descriptors. */
static uint64_t open_descriptors(void)
{
    uint64_t open_ones = 0;

    for (int fd = 0; fd < 24; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            open_ones |= UINT64_C(1) << fd;
    return open_ones;
}

/* What a program that ended itself has left open. */
static void close_new(uint64_t open_before)
{
    const uint64_t new_ones = open_descriptors() & ~open_before;

    for (int fd = 0; fd < 24; fd++)
        if ((new_ones >> fd & 1) != 0)
            close(fd);
}

/* The exit status. What it says goes to *said. */
static int run(int argc, char **argv, char **said)
{
    FILE *const real_out = stdout, *const real_err = stderr;
    const uint64_t open_before = open_descriptors();
    size_t said_len, complained_len;
    char *complained = NULL;
    int status;

    stdout = open_memstream(said, &said_len);
    stderr = open_memstream(&complained, &complained_len);
    program.config = NULL;
    program.store = NULL;
    optind = 0;
    status = setjmp(program.end);
    if (status == 0) {
        program.runs = true;
        status = 1000 + ostiaryctl_main(argc, argv);
    }
    program.runs = false;
    fclose(stdout);
    fclose(stderr);
    stdout = real_out;
    stderr = real_err;
    free(complained);
    close_new(open_before);
    return status - 1000;
}

static bool is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static bool has_argument(char **argv, const char *wanted)
{
    for (; *argv != NULL; argv++)
        if (strcmp(*argv, wanted) == 0)
            return true;
    return false;
}

static void demand_result(int status, char **argv, const char *said, const struct scene *before)
{
    static const char *const writers[] = {"lock", "unlock", "flush", "close", "open", "repair", NULL};
    static const char *const json_writers[] = {"list", "status", "log", NULL};
    static struct scene after;
    char *const *first = argv[3] != NULL && strcmp(argv[3], "--") == 0 ? argv + 4 : argv + 3;
    const char *command = *first != NULL ? *first : "";

    DEMAND(status == CTL_OK || status == CTL_NOT_SO || (status >= CTL_USAGE && status <= CTL_CONFIG) ||
           status == FOLLOWING);
    if (!foreign_door)
        for (const char *at = said; *at != '\0'; at++)
            DEMAND((unsigned char)*at >= ' ' || *at == '\n');
    if (is_among(command, json_writers) && has_argument(argv, "--json") &&
        (status == CTL_OK || status == CTL_NOT_SO || status == FOLLOWING))
        DEMAND(valid_json_lines(said));
    take_scene(&after);
    if (status == CTL_USAGE || !is_among(command, writers))
        DEMAND(memcmp(before, &after, sizeof(after)) == 0);
    if (status == CTL_OK && strcmp(command, "close") == 0)
        DEMAND(after.door_len > 0);
    if (status == CTL_OK && strcmp(command, "open") == 0)
        DEMAND(after.door_len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct scene before;
    struct fuzz_input input = {bytes, len};
    char *letters = fuzz_line(&input);
    char *arguments[ARGUMENTS_MAX + 4] = {(char[]){"ostiaryctl"}, (char[]){"-c"}, place.config_path};
    char *given[ARGUMENTS_MAX] = {0};
    char *said = NULL;
    int argc = 3;
    int status;

    set_scene(letters != NULL ? letters : "");
    free(letters);
    for (int i = 0; i < ARGUMENTS_MAX && (given[i] = fuzz_line(&input)) != NULL; i++) {
        if (given[i][0] == '\0')
            break;
        arguments[argc++] = given[i];
    }
    fill_journal(&input);
    take_scene(&before);

    /* getopt moves the pointers: given has what is to be freed. */
    status = run(argc, arguments, &said);
    demand_result(status, arguments, said, &before);

    free(said);
    empty_journal();
    for (int i = 0; i < ARGUMENTS_MAX; i++)
        free(given[i]);
    return 0;
}
