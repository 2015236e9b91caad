/* SPDX-License-Identifier: ISC */
/* See ctl_used.h. Keys are read, to find what is kept of them; none is shown. */
#include "ctl_used.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

bool ctl_has_codes(const struct config_entry *entry)
{
    return entry->codes.origin != CONFIG_SECRET_NONE;
}

enum ctl_status ctl_read_keys(const struct ctl *ctl, struct config *config)
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

    if (geteuid() == 0 && which_door(ctl->config_path) == DOOR_SEALED && ctl_be_sealed() != 0)
        return CTL_OS;
    status = config_load(&reader, config);
    ctl_be_root();
    return status == 0 ? CTL_OK : CTL_CONFIG;
}

/* ---- The record -------------------------------------------------------------------------------------------------- */

static struct spend_place place_of(const struct ctl *ctl)
{
    return (struct spend_place){
        .state_dir = ctl->config.state_dir, .door = which_door(ctl->config_path), .patience_ms = CTL_PATIENCE_MS};
}

_Noreturn void ctl_used_fault(const struct ctl *ctl, enum used_fault fault)
{
    const char *text = used_fault_text(fault);
    const bool denied = used_fault_has_errno(fault) && (errno == EACCES || errno == EPERM);

    if (denied && getuid() != 0)
        err(CTL_NOT_PERMITTED, "run as root: %s: %s", ctl->config.state_dir, text);
    if (used_fault_has_errno(fault))
        err(denied ? CTL_NOT_PERMITTED : CTL_STATE, "%s: %s", ctl->config.state_dir, text);
    errx(CTL_STATE, "%s: %s", ctl->config.state_dir, text);
}

bool ctl_used_hold(const struct ctl *ctl, bool read_only, struct used *used)
{
    const struct spend_place place = place_of(ctl);
    const struct used_options options = spend_options(&place, read_only);
    enum used_fault fault;

    fault = used_open(&options, used);
    if (fault == USED_OK)
        fault = used_hold(used, read_only ? HOLD_SHARED : HOLD_ALONE);
    if (fault == USED_ABSENT) {
        used_close(used);
        return false;
    }
    if (fault != USED_OK)
        ctl_used_fault(ctl, fault);
    return true;
}

void ctl_used_set(const struct ctl *ctl, struct used *used, const struct config_codes *codes,
                  const struct used_mark *mark)
{
    uint8_t text[USED_TEXT_MAX];
    const struct used_name name = spend_codes_name(codes, text);
    enum used_fault fault = used_put(used, &name, mark);

    explicit_bzero(text, sizeof(text));
    if (fault == USED_OK)
        fault = used_sync(used);
    if (fault != USED_OK)
        ctl_used_fault(ctl, fault);
}

void ctl_used_begin(const struct ctl *ctl, const struct config_codes *codes, uint64_t next)
{
    uint8_t text[USED_TEXT_MAX];
    const struct used_name name = spend_codes_name(codes, text);
    struct used_mark mark;
    struct used used;

    ctl_used_hold(ctl, false, &used);
    /* A key that is in use already has used up what it has. */
    if (used_find(&used, &name, &mark) != USED_OK || mark.next < next)
        mark.next = next;
    explicit_bzero(text, sizeof(text));
    ctl_used_set(ctl, &used, codes, &mark);
    used_close(&used);
}

/* ---- verify and repair ------------------------------------------------------------------------------------------- */

bool ctl_used_verify(const struct ctl *ctl)
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
        ctl_used_fault(ctl, fault);
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

void ctl_used_repair(const struct ctl *ctl, bool give_up)
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
        ctl_used_fault(ctl, fault);
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

        if (!ctl_has_codes(entry) || entry->codes.way.kind != CODES_HOTP || entry->codes.key.len == 0)
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

static bool needs_record(const struct config *config)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        if (ctl_has_codes(&config->entries[i]) || config->entries[i].single)
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

void ctl_used_check(const struct ctl *ctl, struct ctl_findings *findings)
{
    struct config config;

    if (needs_record(&ctl->config))
        check_shared_keys(ctl, findings);
    if (!needs_record(&ctl->config) || ctl_read_keys(ctl, &config) != CTL_OK)
        return;
    check_record(ctl, &config, findings);
    config_free(&config);
}
