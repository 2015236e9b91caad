/* SPDX-License-Identifier: ISC */
/* See module.h. */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const void *module_load(const char *path, const char *symbol, const char *library,
                        char problem[static MODULE_PROBLEM_LEN])
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const void *found = object != NULL ? dlsym(object, symbol) : NULL;
    const char *version;

    if (found == NULL) {
        snprintf(problem, MODULE_PROBLEM_LEN, "%s cannot be loaded: %s: install Ostiary anew, or %s", library,
                 dlerror(), library);
        return NULL;
    }
    memcpy(&version, found, sizeof(version));
    if (strcmp(version, OSTIARY_VERSION) == 0)
        return found;
    snprintf(problem, MODULE_PROBLEM_LEN,
             "%s cannot be loaded: %s is of version %s, and this is " OSTIARY_VERSION ": install Ostiary anew", library,
             path, version);
    return NULL;
}
