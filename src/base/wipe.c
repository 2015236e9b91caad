/* SPDX-License-Identifier: ISC */
/* See wipe.h. */
#include "wipe.h"

#include <stdint.h>
#include <string.h>

/* More than libgcrypt, its HMAC and all below them use. */
#define STACK_WIPE_LEN 8192

__attribute__((noinline)) void wipe_stack(void)
{
    uint8_t below[STACK_WIPE_LEN];

    explicit_bzero(below, sizeof(below));
}
