/* SPDX-License-Identifier: ISC */
/* A text that grows. That there was no memory is kept in mind, so that it has to be asked once, at the end. (src/base)
 */
#ifndef OSTIARY_TEXT_H
#define OSTIARY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* len of them, and a NUL; NULL while nothing was added */
    size_t len, room;
    bool failed; /* there was no memory: what is there is not all */
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);
void text_free(struct text *text);

#endif
