/* SPDX-License-Identifier: ISC */
/*
 * The conversion of any file that may be a table of version 1. What it reads is any bytes, each call may fail in any
 * way, and the decoders of form1.c (see form1.c here) find anything in them that their header allows. That no more
 * slots are looked at than were read is a relation of two numbers, which intervals cannot keep: the fuzzer and the
 * sanitizers see to it.
 */
#include "convert.h"

#include "any_record.h"
#include "create.h"
#include "form1.h"
#include "rebuild.h"
#include "slot.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LEN_MAX INT64_MAX

static enum store_fault any_fault(void)
{
    return (enum store_fault)Frama_C_interval(STORE_OK, STORE_NETWORKS_FULL);
}

/* ---- the system ---- */

int openat(int dir_fd, const char *path, int flags, ...)
{
    //@ assert path_is_a_string: valid_read_string(path);
    (void)dir_fd;
    (void)flags;
    return any_bool() ? 6 : -1;
}

int close(int fd)
{
    //@ assert descriptor_is_open: fd >= 0;
    (void)fd;
    return 0;
}

int fstat(int fd, struct stat *info)
{
    const bool fails = any_bool();
    //@ split fails;

    (void)fd;
    if (fails)
        return -1;
    any_bytes(info, sizeof(*info));
    info->st_size = Frama_C_long_interval(0, FILE_LEN_MAX);
    return 0;
}

int fchown(int fd, uid_t owner, gid_t group)
{
    (void)fd;
    (void)owner;
    (void)group;
    return any_bool() ? 0 : -1;
}

int fchmod(int fd, mode_t mode)
{
    (void)fd;
    (void)mode;
    return any_bool() ? 0 : -1;
}

uid_t geteuid(void)
{
    return (uid_t)any_size(0, UINT32_MAX);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    //@ assert names_are_strings: valid_read_string(from) && valid_read_string(to);
    (void)from_fd;
    (void)to_fd;
    return any_bool() ? 0 : -1;
}

int unlinkat(int dir_fd, const char *path, int flags)
{
    //@ assert path_is_a_string: valid_read_string(path);
    (void)dir_fd;
    (void)flags;
    return any_bool() ? 0 : -1;
}

int fsync(int fd)
{
    (void)fd;
    return any_bool() ? 0 : -1;
}

/* ---- what it calls ---- */

enum store_fault store_read(const struct store *store, uint64_t offset, uint8_t *bytes, size_t len)
{
    //@ assert within_a_table: offset + len <= FORM1_HEAD_LEN + RECORD_PLACES_MAX * FORM1_LEN;
    const bool fails = any_bool();
    //@ split fails;

    (void)store;
    if (fails)
        return (enum store_fault)Frama_C_interval(STORE_OK + 1, STORE_NETWORKS_FULL);
    any_bytes(bytes, len);
    return STORE_OK;
}

enum store_fault store_hold_unread(struct store *store, enum hold_way way)
{
    (void)way;
    store->file_len = any_size(0, FILE_LEN_MAX);
    return any_fault();
}

void store_release(struct store *store)
{
    store->held = false;
}

enum record_state record_decode_header(const uint8_t bytes[static RECORD_LEN], struct record_header *header)
{
    (void)bytes;
    *header = any_header();
    return (enum record_state)Frama_C_interval(RECORD_DAMAGED, RECORD_FOREIGN);
}

bool record_is_zero(const uint8_t *bytes, size_t len)
{
    //@ assert every_byte_is_set: \initialized(bytes + (0 .. len - 1));
    (void)bytes;
    (void)len;
    return any_bool();
}

bool form1_decode_header(const uint8_t bytes[static FORM1_LEN], struct record_header *header)
{
    (void)bytes;
    if (any_bool())
        return false;
    *header = any_header();
    return true;
}

bool form1_decode_counters(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                           struct record_counters *counters, unsigned *networks)
{
    (void)bytes;
    (void)key;
    if (any_bool())
        return false;
    *counters = any_counters();
    *networks = (unsigned)any_size(0, RECORD_NETWORKS);
    return true;
}

enum record_state form1_decode_slot(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                    uint64_t where, uint64_t now, struct record_slot *slot)
{
    //@ assert a_whole_record: \valid_read(bytes + (0 .. FORM1_LEN - 1));
    (void)key;
    (void)where;
    (void)now;
    *slot = any_slot();
    return (enum record_state)Frama_C_interval(RECORD_DAMAGED, RECORD_WHOLE);
}

enum form1_source form1_update_source(struct source *source)
{
    *source = any_source();
    return any_bool() ? FORM1_SOURCE : FORM1_NETWORK;
}

bool slot_is(const struct record_slot *slot, const struct source *source)
{
    //@ assert both_are_set: \initialized(&slot->source.prefix) && \initialized(&source->prefix);
    (void)slot;
    (void)source;
    return any_bool();
}

bool slot_in_force(const struct record_slot *slot, uint64_t now)
{
    //@ assert lock_is_set: \initialized(&slot->locked_until);
    (void)slot;
    (void)now;
    return any_bool();
}

uint64_t form1_slot_at(uint64_t index)
{
    return FORM1_HEAD_LEN + index * FORM1_LEN;
}

uint64_t form1_file_len(uint64_t places)
{
    return form1_slot_at(places);
}

uint64_t create_first_seed(void)
{
    return any_number();
}

uint64_t create_round_places(uint64_t places)
{
    (void)places;
    return any_header().places;
}

struct record_mark moment_first_mark(const struct moment *now)
{
    (void)now;
    return any_mark();
}

enum store_fault rebuild_begin(struct rebuild *rebuild, int dir_fd, const char *name)
{
    //@ assert name_is_a_string: valid_read_string(name);
    (void)dir_fd;
    rebuild->file.table_fd = any_bool() ? 5 : -1;
    return any_fault();
}

enum store_fault rebuild_keep(struct rebuild *rebuild, const struct record_slot *record)
{
    //@ assert record_is_set: \initialized(&record->source.prefix) && \initialized(&record->errors);
    rebuild->kept = any_number();
    rebuild->dropped = any_number();
    return any_fault();
}

enum store_fault rebuild_end(struct rebuild *rebuild, const struct record_counters *counters,
                             const struct networks *networks)
{
    //@ assert all_of_it_is_set: \initialized(&counters->seed) && \initialized(&networks->used[RECORD_NETWORKS - 1]);
    (void)rebuild;
    return any_fault();
}

void rebuild_close(struct rebuild *rebuild)
{
    rebuild->file.table_fd = -1;
}

int main(void)
{
    struct store store = {
        .dir_fd = 3,
        .table_fd = 4,
        .options = {.now = {.boot_ms = any_number(), .wall_ms = any_number()}},
        .file_len = any_size(0, FILE_LEN_MAX),
    };
    struct convert_report report;

    if (any_bool())
        convert_table(&store);
    else
        convert_salvage(&store, any_bool() ? 0 : any_number(), &report);
    return 0;
}
