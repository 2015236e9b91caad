/* SPDX-License-Identifier: ISC */
/* Parts of the page that are needed in more than one place of it. Used by page*.c alone. */
#ifndef OSTIARY_PAGE_PARTS_H
#define OSTIARY_PAGE_PARTS_H

#include "page.h"

/* The beginning of a form, with what has to be in each. With a gate, the form is about that one. */
void page_begin_form(struct text *html, const struct page *page, const char *gate);

/* A field without anything to see. */
void page_hide(struct text *html, const char *name, const char *value);

struct page_button {
    enum wish_deed deed;
    const char *label;
    const char *class_name;
};
void page_button(struct text *html, const struct page_button *button);

/* What is left of a grant and until when, or what it waits for. */
void page_left(struct text *html, const struct page *page, const struct answer_grant *grant);

/* What had been typed to a field of the form that was not good; "" where that was nothing. */
const char *page_typed(const struct page *page, const char *name);

/* What only admins have: page_admin.c. */
void page_write_admin(struct text *html, const struct page *page);

#endif
