/* SPDX-License-Identifier: ISC */
/* See usage.h. */
#include "usage.h"

#include "number.h"
#include "options.h"
#include "reach.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TIMEOUT_DEFAULT 10   /* seconds */
#define TIMEOUT_MAX     3600 /* seconds */
#define RETRIES_MAX     100

const char usage_line[] = "usage: ostclient [-46qvw] [-a ADDR[:PORT]] [-p PORT]\n"
                          "                 [-f FD | -k FILE | --credential NAME | --secret-command CMD |\n"
                          "                  --reply-command CMD]\n"
                          "                 [--command-timeout SECONDS] [--stretch LABEL] [--code | --totp FILE]\n"
                          "                 [--check-secret]\n"
                          "                 [-t SECONDS] [-r N] [ADDR[:PORT]]\n";

const char usage_help[] = "\n"
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
                          "      --credential=NAME    read the secret from this file in $CREDENTIALS_DIRECTORY\n"
                          "      --secret-command=CMD run this command first, and take the secret from what it prints\n"
                          "      --reply-command=CMD  have this command compute the reply, with a secret elsewhere\n"
                          "      --command-timeout=SECONDS\n"
                          "                           limit for the command (default 120, for a reply 4)\n"
                          "      --check-secret       say whether the secret can be had, and connect to nobody\n"
                          "      --stretch=LABEL      what is typed or read is a passphrase: make the secret of it\n"
                          "      --code               ask for a one-time code as well\n"
                          "      --totp=FILE          make the one-time code of the key in this file\n"
                          "      --help               show this\n"
                          "      --version            show the version\n"
                          "\n"
                          "Without any of these the secret is asked for at the terminal. See ostclient(1).\n";

/* What has no letter. Of what is below 256, none may stand twice. */
enum long_only {
    OPTION_CREDENTIAL = 1,
    OPTION_SECRET_COMMAND,
    OPTION_REPLY_COMMAND,
    OPTION_COMMAND_TIMEOUT,
    OPTION_CHECK_SECRET,
    OPTION_STRETCH,
    OPTION_CODE,
    OPTION_TOTP,
    OPTION_HELP = 256,
    OPTION_VERSION
};

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
    {"credential", required_argument, NULL, OPTION_CREDENTIAL},
    {"secret-command", required_argument, NULL, OPTION_SECRET_COMMAND},
    {"reply-command", required_argument, NULL, OPTION_REPLY_COMMAND},
    {"command-timeout", required_argument, NULL, OPTION_COMMAND_TIMEOUT},
    {"check-secret", no_argument, NULL, OPTION_CHECK_SECRET},
    {"stretch", required_argument, NULL, OPTION_STRETCH},
    {"code", no_argument, NULL, OPTION_CODE},
    {"totp", required_argument, NULL, OPTION_TOTP},
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

#define NAME_LEN 32

/* As people write it: "-p", or "--credential". */
static const char *name_of(int option, char name[static NAME_LEN])
{
    const struct option *entry = long_options;

    while (entry->name != NULL && entry->val != option)
        entry++;
    if (option > ' ' || entry->name == NULL)
        snprintf(name, NAME_LEN, "-%c", option);
    else
        snprintf(name, NAME_LEN, "--%s", entry->name);
    return name;
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
    char name[NAME_LEN];

    if (number_parse(optarg, range, number) != NUMBER_OK)
        reject(options, "%s '%s' is not a number from %ju to %ju", name_of(option, name), optarg, (uintmax_t)range.low,
               (uintmax_t)range.high);
}

/* A secret comes from one place. */
static void take_source(struct options *options, int option, enum secret_source from)
{
    static const int option_of[] = {[FROM_FD] = 'f',
                                    [FROM_FILE] = 'k',
                                    [FROM_CREDENTIAL] = OPTION_CREDENTIAL,
                                    [FROM_COMMAND] = OPTION_SECRET_COMMAND,
                                    [FROM_REPLY_COMMAND] = OPTION_REPLY_COMMAND};
    char before[NAME_LEN], name[NAME_LEN];

    if (options->from != FROM_TERMINAL)
        reject(options, "%s and %s exclude each other", name_of(option_of[options->from], before),
               name_of(option, name));
    options->from = from;
}

/* As systemd names them: one file of a directory. */
static void take_credential(struct options *options, const char *name)
{
    if (name[0] == '\0' || strlen(name) > NAME_MAX || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        reject(options, "--credential '%.100s' is no name of a credential: it is that of a file, without its directory",
               name);
    options->credential = name;
}

static void take_command(struct options *options, int option)
{
    const enum command_fault fault = command_split(optarg, &options->command);
    char name[NAME_LEN];

    if (fault != COMMAND_GOOD)
        reject(options, "%s '%.100s' %s", name_of(option, name), optarg, command_fault_text(fault));
}

static void take_label(struct options *options, const char *text)
{
    char problem[STRETCH_PROBLEM_LEN];

    if (stretch_label_parse(text, &options->label, problem) != 0)
        reject(options, "--stretch '%.100s': %s", text, problem);
    options->has_label = true;
}

/* One without a letter. */
static void take_long_option(struct options *options, int option)
{
    switch (option) {
    case OPTION_CREDENTIAL:
        take_credential(options, optarg);
        take_source(options, option, FROM_CREDENTIAL);
        break;
    case OPTION_SECRET_COMMAND:
        take_command(options, option);
        take_source(options, option, FROM_COMMAND);
        break;
    case OPTION_REPLY_COMMAND:
        take_command(options, option);
        take_source(options, option, FROM_REPLY_COMMAND);
        break;
    case OPTION_COMMAND_TIMEOUT:
        take_number(options, option, (struct number_range){1, TIMEOUT_MAX}, &options->command_timeout);
        break;
    case OPTION_CHECK_SECRET:
        options->is_check = true;
        break;
    case OPTION_STRETCH:
        take_label(options, optarg);
        break;
    case OPTION_CODE:
        options->asks_code = true;
        break;
    case OPTION_TOTP:
        options->totp_file = optarg;
        break;
    case OPTION_HELP:
        options->help = true;
        break;
    case OPTION_VERSION:
        options->version = true;
        break;
    default:
        break;
    }
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
        take_source(options, option, FROM_FD);
        break;
    case 'k':
        options->key_file = optarg;
        take_source(options, option, FROM_FILE);
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
    default:
        take_long_option(options, option);
        break;
    }
}

/* Options that are good one by one, and yet not together. */
static void check_together(struct options *options)
{
    const struct target *target = &options->target;

    if (!options->has_target && !options->is_check)
        reject(options, "no address: whose door is it?");
    if (options->command_timeout != 0 && options->from != FROM_COMMAND && options->from != FROM_REPLY_COMMAND)
        reject(options, "--command-timeout is for --secret-command and --reply-command");
    if (options->has_label && options->from == FROM_REPLY_COMMAND)
        reject(options, "--stretch makes a secret here, and --reply-command has one elsewhere: leave one of them out");
    if (options->asks_code && options->totp_file != NULL)
        reject(options, "--code and --totp exclude each other");
    if ((options->asks_code || options->totp_file != NULL) && options->from == FROM_REPLY_COMMAND)
        reject(options, "a code goes behind the secret, which --reply-command has elsewhere: leave one of them out");
    if (options->quiet && options->verbose)
        reject(options, "-q and -v exclude each other");
    if (options->has_port && target->has_port && options->port != target->port)
        reject(options, "-p says port %u and the address says %u", (unsigned)options->port, (unsigned)target->port);
    if (options->family != AF_UNSPEC && target->family != AF_UNSPEC && options->family != target->family)
        reject(options, "%s is not an %s address", target->host, options->family == AF_INET ? "IPv4" : "IPv6");
}

void usage_parse(int argc, char *argv[], struct options *options)
{
    struct options_seen seen = {0};
    char name[NAME_LEN];
    int option;

    *options = (struct options){.family = AF_UNSPEC, .timeout = TIMEOUT_DEFAULT};
    opterr = 0;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        if (option == ':') {
            reject(options, "%s needs an argument", argv[optind - 1]);
        } else if (option == '?') {
            reject(options, "unknown option or wrong use: %s", options_unknown(argv));
        } else {
            if (!options_first(&seen, option))
                reject(options, "%s is given twice", name_of(option, name));
            take_option(options, option);
        }
    }
    for (; optind < argc; optind++)
        take_target(options, argv[optind]);
    if (!options->help && !options->version)
        check_together(options);
}
