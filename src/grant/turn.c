/* SPDX-License-Identifier: ISC */
/* See turn.h. */
#include "turn.h"

#include "hold.h"
#include "roots.h"
#include "siphash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* A gate has these bytes of the file: the first is the turn's, those behind it are the places'. */
#define BYTES_BITS 8
#define BYTES_MASK ((UINT64_C(1) << BYTES_BITS) - 1)

_Static_assert(TURN_PLACES_MAX <= BYTES_MASK, "a byte for each place, and one for the turn");

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

/* By name, for the order of the gates in the configuration may change while somebody has a turn. */
static int64_t first_byte(const char *gate)
{
    static const uint8_t no_key[SIPHASH_KEY_LEN];

    return (int64_t)(siphash(no_key, (const uint8_t *)gate, strlen(gate)) & (INT64_MAX & ~BYTES_MASK));
}

static int open_turns(const char *state_dir)
{
    int dir_fd = -1;
    int fd;

    switch (roots_open(state_dir, true, &dir_fd)) {
    case ROOTS_OK:
        break;
    case ROOTS_OWNER:
        errno = EPERM;
        return -1;
    case ROOTS_ABSENT:
    case ROOTS_FAILED:
        return -1;
    }
    fd = openat(dir_fd, TURN_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    const int error = errno;
    close(dir_fd);
    errno = error;
    return fd;
}

static enum turn_result take_place(const struct turn_order *order, int fd)
{
    for (unsigned place = 1; place <= order->places; place++)
        switch (hold_byte(fd, first_byte(order->gate) + place, 0)) {
        case HOLD_HELD:
            return TURN_TAKEN;
        case HOLD_FAILED:
            return TURN_FAILED;
        case HOLD_BUSY:
            break;
        }
    return order->places == 0 ? TURN_TAKEN : TURN_NO_PLACE;
}

static enum turn_result take_byte(const struct turn_order *order, int fd)
{
    switch (hold_byte(fd, first_byte(order->gate), order->limit_ms)) {
    case HOLD_HELD:
        return TURN_TAKEN;
    case HOLD_BUSY:
        return TURN_BUSY;
    case HOLD_FAILED:
        break;
    }
    return TURN_FAILED;
}

enum turn_result turn_take_gate(const struct turn_order *order, int *fd)
{
    enum turn_result result = TURN_FAILED;

    *fd = open_turns(order->state_dir);
    if (*fd >= 0)
        result = take_place(order, *fd);
    if (result == TURN_TAKEN)
        result = take_byte(order, *fd);
    if (result != TURN_TAKEN && *fd >= 0) {
        const int error = errno;

        close(*fd);
        errno = error;
        *fd = -1;
    }
    return result;
}
