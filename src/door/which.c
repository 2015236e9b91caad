/* SPDX-License-Identifier: ISC */
/* See which.h. */
#include "which.h"

#include <string.h>

enum doors which_door(const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    const char *name = slash == NULL ? config_path : slash + 1;

    return strcmp(name, "ostiary-sealed.cfg") == 0 ? DOOR_SEALED : DOOR_KNOCK;
}
