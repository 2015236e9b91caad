/* SPDX-License-Identifier: ISC */
/*
 * For tests of what reads a configuration: what it has found, and a corpus of files, each of which says which findings
 * it wants: in lines "# expect: LINE: error: TEXT" at its start, or in a file .expect beside it.
 */
#ifndef OSTIARY_CORPUS_H
#define OSTIARY_CORPUS_H

#include "check.h"
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define FINDINGS_LEN 65536

/* Each finding as "LINE: severity: TEXT\n", in the order of the reports. */
struct findings {
    char text[FINDINGS_LEN];
    size_t used;
    unsigned count;
};

static inline void findings_collect(void *context, const struct config_finding *finding)
{
    struct findings *findings = context;
    const size_t room = sizeof(findings->text) - findings->used;
    const int len = snprintf(findings->text + findings->used, room, "%u: %s: %s\n", finding->line,
                             config_severity_text(finding->severity), finding->text);

    findings->used += (size_t)len < room ? (size_t)len : room - 1;
    findings->count++;
}

/* The caller frees. */
static inline char *corpus_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *bytes = calloc(1, CONFIG_SIZE_MAX);

    *len = file != NULL ? fread(bytes, 1, CONFIG_SIZE_MAX - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* What the file at path, of this content, wants to be found. */
static inline void corpus_expected(const char *path, const char *content, char expected[static FINDINGS_LEN])
{
    static const char prefix[] = "# expect: ";
    char beside[PATH_MAX];
    size_t len;

    expected[0] = '\0';
    snprintf(beside, sizeof(beside), "%.*s.expect", (int)(strlen(path) - strlen(".cfg")), path);
    if (access(beside, R_OK) == 0) {
        char *text = corpus_read(beside, &len);

        snprintf(expected, FINDINGS_LEN, "%s", text);
        free(text);
        return;
    }
    while (strncmp(content, prefix, strlen(prefix)) == 0) {
        const size_t line = strcspn(content, "\n") + 1;

        strncat(expected, content + strlen(prefix), line - strlen(prefix));
        content += line;
    }
}

/* Call check_one for each file of corpus/part; how many there were. */
static inline unsigned corpus_each(const char *corpus, const char *part,
                                   void (*check_one)(const char *path, const char *name))
{
    struct dirent **list = NULL;
    char dir[PATH_MAX];
    char path[PATH_MAX + 256];
    unsigned files = 0;

    snprintf(dir, sizeof(dir), "%s/%s", corpus, part);
    const int count = scandir(dir, &list, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *suffix = strrchr(list[i]->d_name, '.');

        if (suffix != NULL && strcmp(suffix, ".cfg") == 0) {
            snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
            check_one(path, list[i]->d_name);
            files++;
        }
        free(list[i]);
    }
    free(list);
    return files;
}

#endif
