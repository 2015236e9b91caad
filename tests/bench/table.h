/* SPDX-License-Identifier: ISC */
/* Lockout tables of any size, as so many connections would have left them. For benchmarks: whatever fails ends the
 * program. */
#ifndef OSTIARY_BENCH_TABLE_H
#define OSTIARY_BENCH_TABLE_H

#include "lockout.h"

#include <stdint.h>

#define TABLE_PLACES UINT64_C(2097152)

/* What a table is to hold: count hosts, numbered from first on, each last seen at this time. */
struct table_plan {
    const char *directory; /* exists, and is empty */
    uint32_t first;        /* an IPv4 address as a number */
    uint32_t count;
    uint64_t seen; /* s, table time, which is the wall clock's in a new table */
};

/* Make it, durably, and return the hosts in it: plan->count numbers, for free(3). One whose buckets are full is passed
 * over. */
uint32_t *table_make(const struct table_plan *plan);

/* An IPv4 host by its number. */
struct source table_source(uint32_t number);

/* Open a table of TABLE_PLACES. */
void table_open(const char *directory, struct store *store);

/* No fault, or the end of the program. */
void table_check(enum store_fault fault, const char *what);

#endif
