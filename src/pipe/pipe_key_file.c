/* SPDX-License-Identifier: ISC */
/* See pipe_key_file.h. */
#include "pipe_key_file.h"

#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_MIN 16
#define FILE_MAX 65536
#define TEXT_LEN 256

static const char *with_errno(const char *text, const char *remedy)
{
    static char line[TEXT_LEN];

    snprintf(line, sizeof(line), "%s: %s%s", text, strerror(errno), remedy);
    return line;
}

static const char *text_of(enum file_fault fault)
{
    switch (fault) {
    case FILE_CANNOT_OPEN:
    case FILE_CANNOT_READ:
        return with_errno(file_fault_text(fault), "");
    case FILE_NO_MEMORY:
        return with_errno(file_fault_text(fault), ": raise the limit (ulimit -l)");
    case FILE_TOO_LARGE:
        return "is too large for a key: 64 KiB are the most";
    case FILE_OK:
    case FILE_NOT_REGULAR:
    case FILE_FOREIGN_OWNER:
    case FILE_WRITABLE:
    case FILE_READABLE:
    case FILE_CHANGED:
    case FILE_NOT_ABSOLUTE:
    case FILE_NOT_EXECUTABLE:
    case FILE_NOT_SEARCHABLE:
    case FILE_NOT_ROOTS:
    case FILE_OTHERS_WRITE:
    case FILE_TOO_MANY_LINKS:
        break;
    }
    return file_fault_text(fault);
}

const char *pipe_key_file_read(const char *path, struct pipe_key *key)
{
    struct locked text;
    size_t len = 0;
    const enum file_fault fault = file_read_private(path, FILE_MAX, &text, &len);

    if (fault != FILE_OK)
        return text_of(fault);
    if (len >= FILE_MIN)
        pipe_key_make(text.bytes, len, key);
    locked_free(&text);
    return len >= FILE_MIN ? NULL
                           : "is no key: it has less than 16 bytes; make one, as by 'dd if=/dev/urandom bs=32 count=1'";
}
