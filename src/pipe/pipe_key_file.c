/* SPDX-License-Identifier: ISC */
/* See pipe_key_file.h. */
#include "pipe_key_file.h"

#define LEN_MIN 16
#define LEN_MAX 65536

enum file_fault pipe_key_file_read(const char *path, struct pipe_key *key, const char **text)
{
    struct locked file;
    size_t len = 0;
    const enum file_fault fault = file_read_private(path, LEN_MAX, &file, &len);

    *text = NULL;
    if (fault == FILE_TOO_LARGE)
        *text = "is too large for a key: 64 KiB are the most";
    else if (fault != FILE_OK)
        *text = file_fault_text(fault);
    else if (len < LEN_MIN)
        *text = "is no key: it has less than 16 bytes; make one, as by 'dd if=/dev/urandom bs=32 count=1'";
    else
        pipe_key_make(file.bytes, len, key);
    if (fault == FILE_OK)
        locked_free(&file);
    return fault;
}
