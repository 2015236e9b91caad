/* SPDX-License-Identifier: ISC */
/*
 * What can be a passphrase: the same on both sides, so that none is stored which the client would not take, and what a
 * slip of the finger has made is found before it costs a strike.
 */
#ifndef OSTIARY_STRETCH_PASSPHRASE_H
#define OSTIARY_STRETCH_PASSPHRASE_H

#include "secret.h"

#define STRETCH_PASSPHRASE_MIN 8          /* bytes: stretching makes few guesses dear, and not a few guesses many */
#define STRETCH_PASSPHRASE_MAX SECRET_MAX /* bytes */

enum stretch_passphrase_fault {
    STRETCH_PASSPHRASE_OK,
    STRETCH_PASSPHRASE_EMPTY,
    STRETCH_PASSPHRASE_SHORT,
    STRETCH_PASSPHRASE_LONG,
    STRETCH_PASSPHRASE_CONTROL, /* a byte below the blank, or DEL: what an arrow key sends, for instance */
    STRETCH_PASSPHRASE_BLANK    /* at its beginning or its end, where nobody sees it and a file cannot hold it */
};

enum stretch_passphrase_fault stretch_passphrase_check(struct secret passphrase);

/* What is wrong and what to do, for "NAME: TEXT". It quotes nothing. */
const char *stretch_passphrase_text(enum stretch_passphrase_fault fault);

#endif
