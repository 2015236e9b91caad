/* SPDX-License-Identifier: ISC */
/* See resolve.h. */
#include "resolve.h"

#include "stream.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_TEXT_LEN sizeof("65535")

/* A question that glibc's resolver thread works on; it must not move or go while the thread does. */
struct question {
    char *host;
    char port[PORT_TEXT_LEN];
    struct addrinfo hints;
    struct gaicb request;
};

static void forget(struct question *question)
{
    free(question->host);
    free(question);
}

static struct question *new_question(const struct resolve_query *query)
{
    struct question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        return NULL;
    question->host = strdup(query->host);
    if (question->host == NULL) {
        forget(question);
        return NULL;
    }
    snprintf(question->port, sizeof(question->port), "%u", (unsigned)query->port);
    question->hints.ai_family = query->family;
    question->hints.ai_socktype = SOCK_STREAM;
    question->hints.ai_flags = AI_NUMERICSERV;
    question->request.ar_name = question->host;
    question->request.ar_service = question->port;
    question->request.ar_request = &question->hints;
    return question;
}

static enum resolve_result judge(int gai_status)
{
    switch (gai_status) {
    case 0:
        return RESOLVE_OK;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return RESOLVE_UNKNOWN;
    default:
        return RESOLVE_FAILED;
    }
}

/* Wait for the answer. Returns false when the deadline came first. */
static bool wait_answer(struct question *question, int64_t deadline_ms)
{
    const struct gaicb *requests[] = {&question->request};

    while (gai_error(&question->request) == EAI_INPROGRESS) {
        const int64_t left = deadline_ms - stream_now_ms();
        const struct timespec limit = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

        if (left <= 0)
            return false;
        gai_suspend(requests, 1, &limit);
    }
    return true;
}

/* Ask the name services, in a thread of glibc's own that can be left behind. */
static enum resolve_result ask(const struct resolve_query *query, int64_t deadline_ms, struct addrinfo **addresses,
                               int *gai_status)
{
    struct question *question = new_question(query);
    struct gaicb *requests[1];
    enum resolve_result result;

    *gai_status = EAI_MEMORY;
    if (question == NULL)
        return RESOLVE_FAILED;
    requests[0] = &question->request;
    *gai_status = getaddrinfo_a(GAI_NOWAIT, requests, 1, NULL);
    if (*gai_status != 0) {
        forget(question);
        return RESOLVE_FAILED;
    }
    if (!wait_answer(question, deadline_ms) && gai_cancel(&question->request) == EAI_NOTCANCELED)
        return RESOLVE_TIMEOUT; /* the thread has the question still: it is never freed */

    *gai_status = gai_error(&question->request);
    result = *gai_status == EAI_CANCELED ? RESOLVE_TIMEOUT : judge(*gai_status);
    if (result == RESOLVE_OK)
        *addresses = question->request.ar_result;
    forget(question);
    return result;
}

enum resolve_result resolve_host(const struct resolve_query *query, int64_t deadline_ms, struct addrinfo **addresses,
                                 int *gai_status)
{
    const struct addrinfo numeric = {
        .ai_family = query->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    char port[PORT_TEXT_LEN];

    *addresses = NULL;
    /* A numeric address needs neither a thread nor any name service. */
    snprintf(port, sizeof(port), "%u", (unsigned)query->port);
    *gai_status = getaddrinfo(query->host, port, &numeric, addresses);
    if (*gai_status == 0)
        return RESOLVE_OK;
    return ask(query, deadline_ms, addresses, gai_status);
}
