/* SPDX-License-Identifier: ISC */
/* A table that is built from any records, while any call may fail in any way. */
#include "rebuild.h"

#include "any_record.h"
#include "create.h"
#include "head.h"

#include <unistd.h>

static enum store_fault any_fault(void)
{
    return (enum store_fault)Frama_C_interval(STORE_OK, STORE_NETWORKS_FULL);
}

int fsync(int fd)
{
    (void)fd;
    return any_bool() ? 0 : -1;
}

int ftruncate(int fd, off_t len)
{
    //@ assert len_is_no_less_than_0: len >= 0;
    (void)fd;
    return any_bool() ? 0 : -1;
}

enum store_fault create_file(int dir_fd, const char *name, int *fd)
{
    //@ assert name_is_a_string: valid_read_string(name);
    (void)dir_fd;
    *fd = any_bool() ? 5 : -1;
    return any_fault();
}

enum store_fault buckets_read(const struct store *store, const struct source *source, struct buckets *buckets)
{
    (void)store;
    (void)source;
    buckets->own = NULL;
    return any_fault();
}

struct record_slot *buckets_put(struct buckets *buckets, const struct record_slot *record, struct buckets_age age,
                                bool *pushed_out)
{
    (void)age;
    *pushed_out = any_bool();
    if (any_bool())
        return NULL;
    buckets->slots[0] = *record;
    return &buckets->slots[0];
}

enum store_fault buckets_write(const struct store *store, const struct buckets *buckets, const struct record_slot *slot)
{
    //@ assert slot_is_one_of_the_buckets: slot == &buckets->slots[0];
    (void)store;
    return any_fault();
}

void record_encode_slot(const struct record_slot *slot, const uint8_t key[static SIPHASH_KEY_LEN], uint64_t where,
                        uint8_t bytes[static RECORD_LEN])
{
    (void)slot;
    (void)key;
    (void)where;
    any_bytes(bytes, RECORD_LEN);
}

uint64_t record_file_len(uint64_t places)
{
    return RECORD_HEAD_LEN + places * RECORD_LEN;
}

void head_encode(const struct record_header *header, const struct record_counters *counters,
                 uint8_t head[static RECORD_NETWORKS_AT])
{
    (void)header;
    (void)counters;
    any_bytes(head, RECORD_NETWORKS_AT);
}

enum store_fault store_write(const struct store *store, uint64_t offset, const uint8_t *bytes, size_t len)
{
    //@ assert within_the_head: offset + len <= RECORD_HEAD_LEN;
    //@ assert every_byte_is_set: \initialized(bytes + (0 .. len - 1));
    (void)store;
    return any_fault();
}

void store_close(struct store *store)
{
    store->table_fd = -1;
}

int main(void)
{
    struct rebuild rebuild = REBUILD_NONE;
    const struct record_counters counters = any_counters();
    struct networks networks;

    rebuild.file.header = any_header();
    rebuild.now = any_number();
    if (rebuild_begin(&rebuild, 3, "any name") == STORE_OK)
        while (any_bool()) {
            const struct record_slot record = any_slot();

            rebuild_keep(&rebuild, &record);
        }
    for (unsigned i = 0; i < RECORD_NETWORKS; i++) {
        networks.used[i] = any_bool();
        networks.slots[i] = any_slot();
    }
    rebuild_end(&rebuild, &counters, &networks);
    rebuild_close(&rebuild);
    return 0;
}
