/* SPDX-License-Identifier: ISC */
/* See ostpipe_options.h. */
#include "ostpipe_options.h"

#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define TIMEOUT_DEFAULT_MS 5000
#define TIMEOUT_MAX_S      86400

const char ostpipe_usage_line[] = "usage: ostpipe -t TARGET -k KEYFILE [-fgjV] [-o SECONDS] [-b ADDR]\n";
const char ostpipe_usage_help[] =
    "Connect standard input and output through a pipe to TARGET, which has to have the same key.\n"
    "\n"
    "  -t TARGET   HOST:PORT, ADDR:PORT, [IPv6]:PORT, or the absolute path of a unix socket\n"
    "  -k KEYFILE  the key: all of this file, as for spiped\n"
    "  -f          do without forward secrecy, which saves both sides computing\n"
    "  -g          end where the other side does without it\n"
    "  -j          no TCP keep-alives\n"
    "  -o SECONDS  to be connected, and again for the handshake (default: 5)\n"
    "  -b ADDR     connect from this address\n"
    "  -V          say what it does\n"
    "  -h, --help  show this help\n"
    "  -v, --version\n"
    "              show the version\n"
    "\n"
    "See ostpipe(1).\n";

__attribute__((format(printf, 2, 3))) static void reject(struct ostpipe_options *options, const char *format, ...)
{
    va_list arguments;

    if (options->fault[0] != '\0')
        return; /* the first one is said */
    va_start(arguments, format);
    vsnprintf(options->fault, sizeof(options->fault), format, arguments);
    va_end(arguments);
}

static void take_target(struct ostpipe_options *options, const char *text)
{
    enum target_fault fault;

    options->target_text = text;
    if (text[0] == '/') {
        options->socket_path = text;
        if (strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path))
            reject(options, "-t %s: the path of a socket has at most %zu bytes", text,
                   sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
        return;
    }
    fault = target_parse(text, &options->target);
    if (fault != TARGET_OK)
        reject(options, "-t '%s': %s", text, target_fault_text(fault));
    else if (!options->target.has_port)
        reject(options, "-t '%s': which port? write it behind the address, as in HOST:8022", text);
}

/* Seconds, of which spipe takes parts as well: 1.5. */
static void take_timeout(struct ostpipe_options *options, const char *text)
{
    char *end;
    const double seconds = strtod(text, &end);

    if (strspn(text, "0123456789.") != strlen(text) || *end != '\0' || end == text || !(seconds >= 0.001) ||
        seconds > TIMEOUT_MAX_S)
        reject(options, "-o '%s': must be seconds, from 0.001 to %d", text, TIMEOUT_MAX_S);
    else
        options->timeout_ms = (int64_t)(seconds * 1000);
}

static void take_source(struct ostpipe_options *options, const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};

    options->has_source = true;
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(&options->source.name, &four, sizeof(four));
        options->source.len = sizeof(four);
    } else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        memcpy(&options->source.name, &six, sizeof(six));
        options->source.len = sizeof(six);
    } else {
        reject(options, "-b '%s': must be an IPv4 or IPv6 address of this host", text);
    }
}

static void take_secrecy(struct ostpipe_options *options, enum handshake_secrecy secrecy)
{
    if (options->secrecy != HANDSHAKE_PREFERRED)
        reject(options, "-f and -g exclude each other");
    options->secrecy = secrecy;
}

static void take_option(struct ostpipe_options *options, int option)
{
    switch (option) {
    case 't':
        take_target(options, optarg);
        break;
    case 'k':
        options->key_file = optarg;
        break;
    case 'f':
        take_secrecy(options, HANDSHAKE_NONE);
        break;
    case 'g':
        take_secrecy(options, HANDSHAKE_REQUIRED);
        break;
    case 'j':
        options->keepalive = false;
        break;
    case 'o':
        take_timeout(options, optarg);
        break;
    case 'b':
        take_source(options, optarg);
        break;
    case 'V':
        options->verbose = true;
        break;
    case 'h':
        options->help = true;
        break;
    default:
        options->version = true;
        break;
    }
}

static void check_together(struct ostpipe_options *options)
{
    if (options->target_text == NULL)
        reject(options, "no -t: where to?");
    if (options->key_file == NULL)
        reject(options, "no -k: which key?");
    if (options->key_file != NULL && strcmp(options->key_file, "-") == 0)
        reject(options, "-k -: standard input is the stream: write the key to a file");
    if (options->has_source && options->socket_path != NULL)
        reject(options, "-b is for addresses, and -t names a socket");
    if (options->has_source && options->target.family != AF_UNSPEC &&
        options->target.family != options->source.name.ss_family)
        reject(options, "-b and -t must both be IPv4, or both IPv6");
}

void ostpipe_options_parse(int argc, char *argv[], struct ostpipe_options *options)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    struct options_seen seen = {0};
    int option;

    *options = (struct ostpipe_options){.keepalive = true, .timeout_ms = TIMEOUT_DEFAULT_MS};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":t:k:fgjo:b:Vhv", long_options, NULL)) != -1) {
        if (option == ':')
            reject(options, "%s needs an argument", argv[optind - 1]);
        else if (option == '?')
            reject(options, "unknown option or wrong use: %s", options_unknown(argv));
        else if (!options_first(&seen, option))
            reject(options, "-%c is given twice", option);
        else
            take_option(options, option);
    }
    if (optind < argc)
        reject(options, "'%s': there are no arguments besides the options", argv[optind]);
    if (!options->help && !options->version)
        check_together(options);
}
