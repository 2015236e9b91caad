/* SPDX-License-Identifier: ISC */
/* What the tests of the record of grants share: a STATE_DIR-root of their own, grants by number, and the golden record.
 */
#ifndef OSTIARY_GRANTED_H
#define OSTIARY_GRANTED_H

#include "check.h"
#include "grants.h"
#include "grants_bytes.h"
#include "scratch.h"

#define GRANTED_NOW_MS     (SCRATCH_NOW * 1000)
#define GRANTED_GOLDEN_LEN (GRANTS_BYTES_HEAD_LEN + 8 * GRANTS_BYTES_SLOT_LEN)

static char granted_state_dir[SCRATCH_PATH_LEN + 10];

/* A file in STATE_DIR-root; "" is the directory. */
static inline const char *granted_path(const char *name)
{
    return scratch_root_path(granted_state_dir, name);
}

static inline void granted_begin(void)
{
    scratch_begin();
    snprintf(granted_state_dir, sizeof granted_state_dir, "%s/g", scratch_dir);
}

static inline void granted_empty(void)
{
    if (unlink(granted_path(GRANTS_NAME)) != 0)
        (void)rmdir(granted_path(GRANTS_NAME));
    (void)rmdir(granted_path(""));
}

static inline void granted_end(void)
{
    granted_empty();
    scratch_end();
}

/* The record has these bytes. */
static inline void granted_put_file(const uint8_t *bytes, size_t len)
{
    granted_empty();
    scratch_need(mkdir(granted_path(""), 0700) == 0, "mkdir");
    scratch_write_file(granted_path(GRANTS_NAME), bytes, len);
}

static inline enum grants_fault granted_try(struct grants *grants, bool read_only, unsigned patience_ms)
{
    const struct grants_options options = {
        .state_dir = granted_state_dir, .patience_ms = patience_ms, .read_only = read_only};

    return grants_open(&options, grants);
}

static inline struct moment granted_at(uint64_t after_ms)
{
    return (struct moment){.boot_id = {7}, .boot_ms = 5000 + after_ms, .wall_ms = GRANTED_NOW_MS + after_ms};
}

static inline enum grants_fault granted_hold(struct grants *grants, enum hold_way way)
{
    const struct moment now = granted_at(0);

    return grants_hold(grants, way, &now);
}

/* Open, and held alone. */
static inline struct grants granted_open(void)
{
    struct grants grants;

    scratch_need(granted_try(&grants, false, SCRATCH_PATIENCE_MS) == GRANTS_OK, "grants_open");
    scratch_need(granted_hold(&grants, HOLD_ALONE) == GRANTS_OK, "grants_hold");
    return grants;
}

/* The grant of the number, which says by lifetime_s in which state it is. */
static inline struct grant granted_of(uint32_t number, uint64_t lifetime_s)
{
    const struct moment now = granted_at(0);
    struct grant grant = {.gate = "ssh", .user = "alice", .network = scratch_source(number), .step = GRANT_OPEN};

    grant_set_times(&grant, &(struct grant_order){.lifetime_s = lifetime_s, .latest_ms = GRANTED_NOW_MS}, &now);
    grant.lifetime_s = lifetime_s;
    return grant;
}

static inline void granted_put(struct grants *grants, uint32_t number, uint64_t lifetime_s)
{
    const struct grant grant = granted_of(number, lifetime_s);
    uint64_t slot = GRANTS_MAX;

    scratch_need(grants_put(grants, &grant, &slot) == GRANTS_OK, "grants_put");
}

/* Its slot, or GRANTS_MAX. */
static inline uint64_t granted_find(struct grants *grants, uint32_t number, struct grant *grant)
{
    const struct source network = scratch_source(number);
    uint64_t slot;

    scratch_need(grants_find(grants, &(struct grants_key){.gate = "ssh", .network = &network, .user = "alice"}, grant,
                             &slot) == GRANTS_OK,
                 "grants_find");
    return slot;
}

/* How many there are. */
static inline uint64_t granted_count(struct grants *grants)
{
    struct grant grant;
    uint64_t at = 0, slot, count = 0;
    enum grants_fault fault;

    while (grants_next(grants, &at, &grant, &slot, &fault))
        count++;
    scratch_need(fault == GRANTS_OK, "grants_next");
    return count;
}

static inline bool granted_same(const struct grant *one, const struct grant *other)
{
    static const uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[2][GRANTS_BYTES_SLOT_LEN];

    return grants_bytes_encode_slot(one, key, 0, bytes[0]) == 0 &&
           grants_bytes_encode_slot(other, key, 0, bytes[1]) == 0 && memcmp(bytes[0], bytes[1], sizeof bytes[0]) == 0;
}

static inline void granted_read_golden(const char *directory, uint8_t bytes[static GRANTED_GOLDEN_LEN + 1])
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/grants-1", directory);
    fd = open(path, O_RDONLY);
    scratch_need(fd >= 0 && read(fd, bytes, GRANTED_GOLDEN_LEN + 1) == GRANTED_GOLDEN_LEN && close(fd) == 0,
                 "reading the golden record");
}

#endif
