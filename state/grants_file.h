/* SPDX-License-Identifier: ISC */
/* The file of the record of grants as a whole, for grants.c: opening and holding it (grants.h), its length, its head.
 */
#ifndef OSTIARY_GRANTS_FILE_H
#define OSTIARY_GRANTS_FILE_H

#include "grants.h"

#define GRANTS_FILE_PIECE_LEN 65536 /* bytes at grants->piece */

/* How many slots there are; what is left of one that was cut counts as one. */
uint64_t grants_file_slots(const struct grants *grants);

/* len bytes; those that the file does not have are zero. */
enum grants_fault grants_file_read(const struct grants *grants, uint64_t offset, uint8_t *bytes, size_t len);
enum grants_fault grants_file_write(struct grants *grants, uint64_t offset, const uint8_t *bytes, size_t len);

/* Both copies of the header. */
enum grants_fault grants_file_write_head(struct grants *grants);

/* The time of grants_hold in the header, where the wall clock has gone on by so much since it was written. */
enum grants_fault grants_file_note(struct grants *grants, uint64_t least_ms);

#endif
