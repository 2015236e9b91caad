/* SPDX-License-Identifier: ISC */
/* See reach.h. Called by the knock, and by the client for its address. */
#include "reach.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const struct sockaddr_in6 *link_local(const struct sockaddr *name)
{
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)name;

    if (name == NULL || name->sa_family != AF_INET6)
        return NULL;
    return IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr) ? ipv6 : NULL;
}

enum reach_fault reach_check(const struct connect_address *address)
{
    const struct sockaddr_in6 *ipv6 = link_local((const struct sockaddr *)&address->name);
    char name[IF_NAMESIZE];

    if (ipv6 == NULL)
        return REACH_OK;
    if (ipv6->sin6_scope_id == 0)
        return REACH_NO_INTERFACE;
    return if_indextoname(ipv6->sin6_scope_id, name) != NULL ? REACH_OK : REACH_UNKNOWN;
}

/* Whether the list, of names with ", " between them, has this one. */
static bool has_name(const char *list, const char *name)
{
    const size_t len = strlen(name);

    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

void reach_interfaces(char text[static REACH_TEXT_LEN])
{
    struct ifaddrs *all = NULL;
    size_t used = 0;

    text[0] = '\0';
    if (getifaddrs(&all) != 0)
        all = NULL;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        const size_t room = REACH_TEXT_LEN - used;

        if (link_local(one->ifa_addr) == NULL || has_name(text, one->ifa_name))
            continue;
        if (strlen(one->ifa_name) + sizeof(", ") > room)
            break;
        used += (size_t)snprintf(text + used, room, "%s%s", used > 0 ? ", " : "", one->ifa_name);
    }
    if (all != NULL)
        freeifaddrs(all);
    if (used == 0)
        snprintf(text, REACH_TEXT_LEN, "none, for no interface has such an address");
}

void reach_fault_text(enum reach_fault fault, char text[static REACH_TEXT_LEN])
{
    char here[REACH_TEXT_LEN];

    reach_interfaces(here);
    switch (fault) {
    case REACH_OK:
        snprintf(text, REACH_TEXT_LEN, "can be tried");
        break;
    case REACH_NO_INTERFACE:
        snprintf(text, REACH_TEXT_LEN, "an interface is missing, as in fe80::1%%eth0; here it can be: %.300s", here);
        break;
    case REACH_UNKNOWN:
        snprintf(text, REACH_TEXT_LEN, "there is no such interface; here it can be: %.300s", here);
        break;
    }
}

void reach_error_text(int error, char text[static REACH_TEXT_LEN])
{
    switch (error) {
    case ECONNREFUSED:
        snprintf(text, REACH_TEXT_LEN, "connection refused: is the listener up?");
        break;
    case ETIMEDOUT:
        snprintf(text, REACH_TEXT_LEN, "no answer: is the address right, or does a firewall drop the packets?");
        break;
    case ENETUNREACH:
    case EHOSTUNREACH:
        snprintf(text, REACH_TEXT_LEN, "unreachable: is the network up, and the address right?");
        break;
    case EACCES:
    case EPERM:
        snprintf(text, REACH_TEXT_LEN, "forbidden by this machine: look at its firewall");
        break;
    default:
        snprintf(text, REACH_TEXT_LEN, "cannot connect: %s", strerror(error));
        break;
    }
}
