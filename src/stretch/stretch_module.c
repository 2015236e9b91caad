/* SPDX-License-Identifier: ISC */
/* The one name that stretch.so exports: see stretch_module.h. */
#include "stretch_module.h"

extern const struct stretch_functions ostiary_stretch;

__attribute__((visibility("default"))) const struct stretch_functions ostiary_stretch = {
    .version = OSTIARY_VERSION,
    .run = stretch_run,
    .problem = stretch_problem,
};
