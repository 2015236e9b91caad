/* SPDX-License-Identifier: ISC */
/* The first RECORD_NETWORKS_AT bytes of a table as a whole: header, counters, zeros, and the header once more. */
#ifndef OSTIARY_HEAD_H
#define OSTIARY_HEAD_H

#include "fault.h"
#include "record.h"

#include <stdint.h>

/* Is this a whole, usable head for a file of file_len bytes? OK, DAMAGED, OLD, FOREIGN or REBUILDING. */
enum store_fault head_judge(const uint8_t head[static RECORD_NETWORKS_AT], uint64_t file_len,
                            struct record_header *header, struct record_counters *counters);

void head_encode(const struct record_header *header, const struct record_counters *counters,
                 uint8_t head[static RECORD_NETWORKS_AT]);

#endif
