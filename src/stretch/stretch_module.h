/* SPDX-License-Identifier: ISC */
/*
 * What of stretch.h needs libgcrypt, as a shared object of its own (stretch.so), for ostiaryctl: it has to work, and to
 * say what is wrong, also where there is no libgcrypt. stretch_module.c is the object's side, stretch_loader.c the
 * program's. It is another object than mac.so, for nothing of it is to be in a handler.
 */
#ifndef OSTIARY_STRETCH_MODULE_H
#define OSTIARY_STRETCH_MODULE_H

#include "stretch.h"

/* The name by which stretch.so exports its struct stretch_functions. It exports nothing else. */
#define STRETCH_MODULE_SYMBOL "ostiary_stretch"

struct stretch_functions {
    const char *version; /* first, as module_load wants it */
    enum stretch_fault (*run)(const struct stretch_label *label, struct secret passphrase,
                              uint8_t secret[static STRETCH_SECRET_LEN]);
    const char *(*problem)(void);
};

#endif
