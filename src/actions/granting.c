/* SPDX-License-Identifier: ISC */
/* See granting.h. */
#include "granting.h"

#include "gates.h"
#include "granter.h"
#include "which.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool granting_asks(const char *config_path)
{
    return geteuid() != 0 || which_door(config_path) == DOOR_SEALED;
}

int granting_gates_path(const char *config_path, char path[static PATH_MAX])
{
    const char *slash = strrchr(config_path, '/');
    const int dir_len = slash != NULL ? (int)(slash + 1 - config_path) : 0;
    char here[PATH_MAX] = "";
    int len;

    /* Whoever becomes ostgrant is in another directory by then. */
    if (config_path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
        return -1;
    len = snprintf(path, PATH_MAX, "%s%s%.*s" GATES_NAME, here, *here != '\0' ? "/" : "", dir_len, config_path);
    errno = ENAMETOOLONG;
    return len < PATH_MAX ? 0 : -1;
}

bool granting_can(const struct address *address)
{
    struct source host = {.prefix = 128};

    memcpy(host.address, address->bytes, sizeof(host.address));
    return gates_can_hold(&host);
}

int granting_prepare(const struct config_entry *entry, const char *config_path, const char *address,
                     struct granting *granting)
{
    const char *const list[] = {
        granter_path,
        "-c",
        granting->gates_path,
        "knock",
        entry->revoke ? "close" : "open",
        entry->gate,
        address,
        entry->name,
        entry->clear_old ? "others" : NULL,
        NULL,
    };

    _Static_assert(sizeof(list) == sizeof(granting->arguments), "it is all of them");
    memcpy(granting->arguments, list, sizeof(list));
    return granting_gates_path(config_path, granting->gates_path);
}

enum request_reason granting_ask(const struct config_entry *entry, const char *address)
{
    char line[REQUEST_LINE_MAX];

    snprintf(line, sizeof(line), "%s gate=%s address=%s user=%s%s", entry->revoke ? "close" : "open", entry->gate,
             address, entry->name, entry->clear_old ? " others=close" : "");
    return request_ask(GATES_SOCKET, line, REQUEST_LINE_MAX, NULL, NULL);
}

const char *granting_reason_text(enum request_reason reason)
{
    switch (reason) {
    case REQUEST_DONE:
        return "it is done";
    case REQUEST_NOT_PERMITTED:
        return "ostgrant does not do it for this handler: its GATE needs sealed=yes, and the handler the user ostiary";
    case REQUEST_NO_GATE:
        return "there is no such gate in " GATES_NAME ": correct the name, or write a GATE";
    case REQUEST_NOT_OPEN:
        return "it is not open for this address and user, so that it cannot be closed";
    case REQUEST_FULL:
        return "there is no room: raise the size= of its GATE";
    case REQUEST_BUSY:
        return "ostgrant was busy for too long: try again";
    case REQUEST_CONFIG:
        return GATES_NAME " has an error: 'ostiaryctl check' says which";
    case REQUEST_UNREACHABLE:
        return GATES_SOCKET ": ostgrant has not answered: see to ostiary-grant.socket";
    case REQUEST_MALFORMED:
    case REQUEST_BAD_ADDRESS:
    case REQUEST_BAD_LIFETIME:
    case REQUEST_TOKEN:
    case REQUEST_FAILED:
        break;
    }
    return "ostgrant has not done it: its own lines in the log say why";
}
