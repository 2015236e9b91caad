/* SPDX-License-Identifier: ISC */
/*
 * What has been used: one-time codes, each of which is good once, and secrets with a label, of which it is told when
 * each was last accepted. The record is ../../state/used.h's; here is which one it is, and what its names are made of.
 * It never logs.
 */
#ifndef OSTIARY_SPEND_H
#define OSTIARY_SPEND_H

#include "address.h"
#include "config.h"
#include "doors.h"
#include "used.h"

#include <stdint.h>

/* Whose record it is. */
struct spend_place {
    const char *state_dir;
    enum doors door;      /* the sealed door's handlers are not root: theirs is in STATE_DIR, as that of all such */
    unsigned patience_ms; /* for its lock */
};

/* A record that is made by it counts what is older than now as used: there may have been another one before. */
struct used_options spend_options(const struct spend_place *place, bool read_only);

/* A use, now. */
struct spend_use {
    const struct address *from; /* NULL: from nowhere */
    uint64_t when_s;            /* CLOCK_REALTIME, s */
};

/* The name of a key of codes in the record. It points into text, which holds the key: it is the caller's to wipe. */
struct used_name spend_codes_name(const struct config_codes *codes, uint8_t text[static USED_TEXT_MAX]);

/* That of a secret with a label, in the same way. */
struct used_name spend_secret_name(const char *action, const char *label, uint8_t text[static USED_TEXT_MAX]);

/*
 * Say in each entry's codes.next which counters of HOTP have been used up, without waiting for anybody. Does nothing
 * where none has HOTP. After a fault those that are not known are 0; with USED_UNKNOWN and USED_SLOT_DAMAGED *unknown
 * is the first entry of which that is so, else NULL.
 */
enum used_fault spend_look(const struct spend_place *place, struct config *config, const struct config_entry **unknown);

enum spend_result {
    SPEND_DONE,    /* it is used up now, and that is on the disk */
    SPEND_USED,    /* it was before */
    SPEND_UNKNOWN, /* of this key of HOTP it is not known what has been used */
    SPEND_FAILED   /* *fault says why; it may be used up or not */
};

/* Use the code of this counter up, and with it all that are before it. */
enum spend_result spend_code(const struct spend_place *place, const struct config_codes *codes, uint64_t counter,
                             const struct spend_use *use, enum used_fault *fault);

/* Remember that a secret with a label has been accepted. */
enum used_fault spend_note(const struct spend_place *place, const struct used_name *name, const struct spend_use *use);

#endif
