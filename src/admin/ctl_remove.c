/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl remove: an action's line, and its secret, unless that is not ours to remove. See ctl.h.
 *
 * The line goes first, so that nobody is let in by a configuration that cannot be read any more. Killed before the
 * secret has gone too, what is left is one that nothing uses, and the next try takes it away (ctl_secret.h).
 */
#include "ctl_edit.h"
#include "ctl_secret.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct removal {
    struct ctl *ctl;
    const char *name;
    struct ctl_edit edit;
    struct ctl_secret secret;
    unsigned line;              /* the first that has the name; 0: none */
    char secret_path[PATH_MAX]; /* "": it is in no file */
    bool takes_secret;
    const char *why_kept; /* where it does not */
    bool was_last;
};

/* ---- the line -------------------------------------------------------------------------------------------------- */

/* Of the other lines, only what is an error concerns us. */
static void take_finding(void *context, const struct config_finding *finding)
{
    if (finding->severity == CONFIG_ERROR)
        ctl_take_finding(context, finding);
}

static int parse(struct removal *removal, FILE *out)
{
    struct ctl_findings findings = {.out = out};
    const struct config_reader reader = {
        .path = removal->edit.path,
        .report = take_finding,
        .context = &findings,
    };
    struct locked copy; /* the parser takes it apart */
    int status;

    if (locked_new(removal->edit.len + 1, &copy) != 0) {
        warn("no locked memory for the configuration");
        return -1;
    }
    if (removal->edit.len > 0)
        memcpy(copy.bytes, removal->edit.text.bytes, removal->edit.len);
    status = config_parse((char *)copy.bytes, removal->edit.len, &reader, &removal->ctl->config);
    locked_free(&copy);
    return status;
}

static const struct config_entry *find_entry(struct removal *removal)
{
    const struct config *config = &removal->ctl->config;
    const struct config_entry *found = NULL;

    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (entry->kill || strcmp(entry->name, removal->name) != 0)
            continue;
        if (found != NULL) {
            warnx("%s: lines %u and %u both have the name %s: give each its own name=, or take one out by hand",
                  removal->edit.path, found->line, entry->line, removal->name);
            return NULL;
        }
        found = entry;
        removal->line = entry->line;
    }
    return found;
}

/* The new text is the old one without these bytes. Returns its length. */
static size_t cut_line(struct ctl_edit *edit, unsigned line)
{
    uint8_t *const text = edit->text.bytes;
    uint8_t *const end = text + edit->len;
    uint8_t *start = text;
    uint8_t *next;

    while (--line > 0)
        start = (uint8_t *)memchr(start, '\n', (size_t)(end - start)) + 1;
    next = memchr(start, '\n', (size_t)(end - start));
    next = next == NULL ? end : next + 1;
    memmove(start, next, (size_t)(end - next));
    return edit->len - (size_t)(next - start);
}

/* ---- the secret ------------------------------------------------------------------------------------------------ */

/* Only what lies where add would have put it is ours to remove. */
static enum ctl_status judge_secret(struct removal *removal)
{
    const size_t len = strlen(removal->secret.directory);
    const char *path = removal->secret_path;
    struct stat status;

    errno = 0;
    if (strncmp(path, removal->secret.directory, len) != 0 || path[len] != '/' || strchr(path + len + 1, '/') != NULL)
        removal->why_kept = "it is not where 'add' puts them";
    else if (lstat(path, &status) != 0 && errno != ENOENT)
        return ctl_complain(path);
    else if (errno == ENOENT)
        removal->why_kept = "it is not there";
    else if (!S_ISREG(status.st_mode))
        removal->why_kept = "it is no regular file";
    else
        removal->why_kept = ctl_secret_shared(removal->ctl, path, removal->line);
    removal->takes_secret = removal->why_kept == NULL;
    return CTL_OK;
}

/* ---- the steps ------------------------------------------------------------------------------------------------- */

static enum ctl_status open_secret(struct removal *removal, const char *file_name)
{
    return ctl_secret_open(removal->ctl->config_path, file_name, &removal->secret);
}

/*
 * A secret may be left, of a command that was interrupted. By the text itself no line names it: the configuration may
 * have no action any more, and so be none that can be read.
 */
static enum ctl_status sweep(struct removal *removal, bool *swept)
{
    const char *path = removal->secret.path;
    enum ctl_status status;

    *swept = false;
    if (removal->edit.len > 0 && memmem(removal->edit.text.bytes, removal->edit.len, path, strlen(path)) != NULL)
        return CTL_OK;
    if (ctl_secret_shared(removal->ctl, path, 0) != NULL)
        return CTL_OK;
    status = ctl_secret_sweep(&removal->secret, swept);
    if (status == CTL_OK && *swept)
        ctl_changed("the secret of action %s, which an interrupted command had left in %s, is removed", removal->name,
                    path);
    return status;
}

static enum ctl_status take_away(struct removal *removal)
{
    enum ctl_status status = removal->takes_secret ? ctl_secret_mark(&removal->secret) : CTL_OK;

    if (status == CTL_OK)
        status = ctl_edit_replace(&removal->edit, removal->edit.text.bytes, cut_line(&removal->edit, removal->line));
    if (!removal->edit.replaced) {
        if (removal->secret.marked)
            ctl_secret_unmark(&removal->secret);
        return status;
    }
    if (removal->takes_secret) {
        const enum ctl_status removed = ctl_secret_remove(&removal->secret);

        if (removed != CTL_OK)
            removal->why_kept = "it could not be removed: run it again";
        status = status == CTL_OK ? removed : status;
    }
    return status;
}

static void report(const struct removal *removal)
{
    const char *what = removal->secret_path[0] == '\0' ? "its secret was in that line" : "its secret";

    if (removal->secret_path[0] == '\0')
        ctl_changed("action %s is removed: line %u of %s; %s", removal->name, removal->line, removal->edit.path, what);
    else if (removal->why_kept == NULL)
        ctl_changed("action %s is removed: line %u of %s, and %s, %s", removal->name, removal->line, removal->edit.path,
                    what, removal->secret_path);
    else
        ctl_changed("action %s is removed: line %u of %s; %s, %s, stays as it is: %s", removal->name, removal->line,
                    removal->edit.path, what, removal->secret_path, removal->why_kept);
    if (removal->was_last)
        puts("It was the last one: without an ACTION or KILL nobody is served, and the port does not open again.");
}

static enum ctl_status remove_entry(struct removal *removal, const struct config_entry *entry)
{
    enum ctl_status status = CTL_OK;

    if (entry->secrets[0].origin == CONFIG_SECRET_FILE) {
        snprintf(removal->secret_path, sizeof(removal->secret_path), "%s", entry->secrets[0].path);
        ctl_secret_close(&removal->secret);
        status = open_secret(removal, strrchr(removal->secret_path, '/') + 1);
        if (status == CTL_OK)
            status = judge_secret(removal);
    }
    removal->was_last = removal->ctl->config.entry_count == 1;
    if (status == CTL_OK)
        status = take_away(removal);
    if (removal->edit.replaced)
        report(removal);
    return status;
}

static enum ctl_status find_and_remove(struct removal *removal)
{
    const struct config_entry *entry;
    bool swept = false;
    enum ctl_status status = ctl_edit_begin(removal->ctl->config_path, &removal->edit);

    if (status == CTL_OK && !removal->edit.exists) {
        warnx("%s: there is no such file", removal->edit.path);
        status = CTL_CONFIG;
    }
    if (status == CTL_OK)
        status = sweep(removal, &swept);
    if (status != CTL_OK)
        return status;
    if (parse(removal, swept ? NULL : stderr) != 0) {
        if (!swept)
            warnx("with these errors nothing was removed: correct them first");
        return swept ? CTL_OK : CTL_CONFIG;
    }
    entry = find_entry(removal);
    if (entry != NULL)
        return remove_entry(removal, entry);
    if (removal->line == 0 && !swept)
        warnx("%s: no action has the name %s: nothing was removed", removal->edit.path, removal->name);
    return removal->line == 0 && swept ? CTL_OK : CTL_NOT_SO;
}

enum ctl_status ctl_remove(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct removal removal = {.ctl = ctl, .edit = {.dir_fd = -1, .new_fd = -1}};
    char file_name[NAME_MAX + 1];
    enum ctl_status status;

    ctl_option(argc, argv, ":", options);
    removal.name = ctl_arguments(argc, argv, 1, 1)[0];
    if (removal.name[0] == '\0' || strchr(removal.name, '/') != NULL ||
        snprintf(file_name, sizeof(file_name), "%s.secret", removal.name) >= (int)sizeof(file_name) - 1)
        ctl_usage("remove: '%s' is no name of an action", removal.name);
    status = open_secret(&removal, file_name);
    if (status == CTL_OK)
        status = find_and_remove(&removal);
    ctl_secret_close(&removal.secret);
    ctl_edit_end(&removal.edit);
    return status;
}
