/* SPDX-License-Identifier: ISC */
/* All grants beside what the firewall has: for "ostgrant list", and for the form. The record has to be held. */
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
    uint64_t packets;  /* what the firewall has counted since the last look included */
    const char *state; /* open, opening, closing, waiting, over, missing, unrecorded, nogate */
};

struct listing {
    struct listing_row *rows;
    size_t count;
    struct wall_view view;
};

/*
 * Read both. The caller frees, whatever comes of it.
 */
enum request_reason listing_read(struct deeds *deeds, struct listing *listing);
void listing_free(struct listing *listing);

/* Print those of this user (NULL: of everybody) as columns, or as JSON, which returns 0, or -1 without memory. */
void listing_print(const struct listing *listing, const char *user, FILE *out);
int listing_print_json(const struct listing *listing, const char *user, FILE *out);

#endif
