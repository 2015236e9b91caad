/* SPDX-License-Identifier: ISC */
/*
 * A key of one-time codes that begins to be used: a new one, which is shown to a telephone and tried out, or one that
 * has been in use under pam_oath. For add. Each function says what went wrong, on standard error.
 */
#ifndef OSTIARY_CTL_ENROL_H
#define OSTIARY_CTL_ENROL_H

#include "codes.h"
#include "ctl.h"
#include "locked.h"

/* All zero: there is none. */
struct ctl_enrol {
    struct codes_way way;
    struct locked file; /* the file of the key as it will be written, and room behind it; the caller frees it */
    size_t len;
    uint64_t next; /* the lowest step or counter that has not been used up */
};

/*
 * Make a key, show it at the terminal as a URI that telephones know and as a QR code, and ask for a first code until it
 * is right. That code is used up by then. name is the action's. Unless it is CTL_OK there is nothing to be freed.
 */
enum ctl_status ctl_enrol_new(enum codes_kind kind, const char *name, struct ctl_enrol *enrol);

/* The key of this user in a file as of pam_oath, "HOTP/T30/6 alice - 3132..."; with its counter, where it has one. */
enum ctl_status ctl_enrol_import(const char *path, const char *user, struct ctl_enrol *enrol);

#endif
