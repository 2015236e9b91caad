/* SPDX-License-Identifier: ISC */
/* See table.h. */
#include "table.h"

#include <err.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

void table_check(enum store_fault fault, const char *what)
{
    if (fault != STORE_OK)
        errx(EX_SOFTWARE, "%s: %s", what, store_fault_text(fault));
}

struct source table_source(uint32_t number)
{
    struct source source = {.prefix = 128};

    source.address[10] = source.address[11] = 0xff;
    for (unsigned i = 0; i < 4; i++)
        source.address[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    return source;
}

void table_open(const char *directory, struct store *store)
{
    const struct store_options options = {
        .directory = directory, .places = TABLE_PLACES, .patience_ms = STORE_PATIENCE_MS};

    table_check(store_open(&options, store), "store_open");
}

/* Put a source into the first empty slot of its bucket. False: there is none. */
static bool place(uint8_t *file, const struct record_header *header, const struct record_slot *slot)
{
    const uint64_t first = record_bucket(header, &slot->source);

    for (uint64_t at = first; at < first + RECORD_BUCKET_SLOTS; at++) {
        uint8_t *bytes = file + store_slot_at(at);
        struct record_slot there;

        if (record_decode_slot(bytes, header->key, at, &there) == RECORD_EMPTY) {
            record_encode_slot(slot, header->key, at, bytes);
            return true;
        }
    }
    return false;
}

uint32_t *table_make(const struct table_plan *plan)
{
    const size_t len = (size_t)record_file_len(TABLE_PLACES);
    uint32_t *numbers = calloc(plan->count, sizeof(*numbers));
    struct store store;
    uint8_t *file;
    uint32_t placed = 0;

    if (numbers == NULL)
        err(EX_OSERR, "calloc");
    table_open(plan->directory, &store);
    table_check(store_hold(&store, HOLD_ALONE), "store_hold");
    file = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, store.table_fd, 0);
    if (file == MAP_FAILED)
        err(EX_OSERR, "mmap");
    for (uint32_t number = plan->first; placed < plan->count; number++) {
        const struct record_slot slot = {.source = table_source(number), .last_seen = plan->seen};

        if (place(file, &store.header, &slot))
            numbers[placed++] = number;
    }
    munmap(file, len);
    /* Nothing is written back while a clock runs. */
    fsync(store.table_fd);
    store_release(&store);
    store_close(&store);
    return numbers;
}
