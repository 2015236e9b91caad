/* SPDX-License-Identifier: ISC */
/* Command lines on which no option may stand twice: which of two values was meant could only be guessed. */
#ifndef OSTIARY_OPTIONS_H
#define OSTIARY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What has been given so far; all zero at the beginning. */
struct options_seen {
    uint64_t words[4];
};

/* Take note of an option, by what getopt(3) returns for it. False: it has been given before. Above 255 any number may.
 */
bool options_first(struct options_seen *seen, int option);

/*
 * Behind a '?' of getopt_long(3): the option that there is not, as it was written; of several letters in one word, the
 * one. Valid until the next call.
 */
const char *options_unknown(char *const *argv);

#endif
