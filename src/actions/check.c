/* SPDX-License-Identifier: ISC */
/* See check.h. */
#include "check.h"

#include "clock.h"
#include "gates.h"
#include "granter.h"
#include "granting.h"
#include "locked.h"
#include "mac.h"
#include "program.h"
#include "seen.h"
#include "users.h"
#include "weak.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define EXPIRY_NOTICE_S (7 * 24 * 3600)

static int check_account(const struct config_entry *entry, struct account *account, char problem[static CHECK_TEXT_LEN])
{
    const enum account_fault fault = account_resolve(entry->user, entry->group, account);

    /* A name that nobody has is not repeated: it may be a secret in the wrong field (I10). */
    if (fault == ACCOUNT_NO_GROUP)
        snprintf(problem, CHECK_TEXT_LEN, "group: %s", account_fault_text(fault));
    else if (fault == ACCOUNT_LOOKUP)
        snprintf(problem, CHECK_TEXT_LEN, "user: %s: %s", account_fault_text(fault), strerror(errno));
    else if (fault != ACCOUNT_OK)
        snprintf(problem, CHECK_TEXT_LEN, "user: %s", account_fault_text(fault));
    if (fault != ACCOUNT_OK)
        return -1;

    if (geteuid() != 0 && !account_is_current(account)) {
        snprintf(problem, CHECK_TEXT_LEN,
                 "user '%s': it would run with uid %ju, gid %ju and %s; this process has uid %ju, gid %ju or other "
                 "groups, and "
                 "only root can change them",
                 entry->user, (uintmax_t)account->uid, (uintmax_t)account->gid,
                 account->by_numbers ? "no other group" : "the groups of that user", (uintmax_t)geteuid(),
                 (uintmax_t)getegid());
        account_free(account);
        return -1;
    }
    return 0;
}

static int check_command(const struct config_entry *entry, const struct account *account,
                         char problem[static CHECK_TEXT_LEN])
{
    char text[PROGRAM_TEXT_LEN];

    if (program_check(entry->command, account, entry->user, text) == 0)
        return 0;
    snprintf(problem, CHECK_TEXT_LEN, "command: %s", text);
    return -1;
}

/* errno says why. */
static int report_unreachable(const char *path, char problem[static CHECK_TEXT_LEN])
{
    snprintf(problem, CHECK_TEXT_LEN, "socket '%s': %s: %s", path, strerror(errno),
             errno == EACCES ? "it is closed to the handler's user: run 'systemd-tmpfiles --create', which opens "
                               "/run/ostiary to the sealed door's, and see to SocketGroup= and SocketMode="
                             : "start the socket unit that listens there");
    return -1;
}

static int check_socket(const char *path, char problem[static CHECK_TEXT_LEN])
{
    struct stat status;

    if (stat(path, &status) != 0)
        return report_unreachable(path, problem);
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(problem, CHECK_TEXT_LEN, "socket '%s': is not a socket", path);
        return -1;
    }
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0 : report_unreachable(path, problem);
}

/* ---- Gates ---- */

/* The first error of ostiary-grants.cfg is what is wrong with each entry that names one of its gates. */
static void take_gates_finding(void *context, const struct config_finding *finding)
{
    char *problem = context;

    if (finding->severity != CONFIG_ERROR || *problem != '\0')
        return;
    if (finding->line != 0)
        snprintf(problem, CHECK_TEXT_LEN, "gate: %s:%u: %s", finding->file, finding->line, finding->text);
    else
        snprintf(problem, CHECK_TEXT_LEN, "gate: %s: %s", finding->file, finding->text);
}

/* The same for who looks at the configuration as a whole: he hears of that file from ostgrant. */
static void take_gates_place(void *context, const struct config_finding *finding)
{
    char *problem = context;

    if (finding->severity != CONFIG_ERROR || *problem != '\0')
        return;
    if (finding->line == 0)
        take_gates_finding(context, finding);
    else
        snprintf(problem, CHECK_TEXT_LEN, "gate: %s has an error in line %u, as 'ostgrant check' says", finding->file,
                 finding->line);
}

static void name_gates(const struct gates *gates, const char *wanted, const char *path,
                       char problem[static CHECK_TEXT_LEN])
{
    int len = snprintf(problem, CHECK_TEXT_LEN,
                       "gate '%s': there is none of this name in %s: write a GATE, or one of:", wanted, path);

    for (size_t i = 0; i < gates->count && len > 0 && len < CHECK_TEXT_LEN; i++)
        len += snprintf(problem + len, (size_t)(CHECK_TEXT_LEN - len), "%s %s", i == 0 ? "" : ",", gates->list[i].name);
}

/* Is the gate there, and may whoever asks open it? */
static int check_gates(const struct config_entry *entry, const char *path, bool asks,
                       char problem[static CHECK_TEXT_LEN])
{
    const struct config_reader reader = {.path = path, .report = take_gates_finding, .context = problem};
    const struct gate *gate;
    struct gates gates;

    problem[0] = '\0';
    if (gates_load(&reader, &gates) != 0)
        return -1;
    gate = gates_find(&gates, entry->gate);
    if (gate == NULL)
        name_gates(&gates, entry->gate, path, problem);
    else if (asks && !gate->sealed)
        snprintf(problem, CHECK_TEXT_LEN, "gate '%s': %s keeps it from handlers without rights: write \"sealed=yes\"",
                 entry->gate, path);
    gates_free(&gates);
    return problem[0] == '\0' ? 0 : -1;
}

/* Can this process become ostgrant? It is as much a part of what is installed as this program. */
static int check_granter(struct account *account, char problem[static CHECK_TEXT_LEN])
{
    if (access(granter_path, X_OK) != 0)
        snprintf(problem, CHECK_TEXT_LEN, "gate: %s: %s: install Ostiary anew, built with ostgrant", granter_path,
                 strerror(errno));
    else if (account_resolve("0", "0", account) != ACCOUNT_OK)
        snprintf(problem, CHECK_TEXT_LEN, "gate: %s", strerror(errno));
    else
        return 0;
    return -1;
}

/* Where this process cannot read which gates there are, whoever is asked says so. */
static int check_gate(const struct config_entry *entry, const char *config_path, struct account *account,
                      char problem[static CHECK_TEXT_LEN])
{
    const bool asks = granting_asks(config_path);
    char path[PATH_MAX];

    if (granting_gates_path(config_path, path) != 0) {
        snprintf(problem, CHECK_TEXT_LEN, "gate: the path of " GATES_NAME ": %s", strerror(errno));
        return -1;
    }
    if ((geteuid() == 0 || access(path, R_OK) == 0) && check_gates(entry, path, asks, problem) != 0)
        return -1;
    if (asks)
        return check_socket(GATES_SOCKET, problem);
    return check_granter(account, problem);
}

int check_entry(const struct config_entry *entry, const char *config_path, struct account *account,
                char problem[static CHECK_TEXT_LEN])
{
    *account = (struct account){0};
    if (entry->kill)
        return 0;
    if (entry->socket != NULL)
        return check_socket(entry->socket, problem);
    if (entry->gate != NULL)
        return check_gate(entry, config_path, account, problem);
    if (check_account(entry, account, problem) != 0)
        return -1;
    if (check_command(entry, account, problem) != 0) {
        account_free(account);
        return -1;
    }
    return 0;
}

__attribute__((format(printf, 4, 5))) static void report(const struct config_reader *reader, unsigned line,
                                                         enum config_severity severity, const char *format, ...)
{
    char text[CHECK_TEXT_LEN + 64];
    const struct config_finding finding = {.file = reader->path, .line = line, .severity = severity, .text = text};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reader->report(reader->context, &finding);
}

/*
 * Group 0 opens what is for root's group alone. Of the user root nothing else is expected; of a number, as Ostiary 4.0
 * wants them, it may be, for there it was another group.
 */
static void report_group(const struct config_reader *reader, const struct config_entry *entry,
                         const struct account *account, const char *keyword)
{
    if (account->gid == 0 && entry->group == NULL && strcmp(entry->user, "root") != 0)
        report(
            reader, entry->line, CONFIG_WARNING,
            "%s: its group is 0, root's own, as neither this line nor a DEFAULT_GID names one: write the group that is "
            "meant, \"0\" if it is this",
            keyword);
}

/* Where the database knows the user and puts it into more groups, it may be that these are expected. */
static void report_groups_left_out(const struct config_reader *reader, const struct config_entry *entry,
                                   const struct account *account, const char *keyword)
{
    struct user found;
    gid_t *groups = NULL;
    size_t count = 0;

    if (!account->by_numbers || users_by_uid(account->uid, &found) != USERS_FOUND)
        return;
    if (users_groups(found.entry.pw_name, account->gid, &groups, &count) == 0 && count > 1)
        report(reader, entry->line, CONFIG_NOTE,
               "%s: its user and group are numbers, so that it has no other group, where user '%s' has %zu more: write "
               "names if it needs more",
               keyword, found.entry.pw_name, count - 1);
    free(groups);
    free(found.buffer);
}

/*
 * Is it ostiary-grants.cfg, which is there, that has an error? Then the rules that were last loaded from it stay in
 * force, and a door that did not open for it would leave nobody a way in to mend it. The problem becomes shorter.
 */
static bool is_fault_of_gates(const struct config_entry *entry, const char *config_path,
                              char problem[static CHECK_TEXT_LEN])
{
    char path[PATH_MAX], shorter[CHECK_TEXT_LEN] = "";
    const struct config_reader reader = {.path = path, .report = take_gates_place, .context = shorter};
    struct gates gates;

    if (entry->gate == NULL || granting_gates_path(config_path, path) != 0 || access(path, R_OK) != 0)
        return false;
    if (gates_load(&reader, &gates) == 0) {
        gates_free(&gates);
        return false;
    }
    memcpy(problem, shorter, sizeof(shorter));
    return true;
}

static int report_entry(const struct config_reader *reader, const struct config_entry *entry, const char *keyword)
{
    char problem[CHECK_TEXT_LEN];
    struct account account;
    const bool is_bad = check_entry(entry, reader->path, &account, problem) != 0;

    if (is_bad && is_fault_of_gates(entry, reader->path, problem)) {
        report(reader, entry->line, CONFIG_WARNING,
               "%s: %s: until that is mended, nobody who knocks for this gate is served", keyword, problem);
        return 0;
    }
    if (is_bad) {
        report(reader, entry->line, CONFIG_ERROR, "%s: %s", keyword, problem);
        return -1;
    }
    if (entry->command != NULL) {
        report_group(reader, entry, &account, keyword);
        report_groups_left_out(reader, entry, &account, keyword);
    }
    account_free(&account);
    return 0;
}

/* Some libgcrypt in FIPS mode takes no short keys: then no reply could be compared. */
static int report_unusable(const struct config_reader *reader, const struct config_entry *entry, struct secret secret,
                           const char *keyword)
{
    static const uint8_t seed[SEED_LEN];
    uint8_t reply[REPLY_LEN];
    const int status = mac_reply(secret, seed, reply);

    explicit_bzero(reply, sizeof(reply));
    if (status != 0)
        report(reader, entry->line, CONFIG_ERROR, "%s: libgcrypt takes no HMAC key like this: write a longer secret",
               keyword);
    return status;
}

static void report_secret(const struct config_reader *reader, const struct config_entry *entry, struct secret secret,
                          const char *keyword)
{
    const enum weak_kind kind = weak_judge(secret);

    if (kind != WEAK_NOT_SEEN)
        report(reader, entry->line, CONFIG_WARNING,
               "%s: the secret %s and could be guessed from a captured exchange: write a longer, random one", keyword,
               weak_text(kind));
    if (secret.len + entry->codes.way.digits > SECRET_MAX_LEGACY)
        report(reader, entry->line, CONFIG_WARNING,
               "%s: the secret is longer than %d characters: clients of Ostiary 4.0 cannot send it", keyword,
               SECRET_MAX_LEGACY);
}

/* The same for a key of codes; one that was not read has none. */
static int report_key(const struct config_reader *reader, const struct config_entry *entry, const char *keyword)
{
    static const uint8_t message[CODES_MESSAGE_LEN];
    uint8_t digest[CODES_DIGEST_MAX];
    size_t len;
    int status;

    if (entry->codes.key.len == 0)
        return 0;
    status = mac_code(entry->codes.key, entry->codes.way.hash, message, digest, &len);
    explicit_bzero(digest, sizeof(digest));
    if (status != 0)
        report(reader, entry->line, CONFIG_ERROR,
               "%s: libgcrypt makes no codes of this key: have one made of 20 bytes, with another algorithm=", keyword);
    else if (entry->codes.key.len < CODES_KEY_GOOD)
        report(reader, entry->line, CONFIG_WARNING,
               "%s: the key of its codes has %zu bytes, and should have %d or more: have one made of 20", keyword,
               entry->codes.key.len, CODES_KEY_GOOD);
    return status;
}

/* What somebody who has neither secret nor phone can do who goes on guessing. */
static void report_code_alone(const struct config_reader *reader, const struct config_entry *entry, const char *keyword)
{
    const struct codes_way *way = &entry->codes.way;
    const unsigned good = way->kind == CODES_TOTP ? 2 * way->window + 1 : way->window + 1;
    uint64_t codes = 1;

    for (unsigned i = 0; i < way->digits; i++)
        codes *= 10;
    report(reader, entry->line, CONFIG_WARNING,
           "%s: with code-alone=yes one guess in %ju is right, and whoever has the phone needs nothing else: write a "
           "secret as well",
           keyword, (uintmax_t)(codes / good));
}

/* Whoever still has it should hear of it before it is over. */
static void report_expiry(const struct config_reader *reader, const struct config_entry *entry,
                          const struct config_secret *secret, const char *keyword)
{
    const uint64_t now_s = (uint64_t)clock_wall_ms() / 1000;
    const char *label = secret->label != NULL ? secret->label : "without label=";

    if (secret->expires_s == 0 || secret->expires_s > now_s + EXPIRY_NOTICE_S)
        return;
    if (secret->expires_s <= now_s)
        report(reader, entry->line, CONFIG_WARNING, "%s: the secret %s has expired: write another one, or take it out",
               keyword, label);
    else
        report(reader, entry->line, CONFIG_WARNING,
               "%s: the secret %s expires in %ju hours: write another one beside it, and tell who uses it", keyword,
               label, (uintmax_t)((secret->expires_s - now_s) / 3600));
}

/* To one that has been seen; lower is room for it. */
static void report_alike_to(const struct config_reader *reader, const struct config_entry *entry, struct secret secret,
                            const struct locked *lower, struct seen *seen)
{
    const struct secret lowered = {.bytes = lower->bytes, .len = secret.len};
    unsigned earlier;

    for (size_t k = 0; k < secret.len; k++)
        lower->bytes[k] = weak_lower(secret.bytes[k]);
    if (secret.len > 0 && !seen_add(seen, lowered, entry->line, &earlier))
        report(reader, entry->line, CONFIG_WARNING,
               "%s: the secret is the one of line %u but for upper and lower case: write another one",
               entry->kill ? "KILL" : "ACTION", earlier);
}

/* Whoever has one of them tries the other. They are compared as seen.h does, without keeping one. */
static void report_alike(const struct config_reader *reader, const struct config *config)
{
    struct locked lower = {0};
    struct seen seen = {0};

    if (locked_new(SECRET_MAX, &lower) == 0 && seen_new(config->secret_count, &seen) == 0)
        for (size_t i = 0; i < config->entry_count; i++) {
            for (size_t k = 0; k < config->entries[i].secret_count; k++)
                report_alike_to(reader, &config->entries[i], config->entries[i].secrets[k].bytes, &lower, &seen);
        }
    seen_free(&seen);
    locked_free(&lower);
}

/* What of a configuration can be used. */
struct tally {
    bool all;        /* everything */
    bool comparable; /* a reply can be compared with all secrets, without which it is with none */
    size_t actions;
    size_t good_actions;
};

/* Does it ask somebody over a socket? He may come later than the door, at a boot. */
static bool asks_somebody(const struct config_reader *reader, const struct config_entry *entry)
{
    return entry->socket != NULL || (entry->gate != NULL && granting_asks(reader->path));
}

/* One that knocks and has it run, or that closes the door. */
static void report_action(const struct config_reader *reader, const struct config_entry *entry, struct tally *tally)
{
    const char *keyword = entry->kill ? "KILL" : "ACTION";
    const bool good = report_entry(reader, entry, keyword) == 0;

    tally->all &= good;
    tally->actions += !entry->kill;
    tally->good_actions += !entry->kill && (good || asks_somebody(reader, entry));
    for (size_t i = 0; i < entry->secret_count; i++) {
        const struct config_secret *secret = &entry->secrets[i];

        report_expiry(reader, entry, secret, keyword);
        if (secret->origin == CONFIG_SECRET_NONE && entry->codes.key.len > 0)
            report_code_alone(reader, entry, keyword);
        if (secret->bytes.len == 0)
            continue; /* a credential that only the unit has, or a code alone */
        tally->comparable &= report_unusable(reader, entry, secret->bytes, keyword) == 0;
        report_secret(reader, entry, secret->bytes, keyword);
    }
    tally->comparable &= report_key(reader, entry, keyword) == 0;
}

enum check_result check_config(const struct config_reader *reader, const struct config *config)
{
    struct tally tally = {.all = true, .comparable = true};

    if (mac_init() != 0) {
        report(reader, 0, CONFIG_ERROR, "%s", mac_problem());
        return CHECK_USELESS;
    }
    if (config->log_level < LOG_ERR)
        report(reader, 0, CONFIG_WARNING,
               "MIN_LOGLEVEL: above LOG_ERR nobody will be told why nobody gets in: write LOG_ERR or less urgent");
    for (size_t i = 0; i < config->entry_count; i++)
        report_action(reader, &config->entries[i], &tally);
    report_alike(reader, config);
    if (config->has_lockout_action)
        tally.all &= report_entry(reader, &config->lockout_action, "LOCKOUT_ACTION") == 0;
    if (!tally.comparable || (tally.actions > 0 && tally.good_actions == 0))
        return CHECK_USELESS;
    return tally.all ? CHECK_GOOD : CHECK_FAULTY;
}

void check_print(void *context, const struct config_finding *finding)
{
    FILE *out = context;
    const char *severity = config_severity_text(finding->severity);

    if (finding->line != 0)
        fprintf(out, "%s:%u: %s: %s\n", finding->file, finding->line, severity, finding->text);
    else
        fprintf(out, "%s: %s: %s\n", finding->file, severity, finding->text);
}

enum check_result check_file(const char *path, void (*tell)(void *context, const struct config_finding *finding),
                             void *context, struct config *config)
{
    const struct config_reader reader = {
        .path = path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = true,
        .may_lack_credentials = true,
        .report = tell,
        .context = context,
    };
    enum check_result result;

    if (config_load(&reader, config) != 0)
        return CHECK_UNUSABLE;
    result = check_config(&reader, config);
    locked_free(&config->secrets);
    return result;
}
