/* SPDX-License-Identifier: ISC */
/* See reply.h. */
#include "reply.h"

#include "page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define HEAD_LEN 1024

/* What every answer has: nothing of it is kept anywhere, shown within another page, or taken for something else. */
static const char common[] = "Cache-Control: no-store\r\n"
                             "X-Content-Type-Options: nosniff\r\n"
                             "X-Frame-Options: DENY\r\n"
                             "Referrer-Policy: same-origin\r\n"
                             "Cross-Origin-Opener-Policy: same-origin\r\n"
                             "Cross-Origin-Resource-Policy: same-origin\r\n";

static const char *phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } phrases[] = {
        {200, "OK"},
        {303, "See Other"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "Unknown";
}

static int write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t written = write(STDOUT_FILENO, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        len -= (size_t)written;
    }
    return 0;
}

__attribute__((format(printf, 2, 3))) static int write_head(unsigned status, const char *format, ...)
{
    char head[HEAD_LEN], more[HEAD_LEN / 2];
    va_list arguments;
    int len;

    va_start(arguments, format);
    vsnprintf(more, sizeof(more), format, arguments);
    va_end(arguments);
    len = snprintf(head, sizeof(head), "Status: %u %s\r\n%s%s\r\n", status, phrase(status), common, more);
    return write_all(head, (size_t)len);
}

int reply_page(unsigned status, const struct text *html, bool is_head)
{
    if (write_head(status, "%sContent-Type: text/html; charset=utf-8\r\nContent-Security-Policy: %s\r\n",
                   status == 405 ? "Allow: GET, POST\r\n" : "", page_policy) != 0)
        return -1;
    return is_head ? 0 : write_all(html->bytes, html->len);
}

int reply_see(const char *query)
{
    /* A path here would be a server's to follow by itself (RFC 3875, 6.2.2); what begins with "?" the browser follows.
     */
    return write_head(303, "Location: ?%s\r\nContent-Type: text/plain\r\n", query);
}

int reply_bare(unsigned status)
{
    return write_head(status, "Content-Type: text/plain\r\n");
}
