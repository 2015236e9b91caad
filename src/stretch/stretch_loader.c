/* SPDX-License-Identifier: ISC */
/*
 * stretch.h for a program that is not linked with libgcrypt: see stretch_module.h. The object is opened by the absolute
 * path that was chosen when this was built.
 */
#include "stretch_module.h"

#include "module.h"

#include <string.h>

static const struct stretch_functions *loaded; /* NULL: nothing yet */
static char load_problem[MODULE_PROBLEM_LEN];

enum stretch_fault stretch_run(const struct stretch_label *label, struct secret passphrase,
                               uint8_t secret[static STRETCH_SECRET_LEN])
{
    memset(secret, 0, STRETCH_SECRET_LEN);
    if (loaded == NULL)
        loaded = module_load(OSTIARY_STRETCH_MODULE, STRETCH_MODULE_SYMBOL, "libgcrypt", load_problem);
    return loaded == NULL ? STRETCH_NO_LIBRARY : loaded->run(label, passphrase, secret);
}

const char *stretch_problem(void)
{
    return loaded == NULL ? load_problem : loaded->problem();
}
