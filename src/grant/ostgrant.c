/* SPDX-License-Identifier: ISC */
/*
 * ostgrant: gates in the firewall, each open for an address and a time. One command, one change, and it ends; what has
 * to be remembered is in the record (state/grants.h), what ends by itself is in the kernel. It is the only part of
 * Ostiary that needs CAP_NET_ADMIN. Run by administrators, by units and timers, by ostiaryd for who has knocked, and by
 * launchers for who asks over a socket. Here is how it is told what to do.
 */
#include "address.h"
#include "agree.h"
#include "deadline.h"
#include "deeds.h"
#include "descriptors.h"
#include "examine.h"
#include "gates.h"
#include "last.h"
#include "listing.h"
#include "log.h"
#include "lost.h"
#include "number.h"
#include "options.h"
#include "serve.h"
#include "stop.h"
#include "stream.h"
#include "tell.h"
#include "text.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CONFIG       OSTIARY_GRANTS_CONFIG
#define MS           1000
#define LIFETIME_MAX (UINT64_C(3650) * 24 * 3600)
#define RECEIPT_LEN  32
#define PEER_FD      3 /* of who has knocked */
#define NOT_SO       1

/* How long it may take, whatever hangs (I13). */
#define KNOCK_LIMIT_MS 45000
#define LIMIT_MS       300000

struct call {
    const char *config_path;
    struct gates gates;
    struct deeds deeds;
    int argc; /* of what is behind the command */
    char **argv;
};

static const char usage_text[] = "usage: ostgrant [-c FILE] COMMAND [ARGUMENT]...\n"
                                 "       ostgrant -h | --help | --version\n";

static const char help_text[] =
    "  -c FILE     read the configuration from FILE (default: " CONFIG ")\n"
    "  -h, --help  show this help\n"
    "  --version   show the version\n"
    "\n"
    "  load                                        load the rules; what is granted stays\n"
    "  restore                                     the same, for boots and reloads of the firewall\n"
    "  unload                                      take the rules away: every gate stands open\n"
    "  grant GATE ADDRESS[/N] [LIFETIME] [USER]    open a gate for LIFETIME (10m, 12h, 7d)\n"
    "  revoke GATE ADDRESS[/N]                     close it\n"
    "  revoke GATE --user USER                     close all that a user has open there\n"
    "  list [--json] [--user USER]                 show what is open\n"
    "  tick                                        end, renew and make good what has to be\n"
    "  rules                                       print the rules, for nft and its own configuration\n"
    "  check                                       look for what is wrong with configuration and firewall\n"
    "  repair                                      give up what is damaged in the record\n"
    "\n"
    "For launchers and for ostiaryd:\n"
    "\n"
    "  serve                                       answer the unix socket on standard input\n"
    "  knock open|close GATE ADDRESS USER [others] act for the peer on descriptor 3\n"
    "\n"
    "See ostgrant(8) and ostiary-grants.cfg(5).\n";

/* ---- What people type ---- */

static _Noreturn void usage(const char *what)
{
    fprintf(stderr, "ostgrant: %s\n%s", what, usage_text);
    exit(EX_USAGE);
}

static int status_of(const struct call *call, enum request_reason reason)
{
    switch (reason) {
    case REQUEST_DONE:
        return EX_OK;
    case REQUEST_NOT_OPEN:
        return NOT_SO;
    case REQUEST_BUSY:
        return EX_TEMPFAIL;
    case REQUEST_NOT_PERMITTED:
    case REQUEST_TOKEN:
        return EX_NOPERM;
    case REQUEST_MALFORMED:
    case REQUEST_NO_GATE:
    case REQUEST_BAD_ADDRESS:
    case REQUEST_BAD_LIFETIME:
        return EX_USAGE;
    case REQUEST_FULL:
    case REQUEST_CONFIG:
    case REQUEST_FAILED:
    case REQUEST_UNREACHABLE:
        break;
    }
    if (call->deeds.record_no_right || call->deeds.wall.no_right)
        return EX_NOPERM;
    return call->deeds.record_failed ? EX_IOERR : EX_UNAVAILABLE;
}

static void need_arguments(const struct call *call, int low, int high, const char *what)
{
    if (call->argc < low || call->argc > high)
        usage(what);
}

/* As whom somebody has typed it, where nobody is named. */
static const char *name_of_caller(void)
{
    const char *by_sudo = getenv("SUDO_USER");
    const struct passwd *entry = getpwuid(getuid());

    if (by_sudo != NULL && gates_is_user(by_sudo))
        return by_sudo;
    return entry != NULL && gates_is_user(entry->pw_name) ? entry->pw_name : "root";
}

static void tell_no_gate(const struct call *call, const char *name)
{
    struct text names = {0};

    for (size_t i = 0; i < call->gates.count; i++)
        text_add(&names, "%s%s", i == 0 ? "" : ", ", call->gates.list[i].name);
    tell_wrong(LOG_ERR, "there is no gate '%s' in %s; there are: %s", gates_is_name(name) ? name : "?",
               call->config_path, names.failed || names.bytes == NULL ? "none" : names.bytes);
    text_free(&names);
}

static const struct gate *gate_of(const struct call *call, const char *name)
{
    const struct gate *gate = gates_find(&call->gates, name);

    if (gate == NULL) {
        tell_no_gate(call, name);
        exit(EX_USAGE);
    }
    return gate;
}

_Noreturn static void refuse_address(const char *text)
{
    tell_wrong(LOG_ERR,
               "'%s' is no address and no network without bits behind its prefix: write it as 192.0.2.7, "
               "198.51.100.0/24 or 2001:db8::/64; names are not looked up",
               text);
    exit(EX_USAGE);
}

/* A host as the gate widens it, or a network as it is written; never a name. */
static void take_network(const struct gate *gate, const char *text, struct source *network)
{
    struct address host;
    const enum address_result result = address_parse(text, &host);

    if (result == ADDRESS_OK && gates_network(gate, &host, network))
        return;
    if (result != ADDRESS_OK && address_parse_network(text, network) == ADDRESS_OK && gates_can_hold(network))
        return;
    if (result == ADDRESS_OK || result == ADDRESS_NEEDS_INTERFACE)
        tell_wrong(LOG_ERR, "a link-local address cannot be granted: use another address of that host, or ALWAYS=");
    else
        refuse_address(text);
    exit(EX_USAGE);
}

/* What nobody could come in by; revoked it can be, as long as it is in the record. */
static void need_hosts(const char *text, const struct source *network)
{
    if (gates_has_hosts(network))
        return;
    tell_wrong(LOG_ERR,
               "'%s' cannot be granted: no other host sends packets from there, for it is loopback, which is never "
               "shut, multicast, or no address at all; all of IPv4 is 0.0.0.0/0, and all of IPv6 ::/0",
               text);
    exit(EX_USAGE);
}

static uint64_t lifetime_of(const struct gate *gate, const char *address, const char *text)
{
    uint64_t lifetime_s = 0;
    const enum number_result result = number_parse_time(text, (struct number_range){1, gate->most_s}, &lifetime_s);
    char most[NUMBER_TIME_LEN];

    if (result == NUMBER_OK)
        return lifetime_s;
    number_format_time(gate->most_s, most);
    tell_wrong(LOG_ERR,
               "'%s' is no lifetime for gate '%s': write a time such as 90m, 12h or 2d, from 1s to its most=, %s", text,
               gate->name, most);
    if (result == NUMBER_MALFORMED && gates_is_user(text))
        fprintf(stderr, "ostgrant: a user stands behind the lifetime, which - leaves to the gate: grant %s %s - %s\n",
                gate->name, address, text);
    exit(EX_USAGE);
}

static const char *user_of(const char *text)
{
    if (!gates_is_user(text))
        usage("a user is named by 1 to 64 of A-Z a-z 0-9 . _ @ + -");
    return text;
}

/* ---- The commands ---- */

static enum request_reason begin(struct call *call)
{
    return deeds_begin(&call->deeds, &call->gates, HOLD_ALONE);
}

static int load(struct call *call)
{
    enum request_reason reason;

    need_arguments(call, 0, 0, "load and restore take no arguments");
    reason = begin(call);
    if (reason == REQUEST_DONE)
        reason = agree(&call->deeds, AGREE_LOAD);
    /* Whatever is wrong with the record: what is to be shut is shut. */
    if (reason != REQUEST_DONE)
        (void)agree_on_rules(&call->deeds, AGREE_LOAD);
    return status_of(call, reason);
}

/*
 * For who wants no gates any more, or none for a while: he may have removed the configuration already. What is granted
 * stays in the record, which is held where it can be, so that nobody else loads the rules meanwhile.
 */
static int unload(struct call *call)
{
    enum request_reason reason;

    need_arguments(call, 0, 0, "unload takes no arguments");
    (void)begin(call);
    reason = wall_take_away(&call->deeds.wall);
    if (reason != REQUEST_DONE)
        return status_of(call, reason);
    last_forget(&call->gates);
    tell_done(LOG_WARNING, "unloaded: no gate of nftables shuts anything any more");
    puts("no gate of nftables shuts anything any more\n"
         "The next grant loads the rules again; and so do, unless they are disabled, ostiary-grants.timer\n"
         "within a minute, and ostiary-grants.service at a boot.");
    return EX_OK;
}

static int tick(struct call *call)
{
    enum request_reason reason;

    need_arguments(call, 0, 0, "tick takes no arguments");
    reason = begin(call);
    if (reason == REQUEST_DONE)
        reason = agree(&call->deeds, AGREE_TICK);
    if (reason != REQUEST_DONE)
        (void)agree_on_rules(&call->deeds, AGREE_TICK);
    return status_of(call, reason);
}

static void say_granted(const struct call *call, const struct grant *given)
{
    char network[ADDRESS_TEXT_LEN];
    char left[NUMBER_TIME_LEN];
    uint64_t left_ms = 0;

    address_format_source(&given->network, network);
    (void)grant_left(given, call->deeds.record.latest_ms, &call->deeds.now, &left_ms);
    number_format_time((left_ms + MS - 1) / MS, left);
    printf("gate %s is open to %s for %s\n", given->gate, network, left);
}

static int run_grant(struct call *call)
{
    struct wish wish = {.by = GRANT_BY_ADMIN};
    struct grant given;
    enum request_reason reason;

    need_arguments(call, 2, 4, "grant takes GATE ADDRESS[/N] [LIFETIME] [USER]");
    wish.gate = gate_of(call, call->argv[0]);
    take_network(wish.gate, call->argv[1], &wish.network);
    need_hosts(call->argv[1], &wish.network);
    if (call->argc > 2 && strcmp(call->argv[2], "-") != 0)
        wish.lifetime_s = lifetime_of(wish.gate, call->argv[1], call->argv[2]);
    wish.user = user_of(call->argc > 3 ? call->argv[3] : name_of_caller());
    reason = begin(call);
    if (reason == REQUEST_DONE)
        reason = deeds_open(&call->deeds, &wish, &given);
    if (reason == REQUEST_DONE)
        say_granted(call, &given);
    return status_of(call, reason);
}

/* What has not been closed by it. */
static void say_cover(const struct call *call, const char *gate, const char *network)
{
    const struct cover *cover = &call->deeds.cover;
    char by[ADDRESS_TEXT_LEN];
    char left[NUMBER_TIME_LEN];

    address_format_source(&cover->network, by);
    number_format_time((cover->left_ms + MS - 1) / MS, left);
    if (cover->always)
        fprintf(stderr, "ostgrant: gate %s is still open to %s: ALWAYS= has it in %s\n", gate, network,
                call->config_path);
    else
        fprintf(stderr, "ostgrant: gate %s is still open to %s by %s of %s, for %s more\n", gate, network, by,
                cover->user, left);
}

static void say_revoked(const struct call *call, const char *gate, const char *network, enum request_reason reason)
{
    const bool covered = call->deeds.cover.always || call->deeds.cover.left_ms > 0;

    if (reason == REQUEST_NOT_OPEN && !covered)
        fprintf(stderr, "ostgrant: gate %s is not open to %s: see 'ostgrant list'\n", gate, network);
    else if (reason == REQUEST_NOT_OPEN)
        fprintf(stderr, "ostgrant: nothing was closed: gate %s has no grant for just %s\n", gate, network);
    else if (reason == REQUEST_DONE)
        printf(covered ? "the grant of gate %s for %s is revoked\n" : "gate %s is closed to %s\n", gate, network);
    if (covered)
        say_cover(call, gate, network);
}

/* Of a gate that was taken out of the configuration the record may still have grants. */
static int revoke_lost(struct call *call, const char *gate, const char *whom)
{
    struct lost lost = {.gate = gate};
    struct source network = {.prefix = 128};
    struct address host;
    enum request_reason reason;

    if (call->argc == 3) {
        lost.user = user_of(whom);
    } else {
        lost.network = &network;
        if (address_parse(whom, &host) == ADDRESS_OK)
            memcpy(network.address, host.bytes, sizeof network.address);
        else if (address_parse_network(whom, &network) != ADDRESS_OK)
            refuse_address(whom);
    }
    reason = begin(call);
    if (reason == REQUEST_DONE)
        reason = lost_forget(&call->deeds, &lost);
    if (reason == REQUEST_NOT_OPEN) {
        tell_no_gate(call, gate);
        return EX_USAGE;
    }
    if (reason == REQUEST_DONE)
        printf("what %s had at gate %s, which %s has not, is forgotten\n", whom, gate, call->config_path);
    return status_of(call, reason);
}

/* Of one network, whoever has it; or of one user, wherever he has it open. */
static int run_revoke(struct call *call)
{
    static const char takes[] = "revoke takes GATE ADDRESS[/N], or GATE --user USER";
    struct wish wish = {.by = GRANT_BY_ADMIN};
    const char *whom;
    enum request_reason reason;

    need_arguments(call, 2, 3, takes);
    if ((strcmp(call->argv[1], "--user") == 0) != (call->argc == 3))
        usage(takes);
    whom = call->argv[call->argc - 1];
    if (gates_find(&call->gates, call->argv[0]) == NULL)
        return revoke_lost(call, call->argv[0], whom);
    wish.gate = gate_of(call, call->argv[0]);
    if (call->argc == 3)
        wish.user = user_of(whom);
    else
        take_network(wish.gate, whom, &wish.network);
    reason = begin(call);
    if (reason == REQUEST_DONE)
        reason = wish.user != NULL ? deeds_close_user(&call->deeds, &wish) : deeds_close(&call->deeds, &wish);
    say_revoked(call, wish.gate->name, whom, reason);
    return status_of(call, reason);
}

static int print_list(struct call *call, bool as_json, const char *user)
{
    struct listing listing = {0};
    enum request_reason reason = deeds_begin(&call->deeds, &call->gates, HOLD_SHARED);
    int status;

    if (reason == REQUEST_DONE)
        reason = listing_read(&call->deeds, NULL, &listing);
    /* Nobody waits for a firewall that answers slowly, or for who reads what is printed. */
    grants_release(&call->deeds.record);
    if (reason == REQUEST_DONE)
        reason = listing_look(&call->deeds, &listing);
    status = reason == REQUEST_NOT_OPEN ? EX_OK : status_of(call, reason); /* no record yet: no grant */
    if (status == EX_OK && !as_json)
        listing_print(&listing, user, stdout);
    else if (status == EX_OK && listing_print_json(&listing, user, stdout) != 0) {
        tell_wrong(LOG_ERR, "there is no memory to print all grants");
        status = EX_OSERR;
    }
    listing_free(&listing);
    if (fflush(stdout) != 0)
        status = EX_IOERR;
    return status;
}

static int list(struct call *call)
{
    const char *user = NULL;
    bool as_json = false;

    for (int i = 0; i < call->argc; i++) {
        if (strcmp(call->argv[i], "--json") == 0 && !as_json)
            as_json = true;
        else if (strcmp(call->argv[i], "--user") == 0 && user == NULL && i + 1 < call->argc)
            user = call->argv[++i];
        else
            usage("list takes [--json] [--user USER], each once");
    }
    return print_list(call, as_json, user);
}

/* As "load" would make them where there are none, and nothing is granted. Neither record nor firewall is looked at. */
static int print_rules(struct call *call)
{
    static const struct nft_lengths lengths[GATES_MAX];
    static const struct nft_table none;
    struct text script = {0};
    int status = EX_OK;

    need_arguments(call, 0, 0, "rules takes no arguments");
    nft_write_table(&script, &call->gates, lengths, &none);
    if (script.failed) {
        tell_wrong(LOG_ERR, "there is no memory for the rules");
        status = EX_OSERR;
    } else {
        printf("# Printed by 'ostgrant rules': the gates of %s.\n%s", call->config_path, script.bytes);
        if (fflush(stdout) != 0)
            status = EX_IOERR;
    }
    text_free(&script);
    return status;
}

static int check(struct call *call)
{
    need_arguments(call, 0, 0, "check takes no arguments");
    return examine(&call->gates);
}

static int repair(struct call *call)
{
    enum request_reason reason;
    enum grants_fault fault;
    uint64_t count = 0;
    uint64_t stranded = 0;

    need_arguments(call, 0, 0, "repair takes no arguments");
    reason = begin(call);
    if (reason != REQUEST_DONE)
        return status_of(call, reason);
    fault = grants_repair(&call->deeds.record, &count);
    if (fault != GRANTS_OK)
        return status_of(call, deeds_blame(&call->deeds, fault));
    tell_done(LOG_NOTICE, "repaired damaged=%ju", (uintmax_t)count);
    printf("%ju damaged grants were given up; who had them has to ask again\n", (uintmax_t)count);
    reason = lost_give_up(&call->deeds, &stranded);
    printf("%ju grants were given up that no revoke= has closed; see to the other firewall\n", (uintmax_t)stranded);
    if (reason != REQUEST_DONE)
        return status_of(call, reason);
    return status_of(call, agree(&call->deeds, AGREE_TICK));
}

static int serve_peer(struct call *call)
{
    need_arguments(call, 0, 0, "serve takes no arguments");
    return serve(&call->gates, STDIN_FILENO);
}

/* ---- For who has knocked ---- */

/* The receipt is for who has his gate open. */
static void send_receipt(void)
{
    uint8_t receipt[RECEIPT_LEN];

    if (read(STDIN_FILENO, receipt, sizeof receipt) == (ssize_t)sizeof receipt)
        stream_send_at_once(PEER_FD, receipt, sizeof receipt);
    else
        tell_wrong(LOG_ERR, "there is no receipt on standard input: 'knock' is for ostiaryd alone");
}

static enum request_reason act_for_peer(struct call *call, struct wish *wish, bool opens)
{
    const bool others = call->argc == 5;
    enum request_reason reason = begin(call);

    if (reason != REQUEST_DONE)
        return deeds_refuse(wish, reason);
    reason = opens ? deeds_open(&call->deeds, wish, NULL) : deeds_close(&call->deeds, wish);
    if (!opens && reason == REQUEST_NOT_OPEN)
        reason = REQUEST_DONE; /* it is closed, as he wants it */
    return reason == REQUEST_DONE && others ? deeds_close_others(&call->deeds, wish) : reason;
}

static int knock(struct call *call)
{
    struct wish wish = {.by = GRANT_BY_KNOCK};
    enum request_reason reason;
    bool opens;

    need_arguments(call, 4, 5, "knock takes open|close GATE ADDRESS USER [others]");
    opens = strcmp(call->argv[0], "open") == 0;
    if ((!opens && strcmp(call->argv[0], "close") != 0) || !gates_is_user(call->argv[3]) ||
        (call->argc == 5 && strcmp(call->argv[4], "others") != 0))
        usage("knock takes open|close GATE ADDRESS USER [others]");
    wish.gate = gate_of(call, call->argv[1]);
    take_network(wish.gate, call->argv[2], &wish.network);
    wish.user = call->argv[3];
    reason = deeds_is_needless(&wish) ? REQUEST_DONE : act_for_peer(call, &wish, opens);
    if (reason == REQUEST_DONE)
        send_receipt();
    return status_of(call, reason);
}

/* ---- Beginning ---- */

struct command {
    const char *name;
    int (*run)(struct call *call);
    bool by_person; /* who runs it reads standard error */
    int waiting_fd; /* where somebody waits for it to end; -1: nowhere */
    int limit_ms;
};

static const struct command commands[] = {
    {"load", load, true, -1, LIMIT_MS},
    {"restore", load, true, -1, LIMIT_MS},
    {"unload", unload, true, -1, LIMIT_MS},
    {"grant", run_grant, true, -1, LIMIT_MS},
    {"revoke", run_revoke, true, -1, LIMIT_MS},
    {"list", list, true, -1, LIMIT_MS},
    {"tick", tick, true, -1, LIMIT_MS},
    {"rules", print_rules, true, -1, LIMIT_MS},
    {"check", check, true, -1, LIMIT_MS},
    {"repair", repair, true, -1, LIMIT_MS},
    {"serve", serve_peer, false, STDIN_FILENO, KNOCK_LIMIT_MS},
    {"knock", knock, false, PEER_FD, KNOCK_LIMIT_MS},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    usage("there is no such command: see 'ostgrant --help'");
}

static void read_options(struct call *call, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    struct options_seen seen = {0};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+c:h", long_options, NULL)) != -1) {
        if (option != '?' && !options_first(&seen, option))
            usage("an option is given twice");
        switch (option) {
        case 'c':
            call->config_path = optarg;
            break;
        case 'h':
            printf("%s\n%s", usage_text, help_text);
            exit(EX_OK);
        case 'V':
            puts("ostgrant " OSTIARY_VERSION);
            exit(EX_OK);
        default:
            usage("unknown option, or one without its value");
        }
    }
    if (optind == argc)
        usage("a command is missing");
    call->argc = argc - optind - 1;
    call->argv = argv + optind + 1;
}

static void report(void *context, const struct config_finding *finding)
{
    const struct command *command = context;

    if (command->run == check) {
        examine_print(finding);
        return;
    }
    if (finding->severity == CONFIG_ERROR && finding->line == 0)
        tell_wrong(LOG_ERR, "%s: error: %s", finding->file, finding->text);
    else if (finding->severity == CONFIG_ERROR)
        tell_wrong(LOG_ERR, "%s:%u: error: %s", finding->file, finding->line, finding->text);
}

/*
 * The connection of who waits ends with this process, however that ends: the launcher may have a duplicate, which only
 * shutdown(2) reaches. Good for a signal handler too.
 */
static int waiting_fd = -1;

static void hang_up(void)
{
    if (waiting_fd >= 0)
        shutdown(waiting_fd, SHUT_RDWR);
}

/* At the deadline: what was begun is in the record, and whoever comes next finishes it. */
static void end_late(void)
{
    log_write_end(LOG_END_DEADLINE);
    hang_up();
    _exit(EX_TEMPFAIL);
}

/* libnftables ends the process as it likes, and no atexit(3) of ours is heard any more. */
static void end_with_firewall(void)
{
    tell_wrong(LOG_ERR, "libnftables has no memory, or no answer of the kernel's, and has given up; what was begun is "
                        "finished by the next 'ostgrant tick'");
    hang_up();
}

static void start_deadline(const struct command *command)
{
    log_prepare_end(
        LOG_END_DEADLINE, 0, LOG_ERR,
        "%s was not done within %d s: the firewall, a command or the disk hangs; what was begun is finished "
        "by the next 'ostgrant tick'",
        command->name, command->limit_ms / MS);
    if (deadline_start(command->limit_ms, end_late) != 0) {
        tell_wrong(LOG_ERR, "cannot set a time limit: %s", strerror(errno));
        exit(EX_OSERR);
    }
}

static bool read_gates(struct call *call, const struct command *command)
{
    const struct config_reader reader = {
        .path = call->config_path, .report = report, .context = (void *)(uintptr_t)command};

    if (command->run == unload && access(call->config_path, F_OK) != 0)
        return false;
    return gates_load(&reader, &call->gates) == 0;
}

/*
 * Where the configuration has an error, what shuts and makes good goes on with the one that was last loaded. Nobody
 * opens anything by that.
 */
static bool read_last_gates(struct call *call, const struct command *command)
{
    static char path[PATH_MAX];

    if ((command->run != load && command->run != tick) || !last_find(call->config_path, path))
        return false;
    tell_wrong(LOG_ERR, "%s has errors: what was last loaded from it, %s, stays in force until they are mended",
               call->config_path, path);
    call->config_path = path;
    return read_gates(call, command);
}

/* Nothing has to be known of gates to take them away. */
static bool unloads_all(struct call *call, const struct command *command)
{
    if (command->run != unload)
        return false;
    call->gates = (struct gates){.path = call->config_path, .state_dir = GATES_STATE_DIR, .log_level = LOG_INFO};
    return true;
}

/* Whoever waits at a socket hears why it is not done; who has knocked has no receipt. */
static void refuse_peer(const struct command *command)
{
    if (command->run == serve_peer)
        serve_refusal(STDIN_FILENO, REQUEST_CONFIG);
}

int main(int argc, char **argv)
{
    struct call call = {.config_path = CONFIG, .deeds = DEEDS_NONE};
    const struct command *command;
    int status;

    umask(077);
    if (descriptors_fill() != 0)
        err(EX_OSERR, "/dev/null");
    stop_refuse();
    (void)signal(SIGXFSZ, SIG_IGN); /* a record that may not grow is a fault that is said */
    read_options(&call, argc, argv);
    command = find_command(argv[argc - call.argc - 1]);
    tell_open(command->by_person);
    waiting_fd = command->waiting_fd;
    if (waiting_fd >= 0 && atexit(hang_up) != 0)
        return EX_OSERR;
    nft_set_last_words(end_with_firewall);
    start_deadline(command);
    status = read_gates(&call, command) || unloads_all(&call, command) ? EX_OK : EX_CONFIG;
    if (status != EX_OK && !read_last_gates(&call, command)) {
        refuse_peer(command);
        return status;
    }
    log_set_level(call.gates.log_level);
    if (status == EX_OK)
        status = command->run(&call);
    else
        (void)command->run(&call);
    deeds_end(&call.deeds);
    gates_free(&call.gates);
    return status;
}
