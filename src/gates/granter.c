/* SPDX-License-Identifier: ISC */
/* See granter.h. */
#include "granter.h"

const char granter_path[] = OSTIARY_GRANTER;
