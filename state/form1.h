/* SPDX-License-Identifier: ISC */
/*
 * The table as version 1 wrote it (5.0.0), for reading alone: FORMAT.md, "Version 1". Pure functions. What they give is
 * in the terms of today, and its times are those of a table whose time is the wall clock's at the moment of reading.
 */
#ifndef OSTIARY_FORM1_H
#define OSTIARY_FORM1_H

#include "record.h"

#include <stdbool.h>
#include <stdint.h>

#define FORM1_LEN            64
#define FORM1_HEAD_LEN       4096
#define FORM1_COUNTERS_AT    64
#define FORM1_ZEROS_AT       128
#define FORM1_HEADER_COPY_AT 448
#define FORM1_NETWORKS_AT    512

/* Is it a whole header of version 1? *header is set when it is. */
bool form1_decode_header(const uint8_t bytes[static FORM1_LEN], struct record_header *header);

/*
 * Are they whole? *counters is set when they are; its networks and its mark are not, for version 1 has but a number of
 * networks, which *networks is, and no mark.
 */
bool form1_decode_counters(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                           struct record_counters *counters, unsigned *networks);

/*
 * WHOLE, EMPTY or DAMAGED; *slot is all zero unless WHOLE. now: the wall clock, s. By the rules of version 1 what lies
 * in the future is moved to now, and a lock made there lasts from now on as long as it was to last.
 */
enum record_state form1_decode_slot(const uint8_t bytes[static FORM1_LEN], const uint8_t key[static SIPHASH_KEY_LEN],
                                    uint64_t where, uint64_t now, struct record_slot *slot);

enum form1_source {
    FORM1_SOURCE,  /* a source today as well */
    FORM1_NETWORK, /* several sources today: strangers behind one translator, or all neighbours on one interface */
};

/*
 * What is counted as one source today, where version 1 counted otherwise: 6to4 by the IPv4 host, whose /48 it becomes;
 * link-local and NAT64 addresses one by one, so that what was one becomes the network that they are in.
 */
enum form1_source form1_update_source(struct source *source);

/* The length of the whole file, and where a slot is. */
uint64_t form1_file_len(uint64_t places);
uint64_t form1_slot_at(uint64_t index);

#endif
