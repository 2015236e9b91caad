/* SPDX-License-Identifier: ISC */
/* What ostgrant says: to the log, and where a person has started it, to that person too. */
#ifndef OSTIARY_TELL_H
#define OSTIARY_TELL_H

#include <stdbool.h>

/* Comes first. person: who has typed the command reads standard error. */
void tell_open(bool person);

/* What has been done, in the log's words: for the log alone. */
__attribute__((format(printf, 2, 3))) void tell_done(int priority, const char *format, ...);

/* What is wrong, and what to do about it. */
__attribute__((format(printf, 2, 3))) void tell_wrong(int priority, const char *format, ...);

#endif
