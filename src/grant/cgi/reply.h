/* SPDX-License-Identifier: ISC */
/* What goes back to the browser, by way of the web server: headers as CGI has them (RFC 3875), and the page. */
#ifndef OSTIARY_REPLY_H
#define OSTIARY_REPLY_H

#include "text.h"

#include <stdbool.h>

/* A page with this status. A HEAD gets the headers alone. Returns 0, or -1: the server did not take it. */
int reply_page(unsigned status, const struct text *html, bool is_head);

/* To the same page, by GET, with this query: so that loading it again sends no form again. */
int reply_see(const char *query);

/* What is left to say without memory. */
int reply_bare(unsigned status);

#endif
