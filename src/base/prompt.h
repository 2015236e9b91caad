/* SPDX-License-Identifier: ISC */
/*
 * Ask for a secret at the terminal, without echo. It talks to /dev/tty and to nothing else, so that pipes on
 * standard input and output do not matter. Where there is no terminal it says so at once.
 */
#ifndef OSTIARY_PROMPT_H
#define OSTIARY_PROMPT_H

#include "locked.h"

#include <stddef.h>

enum prompt_result {
    PROMPT_OK,
    PROMPT_NO_TERMINAL,
    PROMPT_FAULT,  /* errno says why */
    PROMPT_SIGNAL, /* ended by *signal_number: the caller wipes, and then raises it again */
};

/*
 * Show the question and read one line into room, without its newline; *len is room->len when the line does not
 * fit. The terminal is as before on every return, and while the process is stopped (SIGTSTP); after that the
 * question is asked anew. Must be called while the process has one thread.
 */
enum prompt_result prompt_ask(const char *question, const struct locked *room, size_t *len, int *signal_number);

#endif
