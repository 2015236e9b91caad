/* SPDX-License-Identifier: ISC */
/*
 * Could a secret be guessed from a captured exchange, by somebody who tries what people choose? It is no measure of how
 * good one is: what is found here is bad, and what is not may be bad as well. Its time depends on the secret: it is for
 * who looks at a configuration, and for no peer.
 */
#ifndef OSTIARY_WEAK_H
#define OSTIARY_WEAK_H

#include "secret.h"

#include <stdint.h>

#define WEAK_SHORT_LEN 16 /* fewer can all be tried: so many random characters hold 80 bits and more */

enum weak_kind {
    WEAK_NOT_SEEN,
    WEAK_SHORT,
    WEAK_REPETITIVE, /* a few characters, or the same ones again and again */
    WEAK_WALK,       /* neighbours on a keyboard, in the alphabet or among the digits */
    WEAK_WORD        /* words that everybody tries, with digits and signs */
};

/* Upper and lower case are the same here, of ASCII. */
uint8_t weak_lower(uint8_t byte);
enum weak_kind weak_judge(struct secret secret);

/* For "the secret TEXT". */
const char *weak_text(enum weak_kind kind);

#endif
