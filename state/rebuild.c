/* SPDX-License-Identifier: ISC */
/* See rebuild.h. */
#include "rebuild.h"

#include "create.h"
#include "head.h"

#include <string.h>
#include <unistd.h>

static enum store_fault sync_file(int fd)
{
    return fsync(fd) == 0 ? STORE_OK : STORE_CANNOT_WRITE;
}

enum store_fault rebuild_begin(struct rebuild *rebuild, int dir_fd, const char *name)
{
    const enum store_fault fault = create_file(dir_fd, name, &rebuild->file.table_fd);

    if (fault != STORE_OK)
        return fault;
    if (ftruncate(rebuild->file.table_fd, (off_t)record_file_len(rebuild->file.header.places)) != 0)
        return STORE_CANNOT_WRITE;
    return STORE_OK;
}

enum store_fault rebuild_keep(struct rebuild *rebuild, const struct record_slot *record)
{
    const struct buckets_age age = {.now = rebuild->now, .strike_time = UINT64_MAX};
    struct record_slot *slot;
    struct buckets buckets;
    bool pushed_out;
    enum store_fault fault;

    fault = buckets_read(&rebuild->file, &record->source, &buckets);
    if (fault != STORE_OK)
        return fault;
    slot = buckets_put(&buckets, record, age, &pushed_out);
    if (slot == NULL || pushed_out)
        rebuild->dropped++;
    if (slot == NULL)
        return STORE_OK;
    rebuild->kept += !pushed_out;
    return buckets_write(&rebuild->file, &buckets, slot);
}

enum store_fault rebuild_end(struct rebuild *rebuild, const struct record_counters *counters,
                             const struct networks *networks)
{
    struct record_counters all = *counters;
    uint8_t head[RECORD_HEAD_LEN] = {0};
    enum store_fault fault = sync_file(rebuild->file.table_fd);

    if (fault != STORE_OK)
        return fault;
    all.networks = 0;
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        if (!networks->used[i])
            continue;
        record_encode_slot(&networks->slots[i], rebuild->file.header.key, RECORD_WHERE_NETWORKS + i,
                           head + RECORD_NETWORKS_AT + (size_t)i * RECORD_LEN);
        all.networks |= UINT64_C(1) << i;
    }
    head_encode(&rebuild->file.header, &all, head);
    fault = store_write(&rebuild->file, 0, head, sizeof head);
    return fault == STORE_OK ? sync_file(rebuild->file.table_fd) : fault;
}

void rebuild_close(struct rebuild *rebuild)
{
    store_close(&rebuild->file);
}
