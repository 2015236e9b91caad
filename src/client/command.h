/* SPDX-License-Identifier: ISC */
/*
 * A command that the user has named, which has the secret or can compute with it: its words, and one run of it. There
 * is no shell. It has the user's environment, directory and descriptors above 2, and nothing of ours. Nothing here
 * prints or exits.
 */
#ifndef OSTIARY_COMMAND_H
#define OSTIARY_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_TEXT_MAX   4095  /* bytes */
#define COMMAND_WORDS_MAX  64    /* its name included */
#define COMMAND_INPUT_MAX  512   /* bytes: no pipe is too small for them */
#define COMMAND_OUTPUT_MAX 65536 /* bytes of which all but the first line is dropped */
#define COMMAND_SAID_MAX   2048  /* bytes of what it says on standard error */

struct command {
    char text[COMMAND_TEXT_MAX + 1]; /* the words, each with its NUL */
    char *words[COMMAND_WORDS_MAX + 1];
};

enum command_fault {
    COMMAND_GOOD,
    COMMAND_EMPTY,
    COMMAND_LONG, /* over COMMAND_TEXT_MAX bytes */
    COMMAND_MANY, /* over COMMAND_WORDS_MAX words */
    COMMAND_QUOTE /* one that is not closed */
};

/*
 * Blanks, tabs and newlines separate words. Between two ' or two " everything stands for itself, as part of the word
 * that they are in. Nothing else has a meaning: no backslash, variable or pattern.
 */
enum command_fault command_split(const char *text, struct command *command);

/* What is wrong, for "--option 'CMD' TEXT". */
const char *command_fault_text(enum command_fault fault);

struct command_run {
    const struct command *command;
    /* Its standard input: these bytes, at most COMMAND_INPUT_MAX, and then the end; NULL: /dev/null. */
    const uint8_t *input;
    size_t input_len;
    /* Where its standard output goes; of a caller who wants a line, room for a line that is too long, too. */
    uint8_t *room;
    size_t room_len;
    bool is_line; /* take the first line, without its end, and drop the rest: at most COMMAND_OUTPUT_MAX bytes */
    /*
     * It may ask somebody at the terminal: it has ours, and is in the foreground where we are, until it ends. Else it
     * has no terminal, and no signal that is typed there reaches it.
     */
    bool is_asking;
    bool is_heard; /* standard error goes where ours goes; else the first of it is kept, and nobody's pace matters */
    int64_t deadline_ms;  /* clock_now_ms */
    const sigset_t *mask; /* of signals, that it starts with */
};

enum command_result {
    COMMAND_DONE,        /* it has ended with status 0 */
    COMMAND_NOT_STARTED, /* number: errno */
    COMMAND_STATUS,      /* number: its status, not 0 */
    COMMAND_SIGNAL,      /* number: what has ended it */
    COMMAND_TIME,        /* it was killed at the deadline */
    COMMAND_TOO_MUCH,    /* it was killed: its output does not fit */
    COMMAND_INTERRUPTED, /* it was ended: number is a signal for us, which the caller raises when he has wiped */
    COMMAND_UNABLE       /* number: errno of what we could not do */
};

struct command_ending {
    enum command_result result;
    int number;
    size_t len; /* of what is in room; 0 unless the result is COMMAND_DONE, and room is then wiped */
    size_t said_len;
    char said[COMMAND_SAID_MAX]; /* what was kept of standard error: any bytes */
};

/*
 * Run it until it ends, or is ended: then with all of its process group, by SIGTERM, and a second later by SIGKILL. It
 * is no zombie afterwards. What it has left in the background when it ends by itself goes on. Signals that would end us
 * end it first; those that are blocked already wait. Must be called while the process has one thread.
 */
void command_run(const struct command_run *run, struct command_ending *ending);

/* What has become of it and what to do, for "NAME: TEXT"; of COMMAND_DONE and COMMAND_INTERRUPTED there is nothing. */
#define COMMAND_TEXT_LEN 256
void command_ending_text(const struct command_ending *ending, char text[static COMMAND_TEXT_LEN]);

#endif
