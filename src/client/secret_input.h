/* SPDX-License-Identifier: ISC */
/*
 * A secret on its way in: from a descriptor, or judged where another module has put it. It stays in the
 * caller's locked memory, and no copy of it is made.
 */
#ifndef OSTIARY_SECRET_INPUT_H
#define OSTIARY_SECRET_INPUT_H

#include "locked.h"
#include "secret.h"

#include <stddef.h>
#include <stdint.h>

/* The longest text, white space at its end included, that a secret is looked for in. */
#define SECRET_INPUT_MAX 4096

enum secret_input_fault {
    SECRET_INPUT_OK,
    SECRET_INPUT_EMPTY,
    SECRET_INPUT_LONG,      /* over SECRET_MAX bytes */
    SECRET_INPUT_FORBIDDEN, /* NUL, CR or LF inside */
    SECRET_INPUT_MARKED,    /* begins with a byte order mark, which an editor has put there */
    SECRET_INPUT_TIMEOUT,   /* neither a newline nor the end came before the deadline */
    SECRET_INPUT_UNREADABLE /* errno says why */
};

/*
 * Read up to a newline or the end, and not one byte further, into room (SECRET_INPUT_MAX bytes) before
 * deadline_ms (clock_now_ms). The descriptor stays open, and its flags are left alone.
 */
enum secret_input_fault secret_input_read(int input_fd, int64_t deadline_ms, const struct locked *room, size_t *len);

/* How much of the text is left without the white space at its end, CR and LF included. */
size_t secret_input_trim(const uint8_t *text, size_t len);

/* Can these bytes be a secret? */
enum secret_input_fault secret_input_check(struct secret secret);

/* What is wrong and what to do, for "NAME: TEXT". */
const char *secret_input_fault_text(enum secret_input_fault fault);

#endif
