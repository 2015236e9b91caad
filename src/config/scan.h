/* SPDX-License-Identifier: ISC */
/*
 * One line of a configuration into its keyword and its fields, decoded in place: KEYWORD, or KEYWORD=field,field,...
 *
 * It knows the syntax alone, no keyword and no meaning. A field is quoted or bare; in quotes only \" is an escape.
 * # starts a comment outside quotes. It allocates nothing and copies nothing, so that a secret stays where it was.
 */
#ifndef OSTIARY_SCAN_H
#define OSTIARY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define SCAN_FIELDS_MAX 64

enum scan_fault {
    SCAN_OK,
    SCAN_CONTROL,    /* a NUL or another control character that is not a tab, and in no comment */
    SCAN_NO_KEYWORD, /* starts with something that is no word */
    SCAN_NO_EQUALS,  /* something else than = behind the keyword */
    SCAN_NO_VALUE,   /* nothing behind = or a comma */
    SCAN_NOT_ASCII,  /* outside quotes */
    SCAN_OPEN_QUOTE, /* no closing quote */
    SCAN_TRAILING,   /* text behind a value */
    SCAN_TOO_MANY    /* more than SCAN_FIELDS_MAX fields */
};

/* A NUL follows the len bytes, and there is none among them. */
struct scan_field {
    const char *text;
    size_t len;
    bool quoted;
};

struct scan_line {
    const char *keyword; /* NULL: a line with nothing in it */
    struct scan_field fields[SCAN_FIELDS_MAX];
    size_t field_count; /* 0: the keyword stands alone */
};

/*
 * Read the len bytes at text, a line without its newline; one CR at the end belongs to the line's end. text[len] must
 * be writable: the place of the newline, or of the NUL behind the text. Everything in *line points into text, which is
 * changed. On a fault the keyword is set if it was read, and the fields are those before the fault. Linear in len.
 */
enum scan_fault scan_line(char *text, size_t len, struct scan_line *line);

/* Does the text start with a byte order mark: that of UTF-8, or that of UTF-16, in either order? */
#define SCAN_MARK_LEN 3
bool scan_has_mark(const char *text, size_t len);
bool scan_is_utf_16(const char *text, size_t len);

/* What is wrong and what to write instead; it quotes nothing of the line. */
const char *scan_fault_text(enum scan_fault fault);

#endif
