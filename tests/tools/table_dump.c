/* SPDX-License-Identifier: ISC */
/*
 * Read a lockout table whole and print what is in it, for tests. It knows records and the file, and nothing of the
 * policy, so that it can bear witness about it.
 *
 * usage: table_dump STATE_DIR
 *
 *   table places=64 used=1 locked=1 damaged=0 seed=7 total_errors=3 closing=0 knock_closing=0 sealed_closing=0
 *   source=127.0.0.2/128 strikes=3 errors=3 refusals=0 since=1795000000 until=1795086400 places=3
 *
 * A network in which strikes are counted has network= in place of source=. since and until are the wall clock's, as it
 * was when the counters were written last. until is "-" where the slot is not locked, and "forever". places are those
 * of the pace that were taken, as bits. Exit status 0, or 1 when the head or any slot is damaged.
 */
#include "store.h"

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct totals {
    uint64_t used, locked, damaged;
};

static void print_address(const struct source *source)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    memcpy(&address, source->address, sizeof(address));
    if (IN6_IS_ADDR_V4MAPPED(&address))
        inet_ntop(AF_INET, &source->address[12], text, sizeof(text));
    else
        inet_ntop(AF_INET6, &address, text, sizeof(text));
    printf("%s=%s/%u", source->is_network ? "network" : "source", text, (unsigned)source->prefix);
}

static void print_slot(const struct record_slot *slot, const struct record_mark *mark)
{
    print_address(&slot->source);
    printf(" strikes=%" PRIu32 " errors=%" PRIu32 " refusals=%" PRIu32 " since=%" PRIu64, slot->strikes, slot->errors,
           slot->refusals, moment_wall(mark, slot->last_strike));
    if (!slot->locked)
        printf(" until=-");
    else if (slot->locked_until == RECORD_FOREVER)
        printf(" until=forever");
    else
        printf(" until=%" PRIu64, moment_wall(mark, slot->locked_until));
    printf(" places=%" PRIx64 "\n", slot->pace.taken);
}

/* Would anybody look for it here? */
static bool belongs(const struct record_header *header, const struct source *source, uint64_t first)
{
    uint64_t firsts[RECORD_CHOICES];

    record_buckets(header, source, firsts);
    for (unsigned choice = 0; choice < RECORD_CHOICES; choice++)
        if (firsts[choice] == first)
            return true;
    return false;
}

static void read_bucket(const struct store *store, uint64_t first, struct totals *totals)
{
    uint8_t bytes[RECORD_BUCKET_LEN];
    const enum store_fault fault = store_read(store, store_slot_at(first), bytes, sizeof(bytes));

    if (fault != STORE_OK)
        errx(EX_DATAERR, "%s", store_fault_text(fault));
    for (uint64_t i = 0; i < RECORD_BUCKET_SLOTS; i++) {
        struct record_slot slot;
        const enum record_state state = record_decode_slot(bytes + i * RECORD_LEN, store->header.key, first + i, &slot);

        totals->damaged += state == RECORD_DAMAGED;
        if (state != RECORD_WHOLE)
            continue;
        /* One that nobody would look for here is as good as damaged. */
        totals->damaged += !belongs(&store->header, &slot.source, first);
        totals->used++;
        totals->locked += slot.locked;
        print_slot(&slot, &store->counters.mark);
    }
}

int main(int argc, char **argv)
{
    struct store_options options = {.patience_ms = STORE_PATIENCE_MS, .read_only = true};
    struct totals totals = {0};
    struct store store;
    enum store_fault fault;

    if (argc != 2)
        errx(EX_USAGE, "usage: table_dump STATE_DIR");
    options.directory = argv[1];
    fault = store_open(&options, &store);
    if (fault == STORE_OK)
        fault = store_hold(&store, HOLD_SHARED, NULL);
    if (fault != STORE_OK)
        errx(1, "%s", store_fault_text(fault));
    for (uint64_t first = 0; first < store.header.places; first += RECORD_BUCKET_SLOTS)
        read_bucket(&store, first, &totals);
    printf("table places=%" PRIu64 " used=%" PRIu64 " locked=%" PRIu64 " damaged=%" PRIu64 " seed=%" PRIu64
           " total_errors=%" PRIu64 " closing=%u knock_closing=%u sealed_closing=%u\n",
           store.header.places, totals.used, totals.locked, totals.damaged, store.counters.seed,
           store.counters.total_errors, (unsigned)store.counters.closing,
           (unsigned)store.counters.doors[DOOR_KNOCK].closing, (unsigned)store.counters.doors[DOOR_SEALED].closing);
    store_release(&store);
    store_close(&store);
    return totals.damaged == 0 ? 0 : 1;
}
