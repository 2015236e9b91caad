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
    struct store_options options = {.directory = directory, .places = TABLE_PLACES, .patience_ms = STORE_PATIENCE_MS};

    moment_read(&options.now);
    table_check(store_open(&options, store), "store_open");
}

/* Put a source into the emptiest of its buckets, as the handler does. False: all are full. */
static bool place(uint8_t *file, const struct record_header *header, const struct record_slot *slot)
{
    uint64_t firsts[RECORD_CHOICES];
    uint64_t chosen = 0;
    unsigned most = 0;

    record_buckets(header, &slot->source, firsts);
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++) {
        unsigned free_slots = 0;
        uint64_t free_at = 0;

        for (uint64_t at = firsts[choice]; at < firsts[choice] + RECORD_BUCKET_SLOTS; at++)
            if (record_is_zero(file + store_slot_at(at), RECORD_LEN)) {
                free_slots++;
                free_at = at;
            }
        if (free_slots > most) {
            most = free_slots;
            chosen = free_at;
        }
    }
    if (most == 0)
        return false;
    record_encode_slot(slot, header->key, chosen, file + store_slot_at(chosen));
    return true;
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
    table_check(store_hold(&store, HOLD_ALONE, NULL), "store_hold");
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
