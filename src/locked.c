/* SPDX-License-Identifier: ISC */
/* See locked.h. */
#include "locked.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int locked_new(size_t len, struct locked *memory)
{
    void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        return -1;
    if (mlock(bytes, len) != 0 || madvise(bytes, len, MADV_DONTDUMP) != 0 || madvise(bytes, len, MADV_DONTFORK) != 0) {
        const int reason = errno;

        munmap(bytes, len);
        errno = reason;
        return -1;
    }
    *memory = (struct locked){.bytes = bytes, .len = len};
    return 0;
}

void locked_free(struct locked *memory)
{
    if (memory->bytes == NULL)
        return;
    explicit_bzero(memory->bytes, memory->len);
    munmap(memory->bytes, memory->len);
    *memory = (struct locked){0};
}
