/* SPDX-License-Identifier: ISC */
/* The file of a pipe's key, as spiped has it: all of it counts, a line feed at its end too. */
#ifndef OSTIARY_PIPE_KEY_FILE_H
#define OSTIARY_PIPE_KEY_FILE_H

#include "file.h"
#include "pipe_crypt.h"

/*
 * Read it into key, which is in locked memory. It must be private, as file_read_private (file.h) has it, and have 16
 * bytes to 64 KiB: spiped takes an empty one. Needs pipe_init. *text is NULL where there is a key; else what is wrong
 * and what to do about it, for "FILE TEXT", and with errno where the fault has one.
 */
enum file_fault pipe_key_file_read(const char *path, struct pipe_key *key, const char **text);

#endif
