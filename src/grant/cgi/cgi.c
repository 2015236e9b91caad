/* SPDX-License-Identifier: ISC */
/*
 * ostgrant.cgi: the web form by which a user opens a gate for the address that he comes from. A web server has
 * authenticated him, and starts this for each request, as a user of its own without any rights; what is to be done is
 * asked of ostgrant over its socket, which decides. See ostgrant.cgi(8).
 *
 * It trusts what the server says of the visitor, and nothing that the browser says: a form is taken if it is small, of
 * this page, and in order, and then it is still ostgrant that knows the token.
 */
#include "answer.h"
#include "clock.h"
#include "form.h"
#include "log.h"
#include "number.h"
#include "page.h"
#include "process.h"
#include "reply.h"
#include "request.h"
#include "stream.h"
#include "visitor.h"
#include "wish.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#define BODY_LIMIT_MS 10000
#define DRAIN_MAX     (4 * 1024 * 1024) /* bytes of a form that is refused */

/* How one request goes. Large, and one of a process. */
static struct {
    struct visitor visitor;
    char body[FORM_LEN_MAX + 1];
    size_t unread;             /* bytes of the form that the server has still to give */
    struct stream_limit limit; /* of all reading */
    struct form form;
    struct wish wish;
    struct answer answer;
    struct page page;
} one;

/* ---- What goes wrong ---- */

/* One line for each request that is not done, unless ostgrant has written it. No value is in it that is not known to be
 * one. */
static void log_refusal(enum refusal refusal)
{
    const struct refusal_text *text = refusal_text(refusal);
    const struct visitor *visitor = &one.visitor;

    if (text->reason != NULL)
        log_line(LOG_WARNING, "refused seen=%s user=%s reason=%s: %s", visitor->seen[0] != '\0' ? visitor->seen : "?",
                 visitor->user[0] != '\0' ? visitor->user : "?", text->reason, text->cause);
}

/* ---- Asking ostgrant ---- */

/* The refusals for what it answers stand in the order of its reasons. */
_Static_assert(REFUSAL_UNREACHABLE - REFUSAL_MALFORMED == REQUEST_UNREACHABLE - REQUEST_MALFORMED,
               "no refusal for a reason");

static enum refusal refusal_of(enum request_reason reason)
{
    if (reason == REQUEST_DONE)
        return REFUSAL_NONE;
    return (enum refusal)(REFUSAL_MALFORMED + (int)(reason - REQUEST_MALFORMED));
}

static enum refusal ask(const char *line, char **answer, size_t *len)
{
    const enum request_reason reason = request_ask(GATES_WEB_SOCKET, line, ANSWER_LEN_MAX, answer, len);

    if (reason == REQUEST_UNREACHABLE)
        log_line(LOG_ERR, "%s: %s", GATES_WEB_SOCKET, strerror(errno));
    return refusal_of(reason);
}

/* What the page is to show. Who may open nothing at all is not told more. */
static enum refusal ask_what_is_open(void)
{
    char line[REQUEST_LINE_MAX + 1];
    char *answer = NULL;
    size_t len = 0;
    enum refusal refusal;

    snprintf(line, sizeof(line), "show user=%s seen=%s", one.visitor.user, one.visitor.seen);
    refusal = ask(line, &answer, &len);
    if (refusal == REFUSAL_NONE && answer_parse(answer, len, &one.answer) != 0)
        refusal = REFUSAL_ANSWER;
    free(answer);
    if (refusal == REFUSAL_NONE)
        one.page.answer = &one.answer;
    return refusal;
}

static enum refusal ask_for_wish(void)
{
    char line[REQUEST_LINE_MAX + 1];
    size_t len;

    if (wish_line(&one.wish, &one.visitor, line) != 0)
        return REFUSAL_FORM;
    return ask(line, NULL, &len);
}

/* ---- The answer to the browser ---- */

static int send_page(void)
{
    struct text html = {0};
    int status;

    one.page.visitor = &one.visitor;
    one.page.now_s = (uint64_t)clock_wall_ms() / 1000;
    page_write(&html, &one.page);
    if (html.failed) {
        log_refusal(REFUSAL_MEMORY);
        status = reply_bare(refusal_text(REFUSAL_MEMORY)->status);
    } else {
        const char *method = one.visitor.variables.request_method;

        status = reply_page(refusal_text(one.page.refusal)->status, &html, strcmp(method, "HEAD") == 0);
    }
    text_free(&html);
    return status;
}

/*
 * Take what is left of the form, and throw it away. Where the server gives it through a socket, as Apache does, what is
 * unread at the end of this process would take the answer along.
 */
static void drain(void)
{
    char bytes[4096];

    while (one.unread > 0 && stream_wait(STDIN_FILENO, POLLIN, one.limit) == STREAM_OK) {
        const ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));

        if (got <= 0)
            return;
        one.unread -= (size_t)got < one.unread ? (size_t)got : one.unread;
    }
}

/* The page again where that helps, with what was typed; else only what went wrong. */
static int send_refusal(enum refusal refusal)
{
    log_refusal(refusal);
    drain();
    one.page.refusal = refusal;
    one.page.typed = &one.form;
    if (refusal_text(refusal)->with_page) {
        const enum refusal second = ask_what_is_open();

        if (second != REFUSAL_NONE && second != refusal)
            log_refusal(second);
    }
    return send_page();
}

/* ---- Looking at the page ---- */

/*
 * The query is empty, or of a page to which a form has led: what was done, and at which gate. It is believed only where
 * the browser says that it was no link of somebody else's.
 */
static enum refusal take_query(void)
{
    static const char *const fields[] = {"done", WISH_FIELD_GATE};
    char *query = one.visitor.variables.query_string;
    const char *done, *gate;

    if (query == NULL || query[0] == '\0')
        return REFUSAL_NONE;
    if (form_parse(query, strlen(query), &one.form) != 0 || !form_has_only(&one.form, fields, 2))
        return REFUSAL_QUERY;
    done = form_value(&one.form, fields[0]);
    gate = form_value(&one.form, fields[1]);
    if (done == NULL || gate == NULL || !gates_is_name(gate) || !wish_deed_of(done, &one.page.done))
        return REFUSAL_QUERY;
    snprintf(one.page.done_gate, sizeof(one.page.done_gate), "%s", gate);
    one.page.is_done = !visitor_comes_from_elsewhere(&one.visitor);
    return REFUSAL_NONE;
}

/* It is who is on this machine, or a proxy that is: the page says so to him, and this to the administrator. */
static void log_visitor_here(void)
{
    if (one.visitor.is_here)
        log_line(LOG_WARNING, "seen=%s user=%s: %s", one.visitor.seen, one.visitor.user,
                 refusal_text(REFUSAL_HERE)->cause);
}

/* A gate is never opened for the address of a proxy on this machine. */
static enum refusal judge_wish(void)
{
    const bool opens = one.wish.deed == WISH_OPEN || one.wish.deed == WISH_RENEW;

    return opens && one.visitor.is_here && one.wish.address[0] == '\0' ? REFUSAL_HERE : REFUSAL_NONE;
}

static int answer_get(void)
{
    enum refusal refusal = take_query();

    log_visitor_here();
    if (refusal == REFUSAL_NONE)
        refusal = ask_what_is_open();
    return refusal == REFUSAL_NONE ? send_page() : send_refusal(refusal);
}

/* ---- Taking a form ---- */

/* "application/x-www-form-urlencoded", with or without parameters. */
static bool is_form_type(const char *type)
{
    static const char name[] = "application/x-www-form-urlencoded";
    const size_t len = sizeof(name) - 1;

    return type != NULL && strncasecmp(type, name, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

/* Servers say in three ways that there is none. */
static enum refusal take_length(const char *text, size_t *len)
{
    const struct number_range range = {1, FORM_LEN_MAX};
    uint64_t number = 0;

    if (text == NULL || text[0] == '\0' || strcmp(text, "0") == 0)
        return REFUSAL_NO_BODY;
    switch (number_parse(text, range, &number)) {
    case NUMBER_OK:
        *len = (size_t)number;
        return REFUSAL_NONE;
    case NUMBER_OUT_OF_RANGE:
        return REFUSAL_SIZE;
    case NUMBER_MALFORMED:
        break;
    }
    return REFUSAL_LENGTH;
}

static enum refusal read_body(size_t len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t more;

        if (stream_wait(STDIN_FILENO, POLLIN, one.limit) != STREAM_OK)
            return REFUSAL_SHORT;
        more = read(STDIN_FILENO, one.body + got, len - got);
        if (more < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (more <= 0)
            return REFUSAL_SHORT;
        got += (size_t)more;
        one.unread -= (size_t)more;
    }
    return REFUSAL_NONE;
}

/* Nothing is read of a form that is not of our page, or too large for one. */
static enum refusal take_form(void)
{
    const struct visitor_variables *variables = &one.visitor.variables;
    enum refusal refusal;
    size_t len = 0;

    if (variables->query_string != NULL && variables->query_string[0] != '\0')
        return REFUSAL_QUERY;
    if (!visitor_is_on_our_page(&one.visitor))
        return REFUSAL_SITE;
    if (!is_form_type(variables->content_type))
        return REFUSAL_TYPE;
    refusal = take_length(variables->content_length, &len);
    if (refusal == REFUSAL_NONE)
        refusal = read_body(len);
    if (refusal == REFUSAL_NONE && form_parse(one.body, len, &one.form) != 0)
        refusal = REFUSAL_FORM;
    return refusal;
}

/* How much the server says that there is; no more of it than can be thrown away. */
static size_t announced(void)
{
    const char *text = one.visitor.variables.content_length;
    uint64_t number = 0;

    if (text == NULL || number_parse(text, (struct number_range){0, DRAIN_MAX}, &number) != NUMBER_OK)
        return 0;
    return (size_t)number;
}

static int answer_post(void)
{
    char query[FORM_LEN_MAX];
    enum refusal refusal = take_form();

    if (refusal == REFUSAL_NONE)
        refusal = wish_take(&one.form, &one.wish);
    if (refusal == REFUSAL_NONE)
        refusal = judge_wish();
    if (refusal == REFUSAL_NONE)
        refusal = ask_for_wish();
    if (refusal != REFUSAL_NONE)
        return send_refusal(refusal);
    snprintf(query, sizeof(query), "done=%s&gate=%s", wish_deed_word(one.wish.deed), one.wish.gate);
    return reply_see(query);
}

/* ---- All of it ---- */

static int answer_visitor(void)
{
    const char *method = one.visitor.variables.request_method;
    const enum refusal refusal = visitor_check(&one.visitor);

    one.unread = announced();
    one.limit = stream_from_now(BODY_LIMIT_MS);
    if (refusal != REFUSAL_NONE)
        return send_refusal(refusal);
    if (strcmp(method, "GET") == 0)
        return answer_get();
    if (strcmp(method, "POST") == 0)
        return answer_post();
    return send_refusal(REFUSAL_METHOD);
}

static const char help_text[] = "\n"
                                "The web form of Ostiary's gates. A web server runs it: see ostgrant.cgi(8).\n"
                                "\n"
                                "      --help     show this\n"
                                "      --version  show the version\n";

/* Only where no web server has started it: one may make arguments of what a browser sends. */
static int answer_person(int argc, char *argv[])
{
    static const char usage[] = "usage: ostgrant.cgi [--help | --version]\n";

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("ostgrant.cgi " OSTIARY_VERSION);
        return EX_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s%s", usage, help_text);
        return EX_OK;
    }
    fputs(usage, stderr);
    return EX_USAGE;
}

int main(int argc, char *argv[])
{
    if (getenv("REQUEST_METHOD") == NULL)
        return answer_person(argc, argv);
    log_open_syslog("ostgrant.cgi");
    if (process_confine() != 0) {
        log_line(LOG_ERR, "cannot begin: %s", strerror(errno));
        return EX_OSERR;
    }
    if (visitor_read_environment(&one.visitor.variables) != 0) {
        log_refusal(REFUSAL_MEMORY);
        return reply_bare(refusal_text(REFUSAL_MEMORY)->status) == 0 ? EX_OK : EX_IOERR;
    }
    return answer_visitor() == 0 ? EX_OK : EX_IOERR;
}
