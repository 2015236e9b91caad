/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl remove: an action's line, and its secret and the key of its codes, unless they are not ours to remove. See
 * ctl.h.
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

#define NAME_LEN_MAX 200 /* bytes: of no action are there more, and with what is put around it, it is a file name */

/* A file that the line names. */
struct part {
    const char *what; /* it is */
    struct ctl_secret secret;
    char path[PATH_MAX]; /* "": there is none */
    bool taken;
    const char *why_kept; /* where it is not */
};

struct removal {
    struct ctl *ctl;
    const char *name;
    struct ctl_edit edit;
    struct part secret;
    struct part key;
    unsigned line; /* the first that has the name; 0: none */
    size_t others; /* secrets beside the first */
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

/* ---- the secret, and the key ------------------------------------------------------------------------------------ */

/* Only what lies where add would have put it is ours to remove. */
static enum ctl_status judge(struct removal *removal, struct part *part)
{
    const size_t len = strlen(part->secret.directory);
    const char *path = part->path;
    struct stat status;

    errno = 0;
    if (strncmp(path, part->secret.directory, len) != 0 || path[len] != '/' || strchr(path + len + 1, '/') != NULL)
        part->why_kept = "it is not where 'add' puts them";
    else if (lstat(path, &status) != 0 && errno != ENOENT)
        return ctl_complain(path);
    else if (errno == ENOENT)
        part->why_kept = "it is not there";
    else if (!S_ISREG(status.st_mode))
        part->why_kept = "it is no regular file";
    else
        part->why_kept = ctl_secret_shared(removal->ctl, path, removal->line);
    part->taken = part->why_kept == NULL;
    return CTL_OK;
}

/* The line names this file. */
static enum ctl_status take_part(struct removal *removal, const char *path, struct part *part)
{
    enum ctl_status status;

    snprintf(part->path, sizeof(part->path), "%s", path);
    ctl_secret_close(&part->secret);
    status = ctl_secret_open(removal->ctl->config_path, strrchr(part->path, '/') + 1, &part->secret);
    return status == CTL_OK ? judge(removal, part) : status;
}

/* Once the line is gone. */
static enum ctl_status remove_part(struct part *part)
{
    enum ctl_status removed;

    if (!part->taken)
        return CTL_OK;
    removed = ctl_secret_remove(&part->secret);
    if (removed != CTL_OK)
        part->why_kept = "it could not be removed: run it again";
    return removed;
}

/* ---- the steps ------------------------------------------------------------------------------------------------- */

/*
 * Something may be left, of a command that was interrupted. By the text itself no line names it: the configuration may
 * have no action any more, and so be none that can be read.
 */
static enum ctl_status sweep_part(struct removal *removal, const char *suffix, struct part *part, bool *swept)
{
    char file_name[NAME_MAX + 1];
    enum ctl_status status;
    bool found = false;

    snprintf(file_name, sizeof(file_name), "%.200s.%s", removal->name, suffix);
    ctl_secret_close(&part->secret);
    status = ctl_secret_open(removal->ctl->config_path, file_name, &part->secret);
    if (status != CTL_OK)
        return status;
    if (removal->edit.len > 0 &&
        memmem(removal->edit.text.bytes, removal->edit.len, part->secret.path, strlen(part->secret.path)) != NULL)
        return CTL_OK;
    if (ctl_secret_shared(removal->ctl, part->secret.path, 0) != NULL)
        return CTL_OK;
    status = ctl_secret_sweep(&part->secret, &found);
    if (status == CTL_OK && found)
        ctl_changed("%s of action %s, which an interrupted command had left in %s, is removed", part->what,
                    removal->name, part->secret.path);
    *swept |= found;
    return status;
}

static enum ctl_status sweep(struct removal *removal, bool *swept)
{
    enum ctl_status status = sweep_part(removal, "secret", &removal->secret, swept);

    if (status == CTL_OK)
        status = sweep_part(removal, "totp", &removal->key, swept);
    return status == CTL_OK ? sweep_part(removal, "hotp", &removal->key, swept) : status;
}

static enum ctl_status take_away(struct removal *removal)
{
    enum ctl_status status = removal->secret.taken ? ctl_secret_mark(&removal->secret.secret) : CTL_OK;
    enum ctl_status removed;

    if (status == CTL_OK && removal->key.taken)
        status = ctl_secret_mark(&removal->key.secret);
    if (status == CTL_OK)
        status = ctl_edit_replace(&removal->edit, removal->edit.text.bytes, cut_line(&removal->edit, removal->line));
    if (!removal->edit.replaced) {
        if (removal->secret.secret.marked)
            ctl_secret_unmark(&removal->secret.secret);
        if (removal->key.secret.marked)
            ctl_secret_unmark(&removal->key.secret);
        return status;
    }
    removed = remove_part(&removal->secret);
    status = status == CTL_OK ? removed : status;
    removed = remove_part(&removal->key);
    return status == CTL_OK ? removed : status;
}

static void report(const struct removal *removal)
{
    const struct part *secret = &removal->secret, *key = &removal->key;

    if (secret->path[0] == '\0')
        ctl_changed("action %s is removed: line %u of %s; its secret was in that line", removal->name, removal->line,
                    removal->edit.path);
    else if (secret->why_kept == NULL)
        ctl_changed("action %s is removed: line %u of %s, and its secret, %s", removal->name, removal->line,
                    removal->edit.path, secret->path);
    else
        ctl_changed("action %s is removed: line %u of %s; its secret, %s, stays as it is: %s", removal->name,
                    removal->line, removal->edit.path, secret->path, secret->why_kept);
    if (removal->others > 0)
        printf("Its other secrets, %zu, stay as they are: 'add' has not made them.\n", removal->others);
    if (key->path[0] != '\0' && key->why_kept == NULL)
        ctl_changed("the key of its codes, %s, is removed", key->path);
    else if (key->path[0] != '\0')
        ctl_changed("the key of its codes, %s, stays as it is: %s", key->path, key->why_kept);
    if (removal->was_last)
        puts("It was the last one: without an ACTION or KILL nobody is served, and the port does not open again.");
}

static enum ctl_status remove_entry(struct removal *removal, const struct config_entry *entry)
{
    enum ctl_status status = CTL_OK;

    if (entry->secrets[0].origin == CONFIG_SECRET_FILE)
        status = take_part(removal, entry->secrets[0].path, &removal->secret);
    if (status == CTL_OK && entry->codes.origin == CONFIG_SECRET_FILE)
        status = take_part(removal, entry->codes.path, &removal->key);
    removal->others = entry->secret_count - 1;
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
    struct removal removal = {.ctl = ctl,
                              .edit = {.dir_fd = -1, .new_fd = -1},
                              .secret = {.what = "the secret", .secret.dir_fd = -1},
                              .key = {.what = "the key of the codes", .secret.dir_fd = -1}};
    enum ctl_status status;

    ctl_option(argc, argv, ":", options);
    removal.name = ctl_arguments(argc, argv, 1, 1)[0];
    if (removal.name[0] == '\0' || strchr(removal.name, '/') != NULL || strlen(removal.name) > NAME_LEN_MAX)
        ctl_usage("remove: '%s' is no name of an action", removal.name);
    status = find_and_remove(&removal);
    ctl_secret_close(&removal.secret.secret);
    ctl_secret_close(&removal.key.secret);
    ctl_edit_end(&removal.edit);
    return status;
}
