/* SPDX-License-Identifier: ISC */
/*
 * ostiaryd, the handler: one connection on fd 0, one outcome, and then it becomes the action or ends.
 *
 * A launcher (systemd, xinetd, inetd, tcpserver) starts it for each connection. It listens to nothing, forks nothing
 * and keeps nothing in memory for the next one; what has to be remembered is in the lockout table (../state).
 * Here is how it is started; main() tells the story of a connection: the steps that every door has are in
 * ../door/visit.c, those of a knock in handler.c.
 */
#include "check.h"
#include "config.h"
#include "descriptors.h"
#include "handler.h"
#include "harden.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct options {
    const char *config_path;
    bool log_to_stderr;
    bool test_config;
    bool one_is_enough; /* that it be good for one action */
    bool stderr_usable; /* fd 2 is not the peer */
    bool too_few_descriptors;
};

static const char usage_text[] = "usage: ostiaryd [-e] [-c FILE]\n"
                                 "       ostiaryd -t | -T [-c FILE]\n"
                                 "       ostiaryd -h | --help | --version\n";

static const char help_text[] =
    "Handle one connection on standard input, as started by systemd, xinetd, inetd or tcpserver.\n"
    "\n"
    "  -c FILE     read the configuration from FILE (default: " OSTIARY_CONFIG ")\n"
    "  -e          log to standard error instead of syslog\n"
    "  -t          test the configuration, say what is wrong with it, and exit\n"
    "  -T          the same, and succeed as long as one action can be run\n"
    "  -h, --help  show this help\n"
    "  --version   show the version\n"
    "\n"
    "See ostiaryd(8) and ostiary.cfg(5).\n";

/* A fault in how the program was started: to the person who did it, or where a launcher did it, to the log. */
static void usage(const struct options *options, const char *what)
{
    if (harden_peer_kind() == HARDEN_NO_SOCKET) {
        fprintf(stderr, "ostiaryd: %s\n%s", what, usage_text);
    } else {
        log_open(options->log_to_stderr && options->stderr_usable);
        log_line(LOG_ERR, "%s: correct the launcher's entry, see ostiaryd(8)", what);
    }
    exit(EX_USAGE);
}

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    struct options_seen seen = {0};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "c:ehtT", long_options, NULL)) != -1) {
        if (option != '?' && !options_first(&seen, option)) {
            char what[] = "-X is given twice";

            what[1] = (char)option;
            usage(options, what);
        }
        switch (option) {
        case 'c':
            options->config_path = optarg;
            break;
        case 'e':
            options->log_to_stderr = true;
            break;
        case 't':
        case 'T':
            if (options->test_config)
                usage(options, "-t and -T exclude each other");
            options->test_config = true;
            options->one_is_enough = option == 'T';
            break;
        case 'h':
            printf("%s\n%s", usage_text, help_text);
            exit(EX_OK);
        case 'V':
            puts("ostiaryd " OSTIARY_VERSION);
            exit(EX_OK);
        default:
            usage(options, "unknown option, or one without its value");
        }
    }
    if (optind != argc)
        usage(options, "there are no arguments besides the options");
    if (options->config_path == NULL)
        options->config_path = OSTIARY_CONFIG;
}

/* The process as it has to be when a peer may speak to it; gives the limit that the launcher had set. */
static void harden(const struct options *options, struct harden_limits *before)
{
    const enum harden_peer kind = harden_peer_kind();

    if (kind == HARDEN_NO_SOCKET)
        usage(options, "standard input is not a connection: this program is started by systemd, xinetd or inetd");
    if (kind == HARDEN_WRONG_KIND)
        usage(options, "standard input is not a TCP connection: the launcher must accept it (Accept=yes, wait = no)");
    log_open(options->log_to_stderr && options->stderr_usable);
    if (options->too_few_descriptors) {
        log_line(LOG_ERR, "%s", DESCRIPTORS_TOO_FEW);
        exit(EX_OSERR);
    }
    if (harden_process(before) != 0) {
        log_line(LOG_ERR, "cannot limit this process: %s", strerror(errno));
        exit(EX_OSERR);
    }
}

static int test_config(const struct options *options)
{
    struct config config;
    enum check_result result;

    if (options->too_few_descriptors) {
        fprintf(stderr, "ostiaryd: %s\n", DESCRIPTORS_TOO_FEW);
        return EX_OSERR;
    }
    result = check_file(options->config_path, check_print, stdout, &config);
    config_free(&config);
    if (fflush(stdout) != 0)
        return EX_IOERR;
    return result == CHECK_GOOD || (result == CHECK_FAULTY && options->one_is_enough) ? EX_OK : EX_CONFIG;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct handler handler = HANDLER_NONE;
    struct visit *visit = &handler.visit;
    int status;

    options.too_few_descriptors = descriptors_make_room(&handler.start.limits.descriptors) != 0;
    /* Without this nothing may be printed, for it could be printed to the peer. */
    if (harden_descriptors(&options.stderr_usable) != 0) {
        log_open(false);
        log_line(LOG_ERR, "cannot close descriptors or open /dev/null: %s", strerror(errno));
        _exit(EX_OSERR);
    }
    read_options(&options, argc, argv);
    if (options.test_config)
        return test_config(&options);
    harden(&options, &handler.start.limits);
    handler.config.path = options.config_path;

    if (visit_open(visit) &&          /* who is it? From here on there is a deadline */
        handler_settings(&handler) && /* nothing is known of the peer but its address, and no secret is in memory */
        visit_admit(visit) &&         /* the peer may have a seed, and has no right yet */
        handler_exchange(&handler) && /* all that the peer will ever send has been read; it proves nothing yet */
        handler_secrets(&handler) &&  /* the secrets are in locked memory; nothing waits for the network any more */
        visit_charge(visit) &&        /* the strike is in the file: now the reply may be compared */
        handler_match(&handler) &&    /* the reply fits: the peer is authenticated */
        handler_spend(&handler) &&    /* its code is good for nothing any more, and no secret is in memory */
        handler_forgive(&handler))    /* its strike is taken back, and no other */
        handler_permit(&handler);     /* it may have what it asks for, or not */
    if (visit->end.outcome == VISIT_REJECTED)
        visit_settle(visit); /* the strike stands */

    handler_outcome(&handler); /* the connection has ended, but for who waits to hear that his action is started */
    handler_forget(&handler);  /* nothing that derives from a secret is in memory but the receipt */
    status = handler_start(&handler);
    handler_free(&handler);
    return status;
}
