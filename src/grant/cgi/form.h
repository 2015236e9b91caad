/* SPDX-License-Identifier: ISC */
/*
 * A form as a browser sends it, application/x-www-form-urlencoded, taken apart in place. It knows the syntax alone, no
 * field and no meaning, and is strict: what our own page would not send is no form.
 */
#ifndef OSTIARY_FORM_H
#define OSTIARY_FORM_H

#include <stdbool.h>
#include <stddef.h>

#define FORM_LEN_MAX    4096 /* bytes of a whole form */
#define FORM_FIELDS_MAX 12

/* Printable ASCII both. Blanks around a value, as the keyboards of phones add them, are cut off. */
struct form_field {
    const char *name;
    const char *value;
};

struct form {
    struct form_field fields[FORM_FIELDS_MAX];
    size_t count;
};

/*
 * Take len bytes apart, which are changed; text[len] must be a NUL. Everything in *form points into text. Returns 0, or
 * -1: there is a field without "=" or a name, one that stands twice, one too many, an escape that is none, or a byte
 * that is not printable ASCII. Then *form is empty. Any bytes are safe. No byte at all is a form without fields.
 */
int form_parse(char *text, size_t len, struct form *form);

/* The value of a field, or NULL where there is none of that name. */
const char *form_value(const struct form *form, const char *name);

/* Is each field of the form one of these count names? */
bool form_has_only(const struct form *form, const char *const names[], size_t count);

#endif
