/* SPDX-License-Identifier: ISC */
/* See locked.h. */
#include "locked.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* In front of the bytes, so that all that is in use can be found from a signal handler, whatever was interrupted. */
struct block {
    struct block *volatile next;
    size_t len; /* of the bytes */
    alignas(max_align_t) uint8_t bytes[];
};

static struct block *volatile first;

int locked_new(size_t len, struct locked *memory)
{
    const size_t whole = sizeof(struct block) + len;
    struct block *block = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (block == MAP_FAILED)
        return -1;
    if (mlock(block, whole) != 0 || madvise(block, whole, MADV_DONTDUMP) != 0 ||
        madvise(block, whole, MADV_DONTFORK) != 0) {
        const int reason = errno;

        munmap(block, whole);
        errno = reason;
        return -1;
    }
    block->len = len;
    block->next = first;
    first = block;
    *memory = (struct locked){.bytes = block->bytes, .len = len};
    return 0;
}

/* Take a block out of the list; whoever walks along it meanwhile sees it or does not, and never memory that has gone.
 */
static struct block *take_out(const uint8_t *bytes)
{
    struct block *volatile *at = &first;
    struct block *block;

    while ((*at)->bytes != bytes)
        at = &(*at)->next;
    block = *at;
    *at = block->next;
    return block;
}

void locked_free(struct locked *memory)
{
    struct block *block;

    if (memory->bytes == NULL)
        return;
    explicit_bzero(memory->bytes, memory->len);
    block = take_out(memory->bytes);
    munmap(block, sizeof(*block) + block->len);
    *memory = (struct locked){0};
}

int locked_hide_process(void)
{
    const struct rlimit no_core = {0, 0};

    return setrlimit(RLIMIT_CORE, &no_core) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -1;
}

void locked_wipe_all(void)
{
    for (struct block *block = first; block != NULL; block = block->next)
        explicit_bzero(block->bytes, block->len);
}
