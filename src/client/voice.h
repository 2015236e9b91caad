/* SPDX-License-Identifier: ISC */
/* What a person is told, on standard error. */
#ifndef OSTIARY_VOICE_H
#define OSTIARY_VOICE_H

#include <stdbool.h>

/* What is said at all, and whether a fault that may be tried again will be. */
struct voice {
    bool quiet;
    bool verbose;
    bool tries_left;
};

/* Say it, unless nothing is to be said. */
__attribute__((format(printf, 2, 3))) void voice_complain(const struct voice *voice, const char *format, ...);

#endif
