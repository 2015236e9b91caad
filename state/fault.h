/* SPDX-License-Identifier: ISC */
/* What can be wrong with the table and its directory, in one enum for all modules here, and what to say about it. */
#ifndef OSTIARY_FAULT_H
#define OSTIARY_FAULT_H

#include <stdbool.h>

enum store_fault {
    STORE_OK,
    STORE_NO_DIRECTORY,
    STORE_DIRECTORY_CANNOT_OPEN, /* errno */
    STORE_DIRECTORY_OWNER,       /* neither root nor the effective user, nor who else may own it */
    STORE_DIRECTORY_OPEN,        /* to group or others, who could hold its lock against everybody */
    STORE_CANNOT_BE_OWNER,       /* errno */
    STORE_ABSENT,                /* no table yet; only when opened to read alone */
    STORE_CANNOT_OPEN,           /* errno */
    STORE_NOT_REGULAR,           /* a directory, symbolic link, FIFO, device */
    STORE_FOREIGN_OWNER,
    STORE_WRITABLE,        /* by group or others */
    STORE_READABLE,        /* by others */
    STORE_CANNOT_CREATE,   /* errno */
    STORE_NO_RANDOM,       /* errno */
    STORE_CANNOT_LOCK,     /* errno */
    STORE_BUSY,            /* somebody else held the lock for longer than the limit */
    STORE_VANISHED,        /* deleted again and again */
    STORE_CANNOT_READ,     /* errno */
    STORE_CANNOT_WRITE,    /* errno */
    STORE_DAMAGED,         /* the head, or the length of the file */
    STORE_KEY_LOST,        /* repair alone: both headers are damaged */
    STORE_OLD,             /* version 1, and opened to read alone: else it is converted */
    STORE_FOREIGN,         /* a whole header of another version */
    STORE_REBUILDING,      /* a repair was interrupted */
    STORE_CLOSED_UNKNOWN,  /* errno: whether the door is closed cannot be seen */
    STORE_CLOSED_FAILED,   /* errno: closing or opening it */
    STORE_PRIVATE_FAILED,  /* errno: what lies in STATE_DIR-root cannot be used */
    STORE_PRIVATE_OWNER,   /* STATE_DIR-root or what is above it is not root's alone */
    STORE_PRIVATE_DAMAGED, /* the seed counter there */
    STORE_NETWORKS_FULL    /* all RECORD_NETWORKS are in use */
};

/* What it is and what to do about it, without a path: "the table is damaged: run ostiaryctl repair". */
const char *store_fault_text(enum store_fault fault);
bool store_fault_has_errno(enum store_fault fault);

#endif
