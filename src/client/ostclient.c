/* SPDX-License-Identifier: ISC */
/*
 * ostclient: prove to an Ostiary server that one knows a secret. Here are the options, where the secret comes from,
 * how often it is tried, and what a person is told; the knock itself is knock.c. See ostclient(1).
 */
#include "clock.h"
#include "descriptors.h"
#include "file.h"
#include "knock.h"
#include "locked.h"
#include "mac.h"
#include "number.h"
#include "options.h"
#include "prompt.h"
#include "reach.h"
#include "secret_input.h"
#include "target.h"
#include "wire.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT 10   /* seconds */
#define TIMEOUT_MAX     3600 /* seconds */
#define RETRIES_MAX     100
#define PAUSE_FIRST_MS  2000 /* the longest first pause; each further one may be twice as long */
#define PAUSE_MAX_MS    60000

enum exit_status {
    STATUS_DONE = EX_OK,
    STATUS_USAGE = EX_USAGE,               /* 64 */
    STATUS_NO_HOST = EX_NOHOST,            /* 68 */
    STATUS_NO_CONNECTION = EX_UNAVAILABLE, /* 69 */
    STATUS_NO_RESOURCES = EX_OSERR,        /* 71 */
    STATUS_NO_SEED = EX_TEMPFAIL,          /* 75 */
    STATUS_PROTOCOL = EX_PROTOCOL,         /* 76 */
    STATUS_NOT_ACCEPTED = EX_NOPERM,       /* 77 */
    STATUS_NO_SECRET = EX_CONFIG           /* 78 */
};

struct options {
    bool help;
    bool version;
    bool quiet;
    bool verbose;
    bool wait;
    int family;
    bool has_target;
    struct target target;
    bool has_port;
    uint16_t port;
    bool has_fd;
    int fd;
    const char *key_file; /* NULL: none */
    uint64_t timeout;     /* seconds */
    uint64_t retries;
    char fault[1024]; /* what is wrong with the command line; empty: nothing */
};

/* What is said at all, and whether a fault that may be tried again will be. */
struct voice {
    bool quiet;
    bool verbose;
    bool tries_left;
};

/* A secret that is wiped with its memory. */
struct key {
    struct locked memory;
    struct secret secret;
};

static const char usage_line[] = "usage: ostclient [-46qvw] [-a ADDR[:PORT]] [-p PORT] [-f FD | -k FILE]\n"
                                 "                 [-t SECONDS] [-r N] [ADDR[:PORT]]\n";

static const char help_text[] = "\n"
                                "Prove to an Ostiary server that you know the secret of an action: it runs it.\n"
                                "\n"
                                "  -4, --ipv4               use IPv4 addresses alone\n"
                                "  -6, --ipv6               use IPv6 addresses alone\n"
                                "  -a, --address=ADDR       the server: NAME, IPV4 or [IPV6], and :PORT\n"
                                "  -f, --fd=FD              read the secret from this descriptor\n"
                                "  -k, --key-file=FILE      read the secret from this file\n"
                                "  -p, --port=PORT          the server's port (default 5018)\n"
                                "  -q, --quiet              say nothing, not even errors\n"
                                "  -r, --retries=N          try again up to N times (default 0)\n"
                                "  -t, --timeout=SECONDS    limit for one knock (default 10)\n"
                                "  -v, --verbose            say what happens\n"
                                "  -w, --wait               wait until the server says that it has accepted\n"
                                "      --help               show this\n"
                                "      --version            show the version\n"
                                "\n"
                                "Without -f and -k the secret is asked for at the terminal. See ostclient(1).\n";

enum long_only { OPTION_HELP = 256, OPTION_VERSION };

static const char short_options[] = ":46a:f:k:p:qr:t:vw";

static const struct option long_options[] = {
    {"ipv4", no_argument, NULL, '4'},
    {"ipv6", no_argument, NULL, '6'},
    {"address", required_argument, NULL, 'a'},
    {"fd", required_argument, NULL, 'f'},
    {"key-file", required_argument, NULL, 'k'},
    {"port", required_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    {"retries", required_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"wait", no_argument, NULL, 'w'},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

/* Keep the first fault: those after it are often its consequences. */
__attribute__((format(printf, 2, 3))) static void reject(struct options *options, const char *format, ...)
{
    va_list arguments;

    if (options->fault[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(options->fault, sizeof(options->fault), format, arguments);
    va_end(arguments);
}

/* fe80::1 alone: say which interfaces there are. */
static void reject_without_interface(struct options *options, const char *text)
{
    char interfaces[REACH_TEXT_LEN];

    reach_interfaces(interfaces);
    reject(options, "address '%.100s' %s; here it can be: %s", text, target_fault_text(TARGET_NO_INTERFACE),
           interfaces);
}

static void take_target(struct options *options, const char *text)
{
    const enum target_fault fault = target_parse(text, &options->target);

    if (options->has_target)
        reject(options, "two addresses are given: '%s' is one too many", text);
    else if (fault == TARGET_NO_INTERFACE)
        reject_without_interface(options, text);
    else if (fault != TARGET_OK)
        reject(options, "address '%s' %s", text, target_fault_text(fault));
    options->has_target = true;
}

static void take_number(struct options *options, int option, struct number_range range, uint64_t *number)
{
    if (number_parse(optarg, range, number) != NUMBER_OK)
        reject(options, "-%c '%s' is not a number from %ju to %ju", option, optarg, (uintmax_t)range.low,
               (uintmax_t)range.high);
}

static void take_option(struct options *options, int option)
{
    uint64_t number = 0;

    switch (option) {
    case '4':
    case '6':
        if (options->family != AF_UNSPEC)
            reject(options, "-4 and -6 exclude each other");
        options->family = option == '4' ? AF_INET : AF_INET6;
        break;
    case 'a':
        take_target(options, optarg);
        break;
    case 'f':
        take_number(options, option, (struct number_range){0, INT_MAX}, &number);
        options->fd = (int)number;
        options->has_fd = true;
        break;
    case 'k':
        options->key_file = optarg;
        break;
    case 'p':
        if (target_parse_port(optarg, &options->port) != 0)
            reject(options, "-p '%s' is not a number from 1 to 65535", optarg);
        options->has_port = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'r':
        take_number(options, option, (struct number_range){0, RETRIES_MAX}, &options->retries);
        break;
    case 't':
        take_number(options, option, (struct number_range){1, TIMEOUT_MAX}, &options->timeout);
        break;
    case 'v':
        options->verbose = true;
        break;
    case 'w':
        options->wait = true;
        break;
    case OPTION_HELP:
        options->help = true;
        break;
    case OPTION_VERSION:
        options->version = true;
        break;
    }
}

/* Options that are good one by one, and yet not together. */
static void check_together(struct options *options)
{
    const struct target *target = &options->target;

    if (!options->has_target)
        reject(options, "no address: whose door is it?");
    if (options->has_fd && options->key_file != NULL)
        reject(options, "-f and -k exclude each other");
    if (options->quiet && options->verbose)
        reject(options, "-q and -v exclude each other");
    if (options->has_port && target->has_port && options->port != target->port)
        reject(options, "-p says port %u and the address says %u", (unsigned)options->port, (unsigned)target->port);
    if (options->family != AF_UNSPEC && target->family != AF_UNSPEC && options->family != target->family)
        reject(options, "%s is not an %s address", target->host, options->family == AF_INET ? "IPv4" : "IPv6");
}

static void parse_options(int argc, char *argv[], struct options *options)
{
    struct options_seen seen = {0};
    int option;

    *options = (struct options){.family = AF_UNSPEC, .timeout = TIMEOUT_DEFAULT};
    opterr = 0;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        if (option == ':') {
            reject(options, "%s needs an argument", argv[optind - 1]);
        } else if (option == '?') {
            if (optopt > 0 && optopt < 128)
                reject(options, "unknown option or wrong use: -%c", optopt);
            else
                reject(options, "unknown option or wrong use: %s", argv[optind - 1]);
        } else {
            if (!options_first(&seen, option))
                reject(options, "-%c is given twice", option);
            take_option(options, option);
        }
    }
    for (; optind < argc; optind++)
        take_target(options, argv[optind]);
    if (!options->help && !options->version)
        check_together(options);
}

__attribute__((format(printf, 2, 3))) static void complain(const struct voice *voice, const char *format, ...)
{
    va_list arguments;

    if (voice->quiet)
        return;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}

/* What knock.c has to tell. A fault that will be tried again is a step on the way, not an error yet. */
static void on_note(void *context, enum knock_result result, const char *text)
{
    const struct voice *voice = context;
    const bool is_error = result != KNOCK_GOES_ON && !(voice->tries_left && knock_may_repeat(result));

    if (is_error || voice->verbose)
        complain(voice, "%s", text);
}

/* ---- Ends that come unforeseen ---- */

/*
 * For what is called by a signal or by libgcrypt, and gets no context: what is to be wiped, and whether anything is to
 * be said. Neither is a reason to return.
 */
static struct {
    struct key key;
    bool quiet;
} process;

/* With calls that a signal handler may make. Where it cannot be said there is nobody to tell. */
static void say_at_once(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

_Noreturn static void end_now(const char *text, enum exit_status status)
{
    if (process.key.memory.bytes != NULL)
        explicit_bzero(process.key.memory.bytes, process.key.memory.len);
    if (!process.quiet) {
        say_at_once("ostclient: ");
        say_at_once(text);
        say_at_once("\n");
    }
    _exit((int)status);
}

/* The name service was asked in this process, and has not answered in time. */
static void end_late(const char *text)
{
    end_now(text, STATUS_NO_HOST);
}

static const char libgcrypt_failed[] =
    "libgcrypt could not start or go on: is there too little memory, or are too few files allowed (ulimit -n)?";

static void on_fatal(void *context, int code, const char *text)
{
    (void)context;
    (void)code;
    (void)text;
    end_now(libgcrypt_failed, STATUS_NO_RESOURCES);
}

/* While it starts, libgcrypt calls abort(3) where it cannot read what it wants to. */
static void on_abort(int number)
{
    (void)number;
    end_now(libgcrypt_failed, STATUS_NO_RESOURCES);
}

static int start_libgcrypt(void)
{
    const struct sigaction handler = {.sa_handler = on_abort};
    struct sigaction before;
    int status;

    mac_on_fatal(on_fatal, NULL);
    sigaction(SIGABRT, &handler, &before);
    status = mac_init();
    sigaction(SIGABRT, &before, NULL);
    return status;
}

/* ---- Starting ---- */

/* No core file and no debugger of the same user: the secret is in this memory. */
static int hide_memory(void)
{
    const struct rlimit no_core = {0, 0};

    return setrlimit(RLIMIT_CORE, &no_core) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -1;
}

static int make_room(const struct voice *voice, struct key *key)
{
    if (locked_new(SECRET_INPUT_MAX, &key->memory) == 0)
        return 0;
    complain(voice, "no locked memory for the secret: %s: raise the limit (ulimit -l)", strerror(errno));
    return -1;
}

static enum exit_status take_secret(const struct voice *voice, const char *from, size_t len, struct key *key)
{
    enum secret_input_fault fault;

    key->secret = (struct secret){.bytes = key->memory.bytes, .len = len};
    fault = secret_input_check(key->secret);
    if (fault == SECRET_INPUT_OK)
        return STATUS_DONE;
    complain(voice, "%s: %s", from, secret_input_fault_text(fault));
    return STATUS_NO_SECRET;
}

static enum exit_status secret_from_file(const struct options *options, const struct voice *voice, struct key *key)
{
    size_t len = 0;
    const enum file_fault fault = file_read_private(options->key_file, SECRET_INPUT_MAX, &key->memory, &len);

    if (fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ || fault == FILE_NO_MEMORY) {
        complain(voice, "%s %s: %s", options->key_file, file_fault_text(fault), strerror(errno));
        return STATUS_NO_SECRET;
    }
    if (fault != FILE_OK) {
        complain(voice, "%s %s", options->key_file, file_fault_text(fault));
        return STATUS_NO_SECRET;
    }
    return take_secret(voice, options->key_file, secret_input_trim(key->memory.bytes, len), key);
}

static enum exit_status secret_from_fd(const struct options *options, const struct voice *voice, int64_t deadline_ms,
                                       struct key *key)
{
    enum secret_input_fault fault;
    char from[32];
    size_t len;

    if (make_room(voice, key) != 0)
        return STATUS_NO_RESOURCES;
    snprintf(from, sizeof(from), "descriptor %d", options->fd);
    fault = secret_input_read(options->fd, deadline_ms, &key->memory, &len);
    if (fault == SECRET_INPUT_OK)
        return take_secret(voice, from, secret_input_trim(key->memory.bytes, len), key);
    if (fault == SECRET_INPUT_UNREADABLE)
        complain(voice, "%s: %s: %s", from, secret_input_fault_text(fault), strerror(errno));
    else
        complain(voice, "%s: %s", from, secret_input_fault_text(fault));
    return STATUS_NO_SECRET;
}

static enum exit_status secret_from_terminal(const struct options *options, const struct voice *voice, struct key *key)
{
    char question[TARGET_HOST_MAX + 32];
    int signal_number = 0;
    size_t len = 0;

    if (make_room(voice, key) != 0)
        return STATUS_NO_RESOURCES;
    snprintf(question, sizeof(question), "Secret for %s: ", options->target.host);
    switch (prompt_ask(question, &key->memory, &len, &signal_number)) {
    case PROMPT_OK:
        return take_secret(voice, "terminal", len, key);
    case PROMPT_NO_TERMINAL:
        complain(voice, "no terminal to ask for the secret: name a file that holds it with -k FILE");
        break;
    case PROMPT_FAULT:
        complain(voice, "the terminal failed: %s: name a file that holds the secret with -k FILE", strerror(errno));
        break;
    case PROMPT_SIGNAL:
        /* Nothing was typed that is not wiped by now: end as the signal ends any other program. */
        raise(signal_number);
        break;
    }
    return STATUS_NO_SECRET;
}

/* Between half of the longest pause and all of it, so that many clients of one server do not come together again. */
static void pause_before(uint64_t next_try, const struct options *options, const struct voice *voice)
{
    uint64_t longest = PAUSE_FIRST_MS;
    uint64_t dice = 0;

    for (uint64_t i = 1; i < next_try && longest < PAUSE_MAX_MS; i++)
        longest *= 2;
    if (longest > PAUSE_MAX_MS)
        longest = PAUSE_MAX_MS;
    if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
        dice = (uint64_t)clock_now_ms();

    const uint64_t pause_ms = longest - dice % (longest / 2 + 1);
    struct timespec left = {.tv_sec = (time_t)(pause_ms / 1000), .tv_nsec = (long)(pause_ms % 1000) * 1000000};

    if (voice->verbose)
        complain(voice, "try %ju of %ju follows in %ju.%ju s", (uintmax_t)next_try + 1, (uintmax_t)options->retries + 1,
                 (uintmax_t)pause_ms / 1000, (uintmax_t)pause_ms % 1000 / 100);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

static enum exit_status status_of(enum knock_result result)
{
    switch (result) {
    case KNOCK_SENT:
    case KNOCK_ACCEPTED:
        return STATUS_DONE;
    case KNOCK_UNKNOWN_HOST:
    case KNOCK_NO_LOOKUP:
        return STATUS_NO_HOST;
    case KNOCK_NO_CONNECTION:
        return STATUS_NO_CONNECTION;
    case KNOCK_NO_SEED:
        return STATUS_NO_SEED;
    case KNOCK_BAD_PROTOCOL:
        return STATUS_PROTOCOL;
    case KNOCK_NOT_ACCEPTED:
        return STATUS_NOT_ACCEPTED;
    case KNOCK_GOES_ON:
    case KNOCK_NO_RESOURCES:
    case KNOCK_INTERRUPTED:
        break;
    }
    return STATUS_NO_RESOURCES;
}

static enum exit_status knock(const struct options *options, struct voice *voice, struct secret secret,
                              int64_t deadline_ms)
{
    const struct target *target = &options->target;
    const struct knock_plan plan = {
        .host = {.name = target->host,
                 .port = options->has_port  ? options->port
                         : target->has_port ? target->port
                                            : WIRE_PORT,
                 .family = options->family},
        .secret = secret,
        .wait = options->wait,
        .note = on_note,
        .context = voice,
        .too_late = end_late,
    };

    for (uint64_t try = 0;; try++) {
        enum knock_result result;

        voice->tries_left = try < options->retries;
        result = knock_try(&plan, deadline_ms);
        /* It was stopped, and goes on: the time in between is not the server's, and nothing has been tried. */
        while (result == KNOCK_INTERRUPTED)
            result = knock_try(&plan, clock_now_ms() + (int64_t)options->timeout * 1000);
        if (!voice->tries_left || !knock_may_repeat(result))
            return status_of(result);
        pause_before(try + 1, options, voice);
        deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    }
}

static enum exit_status run(const struct options *options, struct voice *voice)
{
    const int64_t limit_ms = (int64_t)options->timeout * 1000;
    const bool from_terminal = !options->has_fd && options->key_file == NULL;
    int64_t deadline_ms = clock_now_ms() + limit_ms;
    struct key *key = &process.key;
    enum exit_status status;

    if (options->key_file != NULL)
        status = secret_from_file(options, voice, key);
    else if (options->has_fd)
        status = secret_from_fd(options, voice, deadline_ms, key);
    else
        status = secret_from_terminal(options, voice, key);
    /* A person may take all the time in the world to type; a pipe may not. */
    if (from_terminal)
        deadline_ms = clock_now_ms() + limit_ms;

    if (status == STATUS_DONE)
        status = knock(options, voice, key->secret, deadline_ms);
    locked_free(&key->memory);
    return status;
}

static enum exit_status show(const char *first, const char *second)
{
    return printf("%s%s", first, second) >= 0 && fflush(stdout) == 0 ? STATUS_DONE : STATUS_NO_RESOURCES;
}

/* From the command line to the exit status. */
static enum exit_status start(const struct options *options, struct voice *voice)
{
    if (options->fault[0] != '\0') {
        complain(voice, "%s", options->fault);
        if (!voice->quiet)
            fputs(usage_line, stderr);
        return STATUS_USAGE;
    }
    if (options->help)
        return show(usage_line, help_text);
    if (options->version)
        return show("ostclient " OSTIARY_VERSION, "\n");
    if (hide_memory() != 0) {
        complain(voice, "cannot keep the secret out of core files: %s", strerror(errno));
        return STATUS_NO_RESOURCES;
    }
    if (start_libgcrypt() != 0) {
        complain(voice, "libgcrypt is too old, or has no locked memory: raise the limit (ulimit -l)");
        return STATUS_NO_RESOURCES;
    }
    return run(options, voice);
}

int main(int argc, char *argv[])
{
    struct options options;
    struct voice voice;

    parse_options(argc, argv, &options);
    voice = (struct voice){.quiet = options.quiet, .verbose = options.verbose};
    process.quiet = options.quiet;
    if (descriptors_fill() != 0) {
        complain(&voice, "/dev/null cannot be opened: %s", strerror(errno));
        return (int)STATUS_NO_RESOURCES;
    }
    return (int)start(&options, &voice);
}
