/* SPDX-License-Identifier: ISC */
/*
 * One JSON text (RFC 8259) to a stream, without white space in it. Whatever bytes a value has, what is written is valid
 * JSON in UTF-8: control characters are escaped, and a byte that is no UTF-8 is written as U+FFFD.
 *
 * The caller opens and closes objects and arrays in pairs. Within an object every value has a name; within an
 * array, and at the top, name is NULL. Errors stay in the stream, for ferror(3).
 */
#ifndef OSTIARY_JSON_H
#define OSTIARY_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool follows; /* something stands before the next value on its level: it needs a comma */
};

void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);

/* NULL is written as null. */
void json_text(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

/* The end of the text: a line feed. The next value begins a text of its own. */
void json_end(struct json *json);

#endif
