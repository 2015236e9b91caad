/* SPDX-License-Identifier: ISC */
/* See settings.h. */
#include "settings.h"

#include "log.h"

#include <stdlib.h>
#include <sys/stat.h>

#define READINGS_MAX 3 /* of a configuration that changes while it is read */

/* Readings of the configuration, of which the last is meant. */
struct reading {
    const char *path;
    unsigned left;      /* that may follow */
    struct stat before; /* what had the path's name when it began */
    bool failed;
    bool overtaken; /* it failed, and the file has been changed or replaced meanwhile */
};

static void begin_reading(struct reading *reading)
{
    reading->failed = false;
    reading->overtaken = false;
    reading->left = stat(reading->path, &reading->before) == 0 ? reading->left - 1 : 0;
}

static bool has_changed(const struct reading *reading)
{
    const struct stat *before = &reading->before;
    struct stat now;

    return stat(reading->path, &now) == 0 &&
           (now.st_dev != before->st_dev || now.st_ino != before->st_ino ||
            now.st_ctim.tv_sec != before->st_ctim.tv_sec || now.st_ctim.tv_nsec != before->st_ctim.tv_nsec);
}

/* The line names -t, which says the rest. */
static void log_finding(void *context, const struct config_finding *finding)
{
    struct reading *reading = context;

    if (finding->severity != CONFIG_ERROR || reading->failed)
        return;
    reading->failed = true;
    reading->overtaken = reading->left > 0 && has_changed(reading);
    if (reading->overtaken)
        return;
    if (finding->line != 0)
        log_line(LOG_ERR, "%s:%u: error: %s (all findings: ostiaryd -t)", finding->file, finding->line, finding->text);
    else
        log_line(LOG_ERR, "%s: error: %s (all findings: ostiaryd -t)", finding->file, finding->text);
}

int settings_load(const char *path, bool with_secrets, struct config *config)
{
    struct reading reading = {.path = path, .left = READINGS_MAX};
    const struct config_reader reader = {
        .path = path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = with_secrets,
        .report = log_finding,
        .context = &reading,
    };
    int status;

    do {
        begin_reading(&reading);
        status = config_load(&reader, config);
    } while (reading.overtaken);
    return status;
}
