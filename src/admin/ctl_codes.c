/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl codes, list --codes and list --secrets: which one-time codes are used up, when each secret was last
 * accepted, and what to do where a clock or a counter was wrong. Keys are read, to find what is kept of them; none is
 * shown. See ctl.h.
 */
#include "ctl_used.h"

#include "number.h"
#include "when.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The configuration with its keys; exits, with what to do, when it cannot be used. */
static void load_keys(struct ctl *ctl)
{
    enum ctl_status status;

    ctl_require_readable(ctl);
    status = ctl_read_keys(ctl, &ctl->config);
    if (status == CTL_OS)
        err(CTL_OS, "cannot become the sealed door's user");
    if (status != CTL_OK)
        errx(CTL_CONFIG, "%s has errors: run '%s check'", ctl->config_path, ctl->self);
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
};

static void find(const struct rows *rows, const struct used_name *name, struct row *row)
{
    enum used_fault fault;

    if (!rows->held)
        return;
    fault = used_find(&rows->used, name, &row->mark);
    if (fault != USED_OK && fault != USED_UNKNOWN)
        ctl_used_fault(rows->ctl, fault);
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

static void head_codes(const struct rows *rows)
{
    if (rows->count == 0)
        puts("no action has codes");
    else
        printf("%-*s  %-28s  %-13s  %-15s  %s\n", rows->name_width, "ACTION", "CODES", "LAST USED", "FROM", "NEXT");
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

static void head_secrets(const struct rows *rows)
{
    printf("%-*s  %-*s  %-13s  %-15s  %s\n", rows->name_width, "ACTION", rows->label_width, "LABEL", "LAST ACCEPTED",
           "FROM", "EXPIRES");
}

/* ---- Either of them ---------------------------------------------------------------------------------------------- */

struct view {
    const char *array; /* its name in JSON */
    void (*head)(const struct rows *rows);
    void (*print)(const struct rows *rows, const struct row *row);
    void (*json)(struct json *json, const struct row *row);
};

static const struct view codes_view = {"codes", head_codes, print_codes, json_codes};
static const struct view secrets_view = {"secrets", head_secrets, print_secret, json_secret};

static void show(const struct rows *rows, const struct view *view)
{
    view->head(rows);
    for (size_t i = 0; i < rows->count; i++)
        view->print(rows, &rows->list[i]);
}

static void show_json(const struct rows *rows, const struct view *view)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_open_array(&json, view->array);
    for (size_t i = 0; i < rows->count; i++)
        view->json(&json, &rows->list[i]);
    json_close_array(&json);
    json_close_object(&json);
    json_end(&json);
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
    rows->held = ctl_used_hold(rows->ctl, true, &rows->used);
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (of_codes && ctl_has_codes(entry))
            rows->list[rows->count++] = codes_row(rows, entry);
        for (size_t k = 0; !of_codes && k < entry->secret_count; k++)
            rows->list[rows->count++] = secret_row(rows, entry, &entry->secrets[k]);
    }
    used_close(&rows->used);
}

enum ctl_status ctl_list_used(struct ctl *ctl, bool of_codes, bool as_json)
{
    struct rows rows = {.ctl = ctl, .now_s = ctl_now().wall_ms / 1000};
    const struct view *view = of_codes ? &codes_view : &secrets_view;

    if (of_codes)
        load_keys(ctl);
    else
        ctl_load(ctl);
    gather(&rows, of_codes);
    size_columns(&rows);
    if (as_json)
        show_json(&rows, view);
    else
        show(&rows, view);
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

        if (!ctl_has_codes(entry) || strcmp(entry->name, name) != 0)
            continue;
        require(ctl, entry, &order);
        found++;
    }
    if (found == 0)
        errx(CTL_NOT_SO, "%s has no action %s with totp= or hotp=: '%s list --codes' shows those there are",
             ctl->config_path, name, ctl->self);
    ctl_used_hold(ctl, false, &used);
    for (size_t i = 0; i < ctl->config.entry_count; i++) {
        const struct config_entry *entry = &ctl->config.entries[i];
        struct used_mark mark;

        if (!ctl_has_codes(entry) || strcmp(entry->name, name) != 0)
            continue;
        mark = mark_for(entry, &order, now_s);
        ctl_used_set(ctl, &used, &entry->codes, &mark);
        report(entry, &mark);
    }
    used_close(&used);
    return CTL_OK;
}
