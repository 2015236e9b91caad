/* SPDX-License-Identifier: ISC */
/*
 * The doors that share a table. Who is locked is locked at all of them; a limit that is reached at one shuts that one
 * alone. The numbers are part of the table's format, which has room for RECORD_DOORS of them.
 */
#ifndef OSTIARY_DOORS_H
#define OSTIARY_DOORS_H

enum doors {
    DOOR_KNOCK = 0,  /* the knock */
    DOOR_SEALED = 1, /* the knock again, whose handler has no rights */
    DOOR_EVERY       /* all of them at once: what an order closes */
};

/* "knock", "sealed"; "every" for all. */
const char *doors_name(enum doors door);

/* The name of the file in the state directory that closes it: "closed-knock", "closed-sealed"; "closed" for all. */
const char *doors_closed_name(enum doors door);

#endif
