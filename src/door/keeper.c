/* SPDX-License-Identifier: ISC */
/* See keeper.h. */
#include "keeper.h"

#include "number.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Is it that user's line? "ostiary:x:118:…" gives 118, and one with another number than a user without rights has, 0.
 * The line is cut at its colons.
 */
static bool parse_entry(char *line, uid_t *found)
{
    const char *name = strsep(&line, ":");
    const char *password = strsep(&line, ":");
    const char *uid = strsep(&line, ":");
    uint64_t number;

    if (strcmp(name, KEEPER_NAME) != 0 || password == NULL || uid == NULL)
        return false;
    if (number_parse(uid, (struct number_range){1, UINT32_MAX - 1}, &number) == NUMBER_OK)
        *found = (uid_t)number;
    return true;
}

static uid_t look_up(void)
{
    FILE *file = fopen("/etc/passwd", "re");
    char *line = NULL;
    size_t room = 0;
    bool done = false;
    uid_t uid = 0;

    if (file == NULL)
        return 0;
    /* The first line of that name counts, as for everybody who asks for the user. */
    while (!done && getline(&line, &room, file) > 0)
        done = parse_entry(line, &uid);
    free(line);
    fclose(file);
    return uid;
}

uid_t keeper_of(const char *state_dir)
{
    struct stat status;

    if (geteuid() != 0 || stat(state_dir, &status) != 0 || status.st_uid == 0)
        return 0;
    return look_up();
}
