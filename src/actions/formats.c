/* SPDX-License-Identifier: ISC */
/* See formats.h. Called by program.c for what is neither a script nor a program of this machine. */
#include "formats.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LEN 4096 /* of one format: an interpreter's path, a magic and a mask of 128 bytes each, and some words */

/* One format, as its file tells it. Texts are NULL where there is none. */
struct format {
    bool enabled;
    unsigned offset;
    const char *magic, *mask; /* hexadecimal */
    const char *extension;    /* with its dot */
};

static bool read_text(int dir_fd, const char *name, char text[static TEXT_LEN])
{
    const int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const ssize_t len = fd < 0 ? -1 : read(fd, text, TEXT_LEN - 1);

    if (fd >= 0)
        close(fd);
    text[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

/* What stands behind a word at the beginning of a line; NULL where it does not begin so. */
static const char *behind(const char *word, const char *line)
{
    const size_t len = strlen(word);

    return strncmp(line, word, len) == 0 ? line + len : NULL;
}

static void parse(char *text, struct format *format)
{
    const char *value;

    *format = (struct format){0};
    for (const char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        if (strcmp(line, "enabled") == 0)
            format->enabled = true;
        else if ((value = behind("magic ", line)) != NULL)
            format->magic = value;
        else if ((value = behind("mask ", line)) != NULL)
            format->mask = value;
        else if ((value = behind("extension ", line)) != NULL)
            format->extension = value;
        else if ((value = behind("offset ", line)) != NULL && sscanf(value, "%3u", &format->offset) != 1)
            format->offset = FORMATS_HEAD_LEN;
    }
}

/* The byte in two hexadecimal digits; -1 where there are none. */
static int byte_at(const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const char *high = hex[0] != '\0' ? strchr(digits, hex[0]) : NULL;
    const char *low = high != NULL && hex[1] != '\0' ? strchr(digits, hex[1]) : NULL;

    return low != NULL ? (int)((high - digits) * 16 + (low - digits)) : -1;
}

static bool has_magic(const struct format *format, const char head[static FORMATS_HEAD_LEN])
{
    const size_t digits = strlen(format->magic);

    if (digits == 0 || digits % 2 != 0 || (format->mask != NULL && strlen(format->mask) != digits) ||
        format->offset + digits / 2 > FORMATS_HEAD_LEN)
        return false;
    for (size_t i = 0; i < digits / 2; i++) {
        const int wanted = byte_at(format->magic + 2 * i);
        const int mask = format->mask != NULL ? byte_at(format->mask + 2 * i) : 0xff;

        if (wanted < 0 || mask < 0 || (((uint8_t)head[format->offset + i] ^ wanted) & mask) != 0)
            return false;
    }
    return true;
}

static bool takes(const struct format *format, const char *path, const char head[static FORMATS_HEAD_LEN])
{
    const char *dot = strrchr(path, '.');

    if (!format->enabled)
        return false;
    if (format->extension != NULL)
        return dot != NULL && strcmp(dot, format->extension) == 0;
    return format->magic != NULL && has_magic(format, head);
}

static bool any_takes(DIR *directory, const char *path, const char head[static FORMATS_HEAD_LEN])
{
    const struct dirent *entry;
    struct format format;
    char text[TEXT_LEN];

    /* One switch for all of them. */
    if (!read_text(dirfd(directory), "status", text) || behind("enabled", text) == NULL)
        return false;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "register") == 0 || strcmp(entry->d_name, "status") == 0 ||
            !read_text(dirfd(directory), entry->d_name, text))
            continue;
        parse(text, &format);
        if (takes(&format, path, head))
            return true;
    }
    return false;
}

bool formats_take(const char *directory, const char *path, const char head[static FORMATS_HEAD_LEN])
{
    DIR *opened = opendir(directory);
    const bool taken = opened != NULL && any_takes(opened, path, head);

    if (opened != NULL)
        closedir(opened);
    return taken;
}
