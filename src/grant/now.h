/* SPDX-License-Identifier: ISC */
/* The time at which something is done: in a file of its own, so that tests can have another one. */
#ifndef OSTIARY_NOW_H
#define OSTIARY_NOW_H

#include "moment.h"

/* Read the clocks of the machine (moment.h). */
void now_read(struct moment *now);

#endif
