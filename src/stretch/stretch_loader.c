/* SPDX-License-Identifier: ISC */
/*
 * stretch.h for a program that is not linked with libgcrypt: see stretch_module.h. The object is opened by the absolute
 * path that was chosen when this was built.
 */
#include "stretch_module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_LEN 1024

static const struct stretch_functions *loaded; /* NULL: nothing yet */
static char load_problem[PROBLEM_LEN];

/* The object stays loaded, whether it can be used or not. */
static const struct stretch_functions *load(void)
{
    void *object = dlopen(OSTIARY_STRETCH_MODULE, RTLD_NOW | RTLD_LOCAL);
    const struct stretch_functions *functions = object != NULL ? dlsym(object, STRETCH_MODULE_SYMBOL) : NULL;

    if (functions == NULL) {
        snprintf(load_problem, sizeof(load_problem),
                 "libgcrypt cannot be loaded: %s: install Ostiary anew, or libgcrypt", dlerror());
        return NULL;
    }
    if (strcmp(functions->version, OSTIARY_VERSION) != 0) {
        snprintf(load_problem, sizeof(load_problem),
                 "libgcrypt cannot be loaded: %s is of version %s, and this is " OSTIARY_VERSION
                 ": install Ostiary anew",
                 OSTIARY_STRETCH_MODULE, functions->version);
        return NULL;
    }
    return functions;
}

enum stretch_fault stretch_run(const struct stretch_label *label, struct secret passphrase,
                               uint8_t secret[static STRETCH_SECRET_LEN])
{
    memset(secret, 0, STRETCH_SECRET_LEN);
    if (loaded == NULL)
        loaded = load();
    return loaded == NULL ? STRETCH_NO_LIBRARY : loaded->run(label, passphrase, secret);
}

const char *stretch_problem(void)
{
    return loaded == NULL ? load_problem : loaded->problem();
}
