/* SPDX-License-Identifier: ISC */
/* See doors.h. */
#include "doors.h"

static const struct {
    const char *name;
    const char *closed_name;
} doors[] = {
    [DOOR_KNOCK] = {"knock", "closed-knock"},
    [DOOR_SEALED] = {"sealed", "closed-sealed"},
    [DOOR_EVERY] = {"every", "closed"},
};

const char *doors_name(enum doors door)
{
    return doors[door].name;
}

const char *doors_closed_name(enum doors door)
{
    return doors[door].closed_name;
}
