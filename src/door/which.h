/* SPDX-License-Identifier: ISC */
/*
 * Which door a configuration is that of. Each door has a file of its own, and goes by its name: ostiary-sealed.cfg is
 * the sealed door's, in whatever directory it is; every other is the knock's.
 */
#ifndef OSTIARY_WHICH_H
#define OSTIARY_WHICH_H

#include "doors.h"

enum doors which_door(const char *config_path);

#endif
