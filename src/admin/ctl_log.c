/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl log: the outcome lines of handlers, and those of grants, out of systemd's journal. See ctl.h.
 *
 * Any local user can write to the journal under any name (logger -t ostiaryd), so an entry counts only when journald
 * itself has recorded (_UID) that it came from root or from the sealed door's user; which of them it was tells the
 * doors apart, whatever the line says. What ostgrant says is believed of root alone. The command's name (_COMM) and the
 * unit are no help: the handler may have ended, or have become its action, before journald looks at them.
 */
#include "address.h"
#include "ctl.h"
#include "json.h"
#include "logline.h"
#include "number.h"
#include "when.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define IDENTIFIER     "SYSLOG_IDENTIFIER="
#define HANDLERS       IDENTIFIER "ostiaryd"
#define GRANTERS       IDENTIFIER "ostgrant"
#define ROOTS          "_UID=0"
#define COUNT_DEFAULT  20
#define COUNT_MAX      1000000
#define USEC_OF_SECOND 1000000

/* What the command line asks for. */
struct wish {
    bool has_count;
    uint64_t count;
    bool follow;
    bool has_since;
    uint64_t since; /* s */
    bool has_source;
    struct source source;
    const char *action;    /* NULL: any */
    const char *door;      /* NULL: any */
    const char *directory; /* NULL: this machine's journal */
    bool as_json;
};

static _Noreturn void journal_fault(int result)
{
    errno = -result;
    err(CTL_UNAVAILABLE, "the journal cannot be read");
}

/* ---- which entries --------------------------------------------------------------------------------------------- */

static void add_match(sd_journal *journal, const char *match)
{
    const int result = sd_journal_add_match(journal, match, 0);

    if (result < 0)
        journal_fault(result);
}

/* Where there is no such user nothing is his, and one that no entry can have asks for nothing. */
static void add_match_of_sealed(sd_journal *journal)
{
    const struct passwd *sealed = getpwnam(CTL_SEALED_USER);
    char match[32];

    snprintf(match, sizeof(match), "_UID=%jd", sealed != NULL ? (intmax_t)sealed->pw_uid : -1);
    add_match(journal, match);
}

static sd_journal *open_journal(const struct wish *wish)
{
    sd_journal *journal;
    int result;

    if (wish->directory != NULL)
        result = sd_journal_open_directory(&journal, wish->directory, 0);
    else
        result = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (result < 0)
        journal_fault(result);
    /* Two matches of one field are alternatives. */
    add_match(journal, HANDLERS);
    if (wish->door == NULL)
        add_match(journal, GRANTERS); /* which is at no door */
    if (wish->door == NULL || strcmp(wish->door, ctl_door_name(DOOR_KNOCK)) == 0)
        add_match(journal, ROOTS);
    if (wish->door == NULL || strcmp(wish->door, ctl_door_name(DOOR_SEALED)) == 0)
        add_match_of_sealed(journal);
    return journal;
}

/* When the entry came in: s, and the fraction in ms. */
struct instant {
    uint64_t second;
    unsigned ms;
};

/* Has the entry exactly this field? */
static bool has_field(sd_journal *journal, const char *field)
{
    char name[32] = "";
    const void *data;
    size_t len;

    memcpy(name, field, strnlen(field, sizeof(name) - 1));
    name[strcspn(name, "=")] = '\0';
    return sd_journal_get_data(journal, name, &data, &len) >= 0 && len == strlen(field) &&
           memcmp(data, field, len) == 0;
}

/* At which door. What does not come from root comes from the sealed one's user: the matches let nobody else in. */
static const char *door_of(sd_journal *journal, const struct logline *line)
{
    const char *said = logline_value(line, "door");

    if (!has_field(journal, ROOTS))
        return ctl_door_name(DOOR_SEALED);
    return said != NULL ? said : ctl_door_name(DOOR_KNOCK);
}

struct entry {
    struct logline line;
    struct instant moment;
    const char *door; /* NULL: of a grant */
};

static bool overlaps(struct source one, struct source other)
{
    const uint8_t prefix = one.prefix < other.prefix ? one.prefix : other.prefix;

    address_widen(&one, prefix);
    address_widen(&other, prefix);
    return memcmp(one.address, other.address, sizeof(one.address)) == 0;
}

static bool is_wished(const struct logline *line, const struct wish *wish)
{
    const char *action = logline_value(line, "action");

    if (wish->has_source && !(line->has_source && address_within(&line->source, &wish->source)) &&
        !(line->has_network && overlaps(line->network, wish->source)))
        return false;
    return wish->action == NULL || (action != NULL && strcmp(action, wish->action) == 0);
}

/* The line of the entry, whichever program's it is. */
static int parse_message(sd_journal *journal, const char *message, size_t len, struct entry *entry)
{
    if (!has_field(journal, GRANTERS)) {
        if (logline_parse(message, len, &entry->line) != 0)
            return -1;
        entry->door = door_of(journal, &entry->line);
        return 0;
    }
    entry->door = NULL;
    return has_field(journal, ROOTS) ? logline_parse_grant(message, len, &entry->line) : -1;
}

/* Read the entry that the journal stands at. False: it is none of those that are wished for. */
static bool read_entry(sd_journal *journal, const struct wish *wish, struct entry *entry)
{
    const size_t name_len = strlen("MESSAGE=");
    const void *data;
    size_t len;
    uint64_t usec;

    if (sd_journal_get_data(journal, "MESSAGE", &data, &len) < 0 || sd_journal_get_realtime_usec(journal, &usec) < 0)
        return false;
    if (len < name_len)
        return false;
    entry->moment = (struct instant){usec / USEC_OF_SECOND, (unsigned)(usec % USEC_OF_SECOND / 1000)};
    return parse_message(journal, (const char *)data + name_len, len - name_len, entry) == 0 &&
           is_wished(&entry->line, wish);
}

/* ---- one entry ------------------------------------------------------------------------------------------------- */

/* What the line itself says of its door is door_of's to judge. */
static bool is_shown(const struct logline_field *field)
{
    return strcmp(field->key, "door") != 0;
}

static void print_people(const struct entry *entry)
{
    const struct logline *line = &entry->line;
    const char *gap = "  ";
    char time[WHEN_TEXT_LEN];

    when_format_local(entry->moment.second, time);
    printf("%s  %-8s  %-15s", time, line->outcome, line->who != NULL ? line->who : "-");
    for (size_t i = 0; i < line->field_count; i++) {
        if (!is_shown(&line->fields[i]))
            continue;
        printf("%s%s=%s", gap, line->fields[i].key, line->fields[i].value);
        gap = " ";
    }
    if (entry->door != NULL && strcmp(entry->door, ctl_door_name(DOOR_KNOCK)) != 0)
        printf("%sdoor=%s", gap, entry->door);
    putchar('\n');
}

static void json_field(struct json *json, const struct logline_field *field)
{
    uint64_t number;

    /* An action may be called 7, and a user. */
    if (strcmp(field->key, "action") != 0 && strcmp(field->key, "user") != 0 &&
        number_parse(field->value, (struct number_range){0, UINT32_MAX}, &number) == NUMBER_OK)
        json_number(json, field->key, number);
    else
        json_text(json, field->key, field->value);
}

static void print_json(const struct entry *entry)
{
    const struct logline *line = &entry->line;
    struct json json = {.out = stdout};
    char whole[WHEN_TEXT_LEN];
    char time[WHEN_TEXT_LEN + 8];

    when_format_utc(entry->moment.second, whole);
    snprintf(time, sizeof(time), "%.*s.%03uZ", (int)strlen(whole) - 1, whole, entry->moment.ms);
    json_open_object(&json, NULL);
    json_text(&json, "time", time);
    json_text(&json, "door", entry->door);
    json_text(&json, "verdict", line->outcome);
    json_text(&json, "source", line->has_source ? line->who : NULL);
    if (entry->door == NULL)
        json_text(&json, "network", line->who);
    for (size_t i = 0; i < line->field_count; i++)
        if (is_shown(&line->fields[i]))
            json_field(&json, &line->fields[i]);
    json_close_object(&json);
    json_end(&json);
}

/* ---- the walk -------------------------------------------------------------------------------------------------- */

/*
 * Go back from the end until count entries have been met, or all since the wished moment. The next sd_journal_next then
 * gives the first one to show.
 */
static void go_back(sd_journal *journal, const struct wish *wish)
{
    struct entry entry;
    uint64_t met = 0;
    int result = sd_journal_seek_tail(journal);

    while (result >= 0 && met < wish->count) {
        uint64_t usec;

        result = sd_journal_previous(journal);
        if (result == 0) { /* all of it is wished for */
            result = sd_journal_seek_head(journal);
            break;
        }
        if (result > 0 && wish->has_since && sd_journal_get_realtime_usec(journal, &usec) >= 0 &&
            usec / USEC_OF_SECOND < wish->since)
            break;
        if (result > 0 && read_entry(journal, wish, &entry) && ++met == wish->count)
            result = sd_journal_previous(journal) > 0 ? 1 : sd_journal_seek_head(journal);
    }
    /* Nothing of the past: the place behind the last entry is the last entry, with "next" to come. */
    if (result >= 0 && wish->count == 0)
        result = sd_journal_previous(journal);
    if (result < 0)
        journal_fault(result);
}

/* Show everything up to the end of the journal. Returns how many entries that were. */
static uint64_t show(sd_journal *journal, const struct wish *wish)
{
    struct entry entry;
    uint64_t shown = 0;
    int result;

    while ((result = sd_journal_next(journal)) > 0) {
        if (!read_entry(journal, wish, &entry))
            continue;
        if (wish->as_json)
            print_json(&entry);
        else
            print_people(&entry);
        shown++;
    }
    if (result < 0)
        journal_fault(result);
    if (fflush(stdout) != 0)
        err(CTL_STATE, "standard output");
    return shown;
}

static void take_source(struct wish *wish, const char *text)
{
    wish->has_source = true;
    ctl_parse_network(text, &wish->source);
}

static void take_since(struct wish *wish, const char *text)
{
    wish->has_since = true;
    if (when_parse_since(text, ctl_now().wall_ms / 1000, &wish->since) != 0)
        ctl_usage("log: '%s' is no time: write it as 10m, 2h, 1d, 2026-11-21 or '2026-11-21 20:39'", text);
}

static void take_count(struct wish *wish, const char *text)
{
    wish->has_count = true;
    if (number_parse(text, (struct number_range){0, COUNT_MAX}, &wish->count) != NUMBER_OK)
        ctl_usage("log: -n takes a whole number from 0 to %d, not '%s'", COUNT_MAX, text);
}

static void take_door(struct wish *wish, const char *text)
{
    if (strcmp(text, ctl_door_name(DOOR_KNOCK)) != 0 && strcmp(text, ctl_door_name(DOOR_SEALED)) != 0)
        ctl_usage("log: --door takes %s or %s, not '%s'", ctl_door_name(DOOR_KNOCK), ctl_door_name(DOOR_SEALED), text);
    wish->door = text;
}

static void read_options(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"since", required_argument, NULL, 's'},
        {"source", required_argument, NULL, 'a'},
        {"action", required_argument, NULL, 'c'},
        {"directory", required_argument, NULL, 'd'},
        {"door", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = ctl_option(argc, argv, ":n:f", options)) != -1) {
        switch (option) {
        case 'n':
            take_count(wish, optarg);
            break;
        case 'f':
            wish->follow = true;
            break;
        case 's':
            take_since(wish, optarg);
            break;
        case 'a':
            take_source(wish, optarg);
            break;
        case 'c':
            wish->action = optarg;
            break;
        case 'o':
            take_door(wish, optarg);
            break;
        case 'd':
            wish->directory = optarg;
            break;
        default:
            wish->as_json = true;
            break;
        }
    }
    ctl_arguments(argc, argv, 0, 0);
    if (!wish->has_count)
        wish->count = wish->has_since ? UINT64_MAX : COUNT_DEFAULT;
}

/* An empty answer is explained, because a journal that one may not read looks empty too. */
static void explain_nothing(const struct wish *wish)
{
    if (wish->directory == NULL && geteuid() != 0)
        warnx("nothing found: root and the group systemd-journal can read the journal, others see it empty");
    else if (wish->directory == NULL && access("/run/log/journal", F_OK) != 0 && access("/var/log/journal", F_OK) != 0)
        warnx("there is no journal here: the lines are where syslog puts the facility auth");
    else
        warnx("nothing found");
}

enum ctl_status ctl_log(struct ctl *ctl, int argc, char **argv)
{
    struct wish wish = {.follow = false};
    sd_journal *journal;
    uint64_t shown;

    (void)ctl;
    read_options(argc, argv, &wish);
    journal = open_journal(&wish);
    go_back(journal, &wish);
    shown = show(journal, &wish);
    if (shown == 0 && !wish.follow && !wish.as_json)
        explain_nothing(&wish);
    while (wish.follow) {
        const int result = sd_journal_wait(journal, UINT64_MAX);

        if (result < 0 && result != -EINTR)
            journal_fault(result);
        show(journal, &wish);
    }
    sd_journal_close(journal);
    return CTL_OK;
}
