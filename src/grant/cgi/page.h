/* SPDX-License-Identifier: ISC */
/*
 * The page, whole, as HTML. It has no script, asks for nothing from elsewhere, and everything in it that is not of this
 * source is escaped. Its one style is what PAGE_POLICY allows, by its hash.
 */
#ifndef OSTIARY_PAGE_H
#define OSTIARY_PAGE_H

#include "answer.h"
#include "form.h"
#include "refusal.h"
#include "text.h"
#include "visitor.h"
#include "wish.h"

#include <stdbool.h>
#include <stdint.h>

/* The page's Content-Security-Policy. */
extern const char page_policy[];

struct page {
    const struct visitor *visitor;
    const struct answer *answer; /* NULL: only what went wrong, and a way back */
    enum refusal refusal;        /* why something was not done */
    const struct form *typed;    /* what the visitor had typed then, to be mended; NULL: nothing */
    bool is_done;                /* something was: what, and at which gate */
    enum wish_deed done;
    char done_gate[GATES_NAME_MAX + 1];
    uint64_t now_s; /* by the wall clock */
};

void page_write(struct text *html, const struct page *page);

#endif
