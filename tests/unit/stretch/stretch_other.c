/* SPDX-License-Identifier: ISC */
/* A stretch.so of another Ostiary: nothing of it but the version may be looked at. */
#include "stretch_module.h"

extern const struct stretch_functions ostiary_stretch;

const struct stretch_functions ostiary_stretch = {.version = "0.0.0"};
