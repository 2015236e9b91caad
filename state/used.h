/* SPDX-License-Identifier: ISC */
/*
 * The record of used codes and secrets: up to where the one-time codes of a key are used up, when a secret was last
 * good for something, and which process an action is that may not be started while it runs. FORMAT.md, "Used codes and
 * secrets". It knows neither codes nor secrets nor processes: each has a name, of which it keeps a fingerprint.
 *
 * Use: used_open; then used_hold, used_find, used_put, used_release; used_close at the end. Every fault means that
 * nothing is known, and that nobody gets in who needs it to be (I8). For those of which used_fault_has_errno is true,
 * errno says more.
 */
#ifndef OSTIARY_USED_H
#define OSTIARY_USED_H

#include "hold.h"
#include "owner.h"
#include "siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define USED_NAME        "used" /* in its directory */
#define USED_MAX         65536  /* slots */
#define USED_ADDRESS_LEN 16
#define USED_TEXT_MAX    160 /* bytes of a name */
#define USED_BOOT_ID_LEN 16

enum used_fault {
    USED_OK,
    USED_ABSENT,          /* there is none yet; only when opened to read alone */
    USED_UNKNOWN,         /* of this name nothing is kept */
    USED_DIRECTORY,       /* errno: the directory cannot be opened */
    USED_DIRECTORY_OWNER, /* or is not safe */
    USED_CANNOT_BE_OWNER, /* errno */
    USED_CANNOT_OPEN,     /* errno */
    USED_CANNOT_CREATE,   /* errno */
    USED_UNSAFE,          /* not a regular file of its owner's alone */
    USED_CANNOT_LOCK,     /* errno */
    USED_BUSY,
    USED_CANNOT_READ,  /* errno */
    USED_CANNOT_WRITE, /* errno */
    USED_FOREIGN,      /* of another version */
    USED_DAMAGED,      /* the head */
    USED_SLOT_DAMAGED, /* of this name nothing is found, and a slot is damaged that could be its */
    USED_FULL
};

/* What it is and what to do about it, without a path. */
const char *used_fault_text(enum used_fault fault);
bool used_fault_has_errno(enum used_fault fault);

enum used_kind {
    USED_TOTP = 1, /* next is a step of TOTP */
    USED_HOTP,     /* next is a counter of HOTP */
    USED_SECRET,   /* next is 0 */
    USED_RUN       /* an action: next is 0, and there is a run instead of an address */
};

/* Whose mark it is. The bytes, at most USED_TEXT_MAX, are not kept. */
struct used_name {
    enum used_kind kind;
    const void *bytes;
    size_t len;
};

/* The process that an action was, of USED_RUN alone. */
struct used_run {
    uint32_t pid;                      /* from 1 to INT32_MAX */
    uint64_t start;                    /* clock ticks from the boot until it was started */
    uint8_t boot_id[USED_BOOT_ID_LEN]; /* not all zero */
};

/* What is kept of it. */
struct used_mark {
    uint64_t next;                     /* the lowest that has not been used up */
    uint64_t when_s;                   /* of the last use: CLOCK_REALTIME, s since 1970, for people; 0: not yet */
    uint8_t address[USED_ADDRESS_LEN]; /* from where it was, IPv6 form; all zero: from nowhere */
    struct used_run run;
};

struct used_options {
    const char *state_dir;
    bool shared; /* it is in STATE_DIR, with whose rights it is then used; else in STATE_DIR-root, which is made */
    unsigned patience_ms; /* for the lock */
    bool read_only;       /* never creates, never writes */
    bool unlocked;    /* with read_only: looks without the lock, and more than once where something is being written */
    uint64_t floor_s; /* of a record that is made: what is older than it may have been used before */
};

/* The members are for used.c. One process, one thread. */
struct used {
    int dir_fd;
    int fd;
    struct owner owner;
    struct used_options options;
    bool held;
    /* Valid while held: */
    uint8_t key[SIPHASH_KEY_LEN];
    uint64_t slots;
    uint64_t floor_s;
    bool header_damaged; /* one of its two copies */
    uint8_t *bytes;      /* of all slots */
};

#define USED_CLOSED ((struct used){.dir_fd = -1, .fd = -1})

/*
 * Open it, and make it where there is none. A process that is root uses a record in STATE_DIR with the rights of
 * whoever the directory belongs to. After a fault *used is closed.
 */
enum used_fault used_open(const struct used_options *options, struct used *used);

/* Does nothing to one that is closed. */
void used_close(struct used *used);

/* Take the lock and read it. After a fault nothing is held. */
enum used_fault used_hold(struct used *used, enum hold_way way);

/* Keeps errno. Does nothing when not held. */
void used_release(struct used *used);

/* While held. USED_OK, USED_UNKNOWN or USED_SLOT_DAMAGED; *mark is all zero unless USED_OK. */
enum used_fault used_find(const struct used *used, const struct used_name *name, struct used_mark *mark);

/* While held alone: what is kept of this name from now on. Not on the disk before used_sync. */
enum used_fault used_put(struct used *used, const struct used_name *name, const struct used_mark *mark);

/* What was written is on the disk when this returns USED_OK. */
enum used_fault used_sync(const struct used *used);

/* How much of it there is. */
struct used_totals {
    uint64_t used;
    uint64_t damaged;
    bool header_damaged; /* one of its two copies: the next change makes both anew */
};

/* While held. */
void used_count(const struct used *used, struct used_totals *totals);

/*
 * Forget damaged slots. As nobody knows what they were, no code counts as unused that was made before now_s, or before
 * the last use that is known, where the clock is behind that: the floor. With give_up a record whose head is damaged
 * begins anew. Needs no lock; *lost is how many slots it forgot.
 */
enum used_fault used_repair(struct used *used, uint64_t now_s, bool give_up, uint64_t *lost);

#endif
