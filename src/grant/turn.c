/* SPDX-License-Identifier: ISC */
/* See turn.h. */
#include "turn.h"

#include "clock.h"
#include "hold.h"
#include "roots.h"
#include "siphash.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A gate has 256 bytes of the file: the first is the turn's; each queue has 64 behind it, of which the first is for who
 * is at its head, and the others are places. A user at a gate has as many, for his places.
 */
#define BYTES_MASK  UINT64_C(255)
#define QUEUE_BYTES 64

_Static_assert(TURN_SEALED_PLACES < QUEUE_BYTES && TURN_WEB_PLACES < QUEUE_BYTES && TURN_USER_PLACES < 256,
               "a byte for each place, and one for the head");

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
static int64_t first_byte(const char *name)
{
    static const uint8_t no_key[SIPHASH_KEY_LEN];

    return (int64_t)(siphash(no_key, (const uint8_t *)name, strlen(name)) & (INT64_MAX & ~BYTES_MASK));
}

static int64_t head_of_queue(const struct turn_order *order)
{
    return first_byte(order->gate) + (int64_t)order->queue * QUEUE_BYTES;
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

/* One of so many behind this byte. */
static enum turn_result take_place(int fd, int64_t at, unsigned places)
{
    for (unsigned place = 1; place <= places; place++)
        switch (hold_byte(fd, at + place, 0)) {
        case HOLD_HELD:
            return TURN_TAKEN;
        case HOLD_FAILED:
            return TURN_FAILED;
        case HOLD_BUSY:
            break;
        }
    return TURN_NO_PLACE;
}

/* A blank is in no name of a gate. */
static enum turn_result take_users_place(const struct turn_order *order, int fd)
{
    struct text name = {0};
    enum turn_result result = TURN_FAILED;

    text_add(&name, "%s %s", order->gate, order->user);
    if (!name.failed)
        result = take_place(fd, first_byte(name.bytes), TURN_USER_PLACES);
    text_free(&name);
    return result;
}

static enum turn_result take_byte(int fd, int64_t at, int64_t deadline_ms)
{
    switch (hold_byte(fd, at, (unsigned)clock_left_ms(deadline_ms))) {
    case HOLD_HELD:
        return TURN_TAKEN;
    case HOLD_BUSY:
        return TURN_BUSY;
    case HOLD_FAILED:
        break;
    }
    return TURN_FAILED;
}

/* The place stays as long as the turn, and the head of the queue is the next one's as soon as this has the turn. */
static enum turn_result queue_for_it(const struct turn_order *order, int fd, int64_t deadline_ms)
{
    const int64_t head = head_of_queue(order);
    enum turn_result result = TURN_TAKEN;

    if (order->queue == TURN_WEB_QUEUE)
        result = take_users_place(order, fd);
    if (result == TURN_TAKEN)
        result = take_place(fd, head, order->queue == TURN_WEB_QUEUE ? TURN_WEB_PLACES : TURN_SEALED_PLACES);
    if (result == TURN_TAKEN)
        result = take_byte(fd, head, deadline_ms);
    if (result == TURN_TAKEN)
        result = take_byte(fd, first_byte(order->gate), deadline_ms);
    if (result == TURN_TAKEN)
        hold_release_byte(fd, head);
    return result;
}

enum turn_result turn_take_gate(const struct turn_order *order, int *fd)
{
    const int64_t deadline_ms = clock_now_ms() + order->limit_ms;
    enum turn_result result = TURN_FAILED;

    *fd = open_turns(order->state_dir);
    if (*fd >= 0 && order->queue == TURN_NO_QUEUE)
        result = take_byte(*fd, first_byte(order->gate), deadline_ms);
    else if (*fd >= 0)
        result = queue_for_it(order, *fd, deadline_ms);
    if (result != TURN_TAKEN && *fd >= 0) {
        const int error = errno;

        close(*fd);
        errno = error;
        *fd = -1;
    }
    return result;
}
