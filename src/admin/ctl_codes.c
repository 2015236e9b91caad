/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl codes, list --codes and list --secrets: which one-time codes are used up, when each secret was last
 * accepted, and what to do where a clock or a counter was wrong. Keys are read, to find what is kept of them; none is
 * shown. See ctl.h.
 */
#include "ctl.h"

#include "number.h"
#include "spend.h"
#include "when.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The record -------------------------------------------------------------------------------------------------- */

static struct spend_place place_of(const struct ctl *ctl)
{
    return (struct spend_place){
        .state_dir = ctl->config.state_dir, .door = which_door(ctl->config_path), .patience_ms = CTL_PATIENCE_MS};
}

/* errno as the fault left it. */
_Noreturn static void used_fault(const struct ctl *ctl, enum used_fault fault)
{
    const char *text = used_fault_text(fault);
    const bool denied = used_fault_has_errno(fault) && (errno == EACCES || errno == EPERM);

    if (denied && getuid() != 0)
        err(CTL_NOT_PERMITTED, "run as root: %s: %s", ctl->config.state_dir, text);
    if (used_fault_has_errno(fault))
        err(denied ? CTL_NOT_PERMITTED : CTL_STATE, "%s: %s", ctl->config.state_dir, text);
    errx(CTL_STATE, "%s: %s", ctl->config.state_dir, text);
}

/* Open and hold it; false: there is none yet. */
static bool hold(const struct ctl *ctl, bool read_only, struct used *used)
{
    const struct spend_place place = place_of(ctl);
    const struct used_options options = spend_options(&place, read_only);
    enum used_fault fault;

    fault = used_open(&options, used);
    if (fault == USED_OK)
        fault = used_hold(used, read_only ? HOLD_SHARED : HOLD_ALONE);
    if (fault == USED_ABSENT)
        return false;
    if (fault != USED_OK)
        used_fault(ctl, fault);
    return true;
}

static void be_handler(const struct ctl *ctl)
{
    if (geteuid() == 0 && which_door(ctl->config_path) == DOOR_SEALED && ctl_be_sealed() != 0)
        err(CTL_OS, "cannot become the sealed door's user");
}

/* Read the configuration with its keys, as the handler does. Credentials are the unit's. */
static void load_keys(struct ctl *ctl)
{
    struct ctl_findings findings = {.out = NULL};
    const struct config_reader reader = {
        .path = ctl->config_path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = true,
        .may_lack_credentials = true,
        .report = ctl_take_finding,
        .context = &findings,
    };
    int status;

    ctl_require_readable(ctl);
    be_handler(ctl);
    status = config_load(&reader, &ctl->config);
    ctl_be_root();
    if (status != 0)
        errx(CTL_CONFIG, "%s has errors: run '%s check'", ctl->config_path, ctl->self);
}

static bool has_codes(const struct config_entry *entry)
{
    return entry->codes.origin != CONFIG_SECRET_NONE;
}

/* ---- What is shown ----------------------------------------------------------------------------------------------- */

/* One key or secret, and what is known of it. */
struct row {
    const struct config_entry *entry;
    const struct config_secret *secret; /* NULL: it is about the codes */
    bool known;
    struct used_mark mark;
};

struct rows {
    const struct ctl *ctl;
    uint64_t now_s;
    struct used used;
    bool held; /* else nothing has been used yet */
    struct row *list;
    size_t count;
    int name_width, label_width; /* of the columns */
    struct json json;
};

static void find(const struct rows *rows, const struct used_name *name, struct row *row)
{
    enum used_fault fault;

    if (!rows->held)
        return;
    fault = used_find(&rows->used, name, &row->mark);
    if (fault != USED_OK && fault != USED_UNKNOWN)
        used_fault(rows->ctl, fault);
    row->known = fault == USED_OK;
}

static struct row codes_row(const struct rows *rows, const struct config_entry *entry)
{
    struct row row = {.entry = entry};
    uint8_t text[USED_TEXT_MAX];
    struct used_name name;

    if (entry->codes.key.len == 0)
        return row; /* a credential, which the unit alone has */
    name = spend_codes_name(&entry->codes, text);
    find(rows, &name, &row);
    explicit_bzero(text, sizeof(text));
    return row;
}

static struct row secret_row(const struct rows *rows, const struct config_entry *entry,
                             const struct config_secret *secret)
{
    struct row row = {.entry = entry, .secret = secret};
    uint8_t text[USED_TEXT_MAX];
    struct used_name name;

    if (secret->label == NULL)
        return row;
    name = spend_secret_name(entry->name, secret->label, text);
    find(rows, &name, &row);
    return row;
}

/* Where it was used from; "-": from nowhere. */
static void format_from(const struct row *row, char text[static ADDRESS_TEXT_LEN])
{
    static const uint8_t nowhere[USED_ADDRESS_LEN];
    struct address address = {0};

    memcpy(address.bytes, row->mark.address, sizeof(address.bytes));
    if (memcmp(row->mark.address, nowhere, sizeof(nowhere)) == 0)
        snprintf(text, ADDRESS_TEXT_LEN, "-");
    else
        address_format(&address, text);
}

static void format_used(const struct rows *rows, const struct row *row, char text[static WHEN_TEXT_LEN])
{
    snprintf(text, WHEN_TEXT_LEN, "-");
    if (row->mark.when_s != 0)
        when_format_past(rows->now_s, row->mark.when_s, text);
}

static void json_used(struct json *json, const struct row *row)
{
    char when[WHEN_TEXT_LEN], from[ADDRESS_TEXT_LEN];

    format_from(row, from);
    when_format_utc(row->mark.when_s, when);
    json_text(json, "last_used", row->mark.when_s != 0 ? when : NULL);
    json_text(json, "source", strcmp(from, "-") != 0 ? from : NULL);
}

/* ---- list --codes ------------------------------------------------------------------------------------------------ */

static const char *const algorithms[] = {[CODES_SHA1] = "sha1", [CODES_SHA256] = "sha256", [CODES_SHA512] = "sha512"};

static void format_kind(const struct config_codes *codes, char text[static WHEN_TEXT_LEN])
{
    if (codes->way.kind == CODES_TOTP)
        snprintf(text, WHEN_TEXT_LEN, "totp, %u digits, %u s, %s", codes->way.digits, codes->way.period_s,
                 algorithms[codes->way.hash]);
    else
        snprintf(text, WHEN_TEXT_LEN, "hotp, %u digits, %s", codes->way.digits, algorithms[codes->way.hash]);
}

/* Which code is the first that can be good. */
static void format_next(const struct row *row, char text[static WHEN_TEXT_LEN])
{
    const struct config_codes *codes = &row->entry->codes;

    if (codes->key.len == 0)
        snprintf(text, WHEN_TEXT_LEN, "the unit alone has the key");
    else if (codes->way.kind == CODES_HOTP && row->known)
        snprintf(text, WHEN_TEXT_LEN, "counter %" PRIu64, row->mark.next);
    else if (codes->way.kind == CODES_HOTP)
        snprintf(text, WHEN_TEXT_LEN, "counter not known");
    else if (row->known)
        when_format_local(row->mark.next * codes->way.period_s, text);
    else
        snprintf(text, WHEN_TEXT_LEN, "any");
}

static void print_codes(const struct rows *rows, const struct row *row)
{
    char kind[WHEN_TEXT_LEN], next[WHEN_TEXT_LEN], used[WHEN_TEXT_LEN], from[ADDRESS_TEXT_LEN];

    format_kind(&row->entry->codes, kind);
    format_next(row, next);
    format_used(rows, row, used);
    format_from(row, from);
    printf("%-*s  %-28s  %-13s  %-15s  %s\n", rows->name_width, row->entry->name, kind, used, from, next);
}

static void json_codes(struct json *json, const struct row *row)
{
    const struct config_codes *codes = &row->entry->codes;

    json_open_object(json, NULL);
    json_text(json, "action", row->entry->name);
    json_number(json, "line", row->entry->line);
    json_text(json, "kind", codes->way.kind == CODES_TOTP ? "totp" : "hotp");
    json_bool(json, "key_read", codes->key.len != 0);
    json_number(json, "digits", codes->way.digits);
    json_number(json, "period", codes->way.period_s);
    json_number(json, "window", codes->way.window);
    json_text(json, "algorithm", algorithms[codes->way.hash]);
    json_bool(json, "known", row->known);
    json_number(json, "next", row->mark.next);
    json_used(json, row);
    json_close_object(json);
}

static void show_codes(struct rows *rows, bool as_json)
{
    if (as_json)
        json_open_array(&rows->json, "codes");
    else if (rows->count == 0)
        puts("no action has codes");
    else
        printf("%-*s  %-28s  %-13s  %-15s  %s\n", rows->name_width, "ACTION", "CODES", "LAST USED", "FROM", "NEXT");
    for (size_t i = 0; i < rows->count; i++) {
        if (as_json)
            json_codes(&rows->json, &rows->list[i]);
        else
            print_codes(rows, &rows->list[i]);
    }
    if (as_json)
        json_close_array(&rows->json);
}

/* ---- list --secrets ---------------------------------------------------------------------------------------------- */

static void format_expiry(const struct rows *rows, const struct config_secret *secret, char text[static WHEN_TEXT_LEN])
{
    char left[WHEN_TEXT_LEN];

    if (secret->expires_s == 0) {
        snprintf(text, WHEN_TEXT_LEN, "never");
    } else if (secret->expires_s <= rows->now_s) {
        snprintf(text, WHEN_TEXT_LEN, "has expired");
    } else {
        when_format_span(secret->expires_s - rows->now_s, left);
        snprintf(text, WHEN_TEXT_LEN, "in %.40s", left);
    }
}

static void print_secret(const struct rows *rows, const struct row *row)
{
    char expiry[WHEN_TEXT_LEN], used[WHEN_TEXT_LEN], from[ADDRESS_TEXT_LEN];

    format_expiry(rows, row->secret, expiry);
    format_used(rows, row, used);
    format_from(row, from);
    printf("%-*s  %-*s  %-13s  %-15s  %s\n", rows->name_width, row->entry->name, rows->label_width,
           row->secret->label != NULL ? row->secret->label : "-", row->secret->label != NULL ? used : "not recorded",
           from, expiry);
}

static void json_secret(struct json *json, const struct row *row)
{
    char expires[WHEN_TEXT_LEN];

    when_format_utc(row->secret->expires_s, expires);
    json_open_object(json, NULL);
    json_text(json, "action", row->entry->name);
    json_number(json, "line", row->entry->line);
    json_text(json, "label", row->secret->label);
    json_text(json, "expires", row->secret->expires_s != 0 ? expires : NULL);
    json_used(json, row);
    json_close_object(json);
}

static void show_secrets(struct rows *rows, bool as_json)
{
    if (as_json)
        json_open_array(&rows->json, "secrets");
    else
        printf("%-*s  %-*s  %-13s  %-15s  %s\n", rows->name_width, "ACTION", rows->label_width, "LABEL",
               "LAST ACCEPTED", "FROM", "EXPIRES");
    for (size_t i = 0; i < rows->count; i++) {
        if (as_json)
            json_secret(&rows->json, &rows->list[i]);
        else
            print_secret(rows, &rows->list[i]);
    }
    if (as_json)
        json_close_array(&rows->json);
}

static void widen(int *width, const char *text)
{
    const int len = (int)strlen(text);

    if (len > *width)
        *width = len;
}

static void size_columns(struct rows *rows)
{
    widen(&rows->name_width, "ACTION");
    widen(&rows->label_width, "LABEL");
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->list[i];

        widen(&rows->name_width, row->entry->name);
        if (row->secret != NULL && row->secret->label != NULL)
            widen(&rows->label_width, row->secret->label);
    }
}

/* All that is known, before anything is printed: who reads that slowly must not hold the lock meanwhile. */
static void gather(struct rows *rows, bool of_codes)
{
    const struct config *config = &rows->ctl->config;

    rows->list = calloc(config->secret_count + 1, sizeof(rows->list[0]));
    if (rows->list == NULL)
        err(CTL_OS, "no memory for %zu secrets", config->secret_count);
    rows->held = hold(rows->ctl, true, &rows->used);
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (of_codes && has_codes(entry))
            rows->list[rows->count++] = codes_row(rows, entry);
        for (size_t k = 0; !of_codes && k < entry->secret_count; k++)
            rows->list[rows->count++] = secret_row(rows, entry, &entry->secrets[k]);
    }
    used_close(&rows->used);
}

enum ctl_status ctl_list_used(struct ctl *ctl, bool of_codes, bool as_json)
{
    struct rows rows = {.ctl = ctl, .now_s = ctl_now().wall_ms / 1000, .json = {.out = stdout}};

    if (of_codes)
        load_keys(ctl);
    else
        ctl_load(ctl);
    gather(&rows, of_codes);
    size_columns(&rows);
    if (as_json)
        json_open_object(&rows.json, NULL);
    if (of_codes)
        show_codes(&rows, as_json);
    else
        show_secrets(&rows, as_json);
    if (as_json) {
        json_close_object(&rows.json);
        json_end(&rows.json);
    }
    free(rows.list);
    return CTL_OK;
}

/* ---- codes ------------------------------------------------------------------------------------------------------- */

struct order {
    bool forget;
    bool has_counter;
    uint64_t counter;
};

static void read_order(int argc, char **argv, struct order *order)
{
    static const struct option options[] = {
        {"forget", no_argument, NULL, 'f'}, {"counter", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = ctl_option(argc, argv, ":", options)) != -1) {
        if (option == 'f') {
            order->forget = true;
            continue;
        }
        order->has_counter = true;
        if (number_parse(optarg, (struct number_range){0, CODES_COUNTER_MAX}, &order->counter) != NUMBER_OK)
            ctl_usage("--counter takes a number from 0 on, as the token or its maker says it: %s", optarg);
    }
    if (order->forget == order->has_counter)
        ctl_usage("codes takes one of --forget and --counter NUMBER; 'list --codes' shows what there is");
}

/* What is kept of this action's key from now on. */
static struct used_mark mark_for(const struct config_entry *entry, const struct order *order, uint64_t now_s)
{
    const struct codes_way *way = &entry->codes.way;

    /* No code that could have been used is good again: the first one is that behind the window. */
    if (order->forget)
        return (struct used_mark){.next = codes_step(way, now_s) + way->window + 1};
    return (struct used_mark){.next = order->counter};
}

static void require(const struct ctl *ctl, const struct config_entry *entry, const struct order *order)
{
    if (entry->codes.key.len == 0)
        errx(CTL_CONFIG,
             "%s:%u: the unit alone has the key of action %s: run this with the same LoadCredential=, by "
             "systemd-run(1)",
             ctl->config_path, entry->line, entry->name);
    if (order->forget && entry->codes.way.kind == CODES_HOTP)
        errx(CTL_USAGE,
             "action %s has hotp=, whose used codes would be good again: say with --counter NUMBER which is "
             "the next",
             entry->name);
    if (order->has_counter && entry->codes.way.kind == CODES_TOTP)
        errx(CTL_USAGE,
             "action %s has totp=, which has no counter: --forget is for a code that was used at a wrong clock",
             entry->name);
}

static void report(const struct config_entry *entry, const struct used_mark *mark)
{
    char text[WHEN_TEXT_LEN];

    if (entry->codes.way.kind == CODES_HOTP) {
        ctl_changed("action %s: its next code is the one of counter %" PRIu64, entry->name, mark->next);
        return;
    }
    when_format_local(mark->next * entry->codes.way.period_s, text);
    ctl_changed("action %s: what was used is forgotten; its first code that is good is the one of %s", entry->name,
                text);
}

static void set_mark(const struct ctl *ctl, struct used *used, const struct config_codes *codes,
                     const struct used_mark *mark)
{
    uint8_t text[USED_TEXT_MAX];
    const struct used_name name = spend_codes_name(codes, text);
    enum used_fault fault = used_put(used, &name, mark);

    explicit_bzero(text, sizeof(text));
    if (fault == USED_OK)
        fault = used_sync(used);
    if (fault != USED_OK)
        used_fault(ctl, fault);
}

void ctl_begin_codes(const struct ctl *ctl, const struct config_codes *codes, uint64_t next)
{
    uint8_t text[USED_TEXT_MAX];
    const struct used_name name = spend_codes_name(codes, text);
    struct used_mark mark;
    struct used used;

    hold(ctl, false, &used);
    /* A key that is in use already has used up what it has. */
    if (used_find(&used, &name, &mark) != USED_OK || mark.next < next)
        mark.next = next;
    explicit_bzero(text, sizeof(text));
    set_mark(ctl, &used, codes, &mark);
    used_close(&used);
}

enum ctl_status ctl_codes(struct ctl *ctl, int argc, char **argv)
{
    const uint64_t now_s = ctl_now().wall_ms / 1000;
    struct order order = {0};
    struct used used;
    size_t found = 0;
    const char *name;

    read_order(argc, argv, &order);
    name = *ctl_arguments(argc, argv, 1, 1);
    load_keys(ctl);
    for (size_t i = 0; i < ctl->config.entry_count; i++) {
        const struct config_entry *entry = &ctl->config.entries[i];

        if (!has_codes(entry) || strcmp(entry->name, name) != 0)
            continue;
        require(ctl, entry, &order);
        found++;
    }
    if (found == 0)
        errx(CTL_NOT_SO, "%s has no action %s with totp= or hotp=: '%s list --codes' shows those there are",
             ctl->config_path, name, ctl->self);
    hold(ctl, false, &used);
    for (size_t i = 0; i < ctl->config.entry_count; i++) {
        const struct config_entry *entry = &ctl->config.entries[i];
        struct used_mark mark;

        if (!has_codes(entry) || strcmp(entry->name, name) != 0)
            continue;
        mark = mark_for(entry, &order, now_s);
        set_mark(ctl, &used, &entry->codes, &mark);
        report(entry, &mark);
    }
    used_close(&used);
    return CTL_OK;
}

/* ---- verify and repair ------------------------------------------------------------------------------------------- */

bool ctl_verify_used(const struct ctl *ctl)
{
    const struct spend_place place = place_of(ctl);
    const struct used_options options = spend_options(&place, true);
    struct used_totals totals;
    struct used used;
    enum used_fault fault = used_open(&options, &used);

    if (fault == USED_OK)
        fault = used_hold(&used, HOLD_SHARED);
    if (fault == USED_ABSENT)
        return true; /* nobody has used any */
    if (fault != USED_OK && fault != USED_DAMAGED && fault != USED_FOREIGN)
        used_fault(ctl, fault);
    if (fault != USED_OK) {
        printf("%s: %s; until then nobody gets in who needs a code, and no action with single=yes is started\n",
               ctl->config.state_dir, used_fault_text(fault));
        used_close(&used);
        return false;
    }
    used_count(&used, &totals);
    used_close(&used);
    if (totals.header_damaged)
        printf("%s: one of the two headers of the record of used codes is damaged\n", ctl->config.state_dir);
    if (totals.damaged != 0)
        printf("%s: %" PRIu64 " slots of the record of used codes are damaged: some who need a code do not get in, and "
               "some actions with single=yes are not started\n",
               ctl->config.state_dir, totals.damaged);
    return totals.damaged == 0 && !totals.header_damaged;
}

void ctl_repair_used(const struct ctl *ctl, bool give_up)
{
    const struct spend_place place = place_of(ctl);
    struct used_options options = spend_options(&place, false);
    struct used used;
    uint64_t lost = 0;
    enum used_fault fault;

    options.read_only = true;
    fault = used_open(&options, &used);
    if (fault == USED_OK)
        fault = used_hold(&used, HOLD_SHARED);
    used_close(&used);
    if (fault == USED_ABSENT)
        return;
    options.read_only = false;
    fault = used_open(&options, &used);
    if (fault == USED_OK)
        fault = used_repair(&used, ctl_now().wall_ms / 1000, give_up, &lost);
    used_close(&used);
    if (fault == USED_DAMAGED)
        errx(CTL_STATE,
             "%s: both headers of the record of used codes are damaged, so that nothing of it can be kept: nothing was "
             "changed. '%s repair --empty' starts an empty one: codes of hotp= are good again after '%s codes "
             "--counter'",
             ctl->config.state_dir, ctl->self, ctl->self);
    if (fault != USED_OK)
        used_fault(ctl, fault);
    if (lost != 0)
        ctl_changed("%s: %" PRIu64
                    " damaged slots of the record of used codes are forgotten: codes of totp= are good from "
                    "the next ones on, those of hotp= after '%s codes --counter', and an action with single=yes that "
                    "runs may be started once more",
                    ctl->config.state_dir, lost, ctl->self);
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

/* Is there a code of HOTP for which it is not known whether it has been used? */
static void check_counters(const struct config *config, const struct used *used, const struct ctl_subject *subject,
                           const char *self)
{
    uint8_t text[USED_TEXT_MAX];
    struct used_mark mark;

    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];
        struct used_name name;

        if (!has_codes(entry) || entry->codes.way.kind != CODES_HOTP || entry->codes.key.len == 0)
            continue;
        name = spend_codes_name(&entry->codes, text);
        if (used == NULL || used_find(used, &name, &mark) == USED_UNKNOWN)
            ctl_find(subject, CONFIG_ERROR,
                     "which codes of '%s' have been used is not known, so that nobody gets in by it: run '%s codes "
                     "--counter NUMBER %s', with 0 for a new token",
                     entry->name, self, entry->name);
    }
    explicit_bzero(text, sizeof(text));
}

/* As whoever the handler is, and without a word of what the file has wrong: that is said already. */
static int load_quietly(const struct ctl *ctl, struct config *config)
{
    const struct config_reader reader = {
        .path = ctl->config_path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = true,
        .may_lack_credentials = true,
        .report = ctl_take_finding,
        .context = &(struct ctl_findings){.out = NULL},
    };
    int status;

    if (geteuid() == 0 && which_door(ctl->config_path) == DOOR_SEALED && ctl_be_sealed() != 0)
        return -1;
    status = config_load(&reader, config);
    ctl_be_root();
    return status;
}

static bool needs_record(const struct config *config)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        if (has_codes(&config->entries[i]) || config->entries[i].single)
            return true;
    }
    return false;
}

static void check_record(const struct ctl *ctl, const struct config *config, struct ctl_findings *findings)
{
    const struct spend_place place = place_of(ctl);
    const struct used_options options = spend_options(&place, true);
    const struct ctl_subject of_state = {findings, ctl->config.state_dir};
    const struct ctl_subject of_config = {findings, ctl->config_path};
    struct used_totals totals = {0};
    struct used used;
    enum used_fault fault = used_open(&options, &used);

    if (fault == USED_OK)
        fault = used_hold(&used, HOLD_SHARED);
    if (fault == USED_OK)
        used_count(&used, &totals);
    if (fault == USED_OK || fault == USED_ABSENT)
        check_counters(config, fault == USED_OK ? &used : NULL, &of_config, ctl->self);
    else if (used_fault_has_errno(fault))
        ctl_find(&of_state, CONFIG_ERROR, "%s: %s", used_fault_text(fault), strerror(errno));
    else
        ctl_find(&of_state, CONFIG_ERROR, "%s", used_fault_text(fault));
    if (totals.damaged != 0)
        ctl_find(&of_state, CONFIG_ERROR,
                 "%" PRIu64
                 " slots of the record of used codes are damaged, so that some who need a code, or an action with "
                 "single=yes, do not get in: run '%s repair'",
                 totals.damaged, ctl->self);
    used_close(&used);
}

static bool is_key_in(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_codes *codes = &config->entries[i].codes;

        if (codes->origin == CONFIG_SECRET_FILE && strcmp(codes->path, path) == 0)
            return true;
    }
    return false;
}

/* Each door has a record of its own. */
static void check_shared_keys(const struct ctl *ctl, struct ctl_findings *findings)
{
    const struct ctl_subject subject = {findings, ctl->config_path};
    char other_path[PATH_MAX];
    struct config other;

    if (ctl_load_other(ctl->config_path, other_path, &other) != CTL_OTHER_LOADED)
        return;
    for (size_t i = 0; i < ctl->config.entry_count; i++) {
        const struct config_entry *entry = &ctl->config.entries[i];

        if (entry->codes.origin == CONFIG_SECRET_FILE && is_key_in(&other, entry->codes.path))
            ctl_find(
                &subject, CONFIG_WARNING,
                "the key of the codes of '%s' is in %s as well: each door knows its own codes alone, so that each is "
                "good once at each of them; give each a key of its own",
                entry->name, other_path);
    }
    config_free(&other);
}

void ctl_check_codes(const struct ctl *ctl, struct ctl_findings *findings)
{
    struct config config;

    if (needs_record(&ctl->config))
        check_shared_keys(ctl, findings);
    if (!needs_record(&ctl->config) || load_quietly(ctl, &config) != 0)
        return;
    check_record(ctl, &config, findings);
    config_free(&config);
}
