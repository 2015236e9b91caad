/* SPDX-License-Identifier: ISC */
/* What a person is told, on standard error. */
#ifndef OSTIARY_VOICE_H
#define OSTIARY_VOICE_H

#include "status.h"

#include <stdbool.h>

/* What is said at all, and whether a fault that may be tried again will be. */
struct voice {
    bool quiet;
    bool verbose;
    bool tries_left;
};

/* Say it, unless nothing is to be said. */
__attribute__((format(printf, 2, 3))) void voice_complain(const struct voice *voice, const char *format, ...);

/* There is no locked memory: say so, with what errno says and what to do. Gives the status for it. */
enum exit_status voice_no_memory(const struct voice *voice);

#endif
