/* SPDX-License-Identifier: ISC */
/*
 * One run over the text of a configuration: where it is, what it has found, and the memory for what is kept. It is the
 * same for each kind of file. What a kind has of its own is behind parser->file, and belongs to who reads that kind.
 */
#ifndef OSTIARY_PARSER_H
#define OSTIARY_PARSER_H

#include "config.h"
#include "file.h"

#include <stdbool.h>
#include <stddef.h>

struct parser {
    const struct config_reader *reader;
    void *file;          /* what the lines are read into, and what else is known of them */
    unsigned line;       /* the line that findings are about; 0: the file as a whole */
    const char *keyword; /* put before the text of a finding; NULL: nothing */
    const char *option;  /* put behind the keyword, as "option= "; NULL: nothing */
    size_t secret;       /* number of the secret in its line, put behind the text; 0: nothing */

    char *strings; /* free room behind the file's own memory */
    size_t strings_left;

    size_t errors;   /* all, shown or not */
    size_t findings; /* errors, warnings and notes, likewise */
};

/*
 * Memory for a text of len bytes: own bytes for whatever its lines are read into, all zero, and behind them room for
 * each string of it (parser_keep). Returns NULL after reporting an error: there is no memory, or it is no text that
 * could be read. The caller frees.
 */
void *parser_begin(struct parser *parser, const char *text, size_t len, size_t own);

/* Report how much was not shown. */
void parser_end(struct parser *parser);

/* True once findings are no longer shown: no hint needs to be made up. */
bool parser_is_mute(const struct parser *parser);

/* Report a finding about parser->line. In a file with secrets no argument may come from the text that is read. */
void parser_error(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
void parser_warn(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
void parser_note(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Report that a file could not be read. errno is that of the fault; remedy is for one that is not there, or "". */
void parser_error_file(struct parser *parser, const char *what, enum file_fault fault, const char *remedy);

/* A copy of len bytes with a NUL behind them, in the memory of parser_begin. Never of a secret. */
char *parser_keep(struct parser *parser, const char *text, size_t len);

#endif
