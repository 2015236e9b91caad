/* SPDX-License-Identifier: ISC */
/*
 * The keywords of a configuration as a table, and the way from a text to the functions that take each line. Each kind
 * of file has a table of its own.
 */
#ifndef OSTIARY_KEYWORD_H
#define OSTIARY_KEYWORD_H

#include "number.h"
#include "parser.h"
#include "scan.h"

#include <stdbool.h>
#include <stddef.h>

#define KEYWORD_LEN_MAX 22 /* of a name in a table */
#define KEYWORDS_MAX    32 /* of one table */

struct keyword;

/* Called for each line with that keyword, which has a field unless the keyword may stand alone. */
typedef void keyword_take(struct parser *parser, const struct keyword *keyword, const struct scan_line *line);

struct keyword {
    const char *name;
    const char *example; /* how a right line looks */
    keyword_take *take;
    bool repeatable;           /* else a second line is warned of, and holds */
    bool alone;                /* may stand without a value */
    unsigned setting;          /* which one: a number of the table's own */
    struct number_range range; /* of a number, or a time */
    const char *no_effect;     /* of what is accepted and has none: why */
};

struct keyword_table {
    const struct keyword *list;
    size_t count;       /* at most KEYWORDS_MAX */
    const char *manual; /* which has them all: "ostiary.cfg(5)" */
};

/* Take each line of a text, which is changed. text[len] must be a NUL. */
void keyword_read_lines(struct parser *parser, const struct keyword_table *table, char *text, size_t len);

/*
 * Take the fields of a line from number first on, each of which is an option, "name=value", in a table of their names.
 * Each is given to its function as a line with that one value. The second of a name is an error.
 */
void keyword_read_options(struct parser *parser, const struct keyword_table *table, const struct scan_line *line,
                          size_t first);

#endif
