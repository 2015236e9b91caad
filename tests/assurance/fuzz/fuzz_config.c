/* SPDX-License-Identifier: ISC */
/*
 * Any text as ostiary.cfg, in both modes of the parser. The input is the text. Secret files are not on the disk here:
 * the last byte of a path chooses what reading it gives.
 */
#include "config.h"
#include "file.h"
#include "fuzz.h"
#include "value.h"

#include <errno.h>
#include <sys/random.h>
#include <syslog.h>

#define MARK "zz9" /* whatever holds it came from the text: no finding may */

enum file_fault __wrap_file_read_secret(const char *path, size_t limit, uint8_t *room, size_t *len);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);

enum file_fault __wrap_file_read_secret(const char *path, size_t limit, uint8_t *room, size_t *len)
{
    /* The file has its path in it, and that of a key what can be a key in it. */
    const char *hex = strstr(path, "hex:"), *key = hex != NULL ? hex : strstr(path, "base32:");
    const char *text = key != NULL ? key : path;
    const size_t path_len = strlen(text);
    const unsigned last = path_len > 0 ? (unsigned char)text[path_len - 1] : 0;

    errno = EIO;
    memset(room, 0, limit + 1);
    if (last % 16 != 0 && last % 16 <= FILE_NO_MEMORY)
        return (enum file_fault)(last % 16);
    *len = path_len < limit ? path_len : limit;
    memcpy(room, text, *len);
    if (*len > 0 && last % 2 == 0)
        room[*len - 1] = '\n';
    return FILE_OK;
}

/* One key for the hash of secrets, so that an input always takes the same way. */
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
    (void)flags;
    memset(bytes, 42, len);
    return (ssize_t)len;
}

struct findings {
    unsigned lines; /* in the text */
    unsigned errors;
};

static void take_finding(void *context, const struct config_finding *finding)
{
    struct findings *findings = context;

    findings->errors += finding->severity == CONFIG_ERROR;
    DEMAND(finding->line <= findings->lines);
    DEMAND(finding->text[0] != '\0');
    DEMAND(strstr(finding->text, MARK) == NULL);
    for (const char *at = finding->text; *at != '\0'; at++)
        DEMAND((unsigned char)*at >= ' ' && *at != 0x7f);
}

static void demand_secret(const struct config_secret *secret, bool with_secrets)
{
    const bool is_named = secret->origin == CONFIG_SECRET_FILE || secret->origin == CONFIG_SECRET_CREDENTIAL;

    DEMAND(is_named == (secret->path != NULL));
    DEMAND(secret->label == NULL || (secret->label[0] != '\0' && strlen(secret->label) <= 64));
    if (!with_secrets || secret->origin == CONFIG_SECRET_NONE) {
        DEMAND(secret->bytes.len == 0);
        return;
    }
    DEMAND(secret->bytes.len >= 1 && secret->bytes.len <= SECRET_MAX);
    for (size_t i = 0; i < secret->bytes.len; i++)
        DEMAND(secret->bytes.bytes[i] != '\0' && secret->bytes.bytes[i] != '\r' && secret->bytes.bytes[i] != '\n');
}

static void demand_entry(const struct config_entry *entry, bool with_secrets)
{
    DEMAND(entry->name[0] != '\0' && strlen(entry->name) <= 64);
    DEMAND(entry->name[strspn(entry->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")] ==
           '\0');
    DEMAND(entry->user != NULL);
    DEMAND((int)entry->kill + (entry->command != NULL) + (entry->socket != NULL) + (entry->gate != NULL) == 1);
    DEMAND(entry->gate == NULL || (value_is_gate(entry->gate) && entry->name[0] != '-'));
    DEMAND((entry->gate != NULL && !entry->revoke) || !entry->clear_old);
    DEMAND(entry->gate != NULL || !entry->revoke);
    DEMAND(entry->command == NULL || entry->command[0] == '/');
    DEMAND(entry->socket == NULL || entry->socket[0] == '/');
    for (size_t i = 0; i < entry->secret_count; i++)
        demand_secret(&entry->secrets[i], with_secrets);
    DEMAND((entry->codes.origin == CONFIG_SECRET_NONE) == (entry->codes.path == NULL));
    DEMAND(entry->codes.origin != CONFIG_SECRET_INLINE);
}

static void demand_sound(const struct config *config, bool with_secrets)
{
    DEMAND(config->entry_count >= 1);
    for (size_t i = 0; i < config->entry_count; i++)
        demand_entry(&config->entries[i], with_secrets);
    DEMAND(config->secret_count >= config->entry_count);
    for (size_t i = 0; with_secrets && i < config->secret_count && i < 16; i++)
        for (size_t j = 0; j < i; j++) {
            const struct secret a = config->secret_list[i].bytes, b = config->secret_list[j].bytes;

            DEMAND(a.len != b.len || memcmp(a.bytes, b.bytes, a.len) != 0);
        }
    DEMAND(with_secrets || config->secrets.bytes == NULL);
    if (config->has_lockout_action)
        demand_entry(&config->lockout_action, false);
    DEMAND(config->delay >= 1 && config->delay <= 3600 && config->comm_timeout >= 1 && config->comm_timeout <= 3600);
    DEMAND(config->max_bad_conns >= 1 && config->strike_time >= 1);
    DEMAND(config->ipv6_prefix >= 32 && config->ipv6_prefix <= 128);
    DEMAND(config->table_size >= 64 && config->table_size <= 16777216);
    DEMAND(config->log_level >= LOG_EMERG && config->log_level <= LOG_DEBUG);
    DEMAND(config->port_count <= CONFIG_PORTS_MAX && config->state_dir[0] == '/');
    for (size_t i = 0; i < config->port_count; i++)
        DEMAND(config->ports[i] != 0);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The two readings of one connection must be of one mind. */
static void demand_same(const struct config *a, const struct config *b)
{
    DEMAND(a->entry_count == b->entry_count && a->has_lockout_action == b->has_lockout_action);
    for (size_t i = 0; i < a->entry_count; i++) {
        DEMAND(a->entries[i].kill == b->entries[i].kill && a->entries[i].line == b->entries[i].line);
        DEMAND(same_text(a->entries[i].name, b->entries[i].name));
        DEMAND(same_text(a->entries[i].command, b->entries[i].command));
        DEMAND(same_text(a->entries[i].user, b->entries[i].user));
        DEMAND(same_text(a->entries[i].group, b->entries[i].group));
    }
    DEMAND(a->max_bad_conns == b->max_bad_conns && a->lockout_time == b->lockout_time && a->delay == b->delay);
    DEMAND(a->exempt_count == b->exempt_count && same_text(a->state_dir, b->state_dir));
}

/* Parse a copy of exactly len bytes and a NUL; nothing that is kept may point into it. */
static int parse(const uint8_t *bytes, size_t len, bool with_secrets, struct config *config)
{
    struct findings findings = {.lines = 1};
    const struct config_reader reader = {
        .path = "ostiary.cfg",
        .credentials_dir = "/run/credentials/ostiary",
        .with_secrets = with_secrets,
        .report = take_finding,
        .context = &findings,
    };
    char *text = malloc(len + 1);
    int status;

    DEMAND(text != NULL);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)bytes[i];
        findings.lines += bytes[i] == '\n';
    }
    text[len] = '\0';
    status = config_parse(text, len, &reader, config);
    memset(text, 0xdb, len + 1);
    free(text);
    DEMAND((status == 0) == (findings.errors == 0));
    if (status == 0)
        demand_sound(config, with_secrets);
    else
        DEMAND(config->entries == NULL && config->memory == NULL && config->secrets.bytes == NULL);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct config settings;
    struct config secrets;
    const int without = parse(bytes, len, false, &settings);
    const int with = parse(bytes, len, true, &secrets);

    /* Only a secret file that cannot be read makes the second reading worse than the first. */
    DEMAND(with != 0 || without == 0);
    if (with == 0)
        demand_same(&settings, &secrets);
    config_free(&settings);
    config_free(&secrets);
    DEMAND(settings.memory == NULL && secrets.secrets.bytes == NULL && secrets.entries == NULL);
    return 0;
}
