/* SPDX-License-Identifier: ISC */
/*
 * The record of grants as a file: which gate is open for whom, since when, until when. FORMAT.md, "grants", has it byte
 * by byte. It lies in STATE_DIR-root, which is root's alone (private.h), for a firewall may not rest on what a handler
 * without rights could write. What the kernel has is lost with a reload or a reboot; from this record it is made anew.
 *
 * Use: grants_open once; then grants_hold, any of the steps, grants_release; grants_close. One process, one thread. The
 * lock is kept while nftables is changed, so that record and firewall change in the same order. No program that is run
 * inherits it.
 *
 * Every change is written ahead: what is about to be done is in the file, and on the disk where grants_sync has
 * returned, before the firewall is told. Whoever holds the record next finishes what a killed process has left
 * (GRANT_OPENING, GRANT_CLOSING).
 */
#ifndef OSTIARY_GRANTS_H
#define OSTIARY_GRANTS_H

#include "hold.h"
#include "moment.h"
#include "siphash.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRANTS_NAME     "grants" /* in STATE_DIR-root */
#define GRANTS_MAX      1048576  /* slots of one record, at most */
#define GRANTS_GATE_LEN 25       /* with the NUL: gates.h has the same bound */
#define GRANTS_USER_LEN 65

/* What has been done of what the record says. */
enum grant_step {
    GRANT_OPENING, /* the firewall may not know of it yet, or of its new end */
    GRANT_OPEN,    /* it does */
    GRANT_CLOSING  /* it is over, and the firewall may still let it through */
};

/* Why it ends: of GRANT_CLOSING. */
enum grant_end { GRANT_NOT_ENDED, GRANT_EXPIRED, GRANT_REVOKED, GRANT_CLEARED };

/* Who opened it: for the log and the list. */
enum grant_by { GRANT_BY_ADMIN, GRANT_BY_KNOCK, GRANT_BY_SEALED, GRANT_BY_WEB };

struct grant {
    char gate[GRANTS_GATE_LEN];
    char user[GRANTS_USER_LEN];
    struct source network; /* with the bits that are open: an IPv4 host has 128 */
    enum grant_step step;
    enum grant_end end;
    enum grant_by by;
    bool by_commands;                    /* those of its gate have opened it; false: nftables has, or it is not known */
    uint64_t lifetime_s;                 /* as it was asked for last; a renewal by use gives so much again */
    uint64_t since_wall_ms;              /* when it was first opened, by CLOCK_REALTIME: for people alone */
    uint64_t packets;                    /* that came through it, all together, as far as has been seen */
    uint64_t last_packets;               /* what the firewall's counter stood at when it was last read */
    uint8_t boot_id[RECORD_BOOT_ID_LEN]; /* of the kernel by whose clock the next two are */
    uint64_t until_boot_ms;              /* CLOCK_BOOTTIME: when it ends */
    uint64_t most_boot_ms;               /* beyond this, use renews it no more */
    bool wall_known;                     /* the wall clock could be believed when the next two were written */
    uint64_t until_wall_ms;              /* the same two by CLOCK_REALTIME, for after a reboot */
    uint64_t most_wall_ms;
};

enum grants_fault {
    GRANTS_OK,
    GRANTS_ABSENT,          /* opened to read alone, and there is none yet */
    GRANTS_DIRECTORY,       /* errno: STATE_DIR-root cannot be used */
    GRANTS_DIRECTORY_OWNER, /* it, or what is above it, is not root's alone */
    GRANTS_CANNOT_OPEN,     /* errno */
    GRANTS_UNSAFE,          /* the file is not a regular one of root's that nobody else may write or read */
    GRANTS_CANNOT_CREATE,   /* errno */
    GRANTS_CANNOT_LOCK,     /* errno */
    GRANTS_BUSY,            /* somebody held it for longer than the limit */
    GRANTS_CANNOT_READ,     /* errno */
    GRANTS_CANNOT_WRITE,    /* errno: ENOSPC where the disk is full */
    GRANTS_DAMAGED,         /* both copies of the header, or the length */
    GRANTS_FOREIGN,         /* of another version */
    GRANTS_FULL             /* GRANTS_MAX are in use */
};

struct grants_options {
    const char *state_dir; /* STATE_DIR: the directory beside it is used, and made where it is missing */
    unsigned patience_ms;  /* for the lock */
    bool read_only;        /* never creates, never writes */
};

/* held may be read, and latest_ms, damaged and header_damaged by whoever holds it; all else is for grants.c. */
struct grants {
    int dir_fd, fd;
    struct grants_options options;
    bool held;
    uint8_t key[SIPHASH_KEY_LEN]; /* of the checks, and of tokens (grants_tag): random, made with the file */
    uint64_t latest_ms;           /* the latest that CLOCK_REALTIME had been before grants_hold (grant_left) */
    uint64_t file_len;
    uint64_t noted_ms;   /* latest_ms as it is in the file by now */
    uint64_t damaged;    /* slots that fail their check, seen since grants_hold: grants_next skips them */
    bool header_damaged; /* one of its two copies was, at grants_hold: a change or a repair writes it anew */
    struct moment now;   /* of grants_hold */

    uint64_t looked_at;  /* slots before this one have been looked at for damage */
    uint64_t first_free; /* there is no free slot before this one */
    uint8_t *piece;      /* piece_slots of them as they are in the file, from piece_at on */
    uint64_t piece_at, piece_slots;
};

#define GRANTS_CLOSED ((struct grants){.dir_fd = -1, .fd = -1})

/* Open it, and make it where it is missing. After a fault *grants is closed. */
enum grants_fault grants_open(const struct grants_options *options, struct grants *grants);
void grants_close(struct grants *grants);

/*
 * Take the lock (HOLD_ALONE to change anything, else HOLD_SHARED), read the header, take note of the time: who holds it
 * alone also writes the wall clock's, if that has gone on by a minute. Then the time that passes is known after a
 * reboot though nothing was changed; if it cannot be written, that is no fault here.
 */
enum grants_fault grants_hold(struct grants *grants, enum hold_way way, const struct moment *now);
void grants_release(struct grants *grants); /* keeps errno */

/* All that follows needs the lock, and all that changes anything needs it alone. */

/*
 * The next grant from slot *at on, which becomes the number behind it; *slot is its own. False at the end, with *fault.
 * Begin with *at 0. Between two calls grants may be put and removed. Reads in large pieces: a hundred thousand grants
 * take milliseconds.
 */
bool grants_next(struct grants *grants, uint64_t *at, struct grant *grant, uint64_t *slot, enum grants_fault *fault);

/*
 * Find the one of this gate, network and user: two users behind one address have a grant each. *slot is GRANTS_MAX
 * where there is none.
 */
struct grants_key {
    const char *gate;
    const struct source *network;
    const char *user;
};
enum grants_fault grants_find(struct grants *grants, const struct grants_key *key, struct grant *grant, uint64_t *slot);

/*
 * Write a grant to its slot, or with *slot GRANTS_MAX to a free one, which *slot then is. Whether there is one of the
 * same key is for the caller to know. Room for a new one is taken from the disk before anything is promised; changing
 * one that is there, and removing it, needs none. What could not be read again is not written (EINVAL): a gate or user
 * that is not a word of printable ASCII, or a time beyond RECORD_TIME_MAX.
 */
enum grants_fault grants_put(struct grants *grants, const struct grant *grant, uint64_t *slot);
enum grants_fault grants_remove(struct grants *grants, uint64_t slot);

/* Make free slots of damaged ones; *count says how many there were. Both copies of the header are written anew. */
enum grants_fault grants_repair(struct grants *grants, uint64_t *count);

/* What was written is on the disk when this returns GRANTS_OK. */
enum grants_fault grants_sync(struct grants *grants);

/* ---- Time: pure functions ---------------------------------------------------------------------------------------- */

enum grant_time {
    GRANT_RUNS, /* *left_ms is more than 0 */
    GRANT_OVER, /* its time is up, or nobody can say when that was */
    GRANT_WAITS /* it is of an earlier boot, and the clock stands before latest_ms: it is not to be opened yet */
};

/*
 * What is left of it at this moment. Within its boot CLOCK_BOOTTIME alone says it. After a reboot the wall clock does,
 * once it has passed latest_ms, and never more than was left when the record was written, less the time for which the
 * machine has been up since; where that is nothing, it is over, whatever the wall clock says. Where it is not known
 * which boot this is, or it was, both clocks have to say that it runs.
 */
enum grant_time grant_left(const struct grant *grant, uint64_t latest_ms, const struct moment *now, uint64_t *left_ms);

/*
 * Let it run from now on for lifetime_s; most_s is the bound for renewals by use (0: leave the bound as it is, and do
 * not go beyond it). Both are set by both clocks; wall_known says whether the wall clock can be believed.
 */
struct grant_order {
    uint64_t lifetime_s;
    uint64_t most_s;    /* where it is less than lifetime_s, that is the bound */
    uint64_t latest_ms; /* of the record */
};
void grant_set_times(struct grant *grant, const struct grant_order *order, const struct moment *now);

/*
 * One that still runs, but whose times are those of an earlier boot, or of no wall clock that could be believed, or of
 * one that has been set since: by the clocks of now, and no later than before. True where something was changed.
 */
bool grant_set_clocks(struct grant *grant, uint64_t latest_ms, const struct moment *now);

/* A keyed hash of a text, for tokens of the web form: SipHash under a key that is made of the record's. */
uint64_t grants_tag(const struct grants *grants, const char *text);

const char *grants_fault_text(enum grants_fault fault); /* with the remedy, without a path */
bool grants_fault_has_errno(enum grants_fault fault);
const char *grant_end_text(enum grant_end end); /* "expired", "revoked", "cleared" */
const char *grant_by_text(enum grant_by by);    /* "admin", "knock", "sealed", "web" */

#endif
