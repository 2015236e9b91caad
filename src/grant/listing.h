/* SPDX-License-Identifier: ISC */
/* All grants beside what the firewall has: for "ostgrant list", and for the form. */
#ifndef OSTIARY_LISTING_H
#define OSTIARY_LISTING_H

#include "deeds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct listing_row {
    struct grant grant; /* of what is unrecorded: gate and network alone */
    uint64_t left_ms;
    uint64_t packets;  /* once the firewall has been asked, what it has counted since the last look included */
    const char *state; /* open, opening, closing, waiting, over, missing, stranded, unrecorded, nogate */
};

struct listing {
    struct listing_row *rows;
    size_t count, room;
    struct wall_view view;
};

/*
 * Read the record, which has to be held: the grants of this user (NULL: everybody's), as it has them. The caller frees,
 * whatever comes of it.
 */
enum request_reason listing_read(struct deeds *deeds, const char *user, struct listing *listing);

/*
 * Then ask the firewall, for which the record need not be held: all of it, which takes seconds where a hundred thousand
 * networks are open, and adds what is open without a grant; or the networks of these rows alone, one by one, which
 * costs nothing where they are few, and runs no command: of gates by commands what the record has is left as it is.
 */
enum request_reason listing_look(struct deeds *deeds, struct listing *listing);
void listing_look_at_each(struct deeds *deeds, struct listing *listing);
void listing_free(struct listing *listing);

/* Print those of this user (NULL: of everybody) as columns, or as JSON, which returns 0, or -1 without memory. */
void listing_print(const struct listing *listing, const char *user, FILE *out);
int listing_print_json(const struct listing *listing, const char *user, FILE *out);

#endif
