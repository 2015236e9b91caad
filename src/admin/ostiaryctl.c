/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl, the administrator's tool: look at the table, lock, unlock, open, close, check. It never reads from the
 * network. Each command is a function of its own (ctl.h); here is only which one was asked for.
 */
#include "ctl.h"

#include "descriptors.h"
#include "stop.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const char *name;
    enum ctl_status (*run)(struct ctl *ctl, int argc, char **argv);
};

static const struct command commands[] = {
    {"check", ctl_check},   {"list", ctl_list},     {"lock", ctl_lock},     {"unlock", ctl_unlock},
    {"flush", ctl_flush},   {"close", ctl_close},   {"open", ctl_open},     {"verify", ctl_verify},
    {"repair", ctl_repair}, {"keygen", ctl_keygen}, {"status", ctl_status}, {"log", ctl_log},
    {"add", ctl_add},       {"remove", ctl_remove}, {"merge", ctl_merge},   {"grants", ctl_grants},
    {"grant", ctl_grant},   {"revoke", ctl_revoke}, {"codes", ctl_codes},
};

static const char help_text[] =
    "usage: ostiaryctl [-c FILE] COMMAND [ARGUMENT]...\n"
    "       ostiaryctl -h | --help | --version\n"
    "\n"
    "  -c FILE     read the configuration from FILE (default: " OSTIARY_CONFIG ")\n"
    "  -h, --help  show this help\n"
    "  --version   show the version\n"
    "\n"
    "  add NAME COMMAND [USER]      make an action: its secret, its line, and what the client has to do\n"
    "  add NAME socket=PATH         the same for an action behind a socket, as the sealed door's are\n"
    "  add NAME grant=GATE          the same for an action that opens a gate; revoke=GATE shuts it\n"
    "  add NAME ... --stretch LABEL the same with the secret of a passphrase, which is asked for\n"
    "  add NAME ... --totp          the same with one-time codes of a telephone behind the secret; --hotp of a token\n"
    "  add NAME ... --from-usersfile FILE\n"
    "                               the same with the key of user NAME in a file of pam_oath\n"
    "  remove NAME                  take an action's line and its secret away\n"
    "  status [--json]              is anybody served, and if not, why\n"
    "  check                        look for errors in the configuration and around it\n"
    "  log [-n N] [-f] [--since TIME] [--source ADDR] [--action NAME] [--door DOOR] [--directory DIR] [--json]\n"
    "                               show who knocked and what came of it\n"
    "  list [--json] [ADDR]         show strikes and locks\n"
    "  list --codes [--json]        show which one-time codes are used up\n"
    "  list --secrets [--json]      show when each secret was last accepted\n"
    "  lock ADDR[/PREFIX] [TIME]    lock a source or a network, for TIME (10m, 12h, 7d; 0: until unlocked)\n"
    "  unlock ADDR[/PREFIX]         lift its lock and forget its strikes\n"
    "  unlock --all                 the same for everybody\n"
    "  flush                        forget all strikes that lock nobody\n"
    "  codes --forget NAME          forget which codes of TOTP an action has seen, used at a wrong clock\n"
    "  codes --counter NUMBER NAME  say which code of HOTP is the next\n"
    "  merge DIRECTORY              take over the locks of another table\n"
    "  close [REASON]               serve nobody\n"
    "  open                         serve again, after close, KILL or too many errors\n"
    "  verify                       look for damage in the table\n"
    "  repair [--empty]             rebuild the table from what is whole\n"
    "  keygen [--stretch LABEL]     print a new random secret, or that of a passphrase\n"
    "  grants [--json] [--user U]   show for whom which gate is open\n"
    "  grant GATE ADDR[/PREFIX] [TIME] [--user U]\n"
    "                               open a gate, for TIME or the gate's own\n"
    "  revoke GATE ADDR[/PREFIX]    shut it again\n"
    "  revoke GATE --user U         shut it for all that U has open\n"
    "\n"
    "See ostiaryctl(8), ostiary.cfg(5) and ostiary-grants.cfg(5).\n";

/* The options before the command. */
static void read_options(int argc, char **argv, struct ctl *ctl)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = ctl_option(argc, argv, "+:c:h", options)) != -1) {
        switch (option) {
        case 'c':
            ctl->config_path = optarg;
            break;
        case 'h':
            fputs(help_text, stdout);
            exit(CTL_OK);
        default:
            puts("ostiaryctl " OSTIARY_VERSION);
            exit(CTL_OK);
        }
    }
    if (ctl->config_path != NULL)
        snprintf(ctl->self, sizeof(ctl->self), "ostiaryctl -c %s", ctl->config_path);
    else
        snprintf(ctl->self, sizeof(ctl->self), "ostiaryctl");
    if (ctl->config_path == NULL)
        ctl->config_path = OSTIARY_CONFIG;
    if (optind == argc)
        ctl_usage("a command is missing");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    ctl_usage("there is no such command: %s", name);
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.store = {.dir_fd = -1, .table_fd = -1}};
    const struct command *command;
    enum ctl_status status;

    if (descriptors_fill() != 0)
        err(CTL_OS, "/dev/null");
    (void)signal(SIGXFSZ, SIG_IGN); /* a table that may not grow is a fault that is said */
    (void)signal(SIGCHLD, SIG_DFL); /* where it is ignored, nobody could say how a child has ended */
    read_options(argc, argv, &ctl);
    argc -= optind;
    argv += optind;
    command = find_command(argv[0]);
    if (command->run != ctl_log) /* which holds nothing, and may run for long */
        stop_refuse();
    optind = 0; /* start anew, with the command's own options */
    status = command->run(&ctl, argc, argv);
    store_close(&ctl.store);
    config_free(&ctl.config);
    /* An answer that got lost is no answer. */
    if (fflush(stdout) != 0 || ferror(stdout))
        err(CTL_STATE, "standard output");
    return (int)status;
}
