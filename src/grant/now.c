/* SPDX-License-Identifier: ISC */
/* See now.h. */
#include "now.h"

void now_read(struct moment *now)
{
    moment_read(now);
}
