/* SPDX-License-Identifier: ISC */
/*
 * The file of the record of used codes and secrets as a whole, for used.c: opening and holding it (used.h), its head
 * and its slots. All of it is for while it is held.
 */
#ifndef OSTIARY_USED_FILE_H
#define OSTIARY_USED_FILE_H

#include "used.h"
#include "used_bytes.h"

/* Both copies of the head. */
enum used_fault used_file_write_head(const struct used *used);

/* Slot number, in the file and, where used->slots has it, in used->bytes. */
enum used_fault used_file_write_slot(struct used *used, uint64_t number,
                                     const uint8_t bytes[static USED_BYTES_SLOT_LEN]);

/*
 * All used->slots of them, to used->bytes; those that the file does not have are damaged. What the file has behind them
 * was left there by who was killed before the head told of it.
 */
enum used_fault used_file_read_slots(struct used *used);

/* An empty record with this floor in place of the one that is there. Not while held: it is opened anew when it next is.
 */
enum used_fault used_file_begin_anew(struct used *used, uint64_t floor_s);

#endif
