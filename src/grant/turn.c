/* SPDX-License-Identifier: ISC */
/* See turn.h. */
#include "turn.h"

#include "hold.h"
#include "roots.h"

#include <unistd.h>

int turn_take(const char *state_dir, unsigned limit_ms)
{
    int dir_fd = -1;

    if (roots_open(state_dir, false, &dir_fd) != ROOTS_OK)
        return -1;
    if (hold_file(dir_fd, HOLD_ALONE, limit_ms) == HOLD_HELD)
        return dir_fd;
    close(dir_fd);
    return -1;
}
