/* SPDX-License-Identifier: ISC */
/* See visitor.h. */
#include "visitor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t at;
} wanted[] = {
    {"REQUEST_METHOD", offsetof(struct visitor_variables, request_method)},
    {"QUERY_STRING", offsetof(struct visitor_variables, query_string)},
    {"CONTENT_TYPE", offsetof(struct visitor_variables, content_type)},
    {"CONTENT_LENGTH", offsetof(struct visitor_variables, content_length)},
    {"REMOTE_USER", offsetof(struct visitor_variables, remote_user)},
    {"REMOTE_ADDR", offsetof(struct visitor_variables, remote_addr)},
    {"HTTPS", offsetof(struct visitor_variables, https)},
    {"HTTP_SEC_FETCH_SITE", offsetof(struct visitor_variables, sec_fetch_site)},
    {"HTTP_ORIGIN", offsetof(struct visitor_variables, origin)},
    {"HTTP_HOST", offsetof(struct visitor_variables, host)},
};

/* What the server says of the visitor. getenv(3) takes the first where there are two. */
static const char *const servers_own[] = {"REMOTE_USER", "REMOTE_ADDR", "HTTPS"};

static bool is_double(const char *name)
{
    const char *value = getenv(name);
    const size_t len = strlen(name);

    for (char **variable = environ; value != NULL && *variable != NULL; variable++)
        if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=' && strcmp(*variable + len + 1, value) != 0)
            return true;
    return false;
}

static int copy_wanted(struct visitor_variables *variables)
{
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *value = getenv(wanted[i].name);
        char *copy;

        if (value == NULL)
            continue;
        copy = strdup(value);
        if (copy == NULL)
            return -1;
        memcpy((char *)variables + wanted[i].at, &copy, sizeof(copy));
    }
    return 0;
}

int visitor_read_environment(struct visitor_variables *variables)
{
    int status;

    *variables = (struct visitor_variables){0};
    status = copy_wanted(variables);
    for (size_t i = 0; i < sizeof(servers_own) / sizeof(servers_own[0]); i++)
        variables->is_double |= is_double(servers_own[i]);
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        explicit_bzero(*variable, strlen(*variable));
    clearenv();
    return status;
}

/* ---- Who ---- */

static bool is_loopback(const struct address *address)
{
    const struct address six = {.bytes = {[15] = 1}};

    return (address_is_ipv4(address) && address->bytes[12] == 127) ||
           memcmp(address->bytes, six.bytes, sizeof(six.bytes)) == 0;
}

static enum refusal check_address(struct visitor *visitor)
{
    const char *text = visitor->variables.remote_addr;
    struct address address;

    if (text == NULL || address_parse(text, &address) != ADDRESS_OK)
        return REFUSAL_SEEN;
    address_format(&address, visitor->seen);
    visitor->is_here = is_loopback(&address);
    return REFUSAL_NONE;
}

static enum refusal check_user(struct visitor *visitor)
{
    const char *text = visitor->variables.remote_user;

    if (text == NULL)
        return REFUSAL_NO_USER;
    if (text[0] == '\0')
        return REFUSAL_NOBODY;
    if (!gates_is_user(text))
        return REFUSAL_USER;
    snprintf(visitor->user, sizeof(visitor->user), "%s", text);
    return REFUSAL_NONE;
}

enum refusal visitor_check(struct visitor *visitor)
{
    const char *https = visitor->variables.https;
    enum refusal refusal = visitor->variables.is_double ? REFUSAL_TWICE : check_address(visitor);

    visitor->by_tls = https != NULL && strcmp(https, "on") == 0;
    if (refusal == REFUSAL_NONE)
        refusal = check_user(visitor);
    /* What never leaves the machine needs no TLS. */
    if (refusal == REFUSAL_NONE && !visitor->by_tls && !visitor->is_here)
        refusal = REFUSAL_HTTPS;
    return refusal;
}

/* ---- From where ---- */

/* Is Origin what the browser would say of a page of this host? */
static bool origin_is_host(const struct visitor *visitor)
{
    const char *const scheme = visitor->by_tls ? "https://" : "http://";
    const char *origin = visitor->variables.origin, *host = visitor->variables.host;

    return origin != NULL && host != NULL && host[0] != '\0' && strncmp(origin, scheme, strlen(scheme)) == 0 &&
           strcmp(origin + strlen(scheme), host) == 0;
}

bool visitor_is_on_our_page(const struct visitor *visitor)
{
    const char *site = visitor->variables.sec_fetch_site;

    /* "none": by the person himself, who sends a form anew. A browser that does not know the one header has the other.
     */
    if (site != NULL)
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return origin_is_host(visitor);
}

bool visitor_comes_from_elsewhere(const struct visitor *visitor)
{
    const char *site = visitor->variables.sec_fetch_site;

    return site != NULL && strcmp(site, "same-origin") != 0;
}
