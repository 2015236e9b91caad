/* SPDX-License-Identifier: ISC */
/*
 * The clocks of a machine, and what an input does to them: time passes, the wall clock is set, the machine is off for a
 * while and comes up with a right clock, with one that begins in 1970, or with one in the future. What is true is kept
 * beside them. All of them count whole seconds.
 */
#ifndef OSTIARY_CLOCKS_H
#define OSTIARY_CLOCKS_H

#include "fuzz.h"
#include "moment.h"

#define CLOCKS_START UINT64_C(1795293540)
#define CLOCKS_MARK  0xf2 /* second byte of every boot's identity: a table that an input brings has none of them */

struct clocks {
    uint64_t truth;      /* s, since a moment that does not matter */
    uint64_t boot;       /* CLOCK_BOOTTIME, s */
    uint64_t wall;       /* CLOCK_REALTIME, s */
    uint8_t boots;       /* how many there have been */
    bool unknown;        /* which boot it is cannot be read */
    int64_t least_ahead; /* the least that the wall clock has been ahead of the truth, so far */
    int64_t most_ahead;  /* the most, since the table was looked at last */
};

enum clocks_event {
    CLOCKS_SET_BACK,
    CLOCKS_SET_FORWARD,
    CLOCKS_REBOOT,
    CLOCKS_REBOOT_1970,
    CLOCKS_REBOOT_FUTURE,
    CLOCKS_REBOOT_UNKNOWN,
    CLOCKS_UNKNOWN,
    CLOCKS_LONG
};

static inline int64_t clocks_ahead(const struct clocks *clocks)
{
    return (int64_t)clocks->wall - (int64_t)clocks->truth;
}

static inline struct clocks clocks_begin(void)
{
    return (struct clocks){.truth = CLOCKS_START, .boot = 1000, .wall = CLOCKS_START};
}

static inline struct moment clocks_moment(const struct clocks *clocks)
{
    struct moment now = {.boot_ms = clocks->boot * 1000, .wall_ms = clocks->wall * 1000};

    if (!clocks->unknown) {
        now.boot_id[0] = clocks->boots;
        now.boot_id[1] = CLOCKS_MARK;
    }
    return now;
}

static inline void clocks_pass(struct clocks *clocks, uint64_t seconds)
{
    clocks->truth += seconds;
    clocks->boot += seconds;
    clocks->wall += seconds;
}

static inline void clocks_reboot(struct clocks *clocks, uint64_t off)
{
    clocks->truth += off + 10;
    clocks->wall += off + 10;
    clocks->boot = 10;
    clocks->boots++;
}

/* What a step's number does to the clocks. True: the machine was off meanwhile. */
static inline bool clocks_turn(struct clocks *clocks, uint16_t number)
{
    const uint8_t boots = clocks->boots;
    const uint64_t amount = number & 0xfff;

    if (number < 0x8000) {
        clocks_pass(clocks, number);
        return false;
    }
    switch ((enum clocks_event)(number >> 12 & 7)) {
    case CLOCKS_SET_BACK:
        clocks->wall -= amount * 3600 < clocks->wall ? amount * 3600 : clocks->wall;
        break;
    case CLOCKS_SET_FORWARD:
        clocks->wall += amount * 3600;
        break;
    case CLOCKS_REBOOT:
        clocks_reboot(clocks, amount * 60);
        break;
    case CLOCKS_REBOOT_1970:
        clocks_reboot(clocks, amount * 60);
        clocks->wall = clocks->boot;
        break;
    case CLOCKS_REBOOT_FUTURE:
        clocks_reboot(clocks, amount * 60);
        clocks->wall += amount * 86400;
        break;
    case CLOCKS_REBOOT_UNKNOWN:
        clocks_reboot(clocks, amount * 60);
        clocks->unknown = true;
        break;
    case CLOCKS_UNKNOWN:
        clocks->unknown = amount % 2 == 1;
        break;
    case CLOCKS_LONG:
        clocks_pass(clocks, amount * 3600);
        break;
    }
    if (clocks_ahead(clocks) < clocks->least_ahead)
        clocks->least_ahead = clocks_ahead(clocks);
    if (clocks_ahead(clocks) > clocks->most_ahead)
        clocks->most_ahead = clocks_ahead(clocks);
    return clocks->boots != boots;
}

#endif
