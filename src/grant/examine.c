/* SPDX-License-Identifier: ISC */
/* See examine.h. */
#include "examine.h"

#include "clock.h"
#include "file.h"
#include "foreign.h"
#include "grants.h"
#include "last.h"
#include "nft.h"
#include "text.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define TEXT_LEN       5000
#define PATIENCE_MS    10000
#define SOCKETS_MAX    (4 * 1024 * 1024) /* bytes of /proc/net/tcp */
#define CLOCK_WRONG_MS (UINT64_C(10) * 60 * 1000)

struct examination {
    const struct gates *gates;
    unsigned errors;
};

void examine_print(const struct config_finding *finding)
{
    if (finding->line == 0)
        printf("%s: %s: %s\n", finding->file, config_severity_text(finding->severity), finding->text);
    else
        printf("%s:%u: %s: %s\n", finding->file, finding->line, config_severity_text(finding->severity), finding->text);
}

static void take(void *context, const struct config_finding *finding)
{
    struct examination *all = context;

    examine_print(finding);
    all->errors += finding->severity == CONFIG_ERROR ? 1 : 0;
}

__attribute__((format(printf, 4, 5))) static void find(struct examination *all, unsigned line,
                                                       enum config_severity severity, const char *format, ...)
{
    char text[TEXT_LEN];
    const struct config_finding finding = {.file = all->gates->path, .line = line, .severity = severity, .text = text};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    take(all, &finding);
}

/* ---- Commands ---- */

static void look_at_command(struct examination *all, const struct gate *gate, const char *option, const char *path)
{
    struct file_command command;
    char culprit[4096];
    enum file_fault fault;

    if (path == NULL)
        return;
    fault = file_open_command(path, true, &command, culprit);
    if (fault == FILE_OK)
        file_close_command(&command);
    else
        find(all, gate->line, CONFIG_ERROR, "GATE: %s= '%s' %s%s%s", option, culprit, file_fault_text(fault),
             fault == FILE_CANNOT_OPEN ? ": " : "", fault == FILE_CANNOT_OPEN ? strerror(errno) : "");
}

static void look_at_commands(struct examination *all)
{
    for (size_t i = 0; i < all->gates->count; i++) {
        const struct gate *gate = &all->gates->list[i];

        look_at_command(all, gate, "grant", gate->grant);
        look_at_command(all, gate, "revoke", gate->revoke);
        look_at_command(all, gate, "list", gate->list);
    }
}

/* ---- Interfaces ---- */

/* One that comes later, as a tunnel does, is right as well. */
static void look_at_interfaces(struct examination *all)
{
    for (size_t i = 0; i < all->gates->count; i++) {
        const struct gate *gate = &all->gates->list[i];

        if (gate->interface != NULL && if_nametoindex(gate->interface) == 0)
            find(all, gate->line, CONFIG_WARNING,
                 "GATE: there is no interface '%s' now, and what comes in by any other is not shut by gate '%s'",
                 gate->interface, gate->name);
    }
}

/* ---- Users ---- */

static void look_at_groups(struct examination *all, const struct gates_rule *rules, size_t count, const char *keyword)
{
    gid_t group;

    for (size_t i = 0; i < count; i++)
        if (rules[i].who == GATES_GROUP && users_group(rules[i].name, &group) == USERS_NONE)
            find(all, rules[i].line, CONFIG_WARNING, "%s: there is no group '%s' on this machine", keyword,
                 rules[i].name);
}

static void look_at_users(struct examination *all)
{
    const struct gates *gates = all->gates;
    struct user user = {0};
    unsigned line = 0;

    for (size_t i = 0; i < gates->count && line == 0; i++)
        if (gates->list[i].web)
            line = gates->list[i].line;
    if (line != 0 && users_by_name(gates->web_user, &user) == USERS_NONE)
        find(all, line, CONFIG_WARNING,
             "GATE: web=yes, but there is no user '%s' as whom a web server could run: see WEB_USER", gates->web_user);
    free(user.buffer);
    look_at_groups(all, gates->users, gates->user_count, "USER");
    look_at_groups(all, gates->admins, gates->admin_count, "ADMIN");
}

/* ---- The record ---- */

/* The latest that the clock has been may be a wrong future's: then nothing outlives a reboot until it has come. */
static void look_at_clock(struct examination *all, const struct grants *record, const struct moment *now)
{
    char latest[CLOCK_UTC_LEN] = "";

    if (record->latest_ms <= now->wall_ms + CLOCK_WRONG_MS)
        return;
    (void)clock_format_utc(record->latest_ms / 1000, latest);
    find(all, 0, CONFIG_WARNING,
         "the clock of this machine stands before a time that it has shown before, %s: until then no grant outlives a "
         "reboot; if that was wrong, remove %s-root/" GRANTS_NAME " when nothing is granted",
         latest, all->gates->state_dir);
}

static enum grants_fault read_all(struct grants *record)
{
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;

    while (grants_next(record, &at, &grant, &slot, &fault))
        continue;
    return fault;
}

/* The units have no right to read what the owner may not. */
static void look_at_mode(struct examination *all)
{
    struct stat info;

    if (stat(all->gates->path, &info) == 0 && (info.st_mode & S_IRUSR) == 0)
        find(all, 0, CONFIG_ERROR, "its owner may not read it, and so the units cannot: run 'chmod 644 %s'",
             all->gates->path);
}

static void look_at_record(struct examination *all)
{
    const struct grants_options options = {
        .state_dir = all->gates->state_dir, .patience_ms = PATIENCE_MS, .read_only = true};
    struct grants record = GRANTS_CLOSED;
    struct moment now;
    enum grants_fault fault = grants_open(&options, &record);

    if (fault == GRANTS_ABSENT)
        return;
    moment_read(&now);
    if (fault == GRANTS_OK)
        fault = grants_hold(&record, HOLD_SHARED, &now);
    if (fault == GRANTS_OK)
        fault = read_all(&record);
    if (fault != GRANTS_OK)
        find(all, 0, CONFIG_ERROR, "the record %s-root/" GRANTS_NAME ": %s%s%s", all->gates->state_dir,
             grants_fault_text(fault), grants_fault_has_errno(fault) ? ": " : "",
             grants_fault_has_errno(fault) ? strerror(errno) : "");
    else
        look_at_clock(all, &record, &now);
    if (fault == GRANTS_OK && (record.damaged > 0 || record.header_damaged))
        find(all, 0, CONFIG_WARNING,
             "the record %s-root/" GRANTS_NAME " is damaged in %ju places: run 'ostgrant repair'",
             all->gates->state_dir, (uintmax_t)(record.damaged + (record.header_damaged ? 1 : 0)));
    grants_release(&record);
    grants_close(&record);
}

/* ---- The firewall ---- */

/* All of a file of /proc; "" where there is none. The caller frees. */
static char *read_sockets(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct text text = {0};
    char piece[4096];
    ssize_t got = fd < 0 ? 0 : read(fd, piece, sizeof piece);

    while (got > 0 && text.len < SOCKETS_MAX) {
        text_add(&text, "%.*s", (int)got, piece);
        got = read(fd, piece, sizeof piece);
    }
    if (fd >= 0)
        close(fd);
    text_add(&text, "%s", "");
    return text.bytes;
}

static void look_at_sessions(struct examination *all, const struct nft_table *table,
                             const struct foreign_hearer *hearer)
{
    char *tcp = read_sockets("/proc/net/tcp");
    char *tcp6 = read_sockets("/proc/net/tcp6");
    const struct foreign_sockets sockets = {
        .ssh_connection = getenv("SSH_CONNECTION"),
        .tcp = tcp != NULL ? tcp : "",
        .tcp6 = tcp6 != NULL ? tcp6 : "",
    };

    foreign_check_sessions(&sockets, all->gates, table, hearer);
    free(tcp);
    free(tcp6);
}

static void look_at_what_was_loaded(struct examination *all, const struct nft_table *table)
{
    struct gates copy;
    const bool is_known = last_read(all->gates, &copy) == 0;

    if (is_known)
        gates_free(&copy);
    if (table->loaded && !is_known)
        find(
            all, 0, CONFIG_ERROR,
            "there is no copy beside the record of what was loaded, which a boot would need if this file had an error: "
            "run 'ostgrant load'");
    else if (table->loaded && !last_is(all->gates))
        find(all, 0, CONFIG_ERROR,
             "has been changed since the rules were loaded, which shut what it said before: run 'ostgrant load'");
    else if (nft_is_complete(table, all->gates) && !nft_has_rules(table, all->gates))
        find(all, 0, CONFIG_ERROR,
             "somebody else has changed the rules that are loaded, so that a gate may stand open: run 'ostgrant load'");
}

static void look_at_ruleset(struct examination *all, struct nft *nft, const struct foreign_hearer *hearer)
{
    struct nft_table table = {0};
    const enum nft_result result = nft_read_table(nft, &table);
    char *ruleset = NULL;
    size_t len = 0;

    if (result == NFT_OK && table.dormant) {
        find(all, 0, CONFIG_ERROR,
             "somebody has made the table " NFT_TABLE " dormant, so that nothing is shut: run 'ostgrant load'");
        return;
    }
    if (result != NFT_OK || nft_read_ruleset(nft, &ruleset, &len) != NFT_OK ||
        foreign_check_ruleset(ruleset, len, all->gates, hearer) != 0)
        find(all, 0, CONFIG_ERROR, "the firewall cannot be read: %s: run this as root", nft_said(nft));
    else
        look_at_sessions(all, &table, hearer);
    look_at_what_was_loaded(all, &table);
    free(ruleset);
    nft_free_table(&table);
}

static void look_at_firewall(struct examination *all)
{
    const struct foreign_hearer hearer = {.report = take, .context = all};
    struct nft *nft = nft_open();

    if (nft == NULL)
        find(all, 0, CONFIG_ERROR, "there is no memory to read the firewall");
    else
        look_at_ruleset(all, nft, &hearer);
    if (nft != NULL)
        nft_close(nft);
}

int examine(const struct gates *gates)
{
    struct examination all = {.gates = gates};

    if (geteuid() != 0) {
        fprintf(stderr, "ostgrant: check needs root: record and firewall are for nobody else\n");
        return EX_NOPERM;
    }
    look_at_mode(&all);
    look_at_commands(&all);
    look_at_interfaces(&all);
    look_at_users(&all);
    look_at_record(&all);
    look_at_firewall(&all);
    if (fflush(stdout) != 0)
        return EX_IOERR;
    return all.errors == 0 ? EX_OK : EX_CONFIG;
}
